"""Simulated seconds as date and time of day, and the windows of a day that rotas and tariffs are made of.

Local time without daylight saving: every day has 24 hours.
"""

import functools
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .section import Section

#: A Monday.
FIRST_DAY = date(2026, 1, 5)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: A time of day; "24:00" is the end of it.
TimeOfDay = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


@dataclass(frozen=True, slots=True)
class WallClock:
    """What the clock on the wall shows. day: of simulated time 0. start_h: hour of that day then, 0 ... 24."""

    day: date = FIRST_DAY
    start_h: float = 0.0

    def at(self, time_s: float) -> datetime:
        """Local time at simulated time `time_s`, s, to the microsecond."""
        return datetime.combine(self.day, time.min) + timedelta(hours=self.start_h, seconds=time_s)


class DailyWindow(Section):
    """From a time of day to another; one that ends at or before its beginning ends on the next day.

    days: weekdays on which it begins. Half open: its beginning is in it, its end is not.
    """

    begin: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="to")]
    days: Annotated[list[Weekday], Field(min_length=1)] = Field(default=list(_WEEKDAYS))

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.begin == "24:00":
            raise ValueError("from: must be before 24:00")
        if self.begin == self.end:
            raise ValueError('to: must differ from the beginning; a whole day is "00:00" to "24:00"')
        return self

    def covers(self, when: datetime) -> bool:
        """Whether it is on at that local time."""
        return self.begun(when) is not None

    def begun(self, when: datetime) -> date | None:
        """The day on which the window began that is on at that local time; None: it is off."""
        minute = when.hour * 60 + when.minute
        begin, end = _minutes(self.begin), _minutes(self.end)
        today = when.date()
        if end > begin:
            day = today if begin <= minute < end else None
        elif minute >= begin:
            day = today
        else:
            day = today - timedelta(days=1) if minute < end else None
        return day if day is not None and _WEEKDAYS[day.weekday()] in self.days else None

    def end_after(self, when: datetime) -> datetime:
        """The next time after `when` at which such a window ends."""
        end = datetime.combine(when.date(), time.min) + timedelta(minutes=_minutes(self.end))
        return end if end > when else end + timedelta(days=1)


@functools.cache
def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
