"""The registers of one unit: what they show, and what is written to them.

1. Reading is lazy: a value is encoded when somebody asks for it, from the telemetry of that moment.
2. Only what the map names exists: a read or write that touches another address is refused and changes nothing.
3. A written value becomes a command once all its words were written, in one request or in several. Until the device
   took it, within one tick, the register shows what was written; from then on what the device applied, which may be
   less, or 0 again where it is an impulse.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from nullwatt.home import Device, check_command

from .register_map import DISCRETE, HOLDING, INPUT, Register, RegisterMap


class Controlled(Protocol):
    """What registers are of: an asset of a site."""

    @property
    def asset_id(self) -> str:
        """Its name."""

    @property
    def device(self) -> Device:
        """Knows which commands there are and which values they take."""

    def telemetry(self, name: str) -> float:
        """A present value."""

    def command(self, name: str, value: float) -> None:
        """Tell it something, from the next step on."""

    def applied(self) -> Mapping[str, float]:
        """What it follows, by name of the command."""


class AddressError(Exception):
    """A request touches an address at which there is nothing."""


class RefusedError(Exception):
    """A device does not take a value that was written."""


#: A register of the request, its first and its last word in it: words [from:to].
_Piece = tuple[Register, int, int]


class DeviceContext:
    """The registers of one asset behind one unit id."""

    def __init__(self, asset: Controlled, registers: RegisterMap, tick: Callable[[], float]) -> None:
        """tick: something that changes with every step of the site."""
        self.asset = asset
        self.registers = registers
        self._tick = tick
        self._read: dict[int, dict[int, Register]] = {DISCRETE: {}, HOLDING: {}, INPUT: {}}
        self._write: dict[int, Register] = {}
        for register in registers:
            if register.direction == "write":
                self._write.update(dict.fromkeys(register.addresses, register))
        # Where telemetry and a setpoint share a holding register, reading it shows the telemetry.
        self._read[HOLDING].update(self._write)
        for register in registers:
            if register.direction == "read":
                self._read[register.table].update(dict.fromkeys(register.addresses, register))
        # The telemetry of read registers and the commands of written ones; what the asset has not is missing here.
        self._sources = {each.name: source for each in registers if (source := self._source(each)) is not None}
        #: Registers of the map that the asset knows nothing of: they read 0, or what was written.
        self.unknown = tuple(each.name for each in registers if each.name not in self._sources)
        self._plans: dict[tuple[int, int, int], tuple[_Piece, ...]] = {}
        self._incomplete: dict[int, int] = {}  # words of values of which others are missing, by address
        self._written: dict[str, tuple[float, tuple[int, ...]]] = {}  # tick and words, by name of the register

    def words(self, table: int, address: int, count: int) -> list[int]:
        """Words of holding or input registers. Raises AddressError."""
        words: list[int] = []
        for register, start, end in self._plan(table, address, count):
            words += self._shown(register)[start:end]
        return words

    def bits(self, address: int, count: int) -> list[bool]:
        """Discrete inputs. Raises AddressError."""
        return [any(self._shown(register)) for register, _, _ in self._plan(DISCRETE, address, count)]

    def write(self, address: int, words: Sequence[int]) -> None:
        """Write holding registers, all or none. Raises AddressError, RefusedError."""
        span = range(address, address + len(words))
        if not all(each in self._write for each in span):
            raise AddressError
        # A word that is repeated before its value was complete replaces the first.
        known = self._incomplete | dict(zip(span, words, strict=True))
        complete = []
        for register in dict.fromkeys(self._write[each] for each in span):
            if all(each in known for each in register.addresses):
                complete.append((register, tuple(known.pop(each) for each in register.addresses)))
        commands = [
            (self._sources[register.name], register.codec.decode(value))
            for register, value in complete
            if register.name in self._sources
        ]
        for name, number in commands:
            try:
                check_command(self.asset.asset_id, self.asset.device.commands, name, number)
            except ValueError as error:
                raise RefusedError(str(error)) from None
        for name, number in commands:
            self.asset.command(name, number)
        self._written |= {register.name: (self._tick(), value) for register, value in complete}
        self._incomplete = known

    def _source(self, register: Register) -> str | None:
        """The telemetry is called as the register or, where only that is known, by the internal name."""
        if register.direction == "write":
            return register.internal_name if register.internal_name in self.asset.device.commands else None
        for name in (register.name, register.internal_name):
            try:
                self.asset.telemetry(name)
            except KeyError:
                continue
            return name
        return None

    def _plan(self, table: int, address: int, count: int) -> tuple[_Piece, ...]:
        """The registers of a span, in order. Remembered: a client asks for the same few spans again and again."""
        key = (table, address, count)
        if (plan := self._plans.get(key)) is None:
            here = self._read[table]
            pieces: list[_Piece] = []
            at, end = address, address + count
            while at < end:
                register = here.get(at)
                if register is None:
                    raise AddressError
                # Up to its end, the end of the request, or where another register covers the rest of it.
                stop = at + 1
                while stop < min(register.address + register.count, end) and here[stop] is register:
                    stop += 1
                pieces.append((register, at - register.address, stop - register.address))
                at = stop
            plan = self._plans[key] = tuple(pieces)
        return plan

    def _shown(self, register: Register) -> tuple[int, ...]:
        source = self._sources.get(register.name)
        if register.direction == "read":
            return register.codec.encode(0.0 if source is None else self.asset.telemetry(source))
        if register.name in self._written:
            tick, words = self._written[register.name]
            if tick == self._tick() or source is None:
                return words
            del self._written[register.name]
        return register.codec.encode(0.0 if source is None else self.asset.applied().get(source, 0.0))
