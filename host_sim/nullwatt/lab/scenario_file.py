"""The scenario file: one YAML or JSON document with a house, what happens to it, and what must hold.

    name: kettle
    duration: 5min
    house:
      powermeter: {loads: [{name: kettle, power: 2000, phase: A}]}
      batteries: [{mac: "02B250000001", phase: A, max_discharge_power: 2500}]
    events:
      - {at: 60s, switch_on: kettle}
      - {when: {grid_below: 50, for: 30s, after: 60s}, switch_off: kettle}
    expectations:
      - {grid: {within: 50, fraction: 0.9, from: 60s}}

Signs: battery + = discharge, grid + = import; W, s, SoC 0 ... 1; batteries count from 1. Whatever is wrong in the file
ends in one `ConfigError` whose text is a single line.
"""

import json
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, WithJsonSchema
from pydantic_core import PydanticCustomError

from nullwatt.core import Config, Emulator, TableFullError
from nullwatt.home import (
    ConfigError,
    HouseConfig,
    HouseFile,
    LoadEvent,
    broken_rule,
    check_document,
    house_schema,
    load_house_file,
    parse_house,
    read_document,
)

from .batteries import specs_of
from .expectations import Expectation, Subject
from .metrics import Metrics
from .scenario import Action, Condition, Event, Scenario, Trigger

#: Scenario files that come with nullwatt.
SHIPPED = Path(__file__).with_name("scenarios")
SUFFIXES = (".yaml", ".yml", ".json")

_LONGEST_S = 31 * 24 * 3600.0
_UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_HOUSE_REF = "#/$defs/house"
_PART = r"(\d+(?:\.\d+)?)\s*(s|min|h|d)"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not re.fullmatch(rf"(?:{_PART}\s*)+", text):
        raise PydanticCustomError("duration", 'must be seconds, or a text such as "90s", "5min" or "1h 30min"')
    return sum(float(number) * _UNITS_S[unit] for number, unit in re.findall(_PART, text))


def _hour(value: object) -> object:
    clock = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if clock is None:
        raise PydanticCustomError("clock", 'must be a time of day in quotes, such as "18:30"')
    return int(clock[1]) + int(clock[2]) / 60.0


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _ordered(value: list[float]) -> list[float]:
    if len(value) != 2 or value[0] > value[1]:
        raise PydanticCustomError("pair", "must be two numbers, the lower one first")
    return value


def _shown_as(*choices: dict[str, Any]) -> WithJsonSchema:
    """What may be written for a key whose value is read before it is checked."""
    return WithJsonSchema({"anyOf": list(choices)})


_SECONDS_SHOWN = _shown_as({"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^\s*({_PART}\s*)+$"})
_NAMES_SHOWN = _shown_as({"type": "string"}, {"type": "array", "items": {"type": "string"}})
_HOUR_SHOWN = WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"})

_Seconds = Annotated[FiniteFloat, Field(ge=0), BeforeValidator(_seconds), _SECONDS_SHOWN]
_Hour = Annotated[float, BeforeValidator(_hour), _HOUR_SHOWN]
_Names = Annotated[list[str], BeforeValidator(_listed), _NAMES_SHOWN]
_Pair = Annotated[list[FiniteFloat], AfterValidator(_ordered)]
_NotNegative = Annotated[FiniteFloat, Field(ge=0)]
_Unit = Annotated[FiniteFloat, Field(ge=0, le=1)]
_Share = Annotated[FiniteFloat, Field(gt=0, le=1)]
_Number = Annotated[int, Field(ge=1)]
_Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(**HouseFile.model_config)


class WhenSection(_Section):
    """All that is given must hold, for `for` on end and not before `after`. soc and power: of `battery`."""

    grid_above: FiniteFloat | None = None
    grid_below: FiniteFloat | None = None
    battery: _Number | None = None
    soc_above: _Unit | None = None
    soc_below: _Unit | None = None
    power_above: FiniteFloat | None = None
    power_below: FiniteFloat | None = None
    time_of_day: _Hour | None = None
    after: _Seconds = 0.0
    hold: Annotated[_Seconds, Field(alias="for")] = 0.0

    @property
    def of_battery(self) -> tuple[float | None, ...]:
        """What needs a battery."""
        return (self.soc_above, self.soc_below, self.power_above, self.power_below)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return all(value is None for value in (self.grid_above, self.grid_below, self.time_of_day, *self.of_battery))


class OverrideSection(_Section):
    """Settings of one battery at the controller; -1 takes a bound away."""

    active: bool | None = None
    manual: bool | None = None
    manual_target: FiniteFloat | None = None
    weight: FiniteFloat | None = None
    window_weight: FiniteFloat | None = None
    min_dc_output: FiniteFloat | None = None
    max_charge: FiniteFloat | None = None
    max_discharge: FiniteFloat | None = None
    start_power: FiniteFloat | None = None
    charge_order: int | None = None
    discharge_order: int | None = None


class EventSection(_Section):
    """What happens `at` a time or `when` something holds; the keys from `battery` to `override` are about a battery."""

    at: _Seconds | None = None
    when: WhenSection | None = None
    repeat: bool = False
    switch_on: _Names = []
    switch_off: _Names = []
    solar: _NotNegative | None = None
    meter: Literal["lost", "back"] | None = None
    meter_latency: _Seconds | None = None
    tune: dict[str, Any] = {}
    active_control: bool | None = None
    rotate: Literal[True] | None = None
    battery: _Number | None = None
    soc: _Unit | None = None
    dc_input: _NotNegative | None = None
    silent: bool | None = None
    app_power: FiniteFloat | None = None
    app_release: Literal[True] | None = None
    max_charge: _NotNegative | None = None
    max_discharge: _NotNegative | None = None
    override: OverrideSection | None = None


class BandSection(_Section):
    """Bounds of a quantity in each second, or of its mean, in [from, to)."""

    within: _NotNegative | None = None
    between: _Pair | None = None
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None
    fraction: _Share = 1.0
    mean: bool = False
    start: Annotated[_Seconds, Field(alias="from")] = 0.0
    end: Annotated[_Seconds | None, Field(alias="to")] = None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lowest and highest allowed value."""
        if self.within is not None:
            return -self.within, self.within
        return (self.above, self.below) if self.between is None else (self.between[0], self.between[1])

    @property
    def forms(self) -> int:
        """How many ways of bounding were used; above and below are one."""
        one_sided = self.above is not None or self.below is not None
        return (self.within is not None) + (self.between is not None) + one_sided


class StepSection(_Section):
    """The most that a step may do which begins in [from, to)."""

    within: _Seconds
    start: Annotated[_Seconds, Field(alias="from")] = 0.0
    end: Annotated[_Seconds | None, Field(alias="to")] = None


class ExpectationSection(_Section):
    """One of grid, power, soc, overshoot, settle and metrics; `battery` belongs to power and soc."""

    battery: _Number | None = None
    grid: BandSection | None = None
    power: BandSection | None = None
    soc: BandSection | None = None
    overshoot: StepSection | None = None
    settle: StepSection | None = None
    metrics: dict[str, FiniteFloat] | None = None


class ScenarioFile(_Section):
    """A whole scenario file. house: the content of a house file, or a path to one, from where this file is."""

    name: _Text | None = None
    description: str = ""
    duration: Annotated[_Seconds, Field(le=_LONGEST_S)]
    seed: int | None = None
    options: dict[str, Any] = {}
    house: Any
    events: list[EventSection] = []
    expectations: list[ExpectationSection] = []


_SUBJECTS: dict[str, Subject] = {
    "grid": "grid",
    "power": "power",
    "soc": "soc",
    "overshoot": "overshoot",
    "settle": "settle",
    "metrics": "metric",
}
_METRICS = tuple(item.name for item in fields(Metrics))
#: Keys of an event that are about a battery and become an action with a value.
_BATTERY_VALUES: dict[str, Action] = {
    "soc": "soc",
    "dc_input": "dc_input",
    "app_power": "app_power",
    "max_charge": "max_charge",
    "max_discharge": "max_discharge",
}
_BATTERY_KEYS = (*_BATTERY_VALUES, "silent", "app_release", "override")


def load_scenario(path: Path | str) -> Scenario:
    """Read and check a scenario file. Raises ConfigError, and nothing else, for one that cannot be used."""
    return parse_scenario(read_document(path), str(path), Path(path).parent)


def parse_scenario(document: object, name: str = "scenario", folder: Path = Path()) -> Scenario:
    """Check an already parsed document; `name` opens the error text, paths in it start at `folder`."""
    file = check_document(ScenarioFile, document, name, "duration")
    if file.duration != round(file.duration) or file.duration < 1:
        raise broken_rule(name, "duration", file.duration, "must be whole seconds, at least 1")
    house = _house(file.house, name, folder)
    return _Reader(file, house, name).scenario()


def scenario_schema() -> dict[str, Any]:
    """The scenario file as JSON Schema (2020-12). What lies between keys, and what options there are, it cannot say."""
    schema = ScenarioFile.model_json_schema()
    # Sections of both files have the same names; those of the house get a prefix.
    house = json.loads(json.dumps(house_schema()).replace("#/$defs/", f"{_HOUSE_REF}."))
    definitions = {f"house.{name}": value for name, value in house.pop("$defs").items()}
    dialect = house.pop("$schema")
    schema["$defs"] = {**schema["$defs"], **definitions, "house": house}
    schema["properties"]["house"] = {"anyOf": [{"type": "string"}, {"$ref": _HOUSE_REF}]}
    return {"$schema": dialect, **schema, "title": "nullwatt scenario file"}


def shipped() -> dict[str, Path]:
    """The scenario files that come with nullwatt, by name."""
    return {path.stem: path for path in sorted(SHIPPED.iterdir()) if path.suffix in SUFFIXES}


def _house(value: object, name: str, folder: Path) -> HouseFile:
    if isinstance(value, str):
        return load_house_file(folder / value)
    return parse_house(value, f"{name}: house", folder)


class _Reader:
    """From a file whose keys are right to a scenario; what is left are rules between keys."""

    def __init__(self, file: ScenarioFile, house: HouseFile, name: str) -> None:
        self._file = file
        self._name = name
        self._batteries = specs_of(house, f"{name}: house")
        seed = house.seed if file.seed is None else file.seed
        self._house: HouseConfig = house.house_config(seed)
        self._trial = Emulator(self._config())
        self._switchings: list[LoadEvent] = []
        self._events: list[Event] = []
        self._triggers: list[Trigger] = []

    def scenario(self) -> Scenario:
        """Check and translate everything."""
        file = self._file
        for index, section in enumerate(file.events):
            self._read_event(section, f"events[{index}]")
        expectations = tuple(
            expectation
            for index, item in enumerate(file.expectations)
            for expectation in self._expectations(item, f"expectations[{index}]")
        )
        return Scenario(
            name=file.name or Path(self._name).stem,
            house=replace(self._house, events=(*self._house.events, *self._switchings)),
            batteries=self._batteries,
            duration_s=round(file.duration),
            seed=self._house.seed,
            events=tuple(self._events),
            options=dict(file.options),
            title=file.description,
            triggers=tuple(self._triggers),
            expectations=expectations,
            as_written=True,
        )

    def _config(self) -> Config:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of options without effect: told when the scenario runs
            try:
                return Config(**self._file.options)
            except (TypeError, ValueError, OverflowError) as error:
                raise ConfigError(f"{self._name}: options: {error}") from None

    def _broken(self, path: str, value: object, rule: str, choices: Sequence[str] = ()) -> ConfigError:
        return broken_rule(self._name, path, value, rule, choices)

    def _missing(self, path: str, rule: str) -> ConfigError:
        return ConfigError(f"{self._name}: {path}: {rule}")

    # -- events

    def _read_event(self, section: EventSection, path: str) -> None:
        if (section.at is None) == (section.when is None):
            raise self._missing(path, "needs either at or when")
        self._check_event(section, path)
        if section.when is not None:
            events = tuple(self._actions(section, 0.0, path))
            if not events:
                raise self._missing(path, "nothing happens; add what does, such as switch_on or meter")
            self._triggers.append(Trigger(self._condition(section.when, f"{path}.when"), events, section.repeat))
            return
        at_s = section.at or 0.0
        if section.repeat:
            raise self._broken(f"{path}.repeat", True, "only together with when")
        if at_s >= self._file.duration:
            raise self._broken(f"{path}.at", at_s, f"must be before the end ({self._file.duration:g} s)")
        events = tuple(self._actions(section, at_s, path))
        if not events:
            raise self._missing(path, "nothing happens; add what does, such as switch_on or meter")
        for event in events:
            if event.action in ("switch_on", "switch_off"):
                self._switchings.append(LoadEvent(at_s, event.name, event.action == "switch_on"))
            else:
                self._events.append(event)

    def _check_event(self, section: EventSection, path: str) -> None:
        used = [key for key in _BATTERY_KEYS if getattr(section, key) is not None]
        if used and section.battery is None:
            raise self._missing(path, f"{used[0]} needs battery: its number, from 1")
        if section.battery is not None:
            self._position(section.battery, f"{path}.battery")
            if not used:
                raise self._missing(f"{path}.battery", f"does nothing without one of {', '.join(_BATTERY_KEYS)}")
        loads = [load.name for load in self._house.loads]
        for key in ("switch_on", "switch_off"):
            for load in getattr(section, key):
                if load not in loads:
                    raise self._broken(f"{path}.{key}", load, "no such load", loads)

    def _position(self, number: int, path: str) -> int:
        if number > len(self._batteries):
            raise self._broken(path, number, f"this house has {len(self._batteries)}")
        return number - 1

    def _condition(self, when: WhenSection, path: str) -> Condition:
        if when.is_empty:
            raise self._missing(path, "needs a condition, such as grid_above, soc_below or time_of_day")
        if (when.battery is None) != all(value is None for value in when.of_battery):
            raise self._missing(path, "battery and its soc_... or power_... belong together")
        return Condition(
            grid_above_w=when.grid_above,
            grid_below_w=when.grid_below,
            battery=0 if when.battery is None else self._position(when.battery, f"{path}.battery"),
            soc_above=when.soc_above,
            soc_below=when.soc_below,
            power_above_w=when.power_above,
            power_below_w=when.power_below,
            time_of_day_h=when.time_of_day,
            after_s=when.after,
            hold_s=when.hold,
        )

    def _actions(self, section: EventSection, at_s: float, path: str) -> Iterator[Event]:
        """Everything one entry makes happen."""
        for load in section.switch_on:
            yield Event(at_s, "switch_on", name=load)
        for load in section.switch_off:
            yield Event(at_s, "switch_off", name=load)
        if section.solar is not None:
            yield Event(at_s, "solar", section.solar)
        if section.meter is not None:
            yield Event(at_s, "meter_fail" if section.meter == "lost" else "meter_restore")
        if section.meter_latency is not None:
            yield Event(at_s, "meter_latency", section.meter_latency)
        for option, value in section.tune.items():
            yield self._tuning(option, value, at_s, f"{path}.tune")
        if section.active_control is not None:
            yield Event(at_s, "active_control", section.active_control)
        if section.rotate is not None:
            yield Event(at_s, "rotate")
        if section.battery is not None:
            yield from self._battery_actions(section, at_s, section.battery - 1, path)

    def _tuning(self, option: str, value: object, at_s: float, path: str) -> Event:
        if not isinstance(value, int | float):
            raise self._broken(f"{path}.{option}", value, "must be a number, or true or false")
        try:
            self._trial.tune(**{option: value})
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"{self._name}: {path}: {error}") from None
        return Event(at_s, "tune", value, name=option)

    def _battery_actions(self, section: EventSection, at_s: float, position: int, path: str) -> Iterator[Event]:
        for key, action in _BATTERY_VALUES.items():
            value = getattr(section, key)
            if value is not None:
                yield Event(at_s, action, value, position)
        if section.silent is not None:
            yield Event(at_s, "offline" if section.silent else "online", battery=position)
        if section.app_release is not None:
            yield Event(at_s, "app_release", battery=position)
        if section.override is None:
            return
        settings = section.override.model_dump(exclude_none=True)
        try:
            self._trial.set_override(self._batteries[position].config.mac, **settings)
        except (ValueError, TableFullError) as error:
            raise ConfigError(f"{self._name}: {path}.override: {error}") from None
        for name, value in settings.items():
            yield Event(at_s, "override", value, position, name)

    # -- expectations

    def _expectations(self, section: ExpectationSection, path: str) -> Iterator[Expectation]:
        given = [key for key in _SUBJECTS if getattr(section, key) is not None]
        if len(given) != 1:
            raise self._missing(path, f"needs exactly one of {', '.join(_SUBJECTS)}")
        (key,) = given
        if section.battery is not None and key not in ("power", "soc"):
            raise self._broken(f"{path}.battery", section.battery, f"does not belong to {key}")
        battery = None if section.battery is None else self._position(section.battery, f"{path}.battery")
        body = getattr(section, key)
        path = f"{path}.{key}"
        match body:
            case BandSection():
                yield self._band(key, body, battery, path)
            case StepSection():
                start, end = self._time(body, path)
                yield Expectation(subject=_SUBJECTS[key], high=body.within, from_s=start, to_s=end)
            case _:
                for metric, most in body.items():
                    if metric not in _METRICS:
                        raise self._broken(path, metric, "no such metric", _METRICS)
                    yield Expectation(subject=_SUBJECTS[key], high=most, metric=metric)

    def _band(self, key: str, band: BandSection, battery: int | None, path: str) -> Expectation:
        if band.forms != 1:
            raise self._missing(path, "needs bounds in one form: within, between, or above and below")
        if band.mean and band.fraction != 1.0:
            raise self._broken(f"{path}.fraction", band.fraction, "not together with mean")
        low, high = band.bounds
        if low is not None and high is not None and low > high:
            raise self._broken(f"{path}.above", low, f"must not be above below ({high:g})")
        start, end = self._time(band, path)
        return Expectation(
            subject=_SUBJECTS[key],
            low=low,
            high=high,
            fraction=band.fraction,
            mean=band.mean,
            from_s=start,
            to_s=end,
            battery=battery,
        )

    def _time(self, section: BandSection | StepSection, path: str) -> tuple[float, float]:
        duration_s = self._file.duration
        if section.end is not None and section.end > duration_s:
            raise self._broken(f"{path}.to", section.end, f"is after the end ({duration_s:g} s)")
        end_s = duration_s if section.end is None else section.end
        if section.start >= end_s:
            raise self._broken(f"{path}.from", section.start, f"must be before {end_s:g} s")
        return section.start, math.inf if section.end is None else section.end
