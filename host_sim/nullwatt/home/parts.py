"""What the house moves by itself, seen as devices: loads, base load, sun.

Their power changes at instants of its own and stands still in between, so the house advances them up to an instant
before anything changes there. See `Device` for signs: these powers are negative where something is drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from .device import FLAGS, NO_ENERGY, Command, EnergyTerms, Quantity, Value, check_command
from .grid import GRID
from .loads import Load
from .phases import PHASES
from .tariff import BILL

BASE_LOAD = "house: base load"
SUN = "house: sun"
#: No load may be called so.
OWN_NAMES = (BASE_LOAD, SUN, GRID, BILL)

_POWER = Quantity("W", "AC power, + = into the house")
_SWITCH = Command("", "switched on", choices=FLAGS)


class _Part:
    """Adds up energy at constant power."""

    def __init__(self) -> None:
        self._taken_j = 0.0

    @property
    def power_w(self) -> float:
        """AC power, W, + = into the house."""
        raise NotImplementedError

    def advance(self, dt_s: float) -> None:
        """Let time pass at the present power."""
        self._taken_j += self.power_w * dt_s

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        energy_j, self._taken_j = self._taken_j, 0.0
        return EnergyTerms.of_power(energy_j) if energy_j else NO_ENERGY


class LoadDevice(_Part):
    """A load or an appliance. switch, set: how the house is told (name, value) and (name, setting, value)."""

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "power_w": _POWER,
        "active": Quantity("", "switched on"),
        "running": Quantity("", "drawing, not pausing"),
    }

    def __init__(self, load: Load, switch: Callable[[str, bool], None], set_: Callable[[str, str, float], None]):
        super().__init__()
        self.load = load
        self.name = load.name
        self.phase = load.phase
        self.commands = {"active": _SWITCH, **load.config.settings}
        self._switch = switch
        self._set = set_

    @property
    def power_w(self) -> float:
        """AC power, W, - = drawn."""
        return -self.load.drawn_w

    def telemetry(self) -> Mapping[str, float]:
        """Power and state."""
        load = self.load
        return {"power_w": self.power_w, "active": float(load.active), "running": float(load.running)}

    def command(self, name: str, value: Value) -> None:
        """Switch it or change a setting."""
        checked = check_command(self.name, self.commands, name, value)
        if name == "active":
            self._switch(self.name, bool(checked))
        else:
            self._set(self.name, name, float(checked))


class BaseLoadDevice(_Part):
    """The base load with its noise. powers: gives the present draw per phase, W. A phase may draw while another feeds
    in, so the energies of the phases are kept apart.
    """

    name = BASE_LOAD
    phase = "D"
    commands: ClassVar[Mapping[str, Command]] = {}

    def __init__(self, powers: Callable[[], Sequence[float]], phases: int):
        super().__init__()
        self._powers = powers
        self._fed_j = 0.0
        each = {f"phase_{name.lower()}_w": Quantity("W", f"share of phase {name}") for name in PHASES[:phases]}
        self.quantities: Mapping[str, Quantity] = {"power_w": _POWER, **each}

    @property
    def power_w(self) -> float:
        """AC power, W, - = drawn."""
        return -sum(self._powers())

    def advance(self, dt_s: float) -> None:
        """Let time pass at the present powers."""
        for power_w in self._powers():
            if power_w > 0.0:
                self._taken_j += power_w * dt_s
            else:
                self._fed_j -= power_w * dt_s

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        used_j, fed_j, self._taken_j, self._fed_j = self._taken_j, self._fed_j, 0.0, 0.0
        return EnergyTerms(source_j=fed_j, sink_j=used_j, bus_j=fed_j - used_j)

    def telemetry(self) -> Mapping[str, float]:
        """Power, whole and per phase."""
        powers = [-power_w for power_w in self._powers()]
        return dict(zip(self.quantities, (sum(powers), *powers), strict=True))

    def command(self, name: str, value: Value) -> None:
        """Refuse: a base load takes no commands."""
        check_command(self.name, self.commands, name, value)


class Sunny(Protocol):
    """What a `SunDevice` needs of its house."""

    @property
    def solar_w(self) -> float:
        """Present AC power, W."""

    def set_solar(self, power_w: float) -> None:
        """Fix the power."""

    def set_clouds(self, clouds: float) -> None:
        """How much clouds may cover."""

    def follow_sun(self) -> None:
        """Let the day decide."""


class SunDevice(_Part):
    """The solar inverter."""

    name = SUN
    quantities: ClassVar[Mapping[str, Quantity]] = {"power_w": _POWER}

    def __init__(self, phase: str, max_w: float, house: Sunny):
        super().__init__()
        self.phase = phase
        self.commands: Mapping[str, Command] = {
            "power_w": Command("W", "fix the power", 0.0, max_w),
            "clouds": Command("", "how much of the sun clouds may cover", 0.0, 1.0),
            "mode": Command("", "follow the day or stay fixed", choices=("clear_sky", "fixed")),
        }
        self._house = house

    @property
    def power_w(self) -> float:
        """AC power, W."""
        return self._house.solar_w

    def telemetry(self) -> Mapping[str, float]:
        """Power."""
        return {"power_w": self.power_w}

    def command(self, name: str, value: Value) -> None:
        """Fix the power, or let the day decide."""
        checked = check_command(self.name, self.commands, name, value)
        if name == "clouds":
            self._house.set_clouds(float(checked))
        elif checked == "clear_sky":
            self._house.follow_sun()
        else:
            self._house.set_solar(self.power_w if name == "mode" else float(checked))
