"""The first page: the grid on one axis with all that gives and takes, the flow between them, the last minutes."""

from nicegui import ui

from ..sides import Sides, sides
from ..state import State
from .axis import extent, ticks
from .bars import names, placed, placed_battery, track
from .chart import WINDOWS
from .flow import PATHS, STILL_W, drawn, shares
from .keyed import Keyed
from .live import Value, attribute, there
from .money import Money
from .tags import ICONS, drawing, tag
from .words import grid_word, number, phase, sentence, watts

_ROLES = {"grid": "Grid", "solar": "Sun", "house": "House"}
_LEGEND = {"grid": "Grid", "batteries": "Batteries", "solar": "Sun", "house": "House"}
_NODES = {"sun": (180, 42), "grid": (56, 150), "house": (304, 150), "battery": (180, 258)}
_NODE_ICONS = {"sun": "sun", "grid": "grid", "house": "house", "battery": "batteries"}


class Overview:
    """The overview of one browser."""

    def __init__(self) -> None:
        self._extent_w: float | None = None
        self._phase_extent_w: float | None = None
        self._phases = {"a"}
        with tag("div", "overview"):
            self._hero()
            self._axis()
            self._flow()
            self._chart()
            self._money = Money()

    def _hero(self) -> None:
        with tag("div", "card hero", live="hero"):
            with tag("div", "hero-now"):
                tag("p", "eyebrow", "Grid")
                with tag("p", "hero-number", live="grid-word", test="grid-total"):
                    tag("span", live="grid-number")
                    tag("span", "hero-unit", live="grid-unit")
                tag("p", "hero-sentence", live="sentence", test="sentence")
            with tag("div", "phases", live="phases"):
                for letter in "abc":
                    with tag("div", "line", live=f"phase-row:{letter}"):
                        tag("span", "line-name", phase(letter))
                        track(f"phase:{letter}", "grid")
                        tag("span", "line-value", live=f"phase-watts:{letter}")

    def _axis(self) -> None:
        with tag("div", "card axis"):
            with tag("div", "card-head"):
                tag("h2", "", "Who gives, who takes")
                with tag("span", "axis-ends"):
                    tag("span", "", "takes")
                    tag("span", "", "gives")
            with tag("div", "axis-rows"):
                with tag("div", "axis-lines", aria_hidden="true"):
                    for place in range(5):
                        tag("i", style=f"left:{place * 25}%")
                for role, label in _ROLES.items():
                    with tag("div", f"line line-{role}", live=f"row:{role}"):
                        tag("span", "line-name", label)
                        track(f"bar:{role}", role, test=f"{role}-bar")
                        tag("span", "line-value", live=f"watts:{role}")
                self._rows = Keyed(tag("div", "axis-batteries"), self._row)
                with tag("div", "line axis-scale", aria_hidden="true"):
                    tag("span")
                    with tag("div", "axis-ticks"):
                        for index in range(5):
                            tag("span", live=f"tick:{index}", style=f"left:{index * 25}%")
                    tag("span")

    @staticmethod
    def _row(mac: str) -> object:
        with tag("div", "line") as row:
            tag("span", "line-name", live=f"row-name:{mac}")
            track(f"bar:{mac}", "battery", test=f"bar-{mac}")
            tag("span", "line-value", live=f"watts:{mac}")
        return row

    @staticmethod
    def _flow() -> None:
        parts = []
        for name, path in PATHS.items():
            source = name.partition("-")[0]
            parts.append(f'<path class="flow-bed" d="{path}" data-live="flow-bed:{name}"/>')
            parts.append(f'<path class="flow-glow" data-role="{source}" d="{path}" data-live="flow:{name}"/>')
            parts.append(f'<path class="flow-live" data-role="{source}" d="{path}" data-live="flow:{name}"/>')
        for name, (x, y) in _NODES.items():
            parts.append(
                f'<g class="flow-node" data-role="{name}" data-live="node:{name}" transform="translate({x} {y})">'
                f'<circle r="33"/><g class="flow-icon" transform="translate(-9 -22) scale(.75)">'
                f"{ICONS[_NODE_ICONS[name]]}</g>"
                f'<text y="14" data-live="node-watts:{name}"></text></g>'
            )
        with tag("div", "card flow", live="flow"):
            with tag("div", "card-head"):
                tag("h2", "", "Where it goes")
            drawing("".join(parts), "flow-drawing", viewBox="16 2 328 296", role="img", data_live="flow-words")

    @staticmethod
    def _chart() -> None:
        with tag("div", "card history"):
            with tag("div", "card-head"):
                tag("h2", "", "The last minutes")
                with tag("div", "segments", role="group", aria_label="Time shown"):
                    for minutes in WINDOWS:
                        tag(
                            "button",
                            text=f"{minutes} min",
                            type="button",
                            test=f"window-{minutes}",
                            data_minutes=minutes,
                            aria_pressed="true" if minutes == 10 else "false",
                        )
            ui.echart({}).classes("chart").props["data-testid"] = "chart"
            with tag("div", "legend"):
                for role, label in _LEGEND.items():
                    tag("span", "", label, data_role=role, live=f"legend:{role}")

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        called = names(state.batteries)
        all_sides = sides(state)
        # Of hybrids only those that have a battery stand among the batteries.
        hybrids = {} if all_sides is None else {n: w for n, w in all_sides.hybrids.items() if _stores(state, n)}
        rows = [*(battery.mac for battery in state.batteries), *map(hybrid_key, hybrids)]
        self._rows.match({key: key for key in rows})
        grid_w = None if state.grid is None else state.grid.total
        solar_w = None if state.solar is None else state.solar.current
        powers = {
            "grid": grid_w,
            "solar": solar_w if all_sides is None else all_sides.sun_w,
            "house": None if all_sides is None else -all_sides.house_w,
        }
        if state.solar is not None and not _has_sun(state):
            powers["solar"] = None
        reach = [abs(power) for power in powers.values() if power is not None]
        for battery in state.batteries:
            reach += [abs(battery.power), battery.max_charge or 0.0, battery.max_discharge or 0.0]
        reach += map(abs, hybrids.values())
        end_w = self._extent_w = extent(max(reach, default=0.0), self._extent_w)
        shown: dict[str, Value] = {"hero": there(grid_w is not None), "sentence": sentence(state)}
        for role, label in _ROLES.items():
            power = powers[role]
            shown[f"row:{role}"] = shown[f"legend:{role}"] = there(power is not None)
            if power is not None:
                word = grid_word(power) if role == "grid" else ""
                shown[f"bar:{role}"] = placed(f"{label}: {watts(power, signed=True)}", power, end_w, word=word)
                shown[f"watts:{role}"] = watts(abs(power) if role != "grid" else power, signed=role == "grid")
        shown["legend:batteries"] = there(bool(state.batteries or hybrids))
        for name, power in hybrids.items():
            key = hybrid_key(name)
            shown[f"row-name:{key}"] = name
            shown[f"bar:{key}"] = placed(f"{name}: {watts(power, signed=True)}", power, end_w)
            shown[f"watts:{key}"] = watts(power, signed=True)
        for battery in state.batteries:
            shown[f"row-name:{battery.mac}"] = called[battery.mac]
            shown[f"bar:{battery.mac}"] = placed_battery(called[battery.mac], battery, end_w)
            shown[f"watts:{battery.mac}"] = watts(battery.power, signed=True)
        for index, value in enumerate(ticks(end_w)):
            shown[f"tick:{index}"] = watts(abs(value)) if index in (0, 4) else number(abs(value))
        if grid_w is not None:
            # Both parts with the space between them: who reads it aloud, or copies it, gets "+12 W".
            amount, unit = watts(grid_w, signed=True).rsplit("\N{NO-BREAK SPACE}", 1)
            shown["grid-number"], shown["grid-unit"] = amount, f"\N{NO-BREAK SPACE}{unit}"
            shown["grid-word"] = attribute(data_word=grid_word(grid_w), data_watts=f"{grid_w:.0f}")
        return shown | self._phase_values(state) | self._flow_values(state, all_sides) | self._money.values(state)

    def _phase_values(self, state: State) -> dict[str, Value]:
        if state.grid is None:
            return {}
        shown: dict[str, Value] = {}
        told = {"a": state.grid.phase_a, "b": state.grid.phase_b, "c": state.grid.phase_c}
        powers = {letter: power for letter, power in told.items() if power is not None}
        # A phase the house does not have reads 0 for ever.
        self._phases |= {letter for letter, power in powers.items() if power != 0}
        shown["phases"] = there(len(self._phases & powers.keys()) > 1)
        end_w = self._phase_extent_w = extent(max(map(abs, powers.values()), default=0.0), self._phase_extent_w)
        for letter, power in powers.items():
            shown[f"phase-row:{letter}"] = there(letter in self._phases)
            words = f"Grid on {phase(letter)}: {watts(power, signed=True)}"
            shown[f"phase:{letter}"] = placed(words, power, end_w, word=grid_word(power))
            shown[f"phase-watts:{letter}"] = watts(power, signed=True)
        return shown

    @staticmethod
    def _flow_values(state: State, all_sides: Sides | None) -> dict[str, Value]:
        shown: dict[str, Value] = {"flow": there(all_sides is not None)}
        if all_sides is None:
            return shown
        off = state.mains is not None and not state.mains.on
        has_batteries = bool(state.batteries) or any(_stores(state, name) for name in all_sides.hybrids)
        here = {"sun": _has_sun(state), "battery": has_batteries, "grid": True, "house": True}
        flows = shares(all_sides.grid_w, all_sides.sun_w, all_sides.batteries_w)
        for name, power in flows.items():
            line = drawn(power)
            shown[f"flow-bed:{name}"] = there(all(here[node] for node in name.split("-")))
            shown[f"flow:{name}"] = {"s": {"--stroke": f"{line.stroke}"}, "a": {"data-speed": f"{line.speed}"}}
        nodes = {
            "sun": all_sides.sun_w,
            "grid": all_sides.grid_w,
            "house": all_sides.house_w,
            "battery": all_sides.batteries_w,
        }
        for name, power in nodes.items():
            word = grid_word(power) if name == "grid" else ""
            shown[f"node:{name}"] = attribute(hidden=None if here[name] else "", data_word=word)
            shown[f"node-watts:{name}"] = watts(power, signed=name in ("grid", "battery"))
        if off:
            shown["node:grid"] = attribute(hidden=None, data_word="off")
            shown["node-watts:grid"] = "off"
        words = [f"{name.replace('-', ' to ')} {watts(power)}" for name, power in flows.items() if power >= STILL_W]
        text = "Power flows: " + (", ".join(words) or "none") + (". The mains are off" if off else "")
        shown["flow-words"] = attribute(aria_label=text)
        return shown


def hybrid_key(name: str) -> str:
    """What the row of a hybrid is called, apart from any MAC."""
    return f"hybrid:{name}"


def _stores(state: State, name: str) -> bool:
    return any(hybrid.name == name and hybrid.soc is not None for hybrid in state.hybrids or [])


def _has_sun(state: State) -> bool:
    return bool(state.plants or state.hybrids) or (state.solar is not None and state.solar.max > 0)
