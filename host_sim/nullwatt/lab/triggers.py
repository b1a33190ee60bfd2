"""What happens on conditions: looked at once per second, in the order of the scenario."""

from collections.abc import Iterator, Sequence

from nullwatt.battery import Battery
from nullwatt.home import House

from .scenario import Condition, Event, Trigger

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_MINUTE_S = 60.0


class Latch:
    """Tells once that something came to hold, for hold_s on end; repeat: each time it does again."""

    __slots__ = ("_armed", "_hold_s", "_repeat", "_since_s")

    def __init__(self, hold_s: float = 0.0, repeat: bool = False) -> None:
        self._hold_s = hold_s
        self._repeat = repeat
        self._armed = True
        self._since_s: float | None = None

    @property
    def waits(self) -> bool:
        """Whether it may still tell."""
        return self._armed or self._repeat

    def comes(self, now_s: float, holds: bool) -> bool:
        """Whether it is now."""
        if not holds:
            self._since_s = None
            self._armed |= self._repeat
            return False
        if self._since_s is None:
            self._since_s = now_s
        if not self._armed or now_s - self._since_s < self._hold_s:
            return False
        self._armed = False
        return True


class Triggers:
    """The triggers of one run: which are armed, and since when their conditions hold."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = [(trigger, Latch(trigger.condition.hold_s, trigger.repeat)) for trigger in triggers]

    @property
    def armed(self) -> list[Event]:
        """The events that may still happen."""
        return [event for trigger in self._waiting for event in trigger.events]

    @property
    def conditions(self) -> list[Condition]:
        """What they wait for."""
        return [trigger.condition for trigger in self._waiting]

    @property
    def _waiting(self) -> list[Trigger]:
        return [trigger for trigger, latch in self._triggers if latch.waits]

    def due(self, now_s: float, house: House, batteries: Sequence[Battery]) -> Iterator[Event]:
        """The events of every trigger whose condition came to hold by now."""
        for trigger, latch in self._triggers:
            # What is over is not looked at: its battery may be gone.
            if latch.waits and latch.comes(now_s, _holds(trigger.condition, now_s, house, batteries)):
                yield from trigger.events


def _holds(condition: Condition, now_s: float, house: House, batteries: Sequence[Battery]) -> bool:
    if now_s < condition.after_s or not _is_time(condition.time_of_day_h, now_s, house):
        return False
    grid_w = sum(house.grid_w())
    if not _is_between(grid_w, condition.grid_above_w, condition.grid_below_w):
        return False
    if not batteries:
        return True
    battery = batteries[condition.battery]
    return _is_between(battery.soc, condition.soc_above, condition.soc_below) and _is_between(
        battery.power_w, condition.power_above_w, condition.power_below_w
    )


def _is_time(time_of_day_h: float | None, now_s: float, house: House) -> bool:
    if time_of_day_h is None:
        return True
    since_s = round((house.config.sun.start_h - time_of_day_h) * _HOUR_S + now_s, 3)
    return since_s % _DAY_S < _MINUTE_S


def _is_between(value: float, above: float | None, below: float | None) -> bool:
    return (above is None or value > above) and (below is None or value < below)
