"""Households drawn at random: batteries, network, meter and loads off their nominal values, all at once."""

import random
from dataclasses import replace

from nullwatt.battery import ClientConfig
from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, MeterConfig

from ..batteries import BatterySpec
from ..scenario import Scenario
from .building import NO_SUN, TYPE_OF_LAW, unit

COMBINATIONS = 200
_DURATION_S = 420
_BASE_W = 300.0
_LAWS = ("ramp", "integrator", "integrator-2")
_DECLARED = ("HMG-50", "VNSD-0", "VNSE3-0", "XYZ-1")


def combination(index: int) -> Scenario:
    """Number `index` of the family; the same number is always the same household."""
    rng = random.Random(f"combination/{index}")
    phases = rng.choice((1, 1, 3))
    pool = tuple(_battery(rng, position, phases) for position in range(1, rng.choice((1, 2, 3)) + 1))
    reach_w = 0.9 * sum(spec.config.limits_w[1] for spec in pool) - _BASE_W
    loads, events = _loads(rng, phases, reach_w)
    house = HouseConfig(
        phases=phases,
        base_load_w=(_BASE_W / phases,) * phases,
        noise_w=rng.choice((0.0, 10.0, 50.0)),
        noise_tau_s=rng.choice((0.0, 10.0)),
        loads=loads,
        events=events,
        sun=NO_SUN,
        meter=_meter(rng),
        seed=index,
    )
    return Scenario(
        f"random_{index:03}", house, pool, duration_s=_DURATION_S, seed=index, title=f"random combination {index}"
    )


def _battery(rng: random.Random, position: int, phases: int) -> BatterySpec:
    law = rng.choice(_LAWS)
    limit_w = rng.choice((800.0, 2500.0))
    spec = unit(
        position,
        law,
        rng.choice("ABC"[:phases]),
        rng.choice(_DECLARED) if rng.random() < 0.4 else TYPE_OF_LAW[law],
        ratio=rng.choice((50, 70, 100)),
        max_charge_w=limit_w,
        max_discharge_w=limit_w,
        ramp_rate_w_s=rng.uniform(100.0, 800.0),
        startup_delay_s=rng.uniform(0.0, 6.0),
        command_delay_ticks=rng.choice((0, 0, 0, 1, 2)),
        poll_interval_s=rng.choice((0.45, 1.0, 1.0, 2.0, 3.1)),
    )
    client = ClientConfig(
        jitter_s=rng.choice((0.0, 0.4)) * spec.poll_interval_s,
        request_loss=rng.choice((0.0, 0.0, 0.05)),
        reply_loss=rng.choice((0.0, 0.0, 0.05)),
        duplicate=rng.choice((0.0, 0.0, 0.1)),
    )
    return replace(
        spec,
        client=client,
        gain=rng.choice((0.7, 1.0, 1.0, 1.3)),
        deadband_w=rng.choice((0.0, 0.0, 20.0)),
        first_poll_s=0.5 + rng.uniform(0.0, spec.poll_interval_s),
    )


def _meter(rng: random.Random) -> MeterConfig:
    return MeterConfig(
        refresh_s=rng.choice((1.0, 1.0, 2.0, 5.0, 10.0)),
        latency_s=rng.uniform(0.2, 3.0),
        noise_w=rng.choice((0.0, 0.0, 50.0)),
        drift_s=rng.choice((0.0, 0.0, 2.0)),
    )


def _loads(rng: random.Random, phases: int, reach_w: float) -> tuple[tuple[LoadConfig, ...], tuple[LoadEvent, ...]]:
    """Appliances one after the other, each within the pool's reach."""
    loads: list[LoadConfig] = []
    events: list[LoadEvent] = []
    time_s = rng.uniform(30.0, 60.0)
    while time_s < _DURATION_S - 60.0:
        load = LoadConfig(
            f"appliance {len(loads)}", min(rng.uniform(150.0, 2200.0), reach_w), rng.choice("ABC"[:phases])
        )
        end_s = time_s + rng.uniform(25.0, 90.0)
        loads.append(load)
        events += (LoadEvent(time_s, load.name, True), LoadEvent(end_s, load.name, False))
        time_s = end_s + rng.uniform(25.0, 60.0)
    return tuple(loads), tuple(events)
