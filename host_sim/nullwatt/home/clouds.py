"""Clouds as a pure function of time and seed: how much of the sky they cover, and whether one stands before the sun.

Cover wanders over hours; its values follow a beta distribution, U-shaped as observed cloud cover is (Falls 1974), with
the mean that was asked for. Clouds of about `passage_s` drift by: at any instant the sun is hidden with the probability
that the cover of that instant is, and an edge takes some seconds to pass.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .draws import Draws
from .libraries import scipy_part

Array = npt.NDArray[np.float64]

_SHAPE = 0.9  # a + b of the beta distribution; below 2 it is U-shaped
_EDGE = 0.12  # width of an edge, as part of a passage


class Wander:
    """A normal random function of time with variance 1 at every instant, correlated over about `knot_s`."""

    def __init__(self, seed: int, stream: str, knot_s: float) -> None:
        self._draws = Draws(seed, stream)
        self._knot_s = knot_s

    def at(self, time_s: Array) -> Array:
        """Its values at rising times >= 0, s."""
        place = time_s / self._knot_s
        first, last = int(place[0]), int(place[-1]) + 2
        unit = np.array([self._draws.unit(index) for index in range(first, last + 1)])
        knots: Array = scipy_part("special").ndtri(np.clip(unit, 1e-12, 1.0 - 1e-12))
        index = place.astype(np.int64)
        # Turned from one knot to the next: the squares of the weights sum to 1.
        angle = 0.5 * np.pi * (place - index)
        index -= first
        mixed: Array = np.cos(angle) * knots[index] + np.sin(angle) * knots[index + 1]
        return mixed

    def unit_at(self, time_s: Array) -> Array:
        """The same, uniform in 0 ... 1."""
        uniform: Array = scipy_part("special").ndtr(self.at(time_s))
        return uniform


class Clouds:
    """cover: mean, 0 ... 1. persistence_s: how long a cover lasts. passage_s: how long one cloud hides the sun."""

    def __init__(self, seed: int, cover: float, persistence_s: float, passage_s: float) -> None:
        self._mean = cover
        self._slow = Wander(seed, "weather.cover", persistence_s)
        self._fast = Wander(seed, "weather.clouds", passage_s)
        self._of_unit = _quantiles(cover)

    def at(self, time_s: Array) -> tuple[Array, Array]:
        """Cover of the sky and shade on the sun, both 0 ... 1, at rising times, s."""
        if self._mean in (0.0, 1.0):
            same = np.full_like(time_s, self._mean)
            return same, same
        cover = self._of_unit(self._slow.unit_at(time_s))
        # An edge reaches over both sides; a clear and an overcast sky have none.
        edge = _EDGE * 4.0 * cover * (1.0 - cover) + 1e-9
        shade = np.clip((cover - self._fast.unit_at(time_s)) / edge + 0.5, 0.0, 1.0)
        return cover, shade


def _quantiles(mean: float) -> Callable[[Array], Array]:
    """The inverse distribution function of the cover, tabulated; its mean is exact."""
    if not 0.0 < mean < 1.0:
        return lambda unit: np.full_like(unit, mean)
    steps = (np.arange(512) + 0.5) / 512
    table: Array = scipy_part("special").betaincinv(_SHAPE * mean, _SHAPE * (1.0 - mean), steps)
    return lambda unit: np.interp(unit, steps, table)
