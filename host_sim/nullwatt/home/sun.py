"""A simple sun on the roof: fixed power, or a clear-sky half-sine with optional clouds."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from .draws import Draws

_DAY_H = 24.0
_CLOUD_KNOT_S = 60.0  # a cloud edge takes about a minute to cross a roof


@dataclass(frozen=True, slots=True)
class SunConfig:
    """Solar power of the house.

    mode: "fixed" gives power_w; "clear_sky" gives a half-sine between sunrise_h and sunset_h with its top at
    max_w. phases: letters of the phases the inverter feeds, evenly.
    start_h: hour of the day at simulated time 0. clouds: 0 (none) ... 1 (may cover the sun fully).
    """

    max_w: float = 2000.0
    phases: tuple[str, ...] = ("A",)
    mode: Literal["fixed", "clear_sky"] = "fixed"
    power_w: float = 0.0
    sunrise_h: float = 6.0
    sunset_h: float = 20.0
    start_h: float = 12.0
    clouds: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.max_w, self.power_w, self.sunrise_h, self.sunset_h, self.start_h, self.clouds)
        if not all(math.isfinite(value) for value in numbers) or self.max_w < 0:
            raise ValueError("sun: all numbers must be finite and max_w not negative")
        if not 0 <= self.sunrise_h < self.sunset_h <= _DAY_H:
            raise ValueError("sun: need 0 <= sunrise_h < sunset_h <= 24")
        if not 0 <= self.clouds <= 1:
            raise ValueError("sun: clouds must be within 0 and 1")


class Sun:
    """AC power of the solar inverter as a pure function of time, and of what was last set by hand.

    Attributes:
        mode: "fixed" or "clear_sky", as `SunConfig`.
    """

    def __init__(self, config: SunConfig, seed: int) -> None:
        self.config = config
        self._draws = Draws(seed, "sun.clouds")
        self._fixed_w = 0.0
        self.mode: Literal["fixed", "clear_sky"] = config.mode
        if config.mode == "fixed":
            self.set_fixed(config.power_w)

    def set_fixed(self, power_w: float) -> None:
        """Fix the power from now on, clamped to 0 ... max_w; ValueError if it is not a finite number."""
        if not math.isfinite(power_w):
            raise ValueError("solar power must be a finite number")
        self.mode = "fixed"
        self._fixed_w = min(max(power_w, 0.0), self.config.max_w)

    def follow(self) -> None:
        """From now on the course of the day decides."""
        self.mode = "clear_sky"

    def set_clouds(self, clouds: float) -> None:
        """How much of the sun clouds may cover from now on, 0 ... 1; ValueError outside. Without effect while fixed."""
        self.config = replace(self.config, clouds=clouds)

    def power_w(self, time_s: float) -> float:
        """Total AC power at simulated time `time_s`, W, >= 0."""
        if self.mode == "fixed":
            return self._fixed_w
        config = self.config
        hour = (config.start_h + time_s / 3600.0) % _DAY_H
        if not config.sunrise_h < hour < config.sunset_h:
            return 0.0
        height = math.sin(math.pi * (hour - config.sunrise_h) / (config.sunset_h - config.sunrise_h))
        return config.max_w * height * (1.0 - config.clouds * self._cover(time_s))

    def _cover(self, time_s: float) -> float:
        """How much of the sun is covered, 0 ... 1: straight lines between one draw per minute."""
        if self.config.clouds == 0:
            return 0.0
        knot, fraction = divmod(time_s / _CLOUD_KNOT_S, 1.0)
        here, there = self._draws.unit(int(knot)), self._draws.unit(int(knot) + 1)
        return here + (there - here) * fraction
