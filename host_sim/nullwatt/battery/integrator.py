"""The integer integrator laws: the older one of Venus D and the newer one of Venus A, D, E and HMG-50.

Sign inside and outside: + = discharge, - = charge, W. Both laws add the error to their own stored setpoint, never to
the measured output, so commands too small to execute still add up. Import is followed a little short (5 W), which
keeps the house importing rather than exporting. There is no anti-windup beyond the power window.

`IntegratorLaw` ("integrator") is the Venus D law as first read: no input gate, no division by the share count.

`GatedIntegratorLaw` ("integrator-2") puts a gate in front of the same integrator and divides by the share count.
Where the battery-firmware notes leave a choice we chose:
- the -5 W applies in the same rows as in the older law (imports, and exports of 1..10 W), not to larger exports;
- the division by the count truncates toward zero, as the ramp law's does; the wanted grid value is 0;
- spike: |grid| > 20 W, jump > 50 W, own output moved < 20 W, as in the ramp law. The first 20 is not scaled with the
  rest band, for no model;
- after a held spike the next sample passes everything, rest band included; it may not itself be held as a spike;
- rest band: |grid| < band while not discharging (output below 1 W, signed, so a charging battery rests too);
  10 W for A, D and E, 20 W for HMG-50; imports of 0..9 W are held at any output;
- on a shared bucket (count > 1) the spike filter is off: baselines still follow, a pending one-shot is dropped; the
  rest band stays and sees the divided value;
- a held sample changes neither setpoint nor parking;
- parking: |setpoint| below 11 W alone, below 15 W when sharing or combined; HMG-50's "own" parking is taken as 11 W.
"""

from .f32 import f32
from .law import Sample
from .stored_setpoint import StoredSetpoint

IMPORT_EDGE_W = 11  # integrator answers imports from here on
EXPORT_EDGE_W = -10  # exports beyond this are followed with the loop gain
BIAS_W = 5  # left to the grid on imports
PARK_ALONE_W = 11
PARK_SHARED_W = 15
RATIO_MIN, RATIO_MAX = 30, 100  # loop gain, percent; anything outside acts as 100

SPIKE_FLOOR_W = 20  # gate constants: observed on HMG-50, see the ramp law
SPIKE_JUMP_W = 50
STILL_OUTPUT_W = 20
SMALL_IMPORT_W = 10


class IntegratorLaw(StoredSetpoint):
    """The older integer integrator."""

    __slots__ = ("_gain",)

    def __init__(self, max_charge_w: float, max_discharge_w: float, ratio: int = 100) -> None:
        """Start at rest.

        Args:
            max_charge_w: Charge limit, W, >= 0.
            max_discharge_w: Discharge limit, W, >= 0.
            ratio: Loop gain in percent, 30..100; anything else acts as 100, as in the firmware.
        """
        # single precision: at 30 and 60 % the factor is a hair short and exact products lose a watt
        self._gain = f32((ratio if RATIO_MIN <= ratio <= RATIO_MAX else 100) * f32(0.01))
        super().__init__(max_charge_w, max_discharge_w)

    def step(self, sample: Sample) -> float:
        """Integrate one sample; return the wanted power in W, + = discharge."""
        error_w = int(sample.grid_w)
        measured_w = error_w if sample.measured_grid_w is None else int(sample.measured_grid_w)
        self._integrate(error_w, measured_w, PARK_SHARED_W if sample.combined else PARK_ALONE_W)
        return float(self.setpoint_w)

    def _integrate(self, error_w: int, measured_w: int, park_w: int) -> None:
        setpoint_w = self.setpoint_w
        if measured_w >= 0 and error_w >= IMPORT_EDGE_W:
            setpoint_w = int(f32(f32(f32(error_w * self._gain) - BIAS_W) + setpoint_w))
        elif measured_w < 1 and error_w < EXPORT_EDGE_W:
            setpoint_w = int(f32(setpoint_w + f32(error_w * self._gain)))
        elif measured_w * error_w < 0:
            setpoint_w += error_w
        elif measured_w < 0 and -IMPORT_EDGE_W < error_w < 0:
            setpoint_w += error_w - BIAS_W
        setpoint_w = self._within(setpoint_w)
        if abs(setpoint_w) < park_w and error_w < park_w:
            setpoint_w = 0
        self.setpoint_w = setpoint_w


class GatedIntegratorLaw(IntegratorLaw):
    """The newer integer integrator: share count, one-shot spike filter and rest band before the older one.

    Attributes:
        gate_grid_w: Grid of the last sample, after division, held ones included.
        gate_output_w: Own output of the last sample, + = discharge.
        spike_held: True after a held spike: the next sample passes whatever it is.
    """

    __slots__ = ("_rest_band_w", "gate_grid_w", "gate_output_w", "spike_held")

    def __init__(
        self, max_charge_w: float, max_discharge_w: float, ratio: int = 100, rest_band_w: float = 10.0
    ) -> None:
        """Start at rest; arguments as for IntegratorLaw, rest_band_w >= 0 is 10 for Venus A/D/E, 20 for HMG-50."""
        self._rest_band_w = rest_band_w
        super().__init__(max_charge_w, max_discharge_w, ratio)

    def seed(self, power_w: float) -> None:
        """Forget everything and start from a battery that delivers power_w (+ = discharge)."""
        super().seed(power_w)
        self.gate_grid_w = self.gate_output_w = 0
        self.spike_held = False

    def step(self, sample: Sample) -> float:
        """Divide, gate, integrate; return the wanted power in W, + = discharge."""
        grid_w = int(sample.grid_w)
        measured_w = grid_w if sample.measured_grid_w is None else int(sample.measured_grid_w)
        shared = sample.share_count > 1
        if shared:
            grid_w = int(grid_w / sample.share_count)
        if not self._gate_holds(grid_w, int(sample.output_w), shared):
            self._integrate(grid_w, measured_w, PARK_SHARED_W if shared or sample.combined else PARK_ALONE_W)
        return float(self.setpoint_w)

    def _gate_holds(self, grid_w: int, output_w: int, shared: bool) -> bool:
        spike = (
            abs(grid_w) > SPIKE_FLOOR_W
            and abs(grid_w - self.gate_grid_w) > SPIKE_JUMP_W
            and abs(output_w - self.gate_output_w) < STILL_OUTPUT_W
        )
        self.gate_grid_w = grid_w
        self.gate_output_w = output_w
        passes = self.spike_held and not shared
        self.spike_held = spike and not passes and not shared
        if passes or self.spike_held:
            return self.spike_held
        rest = abs(grid_w) < self._rest_band_w and output_w < 1
        return rest or 0 <= grid_w < SMALL_IMPORT_W
