"""The conductor's side of the bus: lines to nodes, and what stands for their devices in the house.

A stand-in collects what its device is to do. As soon as somebody reads something of any of them, one tick goes out with
everything collected, and all answers are waited for. So the house and the loop run as they always do, and what the
batteries and devices answer is what they would have done here.

A node that misses `PATIENCE` ticks in a row, or whose last will comes, is gone: it gives nothing, and nobody waits for
it. When it is heard again it takes part from the next tick on. Joules that come late are booked late, not lost.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from nullwatt.battery import Battery, PackEnergy, Plant
from nullwatt.home import Command, Device, EnergyTerms, Quantity, Surroundings, Value, check_command
from nullwatt.home.bus_messages import Books, Joules, Order, Setting, Terms, Tick
from nullwatt.home.device import NO_ENERGY
from nullwatt.home.sun import Sun, SunConfig

from .batteries import BatterySpec
from .devices import BatteryDevice

#: So many ticks without an answer, and a node is gone.
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class News:
    """What came in besides the answers to the present tick.

    device: of whom. present: it said hello (True) or is gone (False). late: an answer to an earlier tick. setting: what
    somebody told it.
    """

    device: str
    present: bool | None = None
    late: Joules | None = None
    setting: Setting | None = None


class Exchange(Protocol):
    """A way to the nodes and back."""

    def exchange(self, tick: Tick) -> dict[str, Joules]:
        """Send a tick and wait for the answers of everybody it orders something, as long as the patience lasts."""

    def news(self) -> Sequence[News]:
        """What came in since the last call, in its order."""

    def tell(self, message: Books | Joules) -> None:
        """Publish something of the conductor's own; nobody answers."""


@dataclass(slots=True)
class Line:
    """The line to one node. present: it takes part. missed: ticks in a row without an answer."""

    name: str
    present: bool = False
    missed: int = 0
    settings: list[Setting] = field(default_factory=list)
    tripped: bool = False
    replies: list[str] = field(default_factory=list)
    dt_s: float = 0.0
    carry_w: float | None = None
    poll: bool = False
    ask: bool = False  # an order without anything to do
    answer: Joules | None = None
    terms: EnergyTerms | None = None
    owed: EnergyTerms = NO_ENERGY  # came late

    @property
    def wanted(self) -> bool:
        """Whether there is something to order."""
        return bool(self.settings or self.replies or self.dt_s or self.poll or self.ask)

    def take_order(self, book: bool) -> Order:
        """The order collected so far; the next one begins."""
        order = Order(
            settings=self.settings,
            tripped=self.tripped,
            replies=self.replies,
            dt_s=self.dt_s,
            carry_w=self.carry_w,
            poll=self.poll,
            book=book,
        )
        self.settings, self.replies, self.dt_s, self.carry_w, self.poll, self.ask = [], [], 0.0, None, False, False
        return order


class Bus:
    """All lines.

    Attributes:
        lines: By name of the device.
        surroundings: Of the house; goes out with each tick.
        number: Of the latest tick.
        booked_s: When everybody booked last, simulated s.
        log: Who came and went: (simulated time s, text).
        before_booking: Called before everybody books, to add to the orders.
    """

    def __init__(self, exchange: Exchange, names: Collection[str], run: str, now: Callable[[], float]) -> None:
        """Nobody takes part before it is heard of.

        names: devices that are elsewhere. run: other than that of any run. now: simulated time, s.
        """
        self.lines = {name: Line(name) for name in names}
        self.surroundings = Surroundings()
        self.number = 0
        self.before_booking: list[Callable[[], None]] = []
        self.booked_s = -1.0
        self.log: list[tuple[float, str]] = []
        self._exchange = exchange
        self._run = run
        self._now = now
        self._ticked_s = 0.0

    @property
    def now_s(self) -> float:
        """Simulated time, s."""
        return self._now()

    @property
    def present(self) -> list[str]:
        """Who takes part."""
        return [name for name, line in self.lines.items() if line.present]

    def settle(self, book: bool = False) -> None:
        """Send out everything collected and wait for the answers. book: of all who take part, with their energies."""
        if book:
            self.booked_s = self.now_s
            for prepare in self.before_booking:
                prepare()
        elif not any(line.wanted for line in self.lines.values()):
            return
        self.hear()
        orders: dict[str, Order] = {}
        for name, line in self.lines.items():
            if line.wanted or book:
                order = line.take_order(book)
                if line.present:
                    orders[name] = order
        answers = self._exchange.exchange(self._tick(orders)) if orders else {}
        for name, line in self.lines.items():
            if name in orders:
                self._take(line, answers.get(name))
            if book:
                entry = line.answer.terms.entry if line.answer is not None and line.answer.terms is not None else None
                line.terms = _sum(line.owed, entry) if entry is not None else line.owed
                line.owed = NO_ENERGY

    def _tick(self, orders: dict[str, Order]) -> Tick:
        self.number += 1
        now_s = self.now_s
        passed_s, self._ticked_s = max(0.0, now_s - self._ticked_s), now_s
        return Tick(
            run=self._run,
            number=self.number,
            time_s=now_s,
            dt_s=passed_s,
            surroundings=replace(self.surroundings, time_s=now_s),
            orders=orders,
        )

    def hear(self) -> None:
        """Take notice of who came, who went, and what was told."""
        for news in self._exchange.news():
            line = self.lines.get(news.device)
            if line is None:
                continue
            if news.setting is not None:
                line.settings.append(news.setting)
            if news.late is not None:
                if news.late.terms is not None:
                    line.owed = _sum(line.owed, news.late.terms.entry)
                self._join(line)
            elif news.present:
                self._join(line)
            elif news.present is False:
                self._lose(line, "said goodbye")

    def tell(self, message: Books | Joules) -> None:
        """Publish something of the conductor's own."""
        self._exchange.tell(message)

    def local(self, device: str, entry: EnergyTerms, power_w: float) -> None:
        """Publish the joules of a device that is here."""
        if self.number:
            terms = Terms.of(entry)
            self.tell(Joules(run=self._run, device=device, tick=self.number, power_w=power_w, terms=terms))

    def books(self, grid_w: Sequence[float], import_j: float, export_j: float, leak_j: float) -> None:
        """Publish the line of the ledger."""
        if self.number:
            self.tell(
                Books(
                    run=self._run,
                    tick=self.number,
                    time_s=self.now_s,
                    grid_w=list(grid_w),
                    import_j=import_j,
                    export_j=export_j,
                    leak_j=leak_j,
                )
            )

    def _take(self, line: Line, answer: Joules | None) -> None:
        line.answer = answer
        if answer is not None:
            line.missed = 0
            for text in answer.refused:
                self.log.append((self.now_s, f"refused: {text}"))
            return
        line.missed += 1
        if line.missed >= PATIENCE:
            self._lose(line, f"missed {line.missed} ticks")

    def _join(self, line: Line) -> None:
        line.missed = 0
        if not line.present:
            line.present = True
            line.ask = True
            self.log.append((self.now_s, f"{line.name} is there"))

    def _lose(self, line: Line, why: str) -> None:
        line.answer = None
        if line.present:
            line.present = False
            self.log.append((self.now_s, f"{line.name} is gone: {why}"))


def _sum(one: EnergyTerms, other: EnergyTerms) -> EnergyTerms:
    return other if one is NO_ENERGY else EnergyTerms(*map(sum, zip(one, other, strict=True)))


class RemoteDevice:
    """Stands for a device of the house that is elsewhere. Without its node it gives nothing and shows nothing."""

    def __init__(self, twin: Device, bus: Bus) -> None:
        """twin: the same device, here; only its tables are looked at."""
        self.name = twin.name
        self.phase = twin.phase
        self.quantities: Mapping[str, Quantity] = twin.quantities
        self.commands: Mapping[str, Command] = twin.commands
        self._bus = bus
        self._line = bus.lines[twin.name]

    @property
    def power_w(self) -> float:
        """AC power, W."""
        self._bus.settle()
        return self._line.answer.power_w if self._line.answer is not None else 0.0

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        if self._line.dt_s:
            self._bus.settle()
        self._line.dt_s = dt_s

    def telemetry(self) -> Mapping[str, float]:
        """What it showed last; not a number while it is gone."""
        self._bus.settle()
        shown = self._line.answer.telemetry if self._line.answer is not None else {}
        return {name: _number(shown.get(name)) for name in self.quantities}

    def command(self, name: str, value: Value) -> None:
        """Tell it with its next order."""
        checked = check_command(self.name, self.commands, name, value)
        self._line.settings.append(Setting(name=name, value=checked))

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        return take(self._bus, self._line)


class RemoteIsland(RemoteDevice):
    """Stands for one that can carry an island."""

    @property
    def island_ready(self) -> bool:
        """Whether it could now."""
        self._bus.settle()
        return self._line.answer is not None and self._line.answer.island_ready

    @property
    def island_max_w(self) -> float:
        """The most it can carry, W."""
        self._bus.settle()
        return self._line.answer.island_max_w if self._line.answer is not None else 0.0

    def carry(self, power_w: float, dt_s: float) -> None:
        """Let dt_s pass in which it gives this mean power."""
        self.advance(dt_s)
        self._line.carry_w = power_w


def take(bus: Bus, line: Line) -> EnergyTerms:
    """The booked energies of a line; the first who asks makes everybody book."""
    if line.terms is None:
        bus.settle(book=True)
    entry, line.terms = line.terms or NO_ENERGY, None
    return entry


class RemoteSun(Sun):
    """Stands for the sun's inverter elsewhere. Its power stands from raster step to raster step."""

    def __init__(self, config: SunConfig, seed: int, bus: Bus, name: str) -> None:
        super().__init__(config, seed)
        self._bus = bus
        self._line = bus.lines[name]
        self._asked_s: float | None = None
        self._fresh = False  # there is an answer that was not looked at
        self._power_w = 0.0
        bus.before_booking.append(lambda: self._ask(bus.now_s))

    def power_w(self, time_s: float) -> float:
        """Total AC power at simulated time `time_s`, W, >= 0; 0 while its node is gone."""
        self._ask(time_s)
        if self._fresh:
            self._bus.settle()
            self._fresh = False
            self._power_w = self._line.answer.power_w if self._line.answer is not None else 0.0
        return self._power_w

    def _ask(self, time_s: float) -> None:
        if time_s != self._asked_s:
            self._line.dt_s = max(0.0, time_s - (self._asked_s or 0.0))
            self._line.ask = self._fresh = True
            self._asked_s = time_s

    def set_fixed(self, power_w: float) -> None:
        """Fix the power from the next raster step on."""
        super().set_fixed(power_w)
        self._tell("power_w", self._fixed_w)

    def follow(self) -> None:
        """From the next raster step on the course of the day decides."""
        super().follow()
        self._tell("mode", "clear_sky")

    def set_clouds(self, clouds: float) -> None:
        """How much clouds may cover from the next raster step on."""
        super().set_clouds(clouds)
        self._tell("clouds", clouds)

    def _tell(self, name: str, value: Value) -> None:
        if hasattr(self, "_line"):  # not while it is being built
            self._line.settings.append(Setting(name=name, value=value))


class RemoteBattery(Battery):
    """Stands for a battery elsewhere: what is read of it is what its node answered last, once all is settled."""

    __slots__ = ("_bus", "_line", "_mirror", "_opened", "_target_w")

    def __init__(self, spec: BatterySpec, bus: Bus) -> None:
        self._bus = bus
        self._line = bus.lines[spec.config.mac.upper()]
        self._opened = False
        self._target_w = 0.0
        super().__init__(spec.config)

    @property
    def plant(self) -> Plant:
        """A copy of its plant; changing it changes nothing there."""
        self._bus.settle()
        answer, copy = self._line.answer, self._mirror
        if answer is not None:
            shown = answer.telemetry
            copy.power_w = answer.power_w
            copy.target_w = _number(shown.get("applied_target_w"))
            copy.soc = _number(shown.get("soc"))
            copy.dc_input_w = _number(shown.get("dc_input_w"))
            copy.max_charge_w = _number(shown.get("max_charge_w"))
            copy.max_discharge_w = _number(shown.get("max_discharge_w"))
            self._target_w = _number(shown.get("target_w"))
        elif not self._line.present or self._line.missed:
            copy.power_w = copy.target_w = self._target_w = 0.0
        return copy

    @plant.setter
    def plant(self, plant: Plant) -> None:
        self._mirror = plant

    @property
    def target_w(self) -> float:
        """Latest request of its law, W."""
        assert self.plant is self._mirror
        return self._target_w

    @target_w.setter
    def target_w(self, power_w: float) -> None:
        self._target_w = power_w

    @property
    def soc(self) -> float:
        """State of charge, 0..1."""
        return self.plant.soc

    @soc.setter
    def soc(self, soc: float) -> None:
        if not 0.0 <= soc <= 1.0:
            raise ValueError(f"soc: {soc!r} is outside 0..1")
        self._tell("soc", soc)

    @property
    def dc_input_w(self) -> float:
        """PV power at the DC terminals, W."""
        return self.plant.dc_input_w

    @dc_input_w.setter
    def dc_input_w(self, power_w: float) -> None:
        self._tell("dc_input_w", max(0.0, min(power_w, self.config.max_dc_input_w)))

    def set_limits(self, max_charge_w: float | None = None, max_discharge_w: float | None = None) -> None:
        """Change the power limits there; ValueError for what is none."""
        for name, limit_w in (("max_charge_w", max_charge_w), ("max_discharge_w", max_discharge_w)):
            if limit_w is not None:
                if not 0.0 <= limit_w < math.inf:
                    raise ValueError(f"{name}: {limit_w!r} is not a number of at least 0")
                self._tell(name, limit_w)

    def trip(self) -> None:
        """Lose the voltage at the terminals."""
        self._bus.settle()
        self._line.tripped = self._line.ask = True

    def reconnect(self) -> None:
        """Have voltage again."""
        self._bus.settle()
        self._line.tripped, self._line.ask = False, True

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds of physics pass there."""
        if self._line.dt_s:
            self._bus.settle()
        self._line.dt_s = dt_s

    def request(self) -> bytes:
        """The datagram of its next poll; empty without its node."""
        self._line.poll = True
        self._bus.settle()
        answer = self._line.answer
        return b"" if answer is None or answer.request is None else bytes.fromhex(answer.request)

    def accept(self, reply: bytes | None) -> bool:
        """Hand over what came back for a poll, with its next order."""
        if reply is None:
            return False
        if self._line.dt_s:
            self._bus.settle()
        self._line.replies.append(reply.hex())
        return True

    def take_energy(self) -> PackEnergy:
        """Where its energy went since the last call; its losses are not told apart."""
        entry = take(self._bus, self._line)
        return PackEnergy(
            ac_j=entry.bus_j,
            dc_in_j=entry.source_j,
            stored_j=entry.stored_j,
            conversion_j=entry.loss_j,
            adjusted_j=entry.adjusted_j,
        )

    def _tell(self, name: str, value: float) -> None:
        checked = check_command(self.mac, BatteryDevice(Battery(self.config), False).commands, name, value)
        if self._line.dt_s:
            self._bus.settle()
        self._line.settings.append(Setting(name=name, value=checked))


def _number(value: float | None) -> float:
    return math.nan if value is None else value
