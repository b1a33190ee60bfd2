"""The meter filters of the core alone: what stands between the meter and the control."""

import math
from collections.abc import Sequence

from nullwatt.core._core import ffi, lib
from nullwatt.core.config import Config

_PHASES = 3


class Filters:
    """Hampel, smoothing, deadband and PID, as far as `config` switches them on."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._memory = ffi.new("uint64_t[]", (lib.ct002_filters_size() + 7) // 8)
        self._filters = lib.ct002_filters_init(self._memory, ffi.sizeof(self._memory), config._handle)

    def apply(self, power_w: Sequence[float], at: float) -> list[float]:
        """Filters a fresh meter sample.

        Args:
            power_w: One to three phases, W, + = import.
            at: Time in seconds, from any origin.

        Raises:
            ValueError: Not one to three finite values.
        """
        if not 1 <= len(power_w) <= _PHASES or not all(map(math.isfinite, power_w)):
            raise ValueError(f"{list(power_w)!r} is no meter sample; allowed: one to three finite values")
        values = ffi.new("float[]", list(power_w))
        lib.ct002_filters_apply(self._filters, values, len(power_w), int(at * 1000.0 + 0.5) & 0xFFFFFFFF)
        return list(values)

    def reset(self) -> None:
        """Forgets what was seen."""
        lib.ct002_filters_reset(self._filters)
