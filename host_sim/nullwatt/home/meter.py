"""The grid meter as a control system sees it: late, coarse, now and then, and sometimes not at all.

A sample is taken of the true grid every `refresh_s` and comes out `latency_s` later. So at every refresh the
reading shows the grid as it was exactly `latency_s` ago, and it is held until the next one.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from .draws import Draws
from .phases import PHASES

_DRIFT_PERIOD_S = 120.0


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """refresh_s > 0, latency_s >= 0. resolution_w: step of the display, 0 = none. noise_w: the meter's own error,
    uniform in +-noise_w per reading and phase; it is not in the true grid, unlike the noise of the base load.
    drift_s >= 0: the latency wanders from latency_s to latency_s + drift_s and back, once in two minutes.
    """

    refresh_s: float = 1.0
    latency_s: float = 0.5
    resolution_w: float = 0.1
    noise_w: float = 0.0
    drift_s: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.refresh_s) and self.refresh_s > 0):
            raise ValueError("meter: refresh_s must be above 0")
        for name in ("latency_s", "resolution_w", "noise_w", "drift_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"meter: {name} must be a number >= 0")

    def latency_at(self, time_s: float) -> float:
        """Latency of a sample taken at that time, s."""
        if not self.drift_s:
            return self.latency_s
        return self.latency_s + self.drift_s * 0.5 * (1.0 - math.cos(math.tau * time_s / _DRIFT_PERIOD_S))


class MeterReading(NamedTuple):
    """values_w: grid per phase, W, + = import. sequence: counts samples from 1. sample_s: when it was true."""

    values_w: tuple[float, ...]
    sequence: int
    sample_s: float


class Meter:
    """Samples what it is shown and publishes it late.

    `next_event_s` is the next instant at which it wants a sample or publishes one. `reading` is what a reader
    gets: None before the first publication and while the meter has failed.
    """

    def __init__(self, config: MeterConfig, phases: int, seed: int) -> None:
        self.config = config
        self.reading: MeterReading | None = None
        self.publications = 0  # a reader that keeps the last count knows whether anything is new
        self.next_sample_s = 0.0
        self.next_event_s = 0.0
        self._sampled = 0
        self._failed = False
        self._powered = True
        self._on_the_way: deque[MeterReading] = deque()
        self._draws = [Draws(seed, f"meter.{phase}") for phase in PHASES[:phases]]

    @property
    def available(self) -> bool:
        """True while there is a reading."""
        return self.reading is not None

    def fail(self) -> None:
        """Lose the reading and everything on its way, until `restore`."""
        self._failed = True
        self._forget()

    def power(self, on: bool) -> None:
        """Give it power or take it away: without, it has no reading, and what was on its way is lost."""
        self._powered = on
        if not on:
            self._forget()

    def _forget(self) -> None:
        self._on_the_way.clear()
        if self.reading is not None:
            self.reading = None
            self.publications += 1
        self.next_event_s = self.next_sample_s

    def restore(self) -> None:
        """Work again, with power: the next sample comes out `latency_s` after it is taken."""
        self._failed = False

    def sample(self, grid_w: tuple[float, ...]) -> None:
        """Take the sample due at `next_sample_s`: `grid_w` is the true grid per phase at that instant."""
        self._sampled += 1
        if self._powered and not self._failed:
            self._on_the_way.append(MeterReading(self._measure(grid_w), self._sampled, self.next_sample_s))
        # Multiplied, not added up: sample times stay exact over days.
        self.next_sample_s = self._sampled * self.config.refresh_s
        self._plan()

    def publish(self, now_s: float) -> None:
        """Bring out every sample that has been on its way for `latency_s` at `now_s`."""
        while self._on_the_way and self._due_s(self._on_the_way[0]) <= now_s:
            self.reading = self._on_the_way.popleft()
            self.publications += 1
        self._plan()

    def _plan(self) -> None:
        self.next_event_s = self.next_sample_s
        if self._on_the_way:
            self.next_event_s = min(self.next_event_s, self._due_s(self._on_the_way[0]))

    def _due_s(self, reading: MeterReading) -> float:
        return reading.sample_s + self.config.latency_at(reading.sample_s)

    def _measure(self, grid_w: tuple[float, ...]) -> tuple[float, ...]:
        noise_w, step_w = self.config.noise_w, self.config.resolution_w
        if noise_w:
            index = self._sampled
            grid_w = tuple(w + noise_w * d.symmetric(index) for w, d in zip(grid_w, self._draws, strict=True))
        if not step_w:
            return grid_w
        # The second rounding only removes the binary tail of the product (12.3 instead of 12.299999999999999).
        return tuple([round(round(value / step_w) * step_w, 9) for value in grid_w])
