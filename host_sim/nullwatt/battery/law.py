"""What every steering law of a battery has in common.

A law is the part of the firmware that turns one reading of the smart meter into the power the battery shall
deliver next. It keeps its own state between samples and knows neither clock nor wire.

Signs and units at this border, for every law: watts; grid + = import, - = export; battery power + = discharge,
- = charge. A law may count the other way inside (the ramp law does) and says so in its own file.
"""

from typing import NamedTuple, Protocol


class Sample(NamedTuple):
    """One reading as the law sees it.

    Attributes:
        grid_w: Grid power this battery shall null, W, + = import; not yet divided by the share count.
        output_w: The battery's own measured output, W, + = discharge.
        share_count: Batteries that share the reading (count of the own bucket); below 1 acts as 1.
        combined: True if the battery follows the total of all phases (phase D).
        soc: State of charge, 0..1.
        dc_input_w: Power arriving at the battery's DC (PV) terminals, W, >= 0.
        measured_grid_w: A second, own grid reading, W, + = import. None: the same as grid_w.
    """

    grid_w: float
    output_w: float = 0.0
    share_count: int = 1
    combined: bool = False
    soc: float = 0.5
    dc_input_w: float = 0.0
    measured_grid_w: float | None = None


class SteeringLaw(Protocol):
    """A firmware's control law: explicit state, one step per reply of the CT."""

    def step(self, sample: Sample) -> float:
        """Digest one sample; return the wanted power in W, + = discharge. It may exceed the limits."""
        ...

    def seed(self, power_w: float) -> None:
        """Forget everything and start from a battery that delivers power_w (+ = discharge)."""
        ...

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Change the power window, W, both >= 0. Takes effect with the next step; other state is kept."""
        ...
