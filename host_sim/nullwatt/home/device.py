"""What the engine knows of a thing in the house, whatever it is: a kettle, a battery, a PV inverter behind Modbus.

1. A device has a name, a phase (A, B, C, or D = spread evenly over all phases of the house) and an AC power.
2. It passes time only in `advance`, and draws no random number elsewhere. Reading it changes nothing.
3. What it shows (`quantities`, `telemetry`) and what it can be told (`commands`, `command`) are tables: one entry per
   name, with the unit stated there and nowhere else.
4. It says where its energy went (`take_energy`): what it reports balances to zero by itself, tick by tick.

Sign: AC power + = into the house (generation, discharge), - = out of it (consumption). Energies in J.
Grid values, weather and outages reach a device through the `Surroundings` it was built with, not through `advance`.
"""

import difflib
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

Value = float | bool | str


class EnergyTerms(NamedTuple):
    """Where the energy of a device came from and went, J, over some time.

    source_j: came into the house through it (sun, fuel), >= 0. sink_j: used for its purpose, >= 0. stored_j: gain of
    its store, - = drawn. loss_j: lost in it, >= 0. bus_j: given to the house's wires, - = taken from them.
    adjusted_j: what no physics explains, + = appeared, - = vanished: a state of charge set by hand, an empty store
    that still gave.
    """

    source_j: float = 0.0
    sink_j: float = 0.0
    stored_j: float = 0.0
    loss_j: float = 0.0
    bus_j: float = 0.0
    adjusted_j: float = 0.0

    @property
    def residual_j(self) -> float:
        """What the terms leave unexplained; 0 but for rounding."""
        return self.source_j + self.adjusted_j - self.sink_j - self.stored_j - self.loss_j - self.bus_j

    @classmethod
    def of_power(cls, energy_j: float) -> "EnergyTerms":
        """A device that stores and loses nothing and gave `energy_j` to the wires (- = took)."""
        return cls(source_j=max(0.0, energy_j), sink_j=max(0.0, -energy_j), bus_j=energy_j)


#: The terms of a device that did nothing.
NO_ENERGY = EnergyTerms()


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something a device shows. unit: as printed, "" for a plain number; flags are 0 and 1."""

    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """Something a device can be told: a number within low ... high, or one of `choices`. A flag has choices (0, 1)."""

    unit: str
    text: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[Value, ...] = ()

    def check(self, name: str, value: Value) -> Value:
        """Return the value if it is allowed; ValueError, one line with what is allowed, if not."""
        if self.choices:
            for choice in self.choices:
                # True is no number here, but 0 and 1 are good enough for a flag.
                if value == choice and (isinstance(choice, bool) or not isinstance(value, bool)):
                    return choice
            raise ValueError(f"{name} = {value!r}: must be one of {', '.join(map(str, self.choices))}")
        if isinstance(value, bool | str) or not -sys.float_info.max <= value <= sys.float_info.max:
            raise ValueError(f"{name} = {repr(value)[:40]}: must be a number")
        if not self.low <= value <= self.high:
            raise ValueError(f"{name} = {value!r}: must be within {self.low:g} and {self.high:g}{self._unit()}")
        return value

    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


#: A command that switches something.
FLAGS: tuple[Value, ...] = (False, True)


def check_command(device: str, commands: Mapping[str, Command], name: str, value: Value) -> Value:
    """Check a command against a device's table; ValueError, one line with device, command and the nearest one."""
    if name not in commands:
        near = difflib.get_close_matches(name, commands, n=1, cutoff=0.6)
        known = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(commands) or 'none'}"
        raise ValueError(f"{device}: no command {name!r}, {known}")
    try:
        return commands[name].check(name, value)
    except ValueError as error:
        raise ValueError(f"{device}: {error}") from None


@runtime_checkable
class Accountable(Protocol):
    """Something on the wires that says where its energy went."""

    @property
    def name(self) -> str:
        """Its name, unique in the house."""

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call; the call starts the next account."""


class Device(Accountable, Protocol):
    """A thing on the wires. See the rules at the top."""

    @property
    def phase(self) -> str:
        """A, B, C or D."""

    @property
    def power_w(self) -> float:
        """AC power, W, + = into the house: the mean since the last `advance`, and so the present one."""

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """What `telemetry` shows, by name."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """What `command` takes, by name."""

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""

    def telemetry(self) -> Mapping[str, float]:
        """Present values, one for each of `quantities`."""

    def command(self, name: str, value: Value) -> None:
        """Tell it something; ValueError (one line) for an unknown name or a value that is not allowed."""


@dataclass(slots=True)
class Surroundings:
    """What devices see of the house and the weather. The house writes `grid_w` once per raster step, before its
    devices move, so it is the balance of the step before; the rest is written by who simulates it.

    time_s: simulated time at the end of this step. grid_w: per phase, + = import. mains: False during an outage.
    hour: local hour of the day, 0 ... 24, in this step.
    """

    time_s: float = 0.0
    grid_w: tuple[float, ...] = ()
    mains: bool = True
    frequency_hz: float = 50.0
    voltage_ll_v: float = 400.0
    ambient_c: float = 20.0
    irradiance_w_m2: float = 0.0
    hour: float = 12.0
