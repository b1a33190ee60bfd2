"""What the controller thinks: what the house needs, who shall give it, and how far it trusts each battery."""

from typing import Any

from ..state import ControllerState, State, SteeredState
from .bars import names
from .keyed import Keyed
from .live import Value, attribute, pressed, there
from .session import Session
from .tags import button, switch, tag
from .words import number, percent, phase, watts

_TILES = {
    "demand": ("Demand", "asked of the batteries"),
    "missing": ("Missing", "not delivered yet"),
    "pool": ("Pool gives", "by the batteries' own reports"),
    "size": ("In the pool", "batteries that are steered"),
}
_COLUMNS = {
    "target": "Target",
    "reading": "Reading sent",
    "setpoint": "Setpoint believed",
    "gain": "Learnt gain",
    "trust": "Trust",
    "saturation": "Saturated \N{MINUS SIGN}/+",
    "state": "Presence",
    "poll": "Polls every",
}


class Controller:
    """The controller page of one browser."""

    def __init__(self, session: Session) -> None:
        self._session = session
        tag("p", "card empty", live="elsewhere", test="elsewhere")
        with tag("div", "thinking", live="thinking"):
            with tag("div", "tiles"):
                for name, (label, words) in _TILES.items():
                    with tag("div", "card tile", live=f"tile-row:{name}"):
                        tag("p", "eyebrow", label)
                        tag("p", "tile-number", live=f"tile:{name}", test=f"tile-{name}")
                        tag("p", "quiet", words)
            self._orders()
            with tag("div", "card"):
                with tag("div", "card-head"):
                    tag("h2", "", "Battery by battery")
                with tag("div", "table", role="table"):
                    with tag("div", "table-row table-head", role="row"):
                        for label in ("Battery", "Share of the demand", *_COLUMNS.values()):
                            tag("span", "", label, role="columnheader")
                    self._rows = Keyed(tag("div", "table-body", role="rowgroup"), self._row)
            with tag("div", "card", live="settings-card"):
                with tag("div", "card-head"):
                    tag("h2", "", "Options and filters")
                tag("p", "quiet", live="filters")
                self._options = Keyed(tag("div", "options"), self._option)

    def _orders(self) -> None:
        control, order = self._session.watched.controller, self._session.order
        with tag("div", "card orders"):
            with tag("div", "orders-words"):
                tag("p", "", live="active-words")
                tag("p", "quiet", live="books")
            if control is not None:
                button("Hand over", lambda _: order(control.force_rotation), test="hand-over")
                with tag("div", "setting"):
                    tag("span", "", "Active control")
                    switch(
                        "Active control",
                        "active-control",
                        lambda event: order(lambda: control.set_active_control(bool(event.args))),
                        "active-control",
                    )

    @staticmethod
    def _row(mac: str) -> Any:
        with tag("div", "table-row", role="row", live=f"steered:{mac}", test=f"steered-{mac}") as row:
            with tag("div", "table-name", role="rowheader"):
                tag("span", "", live=f"steered-name:{mac}")
                tag("span", "quiet", live=f"steered-about:{mac}")
            with tag("div", "share", role="cell", data_label="Share"):
                with tag("div", "share-bar", live=f"share:{mac}"):
                    tag("i")
                tag("span", "", live=f"share-text:{mac}")
            for column, label in _COLUMNS.items():
                with tag("div", "cell", role="cell", data_label=label):
                    tag("span", "", live=f"cell:{column}:{mac}")
        return row

    @staticmethod
    def _option(name: str) -> Any:
        with tag("div", "option") as element:
            tag("span", "option-name", name)
            tag("span", "option-value", live=f"option:{name}")
        return element

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        controller = state.controller
        shown: dict[str, Value] = {
            "elsewhere": {"t": _elsewhere(state), **there(controller is None)},
            "thinking": there(controller is not None),
        }
        if controller is None:
            return shown
        self._rows.match({one.mac: one.mac for one in controller.batteries})
        self._options.match({name: name for name in controller.options})
        called = names(state.batteries)
        for one in controller.batteries:
            shown |= _steered_values(called.get(one.mac) or one.name or one.device_type or one.mac, one, controller)
        for name, value in controller.options.items():
            shown[f"option:{name}"] = _option_text(value)
        shown["settings-card"] = there(bool(controller.options or controller.filters))
        filters = ", then ".join(controller.filters)
        shown["filters"] = {"t": f"The meter passes {filters}.", **there(bool(filters))}
        return shown | _pool_values(controller)


def _elsewhere(state: State) -> str:
    if state.emulator is None:
        return "The controller runs elsewhere."
    return f"The controller runs elsewhere, at {state.emulator.where}; only it knows what it thinks."


def _option_text(value: float | bool | str | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:g}"


def _pool_values(controller: ControllerState) -> dict[str, Value]:
    tiles = {
        "demand": None if controller.demand is None else watts(controller.demand, signed=True),
        "missing": None if controller.missing is None else watts(controller.missing, signed=True),
        "pool": None if controller.pool_output is None else watts(controller.pool_output, signed=True),
        "size": None if controller.pool_size is None else number(controller.pool_size),
    }
    shown: dict[str, Value] = {}
    for name, text in tiles.items():
        shown[f"tile-row:{name}"] = there(text is not None)
        if text is not None:
            shown[f"tile:{name}"] = text
    if controller.active_control is not None:
        shown["active-control"] = pressed(controller.active_control)
        shown["active-words"] = (
            "It steers: each battery gets the reading that makes it do its share."
            if controller.active_control
            else "It relays: the batteries get the measured values and sort it out themselves."
        )
    books = []
    if controller.limiting:
        books.append("some batteries are parked")
    if controller.grid_age_s is not None:
        books.append(f"meter value {controller.grid_age_s:.1f} s old")
    if controller.replies is not None:
        books.append(f"{number(controller.replies)} polls answered")
    if controller.drops is not None:
        books.append(f"{number(controller.drops)} dropped")
    shown["books"] = " \N{MIDDLE DOT} ".join(books)
    return shown


def share_of(target_w: float | None, demand_w: float | None) -> float | None:
    """Part of the demand that a target is; None where there is hardly any demand, or a target against it."""
    if target_w is None or demand_w is None or abs(demand_w) < 10 or target_w * demand_w < 0:
        return None
    return min(1.0, target_w / demand_w)


def presence_word(one: SteeredState) -> str:
    """How a battery takes part."""
    if one.online is False:
        return "gone"
    if one.active is False:
        return "inactive"
    if one.manual:
        return "manual"
    if one.parked:
        return "parked"
    if one.probing:
        return "on trial"
    if one.in_pool is False:
        return "not in the pool"
    return "steered" if one.presence is None or one.presence > 0.99 else percent(one.presence)


def _steered_values(name: str, one: SteeredState, controller: ControllerState) -> dict[str, Value]:
    mac = one.mac
    share = share_of(one.target, controller.demand)
    about = [phase(one.phase) if one.phase else "", one.law or ""]
    both = (one.saturation_charge, one.saturation_discharge)
    cells = {
        "target": _signed(one.target),
        "reading": _signed(one.reading),
        "setpoint": _signed(one.setpoint),
        "gain": "" if one.gain is None else number(one.gain, 2),
        "trust": "" if one.confidence is None else percent(one.confidence),
        "saturation": " / ".join(percent(value) for value in both if value is not None),
        "state": presence_word(one),
        "poll": "" if one.poll_interval_s is None else f"{one.poll_interval_s:.2f} s",
    }
    shown: dict[str, Value] = {f"cell:{column}:{mac}": text for column, text in cells.items()}
    return shown | {
        f"steered:{mac}": attribute(data_off="" if one.online is False or one.active is False else None),
        f"steered-name:{mac}": name,
        f"steered-about:{mac}": " \N{MIDDLE DOT} ".join(part for part in about if part),
        f"share:{mac}": {"s": {"--share": f"{(share or 0) * 100:.1f}%"}},
        f"share-text:{mac}": "" if share is None else percent(share),
    }


def _signed(value: float | None) -> str:
    return "" if value is None else watts(value, signed=True)
