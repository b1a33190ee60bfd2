"""Real, scaled and stepped time in one code path: the clock decides when, the house decides what."""

from collections.abc import Callable

from .clock import Clock
from .house import House


async def drive(
    house: House,
    clock: Clock,
    end_s: float,
    move: Callable[[float], None] = lambda now_s: None,
    watch: Callable[[], None] = lambda: None,
) -> None:
    """Move the house along the clock to `end_s`, event by event, at exactly the events' times whatever the clock.

    move: called with the time of each event before the house goes there; whoever moves batteries does it here.
    watch: called after each event. Ends with the last event at or before `end_s`.
    """
    while (now_s := house.next_event_s) <= end_s:
        await clock.sleep_until(now_s)
        move(now_s)
        house.advance_to(now_s)
        watch()
