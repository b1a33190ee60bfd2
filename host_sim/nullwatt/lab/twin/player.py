"""Plays a scenario on a site: before each step what is due, after it a row of the record.

The site may be stepped here, as fast as it goes (`run_site`), or by somebody who serves it and calls `before` and
`after`.
"""

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nullwatt.home.der import DerSite, GridEvent

from ..triggers import Latch
from .controller import RunningController
from .expectations import Judged, Record
from .master import Master, ModbusRefusedError
from .script import UNITS, Action, Command, Deviation, Level, ModbusWrite, Series, Signal, SiteCondition, SiteScenario
from .subject import Subject
from .track import Track

_MOST_ROWS = 1_000_000
_MINUTE_S, _DAY_S = 60.0, 86400.0


@dataclass(frozen=True, slots=True)
class SiteResult:
    """How a run went. happened: when and what. controller: what the stand-in did, "" without one."""

    scenario: SiteScenario
    record: Record
    judged: tuple[Judged, ...]
    happened: tuple[tuple[float, str], ...]
    controller: str = ""

    @property
    def failed(self) -> int:
        """How many expectations did not hold."""
        return sum(not each.outcome.ok for each in self.judged)

    def to_json(self) -> dict[str, object]:
        """As JSON-able values."""
        return {
            "scenario": self.scenario.name,
            "site": self.scenario.site.site_name,
            "seed": self.scenario.site.seed,
            "duration_s": self.scenario.duration_s,
            "ok": not self.failed,
            "controller": self.controller,
            "expectations": [each.outcome.to_json() | {"rows": list(each.rows)} for each in self.judged],
            "happened": [{"time_s": time_s, "what": what} for time_s, what in self.happened],
        }

    def to_csv(self) -> str:
        """The record: a line per row, a column per subject that an expectation looked at."""
        names = [str(subject) for subject in self.record.values]
        lines = [",".join(["time_s", *(name.replace(" ", ".") for name in names)])]
        columns = [self.record.time_s, *self.record.values.values()]
        lines += [",".join(f"{value:.10g}" for value in row) for row in zip(*columns, strict=True)]
        return "\n".join(lines) + "\n"


class SitePlayer:
    """One run. happened: so far."""

    def __init__(self, scenario: SiteScenario, site: DerSite, controller: bool = True) -> None:
        """controller: False = somebody else controls, whatever the scenario says."""
        self.scenario = scenario
        self.site = site
        self.happened: list[tuple[float, str]] = []
        self._masters = {name: Master(site, asset) for name, asset in site.assets.items()}
        chosen = scenario.controller if controller else None
        self._controller = None if chosen is None else RunningController(chosen, self._masters[chosen.asset])
        self._events = sorted(scenario.events, key=lambda event: event.at_s)
        self._next = 0
        self._triggers = [
            (trigger, Latch(trigger.condition.hold_s, trigger.repeat), self._value_of(trigger.condition.subject))
            for trigger in scenario.triggers
        ]
        models = site.models
        self._tracks: dict[Signal, Track] = {signal: Track() for signal in UNITS}
        self._usual = {
            "frequency": models.frequency.nominal,
            "voltage": models.voltage.nominal,
            "base_load": models.base_load_w,
        }
        steps = math.ceil(scenario.duration_s / site.step_s)
        self._every = max(1, math.ceil(steps / _MOST_ROWS))
        subjects = dict.fromkeys(subject for each in scenario.expectations for subject in each.subjects)
        self._columns = {subject: array("d") for subject in subjects}
        self._read = [(column, subject.reader(site, self._masters)) for subject, column in self._columns.items()]
        self._time_s = array("d")

    def _value_of(self, subject: Subject | None) -> Callable[[], float] | None:
        return None if subject is None else subject.reader(self.site, self._masters)

    # -- time ------------------------------------------------------------------------------------

    def before(self) -> None:
        """Carry out what is due now, before the step that begins now."""
        now_s = self.site.now_s
        late_s = now_s + self.site.step_s * 1e-6
        events = self._events
        while self._next < len(events) and events[self._next].at_s <= late_s:
            self._apply(events[self._next].action, now_s)
            self._next += 1
        for trigger, latch, read in self._triggers:
            if latch.waits and latch.comes(now_s, self._holds(trigger.condition, read, now_s)):
                for action in trigger.actions:
                    self._apply(action, now_s)
        self._move_world(now_s)
        if self._controller is not None:
            self._controller.work(now_s)

    def after(self) -> None:
        """Record the step that ended now."""
        if self.site.ticks % self._every:
            return
        self._time_s.append(self.site.now_s)
        for column, read in self._read:
            column.append(read())

    def result(self) -> SiteResult:
        """Judge what was recorded so far."""
        units = {subject: subject.unit(self.site, self._masters) for subject in self._columns}
        values = {subject: np.array(column) for subject, column in self._columns.items()}
        record = Record(self.site.step_s * self._every, np.array(self._time_s), values, units)
        judged = tuple(each.check(record) for each in self.scenario.expectations)
        return SiteResult(self.scenario, record, judged, tuple(self.happened), self._told_of_controller())

    def _told_of_controller(self) -> str:
        running = self._controller
        if running is None:
            return ""
        refused = f", {running.refused} refused: {running.reason}" if running.refused else ""
        return f"{running.requests} requests{refused}"

    # -- what happens ----------------------------------------------------------------------------

    def _apply(self, action: Action, now_s: float) -> None:
        told = str(action)
        match action:
            case ModbusWrite(asset, address, words, _):
                try:
                    self._masters[asset].write(address, words)
                except ModbusRefusedError as error:
                    told = str(error)
            case Command(asset, name, value):
                self.site.command(asset, name, value)
            case Level(signal, value, over_s, hold_s):
                self._tracks[signal].go(now_s, self._present(signal), value, over_s, hold_s)
            case Series(signal, times_s, values, _):
                self._tracks[signal].play(now_s, times_s, values)
            case Deviation(signal, delta, duration_s, shape):
                unit = self._usual["voltage"] if signal == "voltage" else 1.0
                self.site.add_grid_event(signal, GridEvent(now_s, duration_s, delta / unit, shape))
        self.happened.append((now_s, told))

    def _present(self, signal: Signal) -> float:
        models, around = self.site.models, self.site.surroundings
        match signal:
            case "frequency":
                return models.frequency.nominal
            case "voltage":
                return models.voltage.nominal
            case "base_load":
                return models.base_load_w
            case "irradiance":
                return around.irradiance_w_m2
            case "ambient":
                return around.ambient_c

    def _move_world(self, now_s: float) -> None:
        models, around, tracks = self.site.models, self.site.surroundings, self._tracks
        for signal, track in tracks.items():
            if track.is_idle:
                continue
            value = track.at(now_s)
            match signal:
                case "frequency":
                    models.frequency.nominal = self._usual["frequency"] if value is None else value
                case "voltage":
                    models.voltage.nominal = self._usual["voltage"] if value is None else value
                case "base_load":
                    models.base_load_w = self._usual["base_load"] if value is None else value
                case "irradiance":
                    models.sun_w_m2 = value
                    if value is None and not models.enabled:
                        around.irradiance_w_m2 = 0.0
                case "ambient":
                    models.air_c = value

    def _holds(self, condition: SiteCondition, read: Callable[[], float] | None, now_s: float) -> bool:
        if now_s < condition.after_s:
            return False
        if condition.time_of_day_h is not None:
            since_s = (self.site.config.start_time_h - condition.time_of_day_h) * 3600.0 + now_s
            if round(since_s, 3) % _DAY_S >= _MINUTE_S:
                return False
        if read is None:
            return True
        value = read()
        return (condition.above is None or value > condition.above) and (
            condition.below is None or value < condition.below
        )


def run_site(scenario: SiteScenario, controller: bool = True) -> SiteResult:
    """Play a scenario as fast as this machine can. controller: see `SitePlayer`."""
    site = DerSite(scenario.site)
    player = SitePlayer(scenario, site, controller)
    end_s = scenario.duration_s + site.step_s * 1e-6
    while site.next_event_s <= end_s:
        player.before()
        site.step()
        player.after()
    return player.result()
