"""The live chart: points of the history, few enough for a slow browser, sent once each."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..state import Moment
from ..watched import Watched

#: Minutes that can be chosen, and how many seconds go into one point (0 = every moment is one).
WINDOWS = {2: 0.0, 10: 0.0, 60: 6.0}
SERIES = ("grid", "batteries", "solar", "house")


#: Time and the powers of `SERIES`; None = not known, a gap.
type Point = Sequence[float | None]


def point(moment: Moment) -> list[float | None]:
    """The point of a moment."""
    solar_w, known = moment.solar_w if moment.sun_w is None else moment.sun_w, bool(moment.grid_w)
    hybrids_w = sum(moment.hybrids_w.values()) if moment.hybrids_w else 0.0
    grid_w = sum(moment.grid_w) if known else None
    # Nothing known at all is a board that is cut off, not a house without batteries.
    batteries_w = sum(moment.batteries_w.values()) + hybrids_w if known or moment.batteries_w else None
    house_w = None
    if grid_w is not None and batteries_w is not None and solar_w is not None:
        house_w = grid_w + batteries_w + solar_w
    return [moment.time_s, grid_w, batteries_w, solar_w, house_w]


def thinned(points: Iterable[Point], bucket_s: float) -> list[list[float | None]]:
    """One mean point, of what is known, for each `bucket_s` seconds; all of them for 0."""
    if bucket_s <= 0:
        return [list(entry) for entry in points]
    buckets: dict[int, list[Point]] = {}
    for entry in points:
        buckets.setdefault(int((entry[0] or 0.0) // bucket_s), []).append(entry)
    return [[_mean(column) for column in zip(*entries, strict=True)] for entries in buckets.values()]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


class Feed:
    """What one browser has of the chart, and what it lacks."""

    def __init__(self) -> None:
        self._minutes = 0
        self._known_s = self._now_s = -math.inf

    def news(self, watched: Watched, minutes: int) -> dict[str, Any] | None:
        """What it needs now; None = nothing new. `fresh` = it forgets what it has."""
        moments = watched.history(minutes * 60.0)
        now_s = moments[-1].time_s if moments else 0.0
        fresh = minutes != self._minutes or now_s < self._now_s  # or time began anew
        known_s = -math.inf if fresh else self._known_s
        bucket_s = WINDOWS[minutes]
        # A mean is sent once it is complete.
        end_s = now_s - now_s % bucket_s if bucket_s else math.nextafter(now_s, math.inf)
        points = thinned((point(moment) for moment in moments if known_s <= moment.time_s < end_s), bucket_s)
        if not points and not fresh:
            return None
        self._minutes, self._known_s, self._now_s = minutes, end_s, now_s
        rounded = [[None if value is None else round(value, 1) for value in entry] for entry in points]
        return {"fresh": fresh, "window": minutes * 60, "now": now_s, "points": rounded}
