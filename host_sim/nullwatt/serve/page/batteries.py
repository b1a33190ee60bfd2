"""The batteries: a card for each, with its settings, and a new one."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..state import BatteryState, State, SteeredState
from .axis import extent
from .bars import limits, names, placed_battery, track
from .keyed import Keyed
from .live import Value, pressed, there
from .session import Session
from .tags import button, choice, dialog, icon, number_field, slider, switch, tag, text_field
from .words import battery_word, number, percent, phase, watts

_FACTS = {
    "target": "Target",
    "reading": "Reading sent",
    "trust": "Model trust",
    "saturation": "Saturation",
    "law": "Law",
    "dc": "DC input",
}


class Batteries:
    """The batteries page of one browser."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._house = session.watched.house
        self._controller = session.watched.controller
        tag("p", "card empty", "There are no batteries.", live="no-batteries")
        self._cards = Keyed(tag("div", "cards"), self._card)
        if self._house is not None:
            self._adding(self._house.battery_types())

    def _adding(self, types: Mapping[str, str]) -> None:
        with (
            tag("div", "actions"),
            button("Add battery", classes="btn-main", test="add-battery", data_opens="new-battery"),
        ):
            icon("plus")
        with dialog("new-battery", "Add a battery", "Add", self._add):
            same = [*types.values()]
            choice(
                "Type",
                "type",
                {key: f"{name} ({key})" if same.count(name) > 1 else name for key, name in types.items()},
            )
            choice("Phase", "phase", {"A": "L1", "B": "L2", "C": "L3", "D": "all three"})
            text_field("Capacity (Wh)", "capacity", "2560", type="number", min=0, max=100000, step="any")
            text_field("State of charge (%)", "soc", "50", type="number", min=0, max=100, step="any")

    def _add(self, form: Mapping[str, Any]) -> None:
        house = self._house
        assert house is not None

        def add() -> None:
            document: dict[str, Any] = {"phase": form.get("phase", "A"), "meter_dev_type": form.get("type", "")}
            document["capacity_wh"] = _entered(form, "capacity", "Capacity")
            document["initial_soc"] = _entered(form, "soc", "State of charge") / 100
            house.add_battery(document)

        self._session.order(add, closes="new-battery")

    def _card(self, battery: BatteryState) -> Any:
        mac = battery.mac
        with tag("article", "card battery", test=f"battery-{mac}", aria_labelledby=f"name-{mac}") as card:
            with tag("header", "battery-head"):
                with tag("div", "battery-title"):
                    tag("h2", "", live=f"name:{mac}", id=f"name-{mac}")
                    tag("p", "quiet", live=f"about:{mac}")
                tag("span", "chip", live=f"word:{mac}", test=f"word-{mac}")
            tag("p", "battery-power", live=f"power:{mac}")
            track(f"own-bar:{mac}", "battery")
            with tag("div", "battery-ends", live=f"ends:{mac}", aria_hidden="true"):
                tag("span", live=f"most-charge:{mac}")
                tag("span", "", "0")
                tag("span", live=f"most-discharge:{mac}")
            with tag("div", "soc", live=f"soc-row:{mac}"):
                with tag("div", "soc-bar", live=f"soc-bar:{mac}", role="img"):
                    tag("i")
                tag("span", "soc-text", live=f"soc-text:{mac}")
            with tag("dl", "facts"):
                for fact, label in _FACTS.items():
                    with tag("div", "", live=f"fact-row:{fact}:{mac}"):
                        tag("dt", "", label)
                        tag("dd", "", live=f"fact:{fact}:{mac}")
            self._settings(battery)
        return card

    def _settings(self, battery: BatteryState) -> None:
        if self._house is None and self._controller is None:
            return
        with tag("details", "settings", test=f"settings-{battery.mac}"):
            tag("summary", "", "Settings")
            if self._house is not None:
                self._house_settings(battery)
            if self._controller is not None:
                with tag("div", "steering", live=f"steering:{battery.mac}"):
                    self._steering(battery.mac)
            if self._house is not None:
                remove = partial(self._house.remove_battery, battery.mac)
                button("Remove battery", lambda _: self._session.order(remove), "btn-quiet", f"remove-{battery.mac}")

    def _house_settings(self, battery: BatteryState) -> None:
        house, order, mac = self._house, self._session.order, battery.mac
        assert house is not None
        slider(
            "State of charge",
            f"set-soc:{mac}",
            lambda value: order(lambda: house.set_soc(mac, value / 100)),
            most=100,
            step=1,
            unit="%",
            test=f"soc-{mac}",
        )
        with tag("div", "fields"):
            number_field(
                "Charges at most",
                f"set-charge:{mac}",
                lambda value: order(lambda: house.set_limits(mac, value, None)),
                unit="W",
                test=f"max-charge-{mac}",
            )
            number_field(
                "Gives at most",
                f"set-discharge:{mac}",
                lambda value: order(lambda: house.set_limits(mac, None, value)),
                unit="W",
                test=f"max-discharge-{mac}",
            )
        if battery.max_dc_input:
            slider(
                "DC input",
                f"set-dc:{mac}",
                lambda value: order(lambda: house.set_dc_input(mac, value)),
                most=battery.max_dc_input,
                step=10,
                unit="W",
                test=f"dc-{mac}",
            )

    def _steering(self, mac: str) -> None:
        controller, order = self._controller, self._session.order
        assert controller is not None

        def turn(name: str) -> Any:
            return lambda event: order(lambda: controller.set_override(mac, name, bool(event.args)))

        with tag("div", "setting"):
            tag("span", "", "Active: it is steered")
            switch("Active", f"active:{mac}", turn("active"), f"active-{mac}")
        with tag("div", "setting"):
            tag("span", "", "Manual: it holds a target of yours")
            switch("Manual", f"manual:{mac}", turn("manual"), f"manual-{mac}")
        with tag("div", "fields"):
            number_field(
                "Manual target",
                f"manual-target:{mac}",
                lambda value: order(lambda: controller.set_override(mac, "manual_target", value)),
                unit="W",
                test=f"manual-target-{mac}",
            )
            number_field(
                "Weight, 0 to 10",
                f"weight:{mac}",
                lambda value: order(lambda: controller.set_override(mac, "weight", value)),
                unit="",
                test=f"weight-{mac}",
            )

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        self._cards.match({(battery.mac, bool(battery.max_dc_input)): battery for battery in state.batteries})
        steered = {one.mac: one for one in state.controller.batteries} if state.controller is not None else {}
        called = names(state.batteries)
        cut_off = state.link is not None and not state.link.connected
        shown: dict[str, Value] = {"no-batteries": there(not state.batteries and not cut_off)}
        for battery in state.batteries:
            shown |= _battery_values(called[battery.mac], battery, steered.get(battery.mac))
        return shown


def _battery_values(name: str, battery: BatteryState, steered: SteeredState | None) -> dict[str, Value]:
    mac, word = battery.mac, battery_word(battery)
    about = [battery.type if battery.type != name else None, mac, phase(battery.phase)]
    bounds = limits(battery)
    end_w = max((abs(watt) for watt in bounds), default=0.0) if bounds else 0.0
    shown: dict[str, Value] = {
        f"name:{mac}": name,
        f"about:{mac}": " \N{MIDDLE DOT} ".join(part for part in about if part),
        f"word:{mac}": {"t": word, "a": {"data-word": word}},
        f"power:{mac}": watts(battery.power, signed=True),
        f"own-bar:{mac}": placed_battery(name, battery, max(end_w, abs(battery.power)) or extent(0.0)),
        f"ends:{mac}": there(bounds is not None),
        f"soc-row:{mac}": there(battery.soc is not None),
    }
    if bounds is not None:
        shown[f"most-charge:{mac}"] = _most("takes", -bounds[0])
        shown[f"most-discharge:{mac}"] = _most("gives", bounds[1])
        shown[f"set-charge:{mac}"] = {"v": f"{-bounds[0]:g}"}
        shown[f"set-discharge:{mac}"] = {"v": f"{bounds[1]:g}"}
    if battery.soc is not None:
        capacity = f" of {number(battery.capacity_wh / 1000, 2)} kWh" if battery.capacity_wh else ""
        text = f"{percent(battery.soc)}{capacity}"
        shown[f"soc-text:{mac}"] = text
        shown[f"soc-bar:{mac}"] = {
            "s": {"--soc": f"{battery.soc * 100:.1f}%"},
            "a": {"aria-label": f"State of charge {text}", "data-low": "" if battery.soc < 0.15 else None},
        }
        shown[f"set-soc:{mac}"] = {"v": f"{battery.soc * 100:.0f}"}
    if battery.dc_input is not None:
        shown[f"set-dc:{mac}"] = {"v": f"{battery.dc_input:.0f}"}
    return shown | _steering_values(battery, steered)


def _most(verb: str, limit_w: float) -> str:
    return f"{verb} up to {watts(limit_w)}" if limit_w else f"{verb} nothing"


def _steering_values(battery: BatteryState, steered: SteeredState | None) -> dict[str, Value]:
    mac = battery.mac
    target = steered.target if steered is not None and steered.target is not None else battery.target
    facts: dict[str, str | None] = {
        "target": None if target is None else watts(target, signed=True),
        "dc": watts(battery.dc_input) if battery.dc_input is not None and battery.max_dc_input else None,
        "reading": None,
        "trust": None,
        "saturation": None,
        "law": battery.law or (steered.law if steered is not None else None),
    }
    if steered is not None:
        facts["reading"] = None if steered.reading is None else watts(steered.reading, signed=True)
        facts["trust"] = None if steered.confidence is None else percent(steered.confidence)
        facts["saturation"] = None if steered.saturation is None else percent(steered.saturation)
    shown: dict[str, Value] = {f"steering:{mac}": there(steered is not None)}
    for fact, text in facts.items():
        shown[f"fact-row:{fact}:{mac}"] = there(text is not None)
        if text is not None:
            shown[f"fact:{fact}:{mac}"] = text
    if steered is not None:
        if steered.active is not None:
            shown[f"active:{mac}"] = pressed(steered.active)
        if steered.manual is not None:
            shown[f"manual:{mac}"] = pressed(steered.manual)
        if steered.manual_target is not None:
            shown[f"manual-target:{mac}"] = {"v": f"{steered.manual_target:g}"}
        if steered.weight is not None:
            shown[f"weight:{mac}"] = {"v": f"{steered.weight:g}"}
    return shown


def _entered(form: Mapping[str, Any], key: str, label: str) -> float:
    try:
        return float(form.get(key) or "")
    except ValueError:
        raise ValueError(f"{label}: {form.get(key) or 'nothing'} is not a number") from None
