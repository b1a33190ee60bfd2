"""The DC regulator of the B2500 family (HMA, HMJ, HMK): two DC channels, discharge only.

Sign: output + = discharge, W; grid + = import, W. Unlike the Venus laws it works from the measured output: setpoint =
output + 90 % of the grid, so nudges too small to execute are forgotten. Each channel then walks its command word
up or down by 100 (about 17 W) until the measured output is within 10 W of the setpoint.

Deviation from the observed firmware, on purpose: there the 16-bit command has no lower bound; on a slow unit that is
asked to go down it wraps and the unit jumps to full power. Here the command stops at 5, which is 0 W. The
command never leaves 5..ceiling, so the 16-bit arithmetic of the original needs no imitation.
"""

from .law import Sample

CMD_IDLE = 60  # start value; 9 W per channel, 18 W per unit
CMD_MIN = 5  # 0 W; our lower bound
CMD_STEP = 100
HOLD_BAND_W = 10  # inclusive on both sides


def share_of_grid_w(grid_w: float) -> int:
    """Return 90 % of the grid, cut to whole watts first and then floored (so -5 gives -5 and -11 gives -10)."""
    return 9 * int(grid_w) // 10


class DcChannel:
    """One channel: command word and its regulator.

    Attributes:
        cmd: Command word, 5..ceiling; 59 steps are 10 W.
    """

    __slots__ = ("_cmd_max", "cmd")

    def __init__(self, max_output_w: float, cmd: int = CMD_IDLE) -> None:
        """Start at cmd with an output ceiling in W."""
        self.cmd = cmd
        self.set_max_output(max_output_w)

    def set_max_output(self, max_output_w: float) -> None:
        """Change the ceiling, W; at least 1 W is always allowed. Takes effect with the next regulation."""
        self._cmd_max = CMD_MIN + max(1, int(max_output_w)) * 59 // 10

    def regulate(self, setpoint_w: int, measured_w: float) -> int:
        """Walk one step toward setpoint_w; return the commanded output in whole watts."""
        if measured_w > setpoint_w + HOLD_BAND_W:
            self.cmd -= CMD_STEP
        elif measured_w < setpoint_w - HOLD_BAND_W:
            self.cmd += CMD_STEP
        self.cmd = max(CMD_MIN, min(self.cmd, self._cmd_max))
        return (self.cmd - CMD_MIN) * 10 // 59

    def step(self, grid_w: float, measured_w: float, max_power_w: int) -> int:
        """Regulate a single-channel unit for one grid reading; return the commanded output in whole watts."""
        setpoint_w = max(0, min(measured_w + share_of_grid_w(grid_w), max_power_w))
        return self.regulate(int(setpoint_w), measured_w)


class DcRegulatorLaw:
    """The unit: both channels, each half of the target, and the pass-through floor of a full pack.

    Attributes:
        channels: The two channels.
    """

    __slots__ = ("_max_w", "channels")

    def __init__(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Start idle. The charge limit is taken for the common signature and ignored: the unit has no AC input."""
        self.channels = (DcChannel(0), DcChannel(0))
        self.set_limits(max_charge_w, max_discharge_w)

    def seed(self, power_w: float) -> None:
        """Return both channels to idle. The power itself is not stored: the regulator reads the output."""
        for channel in self.channels:
            channel.cmd = CMD_IDLE

    def set_limits(self, max_charge_w: float, max_discharge_w: float) -> None:
        """Change the discharge limit of the unit, W, >= 0; each channel gets half."""
        self._max_w = int(max_discharge_w)
        for channel in self.channels:
            channel.set_max_output(self._max_w // 2)

    def step(self, sample: Sample) -> float:
        """Regulate both channels for one sample; return the wanted power in W, + = discharge."""
        measured_w = max(0, round(sample.output_w))
        target_w = max(0, min(measured_w + share_of_grid_w(sample.grid_w), self._max_w))
        if sample.soc >= 1.0 and sample.dc_input_w > 0.0:
            target_w = max(target_w, round(sample.dc_input_w))
        one, two = self.channels
        return float(one.regulate(target_w // 2, measured_w // 2) + two.regulate(target_w // 2, measured_w // 2))
