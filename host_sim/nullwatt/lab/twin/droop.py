"""The line that frequency response follows: more power the lower the frequency.

Signs: + = into the grid, so a frequency below the nominal one asks for more. Powers are in whatever unit the caller
uses for all of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Droop:
    """power = baseline + full_power * (nominal - f) / full_at, at most full_power to either side.

    full_at: Hz from the nominal frequency at which all of it is asked for. deadband: Hz; within it only the baseline.
    """

    full_power: float
    full_at: float = 0.2
    nominal: float = 50.0
    deadband: float = 0.0
    baseline: float = 0.0

    def power(self, frequency_hz: float) -> float:
        """What a frequency asks for."""
        missing_hz = self.nominal - frequency_hz
        if abs(missing_hz) <= self.deadband:
            return self.baseline
        return self.baseline + self.full_power * max(-1.0, min(1.0, missing_hz / self.full_at))
