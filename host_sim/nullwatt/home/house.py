"""The house: what its grid connection carries at any instant.

    grid of a phase = base load + noise + running loads - solar share - power of the batteries on that phase

Signs: grid + = import, battery + = discharge. The truth is unrounded; only the meter rounds.
Base load, noise and sun change at whole seconds, loads when they are switched, batteries when they move. Between
those instants the grid stands still, so the truth does not depend on how the house is stepped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .base_load import BaseLoad
from .loads import Load, LoadBank, LoadConfig, LoadEvent
from .meter import Meter, MeterConfig
from .phases import SPREAD, phase_index
from .sun import Sun, SunConfig


class BatteryOutput(Protocol):
    """All the house sees of a battery. phase: A, B, C, or D = spread evenly over all phases of the house (a unit
    installed as "combined" steers by the total; how its inverter splits does not matter to that total).
    """

    @property
    def phase(self) -> str:
        """A, B, C or D."""

    @property
    def power_w(self) -> float:
        """AC power now, W, + = discharge."""


@dataclass(frozen=True, slots=True)
class HouseConfig:
    """Everything that makes a house. phases: 1 or 3. base_load_w: W per phase, missing entries are 0.

    noise_w, noise_tau_s: see `BaseLoad`. seed: same seed, same house, bit for bit.
    """

    phases: int = 3
    base_load_w: tuple[float, ...] = (100.0, 100.0, 100.0)
    noise_w: float = 20.0
    noise_tau_s: float = 0.0
    loads: tuple[LoadConfig, ...] = ()
    events: tuple[LoadEvent, ...] = ()
    sun: SunConfig = field(default_factory=SunConfig)
    meter: MeterConfig = field(default_factory=MeterConfig)
    seed: int = 1

    def __post_init__(self) -> None:
        if self.phases not in (1, 3):
            raise ValueError(f"a house has 1 or 3 phases, got {self.phases}")
        if any(self.base_load_w[self.phases :]):
            raise ValueError("base_load_w has more entries than the house has phases")


class House:
    """The running house. Advance it, read `grid_w()`; its `meter` is what a control system reads."""

    def __init__(self, config: HouseConfig, batteries: Sequence[BatteryOutput] = ()) -> None:
        """Raise ValueError for anything on a phase the house does not have."""
        self.config = config
        self.phases = config.phases
        self.now_s = 0.0
        base_w = (*config.base_load_w, 0.0, 0.0, 0.0)[: config.phases]
        self._base = BaseLoad(base_w, config.noise_w, config.noise_tau_s, config.seed)
        self._loads = LoadBank(config.loads, config.events, config.phases)
        self.sun = Sun(config.sun, config.seed)
        self.meter = Meter(config.meter, config.phases, config.seed)
        self._solar_parts = self._split_solar(config.sun.phases)
        self._second = 0
        self._spread: list[BatteryOutput] = []
        self._fixed: list[tuple[BatteryOutput, int]] = []
        self.connect(batteries)
        self.demand_w = [0.0] * config.phases
        self._update_demand()
        self.next_event_s = 0.0  # the meter's first sample

    def connect(self, batteries: Sequence[BatteryOutput]) -> None:
        """Replace the connected batteries. ValueError for a phase the house does not have."""
        fixed = [(battery, phase_index(battery.phase)) for battery in batteries if battery.phase != SPREAD]
        for battery, index in fixed:
            if index >= self.phases:
                raise ValueError(f"a battery is on phase {battery.phase}, which this house does not have")
        self._fixed = fixed
        self._spread = [battery for battery in batteries if battery.phase == SPREAD]

    @property
    def loads(self) -> list[Load]:
        """The loads in the order of the configuration; read only, switch them with `switch`."""
        return self._loads.loads

    def switch(self, load: str, active: bool) -> None:
        """Switch a load now; ValueError for an unknown name."""
        self._loads.switch(load, active, self.now_s)
        self._update_demand()
        self._plan()

    def set_solar(self, power_w: float) -> None:
        """Fix the solar power from now on, clamped to 0 ... max_w, W."""
        self.sun.set_fixed(power_w)
        self._update_demand()

    @property
    def solar_w(self) -> float:
        """AC solar power in the present second, W, >= 0."""
        return self.sun.power_w(float(self._second))

    def grid_w(self) -> tuple[float, ...]:
        """True grid power per phase now, W, + = import. Reading it changes nothing."""
        grid = self.demand_w[:]
        for battery, index in self._fixed:
            grid[index] -= battery.power_w
        if self._spread:
            share = sum(battery.power_w for battery in self._spread) / self.phases
            grid = [value - share for value in grid]
        return tuple(grid)

    def advance_to(self, time_s: float) -> None:
        """Move on to `time_s` and carry out everything due up to and including it.

        Batteries are read as they stand when the meter samples, so who moves batteries in between stops at each
        `next_event_s` on the way. ValueError if `time_s` is in the past or not finite.
        """
        if not self.now_s <= time_s < math.inf:
            raise ValueError(f"the house cannot go from {self.now_s} s to {time_s} s")
        while self.next_event_s <= time_s:
            self._carry_out(self.next_event_s)
        self.now_s = time_s

    def _carry_out(self, now_s: float) -> None:
        self.now_s = now_s
        changed = False
        if now_s >= self._second + 1:
            self._second = int(now_s)
            self._base.advance_to(self._second)
            changed = True
        if now_s >= self._loads.next_event_s:
            self._loads.advance_to(now_s)
            changed = True
        if changed:
            self._update_demand()
        meter = self.meter
        if now_s >= meter.next_event_s:
            if now_s >= meter.next_sample_s:
                meter.sample(self.grid_w())
            meter.publish(now_s)
        self._plan()

    def _plan(self) -> None:
        self.next_event_s = min(self._second + 1.0, self._loads.next_event_s, self.meter.next_event_s)

    def _update_demand(self) -> None:
        base, loads = self._base, self._loads
        solar_w = self.solar_w
        self.demand_w = [
            base.power_w(phase, loads.running[phase]) + loads.power_w[phase] - solar_w * self._solar_parts[phase]
            for phase in range(self.phases)
        ]

    def _split_solar(self, phases: tuple[str, ...]) -> list[float]:
        parts = [0.0] * self.phases
        for phase in phases:
            if phase_index(phase) >= self.phases:
                raise ValueError(f"solar is on phase {phase}, which this house does not have")
            parts[phase_index(phase)] += 1.0 / len(phases)
        return parts
