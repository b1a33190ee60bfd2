"""What happens in a scenario, as it is written: the `events` of a scenario file, or of a house that runs.

Signs: battery + = discharge, grid + = import; W, s, SoC 0 ... 1; batteries count from 1.
"""

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, WithJsonSchema
from pydantic_core import PydanticCustomError

from nullwatt.core import Config, Emulator, TableFullError
from nullwatt.home import WEATHER, Command, ConfigError, HouseFile, broken_rule, check_command, check_document

from .scenario import Action, Condition, Event, Trigger

_UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
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


def _shown_as(*choices: dict[str, Any]) -> WithJsonSchema:
    """What may be written for a key whose value is read before it is checked."""
    return WithJsonSchema({"anyOf": list(choices)})


_SECONDS_SHOWN = _shown_as({"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^\s*({_PART}\s*)+$"})
_NAMES_SHOWN = _shown_as({"type": "string"}, {"type": "array", "items": {"type": "string"}})
_HOUR_SHOWN = WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"})

Seconds = Annotated[FiniteFloat, Field(ge=0), BeforeValidator(_seconds), _SECONDS_SHOWN]
Unit = Annotated[FiniteFloat, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=1)]
Hour = Annotated[float, BeforeValidator(_hour), _HOUR_SHOWN]
_Names = Annotated[list[str], BeforeValidator(_listed), _NAMES_SHOWN]
NotNegative = Annotated[FiniteFloat, Field(ge=0)]


class ScenarioSection(BaseModel):
    """Strict as a house file."""

    model_config = ConfigDict(**HouseFile.model_config)


class WhenSection(ScenarioSection):
    """All that is given must hold, for `for` on end and not before `after`. soc and power: of `battery`."""

    grid_above: FiniteFloat | None = None
    grid_below: FiniteFloat | None = None
    battery: Number | None = None
    soc_above: Unit | None = None
    soc_below: Unit | None = None
    power_above: FiniteFloat | None = None
    power_below: FiniteFloat | None = None
    time_of_day: Hour | None = None
    after: Seconds = 0.0
    hold: Annotated[Seconds, Field(alias="for")] = 0.0

    @property
    def of_battery(self) -> tuple[float | None, ...]:
        """What needs a battery."""
        return (self.soc_above, self.soc_below, self.power_above, self.power_below)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return all(value is None for value in (self.grid_above, self.grid_below, self.time_of_day, *self.of_battery))


class OverrideSection(ScenarioSection):
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


class WeatherSection(ScenarioSection):
    """Held from now on. clouds: mean cover. transparency: part of the irradiance below a cloud. temperature: C."""

    clouds: Unit | None = None
    transparency: Unit | None = None
    temperature: Annotated[FiniteFloat, Field(ge=-60, le=60)] | None = None


class EventSection(ScenarioSection):
    """What happens `at` a time or `when` something holds; the keys from `battery` to `override` are about a battery.

    voltage: V between phases; frequency: Hz; they get there in `ramp` s. `for`: so long, then it is as before.
    """

    at: Seconds | None = None
    when: WhenSection | None = None
    repeat: bool = False
    switch_on: _Names = []
    switch_off: _Names = []
    solar: NotNegative | None = None
    meter: Literal["lost", "back"] | None = None
    meter_latency: Seconds | None = None
    tune: dict[str, Any] = {}
    active_control: bool | None = None
    rotate: Literal[True] | None = None
    mains: bool | None = None
    voltage: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    frequency: Annotated[FiniteFloat, Field(ge=0, le=100)] | None = None
    ramp: Seconds | None = None
    weather: WeatherSection | None = None
    device: Annotated[str, Field(min_length=1)] | None = None
    set: dict[str, Any] = {}
    fault: bool | None = None
    lasting: Annotated[Seconds | None, Field(alias="for")] = None
    battery: Number | None = None
    soc: Unit | None = None
    dc_input: NotNegative | None = None
    silent: bool | None = None
    app_power: FiniteFloat | None = None
    app_release: Literal[True] | None = None
    max_charge: NotNegative | None = None
    max_discharge: NotNegative | None = None
    override: OverrideSection | None = None


class EventsSection(ScenarioSection):
    """Events by themselves."""

    events: list[EventSection]


#: Keys of an event that are about a battery and become an action with a value.
_BATTERY_VALUES: dict[str, Action] = {
    "soc": "soc",
    "dc_input": "dc_input",
    "app_power": "app_power",
    "max_charge": "max_charge",
    "max_discharge": "max_discharge",
}
_BATTERY_KEYS = (*_BATTERY_VALUES, "silent", "app_release", "override")
#: What undoes an action once its `for` is over.
_UNDONE: dict[Action, Action] = {
    "meter_fail": "meter_restore",
    "meter_restore": "meter_fail",
    "offline": "online",
    "online": "offline",
    "fault": "repair",
    "repair": "fault",
    "weather": "weather_free",
}
_LASTING = "mains, voltage, frequency, weather, fault, meter, silent"

#: Commands of the devices of a house, by their names.
type Devices = Mapping[str, Mapping[str, Command]]


class Checker:
    """What every reader of such a document says when something is wrong."""

    def __init__(self, name: str, macs: Sequence[str]) -> None:
        """name: opens the error text. macs: of the batteries, in their order."""
        self.name = name
        self.macs = macs

    def broken(self, path: str, value: object, rule: str, choices: Sequence[str] = ()) -> ConfigError:
        """The error for a value that breaks a rule."""
        return broken_rule(self.name, path, value, rule, choices)

    def missing(self, path: str, rule: str) -> ConfigError:
        """The error for what is not there."""
        return ConfigError(f"{self.name}: {path}: {rule}")

    def position(self, number: int, path: str) -> int:
        """Position of a battery that counts from 1."""
        if number > len(self.macs):
            raise self.broken(path, number, f"this house has {len(self.macs)}")
        return number - 1


class EventReader(Checker):
    """Reads what happens in a house: its loads, its batteries and a controller with these options."""

    def __init__(
        self,
        name: str,
        loads: Sequence[str],
        macs: Sequence[str],
        options: dict[str, Any],
        end_s: float,
        devices: Callable[[], Devices],
    ) -> None:
        """end_s: events must come before. devices: of the house, asked for only if it matters.

        Raises ConfigError for options that are none.
        """
        super().__init__(name, macs)
        self._loads = loads
        self._find_devices = devices
        self._end_s = end_s
        self._trial = Emulator(self._config(options))
        self.events: list[Event] = []
        self.triggers: list[Trigger] = []

    @cached_property
    def _devices(self) -> Devices:
        return self._find_devices()

    def _config(self, options: dict[str, Any]) -> Config:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of options without effect: told when the scenario runs
            try:
                return Config(**options)
            except (TypeError, ValueError, OverflowError) as error:
                raise ConfigError(f"{self.name}: options: {error}") from None

    def read(self, section: EventSection, path: str) -> None:
        """Check one entry and add what it makes happen to `events` or `triggers`."""
        if (section.at is None) == (section.when is None):
            raise self.missing(path, "needs either at or when")
        self._check_event(section, path)
        if section.when is not None:
            events = self._happening(section, 0.0, path)
            self.triggers.append(Trigger(self._condition(section.when, f"{path}.when"), events, section.repeat))
            return
        at_s = section.at or 0.0
        if section.repeat:
            raise self.broken(f"{path}.repeat", True, "only together with when")
        if at_s >= self._end_s:
            raise self.broken(f"{path}.at", at_s, f"must be before the end ({self._end_s:g} s)")
        self.events.extend(self._happening(section, at_s, path))

    def _happening(self, section: EventSection, at_s: float, path: str) -> tuple[Event, ...]:
        """All that one entry brings about, and what ends it."""
        events = tuple(self._actions(section, at_s, path))
        if not events:
            raise self.missing(path, "nothing happens; add what does, such as switch_on or meter")
        lasting_s = section.lasting
        if lasting_s is None:
            return events
        ends = [_end(event, lasting_s) for event in events]
        if not any(end is not None or event.lasts_s < math.inf for event, end in zip(events, ends, strict=True)):
            raise self.broken(f"{path}.for", lasting_s, f"belongs to what can end: {_LASTING}")
        return (*events, *(end for end in ends if end is not None))

    def _check_event(self, section: EventSection, path: str) -> None:
        used = [key for key in _BATTERY_KEYS if getattr(section, key) is not None]
        if used and section.battery is None:
            raise self.missing(path, f"{used[0]} needs battery: its number, from 1")
        if section.battery is not None:
            self.position(section.battery, f"{path}.battery")
            if not used and section.fault is None:
                raise self.missing(f"{path}.battery", f"does nothing without one of {', '.join(_BATTERY_KEYS)}, fault")
        if section.fault is not None and (section.battery is None) == (section.device is None):
            raise self.missing(path, "fault needs either battery or device")
        if section.set and section.device is None:
            raise self.missing(path, "set needs device")
        if section.device is not None and not section.set and section.fault is None:
            raise self.missing(f"{path}.device", "does nothing without set or fault")
        if section.ramp is not None and section.voltage is None and section.frequency is None:
            raise self.broken(f"{path}.ramp", section.ramp, "belongs to voltage and frequency")
        for key in ("switch_on", "switch_off"):
            for load in getattr(section, key):
                if load not in self._loads:
                    raise self.broken(f"{path}.{key}", load, "no such load", self._loads)

    def _condition(self, when: WhenSection, path: str) -> Condition:
        if when.is_empty:
            raise self.missing(path, "needs a condition, such as grid_above, soc_below or time_of_day")
        if (when.battery is None) != all(value is None for value in when.of_battery):
            raise self.missing(path, "battery and its soc_... or power_... belong together")
        return Condition(
            grid_above_w=when.grid_above,
            grid_below_w=when.grid_below,
            battery=0 if when.battery is None else self.position(when.battery, f"{path}.battery"),
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
        if section.mains is not None:
            yield Event(at_s, "mains", section.mains)
        yield from self._grid_actions(section, at_s)
        if section.weather is not None:
            yield from self._weather_actions(section.weather, at_s, f"{path}.weather")
        if section.device is not None:
            yield from self._device_actions(section, at_s, section.device, path)
        if section.battery is not None:
            yield from self._battery_actions(section, at_s, section.battery - 1, path)

    def _grid_actions(self, section: EventSection, at_s: float) -> Iterator[Event]:
        ramp_s = section.ramp or 0.0
        lasts_s = math.inf if section.lasting is None else section.lasting
        if section.voltage is not None:
            yield Event(at_s, "voltage", section.voltage, ramp_s=ramp_s, lasts_s=lasts_s)
        if section.frequency is not None:
            yield Event(at_s, "frequency", section.frequency, ramp_s=ramp_s, lasts_s=lasts_s)

    def _weather_actions(self, section: WeatherSection, at_s: float, path: str) -> Iterator[Event]:
        held = section.model_dump(exclude_none=True)
        if not held:
            raise self.missing(path, "needs one of clouds, transparency, temperature")
        commands = self._devices.get(WEATHER)
        for name, value in held.items():
            if commands is None and name != "clouds":
                raise self.broken(f"{path}.{name}", value, "this house has no weather section, so it has clouds only")
            if commands is not None and name not in commands:
                raise self.broken(f"{path}.{name}", value, "the weather of this house is read from a file")
            yield Event(at_s, "weather", value, name=name)

    def _device_actions(self, section: EventSection, at_s: float, device: str, path: str) -> Iterator[Event]:
        if device not in self._devices:
            raise self.broken(f"{path}.device", device, "no such device", list(self._devices))
        commands = self._devices[device]
        if section.fault is not None:
            if "fault" not in commands:
                having = [name for name, known in self._devices.items() if "fault" in known]
                told = f" (those that have: {', '.join(having)})" if having else ""
                raise self.broken(f"{path}.device", device, f"has no fault{told}")
            yield Event(at_s, "device", section.fault, name="fault", device=device)
        for name, value in section.set.items():
            try:
                checked = check_command(device, commands, name, value)
            except (ValueError, TypeError) as error:
                raise ConfigError(f"{self.name}: {path}.set: {error}") from None
            yield Event(at_s, "device", checked, name=name, device=device)

    def _tuning(self, option: str, value: object, at_s: float, path: str) -> Event:
        if not isinstance(value, int | float):
            raise self.broken(f"{path}.{option}", value, "must be a number, or true or false")
        try:
            self._trial.tune(**{option: value})
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"{self.name}: {path}: {error}") from None
        return Event(at_s, "tune", value, name=option)

    def _battery_actions(self, section: EventSection, at_s: float, position: int, path: str) -> Iterator[Event]:
        for key, action in _BATTERY_VALUES.items():
            value = getattr(section, key)
            if value is not None:
                yield Event(at_s, action, value, position)
        if section.silent is not None:
            yield Event(at_s, "offline" if section.silent else "online", battery=position)
        if section.fault is not None:
            yield Event(at_s, "fault" if section.fault else "repair", battery=position)
        if section.app_release is not None:
            yield Event(at_s, "app_release", battery=position)
        if section.override is None:
            return
        settings = section.override.model_dump(exclude_none=True)
        try:
            self._trial.set_override(self.macs[position], **settings)
        except (ValueError, TableFullError) as error:
            raise ConfigError(f"{self.name}: {path}.override: {error}") from None
        for name, value in settings.items():
            yield Event(at_s, "override", value, position, name)


def _end(event: Event, lasting_s: float) -> Event | None:
    """What ends it, so long after it; None = nothing does, or it knows itself."""
    end_s = event.time_s + lasting_s
    if event.action == "mains":
        return replace(event, time_s=end_s, value=not event.value)
    if event.action == "device":
        return replace(event, time_s=end_s, value=not event.value) if event.name == "fault" else None
    undone = _UNDONE.get(event.action)
    return None if undone is None else replace(event, time_s=end_s, action=undone)


def read_events(
    sections: object,
    name: str,
    loads: Sequence[str],
    macs: Sequence[str],
    options: dict[str, Any],
    devices: Callable[[], Devices],
) -> tuple[list[Event], list[Trigger]]:
    """The `events` of a scenario, already parsed, for a running house with these loads, batteries and devices.

    options: of its controller. name: opens the error text. Raises ConfigError.
    """
    file = check_document(EventsSection, {"events": sections}, name, "events")
    reader = EventReader(name, loads, macs, options, math.inf, devices)
    for index, section in enumerate(file.events):
        reader.read(section, f"events[{index}]")
    return reader.events, reader.triggers
