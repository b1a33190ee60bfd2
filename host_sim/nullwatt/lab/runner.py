"""Run a scenario against the core and score it."""

from collections.abc import Callable

from nullwatt.core import Config, Emulator

from .loop import EmulatorDoor, Loop
from .metrics import evaluate
from .report import LabResult
from .scenario import Scenario


def run(
    scenario: Scenario,
    config: Config | None = None,
    seed: int | None = None,
    watch: Callable[[Loop], None] | None = None,
) -> LabResult:
    """Run `scenario` in simulated time, as fast as the machine allows.

    config: of the emulator; None takes the defaults plus the scenario's options. seed: replaces the scenario's.
    watch: as for `Loop`.
    Raises ValueError for a scenario no house fits, TypeError for an unknown core option. Same arguments, same result.
    """
    if seed is not None:
        scenario = scenario.with_seed(seed)
    if config is None:
        config = Config(**scenario.options)
    return run_against(scenario, Emulator(config), is_fair(config), watch)


def run_against(
    scenario: Scenario, emulator: EmulatorDoor, fair: bool = True, watch: Callable[[Loop], None] | None = None
) -> LabResult:
    """Run `scenario` against any emulator with the core's door; `fair` as in `evaluate`, watch as for `Loop`."""
    loop = Loop(scenario, emulator, watch)
    recording = loop.run()
    metrics, context = evaluate(recording, loop.facts, loop.steps_s, fair)
    return LabResult(
        scenario=scenario.name,
        seed=scenario.seed,
        duration_s=scenario.duration_s,
        fair=fair,
        polls=sum(client.polls_sent for client in loop.clients),
        recording=recording,
        metrics=metrics,
        context=context,
        steps_s=loop.steps_s,
        happened=loop.happened,
    )


def is_fair(config: Config) -> bool:
    """Whether this configuration wants even shares: active control, fair distribution, no efficiency mode."""
    return bool(
        getattr(config, "active_control", True)
        and getattr(config, "fair_distribution", True)
        and not getattr(config, "min_efficient_power", 0)
    )
