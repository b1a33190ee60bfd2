"""A firmware law that differs from what is known of it: another gain, a wider dead band.

Signs and units as for every law (see `nullwatt.battery`): W, grid + = import, output + = discharge.
"""

from nullwatt.battery import Sample, SteeringLaw


class PerturbedLaw:
    """Scales and gates the readings of a law.

    gain: factor on the reading, > 0. deadband_w: smaller readings, either sign, act as none.
    """

    __slots__ = ("_deadband_w", "_gain", "_law")

    def __init__(self, law: SteeringLaw, gain: float = 1.0, deadband_w: float = 0.0) -> None:
        self._law = law
        self._gain = gain
        self._deadband_w = deadband_w

    def step(self, sample: Sample) -> float:
        """Digest one sample; return the wanted power in W, + = discharge."""
        grid_w = sample.grid_w
        seen_w = 0.0 if abs(grid_w) < self._deadband_w else self._gain * grid_w
        return self._law.step(sample._replace(grid_w=seen_w))

    def seed(self, power_w: float) -> None:
        """Forget everything and start from a battery that delivers power_w (+ = discharge)."""
        self._law.seed(power_w)

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Change the power window, W, both >= 0."""
        self._law.set_limits(max_charge_w, max_discharge_w)
