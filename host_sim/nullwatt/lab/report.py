"""The result of a run: arrays, scores, and their form for files and people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from .metrics import Context, Metrics
from .recording import Recording


@dataclass(frozen=True, slots=True)
class LabResult:
    """One run. `recording` has the one-second arrays, `metrics` the scores, `context` what happened besides.

    fair: whether load sharing was meant to be even (and is scored). polls: requests sent by all batteries.
    steps_s: the scored disturbances. happened: (time in s, what), in order.
    """

    scenario: str
    seed: int
    duration_s: int
    fair: bool
    polls: int
    recording: Recording
    metrics: Metrics
    context: Context
    steps_s: tuple[float, ...] = ()
    happened: tuple[tuple[float, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Everything but the arrays, rounded, as JSON-able values."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "duration_s": self.duration_s,
            "fair": self.fair,
            "polls": self.polls,
            "trace_sha256": self.recording.sha256,
            "metrics": self.metrics.rounded(),
            "context": {
                key: value if value is None else round(value, 4) for key, value in asdict(self.context).items()
            },
        }


def table(results: Sequence[LabResult]) -> Table:
    """A text table, one column per run, one row per metric; "-" where a metric does not apply."""
    grid = Table(title="lower is better")
    grid.add_column("metric")
    for result in results:
        grid.add_column(f"{result.scenario} #{result.seed}", justify="right")
    columns = [result.metrics.rounded() for result in results]
    for name in columns[0] if columns else ():
        grid.add_row(name, *("-" if column[name] is None else f"{column[name]:g}" for column in columns))
    return grid
