"""The scenarios whose figures the controller must hold: steps, slow and late meters, noise, pulses, mixed pools.

Unless a scenario says otherwise: meter every 1 s and 0.5 s late, poll every 1 s, slew 400 W/s, start-up 2 s, one phase,
300 W base load, steps of 1.1, 1.5 and 2 kW up and down.
"""

from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, MeterConfig, SunConfig

from ..batteries import BatterySpec
from ..scenario import Scenario
from .building import BASE_W, NO_SUN, step_house, stepping, switching, unit

_SLOW = MeterConfig(refresh_s=10.0, latency_s=1.0)
_LATE = MeterConfig(latency_s=3.0)
_NOISE_W = 150.0
_PULSE_W, _PULSE_ON_S, _PULSE_PAUSE_S = 120.0, 13.0, 3.0
_QUIET_S = 20.0
# Long enough that crossings per hour are not those of the steps themselves.
_SUNNY_STEP_S = 300.0
_PULSING_S = 1800


def judged() -> tuple[Scenario, ...]:
    """All of them."""
    return (
        stepping("steps_integrator", "steps, newer integrator law", unit(1, "integrator-2")),
        stepping("steps_old_integrator", "steps, older integrator law", unit(1, "integrator")),
        stepping("steps_ramp", "steps, ramp law", unit(1, "ramp")),
        stepping("steps_two_ramp", "steps, two ramp batteries on one phase", *_pair(), every_s=90.0),
        stepping("steps_dc", "small steps, DC regulator", unit(1, "dc-regulator"), steps_w=(200.0, 350.0)),
        stepping("slow_ramp", "meter every 10 s and 1 s late, ramp law", unit(1, "ramp"), every_s=120.0, meter=_SLOW),
        stepping(
            "slow_integrator",
            "meter every 10 s and 1 s late, newer integrator law",
            unit(1, "integrator-2"),
            every_s=120.0,
            meter=_SLOW,
        ),
        stepping("late_ramp", "steps, meter 3 s late, ramp law", unit(1, "ramp"), meter=_LATE),
        stepping("late_integrator", "steps, meter 3 s late, integrator law", unit(1, "integrator-2"), meter=_LATE),
        _noise("noise_ramp", "ramp"),
        _noise("noise_integrator", "integrator-2"),
        _pulses("pulses_ramp", "ramp"),
        _pulses("pulses_integrator", "integrator-2"),
        _mixed_pollers(),
        _three_ramp(),
    )


def _pair() -> tuple[BatterySpec, BatterySpec]:
    return unit(1, "ramp"), unit(2, "ramp")


def _noise(name: str, law: str) -> Scenario:
    """Nothing but white noise: what cannot be followed must not be followed."""
    house = HouseConfig(phases=1, base_load_w=(BASE_W,), noise_w=_NOISE_W, sun=NO_SUN)
    return Scenario(name, house, (unit(1, law),), duration_s=600, title=f"white noise of 150 W, {law} law")


def _pulses(name: str, law: str) -> Scenario:
    """A washing machine's motor: 120 W that pauses for 3 s every 16 s."""
    house = HouseConfig(
        phases=1,
        base_load_w=(BASE_W,),
        noise_w=0.0,
        loads=(LoadConfig("drum", _PULSE_W, on_s=_PULSE_ON_S, off_s=_PULSE_PAUSE_S),),
        events=(LoadEvent(_QUIET_S, "drum", True),),
        sun=NO_SUN,
        meter=MeterConfig(latency_s=1.0),
    )
    title = f"washing-machine pulses, meter 1 s late, {law} law"
    return Scenario(name, house, (unit(1, law),), duration_s=_PULSING_S, steps_s=(), title=title)


def _mixed_pollers() -> Scenario:
    """A slow and a quick poller share a phase while appliances switch and clouds pass."""
    steps = step_house(_SUNNY_STEP_S)
    house = HouseConfig(
        phases=1,
        base_load_w=(BASE_W,),
        noise_w=0.0,
        loads=steps.loads,
        events=steps.events,
        sun=SunConfig(max_w=1200.0, mode="clear_sky", start_h=12.0, clouds=0.5),
    )
    pool = (unit(1, "ramp", poll_interval_s=3.1), unit(2, "integrator-2", poll_interval_s=0.45))
    title = "3.1 s and 0.45 s pollers on one phase, steps, sun and clouds"
    return Scenario("mixed_pollers", house, pool, duration_s=round(7 * _SUNNY_STEP_S), title=title)


def _three_ramp() -> Scenario:
    """Three noisy phases with loads that come and go on each."""
    loads = (
        LoadConfig("fridge", 90.0, "A", on_s=41.0, off_s=67.0),
        LoadConfig("iron", 700.0, "B", on_s=9.0, off_s=26.0),
        LoadConfig("pump", 250.0, "C", on_s=23.0, off_s=31.0),
        LoadConfig("television", 60.0, "B", on_s=5.0, off_s=7.0),
    )
    events = tuple(event for index, load in enumerate(loads) for event in switching(load.name, 20.0 + 7.0 * index))
    house = HouseConfig(
        phases=3,
        base_load_w=(120.0, 100.0, 80.0),
        noise_w=40.0,
        noise_tau_s=4.0,
        loads=loads,
        events=events,
        sun=NO_SUN,
    )
    pool = tuple(unit(index + 1, "ramp", phase) for index, phase in enumerate("ABC"))
    title = "three noisy phases with fluctuating loads, one ramp battery each"
    return Scenario("three_ramp", house, pool, duration_s=600, steps_s=(), title=title)
