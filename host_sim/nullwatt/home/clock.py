"""Virtual time of the simulation: seconds since its start, as a float.

Three modes: real time, scaled real time (both `ScaledClock`) and stepped (`SteppedClock`, moves only when told).
"""

import asyncio
import heapq
import math
import time
from collections.abc import Callable
from contextlib import suppress
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


class PacedClock(ScaledClock):
    """A scaled clock whose pace changes while it runs: faster, slower, standing, one step.

    Attributes:
        paused: It stands; only `step` moves it.
    """

    def __init__(self, factor: float = 1.0, source: Callable[[], float] = time.monotonic) -> None:
        """Raise ValueError unless `factor` is finite and > 0."""
        super().__init__(factor, source)
        self.paused = False
        self._base_s = 0.0
        self._changed = asyncio.Event()

    @property
    def now_s(self) -> float:
        """Simulated seconds since the clock was made."""
        return self._base_s if self.paused else self._base_s + super().now_s

    def _rebase(self) -> None:
        self._base_s, self._start_s = self.now_s, self._source()
        self._changed.set()
        self._changed = asyncio.Event()

    def set_factor(self, factor: float) -> None:
        """Simulated seconds per real second from now on; ValueError unless finite and > 0."""
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"time scale must be a number above 0, got {factor:g}")
        self._rebase()
        self.factor = factor

    def pause(self) -> None:
        """Stand still."""
        self._rebase()
        self.paused = True

    def resume(self) -> None:
        """Go on."""
        self._rebase()
        self.paused = False

    def fall_back(self, time_s: float) -> None:
        """Go on from an earlier time, because what happens could not keep up; a later one changes nothing."""
        self._rebase()
        self._base_s = min(self._base_s, time_s)

    def step(self, duration_s: float) -> None:
        """Move a standing clock on; ValueError if it runs, or for a step that is not above 0."""
        if not self.paused:
            raise ValueError("only a paused clock can be stepped")
        if not (math.isfinite(duration_s) and duration_s > 0):
            raise ValueError(f"a step must be a number of seconds above 0, got {duration_s:g}")
        self._base_s += duration_s
        self._rebase()

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` simulated seconds, however fast they pass; after yielding if not positive."""
        end_s = self.now_s + duration_s
        await asyncio.sleep(0)
        while (missing_s := end_s - self.now_s) > 0:
            timeout = None if self.paused else missing_s / self.factor
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout)


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
