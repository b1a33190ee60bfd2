"""A device that carries an island, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nullwatt.home import Command, EnergyTerms, Quantity, Value, check_command


@dataclass
class Hybrid:
    """An inverter with a store that can carry an island; on the grid it does nothing."""

    name: str = "hybrid"
    phase: str = "D"
    island_max_w: float = 5000.0
    store_j: float = 1e9
    power_w: float = 0.0
    carried: list[float] = field(default_factory=list)
    _given_j: float = 0.0

    quantities = {"power_w": Quantity("W", "AC power")}  # noqa: RUF012
    commands: Mapping[str, Command] = field(default_factory=dict)

    @property
    def island_ready(self) -> bool:
        return self.store_j > 0.0

    def advance(self, dt_s: float) -> None:
        self.power_w = 0.0

    def carry(self, power_w: float, dt_s: float) -> None:
        self.carried.append(power_w)
        self.power_w = power_w
        self._given_j += power_w * dt_s
        self.store_j -= power_w * dt_s

    def telemetry(self) -> Mapping[str, float]:
        return {"power_w": self.power_w}

    def command(self, name: str, value: Value) -> None:
        check_command(self.name, self.commands, name, value)

    def take_energy(self) -> EnergyTerms:
        given_j, self._given_j = self._given_j, 0.0
        return EnergyTerms(stored_j=-given_j, bus_j=given_j)
