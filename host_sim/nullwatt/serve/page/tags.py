"""Elements of the page: plain HTML tags with their handlers in Python. Their looks are in page.css."""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import events, ui
from nicegui.elements.mixins.text_element import TextElement

ICONS = {
    "overview": '<path d="M3 12h4l3-7 4 14 3-7h4"/>',
    "batteries": '<rect x="3" y="7" width="16" height="10" rx="2"/><path d="M22 11v2M7 10.5v3M11 10.5v3"/>',
    "house": '<path d="M4 11.5 12 4l8 7.5V20H4z"/><path d="M10 20v-5h4v5"/>',
    "controller": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/>'
    '<circle cx="9" cy="17" r="2"/>',
    "scenario": '<path d="M5 4v16M5 5h11l-2 3.5L16 12H5"/>',
    "home": '<path d="M3 6h18M7 6v5M17 6v8"/><rect x="4" y="11" width="6" height="7" rx="1.5"/>'
    '<rect x="14" y="14" width="6" height="6" rx="1.5"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 '
    '17 7M7 17l-1.4 1.4"/>',
    "grid": '<path d="M8 21 11 3h2l3 18M6 9h12M7.5 14h9M11 3 6 9M13 3l5 6"/>',
    "theme": '<circle cx="12" cy="12" r="8"/><path d="M12 4v16a8 8 0 0 0 0-16z" fill="currentColor"/>',
    "help": '<circle cx="12" cy="12" r="8.5"/><path d="M9.7 9.6a2.4 2.4 0 1 1 3.3 2.2c-.7.3-1 .8-1 1.6M12 16.4v.1"/>',
    "pause": '<path d="M9 6v12M15 6v12"/>',
    "play": '<path d="M8 5.5v13l10.5-6.5z" fill="currentColor"/>',
    "compare": '<path d="M12 4v16M5 8h5M5 12h4M5 16h5M14 8h5M15 12h4M14 16h5"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
}

_OTHER_WAY = "(e) => emit(e.currentTarget.getAttribute('aria-checked') !== 'true')"

#: Of a form that stays on the page: its fields by name.
SUBMITTED = "(e) => { e.preventDefault(); emit(Object.fromEntries(new FormData(e.target))); }"

Handler = Callable[[Any], object]


def tag(kind: str, /, classes: str = "", text: str = "", live: str = "", test: str = "", **attributes: Any) -> Any:
    """An element. live: the value it shows; test: what tests call it; `_` in attributes stands for `-`."""
    element: Any = TextElement(text=text, tag=kind) if text else ui.element(kind)
    if classes:
        element.classes(classes)
    if live:
        element.props["data-live"] = live
    if test:
        element.props["data-testid"] = test
    for key, value in attributes.items():
        element.props[key.rstrip("_").replace("_", "-")] = value
    return element


def drawing(inside: str, classes: str, **attributes: str) -> None:
    """An SVG out of text of our own."""
    written = " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    ui.html(f"<svg {written}>{inside}</svg>", sanitize=False, tag="span").classes(classes)


def icon(name: str) -> None:
    """A line drawing that says nothing to those who do not see it."""
    drawing(ICONS[name], "icon", viewBox="0 0 24 24", aria_hidden="true")


def button(text: str, on_click: Handler | None = None, classes: str = "", test: str = "", **attributes: Any) -> Any:
    """A button with a text."""
    element = tag("button", f"btn {classes}", text, test=test, type="button", **attributes)
    if on_click is not None:
        element.on("click", on_click, js_handler="() => emit(null)")
    return element


def switch(label: str, live: str, on_click: Handler, test: str = "") -> Any:
    """A switch; its state is the value `live`."""
    element = tag("button", "switch", live=live, test=test, type="button", role="switch", aria_label=label)
    return element.on("click", on_click, js_handler=_OTHER_WAY)


def slider(
    label: str, live: str, on_value: Callable[[float], object], most: float, step: float, unit: str, test: str = ""
) -> None:
    """A labelled slider from 0 on; orders go out while it is dragged, a few per second."""
    with tag("label", "slider"):
        tag("span", "slider-label", label)
        tag("span", "slider-value", aria_hidden="true")
        entry = tag(
            "input", live=live, test=test, type="range", min=0, max=most, step=step, data_unit=unit, aria_label=label
        )
        entry.on("input", _as_number(on_value), throttle=0.2, js_handler="(e) => emit(Number(e.target.value))")


def number_field(
    label: str, live: str, on_value: Callable[[float], object], unit: str, test: str = "", step: str = "any"
) -> None:
    """A labelled number; the order goes out when it is left or confirmed."""
    with tag("label", "field"):
        tag("span", "", f"{label} ({unit})" if unit else label)
        entry = tag("input", live=live, test=test, type="number", step=step, inputmode="decimal")
        entry.on(
            "change",
            _as_number(on_value),
            js_handler="(e) => { if (e.target.value !== '') emit(Number(e.target.value)); }",
        )


def _as_number(on_value: Callable[[float], object]) -> Handler:
    def received(event: events.GenericEventArguments) -> object:
        value = event.args
        return on_value(float(value)) if isinstance(value, int | float) else None

    return received


def dialog(name: str, title: str, confirm: str, on_confirm: Callable[[Mapping[str, Any]], object] | None) -> Any:
    """A dialog with a form; fill it in a `with`. on_confirm gets the fields by name."""
    with tag("dialog", "dialog", id=name, aria_labelledby=f"{name}-title"):
        form = tag("form", "dialog-form", method="dialog")
        with form:
            tag("h2", "dialog-title", title, id=f"{name}-title")
            body = tag("div", "dialog-body")
            with tag("div", "dialog-buttons"):
                tag("button", "btn", "Cancel" if on_confirm else "Close", type="button", data_closes=name)
                if on_confirm is not None:
                    tag("button", "btn btn-main", confirm, type="submit", test=f"{name}-confirm")
        if on_confirm is not None:
            order = on_confirm
            form.on(
                "submit",
                lambda event: order(event.args if isinstance(event.args, dict) else {}),
                js_handler=SUBMITTED,
            )
    return body


def text_field(label: str, name: str, value: str = "", **attributes: Any) -> None:
    """A labelled entry of a form."""
    with tag("label", "field"):
        tag("span", "", label)
        tag("input", name=name, value=value, autocomplete="off", **attributes)


def choice(label: str, name: str, options: Mapping[str, str]) -> None:
    """A labelled choice of a form: value -> words."""
    with tag("label", "field"):
        tag("span", "", label)
        with tag("select", name=name):
            for value, words in options.items():
                tag("option", "", words, value=value)
