"""Virtual time of the simulation: seconds since its start, as a float.

Three modes: real time, scaled real time (both `ScaledClock`) and stepped (`SteppedClock`, moves only when told).
"""

import asyncio
import heapq
import math
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What everything that needs time relies on."""

    @property
    def now_s(self) -> float:
        """Simulated seconds since the clock was made."""

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` simulated seconds; at once (after yielding) if it is not positive."""

    async def sleep_until(self, time_s: float) -> None:
        """Return once `now_s` >= `time_s`."""


class ScaledClock:
    """Follows the machine's monotonic clock, `factor` simulated seconds per real second."""

    def __init__(self, factor: float = 1.0, source: Callable[[], float] = time.monotonic) -> None:
        """Raise ValueError unless `factor` is finite and > 0."""
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"time scale must be a number above 0, got {factor}")
        self.factor = factor
        self._source = source
        self._start_s = source()

    @property
    def now_s(self) -> float:
        """Simulated seconds since the clock was made."""
        return (self._source() - self._start_s) * self.factor

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` simulated seconds; at once (after yielding) if it is not positive."""
        await asyncio.sleep(max(0.0, duration_s) / self.factor)

    async def sleep_until(self, time_s: float) -> None:
        """Return once `now_s` >= `time_s`."""
        while (missing_s := time_s - self.now_s) > 0:
            await self.sleep(missing_s)


class RealClock(ScaledClock):
    """One simulated second per real second."""

    def __init__(self) -> None:
        super().__init__(1.0)


class SteppedClock:
    """Stands still until it is advanced, so that a run does not depend on the machine's speed."""

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._tickets = 0

    @property
    def now_s(self) -> float:
        """Simulated seconds, as far as the clock was advanced."""
        return self._now_s

    def advance(self, duration_s: float) -> None:
        """Move on by `duration_s` >= 0 seconds and wake who slept until then; ValueError if negative."""
        self.advance_to(self._now_s + duration_s)

    def advance_to(self, time_s: float) -> None:
        """Move on to `time_s`; ValueError if that is in the past (or not a number)."""
        if not time_s >= self._now_s:
            raise ValueError(f"the clock cannot go back from {self._now_s} s to {time_s} s")
        self._now_s = time_s
        while self._sleepers and self._sleepers[0][0] <= time_s:
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():  # a cancelled task leaves its future behind
                sleeper.set_result(None)

    async def sleep(self, duration_s: float) -> None:
        """Return when the clock was advanced by `duration_s`; at once (after yielding) if it is not positive."""
        if duration_s <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tickets += 1  # keeps equal wake times in the order they went to sleep
        heapq.heappush(self._sleepers, (self._now_s + duration_s, self._tickets, sleeper))
        await sleeper

    async def sleep_until(self, time_s: float) -> None:
        """Return once the clock was advanced to `time_s`."""
        while (missing_s := time_s - self._now_s) > 0:
            await self.sleep(missing_s)
