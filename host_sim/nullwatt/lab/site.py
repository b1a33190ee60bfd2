"""A house with its batteries, played along a clock: what `nullwatt sim` and `nullwatt demo` show and serve.

The batteries poll an emulator elsewhere, any CT002 or CT003 on the network, or one of this process: then the run is
the same every time and at any pace. Signs: battery power + = discharge, grid + = import.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence

from nullwatt.battery import Battery, Ct002Client, Link, UdpLink
from nullwatt.core import Emulator
from nullwatt.home import House, HouseConfig, Ledger, PacedClock, drive

from .batteries import BatterySpec
from .loop import Loop
from .loopback import LoopbackCt
from .scenario import Scenario

_LOG = logging.getLogger(__name__)
#: Chance of each load to be switched at a step of the automatic mode.
AUTO_TOGGLE = 0.3
#: A battery counts as answered for so long, simulated s or poll intervals, whichever is longer.
ANSWERED_S = 5.0
_ANSWERED_POLLS = 3
#: As many as `nullwatt sim run --batteries` takes.
MOST_BATTERIES = 255
_RETRY_S = 5.0

type Sample = Sequence[float] | None
"""Watts per phase; None = the meter is unavailable."""


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


class _Elsewhere:
    """The emulator of another process: its batteries reach it over the network, its meter is somebody's to feed."""

    def __init__(self) -> None:
        self.sink: Callable[[Sample], None] = lambda sample: None

    def update_grid(self, power_w: Sequence[float], /, at: float) -> None:
        """A fresh meter sample."""
        self.sink(power_w)

    def invalidate_grid(self, at: float) -> None:
        """The meter is gone."""
        self.sink(None)

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        """Answers nothing."""
        return None

    def tick(self, at: float) -> None:
        """Looks after itself."""


class Site:
    """One house with its batteries.

    Attributes:
        loop: Everything that moves.
        house: The house; switch its loads and its sun.
        auto: Random switching, off at first.
        clock: Simulated time; it stands at 0 before `play`.
        emulator: The controller of this process; None = it is elsewhere.
        ct: Where that controller listens; None = elsewhere.
    """

    def __init__(
        self,
        house: HouseConfig,
        specs: Sequence[BatterySpec],
        auto_interval_s: tuple[float, float] = (10.0, 30.0),
        emulator: Emulator | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        """emulator: a controller of its own, on UDP `address` (port 0 = a free one).

        Raises ValueError for batteries on phases the house does not have, AddressInUseError.
        """
        self.emulator = emulator
        self.ct: LoopbackCt | None = None
        self._elsewhere = _Elsewhere()
        self._on_second: Callable[[], None] = lambda: None
        self._connecting: set[asyncio.Task[None]] = set()
        self._address: tuple[str, int] | None = None
        scenario = Scenario("site", house, tuple(specs), seed=house.seed)
        if emulator is not None:
            self.ct = LoopbackCt(emulator, *address, lambda: self.loop.now_s)
        try:
            self.loop = Loop(
                scenario,
                self._elsewhere if emulator is None else emulator,
                lambda loop: self._second(),
                Ledger() if house.tariff is not None else None,
                record=False,
                link=self._link,
            )
        except ValueError:
            self.close()
            raise
        self.house = self.loop.house
        self.auto = AutoMode(self.house, auto_interval_s, house.seed)
        self.clock = PacedClock()
        self.clock.pause()

    @property
    def batteries(self) -> list[Battery]:
        """The batteries, in the order of the file; those that joined later at the end."""
        return self.loop.batteries

    @property
    def clients(self) -> list[Ct002Client]:
        """Their sides of the conversation, in the same order."""
        return self.loop.clients

    def position(self, mac: str) -> int:
        """Place of the battery with this MAC, in any case.

        Raises:
            UnknownBatteryError: There is none.
        """
        for position, battery in enumerate(self.batteries):
            if battery.mac == mac.upper():
                return position
        raise UnknownBatteryError(f"there is no battery {mac}")

    def battery(self, mac: str) -> Battery:
        """The battery with this MAC, in any case; UnknownBatteryError."""
        return self.batteries[self.position(mac)]

    def answered(self, client: Ct002Client) -> bool:
        """Whether the emulator answered this battery lately."""
        last_s = client.last_reply_s
        patience_s = max(ANSWERED_S, _ANSWERED_POLLS * client.battery.poll_interval_s)
        return last_s is not None and self.loop.now_s - last_s <= patience_s

    def add_battery(self, spec: BatterySpec) -> Battery:
        """Connect a battery while it plays. ValueError for a phase the house does not have, or a MAC that is taken."""
        mac = spec.config.mac.upper()
        if any(battery.mac == mac for battery in self.batteries):
            raise ValueError(f"there is a battery {mac} already")
        if len(self.batteries) >= MOST_BATTERIES:
            raise ValueError(f"there are {MOST_BATTERIES} batteries, the most that a house has")
        try:
            client = self.loop.add_battery(spec)
        except OSError as error:
            raise ValueError(f"there is no socket for a further battery: {error.strerror or error}") from None
        if self._address is not None:
            task = asyncio.create_task(self._connect(client, *self._address))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        return client.battery

    def remove_battery(self, mac: str) -> None:
        """Disconnect a battery; it falls silent. UnknownBatteryError."""
        self.loop.remove_battery(self.position(mac)).link.close()

    def toggle_load(self, index: int) -> None:
        """Switch the index-th load (from 0) over; IndexError if there is none."""
        if not 0 <= index < len(self.house.loads):
            raise IndexError(f"load {index + 1}: there are {len(self.house.loads)}")
        load = self.house.loads[index]
        self.house.switch(load.name, not load.active)

    async def play(
        self,
        host: str = "",
        port: int = 0,
        time_scale: float = 1.0,
        end_s: float = math.inf,
        on_reading: Callable[[Sample], None] = lambda sample: None,
        on_second: Callable[[], None] = lambda: None,
    ) -> None:
        """Let the batteries poll until `end_s` simulated seconds, or cancelled.

        host, port: the emulator elsewhere; not used with one of this process. on_reading is called with every new
        value of the grid meter of an emulator elsewhere, on_second after each simulated second.

        Raises:
            OSError: The host does not resolve.
        """
        self._elsewhere.sink, self._on_second = on_reading, on_second
        clock, running = self.clock, asyncio.get_running_loop()
        try:
            if self.ct is None:
                for client in list(self.clients):
                    if isinstance(client.link, UdpLink):
                        await client.link.connect(host, port)
                self._address = (host, port)
            else:
                running.add_reader(self.ct, self.ct.answer)
            clock.set_factor(time_scale)
            clock.resume()
            await drive(self.loop, clock, end_s)
        finally:
            if self.ct is not None:
                running.remove_reader(self.ct)
            self._address = None
            for task in self._connecting:
                task.cancel()
            self.close()

    def close(self) -> None:
        """Close every socket. `play` does so at its end."""
        if self.ct is not None:
            self.ct.close()
        for client in self.clients:
            client.link.close()

    async def _connect(self, client: Ct002Client, host: str, port: int) -> None:
        """Give a battery that joined its way to the emulator, however often it takes."""
        while isinstance(client.link, UdpLink) and client in self.clients:
            try:
                await client.link.connect(host, port)
            except OSError as error:
                _LOG.warning("battery %s: %s: %s", client.battery.mac, host, error.strerror or error)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _link(self, position: int) -> Link:
        return UdpLink() if self.ct is None else self.ct.link()

    def _second(self) -> None:
        self.auto.step()
        self._on_second()
