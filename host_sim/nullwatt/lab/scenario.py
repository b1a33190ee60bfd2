"""Scenarios: a house, its batteries and what happens to them, as data.

Signs: battery + = discharge, grid + = import. All times are simulated seconds from the start of the run.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nullwatt.battery import BatteryConfig
from nullwatt.home import HouseConfig

from .batteries import BatterySpec
from .expectations import Expectation

Action = Literal[
    "meter_fail",
    "meter_restore",
    "solar",
    "soc",
    "dc_input",
    "offline",
    "online",
    "manual",
    "auto",
    "pause",
    "resume",
    "app_power",
    "app_release",
    "max_charge",
    "max_discharge",
    "window_weight",
    "switch_on",
    "switch_off",
    "meter_latency",
    "override",
    "tune",
    "active_control",
    "rotate",
    "mains",
    "voltage",
    "frequency",
    "weather",
    "weather_free",
    "device",
    "fault",
    "repair",
]
#: Actions on a load.
SWITCHINGS = ("switch_on", "switch_off")
#: What disturbs the grid by itself and is scored as a step.
_STEPS = ("solar", *SWITCHINGS)
#: What happens to the house, its meter or the whole controller; the rest happens to a battery.
_OF_ALL = (
    *_STEPS,
    *("meter_fail", "meter_restore", "meter_latency"),
    *("tune", "active_control", "rotate"),
    *("mains", "voltage", "frequency", "weather", "weather_free", "device"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens besides the loads of the house.

    action: "meter_fail", "meter_restore"; "solar" fixes the solar power at `value` W; for the battery at position
    `battery`: "soc" (value 0 ... 1), "dc_input" (value W), "offline" and "online" (it stops and resumes polling,
    its power stage keeps running on the last target); by its user at the emulator "manual" (value W) and "auto",
    "pause" and "resume"; by its own app "app_power" (value W; it polls on but obeys no reading) and "app_release",
    "max_charge" and "max_discharge" (value W). "window_weight" (value 0 ... 1) sets its share of the active time.
    With a name: "switch_on" and "switch_off" a load, "override" a setting of the battery at the emulator, "tune" an
    option of the core. "meter_latency" (value s); "active_control" (value True or False); "rotate" hands over in
    efficiency mode; "mains" (value True or False) switches the grid; "voltage" (V between phases) and "frequency" (Hz)
    of it, over ramp_s and for lasts_s. "weather" holds clouds, transparency or temperature, as `name` says, and
    "weather_free" no longer. "device" gives the command `name` to the device `device`. "fault" and "repair" of a
    battery: it trips, gives nothing and does not poll.
    """

    time_s: float
    action: Action
    value: Any = 0.0
    battery: int = 0
    name: str = ""
    device: str = ""
    ramp_s: float = 0.0
    lasts_s: float = math.inf

    @property
    def is_step(self) -> bool:
        """Whether it disturbs the grid and is scored."""
        return self.action in _STEPS

    @property
    def of_battery(self) -> bool:
        """Whether `battery` says which."""
        return self.action not in _OF_ALL

    @property
    def _shown(self) -> str:
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return self.value if isinstance(self.value, str) else f"{self.value:g}"

    def __str__(self) -> str:
        unit = f"battery {self.battery + 1}"
        match self.action:
            case "meter_fail" | "meter_restore":
                return "meter lost" if self.action == "meter_fail" else "meter back"
            case "meter_latency":
                return f"meter {self.value:g} s late"
            case "solar":
                return f"solar {self.value:g} W"
            case "switch_on" | "switch_off":
                return f"{self.name} {self.action.removeprefix('switch_')}"
            case "tune":
                return f"{self.name} = {self._shown}"
            case "active_control":
                return f"active control {'on' if self.value else 'off'}"
            case "rotate":
                return "rotation"
            case "mains":
                return f"mains {'on' if self.value else 'off'}"
            case "voltage" | "frequency":
                return f"{self.action} {self.value:g} {'V' if self.action == 'voltage' else 'Hz'}"
            case "weather" | "weather_free":
                return f"{self.name} {self._shown if self.action == 'weather' else 'as before'}"
            case "device":
                return f"{self.device}: {self.name} = {self._shown}"
            case "fault" | "repair" | "offline" | "online" | "auto" | "pause" | "resume" | "app_release":
                return f"{unit}: {self.action.replace('_', ' ')}"
            case "override":
                return f"{unit}: {self.name} = {self._shown}"
            case _:
                return f"{unit}: {self.action.replace('_', ' ')} {self.value:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Holds when everything given holds; None does not matter. Looked at once per second.

    grid_*_w: true grid, all phases. soc_*, power_*_w: of the battery at position `battery`. time_of_day_h: during the
    minute that begins then. after_s: not before. hold_s: it counts once it held so long on end.
    """

    grid_above_w: float | None = None
    grid_below_w: float | None = None
    battery: int = 0
    soc_above: float | None = None
    soc_below: float | None = None
    power_above_w: float | None = None
    power_below_w: float | None = None
    time_of_day_h: float | None = None
    after_s: float = 0.0
    hold_s: float = 0.0

    @property
    def of_battery(self) -> bool:
        """Whether `battery` matters."""
        return any(v is not None for v in (self.soc_above, self.soc_below, self.power_above_w, self.power_below_w))


@dataclass(frozen=True, slots=True)
class Trigger:
    """Events that happen when a condition comes to hold, so much later. repeat: each time it does again."""

    condition: Condition
    events: tuple[Event, ...]
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run of the lab.

    duration_s: length, whole seconds. seed: of house, meter, jitter and loss. options: core options that belong to
    the scenario (for example min_efficient_power). steps_s: times of the disturbances that are scored one by one;
    None takes every switching of a load and every "solar" event. title: one line for people. triggers: what happens
    on conditions. expectations: what must have held. as_written: repetitions vary the randomness, but no time.
    """

    name: str
    house: HouseConfig
    batteries: tuple[BatterySpec, ...]
    duration_s: int = 600
    seed: int = 1
    events: tuple[Event, ...] = ()
    options: dict[str, float | bool | str] = field(default_factory=dict)
    steps_s: tuple[float, ...] | None = None
    title: str = ""
    triggers: tuple[Trigger, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    as_written: bool = False

    def __post_init__(self) -> None:
        if self.duration_s < 1:
            raise ValueError(f"scenario {self.name!r}: duration_s must be at least 1")
        for event in (*self.events, *(event for trigger in self.triggers for event in trigger.events)):
            if not 0 <= event.battery < max(1, len(self.batteries)):
                raise ValueError(f"scenario {self.name!r}: event refers to battery {event.battery}, which is not there")

    @property
    def labelled_s(self) -> tuple[float, ...]:
        """Times of the scored disturbances within the run, in order, each once."""
        if self.steps_s is not None:
            times = set(self.steps_s)
        else:
            times = {event.time_s for event in self.house.events}
            times |= {event.time_s for event in self.events if event.is_step}
        return tuple(sorted(time for time in times if time < self.duration_s))

    def with_seed(self, seed: int) -> "Scenario":
        """The same scenario with other randomness."""
        return replace(self, seed=seed, house=replace(self.house, seed=seed))


def battery(position: int, phase: str = "A", device_type: str = "HMG-50", **options: object) -> BatterySpec:
    """A battery as steering is judged with: 2500 W both ways, 5120 Wh, SoC 0.6, 400 W/s, threshold 5 W.

    A B2500 gets 800 W out, nothing in, 2240 Wh, SoC 0.5 and up to 1000 W of DC input instead.
    `options` replace fields of BatteryConfig.
    """
    values: dict[str, object] = {
        "mac": f"02B2500000{position:02X}",
        "phase": phase,
        "device_type": device_type,
        "max_charge_w": 2500.0,
        "max_discharge_w": 2500.0,
        "capacity_wh": 5120.0,
        "initial_soc": 0.6,
        "ramp_rate_w_s": 400.0,
        "min_power_w": 5.0,
    }
    if device_type.upper().startswith(("HMA", "HMJ", "HMK")):
        values |= {
            "max_charge_w": 0.0,
            "max_discharge_w": 800.0,
            "capacity_wh": 2240.0,
            "initial_soc": 0.5,
            "max_dc_input_w": 1000.0,
        }
    return BatterySpec(BatteryConfig(**(values | options)))  # type: ignore[arg-type]
