"""The public grid at the connection of the house: there or not, and with which voltage and frequency.

Everything about it is a function of time and of one switch. It changes on the raster of the house. During an outage
the connection carries nothing: voltage and frequency of the mains are 0, and a phase has power only if a device of
the house forms an island on it (see `Islanding`).
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Protocol, Self, runtime_checkable

from pydantic import Field, FiniteFloat, model_validator

from .device import FLAGS, NO_ENERGY, Command, Device, EnergyTerms, Quantity, Surroundings, Value, check_command
from .section import HUGE, NotNegative, Number, Section
from .wall_clock import FIRST_DAY, DailyWindow, WallClock

#: An island that was overloaded, or whose store ran out, is tried again after so long, s.
ISLAND_RETRY_S = 60.0
#: Outages that follow each other are looked through so far ahead, s.
FORESEEN_S = 7 * 86400.0

GRID = "house: grid"


class OutageSection(Section):
    """The mains are off from `from` to `to`, s after the start; the end is not part of it."""

    begin: Annotated[NotNegative, Field(alias="from")]
    end: Annotated[NotNegative, Field(alias="to")]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.begin:
            raise ValueError(f"to: must not be before the beginning ({self.begin:g})")
        return self


class RotaSection(DailyWindow):
    """Load shedding by the clock. every: on each so-many-th day only, counted from the first day. first: 0 = that day
    itself, 1 = the day after it.
    """

    every: Annotated[int, Field(ge=1, le=366)] = 1
    first: Annotated[int, Field(ge=0, le=365)] = 0

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.first >= self.every:
            raise ValueError(f"first: must be below every ({self.every})")
        return self


class GridEventSection(Section):
    """Voltage or frequency differs by `delta` (V between phases, or Hz) for `duration` s from `time` on.

    ramp: it takes so many seconds to get there, and as many to come back once the duration is over; 0 = a step. A
    duration of 0 does nothing. Events that overlap add up; the sum is kept at or above 0.
    """

    time: NotNegative
    quantity: Literal["voltage", "frequency"]
    delta: Number
    duration: NotNegative
    ramp: NotNegative = 0.0

    def delta_at(self, time_s: float) -> float:
        """What it adds at simulated time `time_s`, V or Hz."""
        return self.delta * (self._risen(time_s - self.time) - self._risen(time_s - self.time - self.duration))

    def _risen(self, since_s: float) -> float:
        if since_s < 0.0:
            return 0.0
        return 1.0 if since_s >= self.ramp else since_s / self.ramp


class GridSection(Section):
    """The mains of a house file.

    voltage: V between phases. frequency: Hz. outages, rota: when they are off. meter: what the grid meter says then.
    reconnect: so long after the mains are back the batteries and the sun's inverter stay away, s.
    """

    voltage: Annotated[FiniteFloat, Field(gt=0, le=1000)] = 400.0
    frequency: Annotated[FiniteFloat, Field(gt=0, le=100)] = 50.0
    outages: list[OutageSection] = Field(default=[])
    rota: list[RotaSection] = Field(default=[])
    events: list[GridEventSection] = Field(default=[])
    meter: Literal["unavailable", "zero"] = "unavailable"
    reconnect: Annotated[FiniteFloat, Field(ge=0, le=86400)] = 60.0


@runtime_checkable
class Islanding(Protocol):
    """What a device has besides those of `Device` that can supply its phase (D: all of them) without the mains.

    While it does, the house calls `carry` in place of `advance`.
    """

    @property
    def phase(self) -> str:
        """A, B, C or D."""

    @property
    def island_ready(self) -> bool:
        """Whether it could now: it is switched on and its store is not empty."""

    @property
    def island_max_w(self) -> float:
        """The most it can carry, W, > 0."""

    def carry(self, power_w: float, dt_s: float) -> None:
        """Let dt_s pass in which it gave this mean power (- = took a surplus); its `power_w` is that afterwards.

        It gives it whatever its store holds; the house asks `island_ready` and `island_max_w` for the next step.
        """


class Grid:
    """The mains over time. `update` moves it; reading changes nothing.

    Attributes:
        section: What it was built from.
        switched_on: The switch, for outages by hand; see `switch`.
        off_until_s: When a switch that is off counts as on again, s; inf = never.
        ordered: What `order` brought about, by quantity.
        mains: Whether there is voltage.
        voltage_v, frequency_hz: Of the mains, 0 during an outage. V between phases.
    """

    def __init__(self, section: GridSection | None = None, clock: WallClock | None = None) -> None:
        """section: None = never off and always nominal. clock: None = midnight at the start."""
        self.section = section or GridSection()
        self.switched_on = True
        self.ordered: dict[str, GridEventSection] = {}
        self.off_until_s = math.inf
        self._clock = clock or WallClock(FIRST_DAY)
        self.update(0.0)

    def update(self, time_s: float) -> None:
        """Move to simulated time `time_s`, in any direction."""
        self.mains = not self.is_switched_off(time_s) and not self.is_planned_off(time_s)
        section = self.section
        self.voltage_v = self._level("voltage", section.voltage, time_s)
        self.frequency_hz = self._level("frequency", section.frequency, time_s)

    def order(
        self, quantity: Literal["voltage", "frequency"], level: float, begin_s: float, ramp_s: float, lasts_s: float
    ) -> None:
        """Bring voltage or frequency to a level (V between phases, Hz) for so long, as an event of the section would;
        what was ordered before for this quantity is over. Planned events add to it.
        """
        delta = level - (self.section.voltage if quantity == "voltage" else self.section.frequency)
        self.ordered[quantity] = GridEventSection(
            time=begin_s, quantity=quantity, delta=delta, duration=min(lasts_s, HUGE), ramp=ramp_s
        )

    def switch(self, on: bool, until_s: float = math.inf) -> None:
        """Switch by hand. until_s: when a cut ends by itself; planned outages take the mains away all the same."""
        self.switched_on, self.off_until_s = on, until_s

    def is_switched_off(self, time_s: float) -> bool:
        """Whether somebody has cut the mains by hand at simulated time `time_s`."""
        return not self.switched_on and time_s < self.off_until_s

    def back_s(self, time_s: float) -> float | None:
        """When mains that are off at `time_s` return, s; `time_s` itself if they are there, None = nobody knows."""
        back_s = time_s
        while back_s <= time_s + FORESEEN_S:
            ends_s = [outage.end for outage in self.section.outages if outage.begin <= back_s < outage.end]
            if self.is_switched_off(back_s):
                ends_s.append(self.off_until_s)
            when = self._clock.at(back_s)
            for window in self.section.rota:
                if self._sheds(window, when):
                    ends_s.append(back_s + (window.end_after(when) - when).total_seconds())
            if not ends_s:
                return back_s
            back_s = max(ends_s)
        return None

    def is_planned_off(self, time_s: float) -> bool:
        """Whether an outage or the rota takes the mains away at simulated time `time_s`."""
        if any(outage.begin <= time_s < outage.end for outage in self.section.outages):
            return True
        if not self.section.rota:
            return False
        when = self._clock.at(time_s)
        return any(self._sheds(window, when) for window in self.section.rota)

    def _sheds(self, window: RotaSection, when: datetime) -> bool:
        day = window.begun(when)
        return day is not None and (day - self._clock.day).days % window.every == window.first

    def show(self, surroundings: Surroundings) -> None:
        """Write the present state into what the devices see."""
        surroundings.mains = self.mains
        surroundings.voltage_ll_v = self.voltage_v
        surroundings.frequency_hz = self.frequency_hz

    def _level(self, quantity: str, nominal: float, time_s: float) -> float:
        if not self.mains:
            return 0.0
        events = (*self.section.events, *self.ordered.values())
        return max(0.0, nominal + sum(e.delta_at(time_s) for e in events if e.quantity == quantity))


class Islands:
    """Which devices carry which phases during an outage."""

    def __init__(self) -> None:
        self._not_before_s: dict[int, float] = {}  # by identity of the device: it collapsed
        self.carriers: dict[int, Device] = {}  # by phase

    def end(self) -> None:
        """The mains are back."""
        self.carriers.clear()
        self._not_before_s.clear()

    def form(self, devices: list[tuple[Device, tuple[float, ...]]], demand_w: list[float], now_s: float) -> None:
        """Find who carries the next step; the first of the devices that can on each phase.

        demand_w: what each phase would draw if it had power, W.
        """
        self.carriers = {}
        for device, parts in devices:
            if not isinstance(device, Islanding) or now_s < self._not_before_s.get(id(device), 0.0):
                continue
            phases = [index for index, part in enumerate(parts) if part and index not in self.carriers]
            wanted_w = sum(demand_w[index] for index in phases)
            if phases and device.island_ready and abs(wanted_w) <= device.island_max_w:
                self.carriers |= dict.fromkeys(phases, device)
            else:
                self._not_before_s[id(device)] = now_s + ISLAND_RETRY_S


class GridDevice:
    """The connection as a device, to be looked at and switched; it takes and gives nothing."""

    name = GRID
    phase = "D"
    power_w = 0.0
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "mains": Quantity("", "the mains are there"),
        "voltage_v": Quantity("V", "between phases"),
        "frequency_hz": Quantity("Hz", "of the mains"),
    }
    commands: ClassVar[Mapping[str, Command]] = {"mains": Command("", "switched on by hand", choices=FLAGS)}

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def advance(self, dt_s: float) -> None:
        """Nothing moves."""

    def telemetry(self) -> Mapping[str, float]:
        """Present state of the mains."""
        grid = self.grid
        return {"mains": float(grid.mains), "voltage_v": grid.voltage_v, "frequency_hz": grid.frequency_hz}

    def command(self, name: str, value: Value) -> None:
        """Switch the mains, from the next raster step on."""
        self.grid.switch(bool(check_command(self.name, self.commands, name, value)))

    def take_energy(self) -> EnergyTerms:
        """None."""
        return NO_ENERGY
