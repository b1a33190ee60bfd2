"""The float ramp law of the HMG-50 (Venus C), its older firmware; also used for models nobody has read.

Own sign inside: setpoint + = charge, - = discharge, W. Outside (Sample, return value) + = discharge as everywhere.

Each sample passes an input gate (spikes, rest band, small import) and then moves the setpoint. Imports are answered
with an accelerating ramp that a gain table limits; exports in full in a single step. Source: battery-firmware notes,
observed on HMG-50; every number below is an observed constant of that firmware.

Oddities that are the firmware's and are kept because a controller has to live with them: there is no one-shot in
the spike gate, so a drift of more than 50 W per sample under a still output is held for ever; the window is tested
before the step, so the setpoint overshoots it and saw-tooths; the running minimum is compared unsigned, so exports
count as huge; the difference of squares wraps in 32 bits.
"""

from math import sqrt

from .f32 import f32
from .law import Sample

# Largest step in W per ramp count -5..5. The odd fractions are the firmware's.
GAIN_W = {
    ramp: f32(gain_w)
    for ramp, gain_w in zip(
        range(-5, 6),
        (410.35, 350.41, 180.30, 60.02, 50.12, 50.23, 50.10, 50.21, 100.01, 200.02, 400.40),
        strict=True,
    )
}
SPIKE_FLOOR_W = 20  # a jump that lands inside this band is no spike
SPIKE_JUMP_W = 50  # spike gate: 50 W between two samples
STILL_OUTPUT_W = 20  # ... while the own output moved by less than this
REST_BAND_W = 20  # rest band of a battery that does not discharge
SMALL_IMPORT_W = 10  # imports below this are left alone
PULL_BACK_W = 100.0  # a setpoint outside the window is put this far inside it
HARD_LIMIT_W = 2500.0
_U32 = 0xFFFFFFFF


class RampLaw:
    """State and step of the ramp law.

    Attributes:
        setpoint_w: Stored setpoint, single precision, + = charge.
        ramp: Acceleration counter, -5..5. From a cold start it never becomes positive.
        last_w: Grid of the last step that ran.
        run_min_w: Running (unsigned) minimum of the grid.
        ref_w: The running minimum when the grid last rose.
        gate_grid_w: Grid of the last sample, held ones included.
        gate_output_w: Own output of the last sample, + = discharge.
    """

    __slots__ = ("_hi_w", "_lo_w", "gate_grid_w", "gate_output_w", "last_w", "ramp", "ref_w", "run_min_w", "setpoint_w")

    def __init__(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Start at rest with the given power window, W, both >= 0."""
        self.set_limits(max_charge_w, max_discharge_w)
        self.seed(0.0)

    def seed(self, power_w: float) -> None:
        """Forget everything and start from a battery that delivers power_w (+ = discharge)."""
        self.setpoint_w = f32(0.0 - power_w)
        self.ramp = 0
        self.last_w = self.run_min_w = self.ref_w = 0
        self.gate_grid_w = self.gate_output_w = 0

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Change the power window, W, both >= 0."""
        self._hi_w = float(max_charge_w)
        self._lo_w = 0.0 - max_discharge_w

    def step(self, sample: Sample) -> float:
        """Gate the sample, then ramp; return the wanted power in W, + = discharge."""
        grid_w = int(sample.grid_w)
        if sample.share_count > 1:
            grid_w = int(grid_w / sample.share_count)
        if not self.gate_holds(grid_w, int(sample.output_w)):
            self.ramp_step(grid_w)
        return 0.0 - self.setpoint_w

    def gate_holds(self, grid_w: int, output_w: int) -> bool:
        """Tell whether the sample is held, and make it the baseline of the next one either way."""
        spike = (
            abs(grid_w) > SPIKE_FLOOR_W
            and abs(grid_w - self.gate_grid_w) > SPIKE_JUMP_W
            and abs(output_w - self.gate_output_w) < STILL_OUTPUT_W
        )
        self.gate_grid_w = grid_w
        self.gate_output_w = output_w
        # signed on purpose: a charging battery rests as well
        rest = abs(grid_w) < REST_BAND_W and output_w < 1
        return spike or rest or 0 <= grid_w < SMALL_IMPORT_W

    def ramp_step(self, grid_w: int) -> None:
        """Move the setpoint for a sample that passed the gate (already divided by the share count)."""
        if self.setpoint_w > self._hi_w:
            self._restart(self._hi_w - PULL_BACK_W, -1, grid_w)
        elif self.setpoint_w < self._lo_w:
            self._restart(self._lo_w + PULL_BACK_W, 0, grid_w)
        else:
            self._count(grid_w)
            self._move(grid_w)
        self.setpoint_w = min(max(self.setpoint_w, -HARD_LIMIT_W), HARD_LIMIT_W)

    def _restart(self, setpoint_w: float, ramp: int, grid_w: int) -> None:
        self.setpoint_w = f32(setpoint_w)
        self.ramp = ramp
        self.last_w = grid_w

    def _count(self, grid_w: int) -> None:
        """Accelerate while the grid falls; start over, and take a new reference, when it rises."""
        if not self.run_min_w & _U32 < grid_w & _U32:
            self.run_min_w = grid_w
        if grid_w > self.last_w:
            self.ref_w = self.run_min_w
            self.run_min_w = grid_w
            self.ramp = -1 if self.ramp > 0 else 0
        elif self.ramp > 0:
            self.ramp = min(self.ramp + 1, 5)
        else:
            self.ramp = max(self.ramp - 1, -5)

    def _move(self, grid_w: int) -> None:
        # the last bound is the signed grid, so an export is answered in full and downwards
        distance_w = f32(sqrt((grid_w * grid_w - self.ref_w * self.ref_w) & _U32))
        step_w = min(f32(distance_w + 10.0), GAIN_W[self.ramp], float(grid_w))
        self.setpoint_w = f32(self.setpoint_w + step_w if self.ramp > 0 else self.setpoint_w - step_w)
        self.last_w = grid_w
