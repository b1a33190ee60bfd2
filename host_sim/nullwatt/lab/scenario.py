"""Scenarios: a house, its batteries and what happens to them, as data.

Signs: battery + = discharge, grid + = import. All times are simulated seconds from the start of the run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from nullwatt.battery import BatteryConfig, ClientConfig
from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, MeterConfig, SunConfig

from .batteries import BatterySpec

Action = Literal["meter_fail", "meter_restore", "solar", "soc", "dc_input", "offline", "online"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens besides the loads of the house.

    action: "meter_fail", "meter_restore"; "solar" fixes the solar power at `value` W; for the battery at position
    `battery`: "soc" (value 0 ... 1), "dc_input" (value W), "offline" and "online" (it stops and resumes polling,
    its power stage keeps running on the last target).
    """

    time_s: float
    action: Action
    value: float = 0.0
    battery: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run of the lab.

    duration_s: length, whole seconds. seed: of house, meter, jitter and loss. options: core options that belong to
    the scenario (for example min_efficient_power). steps_s: times of the disturbances that are scored one by one;
    None takes every switching of a load and every "solar" event.
    """

    name: str
    house: HouseConfig
    batteries: tuple[BatterySpec, ...]
    duration_s: int = 600
    seed: int = 1
    events: tuple[Event, ...] = ()
    options: dict[str, float | bool | str] = field(default_factory=dict)
    steps_s: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.duration_s < 1:
            raise ValueError(f"scenario {self.name!r}: duration_s must be at least 1")
        for event in self.events:
            if not 0 <= event.battery < max(1, len(self.batteries)):
                raise ValueError(f"scenario {self.name!r}: event refers to battery {event.battery}, which is not there")

    @property
    def labelled_s(self) -> tuple[float, ...]:
        """Times of the scored disturbances within the run, in order, each once."""
        if self.steps_s is not None:
            times = set(self.steps_s)
        else:
            times = {event.time_s for event in self.house.events}
            times |= {event.time_s for event in self.events if event.action == "solar"}
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


def _switching(name: str, *times_s: float) -> tuple[LoadEvent, ...]:
    """On at the first time, off at the second, and so on."""
    return tuple(LoadEvent(time_s, name, index % 2 == 0) for index, time_s in enumerate(times_s))


def _appliance_steps() -> Scenario:
    """Two batteries on one phase, one appliance after the other."""
    house = HouseConfig(
        base_load_w=(250.0,),
        noise_w=5.0,
        loads=(
            LoadConfig("kettle", 2000.0, "A"),
            LoadConfig("oven", 1200.0, "A"),
            LoadConfig("lights", 60.0, "A"),
        ),
        events=(
            *_switching("kettle", 60, 180, 900, 1020),
            *_switching("oven", 300, 660),
            *_switching("lights", 420, 1140),
        ),
        sun=SunConfig(max_w=0.0),
    )
    return Scenario("appliance_steps", house, (battery(1), battery(2)), duration_s=1260)


def _three_phase_mixed() -> Scenario:
    """Four batteries with four laws on three phases; steps on every phase and a burst of sun."""
    house = HouseConfig(
        base_load_w=(180.0, 120.0, 90.0),
        noise_w=5.0,
        loads=(
            LoadConfig("cooker", 1800.0, "B"),
            LoadConfig("washer", 700.0, "C"),
            LoadConfig("heater", 1000.0, "A"),
        ),
        events=(
            *_switching("cooker", 60, 360),
            *_switching("washer", 150, 600),
            *_switching("heater", 480, 780),
        ),
        sun=SunConfig(max_w=3000.0, phases=("A", "B", "C")),
    )
    pool = (
        battery(1, "A", "HMG-50", law="ramp"),
        battery(2, "B", "VNSE3-0"),
        battery(3, "C", "VNSD-0", law="integrator"),
        battery(4, "A", "HMJ-2", dc_input_w=200.0),
    )
    events = (Event(900.0, "solar", 2400.0), Event(1080.0, "solar", 300.0))
    return Scenario("three_phase_mixed", house, pool, duration_s=1200, events=events)


def _one_battery_kettle() -> Scenario:
    """The smallest case: one battery, one kettle, boiling twice."""
    house = HouseConfig(
        phases=1,
        base_load_w=(200.0,),
        noise_w=5.0,
        loads=(LoadConfig("kettle", 2000.0, "A"),),
        events=_switching("kettle", 60, 240, 420, 600),
        sun=SunConfig(max_w=0.0),
    )
    return Scenario("one_battery_kettle", house, (battery(1),), duration_s=780)


def _slow_meter() -> Scenario:
    """The kettle seen through a meter that refreshes every 10 s and is 1 s late."""
    return _through(_one_battery_kettle(), "slow_meter", MeterConfig(refresh_s=10.0, latency_s=1.0))


def _late_meter() -> Scenario:
    """The mixed pool seen through a meter that is 2.5 s late."""
    return _through(_three_phase_mixed(), "late_meter", MeterConfig(refresh_s=1.0, latency_s=2.5))


def _lossy_network() -> Scenario:
    """The mixed pool on a bad Wi-Fi: jitter, lost and repeated datagrams, one battery and the meter away a while."""
    scenario = _three_phase_mixed()
    client = ClientConfig(jitter_s=0.3, request_loss=0.05, reply_loss=0.05, duplicate=0.02)
    events = (
        Event(240.0, "offline", battery=1),
        Event(300.0, "online", battery=1),
        Event(660.0, "meter_fail"),
        Event(690.0, "meter_restore"),
    )
    pool = tuple(replace(spec, client=client) for spec in scenario.batteries)
    return replace(scenario, name="lossy_network", batteries=pool, events=scenario.events + events)


def _through(scenario: Scenario, name: str, meter: MeterConfig) -> Scenario:
    return replace(scenario, name=name, house=replace(scenario.house, meter=meter))


_BUILDERS: tuple[Callable[[], Scenario], ...] = (
    _appliance_steps,
    _three_phase_mixed,
    _one_battery_kettle,
    _slow_meter,
    _late_meter,
    _lossy_network,
)

#: The built-in scenarios by name.
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in (build() for build in _BUILDERS)}
