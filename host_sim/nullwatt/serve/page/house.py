"""The house: sun and clouds, loads with their switches, a new appliance, automatic switching."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..state import LoadState, State
from ..watched import HouseControl
from .keyed import Keyed
from .live import Value, attribute, pressed, there
from .mains import Mains
from .session import Session
from .tags import button, choice, dialog, icon, slider, switch, tag, text_field
from .words import percent, phase, watts


class House:
    """The house page of one browser."""

    def __init__(self, session: Session, state: State) -> None:
        self._session = session
        self._house = session.watched.house
        with tag("div", "house"):
            with tag("div", "card sun", live="sun"):
                self._sun(state)
            with tag("div", "card loads", live="loads"):
                with tag("div", "card-head"):
                    tag("h2", "", "Loads")
                    tag("span", "sum", live="loads-sum")
                self._loads = Keyed(tag("ul", "load-list"), self._load)
                if self._house is not None:
                    self._adding(self._house)
            self._mains = Mains(session)
            with tag("div", "card", live="inverters"):
                with tag("div", "card-head"):
                    tag("h2", "", "Plants and hybrid inverters")
                self._inverters = Keyed(tag("ul", "load-list"), self._inverter)

    @staticmethod
    def _inverter(name: str) -> Any:
        with tag("li", "load", data_on="", test=f"inverter-{name}") as row:
            with tag("div", "load-what"):
                tag("span", "load-name", name)
                tag("span", "quiet", live=f"inverter-about:{name}")
            tag("span", "load-power", live=f"inverter-power:{name}")
        return row

    def _inverter_values(self, state: State) -> dict[str, Value]:
        plants, hybrids = state.plants or [], state.hybrids or []
        inverters = [*(plant.name for plant in plants), *(hybrid.name for hybrid in hybrids)]
        self._inverters.match({name: name for name in inverters})
        shown: dict[str, Value] = {"inverters": there(bool(plants or hybrids))}
        for plant in plants:
            shown[f"inverter-about:{plant.name}"] = (
                f"panels{', a fault' if plant.fault else ''} \N{MIDDLE DOT} {phase(plant.phase)}"
            )
            shown[f"inverter-power:{plant.name}"] = watts(plant.power)
        for hybrid in hybrids:
            does = [f"panels {watts(hybrid.pv)}"]
            if hybrid.soc is not None:
                does.append(f"battery {watts(hybrid.battery, signed=True)} at {percent(hybrid.soc)}")
            doing = "keeps an island alive" if hybrid.islanded else hybrid.mode.replace("_", " ")
            does.append("a fault" if hybrid.fault else doing)
            shown[f"inverter-about:{hybrid.name}"] = " \N{MIDDLE DOT} ".join([*does, phase(hybrid.phase)])
            shown[f"inverter-power:{hybrid.name}"] = watts(hybrid.power)
        return shown

    def _sun(self, state: State) -> None:
        house, order = self._house, self._session.order
        with tag("div", "card-head"):
            tag("h2", "", "Sun")
            tag("span", "sum", live="sun-now", data_role="solar", test="sun-now")
        tag("p", "quiet", live="sun-words")
        if house is None:
            return
        most_w = state.solar.max if state.solar is not None else 0.0
        slider("Power", "set-sun", lambda value: order(lambda: house.set_solar(value)), most_w, 10, "W", "sun")
        slider(
            "Clouds", "set-clouds", lambda value: order(lambda: house.set_clouds(value / 100)), 100, 5, "%", "clouds"
        )
        with tag("div", "setting"):
            tag("span", "", "The sun follows its course over the day")
            button("Follow", lambda _: order(house.follow_sun), test="follow-sun")
        with tag("div", "setting", live="auto-row"):
            tag("span", "", "Loads and sun change at random")
            switch("Automatic", "auto", lambda event: order(lambda: house.set_auto(bool(event.args))), "auto")

    def _adding(self, house: HouseControl) -> None:
        with tag("div", "actions"), button("Add appliance", test="add-load", data_opens="new-load"):
            icon("plus")
        with dialog("new-load", "Add an appliance", "Add", partial(self._add, house)):
            text_field("Name", "name", required="", maxlength=40)
            kinds = {kind: _kind_words(kind, power) for kind, power in house.load_kinds().items()}
            choice("Kind", "kind", kinds)
            choice("Phase", "phase", {"A": "L1", "B": "L2", "C": "L3"})
            text_field("Power (W), empty = the usual one", "power", type="number", min=0, step="any")

    def _add(self, house: HouseControl, form: Mapping[str, Any]) -> None:
        def add() -> None:
            kind = str(form.get("kind", ""))
            name, phase_name = str(form.get("name", "")).strip(), form.get("phase", "A")
            document: dict[str, Any] = {"name": name, "phase": phase_name, "kind": kind}
            # The usual power goes along: a plain load has none of its own.
            power = form.get("power") or house.load_kinds().get(kind)
            if power is not None:
                document["power"] = float(power)
            house.add_load(document)

        self._session.order(add, closes="new-load")

    def _load(self, load: LoadState) -> Any:
        name, house, order = load.name, self._house, self._session.order
        with tag("li", "load", live=f"load:{name}") as row:
            if house is not None:
                switch(
                    name,
                    f"load-on:{name}",
                    lambda event: order(lambda: house.switch_load(name, bool(event.args))),
                    f"load-{name}",
                )
            with tag("div", "load-what"):
                tag("span", "load-name", name)
                tag("span", "quiet", live=f"load-about:{name}")
            tag("span", "load-power", live=f"load-power:{name}")
            if house is not None:
                remove = partial(house.remove_load, name)
                button(
                    "\N{MULTIPLICATION SIGN}",
                    lambda _: order(remove),
                    "btn-bare",
                    f"remove-load-{name}",
                    aria_label=f"Remove {name}",
                )
        return row

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        loads = state.loads or []
        self._loads.match({load.name: load for load in loads})
        shown: dict[str, Value] = {
            "loads": there(state.loads is not None),
            "sun": there(state.solar is not None),
            "auto-row": there(state.auto_mode is not None),
        }
        if state.house_w is not None:
            shown["loads-sum"] = f"{watts(state.house_w)} with the base load"
        if state.auto_mode is not None:
            shown["auto"] = pressed(state.auto_mode)
        for load in loads:
            kind = load.kind.replace("_", " ")
            idle = ", pausing" if load.active and not load.running else ""
            shown[f"load-on:{load.name}"] = pressed(load.active)
            shown[f"load-about:{load.name}"] = f"{kind} \N{MIDDLE DOT} {phase(load.phase)}{idle}"
            shown[f"load-power:{load.name}"] = watts(load.drawn if load.active else load.power)
            shown[f"load:{load.name}"] = attribute(data_on="" if load.active else None)
        shown |= self._mains.values(state) | self._inverter_values(state)
        if state.solar is not None:
            course = "It follows its course over the day" if state.solar.mode == "clear_sky" else "It stands fixed"
            where = ", ".join(phase(name) for name in state.solar.phases)
            shown["sun-words"] = f"{course}; up to {watts(state.solar.max)} on {where}."
            shown["sun-now"] = watts(state.solar.current)
            shown["set-sun"] = {"v": f"{state.solar.current:.0f}", "a": {"max": f"{state.solar.max:g}"}}
            shown["set-clouds"] = {"v": f"{state.solar.clouds * 100:.0f}"}
        return shown


def _kind_words(kind: str, power: float | None) -> str:
    words = kind.replace("_", " ")
    return words if power is None else f"{words} ({watts(power)})"
