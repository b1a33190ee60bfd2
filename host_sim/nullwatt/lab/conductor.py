"""A house of which some devices are elsewhere: house, wires, books and controller are here, the devices on the bus.

With no exchange everything is here; that is the run which a spread one reproduces.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from nullwatt.battery import Battery
from nullwatt.core import Emulator
from nullwatt.home import EnergyTerms, HouseFile, Islanding, Ledger
from nullwatt.home.parts import SUN

from .batteries import BatterySpec, specs_of
from .bus import Bus, Exchange, RemoteBattery, RemoteDevice, RemoteIsland, RemoteSun
from .loop import Loop
from .scenario import Scenario
from .solo import Solo, build_battery, find_solo, solos


class BusLedger(Ledger):
    """A ledger that publishes what it is told: the joules of the devices that are here, and its own line."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._booked_s = 0.0

    def book(self, grid_j: Sequence[float], terms: Iterable[tuple[str, EnergyTerms]]) -> float:
        """Enter one tick and publish it."""
        entries = list(terms)
        leak_j = super().book(grid_j, entries)
        bus = self._bus
        if bus.booked_s != bus.now_s:  # nobody here needs the books of those that are elsewhere; the bus does
            bus.settle(book=True)
        passed_s, self._booked_s = bus.now_s - self._booked_s, bus.now_s
        if passed_s > 0.0:
            for name, entry in entries:
                if name not in bus.lines:
                    bus.local(name, entry, entry.bus_j / passed_s)
            bus.books([energy_j / passed_s for energy_j in grid_j], self.import_j, self.export_j, self.leak_j)
        return leak_j


class _Door:
    """The controller, which hears nothing of a battery that is gone."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.update_grid = emulator.update_grid
        self.invalidate_grid = emulator.invalidate_grid
        self.tick = emulator.tick
        self.set_override = emulator.set_override

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        """Answer one datagram, or None."""
        return self._emulator.handle(datagram, source=source, at=at) if datagram else None


class Conductor:
    """One run of a house file.

    Attributes:
        loop: Everything that moves.
        bus: The lines to the nodes; None = everything is here.
        ledger: The books.
        trace: A row per second if wanted: time s, grid per phase W, solar power W, power of each battery W.
    """

    def __init__(
        self,
        file: HouseFile,
        name: str = "house",
        exchange: Exchange | None = None,
        nodes: Collection[str] | None = None,
        run: str = "run",
        on_second: Callable[["Conductor"], None] = lambda conductor: None,
        trace: bool = False,
    ) -> None:
        """Build it; with an exchange, it may already ask nodes.

        name: opens the text of errors. nodes: devices that are elsewhere; None = all that can be. run: unique.
        on_second: called once per simulated second.
        Raises ConfigError, LookupError for a node that is no device, ValueError for what no house can be.
        """
        specs = specs_of(file, name)
        known = solos(file, name)
        wanted = list(known) if nodes is None else [find_solo(known, node) for node in nodes]
        self.names = [each for each in known if each in wanted] if exchange is not None else []
        self.bus = Bus(exchange, self.names, run, self._now) if exchange is not None else None
        self.ledger = BusLedger(self.bus) if self.bus is not None else Ledger()
        self.trace: list[tuple[float, ...]] | None = [] if trace else None
        self._on_second = on_second
        house = file.house_config()
        config = replace(
            house,
            loads=tuple(load for load in house.loads if load.name not in self.names),
            events=tuple(event for event in house.events if event.load not in self.names),
        )
        scenario = Scenario("spread", config, specs, seed=house.seed)
        self.loop = Loop(
            scenario, _Door(Emulator()), lambda loop: self._second(), self.ledger, record=False, build=self._battery
        )
        if self.bus is not None:
            self.bus.surroundings = self.loop.house.surroundings
            self._connect(self.bus, known)

    def _connect(self, bus: Bus, known: Mapping[str, Callable[[], Solo]]) -> None:
        house = self.loop.house
        if SUN in self.names:
            house.sun = RemoteSun(house.config.sun, house.config.seed, bus, SUN)
        batteries = {spec.config.mac.upper() for spec in self.loop.scenario.batteries}
        plants = {device.name: device for device in house.devices}
        for name in self.names:
            if name == SUN or name in batteries:
                continue
            twin = plants.get(name) or known[name]().device
            remote = (RemoteIsland if isinstance(twin, Islanding) else RemoteDevice)(twin, bus)
            if name in plants:  # in its place, so that sums are taken in the same order
                house.replace_device(remote)
            else:
                house.add_device(remote)
        house.refresh()

    def run(self, end_s: float, time_scale: float | None = None) -> None:
        """Carry out everything up to and including `end_s`.

        time_scale: simulated seconds per real second; None = as fast as it goes.
        """
        begin_s = time.monotonic()
        while (next_s := self.loop.next_event_s) <= end_s:
            if time_scale is not None:
                with suppress(ValueError):  # late
                    time.sleep(begin_s + next_s / time_scale - time.monotonic())
            self.loop.advance_to(next_s)

    def _now(self) -> float:
        return self.loop.now_s if hasattr(self, "loop") else 0.0

    def _battery(self, spec: BatterySpec) -> Battery:
        if self.bus is not None and spec.config.mac.upper() in self.names:
            return RemoteBattery(spec, self.bus)
        return build_battery(spec)

    def _second(self) -> None:
        if self.trace is not None:
            house = self.loop.house
            powers = [battery.power_w for battery in self.loop.batteries]
            self.trace.append((self.loop.now_s, *house.grid_w(), house.solar_w, *powers))
        self._on_second(self)
