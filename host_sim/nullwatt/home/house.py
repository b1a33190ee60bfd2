"""The house: what its grid connection carries at any instant, and the engine that moves everything in it.

    grid of a phase = base load + noise + running loads - solar share - power of the batteries and devices on it

Signs: grid + = import, battery and device + = into the house. The truth is unrounded; only the meter rounds.
Base load, noise, sun and devices change on a raster (`HouseConfig.step_s`, a second), loads when they are switched,
batteries when they move. Between those instants the grid stands still, so the truth does not depend on how the house
is stepped, nor on the clock that drives it (see `drive`).

Batteries are moved by somebody else (their client, who polls); devices added with `add_device` by the house. With a
ledger, everything on the wires must be `Accountable`, and every raster step is one tick of the books.

During an outage of the mains the grid connection carries nothing. Base load and loads have power where a device
forms an island (see `grid`), the sun's inverter has none; batteries and grid-tied devices have to give nothing, which
is up to who moves them: they see `Surroundings.mains`.
"""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from .base_load import BaseLoad
from .device import Accountable, Device, Surroundings
from .grid import Grid, GridDevice, GridSection, Islanding, Islands
from .hybrid import Hybrid
from .hybrid_config import HybridConfig
from .ledger import Ledger
from .loads import Load, LoadBank, LoadEvent, LoadKind
from .meter import Meter, MeterConfig
from .parts import BASE_LOAD, SUN, BaseLoadDevice, LoadDevice, SunDevice
from .phases import SPREAD, phase_index, phase_parts
from .pv_plant import PvPlant, PvPlantConfig
from .sun import Sun, SunConfig
from .tariff import Bill, BillDevice, TariffSection
from .wall_clock import FIRST_DAY, WallClock
from .weather import Weather, WeatherConfig


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

    noise_w, noise_tau_s: see `BaseLoad`. loads: plain ones and appliances. step_s: raster of base load, noise, sun,
    devices and ledger. seed: same seed, same house, bit for bit. weather: also decides the hour of the day at time 0.
    pv, hybrids: under that weather. grid: None = mains that never fail. tariff: None = no bill. day: date at simulated
    time 0; its hour is that of the sun.
    """

    phases: int = 3
    base_load_w: tuple[float, ...] = (100.0, 100.0, 100.0)
    noise_w: float = 20.0
    noise_tau_s: float = 0.0
    loads: tuple[LoadKind, ...] = ()
    events: tuple[LoadEvent, ...] = ()
    sun: SunConfig = field(default_factory=SunConfig)
    meter: MeterConfig = field(default_factory=MeterConfig)
    seed: int = 1
    step_s: float = 1.0
    weather: WeatherConfig | None = None
    pv: tuple[PvPlantConfig, ...] = ()
    hybrids: tuple[HybridConfig, ...] = ()
    grid: GridSection | None = None
    tariff: TariffSection | None = None
    day: date = FIRST_DAY

    def __post_init__(self) -> None:
        if self.phases not in (1, 3):
            raise ValueError(f"a house has 1 or 3 phases, got {self.phases}")
        if any(self.base_load_w[self.phases :]):
            raise ValueError("base_load_w has more entries than the house has phases")
        if not 0.0 < self.step_s < math.inf:
            raise ValueError(f"step_s must be a number above 0, got {self.step_s}")
        if self.weather is None and self.pv:
            raise ValueError("panels need weather")

    def local_hour(self, time_s: float) -> float:
        """Local hour of the day at simulated time `time_s`, 0 ... 24."""
        if self.weather is not None:
            return self.weather.local_hour(time_s)
        return (self.sun.start_h + time_s / 3600.0) % 24.0


class House:
    """The running house. Advance it, read `grid_w()`; its `meter` is what a control system reads."""

    def __init__(
        self,
        config: HouseConfig,
        batteries: Sequence[BatteryOutput] = (),
        ledger: Ledger | None = None,
        follow: Callable[[float, float], None] | None = None,
    ) -> None:
        """Raise ValueError for anything on a phase the house does not have.

        ledger: books kept from the start; a battery that is not `Accountable` is then a ValueError. A tariff makes a
        bill with a ledger only. follow: moves the batteries over a raster step once everything else has moved, given
        the balance that is left without them (W, + = import; 0 in an outage) and dt_s; devices do not see them.
        """
        self.config = config
        self.phases = config.phases
        self.now_s = 0.0
        self.ledger = ledger
        self._follow = follow
        self.surroundings = Surroundings()
        self.clock = WallClock(config.day, config.sun.start_h)
        self.grid = Grid(config.grid, self.clock)
        self.bill = Bill(config.tariff, self.clock) if config.tariff is not None and ledger is not None else None
        self._islands = Islands()
        self._lit = [1.0] * config.phases  # 1 or 0: which phases have power
        self._outage = False
        self._sun_from_s = 0.0  # its inverter stays away until then
        self._no_power = (0.0,) * config.phases
        self._island_j = [0.0] * config.phases  # what base load and loads drew in islands since the last step
        self._passed_s = 0.0  # up to here the energies of the own parts are added up
        self._carried_s = 0.0  # up to here islands were carried
        self._panels: list[Device] = []  # to be looked at, not on the wires
        if config.grid is not None:
            self._panels.append(GridDevice(self.grid))
        if self.bill is not None:
            self._panels.append(BillDevice(self.bill))
        base_w = (*config.base_load_w, 0.0, 0.0, 0.0)[: config.phases]
        self._base = BaseLoad(base_w, config.noise_w, config.noise_tau_s, config.seed, config.step_s)
        self._loads = LoadBank(config.loads, config.events, config.phases, config.seed, config.local_hour(0.0))
        self.sun = Sun(config.sun, config.seed)
        self.meter = Meter(config.meter, config.phases, config.seed)
        self._solar_parts = self._split_solar(config.sun.phases)
        self._step = 0
        self._next_step_s = config.step_s
        self._spread: list[BatteryOutput] = []
        self._fixed: list[tuple[BatteryOutput, int]] = []
        self._devices: list[tuple[Device, tuple[float, ...]]] = []
        self.connect(batteries)
        self.demand_w = [0.0] * config.phases
        self._follow_mains()
        self._update_demand()
        self.surroundings.grid_w = self.grid_w()
        self._parts = self._own_parts()
        self._booked_s = 0.0  # up to here the bill is written
        self._wired_j = [0.0] * config.phases  # what they drew per phase since the last tick
        self.next_event_s = 0.0  # the meter's first sample
        self.weather = self._under_the_sky()

    def connect(self, batteries: Sequence[BatteryOutput]) -> None:
        """Replace the connected batteries. ValueError for a phase the house does not have."""
        fixed = [(battery, phase_index(battery.phase)) for battery in batteries if battery.phase != SPREAD]
        for battery, index in fixed:
            if index >= self.phases:
                raise ValueError(f"a battery is on phase {battery.phase}, which this house does not have")
        accounts: list[tuple[Accountable, tuple[float, ...]]] = []
        for battery in batteries if self.ledger is not None else ():
            if not isinstance(battery, Accountable):
                raise ValueError("a house with a ledger needs batteries that say where their energy went")
            accounts.append((battery, phase_parts(battery.phase, self.phases)))
        self._accounts = accounts
        self._fixed = fixed
        self._spread = [battery for battery in batteries if battery.phase == SPREAD]

    @property
    def loads(self) -> list[Load]:
        """Loads and appliances in the order they came; read only, switch them with `switch`."""
        return self._loads.loads

    @property
    def devices(self) -> list[Device]:
        """Everything the house moves: base load, sun, loads, and what was added with `add_device`.

        At the end the grid and the bill of a house that was configured with them: only to be looked at and switched.
        """
        return [*self._parts.values(), *(device for device, _ in self._devices), *self._panels]

    def device(self, name: str) -> Device:
        """One of `devices`; ValueError if there is none of that name."""
        for device in self.devices:
            if device.name == name:
                return device
        raise ValueError(f"there is no device called {name!r}")

    def add_device(self, device: Device) -> None:
        """Connect a device; the house advances it once per raster step from now on, in the order they were added.

        ValueError for a name that is taken or a phase the house does not have.
        """
        self._check_free(device.name)
        self._devices.append((device, phase_parts(device.phase, self.phases)))

    def replace_device(self, device: Device) -> None:
        """Put another device in the place of the one of its name; what that did so far is not booked.

        ValueError for an unknown name or another phase.
        """
        for index, (before, parts) in enumerate(self._devices):
            if before.name == device.name:
                if before.phase != device.phase:
                    raise ValueError(f"{device.name} is on phase {before.phase}, not {device.phase}")
                self._devices[index] = (device, parts)
                return
        raise ValueError(f"there is no device called {device.name!r}")

    def remove_device(self, name: str) -> None:
        """Disconnect a device; what it did since the last raster step goes into the ledger. ValueError if unknown."""
        kept = [entry for entry in self._devices if entry[0].name != name]
        if len(kept) == len(self._devices):
            raise ValueError(f"there is no device called {name!r}")
        self.close_tick()
        self._devices = kept

    def add_load(self, load: LoadKind) -> None:
        """Connect a load or an appliance; ValueError for a name that is taken or a phase the house does not have."""
        self._check_free(load.name)
        self._pass(self.now_s)
        added = self._loads.add(load, self.now_s)
        self._loads.supply(self._lit)
        self._parts[load.name] = LoadDevice(added, self.switch, self.set_load)
        self._update_demand()
        self._plan()

    def remove_load(self, load: str) -> None:
        """Take a load away, with its planned events; ValueError for an unknown name."""
        self._loads.find(load)
        self.close_tick()
        self._loads.remove(load)
        del self._parts[load]
        self._update_demand()
        self._plan()

    def switch(self, load: str, active: bool) -> None:
        """Switch a load now; ValueError for an unknown name."""
        self._pass(self.now_s)
        self._loads.switch(load, active, self.now_s)
        self._update_demand()
        self._plan()

    def set_load(self, load: str, setting: str, value: float) -> None:
        """Change a setting of a load now (see the settings of its kind); ValueError for one it does not have."""
        self._pass(self.now_s)
        self._loads.set(load, setting, value, self.now_s)
        self._update_demand()
        self._plan()

    def set_solar(self, power_w: float) -> None:
        """Fix the solar power from now on, clamped to 0 ... max_w, W."""
        self._pass(self.now_s)
        self.sun.set_fixed(power_w)
        self._update_demand()

    def set_clouds(self, clouds: float) -> None:
        """How much of the sun clouds may cover from now on, 0 ... 1; ValueError outside."""
        self._pass(self.now_s)
        self.sun.set_clouds(clouds)
        self._update_demand()

    def follow_sun(self) -> None:
        """From now on solar power follows the course of the day instead of a fixed value."""
        self._pass(self.now_s)
        self.sun.follow()
        self._update_demand()

    def refresh(self) -> None:
        """Look at sun and loads again, after one of them was replaced."""
        self._pass(self.now_s)
        self._update_demand()

    @property
    def hour(self) -> float:
        """Time of day, 0 ... 24."""
        return self.config.local_hour(self.now_s)

    @property
    def solar_w(self) -> float:
        """AC solar power in the present raster step, W, >= 0; its inverter needs the mains."""
        now_s = self._step * self.config.step_s
        if self._outage or now_s < self._sun_from_s:
            return 0.0
        return self.sun.power_w(now_s)

    @property
    def mains(self) -> bool:
        """Whether the house has the grid in the present raster step."""
        return not self._outage

    def set_mains(self, on: bool, for_s: float = math.inf) -> None:
        """Switch the mains by hand, from the next raster step on; planned outages take them away all the same.

        for_s: a cut ends by itself after so long, s.
        """
        self.grid.switch(on, self.now_s + for_s)

    def order_grid(
        self,
        quantity: Literal["voltage", "frequency"],
        level: float,
        begin_s: float,
        ramp_s: float = 0.0,
        lasts_s: float = math.inf,
    ) -> None:
        """Bring voltage or frequency of the mains to a level, from the raster step at begin_s on; see `Grid.order`."""
        self.grid.order(quantity, level, begin_s, ramp_s, lasts_s)

    def set_weather(self, name: str, value: float | None) -> None:
        """Hold clouds, transparency or temperature from now on; None = as configured again.

        A house without weather has clouds only. ValueError for what it has not, or a value that is not allowed.
        """
        if self.weather is not None:
            self.weather.hold(name, value)
        elif name == "clouds":
            self.set_clouds(self.config.sun.clouds if value is None else value)
        else:
            raise ValueError(f"{name}: this house has no weather")

    @property
    def lit(self) -> tuple[bool, ...]:
        """Which phases have power, from the grid or from an island."""
        return tuple(map(bool, self._lit))

    @property
    def added_w(self) -> float:
        """AC power of what was added with `add_device`, plants and hybrids too, W, + = into the house."""
        return sum(device.power_w for device, _ in self._devices)

    def grid_w(self) -> tuple[float, ...]:
        """True grid power per phase now, W, + = import; 0 in an outage. Reading it changes nothing."""
        if self._outage:
            return (0.0,) * self.phases
        grid = self.demand_w[:]
        for battery, index in self._fixed:
            grid[index] -= battery.power_w
        if self._spread:
            share = sum(battery.power_w for battery in self._spread) / self.phases
            grid = [value - share for value in grid]
        return tuple(self._less_devices(grid))

    def _less_devices(self, grid: list[float]) -> list[float]:
        """A balance per phase, W, with what the devices give taken off, in place."""
        for device, parts in self._devices:
            power_w = device.power_w
            for index, part in enumerate(parts):
                if part:
                    grid[index] -= power_w * part
        return grid

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

    def close_tick(self) -> None:
        """Book what passed since the last raster step. Nothing happens without a ledger."""
        if self.ledger is not None:
            self._pass(self.now_s)
            self._carry(self._no_power)
            self._book(self.ledger)

    def _carry_out(self, now_s: float) -> None:
        self.now_s = now_s
        stepped = now_s >= self._next_step_s
        if (self.ledger is not None or self._outage) and (stepped or now_s >= self._loads.next_event_s):
            self._pass(now_s)
        if stepped:
            self._step += 1
            # Multiplied, not added up: raster times stay exact over days.
            self._next_step_s = (self._step + 1) * self.config.step_s
            self._base.advance_to(self._step)
            self._move_devices()
            if self.ledger is not None:
                self._book(self.ledger)
            self._follow_mains()
        if now_s >= self._loads.next_event_s:
            self._loads.advance_to(now_s)
            self._update_demand()
        elif stepped:
            self._update_demand()
        meter = self.meter
        if now_s >= meter.next_event_s:
            if now_s >= meter.next_sample_s:
                meter.sample(self.grid_w())
            meter.publish(now_s)
        self._plan()

    def _plan(self) -> None:
        self.next_event_s = min(self._next_step_s, self._loads.next_event_s, self.meter.next_event_s)

    def _update_demand(self) -> None:
        loads, solar_w = self._loads, self.solar_w
        demand_w = list(map(operator.add, self._base.powers_w(loads.running), loads.power_w))
        if solar_w:
            for phase, part in enumerate(self._solar_parts):
                demand_w[phase] -= solar_w * part
        if self._outage:
            demand_w = list(map(operator.mul, demand_w, self._lit))
        self.demand_w = demand_w

    def _move_devices(self) -> None:
        """Advance every device by one raster step, on the balance of the step before."""
        if self._devices:
            self._advance_devices()
        if self._follow is not None:
            self._follow(0.0 if self._outage else sum(self._less_devices(self.demand_w[:])), self.config.step_s)

    def _advance_devices(self) -> None:
        self.surroundings.time_s = self.now_s
        self.surroundings.hour = self.config.local_hour(self.now_s - 0.5 * self.config.step_s)
        hidden = self._follow is not None and not self._outage
        self.surroundings.grid_w = tuple(self._less_devices(self.demand_w[:])) if hidden else self.grid_w()
        carriers = self._islands.carriers.values()
        for device, _ in self._devices:
            if not any(device is carrier for carrier in carriers):
                device.advance(self.config.step_s)
        self._carry(self._tied_w() if carriers else self._no_power)

    def _carry(self, tied_w: Sequence[float]) -> None:
        """Let the devices that form islands give what was drawn there since they last did; tied_w: less what the others
        gave to each phase in the whole raster step, W.
        """
        dt_s, carriers = self.now_s - self._carried_s, self._islands.carriers
        self._carried_s = self.now_s
        if not carriers or dt_s <= 0.0:
            return
        drawn_j = [
            drawn_j - power_w * self.config.step_s for drawn_j, power_w in zip(self._island_j, tied_w, strict=True)
        ]
        for device, _ in self._devices:
            phases = [phase for phase, carrier in carriers.items() if carrier is device]
            if phases and isinstance(device, Islanding):
                device.carry(sum(drawn_j[phase] for phase in phases) / dt_s, dt_s)
        self._island_j = [0.0] * self.phases

    def _tied_w(self) -> list[float]:
        """What the devices that do not carry an island give to each phase, W."""
        tied_w = [0.0] * self.phases
        for device, parts in self._devices:
            if not any(device is carrier for carrier in self._islands.carriers.values()):
                tied_w = [value + device.power_w * part for value, part in zip(tied_w, parts, strict=True)]
        return tied_w

    def _follow_mains(self) -> None:
        """Bring the mains to the present time, and with them what has power in the step that begins."""
        grid, now_s = self.grid, self.now_s
        if self.config.grid is None and grid.switched_on and not grid.ordered and not self._outage:
            return
        grid.update(now_s)
        grid.show(self.surroundings)
        self.surroundings.islands = not grid.mains
        if grid.mains and not self._outage:
            return
        if grid.mains:
            self._outage = False
            self._sun_from_s = now_s + grid.section.reconnect
            self._islands.end()
            self._lit = [1.0] * self.phases
            self.meter.power(True)
        else:
            self._outage = True
            self._passed_s = self._carried_s = now_s
            if grid.section.meter == "unavailable":
                self.meter.power(False)
            loads = self._loads
            wanted_w = list(map(operator.add, self._base.powers_w(loads.running), loads.power_w))
            self._islands.form(self._devices, wanted_w, now_s)
            self._lit = [float(phase in self._islands.carriers) for phase in range(self.phases)]
            self._island_j = [0.0] * self.phases
        self._loads.supply(self._lit)

    def _pass(self, now_s: float) -> None:
        """Add up the energy of the house's own parts up to `now_s`, before anything changes there."""
        dt_s = now_s - self._passed_s
        if dt_s <= 0.0:
            return
        if self._outage:
            self._island_j = [
                sum_j + power_w * dt_s for sum_j, power_w in zip(self._island_j, self.demand_w, strict=True)
            ]
        if self.ledger is None:
            self._passed_s = now_s
            return
        for part in self._parts.values():
            part.advance(dt_s)
        self._wired_j = [sum_j + power_w * dt_s for sum_j, power_w in zip(self._wired_j, self.demand_w, strict=True)]
        self._passed_s = now_s

    def _book(self, ledger: Ledger) -> None:
        """Close a tick: everybody's terms, and the grid as wired phase by phase."""
        grid_j = self._wired_j
        terms = [(name, part.take_energy()) for name, part in self._parts.items()]
        for mover, parts in (*self._accounts, *self._devices):
            entry = mover.take_energy()
            terms.append((mover.name, entry))
            grid_j = [value - entry.bus_j * part for value, part in zip(grid_j, parts, strict=True)]
        carried = list(self._islands.carriers)
        if carried:  # the phases of an island balance each other; what is left is rounding, or a device that lies
            rest_j = sum(grid_j[phase] for phase in carried)
            for phase in carried:
                grid_j[phase] = 0.0
            grid_j[carried[0]] = rest_j
        ledger.book(grid_j, terms)
        if self.bill is not None and self.now_s > self._booked_s:
            self.bill.book(self._booked_s, self.now_s - self._booked_s, grid_j)
            self._booked_s = self.now_s
        self._wired_j = [0.0] * self.phases

    def _under_the_sky(self) -> Weather | None:
        """Connect what the configuration has under the sky. The weather moves first: the others look at it."""
        config, around = self.config, self.surroundings
        weather = None if config.weather is None else Weather(config.weather, config.seed, around)
        if weather is not None:
            self.add_device(weather)
            for plant in config.pv:
                self.add_device(PvPlant(plant, weather, around))
        for hybrid in config.hybrids:
            self.add_device(Hybrid(hybrid, weather, around))
        return weather

    def _own_parts(self) -> dict[str, BaseLoadDevice | SunDevice | LoadDevice]:
        letters = self.config.sun.phases
        parts: dict[str, BaseLoadDevice | SunDevice | LoadDevice] = {
            BASE_LOAD: BaseLoadDevice(self._base_powers, self.phases),
            SUN: SunDevice("".join(letters), self.config.sun.max_w, self),
        }
        for load in self._loads.loads:
            if load.name in parts:
                raise ValueError(f"the name {load.name!r} is taken")
            parts[load.name] = LoadDevice(load, self.switch, self.set_load)
        return parts

    def _base_powers(self) -> list[float]:
        powers_w = self._base.powers_w(self._loads.running)
        return list(map(operator.mul, powers_w, self._lit)) if self._outage else powers_w

    def _check_free(self, name: str) -> None:
        taken = {device.name for device in self.devices}
        if name in taken:
            raise ValueError(f"the name {name!r} is taken")

    def _split_solar(self, phases: tuple[str, ...]) -> list[float]:
        parts = [0.0] * self.phases
        for phase in phases:
            if phase_index(phase) >= self.phases:
                raise ValueError(f"solar is on phase {phase}, which this house does not have")
            parts[phase_index(phase)] += 1.0 / len(phases)
        return parts
