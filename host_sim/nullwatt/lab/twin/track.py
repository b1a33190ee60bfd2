"""A quantity of the outside world that a scenario moves: levels, ramps, recorded series."""

import csv
import math
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from nullwatt.home import ConfigError

#: An end that rounding puts a hair later is now; no step is shorter than a millisecond.
_HAIR_S = 1e-6
_TIMES = ("time", "time_s", "seconds", "t")


class Track:
    """Straight lines between points, then the last value; None before the first order and after the end of one."""

    def __init__(self) -> None:
        self._times_s: Sequence[float] = ()
        self._values: Sequence[float] = ()
        self._end_s = math.inf

    @property
    def is_idle(self) -> bool:
        """Whether nothing was ever ordered."""
        return not self._times_s

    def go(self, now_s: float, present: float, value: float, over_s: float = 0.0, hold_s: float = math.inf) -> None:
        """From its present value to another one over so many s, and hold that; then it is free again."""
        self._times_s, self._values = (now_s, now_s + over_s), (present, value)
        self._end_s = now_s + over_s + hold_s

    def play(self, now_s: float, times_s: Sequence[float], values: Sequence[float]) -> None:
        """Follow a series, whose times count from now."""
        self._times_s = [now_s + time_s for time_s in times_s]
        self._values, self._end_s = values, math.inf

    def at(self, now_s: float) -> float | None:
        """The value; None = free."""
        times, values = self._times_s, self._values
        if not times or now_s >= self._end_s - _HAIR_S:
            return None
        index = bisect_right(times, now_s)
        if index == 0 or index == len(times):
            return values[max(0, index - 1)]
        start_s, end_s = times[index - 1], times[index]
        return values[index - 1] + (values[index] - values[index - 1]) * (now_s - start_s) / (end_s - start_s)


def read_series(path: Path, column: str | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Times in s, from the first row on, and values of a CSV file with a header. Raises ConfigError, one line.

    column: of the values; None: the one beside the time.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not CSV text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    header = [name.strip() for name in rows[0]] if rows else []
    time_column = next((name for name in header if name.lower() in _TIMES), None)
    if time_column is None:
        raise ConfigError(
            f"{path}: line 1: needs a column called time, in s (there are: {', '.join(header) or 'none'})"
        )
    others = [name for name in header if name != time_column]
    chosen = column or (others[0] if len(others) == 1 else None)
    if chosen is None or chosen not in others:
        told = "needs column, the name of one" if chosen is None else f"no column {chosen!r}"
        raise ConfigError(f"{path}: line 1: {told} (there are: {', '.join(others) or 'none'})")
    times: list[float] = []
    values: list[float] = []
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            time_s, value = float(row[header.index(time_column)]), float(row[header.index(chosen)])
        except (ValueError, IndexError):
            raise ConfigError(f"{path}: line {number}: must have numbers for {time_column} and {chosen}") from None
        if not math.isfinite(time_s) or not math.isfinite(value):
            raise ConfigError(f"{path}: line {number}: must have finite numbers for {time_column} and {chosen}")
        if times and time_s <= times[-1]:
            raise ConfigError(f"{path}: line {number}: time {time_s:g} must be after {times[-1]:g}")
        times.append(time_s)
        values.append(value)
    if not times:
        raise ConfigError(f"{path}: has no rows below its header")
    return tuple(time_s - times[0] for time_s in times), tuple(values)
