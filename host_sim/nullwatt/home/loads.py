"""Electric loads: switched by hand, by a schedule, or cycling on their own (a fridge, a pump)."""

import heapq
import math
from dataclasses import dataclass

from .phases import phase_index


@dataclass(frozen=True, slots=True)
class LoadConfig:
    """One load.

    power_w: what it draws while running (> 0; a negative one would be a generator and is accepted as such).
    phase: A, B or C. active: switched on at the start.
    on_s, off_s: both > 0 makes it cyclic: while switched on it runs on_s, pauses off_s, and so on, starting with
    running at the moment it is switched on.
    """

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


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """Switch the load called `load` on or off at `time_s` (>= 0)."""

    time_s: float
    load: str
    active: bool


class Load:
    """State of one load: switched on or off, and, if cyclic, running or pausing."""

    __slots__ = ("_epoch", "active", "config", "phase_index", "running")

    def __init__(self, config: LoadConfig) -> None:
        self.config = config
        self.phase_index = phase_index(config.phase)
        self.active = config.active
        self.running = config.active
        self._epoch = 0  # changes with each switching, so that cycle edges planned before it are void

    @property
    def name(self) -> str:
        """Name from the configuration."""
        return self.config.name

    @property
    def power_w(self) -> float:
        """What it draws now, W."""
        return self.config.power_w if self.running else 0.0


class LoadBank:
    """All loads of the house and what is planned for them."""

    def __init__(self, configs: tuple[LoadConfig, ...], events: tuple[LoadEvent, ...], phases: int) -> None:
        """Raise ValueError for a name used twice, an event without its load, or a phase the house does not have."""
        self.loads = [Load(config) for config in configs]
        self._by_name = {load.name: load for load in self.loads}
        if len(self._by_name) != len(self.loads):
            raise ValueError("two loads have the same name")
        for load in self.loads:
            if load.phase_index >= phases:
                raise ValueError(f"load {load.name!r} is on phase {load.config.phase}, which this house does not have")
        # Entries: (time, order, load, switch to or None for a cycle edge, epoch of the load for a cycle edge).
        self._plan: list[tuple[float, int, Load, bool | None, int]] = []
        self._order = 0
        for event in events:
            if not (math.isfinite(event.time_s) and event.time_s >= 0):
                raise ValueError(f"event of load {event.load!r}: time_s must be a number >= 0, got {event.time_s}")
            self._push(event.time_s, self.find(event.load), event.active)
        for load in self.loads:
            self._plan_edge(load, 0.0)
        self.next_event_s = self._plan[0][0] if self._plan else math.inf
        self.power_w = [0.0] * phases
        self.running = [0] * phases
        self._recount()

    def find(self, name: str) -> Load:
        """The load called `name`; ValueError if there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise ValueError(f"there is no load called {name!r}") from None

    def switch(self, name: str, active: bool, now_s: float) -> None:
        """Switch a load by hand at `now_s`; ValueError for an unknown name."""
        self._switch(self.find(name), active, now_s)
        self.next_event_s = self._plan[0][0] if self._plan else math.inf
        self._recount()

    def advance_to(self, now_s: float) -> None:
        """Carry out everything planned up to and including `now_s`."""
        while self._plan and self._plan[0][0] <= now_s:
            time_s, _, load, switch_to, epoch = heapq.heappop(self._plan)
            if switch_to is not None:
                self._switch(load, switch_to, time_s)
            elif epoch == load._epoch:
                load.running = not load.running
                self._plan_edge(load, time_s)
        self.next_event_s = self._plan[0][0] if self._plan else math.inf
        self._recount()

    def _switch(self, load: Load, active: bool, now_s: float) -> None:
        if active == load.active:
            return
        load.active = load.running = active
        load._epoch += 1
        self._plan_edge(load, now_s)

    def _plan_edge(self, load: Load, now_s: float) -> None:
        if load.config.cyclic and load.active:
            length_s = load.config.on_s if load.running else load.config.off_s
            self._push(now_s + length_s, load, None)

    def _push(self, time_s: float, load: Load, switch_to: bool | None) -> None:
        self._order += 1
        heapq.heappush(self._plan, (time_s, self._order, load, switch_to, load._epoch))

    def _recount(self) -> None:
        """Sum afresh instead of adding differences: no rounding drift over a long run."""
        for index in range(len(self.power_w)):
            running = [load for load in self.loads if load.running and load.phase_index == index]
            self.running[index] = len(running)
            self.power_w[index] = sum(load.config.power_w for load in running)
