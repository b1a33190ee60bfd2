"""Scenarios run four ways and put side by side: means over seeds, ratios, tables, JSON.

A ratio compares the core with the naive controller (below 1: better than what anyone would write first) or with ideal
actuators (1: nothing left to gain from the firmware's side).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite

from rich import box
from rich.table import Table

from .parallel import spread
from .reference import Comparison, compare
from .scenario import Scenario
from .suite import aligned

RUNS = ("core", "naive", "ideal", "oracle")
RATIOS = (("core", "naive"), ("core", "ideal"))
#: What the one-line summary of a scenario shows: heading, metric, and the run it is divided by (None: the core's own).
_SUMMARY = (
    ("|grid| W", "mean_abs_grid_w", None),
    ("/naive", "mean_abs_grid_w", "naive"),
    ("/ideal", "mean_abs_grid_w", "ideal"),
    ("settle s", "settle_mean_s", None),
    ("/ideal", "settle_mean_s", "ideal"),
    ("overshoot W", "overshoot_max_w", None),
    ("cross/h", "band_crossings_per_h", None),
    ("travel/naive", "battery_travel_w_per_h", "naive"),
    ("regret/naive", "cost_regret_ct", "naive"),
    ("/ideal", "cost_regret_ct", "ideal"),
)

type Means = dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One scenario. means: run -> metric -> mean over the seeds (None: never applied). first: the run of seed 1."""

    scenario: str
    title: str
    seeds: int
    means: Means
    first: Comparison

    def ratio(self, metric: str, other: str) -> float | None:
        """Core over another run; None where one of them is missing or the other is zero."""
        own_w, other_w = self.means["core"][metric], self.means[other][metric]
        return None if own_w is None or not other_w else own_w / other_w

    def to_json(self) -> dict[str, object]:
        """Everything but the arrays, as JSON-able values."""
        metrics = self.means["core"]
        return {
            "scenario": self.scenario,
            "title": self.title,
            "seeds": self.seeds,
            "metrics": {
                run: {name: _rounded(value) for name, value in means.items()} for run, means in self.means.items()
            },
            "ratios": {
                f"{own}/{other}": {name: _rounded(self.ratio(name, other)) for name in metrics} for own, other in RATIOS
            },
        }


def run_side_by_side(
    scenarios: Sequence[Scenario], seeds: int = 1, jobs: int | None = None, done: Callable[[], None] | None = None
) -> list[SideBySide]:
    """Run every scenario four ways for the seeds 1 ... `seeds`; jobs and done as for `spread`."""
    tasks = [aligned(scenario, seed) for scenario in scenarios for seed in range(1, seeds + 1)]
    runs = spread(compare, tasks, jobs, done)
    return [_summed_up(scenario, runs[index * seeds : (index + 1) * seeds]) for index, scenario in enumerate(scenarios)]


def _summed_up(scenario: Scenario, runs: Sequence[Comparison]) -> SideBySide:
    means: Means = {}
    for name in RUNS:
        scores = [asdict(dict(run)[name].metrics) for run in runs]
        means[name] = {metric: _mean([score[metric] for score in scores]) for metric in scores[0]}
    return SideBySide(scenario.name, scenario.title, len(runs), means, runs[0])


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else round(value, 4)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _ratio_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def details_table(result: SideBySide) -> Table:
    """All metrics of one scenario: a column per run, then the ratios."""
    table = Table(title=f"{result.scenario}: {result.title}\n{_seeds(result)}, lower is better")
    table.add_column("metric")
    for heading in (*RUNS, *(f"{own}/{other}" for own, other in RATIOS)):
        table.add_column(heading, justify="right")
    for metric in result.means["core"]:
        values = [_text(result.means[run][metric]) for run in RUNS]
        ratios = [_ratio_text(result.ratio(metric, other)) for _, other in RATIOS]
        table.add_row(metric, *values, *ratios)
    return table


def _seeds(result: SideBySide) -> str:
    return "seed 1" if result.seeds == 1 else f"mean of {result.seeds} seeds"


def summary_table(results: Sequence[SideBySide]) -> Table:
    """One line per scenario: what the core reached, and the ratios that matter."""
    title = "core: mean |grid|, settling, worst overshoot, band crossings, travel, regret; lower is better"
    table = Table(title=title, box=box.SIMPLE, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("scenario", no_wrap=True)
    for heading, _, _ in _SUMMARY:
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(result.scenario, *(_summary_text(result, metric, other) for _, metric, other in _SUMMARY))
    return table


def _summary_text(result: SideBySide, metric: str, other: str | None) -> str:
    if other is None:
        return _text(result.means["core"][metric])
    return _ratio_text(result.ratio(metric, other))
