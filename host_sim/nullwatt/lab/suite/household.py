"""Everyday households: appliances, motors, sun, full and empty packs, mixed pools, people changing their minds."""

import random
from dataclasses import replace

from nullwatt.battery import ClientConfig
from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, MeterConfig, SunConfig

from ..batteries import BatterySpec
from ..scenario import Event, Scenario, battery
from .building import NO_SUN, stepping, switching, through, unit

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S


def household() -> tuple[Scenario, ...]:
    """All of them."""
    mixed, kettle = _three_phase_mixed(), _one_battery_kettle()
    return (
        _appliance_steps(),
        mixed,
        kettle,
        through(kettle, "slow_meter", "the kettle, meter every 10 s and 1 s late", MeterConfig(10.0, 1.0)),
        through(mixed, "late_meter", "the mixed pool, meter 2.5 s late", MeterConfig(1.0, 2.5)),
        _lossy_network(mixed),
        _motors(),
        _correlated_noise(),
        _evening(),
        _solar_noon(),
        _solar_day(),
        _filling(),
        _emptying(),
        _combined(),
        _combined_and_phase(),
        _unequal_limits(),
        _join_and_leave(),
        _efficiency(),
        _weights(),
        _relay(),
    )


def _appliance_steps() -> Scenario:
    house = HouseConfig(
        base_load_w=(250.0,),
        noise_w=5.0,
        loads=(
            LoadConfig("kettle", 2000.0, "A"),
            LoadConfig("oven", 1200.0, "A"),
            LoadConfig("lights", 60.0, "A"),
        ),
        events=(
            *switching("kettle", 60, 180, 900, 1020),
            *switching("oven", 300, 660),
            *switching("lights", 420, 1140),
        ),
        sun=NO_SUN,
    )
    title = "two batteries on one phase, one appliance after the other"
    return Scenario("appliance_steps", house, (battery(1), battery(2)), duration_s=1260, title=title)


def _three_phase_mixed() -> Scenario:
    house = HouseConfig(
        base_load_w=(180.0, 120.0, 90.0),
        noise_w=5.0,
        loads=(
            LoadConfig("cooker", 1800.0, "B"),
            LoadConfig("washer", 700.0, "C"),
            LoadConfig("heater", 1000.0, "A"),
        ),
        events=(
            *switching("cooker", 60, 360),
            *switching("washer", 150, 600),
            *switching("heater", 480, 780),
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
    title = "four laws on three phases, steps on every phase and a burst of sun"
    return Scenario("three_phase_mixed", house, pool, duration_s=1200, events=events, title=title)


def _one_battery_kettle() -> Scenario:
    house = HouseConfig(
        phases=1,
        base_load_w=(200.0,),
        noise_w=5.0,
        loads=(LoadConfig("kettle", 2000.0, "A"),),
        events=switching("kettle", 60, 240, 420, 600),
        sun=NO_SUN,
    )
    title = "one battery, one kettle, boiling twice"
    return Scenario("one_battery_kettle", house, (battery(1),), duration_s=780, title=title)


def _lossy_network(mixed: Scenario) -> Scenario:
    client = ClientConfig(jitter_s=0.3, request_loss=0.05, reply_loss=0.05, duplicate=0.02)
    events = (
        Event(240.0, "offline", battery=1),
        Event(300.0, "online", battery=1),
        Event(660.0, "meter_fail"),
        Event(690.0, "meter_restore"),
    )
    pool = tuple(replace(spec, client=client) for spec in mixed.batteries)
    title = "the mixed pool on a bad Wi-Fi; one battery and the meter away a while"
    return replace(mixed, name="lossy_network", batteries=pool, events=mixed.events + events, title=title)


def _motors() -> Scenario:
    """Compressors and drums: loads with a rhythm."""
    loads = (
        LoadConfig("dryer", 600.0, on_s=45.0, off_s=15.0),
        LoadConfig("washer", 250.0, on_s=11.0, off_s=5.0),
        LoadConfig("fridge", 90.0, on_s=200.0, off_s=340.0),
    )
    events = tuple(LoadEvent(30.0 + 20.0 * index, load.name, True) for index, load in enumerate(loads))
    house = HouseConfig(phases=1, base_load_w=(250.0,), noise_w=5.0, loads=loads, events=events, sun=NO_SUN)
    pool = (unit(1, "integrator-2"), unit(2, "ramp"))
    return Scenario("motors", house, pool, duration_s=1200, steps_s=(), title="motors that run and pause in a rhythm")


def _correlated_noise() -> Scenario:
    house = HouseConfig(phases=1, base_load_w=(400.0,), noise_w=200.0, noise_tau_s=20.0, sun=NO_SUN)
    return Scenario(
        "correlated_noise", house, (unit(1, "integrator-2"),), duration_s=900, title="slow noise that can be followed"
    )


def _evening() -> Scenario:
    """An hour of cooking and washing, drawn once like a recording and then always the same."""
    rng = random.Random("evening")
    loads = [
        LoadConfig("fridge", 85.0, "A", on_s=480.0, off_s=900.0, active=True),
        LoadConfig("oven", 2200.0, "B", on_s=35.0, off_s=55.0),
        LoadConfig("hob", 1400.0, "C", on_s=8.0, off_s=11.0),
        LoadConfig("drum", 180.0, "A", on_s=12.0, off_s=4.0),
    ]
    events = [
        *switching("oven", 300.0, 2400.0),
        *switching("hob", 700.0, 1500.0),
        *switching("drum", 1200.0, 3300.0),
    ]
    for index in range(10):
        watts = float(rng.choice((15, 40, 60, 150, 900, 2000)))
        on_s, length_s = rng.uniform(60.0, 3000.0), rng.uniform(20.0, 500.0)
        loads.append(LoadConfig(f"device {index}", watts, rng.choice("ABC")))
        events += switching(f"device {index}", on_s, on_s + length_s)
    house = HouseConfig(
        base_load_w=(90.0, 60.0, 40.0),
        noise_w=15.0,
        noise_tau_s=8.0,
        loads=tuple(loads),
        events=tuple(events),
        sun=NO_SUN,
    )
    pool = (unit(1, "integrator-2", "A"), unit(2, "ramp", "B"), unit(3, "integrator", "C"))
    title = "an hour of cooking and washing on three phases"
    return Scenario("evening", house, pool, duration_s=_HOUR_S, steps_s=(), title=title)


def _solar_noon() -> Scenario:
    house = HouseConfig(
        base_load_w=(150.0, 100.0, 80.0),
        noise_w=10.0,
        loads=(LoadConfig("kettle", 2000.0, "B"),),
        events=switching("kettle", 900, 1080, 2700, 2880),
        sun=SunConfig(max_w=3500.0, phases=("A", "B", "C"), mode="clear_sky", start_h=12.0, clouds=0.8),
    )
    pool = (unit(1, "integrator-2", "A"), unit(2, "ramp", "B"))
    title = "an hour of noon sun with clouds"
    return Scenario("solar_noon", house, pool, duration_s=_HOUR_S, title=title)


def _solar_day() -> Scenario:
    rng = random.Random("solar day")
    events: list[LoadEvent] = []
    for _ in range(24):
        on_s = rng.uniform(0.0, _DAY_S - 600.0)
        events += switching("appliance", on_s, on_s + rng.uniform(60.0, 500.0))
    house = HouseConfig(
        phases=1,
        base_load_w=(220.0,),
        noise_w=15.0,
        noise_tau_s=10.0,
        loads=(LoadConfig("fridge", 90.0, on_s=500.0, off_s=900.0, active=True), LoadConfig("appliance", 1300.0)),
        events=tuple(events),
        sun=SunConfig(max_w=2500.0, mode="clear_sky", start_h=0.0, clouds=0.5),
    )
    pool = (unit(1, "integrator-2", initial_soc=0.3),)
    title = "24 hours with sun, clouds and appliances; the pack fills and empties"
    return Scenario("solar_day", house, pool, duration_s=_DAY_S, steps_s=(), title=title)


def _filling() -> Scenario:
    """Surplus until the smaller pack is full and the larger one goes on alone."""
    house = HouseConfig(phases=1, base_load_w=(200.0,), noise_w=5.0, sun=SunConfig(max_w=2000.0, power_w=1800.0))
    pool = (unit(1, "integrator-2", initial_soc=0.97, capacity_wh=2560.0), unit(2, "ramp", initial_soc=0.5))
    return Scenario("filling", house, pool, duration_s=1200, title="surplus: one pack gets full, the other goes on")


def _emptying() -> Scenario:
    house = HouseConfig(phases=1, base_load_w=(1400.0,), noise_w=5.0, sun=NO_SUN)
    pool = (unit(1, "ramp", initial_soc=0.03, capacity_wh=2560.0), unit(2, "integrator-2", initial_soc=0.5))
    return Scenario("emptying", house, pool, duration_s=1200, title="load: one pack runs empty, the other goes on")


def _combined() -> Scenario:
    pool = (unit(1, "integrator-2", "D"), unit(2, "ramp", "D"))
    return stepping("combined", "two batteries that follow the total (phase D)", *pool, every_s=90.0)


def _combined_and_phase() -> Scenario:
    pool = (unit(1, "integrator-2", "D"), unit(2, "ramp", "A"))
    return stepping("combined_and_phase", "one battery on phase D, one on A", *pool, every_s=90.0)


def _unequal_limits() -> Scenario:
    small: dict[str, object] = {"max_charge_w": 800.0, "max_discharge_w": 800.0}
    pool = (unit(1, "integrator-2", "A", None, **small), unit(2, "ramp"))
    return stepping("unequal_limits", "an 800 W and a 2500 W battery", *pool, every_s=90.0)


def _join_and_leave() -> Scenario:
    scenario = stepping("join_and_leave", "a battery stops polling and comes back", *_two(), every_s=90.0)
    events = (Event(130.0, "offline", battery=1), Event(310.0, "online", battery=1), Event(460.0, "offline", battery=0))
    return replace(scenario, events=events)


def _efficiency() -> Scenario:
    """Few batteries at a time; one of them is empty when its turn comes."""
    pool = (*_two(), unit(3, "integrator-2", initial_soc=0.0))
    scenario = stepping("efficiency", "efficiency mode with an empty battery in the rotation", *pool, every_s=120.0)
    options: dict[str, float | bool | str] = {"min_efficient_power": 400.0, "efficiency_rotation_interval": 200.0}
    return replace(scenario, options=options, events=(Event(5.0, "window_weight", 0.5, battery=1),))


def _weights() -> Scenario:
    first, second = _two()
    return stepping("weights", "shares of three to one", replace(first, weight=3.0), second, every_s=90.0)


def _relay() -> Scenario:
    """No control at all: three batteries share the meter's own reading."""
    pool = tuple(unit(position, "integrator-2") for position in (1, 2, 3))
    scenario = stepping("relay", "relay mode with three batteries", *pool, every_s=90.0)
    return replace(scenario, options={"active_control": False})


def _two() -> tuple[BatterySpec, BatterySpec]:
    return unit(1, "integrator-2"), unit(2, "ramp")
