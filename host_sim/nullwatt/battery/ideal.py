"""The ideal law: an actuator that obeys. No real battery runs it; it is the yardstick of the lab.

Sign: + = discharge, W. The law adds each reading, in whole watts, to its own stored setpoint: no gate, no bias, no
rest band, gain one. Whatever a controller cannot reach with it (late meter, slew, start-up, limits) it cannot reach
with any battery.
"""

from .law import Sample


class IdealLaw:
    """State and step of the ideal law.

    Attributes:
        setpoint_w: Stored setpoint, whole watts, + = discharge, within the power window.
    """

    __slots__ = ("_hi_w", "_lo_w", "setpoint_w")

    def __init__(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Start at rest with the given power window, W, both >= 0."""
        self.set_limits(max_charge_w, max_discharge_w)
        self.seed(0.0)

    def seed(self, power_w: float) -> None:
        """Forget everything and start from a battery that delivers power_w (+ = discharge)."""
        self.setpoint_w = round(power_w)

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Change the power window, W, both >= 0; fractions are cut off."""
        self._hi_w = int(max_discharge_w)
        self._lo_w = -int(max_charge_w)

    def step(self, sample: Sample) -> float:
        """Add the reading, or the own part of a shared one; return the wanted power in W, + = discharge."""
        reading_w = int(sample.grid_w)
        if sample.share_count > 1:
            reading_w = int(reading_w / sample.share_count)
        self.setpoint_w = max(self._lo_w, min(self.setpoint_w + reading_w, self._hi_w))
        return float(self.setpoint_w)
