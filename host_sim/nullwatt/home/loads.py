"""Electric loads: switched by hand, by a schedule, cycling on their own, or running a program of their kind."""

import heapq
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from .device import Command, check_command
from .draws import DrawSequence
from .phases import phase_index, phase_parts
from .segments import Segment, Segments, Session

_OFF = Segment(0.0, math.inf, False)
_SHORTEST_S = 0.001  # no load makes time stand still


class LoadKind(Protocol):
    """What a load is: a `LoadConfig` or an appliance. power_w: what it draws when it runs (its rating), W."""

    @property
    def name(self) -> str:
        """Unique in the house."""

    @property
    def kind(self) -> str:
        """What it is called in the table of appliances."""

    @property
    def phase(self) -> str:
        """A, B, C or D."""

    @property
    def active(self) -> bool:
        """Switched on at the start."""

    @property
    def power_w(self) -> float:
        """Rated power, W."""

    @property
    def settings(self) -> Mapping[str, Command]:
        """What may be set while it runs."""

    def segments(self, session: Session) -> Segments:
        """What it does from being switched on until it is switched off or done."""


@dataclass(frozen=True, slots=True)
class LoadConfig:
    """One load.

    power_w: what it draws while running (> 0; a negative one would be a generator and is accepted as such).
    phase: A, B or C. active: switched on at the start.
    on_s, off_s: both > 0 makes it cyclic: while switched on it runs on_s, pauses off_s, and so on, starting with
    running at the moment it is switched on.
    """

    kind: ClassVar[str] = "load"
    settings: ClassVar[Mapping[str, Command]] = {}

    name: str
    power_w: float
    phase: str = "A"
    active: bool = False
    on_s: float = 0.0
    off_s: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.power_w):
            raise ValueError(f"load {self.name!r}: power_w must be a finite number")
        if (self.on_s > 0) != (self.off_s > 0) or self.on_s < 0 or self.off_s < 0:
            raise ValueError(f"load {self.name!r}: on_s and off_s must both be above 0, or both 0")
        phase_index(self.phase)

    @property
    def cyclic(self) -> bool:
        """True if it runs and pauses on its own."""
        return self.on_s > 0

    def segments(self, session: Session) -> Segments:
        """Constant power, or running and pausing in turn."""
        while self.cyclic:
            yield Segment(self.power_w, self.on_s)
            yield Segment(0.0, self.off_s, False)
        yield Segment(self.power_w)


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """Switch the load called `load` on or off at `time_s` (>= 0)."""

    time_s: float
    load: str
    active: bool


class Load:
    """State of one load: switched on or off, and what it draws now.

    active: switched on. running: drawing, not pausing. power_w: draw now, W, if all its phases have power. supplied:
    share of them that does, 0 ... 1; its program goes on in the dark.
    """

    __slots__ = (
        "_draws",
        "_epoch",
        "_segments",
        "_since_s",
        "active",
        "config",
        "parts",
        "power_w",
        "running",
        "settings",
        "supplied",
    )

    def __init__(self, config: LoadKind, phases: int, seed: int) -> None:
        """Raise ValueError for a phase the house does not have."""
        self.config = config
        try:
            self.parts = phase_parts(config.phase, phases)
        except ValueError:
            raise ValueError(
                f"load {config.name!r} is on phase {config.phase}, which this house does not have"
            ) from None
        self.active = False
        self.running = False
        self.power_w = 0.0
        self.supplied = 1.0
        self.settings: dict[str, float] = {}  # made at run time
        self._draws = DrawSequence(seed, f"load.{config.name}")
        self._segments: Segments | None = None
        self._since_s = 0.0  # when the present segment began
        self._epoch = 0  # changes with each planned edge, so that those planned before it are void

    @property
    def name(self) -> str:
        """Name from the configuration."""
        return self.config.name

    @property
    def kind(self) -> str:
        """The kind of appliance, or "load"."""
        return self.config.kind

    @property
    def phase(self) -> str:
        """A, B, C or D."""
        return self.config.phase

    @property
    def rated_w(self) -> float:
        """What it draws when it runs, W; for an appliance its rating."""
        return self.config.power_w

    @property
    def drawn_w(self) -> float:
        """Draw now, W, on the phases that have power."""
        return self.power_w * self.supplied

    def _start(self, now_s: float, start_h: float) -> float:
        self._segments = self.config.segments(Session(self._draws, now_s, start_h, self.settings))
        return self._show(next(self._segments, None), now_s)

    def _next(self, now_s: float) -> float:
        """Go on to the next segment; return when it ends, inf = it does not."""
        assert self._segments is not None
        try:
            segment = self._segments.send(now_s - self._since_s)
        except StopIteration:
            return self._show(None, now_s)
        return self._show(segment, now_s)

    def _stop(self) -> None:
        if self._segments is not None:
            self._segments.close()
        self._show(None, 0.0)

    def _show(self, segment: Segment | None, now_s: float) -> float:
        self.active = segment is not None
        if segment is None:
            self._segments = None
            segment = _OFF
        self._since_s = now_s
        self.power_w, duration_s, self.running = segment
        self._epoch += 1
        return now_s + max(duration_s, _SHORTEST_S)


class LoadBank:
    """All loads of the house and what is planned for them."""

    def __init__(
        self,
        configs: Sequence[LoadKind],
        events: Sequence[LoadEvent],
        phases: int,
        seed: int = 1,
        start_h: float = 12.0,
    ) -> None:
        """Raise ValueError for a name used twice, an event without its load, or a phase the house does not have."""
        self.loads: list[Load] = []
        self._by_name: dict[str, Load] = {}
        self._phases = phases
        self._seed = seed
        self._start_h = start_h
        for config in configs:
            self._append(config)
        # Entries: (time, order, load, switch to or None for the end of a segment, epoch of the load for such an end).
        self._plan: list[tuple[float, int, Load, bool | None, int]] = []
        self._order = 0
        for event in events:
            if not (math.isfinite(event.time_s) and event.time_s >= 0):
                raise ValueError(f"event of load {event.load!r}: time_s must be a number >= 0, got {event.time_s}")
            self._push(event.time_s, self.find(event.load), event.active)
        for load in self.loads:
            if load.config.active:
                self._switch(load, True, 0.0)
        self.next_event_s = math.inf
        self.power_w = [0.0] * phases
        self.running = [0] * phases
        self._recount()

    def find(self, name: str) -> Load:
        """The load called `name`; ValueError if there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise ValueError(f"there is no load called {name!r}") from None

    def add(self, config: LoadKind, now_s: float) -> Load:
        """Add a load; ValueError for a name that is taken or a phase the house does not have."""
        load = self._append(config)
        if config.active:
            self._switch(load, True, now_s)
        self._recount()
        return load

    def remove(self, name: str) -> None:
        """Take a load away, with everything planned for it; ValueError for an unknown name."""
        load = self.find(name)
        load._stop()
        self.loads.remove(load)
        del self._by_name[name]
        self._plan = [entry for entry in self._plan if entry[2] is not load]
        heapq.heapify(self._plan)
        self._recount()

    def switch(self, name: str, active: bool, now_s: float) -> None:
        """Switch a load by hand at `now_s`; ValueError for an unknown name."""
        self._switch(self.find(name), active, now_s)
        self._recount()

    def set(self, name: str, setting: str, value: float, now_s: float) -> None:
        """Change a setting of a load; ValueError for one it does not have or a value that is not allowed."""
        load = self.find(name)
        load.settings[setting] = float(check_command(name, load.config.settings, setting, value))
        if load.active:
            self._end_at(load._next(now_s), load)
            self._recount()

    def supply(self, lit: Sequence[float]) -> None:
        """Say which phases have power, 1 or 0 each. `power_w` and `running` go on as if all had."""
        everywhere = all(lit)
        for load in self.loads:
            load.supplied = 1.0 if everywhere else sum(map(operator.mul, load.parts, lit))

    def advance_to(self, now_s: float) -> None:
        """Carry out everything planned up to and including `now_s`."""
        while self._plan and self._plan[0][0] <= now_s:
            time_s, _, load, switch_to, epoch = heapq.heappop(self._plan)
            if switch_to is not None:
                self._switch(load, switch_to, time_s)
            elif epoch == load._epoch:
                self._end_at(load._next(time_s), load)
        self._recount()

    def _append(self, config: LoadKind) -> Load:
        if config.name in self._by_name:
            raise ValueError(f"two loads have the same name, {config.name!r}")
        load = Load(config, self._phases, self._seed)
        self.loads.append(load)
        self._by_name[config.name] = load
        return load

    def _switch(self, load: Load, active: bool, now_s: float) -> None:
        if active == load.active:
            return
        if active:
            self._end_at(load._start(now_s, self._start_h), load)
        else:
            load._stop()

    def _end_at(self, time_s: float, load: Load) -> None:
        if time_s < math.inf:
            self._push(time_s, load, None)

    def _push(self, time_s: float, load: Load, switch_to: bool | None) -> None:
        self._order += 1
        heapq.heappush(self._plan, (time_s, self._order, load, switch_to, load._epoch))

    def _recount(self) -> None:
        """Sum afresh instead of adding differences: no rounding drift over a long run."""
        self.next_event_s = self._plan[0][0] if self._plan else math.inf
        # A load that pauses may still draw (a standby), and one that runs may draw nothing.
        drawing = [load for load in self.loads if load.power_w]
        running = [load for load in self.loads if load.running]
        for index in range(self._phases):
            self.running[index] = sum(1 for load in running if load.parts[index])
            self.power_w[index] = sum(load.power_w * load.parts[index] for load in drawing)
