"""Scenarios run four ways and put side by side: means over seeds, ratios, tables, JSON.

A ratio compares the core with the naive controller (below 1: better than what anyone would write first) or with ideal
actuators (1: nothing left to gain from the firmware's side).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite

from rich import box
from rich.table import Table

from .expectations import Outcome
from .loop import Loop
from .parallel import spread
from .reference import PLAYED, Comparison, compare
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

_PROGRESS_S = 60.0

type Means = dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One scenario.

    means: run -> metric -> mean over the seeds (None: never applied). first: the runs of the first seed. trace_sha256:
    of everything recorded under the core; of several seeds, the hash of their hashes. outcomes: one per expectation,
    of the first seed at which it failed, if it did.
    """

    scenario: str
    title: str
    seeds: int
    means: Means
    first: Comparison
    trace_sha256: str = ""
    outcomes: tuple[Outcome, ...] = ()

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
            "first_seed": self.first.core.seed,
            "trace_sha256": self.trace_sha256,
            "expectations": [outcome.to_json() for outcome in self.outcomes],
            "events": [{"time_s": round(time_s, 3), "what": what} for time_s, what in self.first.core.happened],
            "metrics": {
                run: {name: _rounded(value) for name, value in means.items()} for run, means in self.means.items()
            },
            "ratios": {
                f"{own}/{other}": {name: _rounded(self.ratio(name, other)) for name in metrics} for own, other in RATIOS
            },
        }


def run_side_by_side(
    scenarios: Sequence[Scenario],
    seeds: int = 1,
    jobs: int | None = None,
    progress: Callable[[float], None] | None = None,
    seed: int | None = None,
) -> list[SideBySide]:
    """Run every scenario four ways, once per seed.

    The seeds are the next `seeds` from `seed` on; None begins with the scenario's own if it is played as written,
    with 1 otherwise. jobs: as for `spread`. progress: told about simulated seconds that were played, see `to_play_s`.
    """
    tasks = [_seeded(scenario, seed, index) for scenario in scenarios for index in range(seeds)]
    runs = _play(tasks, jobs, progress or (lambda seconds: None))
    return [_summed_up(scenario, runs[index * seeds : (index + 1) * seeds]) for index, scenario in enumerate(scenarios)]


def to_play_s(scenarios: Sequence[Scenario], seeds: int = 1) -> float:
    """All that `run_side_by_side` will tell `progress`, s."""
    return sum(_length_s(scenario) for scenario in scenarios) * seeds


def _length_s(scenario: Scenario) -> float:
    return float(scenario.duration_s * PLAYED)


def _seeded(scenario: Scenario, first: int | None, index: int) -> Scenario:
    if scenario.as_written:
        return scenario.with_seed((scenario.seed if first is None else first) + index)
    return aligned(scenario, (1 if first is None else first) + index)


def _play(tasks: Sequence[Scenario], jobs: int | None, progress: Callable[[float], None]) -> list[Comparison]:
    if jobs == 1 or len(tasks) == 1:

        def watch(loop: Loop) -> None:
            played_s = loop.now_s % _PROGRESS_S
            if played_s == 0.0 and loop.now_s:
                progress(_PROGRESS_S)

        runs = []
        for task in tasks:
            runs.append(compare(task, watch=watch))
            # What the last full stretch of each run left over.
            progress(PLAYED * ((task.duration_s - 1) % _PROGRESS_S + 1))
        return runs
    lengths = iter([_length_s(task) for task in tasks])
    return spread(compare, tasks, jobs, lambda: progress(next(lengths)))


def _summed_up(scenario: Scenario, runs: Sequence[Comparison]) -> SideBySide:
    means: Means = {}
    for name in RUNS:
        scores = [asdict(dict(run)[name].metrics) for run in runs]
        means[name] = {metric: _mean([score[metric] for score in scores]) for metric in scores[0]}
    hashes = [run.core.recording.sha256 for run in runs]
    return SideBySide(
        scenario.name,
        scenario.title,
        len(runs),
        means,
        runs[0],
        hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest(),
        _judged(scenario, runs),
    )


def _judged(scenario: Scenario, runs: Sequence[Comparison]) -> tuple[Outcome, ...]:
    outcomes = []
    for expectation in scenario.expectations:
        judged = [(run.core.seed, expectation.check(run.core)) for run in runs]
        seed, outcome = next((pair for pair in judged if not pair[1].ok), judged[0])
        outcomes.append(replace(outcome, found=f"{outcome.found} (seed {seed})") if len(runs) > 1 else outcome)
    return tuple(outcomes)


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
    return f"seed {result.first.core.seed}" if result.seeds == 1 else f"mean of {result.seeds} seeds"


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
