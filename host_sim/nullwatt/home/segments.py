"""What a load does while it is switched on: power that stands still for a while, then stands at another value.

A load is a generator of segments. It is started when the load is switched on and closed when it is switched off; when
it ends by itself, the load is off (a washing machine that is done). It is sent the seconds the last segment really
lasted: all of them, unless somebody changed a setting in between.
So the power of a load depends on when it was switched and told what, never on how the house is stepped.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

from .draws import DrawSequence

_DAY_H = 24.0
_SECONDS_PER_HOUR = 3600.0


class Segment(NamedTuple):
    """power_w: drawn, W. duration_s: > 0, inf = until switched off. running: False in a pause; only noise and
    displays look at it.
    """

    power_w: float
    duration_s: float = math.inf
    running: bool = True


Segments = Generator[Segment, float, None]


@dataclass(slots=True)
class Session:
    """One time of being switched on. settings: what was set at run time, by the name of the parameter; it may change
    while the session lasts. start_h: hour of the day at simulated time 0.
    """

    draws: DrawSequence
    start_s: float
    start_h: float
    settings: dict[str, float]

    def hour(self, elapsed_s: float) -> float:
        """Hour of the day `elapsed_s` into the session, 0 ... 24."""
        return (self.start_h + (self.start_s + elapsed_s) / _SECONDS_PER_HOUR) % _DAY_H
