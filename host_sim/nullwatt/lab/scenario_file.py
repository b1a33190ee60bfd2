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
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, FiniteFloat
from pydantic_core import PydanticCustomError

from nullwatt.home import (
    ConfigError,
    House,
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
from .scenario import SWITCHINGS, Scenario
from .scenario_events import Checker, EventReader, EventSection, NotNegative, Number, ScenarioSection, Seconds

#: Scenario files that come with nullwatt.
SHIPPED = Path(__file__).with_name("scenarios")
SUFFIXES = (".yaml", ".yml", ".json")

_LONGEST_S = 31 * 24 * 3600.0
_HOUSE_REF = "#/$defs/house"


def _ordered(value: list[float]) -> list[float]:
    if len(value) != 2 or value[0] > value[1]:
        raise PydanticCustomError("pair", "must be two numbers, the lower one first")
    return value


_Pair = Annotated[list[FiniteFloat], AfterValidator(_ordered)]
_Share = Annotated[FiniteFloat, Field(gt=0, le=1)]
_Text = Annotated[str, Field(min_length=1)]


class BandSection(ScenarioSection):
    """Bounds of a quantity in each second, or of its mean, in [from, to)."""

    within: NotNegative | None = None
    between: _Pair | None = None
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None
    fraction: _Share = 1.0
    mean: bool = False
    start: Annotated[Seconds, Field(alias="from")] = 0.0
    end: Annotated[Seconds | None, Field(alias="to")] = None

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


class StepSection(ScenarioSection):
    """The most that a step may do which begins in [from, to)."""

    within: Seconds
    start: Annotated[Seconds, Field(alias="from")] = 0.0
    end: Annotated[Seconds | None, Field(alias="to")] = None


class ExpectationSection(ScenarioSection):
    """One of grid, power, soc, overshoot, settle and metrics; `battery` belongs to power and soc."""

    battery: Number | None = None
    grid: BandSection | None = None
    power: BandSection | None = None
    soc: BandSection | None = None
    overshoot: StepSection | None = None
    settle: StepSection | None = None
    metrics: dict[str, FiniteFloat] | None = None


class ScenarioFile(ScenarioSection):
    """A whole scenario file. house: the content of a house file, or a path to one, from where this file is."""

    name: _Text | None = None
    description: str = ""
    duration: Annotated[Seconds, Field(le=_LONGEST_S)]
    seed: int | None = None
    options: dict[str, Any] = Field(default={})
    house: Any
    events: list[EventSection] = Field(default=[])
    expectations: list[ExpectationSection] = Field(default=[])


_SUBJECTS: dict[str, Subject] = {
    "grid": "grid",
    "power": "power",
    "soc": "soc",
    "overshoot": "overshoot",
    "settle": "settle",
    "metrics": "metric",
}
_METRICS = tuple(item.name for item in fields(Metrics))


def load_scenario(path: Path | str) -> Scenario:
    """Read and check a scenario file. Raises ConfigError, and nothing else, for one that cannot be used."""
    return parse_scenario(read_document(path), str(path), Path(path).parent)


def parse_scenario(document: object, name: str = "scenario", folder: Path = Path()) -> Scenario:
    """Check an already parsed document; `name` opens the error text, paths in it start at `folder`."""
    if isinstance(document, dict) and "site" in document and "house" not in document:
        raise ConfigError(f"{name}: is a scenario of a site: play it with nullwatt twin run")
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


class _Reader(Checker):
    """From a file whose keys are right to a scenario; what is left are rules between keys."""

    def __init__(self, file: ScenarioFile, house: HouseFile, name: str) -> None:
        self._batteries = specs_of(house, f"{name}: house")
        super().__init__(name, [spec.config.mac for spec in self._batteries])
        self._file = file
        seed = house.seed if file.seed is None else file.seed
        self._house: HouseConfig = house.house_config(seed)
        self._happening = EventReader(
            name,
            [load.name for load in self._house.loads],
            self.macs,
            file.options,
            file.duration,
            lambda: {device.name: device.commands for device in House(self._house).devices},
        )

    def scenario(self) -> Scenario:
        """Check and translate everything."""
        file, happening = self._file, self._happening
        for index, section in enumerate(file.events):
            happening.read(section, f"events[{index}]")
        expectations = tuple(
            expectation
            for index, item in enumerate(file.expectations)
            for expectation in self._expectations(item, f"expectations[{index}]")
        )
        switchings = tuple(
            LoadEvent(event.time_s, event.name, event.action == "switch_on")
            for event in happening.events
            if event.action in SWITCHINGS
        )
        return Scenario(
            name=file.name or Path(self.name).stem,
            house=replace(self._house, events=(*self._house.events, *switchings)),
            batteries=self._batteries,
            duration_s=round(file.duration),
            seed=self._house.seed,
            events=tuple(event for event in happening.events if event.action not in SWITCHINGS),
            options=dict(file.options),
            title=file.description,
            triggers=tuple(happening.triggers),
            expectations=expectations,
            as_written=True,
        )

    # -- expectations

    def _expectations(self, section: ExpectationSection, path: str) -> Iterator[Expectation]:
        given = [key for key in _SUBJECTS if getattr(section, key) is not None]
        if len(given) != 1:
            raise self.missing(path, f"needs exactly one of {', '.join(_SUBJECTS)}")
        (key,) = given
        if section.battery is not None and key not in ("power", "soc"):
            raise self.broken(f"{path}.battery", section.battery, f"does not belong to {key}")
        battery = None if section.battery is None else self.position(section.battery, f"{path}.battery")
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
                        raise self.broken(path, metric, "no such metric", _METRICS)
                    yield Expectation(subject=_SUBJECTS[key], high=most, metric=metric)

    def _band(self, key: str, band: BandSection, battery: int | None, path: str) -> Expectation:
        if band.forms != 1:
            raise self.missing(path, "needs bounds in one form: within, between, or above and below")
        if band.mean and band.fraction != 1.0:
            raise self.broken(f"{path}.fraction", band.fraction, "not together with mean")
        low, high = band.bounds
        if low is not None and high is not None and low > high:
            raise self.broken(f"{path}.above", low, f"must not be above below ({high:g})")
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
            raise self.broken(f"{path}.to", section.end, f"is after the end ({duration_s:g} s)")
        end_s = duration_s if section.end is None else section.end
        if section.start >= end_s:
            raise self.broken(f"{path}.from", section.start, f"must be before {end_s:g} s")
        return section.start, math.inf if section.end is None else section.end
