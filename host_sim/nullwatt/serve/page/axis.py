"""The signed bar: one axis with zero in the middle; to the right what gives to the house, to the left what takes."""

import math
from dataclasses import dataclass

_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
_LEAST_W = 500.0
#: The axis shrinks only to one of which no more than this is used, so that it does not breathe.
_CALM = 0.7


def nice(most_w: float) -> float:
    """The smallest round end of an axis that holds `most_w`, at least 500 W."""
    if not math.isfinite(most_w) or most_w <= _LEAST_W:
        return _LEAST_W
    decade = 10.0 ** math.floor(math.log10(most_w))
    return next((step * decade for step in _STEPS if step * decade >= most_w), 10.0 * decade)


def extent(most_w: float, before_w: float | None = None) -> float:
    """The end of the axis for powers up to `most_w`; it stays at `before_w` unless that is too small or far too big."""
    if before_w is None or most_w > before_w:
        return nice(most_w)
    return min(before_w, nice(most_w / _CALM))


@dataclass(frozen=True)
class Bar:
    """Where a bar stands on its axis, in percent of the axis' whole width.

    Attributes:
        left: Where it begins.
        width: How long it is.
        clipped: It would go on beyond the axis.
    """

    left: float
    width: float
    clipped: bool = False


def place(value_w: float, extent_w: float) -> float:
    """Where a power stands on the axis, 0..100; 50 is zero."""
    share = max(-1.0, min(1.0, value_w / extent_w))
    return round(50.0 + 50.0 * share, 2)


def bar(value_w: float, extent_w: float) -> Bar:
    """The bar of a power, from zero to it."""
    return span(min(0.0, value_w), max(0.0, value_w), extent_w)


def span(low_w: float, high_w: float, extent_w: float) -> Bar:
    """What lies between two powers."""
    left, right = place(low_w, extent_w), place(high_w, extent_w)
    return Bar(left, round(right - left, 2), high_w > extent_w or low_w < -extent_w)


def ticks(extent_w: float) -> list[float]:
    """Powers at which the axis is labelled."""
    return [-extent_w, -extent_w / 2, 0.0, extent_w / 2, extent_w]
