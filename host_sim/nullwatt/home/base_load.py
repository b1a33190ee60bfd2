"""What the house always draws, with noise on top.

There is exactly one noise value per raster step (by default a second) and phase. Reading draws nothing, so two readers
at the same instant see the same house, and it does not matter in which sub-steps the house is advanced.
"""

import math
from collections.abc import Sequence

from .draws import Draws
from .phases import PHASES


class BaseLoad:
    """Constant watts per phase plus seeded noise.

    base_w: watts per phase, one entry per phase of the house, negative allowed.
    noise_w: amplitude; each value is uniform in +-noise_w. noise_tau_s: 0 gives white noise; above 0 it is
    first-order correlated with that time constant and the same standard deviation (noise_w / sqrt(3)).
    step_s: length of a raster step.
    """

    def __init__(
        self, base_w: tuple[float, ...], noise_w: float, noise_tau_s: float, seed: int, step_s: float = 1.0
    ) -> None:
        """Raise ValueError for a non-finite or negative noise amplitude or time constant."""
        for value in (*base_w, noise_w, noise_tau_s):
            if not math.isfinite(value):
                raise ValueError("base load, noise and its time constant must be finite numbers")
        if noise_w < 0 or noise_tau_s < 0:
            raise ValueError("noise and its time constant must not be negative")
        self.base_w = base_w
        self._noise_w = noise_w
        self._keep = math.exp(-step_s / noise_tau_s) if noise_tau_s > 0 else 0.0
        self._fresh = math.sqrt(1.0 - self._keep * self._keep)
        self._draws = [Draws(seed, f"base_load.{phase}") for phase in PHASES[: len(base_w)]]
        self._step = 0
        self._noise = [draws.symmetric(0) for draws in self._draws]

    def advance_to(self, step: int) -> None:
        """Move to raster step number `step`; never backwards."""
        if step == self._step or not self._noise_w:  # draws have no order, so those nobody reads can be left out
            return
        if self._keep == 0.0:
            self._noise = [draws.symmetric(step) for draws in self._draws]
        else:
            # Correlated noise has a past, so no step may be left out.
            for index in range(self._step + 1, step + 1):
                self._noise = [
                    self._keep * old + self._fresh * draws.symmetric(index)
                    for old, draws in zip(self._noise, self._draws, strict=True)
                ]
        self._step = step

    def powers_w(self, loads_running: Sequence[int]) -> list[float]:
        """Draw per phase in the present step, W. loads_running: per phase.

        A phase on which nothing is connected (base <= 0 and no running load) has no noise.
        """
        powers_w, noise_w = list(self.base_w), self._noise_w
        if not noise_w:
            return powers_w
        for phase, noise in enumerate(self._noise):
            if powers_w[phase] > 0 or loads_running[phase] > 0:
                powers_w[phase] += noise_w * noise
        return powers_w
