"""The power stage between direct and alternating current: what it loses at which power, in both directions.

    loss = standby + linear |ac| + square ac^2 / rated

The usual three terms (own consumption, voltage drop, resistance). With the defaults and 0.6 % of the rated power as
standby it is the PVWatts inverter with a nominal efficiency of 96 % within 0.2 % of its power above a tenth of it.
"""

import math
from typing import NamedTuple


class PowerStage(NamedTuple):
    """standby_w: while it runs. linear, square: see above, parts; at most 0.2 each. rated_w: AC power, > 0."""

    standby_w: float
    linear: float
    square: float
    rated_w: float

    def loss_w(self, ac_w: float) -> float:
        """Loss at an AC power (+ = out of it), W."""
        return self.standby_w + self.linear * abs(ac_w) + self.square * ac_w * ac_w / self.rated_w

    def dc_of(self, ac_w: float) -> float:
        """DC power it takes (- = gives) for an AC power, W."""
        return ac_w + self.loss_w(ac_w)

    def ac_of(self, dc_w: float) -> float:
        """AC power that comes of a DC power; - = it takes that much from the house to give -dc_w, W.

        Never below -rated_w.
        """
        rest, curve = dc_w - self.standby_w, self.square / self.rated_w
        if rest >= 0.0:
            slope = 1.0 + self.linear
            return 2.0 * rest / (slope + math.sqrt(slope * slope + 4.0 * curve * rest))
        slope = 1.0 - self.linear
        least = slope * self.rated_w - self.square * self.rated_w
        if -rest >= least:
            return -self.rated_w
        return 2.0 * rest / (slope + math.sqrt(slope * slope + 4.0 * curve * rest))
