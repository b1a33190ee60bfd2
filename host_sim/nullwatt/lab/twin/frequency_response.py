"""The prequalification test of frequency containment reserve: every step and ramp of the grid, judged one by one.

The planned frequency (without noise and drift) is cut into plateaus and ramps. A step from one plateau to the next must
have done half of its way after `half_within_s`, be within the tolerance after `full_within_s` and stay there; at full
power for at least `hold_s`. On ramps the power must be that of the line, at most `lag_s` late.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..expectations import Outcome
from .droop import Droop
from .expectations import Floats, Judged, Record, deviations
from .subject import FREQUENCY, PLANNED, Subject

#: Frequencies that differ by less are the same plateau, Hz; a plateau and a ramp are no shorter than this, s.
_SAME_HZ = 1e-6
_PLATEAU_S = 2.0
_RAMP_S = 30.0


class _Piece(NamedTuple):
    """Rows [first, last) of a record. kind: how the grid gets there: rest, step, ramp or hold (after a ramp)."""

    kind: str
    first: int
    last: int
    from_hz: float
    to_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyResponse:
    """All of it. tolerance: share of the full power. hold_s: 0 = full power need not occur."""

    subject: Subject
    droop: Droop
    tolerance: float = 0.05
    half_within_s: float = 15.0
    full_within_s: float = 30.0
    hold_s: float = 900.0
    lag_s: float = 5.0

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is recorded for it."""
        return (self.subject, FREQUENCY, PLANNED)

    def check(self, record: Record) -> Judged:
        """Judge a run."""
        unit = record.unit(self.subject)
        off = deviations(record, self.subject, self.droop, self.lag_s)
        rows = tuple(self._row(record, piece, off) for piece in _pieces(record))
        failed = sum(not row["ok"] for row in rows)
        found = f"{failed} of {len(rows)} steps and ramps failed"
        missing = [f"no full activation {way}" for way in self._not_held(rows)]
        text = f"{self.subject} answers the frequency with {self.droop.full_power:g}{unit} at {self.droop.full_at:g} Hz"
        return Judged(Outcome(text, not failed and not missing, ", ".join([found, *missing])), rows)

    def _not_held(self, rows: tuple[dict[str, object], ...]) -> Iterator[str]:
        """The directions in which full power was never asked for by a step."""
        asked = [float(str(row["required"])) for row in rows if row["kind"] == "step"] if self.hold_s else []
        for way, sign in (("up", 1.0), ("down", -1.0)) if self.hold_s else ():
            if not any(self._is_full(value) and sign * (value - self.droop.baseline) > 0.0 for value in asked):
                yield way

    def _is_full(self, power: float) -> bool:
        return abs(power - self.droop.baseline) >= self.droop.full_power * (1 - 1e-9)

    def _row(self, record: Record, piece: _Piece, off: Floats) -> dict[str, object]:
        begun_s = float(record.time_s[piece.first]) - record.step_s
        time_s = record.time_s[piece.first : piece.last] - begun_s
        power = record.values[self.subject][piece.first : piece.last]
        most = self.tolerance * self.droop.full_power * (1 + 1e-9)
        required = self.droop.power(piece.to_hz)
        settled = time_s > (self.full_within_s if piece.kind in ("rest", "step") else 0.0) + record.step_s / 2.0
        beside = np.abs(off[piece.first : piece.last][settled])
        worst = float(beside.max()) if len(beside) else 0.0
        ok = worst <= most
        half_s: float | None = None
        full_s: float | None = None
        held_s: float | None = None
        if piece.kind == "step":
            before = self.droop.power(piece.from_hz)
            way = required - before
            half_s = _when(time_s, (power - before) * math.copysign(1.0, way) >= 0.5 * abs(way) * (1 - 1e-9))
            near = np.abs(power - required) <= most
            full_s = _when(time_s, near)
            ok &= half_s is not None and half_s <= self.half_within_s + 1e-9
            ok &= full_s is not None and full_s <= self.full_within_s + 1e-9
            if self._is_full(required):
                held_s = _longest_s(near, record.step_s)
                ok &= held_s >= self.hold_s - 1e-9
        return {
            "kind": piece.kind,
            "from_s": round(begun_s, 6),
            "to_s": round(float(record.time_s[piece.last - 1]), 6),
            "from_hz": round(piece.from_hz, 6),
            "to_hz": round(piece.to_hz, 6),
            "required": round(required, 6),
            "measured": round(float(power[settled].mean() if piece.kind != "ramp" and len(beside) else power[-1]), 6),
            "deviation": round(worst, 6),
            "allowed": round(self.tolerance * self.droop.full_power, 6),
            "half_s": half_s,
            "full_s": full_s,
            "held_s": held_s,
            "ok": bool(ok),
        }


def _pieces(record: Record) -> Iterator[_Piece]:
    """The plateaus and ramps of the planned frequency, in order."""
    hz = record.values[PLANNED]
    (changes,) = np.nonzero(np.abs(np.diff(hz)) > _SAME_HZ)
    edges = [0, *(int(change) + 1 for change in changes), len(hz)]
    least = max(2, round(_PLATEAU_S / record.step_s))
    plateaus = [(first, last) for first, last in pairwise(edges) if last - first >= least]
    end, level = 0, float(hz[0])
    for first, last in plateaus:
        here = float(hz[first])
        if first > end:
            yield from _ramps(hz, end, first, level, here, record.step_s)
            yield _Piece("hold", first, last, here, here)
        else:
            yield _Piece("step" if end else "rest", first, last, level, here)
        end, level = last, here
    if end < len(hz):
        yield from _ramps(hz, end, len(hz), level, float(hz[-1]), record.step_s)


def _ramps(hz: Floats, first: int, last: int, from_hz: float, to_hz: float, step_s: float) -> Iterator[_Piece]:
    """What lies between two plateaus, cut where it turns; what turns sooner than after _RAMP_S is one piece."""
    ways = np.sign(np.diff(hz[first:last]))
    least = round(_RAMP_S / step_s)
    begun = first
    for turn in (first + 1 + int(place) for place in np.nonzero(np.diff(ways))[0]):
        if turn - begun >= least and last - turn >= least:
            yield _Piece("ramp", begun, turn, from_hz, float(hz[turn]))
            begun, from_hz = turn, float(hz[turn])
    yield _Piece("ramp", begun, last, from_hz, to_hz)


def _when(time_s: Floats, holds: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float | None:
    (indices,) = np.nonzero(holds)
    return round(float(time_s[indices[0]]), 6) if len(indices) else None


def _longest_s(holds: np.ndarray[tuple[int], np.dtype[np.bool_]], step_s: float) -> float:
    """Longest time on end."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], holds.astype(np.int8), [0]))))
    return round(float((edges[1::2] - edges[::2]).max(initial=0)) * step_s, 6)
