"""The ideal law: an actuator that obeys. No real battery runs it; it is the yardstick of the lab.

Sign: + = discharge, W. The law adds each reading, in whole watts, to its own stored setpoint: no gate, no bias, no
rest band, gain one. Whatever a controller cannot reach with it (late meter, slew, start-up, limits) it cannot reach
with any battery.
"""

from .law import Sample
from .stored_setpoint import StoredSetpoint


class IdealLaw(StoredSetpoint):
    """State and step of the ideal law."""

    __slots__ = ()

    def step(self, sample: Sample) -> float:
        """Add the reading, or the own part of a shared one; return the wanted power in W, + = discharge."""
        reading_w = int(sample.grid_w)
        if sample.share_count > 1:
            reading_w = int(reading_w / sample.share_count)
        self.setpoint_w = self._within(self.setpoint_w + reading_w)
        return float(self.setpoint_w)
