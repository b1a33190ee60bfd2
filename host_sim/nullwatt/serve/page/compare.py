"""Two homes over a year, side by side: their house files, a run in other processes, and what came of it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..state import State
from ..what_if import Comparing, Comparison, HomeResult
from .keyed import Keyed
from .live import Value, there
from .session import Session
from .tags import SUBMITTED, button, choice, tag
from .words import money, number, percent

_SIDES = ("a", "b")
_LETTERS = {"a": "A", "b": "B"}
_PERIODS = {"365": "a year", "31": "a month", "7": "a week", "1": "a day"}


def _kwh(value: float) -> str:
    return f"{number(value, 1)} kWh"


#: What is compared: label, how to get it, how to write it.
_ROWS: dict[str, tuple[str, Callable[[HomeResult], float | None], Callable[[float], str]]] = {
    "import": ("From the grid", lambda home: home.import_kwh, _kwh),
    "export": ("Into the grid", lambda home: home.export_kwh, _kwh),
    "sun": ("Sun", lambda home: home.sun_kwh or None, _kwh),
    "used": ("Used by the loads", lambda home: home.used_kwh, _kwh),
    "consumption": ("Self-consumption", lambda home: home.self_consumption, percent),
    "sufficiency": ("Self-sufficiency", lambda home: home.self_sufficiency, percent),
    "energy": ("Cost of energy", lambda home: home.energy_ct, money),
    "standing": ("Standing charge", lambda home: home.standing_ct or None, money),
    "demand": ("Demand charge", lambda home: home.demand_ct or None, money),
    "earned": ("Earned", lambda home: home.earned_ct, money),
    "total": ("Total", lambda home: home.total_ct, money),
    "cycles": ("Battery cycles", lambda home: home.battery_cycles, partial(number, decimals=1)),
    "stored": ("Stored at the end, more", lambda home: home.stored_kwh, _kwh),
}
#: Bars are not drawn larger than to scale of this, kWh or ct: what is next to nothing looks so.
_LEAST = 1.0
_HOW = (
    "Simulated at steps of a minute, in processes of their own. Hybrid inverters work as they are. Batteries that poll "
    "a meter are ideal here: at once, exactly and together they hold the grid at zero, within their limits, capacities "
    "and losses; a real control law polls every second, and a year of that takes hours."
)


class Compare:
    """The section of one browser; made only where homes can be compared."""

    def __init__(self, session: Session, comparing: Comparing) -> None:
        self._session = session
        self._comparing = comparing
        self._errors = dict.fromkeys(_SIDES, "")
        with tag("form", "compare") as form:
            for side in _SIDES:
                with tag("div", "card"):
                    with tag("div", "card-head"):
                        tag("h2", "", f"Home {_LETTERS[side]}")
                        with tag("label", "btn btn-small", "Take a file"):
                            tag("input", "file", type="file", accept=".yaml,.yml,.json", data_into=f"home-{side}")
                    tag(
                        "textarea",
                        "house-file",
                        comparing.own(),
                        id=f"home-{side}",
                        name=side,
                        spellcheck="false",
                        rows="16",
                        test=f"home-{side}",
                        aria_label=f"House file of home {_LETTERS[side]}",
                    )
                    tag(
                        "p",
                        "problem",
                        live=f"home-problem:{side}",
                        test=f"home-problem-{side}",
                        role="alert",
                        hidden="",
                    )
            with tag("div", "card compare-run"):
                choice("Over", "days", _PERIODS)
                tag("button", "btn btn-main", "Compare", type="submit", test="compare-run", live="compare-run")
                button("Stop", lambda _: session.order(comparing.stop), test="compare-stop", live="compare-stop")
                with tag("div", "compare-words"):
                    tag("p", "", live="compare-words", test="compare-words")
                    with tag("div", "soc-bar", live="compare-done", role="progressbar", aria_label="Simulated"):
                        tag("i")
        form.on("submit", lambda event: self._run(event.args), js_handler=SUBMITTED)
        with tag("div", "card", live="compare-results", test="compare-results"):
            with tag("div", "results", role="table", aria_label="Both homes"):
                with tag("div", "result result-head", role="row"):
                    for words in ("", "A", "B", "B less A"):
                        tag("span", "", words, role="columnheader")
                for name, (label, _, _) in _ROWS.items():
                    with tag("div", "result", role="row", live=f"result:{name}", test=f"result-{name}"):
                        tag("span", "", label, role="rowheader")
                        for column in (*_SIDES, "difference"):
                            tag("span", role="cell", live=f"result-{column}:{name}", test=f"result-{name}-{column}")
            self._months: dict[str, Keyed] = {}
            for kind, label in (("import", "From the grid, per month"), ("cost", "Cost, per month")):
                with tag("div", "months", live=f"months:{kind}"):
                    tag("p", "eyebrow", label)
                    self._months[kind] = Keyed(tag("div", "month-rows"), partial(self._month, kind))
            tag("p", "quiet", live="compare-notes")
        tag("p", "quiet compare-how", _HOW)

    @staticmethod
    def _month(kind: str, month: str) -> Any:
        with tag("div", "month", test=f"month-{kind}-{month}") as row:
            tag("span", "month-name", month)
            with tag("div", "month-bars"):
                for side in _SIDES:
                    with tag("div", "month-line"):
                        tag("i", "month-bar", data_side=side, live=f"{kind}-bar-{side}:{month}")
                        tag("span", "month-value", live=f"{kind}-{side}:{month}")
        return row

    def _run(self, form: object) -> None:
        fields: Mapping[str, Any] = form if isinstance(form, Mapping) else {}
        texts = [str(fields.get(side, "")) for side in _SIDES]
        days = int(fields["days"]) if fields.get("days") in _PERIODS else 365
        names = [f"home {_LETTERS[side]}" for side in _SIDES]
        for side, text, name in zip(_SIDES, texts, names, strict=True):
            self._errors[side] = ""
            try:
                self._comparing.check(text, name)
            except ValueError as error:
                self._errors[side] = str(error)
        if any(self._errors.values()):
            self._session.look()
        else:
            self._session.order(lambda: self._comparing.start(texts, names, days))

    def values(self, state: State) -> dict[str, Value]:
        """What it shows."""
        latest = self._comparing.state()
        running = latest is not None and latest.running
        shown: dict[str, Value] = {
            f"home-problem:{side}": {"t": text, **there(bool(text))} for side, text in self._errors.items()
        }
        shown["compare-run"], shown["compare-stop"] = there(not running), there(running)
        shown["compare-words"] = _words(latest)
        done = 0.0 if latest is None else latest.done
        shown["compare-done"] = {
            "a": {"hidden": None if running else "", "aria-valuenow": f"{done * 100:.0f}"},
            "s": {"--soc": f"{done * 100:.1f}%"},
        }
        homes = [] if latest is None else latest.homes
        shown["compare-results"] = there(len(homes) == len(_SIDES))
        return shown | (self._results(*homes) if len(homes) == len(_SIDES) else {})

    def _results(self, a: HomeResult, b: HomeResult) -> dict[str, Value]:
        shown: dict[str, Value] = {}
        for name, (_, value_of, words) in _ROWS.items():
            values = [value_of(a), value_of(b)]
            shown[f"result:{name}"] = there(any(value is not None for value in values))
            for side, value in zip(_SIDES, values, strict=True):
                shown[f"result-{side}:{name}"] = "\N{EN DASH}" if value is None else words(value)
            difference = None if None in values else values[1] - values[0]  # type: ignore[operator]
            sign = "+" if difference is not None and difference > 0 else ""
            shown[f"result-difference:{name}"] = "\N{EN DASH}" if difference is None else f"{sign}{words(difference)}"
        notes = list(dict.fromkeys([*a.notes, *b.notes]))
        shown["compare-notes"] = ". ".join(note[0].upper() + note[1:] for note in notes) + ("." if notes else "")
        return shown | self._month_values(a, b)

    def _month_values(self, a: HomeResult, b: HomeResult) -> dict[str, Value]:
        shown: dict[str, Value] = {}
        for kind, words in (("import", _kwh), ("cost", money)):
            values: dict[str, dict[str, float]] = {}
            for side, home in zip(_SIDES, (a, b), strict=True):
                for month in home.months:
                    value = month.import_kwh if kind == "import" else month.total_ct
                    if value is not None:
                        values.setdefault(month.month, {})[side] = value
            self._months[kind].match({name: name for name in sorted(values)})
            shown[f"months:{kind}"] = there(bool(values))
            most = max((abs(value) for sides in values.values() for value in sides.values()), default=0.0)
            most = max(most, _LEAST)
            for name, sides in values.items():
                for side in _SIDES:
                    value = sides.get(side)
                    shown[f"{kind}-{side}:{name}"] = "" if value is None else words(value)
                    share = 0.0 if value is None else abs(value) / most
                    shown[f"{kind}-bar-{side}:{name}"] = {
                        "s": {"--share": f"{share * 100:.1f}%"},
                        "a": {"data-word": "earned" if value is not None and value < 0 else None},
                    }
        return shown


def _words(latest: Comparison | None) -> str:
    if latest is None:
        return "Change a file, and compare."
    period = _PERIODS.get(str(latest.days), f"{latest.days} days")
    if latest.running:
        return f"Simulating {period} of both: {percent(latest.done)}"
    return f"No result: {latest.failed}." if latest.failed else f"{period.capitalize()} of both homes."
