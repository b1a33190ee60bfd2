"""Cases without a nominal household: random combinations, and perturbations one at a time, against the naive run."""

from collections.abc import Sequence
from statistics import median

from ..metrics import mean_abs
from ..reference import run_naive
from ..runner import run
from ..scenario import Scenario
from ..suite import COMBINATIONS, aligned, combination
from ..suite.perturbed import perturbed
from . import limits
from .case import Case, Sample, Value, ratio


def robust_cases() -> tuple[Case, ...]:
    """Both of them."""
    return (
        Case("combinations", f"{COMBINATIONS} random combinations", measure_combination, _judge, COMBINATIONS),
        Case("perturbed", "one perturbation at a time", measure_perturbed, _judge),
    )


def measure_combination(index: int) -> dict[str, float]:
    """Core over naive in mean |grid|, under the name of the combination."""
    return _compare(combination(index))


def measure_perturbed(seed: int) -> dict[str, float]:
    """The same for one alignment of every perturbation."""
    sample: dict[str, float] = {}
    for scenario in perturbed():
        sample |= _compare(aligned(scenario, seed))
    return sample


def _compare(scenario: Scenario) -> dict[str, float]:
    core, naive = run(scenario), run_naive(scenario)
    return {
        scenario.name: ratio(mean_abs(core.recording.grid_total_w), mean_abs(naive.recording.grid_total_w)),
    }


def _judge(samples: Sequence[Sample]) -> dict[str, Value]:
    runs = [(value, name) for sample in samples for name, value in sample.items()]
    values = [value for value, _ in runs]
    worst = sorted(runs, reverse=True)
    above = sum(value > 1.2 for value in values)
    names = list(dict.fromkeys(name for _, name in worst))[:3]
    return {
        limits.WORST: Value(worst[0][0], f"{', '.join(names)}; {above} of {len(values)} above 1.2"),
        limits.MEDIAN: Value(median(values)),
        limits.BETTER: Value(100.0 * sum(value < 1.0 for value in values) / len(values)),
    }
