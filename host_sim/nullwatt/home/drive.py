"""Real, scaled and stepped time in one code path: the clock decides when, what is driven decides what."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from .clock import Clock, PacedClock

#: Longest work without a pause for whatever else lives in the event loop, and the longest lag that is made up for;
#: real time.
BREATH_S = 0.02
LAG_S = 0.25


class Timed(Protocol):
    """Something that happens in events: a house, or a whole closed loop."""

    @property
    def next_event_s(self) -> float:
        """When something happens next, simulated s."""

    def advance_to(self, time_s: float) -> None:
        """Carry out everything due up to and including `time_s`."""


async def drive(
    timed: Timed,
    clock: Clock,
    end_s: float,
    move: Callable[[float], None] = lambda now_s: None,
    watch: Callable[[], None] = lambda: None,
) -> None:
    """Move it along the clock to `end_s`, event by event, at exactly the events' times whatever the clock.

    move: called with the time of each event before it goes there; whoever moves batteries of a house does it here.
    watch: called after each event. Ends with the last event at or before `end_s`.
    A paced clock that is too fast for this machine falls back: time then passes as fast as it can, not in jumps.
    """
    breath_s = time.monotonic()
    while (now_s := timed.next_event_s) <= end_s:
        if clock.now_s < now_s:
            await clock.sleep_until(now_s)
            breath_s = time.monotonic()
        elif time.monotonic() - breath_s > BREATH_S:
            # A step of a standing clock is carried out whole, however long it takes.
            if isinstance(clock, PacedClock) and not clock.paused and clock.now_s - now_s > LAG_S * clock.factor:
                clock.fall_back(now_s)
            await asyncio.sleep(0)
            breath_s = time.monotonic()
        move(now_s)
        timed.advance_to(now_s)
        watch()
