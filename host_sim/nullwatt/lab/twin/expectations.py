"""What must have held in a run of a site, and whether it did.

Times are s from the start. A row of the record is the state at the end of a step; (from_s, to_s] are the steps between.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..expectations import Outcome
from .droop import Droop
from .subject import FREQUENCY, Subject

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """A run, one row per `step_s`. values and units: by subject."""

    step_s: float
    time_s: Floats
    values: Mapping[Subject, Floats]
    units: Mapping[Subject, str]

    @cached_property
    def _half_s(self) -> float:
        return self.step_s / 2.0

    def rows(self, from_s: float, to_s: float) -> npt.NDArray[np.bool_]:
        """Which rows are of the steps between two times."""
        rows: npt.NDArray[np.bool_] = (self.time_s > from_s + self._half_s) & (self.time_s < to_s + self._half_s)
        return rows

    def at(self, subject: Subject, time_s: float) -> float:
        """The value at a time, before anything that happens then; the first one at 0."""
        index = int(np.searchsorted(self.time_s, time_s + self._half_s)) - 1
        return float(self.values[subject][max(0, index)])

    def unit(self, subject: Subject) -> str:
        """With a blank before it, "" without."""
        return f" {self.units[subject]}" if self.units[subject] else ""


@dataclass(frozen=True, slots=True)
class Judged:
    """An expectation and how it went. rows: a table that says more, one dictionary per row; ok is among the keys."""

    outcome: Outcome
    rows: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A value lies between low and high, both inclusive, None = any, in a fraction of the steps, or in the mean."""

    subject: Subject
    low: float | None = None
    high: float | None = None
    fraction: float = 1.0
    mean: bool = False
    from_s: float = 0.0
    to_s: float = math.inf
    at_s: float | None = None

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is recorded for it."""
        return (self.subject,)

    def check(self, record: Record) -> Judged:
        """Judge a run."""
        unit = record.unit(self.subject)
        text = f"{'mean ' if self.mean else ''}{self.subject} {_bounds(self.low, self.high, unit)}"
        if self.fraction < 1.0:
            text += f" in {self.fraction:.4g} of the time"
        low, high = (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)
        if self.at_s is not None:
            value = record.at(self.subject, self.at_s)
            return Judged(Outcome(f"{text} at {self.at_s:g} s", low <= value <= high, f"{value:.6g}{unit}"))
        text += _between(self.from_s, self.to_s)
        values = record.values[self.subject][record.rows(self.from_s, self.to_s)]
        if not len(values):
            return Judged(Outcome(text, False, "no step to judge"))
        if self.mean:
            mean = float(values.mean())
            return Judged(Outcome(text, low <= mean <= high, f"{mean:.6g}{unit}"))
        share = float(((values >= low) & (values <= high)).mean())
        found = f"{values.min():.6g} ... {values.max():.6g}{unit}"
        if share < 1.0:
            found += f", {share:.4g} of the time within"
        return Judged(Outcome(text, share >= self.fraction, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """From from_s on it takes at most within_s until a share of the way to a value is done; then it may do anything."""

    subject: Subject
    value: float
    within_s: float
    tolerance: float
    share: float = 1.0
    from_s: float = 0.0

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is recorded for it."""
        return (self.subject,)

    def check(self, record: Record) -> Judged:
        """Judge a run."""
        unit = record.unit(self.subject)
        begun = record.at(self.subject, self.from_s)
        goal = begun + self.share * (self.value - begun)
        text = f"{self.subject} reaches {goal:.6g}{unit} within {self.within_s:g} s of {self.from_s:g} s"
        rows = record.rows(self.from_s, math.inf)
        took_s = _first(
            record.time_s[rows] - self.from_s, record.values[self.subject][rows], begun, goal, self.tolerance
        )
        found = "never" if took_s is None else f"{took_s:.4g} s"
        return Judged(Outcome(text, took_s is not None and _at_most(took_s, self.within_s), found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """From from_s on it takes at most within_s until it stays within tolerance of a value, up to to_s."""

    subject: Subject
    value: float
    within_s: float
    tolerance: float
    from_s: float = 0.0
    to_s: float = math.inf

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is recorded for it."""
        return (self.subject,)

    def check(self, record: Record) -> Judged:
        """Judge a run."""
        unit = record.unit(self.subject)
        near = f"within {self.tolerance:g} of {self.value:g}{unit}"
        text = f"{self.subject} settles {near} in {self.within_s:g} s{_between(self.from_s, self.to_s)}"
        rows = record.rows(self.from_s, self.to_s)
        if not rows.any():
            return Judged(Outcome(text, False, "no step to judge"))
        time_s = record.time_s[rows] - self.from_s
        (outside,) = np.nonzero(np.abs(record.values[self.subject][rows] - self.value) > self.tolerance * (1 + 1e-9))
        if len(outside) and outside[-1] == len(time_s) - 1:
            return Judged(
                Outcome(text, False, f"not settled, {record.values[self.subject][rows][-1]:.6g}{unit} at last")
            )
        took_s = float(time_s[outside[-1] + 1]) if len(outside) else 0.0
        return Judged(Outcome(text, _at_most(took_s, self.within_s), f"{took_s:.4g} s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DroopBand:
    """In every step the power is that of a droop line, for the frequency of that instant or of one up to lag_s ago.

    tolerance: share of the full power.
    """

    subject: Subject
    droop: Droop
    tolerance: float
    lag_s: float
    from_s: float = 0.0
    to_s: float = math.inf

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is recorded for it."""
        return (self.subject, FREQUENCY)

    def check(self, record: Record) -> Judged:
        """Judge a run."""
        unit = record.unit(self.subject)
        most = self.tolerance * self.droop.full_power
        line = f"{self.droop.full_power:g}{unit} at {self.droop.full_at:g} Hz"
        text = f"{self.subject} on the line of {line} within {most:g}{unit}{_between(self.from_s, self.to_s)}"
        rows = record.rows(self.from_s, self.to_s)
        if not rows.any():
            return Judged(Outcome(text, False, "no step to judge"))
        off = deviations(record, self.subject, self.droop, self.lag_s)[rows]
        worst = int(np.argmax(np.abs(off)))
        when_s = float(record.time_s[rows][worst])
        found = f"{abs(off[worst]):.4g}{unit} beside it at worst, at {when_s:.6g} s"
        return Judged(Outcome(text, bool(abs(off[worst]) <= most * (1 + 1e-9)), found))


def deviations(record: Record, subject: Subject, droop: Droop, lag_s: float) -> Floats:
    """How far a power is beside the line of the frequencies of the last lag_s, + = above it; 0 within."""
    asked = np.array([droop.power(hz) for hz in record.values[FREQUENCY]])
    back = max(0, round(lag_s / record.step_s))
    padded = np.concatenate((np.full(back, asked[0]), asked))
    windows = np.lib.stride_tricks.sliding_window_view(padded, back + 1)
    power = record.values[subject]
    off: Floats = np.maximum(0.0, power - windows.max(axis=1)) + np.minimum(0.0, power - windows.min(axis=1))
    return off


def _first(time_s: Floats, values: Floats, begun: float, goal: float, tolerance: float) -> float | None:
    """When the values first are within the tolerance of the goal or beyond it, seen from where they begun."""
    reached = (values >= goal - tolerance) if goal >= begun else (values <= goal + tolerance)
    (indices,) = np.nonzero(reached)
    return float(time_s[indices[0]]) if len(indices) else None


def _at_most(took_s: float, within_s: float) -> bool:
    return took_s <= within_s * (1 + 1e-9) + 1e-9


def _bounds(low: float | None, high: float | None, unit: str) -> str:
    if low is None:
        return f"at most {high:g}{unit}"
    if high is None:
        return f"at least {low:g}{unit}"
    return f"within {high:g}{unit}" if low == -high else f"in {low:g} ... {high:g}{unit}"


def _between(from_s: float, to_s: float) -> str:
    if from_s <= 0.0 and to_s == math.inf:
        return ""
    return f" from {from_s:g} s to {'the end' if to_s == math.inf else f'{to_s:g} s'}"
