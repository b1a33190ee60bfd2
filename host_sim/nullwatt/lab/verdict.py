"""Two sets of results held against each other: what got better, what got worse, and one number for all of it.

Metrics are of the core, lower is better. A change is relative, (B - A) / A; what was zero in A has none. The priority
score of a scenario is the weighted mean of its changes, each counted as 100 % at most: next to nothing doubles easily.
The score of all is the mean over the scenarios; below 0 means that B is better.

A guardrail is a metric that must not get worse by more than 5 %, or from zero to anything, on average over the
scenarios, whatever the score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

type Scores = Mapping[str, float | None]

WEIGHTS = {
    "cost_regret_ct": 4.0,
    "avoidable_import_wh": 4.0,
    "overshoot_max_w": 3.0,
    "band_crossings_per_h": 2.0,
    "battery_travel_w_per_h": 2.0,
    "share_imbalance_w": 2.0,
    "grid_p2p_w": 1.5,
    "avoidable_export_wh": 1.0,
    "grid_rms_w": 1.0,
    "overshoot_mean_w": 1.0,
    "mean_abs_grid_w": 1.0,
    "steady_rms_w": 0.5,
    "settle_mean_s": 0.5,
    "unsettled_events": 0.5,
    "settle_p95_s": 0.3,
}
GUARDRAILS = ("overshoot_max_w", "band_crossings_per_h", "grid_p2p_w", "avoidable_import_wh", "cost_regret_ct")
TOLERATED = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """One metric, mean over the scenarios where both have it. relative: None if it was zero in A and is not in B."""

    metric: str
    a: float
    b: float

    @property
    def relative(self) -> float | None:
        """(B - A) / A, 0 if both are zero."""
        if self.a == self.b:
            return 0.0
        return (self.b - self.a) / abs(self.a) if self.a else None

    @property
    def broken(self) -> bool:
        """Whether it is a guardrail and got worse by too much."""
        if self.metric not in GUARDRAILS or self.b <= self.a:
            return False
        return self.relative is None or self.relative > TOLERATED


@dataclass(frozen=True, slots=True)
class Verdict:
    """changes: one per metric. scores: scenario -> priority score, None if nothing in it can be compared."""

    changes: tuple[Change, ...]
    scores: dict[str, float | None]

    @property
    def score(self) -> float:
        """Mean of the scenarios' scores; below 0: B is better."""
        known = [score for score in self.scores.values() if score is not None]
        return sum(known) / len(known) if known else 0.0

    @property
    def mean_relative(self) -> float:
        """Plain mean of the relative changes of all metrics."""
        known = [change.relative for change in self.changes if change.relative is not None]
        return sum(known) / len(known) if known else 0.0

    @property
    def broken(self) -> tuple[str, ...]:
        """The guardrails that B broke."""
        return tuple(change.metric for change in self.changes if change.broken)

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many metrics improved, got worse, stayed."""
        improved = sum(change.b < change.a for change in self.changes)
        worse = sum(change.b > change.a for change in self.changes)
        return improved, worse, len(self.changes) - improved - worse

    def __str__(self) -> str:
        improved, worse, same = self.counts
        word = "the same" if self.score == 0 else "better" if self.score < 0 else "worse"
        kept = f"guardrails broken: {', '.join(self.broken)}" if self.broken else "guardrails kept"
        return (
            f"B is {word}: priority score {self.score:+.1%}, mean change {self.mean_relative:+.1%}; "
            f"{improved} improved, {worse} worse, {same} same; {kept}"
        )

    def to_json(self) -> dict[str, object]:
        """As JSON-able values."""
        improved, worse, same = self.counts
        return {
            "priority_score": self.score,
            "mean_relative_change": self.mean_relative,
            "improved": improved,
            "worse": worse,
            "same": same,
            "guardrails_broken": list(self.broken),
            "scenarios": self.scores,
            "metrics": {
                change.metric: {**asdict(change), "relative": change.relative, "guardrail_broken": change.broken}
                for change in self.changes
            },
        }


def judge(pairs: Mapping[str, tuple[Scores, Scores]]) -> Verdict:
    """Compare: scenario -> (its metrics in A, in B)."""
    metrics = list(dict.fromkeys(name for a, b in pairs.values() for name in a if name in b))
    changes = [_mean_change(metric, list(pairs.values())) for metric in metrics]
    return Verdict(
        tuple(change for change in changes if change is not None),
        {name: _score(_changes(a, b)) for name, (a, b) in pairs.items()},
    )


def _mean_change(metric: str, pairs: Sequence[tuple[Scores, Scores]]) -> Change | None:
    both = [change for a, b in pairs for change in _changes(a, b) if change.metric == metric]
    if not both:
        return None
    return Change(metric, sum(change.a for change in both) / len(both), sum(change.b for change in both) / len(both))


def _changes(a: Scores, b: Scores) -> list[Change]:
    changes = []
    for metric, before in a.items():
        after = b.get(metric)
        if before is not None and after is not None:
            changes.append(Change(metric, before, after))
    return changes


def _score(changes: Sequence[Change]) -> float | None:
    """Weighted mean of the relative changes that there are."""
    weighted = [
        (WEIGHTS[change.metric], min(change.relative, 1.0))
        for change in changes
        if change.metric in WEIGHTS and change.relative is not None
    ]
    total = sum(weight for weight, _ in weighted)
    return sum(weight * relative for weight, relative in weighted) / total if total else None


def verdict_table(verdict: Verdict, names: tuple[str, str]) -> Table:
    """A row per metric, both values, the change, and what it weighs."""
    scenarios = len(verdict.scores)
    table = Table(title=f"mean of {scenarios} scenarios, lower is better" if scenarios > 1 else "lower is better")
    table.add_column("metric")
    for heading in (f"A: {names[0]}", f"B: {names[1]}", "change", "weight"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for change in verdict.changes:
        table.add_row(change.metric, *change_texts(change), "[bold red]GUARDRAIL[/]" if change.broken else "")
    return table


def change_texts(change: Change) -> tuple[str, str, str, str]:
    """A, B, the change and the weight, for people."""
    relative = "from 0" if change.relative is None else f"{change.relative:+.1%}"
    weight = WEIGHTS.get(change.metric)
    return f"{change.a:.4g}", f"{change.b:.4g}", relative, "" if weight is None else f"{weight:g}"
