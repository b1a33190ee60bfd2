"""One device of a house file by itself, as a node runs it: a battery, the sun on the roof, a PV plant, a hybrid
inverter, a load or an appliance.

What it does depends on the file, its seed and the ticks only, so it does here what it does in the whole house; the
weather over its panels it works out for itself. A load gives its exact energy, but shows its power on the raster: what
it draws at the end of the step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nullwatt.battery import Battery
from nullwatt.home import (
    Device,
    EnergyTerms,
    HouseConfig,
    HouseFile,
    Surroundings,
    Value,
    check_command,
)
from nullwatt.home.hybrid import Hybrid
from nullwatt.home.hybrid_config import HybridConfig
from nullwatt.home.loads import LoadBank, LoadEvent, LoadKind
from nullwatt.home.parts import SUN, LoadDevice, SunDevice
from nullwatt.home.pv_plant import PvPlant, PvPlantConfig
from nullwatt.home.sun import Sun, SunConfig
from nullwatt.home.weather import Weather

from .batteries import BatterySpec, specs_of
from .devices import BatteryDevice
from .perturbed import PerturbedLaw


@dataclass(slots=True)
class Solo:
    """A device, what it sees of the house, and the battery in it if it is one."""

    device: Device
    surroundings: Surroundings
    battery: Battery | None = None


def build_battery(spec: BatterySpec) -> Battery:
    """The battery of a specification, with the law it has by that."""
    battery = Battery(spec.config)
    if spec.gain != 1.0 or spec.deadband_w:
        battery.law = PerturbedLaw(battery.law, spec.gain, spec.deadband_w)
    return battery


def solos(file: HouseFile, name: str = "house") -> dict[str, Callable[[], Solo]]:
    """What builds each device of a house file that can be a node, by its name; `name` opens the text of an error.

    The sun is one if the roof can have any. Raises ConfigError for a battery that cannot be.
    """
    config = file.house_config()
    found: dict[str, Callable[[], Solo]] = {}
    for spec in specs_of(file, name):
        found[spec.config.mac.upper()] = lambda spec=spec: _of_battery(spec)  # type: ignore[misc]
    if config.sun.max_w > 0.0:
        found[SUN] = lambda: _of_sun(config.sun, config.seed)
    for load in config.loads:
        events = [event for event in config.events if event.load == load.name]
        found[load.name] = lambda load=load, events=events: _of_load(  # type: ignore[misc]
            load, events, config.phases, config.seed, config.sun.start_h
        )
    for plant in config.pv:
        found[plant.name] = lambda plant=plant: _of_plant(plant, config)  # type: ignore[misc]
    for hybrid in config.hybrids:
        found[hybrid.name] = lambda hybrid=hybrid: _of_hybrid(hybrid, config)  # type: ignore[misc]
    return found


def find_solo(known: Mapping[str, Callable[[], Solo]], wanted: str) -> str:
    """The device that is meant: its name, "sun", or a MAC in any case; LookupError, one line, if there is none."""
    for name in (wanted, f"house: {wanted}", wanted.upper()):
        if name in known:
            return name
    raise LookupError(f"there is no device {wanted!r}; there are {', '.join(known)}")


def _of_battery(spec: BatterySpec) -> Solo:
    battery = build_battery(spec)
    return Solo(BatteryDevice(battery), Surroundings(), battery)


def _of_sun(config: SunConfig, seed: int) -> Solo:
    surroundings = Surroundings()
    return Solo(SoloSun(config, seed, surroundings), surroundings)


def _of_load(load: LoadKind, events: list[LoadEvent], phases: int, seed: int, start_h: float) -> Solo:
    surroundings = Surroundings()
    return Solo(SoloLoad(load, events, phases, seed, start_h, surroundings), surroundings)


def _of_plant(plant: PvPlantConfig, house: HouseConfig) -> Solo:
    surroundings = Surroundings()
    assert house.weather is not None  # the file was checked
    return Solo(PvPlant(plant, Weather(house.weather, house.seed, surroundings), surroundings), surroundings)


def _of_hybrid(hybrid: HybridConfig, house: HouseConfig) -> Solo:
    surroundings = Surroundings()
    sky = house.weather if hybrid.mppts else None
    weather = Weather(sky, house.seed, surroundings) if sky is not None else None
    return Solo(Hybrid(hybrid, weather, surroundings), surroundings)


class SoloSun:
    """The solar inverter: its power stands from the present time to the next."""

    name = SUN
    quantities = SunDevice.quantities

    def __init__(self, config: SunConfig, seed: int, surroundings: Surroundings) -> None:
        self.phase = "".join(config.phases)
        self.sun = Sun(config, seed)
        self._surroundings = surroundings
        self._given_j = 0.0
        self.power_w = self.sun.power_w(0.0)
        self.commands = SunDevice(self.phase, config.max_w, self).commands

    @property
    def solar_w(self) -> float:
        """AC power, W."""
        return self.power_w

    def set_solar(self, power_w: float) -> None:
        """Fix the power."""
        self.sun.set_fixed(power_w)

    def set_clouds(self, clouds: float) -> None:
        """How much clouds may cover."""
        self.sun.set_clouds(clouds)

    def follow_sun(self) -> None:
        """Let the day decide."""
        self.sun.follow()

    def advance(self, dt_s: float) -> None:
        """Let time pass at the power so far, then take that of the present time."""
        self._given_j += self.power_w * dt_s
        self.power_w = self.sun.power_w(self._surroundings.time_s)

    def telemetry(self) -> Mapping[str, float]:
        """Power."""
        return {"power_w": self.power_w}

    def command(self, name: str, value: Value) -> None:
        """Fix the power, or let the day decide."""
        SunDevice(self.phase, self.sun.config.max_w, self).command(name, value)
        self.power_w = self.sun.power_w(self._surroundings.time_s)

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        given_j, self._given_j = self._given_j, 0.0
        return EnergyTerms.of_power(given_j)


class SoloLoad:
    """A load or an appliance with its planned switchings; dark in an outage, also where an island is carried."""

    quantities = LoadDevice.quantities

    def __init__(
        self,
        config: LoadKind,
        events: list[LoadEvent],
        phases: int,
        seed: int,
        start_h: float,
        surroundings: Surroundings,
    ) -> None:
        self.name = config.name
        self.phase = config.phase
        self._bank = LoadBank((config,), events, phases, seed, start_h)
        self._surroundings = surroundings
        self._used_j = 0.0
        self._now_s = 0.0
        self._load = self._bank.find(config.name)
        self._part = LoadDevice(self._load, self._switch, self._set)
        self.commands = self._part.commands

    @property
    def power_w(self) -> float:
        """AC power now, W, - = drawn."""
        return -self._load.power_w if self._surroundings.mains else 0.0

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass, which end at the time of the surroundings."""
        end_s = max(self._surroundings.time_s, self._now_s)
        self._bank.advance_to(max(self._now_s, end_s - dt_s))  # what it missed while it was away
        self._now_s = max(self._now_s, end_s - dt_s)
        while self._now_s < end_s:
            next_s = min(end_s, self._bank.next_event_s)
            if self._surroundings.mains:
                self._used_j += self._load.power_w * (next_s - self._now_s)
            self._now_s = next_s
            self._bank.advance_to(next_s)

    def telemetry(self) -> Mapping[str, float]:
        """Power and state."""
        return {**self._part.telemetry(), "power_w": self.power_w}

    def command(self, name: str, value: Value) -> None:
        """Switch it or change a setting."""
        check_command(self.name, self.commands, name, value)
        self._part.command(name, value)

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        used_j, self._used_j = self._used_j, 0.0
        return EnergyTerms.of_power(-used_j)

    def _switch(self, name: str, active: bool) -> None:
        self._bank.switch(name, active, self._now_s)

    def _set(self, name: str, setting: str, value: float) -> None:
        self._bank.set(name, setting, value, self._now_s)
