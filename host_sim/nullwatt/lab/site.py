"""A house with its batteries, played along a clock: the batteries poll an emulator, wherever that is.

One `Site` is what `nullwatt demo` shows and `nullwatt sim` serves. It knows nothing of the emulator but its address:
any CT002 or CT003 on the network will do. Signs: battery power + = discharge, grid + = import.
"""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from nullwatt.battery import Battery, Ct002Client, UdpLink
from nullwatt.home import House, HouseConfig, MeterReading, PacedClock, drive

from .batteries import BatterySpec

#: Chance of each load to be switched at a step of the automatic mode.
AUTO_TOGGLE = 0.3


class UnknownBatteryError(LookupError):
    """No battery has this MAC. `str()` is one line."""


class AutoMode:
    """Switches loads and sun at random, every so many simulated seconds, for as long as it is on."""

    def __init__(self, house: House, interval_s: tuple[float, float], seed: int) -> None:
        """interval_s: shortest and longest time between two steps, s."""
        self.enabled = False
        self._house = house
        self._interval_s = interval_s
        self._draws = random.Random(f"{seed}/auto")
        self._next_s = math.inf

    def enable(self, enabled: bool) -> None:
        """Begin or stop; the first step comes one interval later."""
        if enabled and not self.enabled:
            self._next_s = self._house.now_s + self._draws.uniform(*self._interval_s)
        self.enabled = enabled

    def step(self) -> None:
        """Take the steps that are due at the house's present time."""
        while self.enabled and self._next_s <= self._house.now_s:
            for load in self._house.loads:
                if self._draws.random() < AUTO_TOGGLE:
                    self._house.switch(load.name, not load.active)
            self._house.set_solar(self._draws.uniform(0.0, self._house.sun.config.max_w))
            self._next_s += self._draws.uniform(*self._interval_s)


class Site:
    """One house with its batteries.

    Attributes:
        house: The house; switch its loads and its sun.
        batteries: The batteries, in the order of the file.
        auto: Random switching, off at first.
        clock: Simulated time; it stands at 0 before `play`.
    """

    def __init__(
        self, house: HouseConfig, specs: Sequence[BatterySpec], auto_interval_s: tuple[float, float] = (10.0, 30.0)
    ) -> None:
        """Raises ValueError for batteries on phases the house does not have."""
        self.batteries = [Battery(spec.config) for spec in specs]
        self.house = House(house, self.batteries)
        self.auto = AutoMode(self.house, auto_interval_s, house.seed)
        self.clock = PacedClock()
        self.clock.pause()
        self.clients: list[Ct002Client] = []
        self._specs = specs
        self._seed = house.seed

    def battery(self, mac: str) -> Battery:
        """The battery with this MAC, in any case.

        Raises:
            UnknownBatteryError: There is none.
        """
        for battery in self.batteries:
            if battery.mac == mac.upper():
                return battery
        raise UnknownBatteryError(f"there is no battery {mac}")

    def toggle_load(self, index: int) -> None:
        """Switch the index-th load (from 0) over; IndexError if there is none."""
        if not 0 <= index < len(self.house.loads):
            raise IndexError(f"load {index + 1}: there are {len(self.house.loads)}")
        load = self.house.loads[index]
        self.house.switch(load.name, not load.active)

    async def play(
        self,
        host: str,
        port: int,
        time_scale: float = 1.0,
        end_s: float = math.inf,
        on_reading: Callable[[MeterReading | None], None] = lambda reading: None,
        on_second: Callable[[], None] = lambda: None,
    ) -> None:
        """Let the batteries poll the emulator at `host`:`port` until `end_s` simulated seconds, or cancelled.

        on_reading is called with every new value of the grid meter, on_second after each simulated second.

        Raises:
            OSError: The host does not resolve.
        """
        links: list[UdpLink] = []
        tasks: list[asyncio.Task[None]] = []
        try:
            for _ in self._specs:
                links.append(await UdpLink.open(host, port))
            clock = self.clock
            clock.set_factor(time_scale)
            clock.resume()
            self.clients = [
                Ct002Client(battery, link, spec.client, random.Random(f"{self._seed}/{index}"), spec.first_poll(index))
                for index, (battery, link, spec) in enumerate(zip(self.batteries, links, self._specs, strict=True))
            ]
            tasks = [asyncio.create_task(client.run(lambda: clock.now_s, clock.sleep)) for client in self.clients]
            tasks.append(asyncio.create_task(self._live(clock, end_s, on_reading, on_second)))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a defect in here shows as what it is
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)
            for link in links:
                link.close()

    async def _live(
        self,
        clock: PacedClock,
        end_s: float,
        on_reading: Callable[[MeterReading | None], None],
        on_second: Callable[[], None],
    ) -> None:
        house, published, second = self.house, 0, 0

        def move(_: float) -> None:
            for client in self.clients:
                client.advance_to(clock.now_s)

        def watch() -> None:
            nonlocal published, second
            if house.meter.publications != published:
                published = house.meter.publications
                on_reading(house.meter.reading)
            if house.now_s >= second:
                second += 1
                self.auto.step()
                on_second()

        await drive(house, clock, end_s, move, watch)
