"""What the laws have in common that add to a setpoint of their own, in whole watts, within a power window."""


class StoredSetpoint:
    """The setpoint and its window.

    Attributes:
        setpoint_w: Stored setpoint, whole watts, + = discharge.
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

    def _within(self, setpoint_w: int) -> int:
        return max(self._lo_w, min(setpoint_w, self._hi_w))
