"""Several batteries and their troubles: unequal limits, full and empty packs, mixed types, late meters, lost readings.

Each scenario is a field problem or a promise about sharing, as small as it can be. The builders take the steering laws,
so that the same trouble can be put to other batteries. Demand + = the house needs power, - = it has a surplus.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, MeterConfig

from ..batteries import BatterySpec
from ..scenario import Event, Scenario
from .building import NO_SUN, switching, unit

#: When the demand of a scenario changes for the first time, s: the pool has settled by then.
CHANGE_S = 30.0
#: Time between two changes, s: long enough to judge the steady state.
SPACING_S = 120.0
_BEFORE_W = 300.0


def balancing() -> tuple[Scenario, ...]:
    """All of them."""
    pair = ("integrator-2", "ramp")
    return (
        unequal_limits("limits_800_2500", (800.0, 2500.0), pair, 2000.0),
        unequal_limits("limits_800_800_2500", (800.0, 800.0, 2500.0), ("ramp", *pair), 3500.0),
        shared("shared_evenly", pair),
        replace(shared("shared_60_40", pair, (1.5, 1.0)), options={"balance_deadband": 0.0}),
        cadences("cadences", "integrator-2"),
        dc_unit_at_surplus("dc_unit_at_surplus", "integrator-2"),
        full_dc_unit_at_surplus("full_dc_unit_at_surplus", "integrator-2"),
        dc_pair("dc_pair"),
        sun_through_full("sun_through_full", "integrator-2"),
        late_meter("late_meter_pair", pair),
        motor("motor_pair", pair),
        lopsided("lopsided_pair", pair),
        empty_and_full("two_empty_two_full", ("integrator-2",) * 4, (0.0, 0.0, 1.0, 1.0), 800.0),
        turning("full_turns_to_load", pair, soc=1.0, demand_w=-1000.0),
        turning("empty_turns_to_surplus", pair, soc=0.0, demand_w=1000.0),
        swinging("swinging", pair),
        combined("combined_alone", ("D",)),
        losing_the_meter("meter_lost", pair),
    )


def demanding(
    name: str,
    title: str,
    pool: Sequence[BatterySpec],
    demands: Sequence[tuple[float, float]],
    duration_s: float,
    **house: Any,
) -> Scenario:
    """A house whose demand takes the given values: (from second, W), the first one from 0 s on.

    `house` replaces fields of HouseConfig. The changes are the scored disturbances.
    """
    (_, first_w), *later = demands
    loads, events, before_w = [], [], first_w
    for time_s, demand_w in later:
        load = LoadConfig(f"change at {time_s:g} s", demand_w - before_w)
        loads.append(load)
        events.append(LoadEvent(time_s, load.name, True))
        before_w = demand_w
    values: dict[str, Any] = {
        "phases": 1,
        "base_load_w": (first_w,),
        "noise_w": 0.0,
        "loads": tuple(loads),
        "events": tuple(events),
        "sun": NO_SUN,
    }
    return Scenario(name, HouseConfig(**(values | house)), tuple(pool), duration_s=round(duration_s), title=title)


def units(laws: Sequence[str], **options: Any) -> tuple[BatterySpec, ...]:
    """One battery per law, all on phase A."""
    return tuple(unit(index + 1, law, **options) for index, law in enumerate(laws))


def unequal_limits(name: str, limits_w: Sequence[float], laws: Sequence[str], demand_w: float) -> Scenario:
    """A lasting demand, or surplus, that takes some of the batteries to their limits."""
    pool = tuple(
        unit(index + 1, law, max_charge_w=limit_w, max_discharge_w=limit_w)
        for index, (law, limit_w) in enumerate(zip(laws, limits_w, strict=True))
    )
    before_w = _BEFORE_W if demand_w > 0 else -_BEFORE_W
    title = f"limits of {'/'.join(f'{limit_w:g}' for limit_w in limits_w)} W, {demand_w:g} W"
    return demanding(name, title, pool, ((0.0, before_w), (CHANGE_S, demand_w)), CHANGE_S + 660.0)


def shared(name: str, laws: Sequence[str], weights: Sequence[float] = (), sign: float = 1.0) -> Scenario:
    """Demand goes up twice and down once; sign -1: surplus."""
    pool = units(laws)
    if weights:
        pool = tuple(replace(spec, weight=weight) for spec, weight in zip(pool, weights, strict=True))
    steps_w = (_BEFORE_W, 900.0, 1800.0, 1000.0)
    times_s = (0.0, *(CHANGE_S + SPACING_S * index for index in range(len(steps_w) - 1)))
    demands = tuple((time_s, sign * step_w) for time_s, step_w in zip(times_s, steps_w, strict=True))
    title = f"shares of {':'.join(f'{weight:g}' for weight in weights or [1] * len(pool))} on one phase"
    return demanding(name, title, pool, demands, times_s[-1] + SPACING_S)


def cadences(name: str, law: str, sign: float = 1.0) -> Scenario:
    """Three equal batteries that poll every 0.45, 1 and 3.1 s."""
    pool = tuple(unit(index + 1, law, poll_interval_s=poll_s) for index, poll_s in enumerate((0.45, 1.0, 3.1)))
    scenario = shared(name, (law,), sign=sign)
    return replace(scenario, batteries=pool, title="equal batteries that poll every 0.45, 1 and 3.1 s")


def dc_unit_at_surplus(name: str, law: str) -> Scenario:
    """A B2500 that discharges beside a battery that charges from AC; then the sun comes out."""
    pool = (unit(1, "dc-regulator"), unit(2, law))
    title = "a B2500 and a battery that charges from AC at 600 W of surplus"
    return demanding(name, title, pool, ((0.0, _BEFORE_W), (CHANGE_S, -600.0)), CHANGE_S + 270.0)


def full_dc_unit_at_surplus(name: str, law: str) -> Scenario:
    """A full B2500 passes its sun through while the house needs nothing: the other battery takes it."""
    pool = (unit(1, "dc-regulator", initial_soc=1.0, dc_input_w=500.0), unit(2, law))
    title = "a full B2500 passes 500 W through, a battery that charges from AC takes them"
    return demanding(name, title, pool, ((0.0, 200.0), (CHANGE_S, 0.0)), CHANGE_S + 270.0)


def dc_pair(name: str) -> Scenario:
    """Two B2500 and a demand that dips a little, then for three seconds into surplus."""
    pool = (unit(1, "dc-regulator"), unit(2, "dc-regulator"))
    demands = ((0.0, 760.0), (120.0, 745.0), (240.0, -100.0), (243.0, 745.0))
    return demanding(name, "two B2500 and a brief export", pool, demands, 360.0)


def sun_through_full(name: str, law: str) -> Scenario:
    """A full Venus D on A passes its sun through while a battery on C charges."""
    full = unit(1, "integrator-2", "A", "VNSD-0", initial_soc=1.0, max_dc_input_w=1000.0, dc_input_w=500.0)
    title = "a full Venus D passes 500 W through on A, a battery on C charges"
    return demanding(
        name, title, (full, unit(2, law, "C")), ((0.0, 0.0), (CHANGE_S, -600.0)), CHANGE_S + 270.0, phases=3
    )


def late_meter(name: str, laws: Sequence[str], latency_s: float = 2.0) -> Scenario:
    """1.5 kW on and off behind a meter that is late."""
    demands = ((0.0, _BEFORE_W), (60.0, _BEFORE_W + 1500.0), (180.0, _BEFORE_W))
    title = f"1.5 kW on and off, meter {latency_s:g} s late"
    return demanding(name, title, units(laws), demands, 300.0, meter=MeterConfig(latency_s=latency_s))


def motor(name: str, laws: Sequence[str]) -> Scenario:
    """Bursts of a washing machine's motor behind a meter that is one second late, for four minutes."""
    drum = LoadConfig("drum", 350.0, on_s=7.0, off_s=5.0)
    return demanding(
        name,
        "a motor that bursts for four minutes, meter 1 s late",
        units(laws),
        ((0.0, _BEFORE_W),),
        420.0,
        loads=(drum,),
        events=switching("drum", 60.0, 300.0),
        meter=MeterConfig(latency_s=1.0),
    )


def lopsided(name: str, laws: Sequence[str]) -> Scenario:
    """One battery charges with 890 W, its twin with 88 W, and the grid is at zero."""
    first, second = laws
    pool = (unit(1, first, initial_power_w=-890.0), unit(2, second, initial_power_w=-88.0))
    return demanding(name, "a lopsided pair with the grid at zero", pool, ((0.0, -978.0),), 180.0)


def empty_and_full(name: str, laws: Sequence[str], socs: Sequence[float], demand_w: float) -> Scenario:
    """Demand for the full ones, or surplus for the empty ones."""
    pool = tuple(unit(index + 1, law, initial_soc=soc) for index, (law, soc) in enumerate(zip(laws, socs, strict=True)))
    title = f"empty and full batteries, {demand_w:g} W"
    return demanding(name, title, pool, ((0.0, 0.0), (CHANGE_S, demand_w)), CHANGE_S + 570.0)


def turning(name: str, laws: Sequence[str], soc: float, demand_w: float) -> Scenario:
    """The first battery cannot take part in the demand, and then demand turns to where it can."""
    first, *others = laws
    pool = (unit(1, first, initial_soc=soc), *(unit(index + 2, law) for index, law in enumerate(others)))
    title = f"a battery at {soc:.0%} while the demand turns from {demand_w:g} to {-demand_w:g} W"
    demands = ((0.0, 0.0), (CHANGE_S, demand_w), (CHANGE_S + 170.0, -demand_w))
    return demanding(name, title, pool, demands, CHANGE_S + 420.0)


def swinging(name: str, laws: Sequence[str]) -> Scenario:
    """Load and surplus of 1 kW take turns every minute."""
    demands = tuple((60.0 * index, 1000.0 if index % 2 == 0 else -1000.0) for index in range(10))
    return demanding(name, "1 kW of load and of surplus in turns", units(laws), demands, 600.0)


def combined(name: str, phases: Sequence[str]) -> Scenario:
    """Batteries that follow the total, or their phase, in a house with demand on B and surplus on C."""
    pool = tuple(
        unit(index + 1, "integrator-2" if index % 2 == 0 else "ramp", phase) for index, phase in enumerate(phases)
    )
    loads = (LoadConfig("oven", 900.0, "B"), LoadConfig("roof", -1500.0, "C"))
    return demanding(
        name,
        "demand on B, then surplus on C, batteries on " + " and ".join(phases),
        pool,
        ((0.0, _BEFORE_W),),
        300.0,
        phases=3,
        base_load_w=(_BEFORE_W, 0.0, 0.0),
        loads=loads,
        events=(LoadEvent(60.0, "oven", True), LoadEvent(180.0, "roof", True)),
    )


def losing_the_meter(name: str, laws: Sequence[str], change_w: float = 0.0) -> Scenario:
    """The meter is gone for a minute; the demand changes by change_w W meanwhile. A third battery inspects."""
    pool = (*units(laws), unit(len(laws) + 1, "integrator-2", inspection_polls=100_000))
    demands = ((0.0, 900.0), (150.0, 900.0 + change_w)) if change_w else ((0.0, 900.0),)
    scenario = demanding(name, "the meter is gone for a minute", pool, demands, 300.0)
    return replace(scenario, events=(Event(120.0, "meter_fail"), Event(180.0, "meter_restore")))
