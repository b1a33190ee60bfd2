"""What a case is: something measured over and over, and the figures that come out of all its measurements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan
from statistics import fmean
from typing import NamedTuple

#: One measurement: names and plain numbers, so that it travels between processes.
Sample = Mapping[str, float]


class Scale(NamedTuple):
    """What a figure was made of: one measure of three runs. NaN or None: it does not apply."""

    core: float | None
    ideal: float | None
    naive: float | None
    unit: str = ""

    def to_json(self) -> dict[str, object]:
        """Everything as JSON-able values; a value that is no number is null."""
        runs = {"core": self.core, "ideal": self.ideal, "naive": self.naive}
        shown = {
            name: None if value is None or not isfinite(value) else round(value, 4) for name, value in runs.items()
        }
        return {**shown, "unit": self.unit}


class Value(NamedTuple):
    """A figure. note: what a reader wants to know beside it (the worst run, the absolute numbers)."""

    value: float
    note: str = ""
    scale: Scale | None = None


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
    numbers = [sample[key] for sample in samples if not isnan(sample.get(key, nan))]
    return fmean(numbers) if numbers else nan


def ratio(part: float, whole: float) -> float:
    """Return part / whole; nothing of nothing is 1, something of nothing is infinite."""
    if whole == 0:
        return 1.0 if part == 0 else inf
    return part / whole


def scale(samples: Sequence[Sample], key: str, unit: str) -> Scale:
    """The means of a measure in each of the runs."""
    means = (mean(samples, f"{run}.{key}") for run in ("core", "ideal", "naive"))
    core, ideal, naive = (None if isnan(number) else number for number in means)
    return Scale(core, ideal, naive, unit)


def compared(samples: Sequence[Sample], key: str, unit: str, own: str = "core", other: str = "ideal") -> Value:
    """The mean of one run over that of another, with both in the note."""
    part, whole = mean(samples, f"{own}.{key}"), mean(samples, f"{other}.{key}")
    return Value(ratio(part, whole), f"{part:.4g} / {whole:.4g} {unit}", scale(samples, key, unit))
