"""A day in the life of a pool: random demands, troubles and settings, hour after hour, with a promise that must hold.

The promise: while any battery that is steered could still deliver, the grid is held. It is judged from a minute after
each event to the next one.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from listening import listen

from nullwatt.core import Emulator
from nullwatt.lab import BatterySpec, Event, Scenario
from nullwatt.lab.suite import balancer
from nullwatt.lab.suite.building import unit

HOURS = 4
SETTLED_S = 60
HELD_W = 50.0
#: Demand may come this close to all that can be delivered: what the meter cannot tell from it is not a promise.
MARGIN_W = 150.0
LAWS = ("integrator-2", "ramp", "integrator", "integrator-2", "ramp")


@dataclass
class Life:
    """What happens to a pool of batteries, drawn at random."""

    scenario: Scenario
    settings: list[tuple[float, int, dict[str, float]]]
    rotations: list[float]
    #: Seconds at which something happens, and from each on: who is steered and what each can deliver at most, W.
    changes: list[tuple[float, list[tuple[float, float]]]]


def draw(seed: int) -> Life:
    rng = np.random.default_rng(seed)
    laws = [str(law) for law in rng.permutation(LAWS)[: int(rng.integers(3, 6))]]
    limits_w = [float(rng.choice([800.0, 1500.0, 2500.0])) for _ in laws]
    pool: list[BatterySpec] = [
        unit(index + 1, law, max_charge_w=limit_w, max_discharge_w=limit_w, initial_soc=0.5, capacity_wh=0.0)
        for index, (law, limit_w) in enumerate(zip(laws, limits_w, strict=True))
    ]
    soc = [0.5] * len(pool)
    steered = [True] * len(pool)
    events: list[Event] = []
    demands: list[tuple[float, float]] = [(0.0, 500.0)]
    settings: list[tuple[float, int, dict[str, float]]] = []
    rotations: list[float] = []

    def abilities() -> list[tuple[float, float]]:
        return [
            (limit_w if on and level < 1 else 0.0, limit_w if on and level > 0 else 0.0)
            for limit_w, level, on in zip(limits_w, soc, steered, strict=True)
        ]

    changes = [(0.0, abilities())]
    now = 120.0
    while now < HOURS * 3600 - 300:
        index = int(rng.integers(len(pool)))
        match rng.choice(["demand", "demand", "demand", "soc", "soc", "pool", "weight", "window", "rotate"]):
            case "demand":
                demands.append((now, float(rng.uniform(-2000, 2500))))
            case "soc":
                soc[index] = float(rng.choice([0.0, 0.5, 1.0]))
                events.append(Event(now, "soc", soc[index], index))
            case "pool":
                leaves = str(rng.choice(["manual", "pause"]))
                if not steered[index]:
                    events += [Event(now, "auto", battery=index), Event(now, "resume", battery=index)]
                else:
                    events.append(Event(now, leaves, 0.0, index))
                steered[index] = not steered[index]
            case "weight":
                settings.append((now, index, {"weight": float(rng.choice([0.5, 1.0, 1.0, 2.0]))}))
            case "window":
                settings.append((now, index, {"window_weight": float(rng.choice([0.2, 0.5, 1.0]))}))
            case "rotate":
                rotations.append(now)
        changes.append((now, abilities()))
        now += float(rng.uniform(120, 420))
    scenario = balancer.demanding("long run", "", pool, demands, HOURS * 3600.0)
    house = replace(scenario.house, noise_w=float(rng.choice([0.0, 3.0, 8.0])), seed=seed)
    return Life(replace(scenario, events=tuple(events), house=house, seed=seed), settings, rotations, changes)


@pytest.mark.slow
@pytest.mark.parametrize("efficient", [False, True])
@pytest.mark.parametrize("seed", range(1, 24 // HOURS + 1))
def test_grid_is_held_for_a_day_whatever_happens(seed: int, efficient: bool) -> None:
    life = draw(seed)
    options: dict[str, float | bool | str] = {}
    if efficient:
        options = {"min_efficient_power": 500.0, "efficiency_rotation_interval": 300.0}
    settings, rotations = list(life.settings), list(life.rotations)

    def script(at: float, emulator: Emulator) -> None:
        while settings and settings[0][0] <= at:
            _, index, values = settings.pop(0)
            emulator.set_override(f"02B2500000{index + 1:02X}", **values)  # type: ignore[arg-type]
        while rotations and rotations[0] <= at:
            rotations.pop(0)
            emulator.force_rotation()

    result, _, _ = listen(replace(life.scenario, options=options), script)
    record = result.recording
    ends = [time_s for time_s, _ in life.changes[1:]] + [HOURS * 3600.0]
    held: list[float] = []
    broken: list[tuple[float, float]] = []
    for (start_s, abilities), end_s in zip(life.changes, ends, strict=True):
        window = slice(round(start_s) + SETTLED_S, int(end_s))
        demand_w = record.demand_w[window]
        if len(demand_w) == 0:
            continue
        charge_w = -sum(charge for charge, _ in abilities)
        discharge_w = sum(discharge for _, discharge in abilities)
        if not (charge_w + MARGIN_W < demand_w.min() and demand_w.max() < discharge_w - MARGIN_W):
            continue
        kept = float(np.mean(np.abs(record.grid_total_w[window]) < HELD_W))
        held += [kept] * len(demand_w)
        if kept < 0.95:
            broken.append((start_s, kept))
    assert len(held) > 3600, "there was something to judge"
    assert np.mean(held) > 0.95, f"held {np.mean(held):.1%} of the time; broken after {broken}"
