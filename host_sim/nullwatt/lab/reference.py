"""Runs to compare with: ideal actuators on the core, the naive controller, and perfect foresight.

    comparison = compare(SCENARIOS["steps_ramp"])
    comparison.core.metrics.settle_mean_s / comparison.ideal.metrics.settle_mean_s

All four see the same house, meter and seed. The ideal run keeps the core and every plant (slew, start-up, limits) and
replaces the firmware laws, so core/ideal is what the firmware costs; oracle/ideal is what delay and slew cost.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from nullwatt.battery import Battery
from nullwatt.core import Config

from .batteries import BatteryFacts, BatterySpec
from .loop import Loop
from .metrics import evaluate, oracle_grid
from .naive import NaiveController
from .recording import RASTER_S, Recording
from .report import LabResult
from .runner import run, run_against
from .scenario import Scenario

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario, four runs."""

    core: LabResult
    naive: LabResult
    ideal: LabResult
    oracle: LabResult

    def __iter__(self) -> Iterator[tuple[str, LabResult]]:
        """Name and result of each run, the core first."""
        yield from (("core", self.core), ("naive", self.naive), ("ideal", self.ideal), ("oracle", self.oracle))


#: Of the four, how many are played second by second.
PLAYED = 3


def compare(
    scenario: Scenario, config: Config | None = None, watch: Callable[[Loop], None] | None = None
) -> Comparison:
    """Run a scenario four times; arguments and errors as for `run`."""
    core = run(scenario, config, watch=watch)
    return Comparison(
        core=core,
        naive=run_naive(scenario, core.fair, watch),
        ideal=run(idealised(scenario), config, watch=watch),
        oracle=foresee(scenario, core),
    )


def run_naive(scenario: Scenario, fair: bool = True, watch: Callable[[Loop], None] | None = None) -> LabResult:
    """Run a scenario against the naive controller; `fair` as in `evaluate`, watch as for `Loop`."""
    return run_against(scenario, NaiveController(), fair, watch)


def idealised(scenario: Scenario) -> Scenario:
    """The same scenario with an ideal actuator in the place of every battery's firmware; the plants stay."""
    return replace(scenario, batteries=tuple(ideal(spec) for spec in scenario.batteries))


def ideal(spec: BatterySpec) -> BatterySpec:
    """The battery with an ideal actuator in the place of its firmware; its plant stays."""
    charge_w, discharge_w = spec.config.limits_w
    config = replace(
        spec.config,
        device_type="IDEAL",
        law=None,
        ratio=100,
        max_charge_w=charge_w,
        max_discharge_w=discharge_w,
        poll_interval_s=spec.poll_interval_s,
    )
    return replace(spec, config=config, gain=1.0, deadband_w=0.0)


def foresee(scenario: Scenario, core: LabResult) -> LabResult:
    """Perfect foresight on the demand of a run: its grid, and the output of the one battery it imagines.

    core: any run of the scenario; the demand is the same in all of them, but for what conditions on the grid or the
    batteries switch.
    """
    recording = core.recording
    facts = [BatteryFacts.of(Battery(spec.config), spec.weight) for spec in scenario.batteries]
    pool = BatteryFacts(
        sum(fact.max_charge_w for fact in facts),
        sum(fact.max_discharge_w for fact in facts),
        sum(fact.capacity_wh for fact in facts),
    )
    foreseen = _foreseen(recording, facts, pool)
    metrics, context = evaluate(foreseen, (pool,), core.steps_s, fair=False)
    return replace(core, polls=0, recording=foreseen, metrics=metrics, context=context)


def _foreseen(recording: Recording, facts: list[BatteryFacts], pool: BatteryFacts) -> Recording:
    dc_w = recording.dc_w.sum(axis=1)
    grid_w = oracle_grid(recording.demand_w, dc_w, facts, recording.soc[0])
    output_w = (recording.demand_w - grid_w)[:, None]
    first_wh = sum(soc * fact.capacity_wh for soc, fact in zip(recording.soc[0], facts, strict=True))
    stored_wh = first_wh + np.cumsum(dc_w - output_w[:, 0]) * RASTER_S / _SECONDS_PER_HOUR
    soc = np.clip(np.concatenate(([first_wh], stored_wh[:-1])) / max(pool.capacity_wh, 1e-9), 0.0, 1.0)[:, None]
    return replace(recording, grid_w=grid_w[:, None], power_w=output_w, target_w=output_w, soc=soc, dc_w=dc_w[:, None])
