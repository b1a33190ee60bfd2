"""How appliances behave. Which appliances there are, and with which numbers, is data: see `appliance_table`.

A class here is a behaviour; its fields are the keys of the house file. Units: W, s, Wh, degrees Celsius, shares 0..1.
`spread` is always the share by which a duration or amount varies from one time to the next. Phase D: evenly over all.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, FiniteFloat, PrivateAttr, ValidationInfo, field_validator, model_validator

from .device import Command
from .replay import Trace, read_trace
from .section import AnyPhase, Name, NotNegative, Number, Positive, Section, Unit
from .segments import Segment, Segments, Session

_SECONDS_PER_HOUR = 3600.0
_NO_SETTINGS: Mapping[str, Command] = {}


class Appliance(Section):
    """What all appliances have: name, kind, phase, and whether it is switched on at the start."""

    #: Set by the table; a bare behaviour has none.
    kind: str
    name: Name
    phase: AnyPhase
    active: bool = False

    @property
    def power_w(self) -> float:
        """Rated power, W."""
        raise NotImplementedError

    @property
    def settings(self) -> Mapping[str, Command]:
        """What may be set while it runs."""
        return _NO_SETTINGS

    def segments(self, session: Session) -> Segments:
        """What it does from being switched on until it is switched off or done."""
        raise NotImplementedError


class _Rated(Appliance):
    """An appliance with a rated `power`."""

    power: Positive

    @property
    def power_w(self) -> float:
        """Rated power, W."""
        return self.power


class Steady(_Rated):
    """Always about `power`; a new value within `spread` of it every `interval_s`."""

    spread: Unit = 0.0
    interval_s: Positive = 60.0

    def segments(self, session: Session) -> Segments:
        """A value per interval."""
        while self.spread:
            yield Segment(session.draws.around(self.power, self.spread), self.interval_s)
        yield Segment(self.power)


class Timed(_Rated):
    """Full `power` for about `duration_s`, then it switches itself off."""

    duration_s: Positive
    spread: Unit = 0.0

    def segments(self, session: Session) -> Segments:
        """Once."""
        yield Segment(self.power, session.draws.around(self.duration_s, self.spread))


class Thermostat(_Rated):
    """Heats to `target_c`, then switches around it within `hysteresis_k`.

    idle_power: fan and lamp, always on. rise_k: how far above the room it would get if it heated for ever.
    cooling_s: time constant of warming and cooling. spread: of the switching points.
    """

    idle_power: NotNegative = 0.0
    target_c: Number
    room_c: Number = 20.0
    hysteresis_k: Annotated[FiniteFloat, Field(ge=0.1, le=1000)] = 10.0
    rise_k: Positive
    cooling_s: Positive
    spread: Unit = 0.0

    @model_validator(mode="after")
    def _can_switch(self) -> Self:
        low_c, high_c = self._range_c()
        if not low_c <= self.target_c <= high_c:
            raise ValueError(f"target_c: must be within {low_c:g} and {high_c:g}, from room_c, rise_k and hysteresis_k")
        return self

    def _range_c(self) -> tuple[float, float]:
        """Targets it can hold: both switching points must be reachable."""
        return self.room_c + 1.1 * self.hysteresis_k, self.room_c + self.rise_k - 1.1 * self.hysteresis_k

    @property
    def settings(self) -> Mapping[str, Command]:
        """The temperature."""
        return {"target_c": Command("degC", "temperature to hold", *self._range_c())}

    def segments(self, session: Session) -> Segments:
        """First-order heat: exact, however long a segment lasts."""
        inside_c, heating = self.room_c, True
        while True:
            final_c = self.room_c + (self.rise_k if heating else 0.0)
            half_k = session.draws.around(self.hysteresis_k / 2.0, self.spread)
            switch_c = session.settings.get("target_c", self.target_c) + (half_k if heating else -half_k)
            ratio = (final_c - inside_c) / (final_c - switch_c)
            if ratio > 1.0:  # not there yet
                duration_s = self.cooling_s * math.log(ratio)
                elapsed_s = yield Segment(self.idle_power + (self.power if heating else 0.0), duration_s)
                inside_c = final_c + (inside_c - final_c) * math.exp(-elapsed_s / self.cooling_s)
                if elapsed_s < duration_s * (1.0 - 1e-9):
                    continue  # somebody turned the knob
            heating = not heating


class Cycle(_Rated):
    """A compressor: about `on_s` on, `off_s` off; `start_power` for `start_s` first. Begins somewhere in a pause."""

    on_s: Positive
    off_s: Positive
    start_power: NotNegative = 0.0
    start_s: NotNegative = 0.0
    spread: Unit = 0.0

    def segments(self, session: Session) -> Segments:
        """Pause, start, run, for ever."""
        pause_s = self.off_s * session.draws.unit()
        while True:
            yield Segment(0.0, pause_s, False)
            if self.start_s:
                yield Segment(self.start_power, self.start_s)
            yield Segment(self.power, session.draws.around(self.on_s, self.spread))
            pause_s = session.draws.around(self.off_s, self.spread)


class Step(Section):
    """One step of a program: `power` for `duration_s`; with `on_s` and `off_s` only in turns, else `rest_power`."""

    power: NotNegative
    duration_s: Positive
    on_s: NotNegative = 0.0
    off_s: NotNegative = 0.0
    rest_power: NotNegative = 0.0

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.on_s > 0) != (self.off_s > 0):
            raise ValueError("on_s: on_s and off_s must both be above 0, or both 0")
        return self


class Program(Appliance):
    """Steps one after the other, then it switches itself off. spread: of each step's duration."""

    steps: Annotated[list[Step], Field(min_length=1)]
    spread: Unit = 0.0

    @property
    def power_w(self) -> float:
        """The largest of the steps, W."""
        return max(step.power for step in self.steps)

    def segments(self, session: Session) -> Segments:
        """The program, once."""
        for step in self.steps:
            left_s = session.draws.around(step.duration_s, self.spread)
            while step.on_s and left_s > 0.0:
                yield Segment(step.power, min(step.on_s, left_s))
                if left_s > step.on_s:
                    yield Segment(step.rest_power, min(step.off_s, left_s - step.on_s))
                left_s -= step.on_s + step.off_s
            if not step.on_s:
                yield Segment(step.power, left_s)


class Duty(_Rated):
    """Full `power` for a part of every `period_s`; `duty` lists that part for each level, `level` picks one (1 ...)."""

    level: Annotated[int, Field(ge=1)]
    duty: Annotated[list[Unit], Field(min_length=1)]
    period_s: Positive

    @model_validator(mode="after")
    def _level_exists(self) -> Self:
        if self.level > len(self.duty):
            raise ValueError(f"level: must be within 1 and {len(self.duty)}, as many as duty has entries")
        return self

    @property
    def settings(self) -> Mapping[str, Command]:
        """The level."""
        return {"level": Command("", "cooking level", choices=tuple(range(1, len(self.duty) + 1)))}

    def segments(self, session: Session) -> Segments:
        """On and off within each period; all or nothing for a whole period merges into one segment."""
        while True:
            on_s = self.duty[int(session.settings.get("level", self.level)) - 1] * self.period_s
            if 0.0 < on_s < self.period_s:
                elapsed_s = yield Segment(self.power, on_s)
                if elapsed_s >= on_s * (1.0 - 1e-9):
                    yield Segment(0.0, self.period_s - on_s, False)
            else:
                yield Segment(self.power if on_s else 0.0, math.inf, on_s > 0.0)


class HeatPump(_Rated):
    """Follows the heat a house loses; cycles when that is less than it can modulate down to.

    power, min_power: electric range while running. loss_w_k: heat the house loses per degree. cop: heat per electric
    energy. buffer_wh: heat the store takes between stop and start. Outside: mean_c +- swing_c, warmest at warmest_h.
    """

    min_power: Positive
    idle_power: NotNegative = 0.0
    min_on_s: NotNegative
    min_off_s: NotNegative
    loss_w_k: Positive
    cop: Annotated[FiniteFloat, Field(ge=0.5, le=20)]
    buffer_wh: Positive
    inside_c: Number = 20.0
    mean_c: Number = 5.0
    swing_c: NotNegative = 4.0
    warmest_h: Annotated[FiniteFloat, Field(ge=0, le=24)] = 15.0
    spread: Unit = 0.0
    interval_s: Positive = 60.0

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_power > self.power:
            raise ValueError(f"min_power: must not be above power ({self.power:g})")
        return self

    def _needed_w(self, hour: float) -> float:
        """Electric power that covers the loss of the house at that hour, W."""
        outside_c = self.mean_c + self.swing_c * math.cos(math.tau * (hour - self.warmest_h) / 24.0)
        return max(0.0, self.inside_c - outside_c) * self.loss_w_k / self.cop

    def segments(self, session: Session) -> Segments:
        """A decision per interval; the store is counted in electric energy."""
        room_j = self.buffer_wh * _SECONDS_PER_HOUR / self.cop
        store_j = room_j * session.draws.unit()
        running, since_s, now_s = False, math.inf, 0.0
        while True:
            needed_w = session.draws.around(self._needed_w(session.hour(now_s)), self.spread)
            if running and store_j >= room_j and since_s >= self.min_on_s:
                running, since_s = False, 0.0
            elif not running and store_j <= 0.0 and since_s >= self.min_off_s:
                running, since_s = True, 0.0
            # While it runs it also fills the store, within an hour.
            wanted_w = needed_w + max(0.0, room_j - store_j) / _SECONDS_PER_HOUR
            power_w = min(max(wanted_w, self.min_power), self.power) if running else 0.0
            elapsed_s = yield Segment(self.idle_power + power_w, self.interval_s, running)
            store_j = min(max(store_j + (power_w - needed_w) * elapsed_s, -room_j), 2.0 * room_j)
            since_s += elapsed_s
            now_s += elapsed_s


class Charger(_Rated):
    """Charges a car: a handshake, a ramp, full power, and a taper near the end; then it switches itself off.

    min_power: less than that is a pause. energy_wh: of a session. taper_from: share of the session from which on the
    car takes less and less. ramp_w_s: how fast it follows its limit.
    """

    min_power: NotNegative
    energy_wh: Positive
    ramp_w_s: Positive
    delay_s: NotNegative = 0.0
    taper_from: Unit = 1.0
    spread: Unit = 0.0

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_power > self.power:
            raise ValueError(f"min_power: must not be above power ({self.power:g})")
        return self

    @property
    def settings(self) -> Mapping[str, Command]:
        """The limit a wallbox gives the car."""
        return {"limit_w": Command("W", "charge at most with this; below min_power: pause", 0.0, self.power)}

    def segments(self, session: Session) -> Segments:
        """Second by second on a ramp, in longer pieces where the power stands."""
        energy_j = session.draws.around(self.energy_wh, self.spread) * _SECONDS_PER_HOUR
        power_w, left_j, taper_j = 0.0, energy_j, energy_j * (1.0 - self.taper_from)
        least_w = max(self.min_power, 0.05 * self.power)  # a taper that ends
        if self.delay_s:
            yield Segment(0.0, self.delay_s, False)
        while left_j > 1e-3:
            limit_w = session.settings.get("limit_w", self.power)
            if limit_w < self.min_power or limit_w == 0.0:
                power_w = 0.0
                yield Segment(0.0, math.inf, False)  # until the limit changes
                continue
            tapering = left_j < taper_j
            if tapering:
                limit_w = min(limit_w, least_w + (self.power - least_w) * left_j / taper_j)
            reach_w = self.ramp_w_s
            power_w = max(self.min_power, power_w + max(-reach_w, min(limit_w - power_w, reach_w)))
            longest_s = 1.0 if power_w != limit_w else 10.0 if tapering else math.inf
            until_j = left_j if tapering or not taper_j else left_j - taper_j
            duration_s = min(longest_s, max(until_j, 1.0) / power_w, left_j / power_w)
            left_j -= power_w * (yield Segment(power_w, duration_s))


class Replay(Appliance):
    """Plays `column` of a CSV `file` against its `time_column` (seconds, or dates with times).

    scale: factor on the values (1000 for kW). loop: start again at the end, which lasts as long as the step before it;
    otherwise it switches itself off there. A negative value feeds in. A relative path starts at the house file.
    """

    file: Name
    column: Name
    time_column: Name = "time"
    scale: Number = 1.0
    loop: bool = False

    _trace: Trace = PrivateAttr(default=())

    @field_validator("file")
    @classmethod
    def _beside_the_house_file(cls, value: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        return str(Path(folder) / value) if folder is not None else value

    @model_validator(mode="after")
    def _read(self) -> Self:
        self._trace = read_trace(self.file, self.time_column, self.column, self.scale)
        return self

    @property
    def power_w(self) -> float:
        """The largest value, W."""
        return max((power_w for power_w, _ in self._trace), key=abs)

    def segments(self, session: Session) -> Segments:
        """Row by row."""
        while True:
            for power_w, duration_s in self._trace:
                yield Segment(power_w, duration_s, power_w != 0.0)
            if not self.loop:
                return
