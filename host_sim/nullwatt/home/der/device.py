"""What the devices of a site have in common: tables of what they show and take, and what was last applied.

A device class fills `READINGS` and `COMMANDS`. Nothing is computed for showing until somebody asks: `read(name)` gives
one value, `telemetry()` all of them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from ..device import Command, EnergyTerms, Quantity, Surroundings, Value, check_command

J_PER_KWH = 3.6e6
SQRT3 = 3.0**0.5


class Reading(NamedTuple):
    """A quantity and how it is read off the device."""

    unit: str
    text: str
    read: Callable[[Any], float]


class DerDevice:
    """A device of a site on all three phases; see `nullwatt.home.Device`.

    power_w: AC power, W, + = into the site. settings: last applied value of each command; a command that is an
    act (reset, acknowledge) is 0 again once it was carried out.
    """

    __slots__ = ("_around", "_dt_s", "name", "power_w", "settings")

    phase: ClassVar[str] = "D"
    READINGS: ClassVar[Mapping[str, Reading]] = {}
    #: Other names that `read` takes: those of registers that are called otherwise than what they hold.
    ALIASES: ClassVar[Mapping[str, str]] = {}
    COMMANDS: ClassVar[Mapping[str, Command]] = {}

    def __init__(self, name: str, surroundings: Surroundings, settings: Mapping[str, float]) -> None:
        self.name = name
        self.power_w = 0.0
        self.settings: dict[str, float] = dict(settings)
        self._around = surroundings
        self._dt_s = 0.0

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """What `telemetry` shows, by name."""
        return {name: Quantity(reading.unit, reading.text) for name, reading in self.READINGS.items()}

    @property
    def commands(self) -> Mapping[str, Command]:
        """What `command` takes, by name."""
        return self.COMMANDS

    def read(self, name: str) -> float:
        """One of `quantities`, also by an alias; KeyError if there is none of that name."""
        reading = self.READINGS.get(name)
        if reading is None:
            reading = self.READINGS[self.ALIASES.get(name, name)]
        return float(reading.read(self))

    def telemetry(self) -> Mapping[str, float]:
        """All of `quantities`."""
        return {name: float(reading.read(self)) for name, reading in self.READINGS.items()}

    def check(self, name: str, value: Value) -> float:
        """Return the value of a command as a number if it is allowed; ValueError (one line) if not."""
        return float(check_command(self.name, self.COMMANDS, name, value))

    def command(self, name: str, value: Value) -> None:
        """Carry out a command at once; ValueError (one line) for an unknown name or a value that is not allowed."""
        number = self.check(name, value)
        self.settings[name] = number
        self._apply(name, number)

    def applied(self) -> Mapping[str, float]:
        """The last applied value of each command, by name; live, read only."""
        return MappingProxyType(self.settings)

    def _apply(self, name: str, value: float) -> None:
        """Let a checked command work."""

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        raise NotImplementedError

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        raise NotImplementedError
