"""Bricks the scenarios of the suite are made of. Times in s, power in W."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, MeterConfig, SunConfig

from ..batteries import BatterySpec
from ..scenario import Scenario, battery

NO_SUN = SunConfig(max_w=0.0)
#: The steps steering is judged by, W.
STEPS_W = (1100.0, 1500.0, 2000.0)
BASE_W = 300.0

#: Law -> the device type that is known to run it.
TYPE_OF_LAW = {
    "ramp": "HMG-50",
    "integrator": "VNSD-0",
    "integrator-2": "VNSE3-0",
    "dc-regulator": "HMJ-2",
    "ideal": "IDEAL",
}


def unit(position: int, law: str, phase: str = "A", device_type: str | None = None, **options: Any) -> BatterySpec:
    """A battery that runs `law`, polling once a second; device_type None declares it truly."""
    declared = TYPE_OF_LAW[law] if device_type is None else device_type
    return battery(position, phase, declared, **({"law": law, "poll_interval_s": 1.0} | options))


def switching(name: str, *times_s: float) -> tuple[LoadEvent, ...]:
    """On at the first time, off at the second, and so on."""
    return tuple(LoadEvent(time_s, name, index % 2 == 0) for index, time_s in enumerate(times_s))


def step_house(
    every_s: float = 60.0,
    steps_w: Sequence[float] = STEPS_W,
    meter: MeterConfig | None = None,
    base_w: float = BASE_W,
    noise_w: float = 0.0,
) -> HouseConfig:
    """One phase; each step comes and goes alone, one switching every `every_s`, the first after as long."""
    loads = tuple(LoadConfig(f"step {watts:g} W", watts) for watts in steps_w)
    events = tuple(
        event
        for index, load in enumerate(loads)
        for event in switching(load.name, every_s * (2 * index + 1), every_s * (2 * index + 2))
    )
    return HouseConfig(
        phases=1,
        base_load_w=(base_w,),
        noise_w=noise_w,
        loads=loads,
        events=events,
        sun=NO_SUN,
        meter=meter or MeterConfig(),
    )


def stepping(name: str, title: str, *pool: BatterySpec, every_s: float = 60.0, **house: Any) -> Scenario:
    """A scenario of nothing but steps; `house` as for `step_house`."""
    built = step_house(every_s, **house)
    duration_s = round(every_s * (len(built.events) + 1))
    return Scenario(name, built, pool, duration_s=duration_s, title=title)


def through(scenario: Scenario, name: str, title: str, meter: MeterConfig) -> Scenario:
    """The same scenario seen through another meter."""
    return replace(scenario, name=name, title=title, house=replace(scenario.house, meter=meter))


def aligned(scenario: Scenario, seed: int) -> Scenario:
    """The scenario with the randomness of `seed`, and with random phases of what real life never aligns.

    Scenarios of the same build get the same phases from the same seed, so they can be compared pair by pair.

    Each battery's first poll comes up to one poll interval later, each switching and event up to one meter interval
    (at least a second) later. Order and spacing of the disturbances stay otherwise.
    """
    rng = random.Random(f"alignment/{seed}")
    slack_s = max(1.0, scenario.house.meter.refresh_s)
    house = scenario.house
    events = tuple(replace(event, time_s=event.time_s + rng.uniform(0.0, slack_s)) for event in house.events)
    pool = tuple(
        replace(spec, first_poll_s=0.5 + rng.uniform(0.0, spec.poll_interval_s)) for spec in scenario.batteries
    )
    return replace(
        scenario,
        seed=seed,
        house=replace(house, seed=seed, events=events),
        batteries=pool,
        events=tuple(replace(event, time_s=event.time_s + rng.uniform(0.0, slack_s)) for event in scenario.events),
    )
