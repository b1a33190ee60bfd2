"""What a case is: something measured over and over, and the figures that come out of all its measurements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from statistics import fmean
from typing import NamedTuple

#: One measurement: names and plain numbers, so that it travels between processes.
Sample = Mapping[str, float]


class Value(NamedTuple):
    """A figure. note: what a reader wants to know beside it (the worst run, the absolute numbers)."""

    value: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table of what must hold.

    measure: index -> sample; a function of a module or a partial of one. judge: all samples -> figures by name.
    draws: how many indices there are; None takes the number of seeds asked for, from 1.
    """

    name: str
    title: str
    measure: Callable[[int], Sample]
    judge: Callable[[Sequence[Sample]], Mapping[str, Value]]
    draws: int | None = None

    def indices(self, seeds: int) -> range:
        """The arguments of `measure`."""
        return range(1, seeds + 1) if self.draws is None else range(self.draws)


def mean(samples: Sequence[Sample], key: str) -> float:
    """Mean over the samples that have a number there; NaN if none has."""
    numbers = [sample[key] for sample in samples if not isnan(sample[key])]
    return fmean(numbers) if numbers else float("nan")


def ratio(part: float, whole: float) -> float:
    """Return part / whole; nothing of nothing is 1, something of nothing is infinite."""
    if whole == 0:
        return 1.0 if part == 0 else inf
    return part / whole


def compared(samples: Sequence[Sample], key: str, unit: str, own: str = "core", other: str = "ideal") -> Value:
    """The mean of one run over that of another, with both in the note."""
    part, whole = mean(samples, f"{own}.{key}"), mean(samples, f"{other}.{key}")
    return Value(ratio(part, whole), f"{part:.4g} / {whole:.4g} {unit}")
