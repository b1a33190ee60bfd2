"""Computes the figures: every measurement of every case, spread over processes, then judged."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan

from ..parallel import spread
from .case import Case, Sample, Scale, Value
from .handled import handled_cases
from .identified import identification_case
from .limits import Limit, limits_of
from .robust import robust_cases
from .stepped import stepped_cases

#: Every case by name, in the order of the table.
CASES: dict[str, Case] = {
    case.name: case for case in (*stepped_cases(), identification_case(), *robust_cases(), *handled_cases())
}
SEEDS = 20
_CHUNK = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ok` is None where nothing has to hold; guard, why: see `Limit`."""

    case: str
    title: str
    figure: str
    value: float
    unit: str
    limit: float | None
    ok: bool | None
    note: str
    guard: float | None
    why: str
    scale: Scale | None

    def to_json(self) -> dict[str, object]:
        """Everything as JSON-able values; a value that is no number is null."""
        return {
            "case": self.case,
            "title": self.title,
            "figure": self.figure,
            "value": round(self.value, 4) if isfinite(self.value) else None,
            "unit": self.unit,
            "limit": self.limit,
            "ok": self.ok,
            "note": self.note,
            "guard": self.guard,
            "why": self.why,
            "scale": self.scale and self.scale.to_json(),
        }


def figures(
    names: Iterable[str] | None = None,
    seeds: int = SEEDS,
    jobs: int | None = None,
    done: Callable[[], None] | None = None,
) -> list[Figure]:
    """Compute the figures of some cases (None: of all) over `seeds` alignments.

    jobs, done: as for `spread`. Raises KeyError for a case that is not there.
    """
    chosen = list(CASES.values()) if names is None else [CASES[name] for name in names]
    tasks = [(case.name, index) for case in chosen for index in case.indices(seeds)]
    samples = dict(zip(tasks, spread(_measure, tasks, jobs, done, _CHUNK), strict=True))
    return [
        figure
        for case in chosen
        for figure in _judged(case, [samples[case.name, index] for index in case.indices(seeds)])
    ]


def measurements(names: Iterable[str] | None = None, seeds: int = SEEDS) -> int:
    """How often `figures` with the same arguments calls `done`."""
    chosen = CASES if names is None else names
    return sum(len(CASES[name].indices(seeds)) for name in chosen)


def _measure(task: tuple[str, int]) -> Sample:
    name, index = task
    return CASES[name].measure(index)


def _judged(case: Case, samples: Sequence[Sample]) -> list[Figure]:
    values = case.judge(samples)
    missing = Value(nan, "not computed")
    return [_figure(case, limit, values.get(limit.figure, missing)) for limit in limits_of(case.name)]


def _figure(case: Case, limit: Limit, value: Value) -> Figure:
    ok = limit.holds(value.value)
    guard = f"guard {limit.guard:g}" if ok is False and limit.guard is not None else ""
    return Figure(
        case=case.name,
        title=case.title,
        figure=limit.figure,
        value=value.value,
        unit=limit.unit,
        limit=limit.limit,
        ok=ok,
        note="; ".join(text for text in (guard, value.note) if text),
        guard=limit.guard,
        why=limit.why,
        scale=value.scale,
    )
