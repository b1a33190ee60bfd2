"""Panels with an inverter of their own, without a battery: a roof behind a string inverter, a balcony plant."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, FiniteFloat

from .device import FLAGS, NO_ENERGY, Command, EnergyTerms, Quantity, Surroundings, Value, check_command
from .inverter import PowerStage
from .pv_array import PvArray, PvString
from .section import AnyPhase, Name, NotNegative, Positive, Section
from .weather import Weather

Share = Annotated[FiniteFloat, Field(ge=0, le=0.2)]


class PvPlantConfig(Section):
    """A PV inverter.

    ac_max_w: AC limit; None = the panels' peak. standby_w: own consumption while it runs; None = 0.6 % of the AC
    limit. night_w: drawn from the house while the sun is too low. loss_linear, loss_square: see `PowerStage`.
    reconnect_s: waits so long after an outage (VDE-AR-N 4105: 60 s).
    """

    name: Name
    phase: AnyPhase = "A"
    strings: Annotated[list[PvString], Field(min_length=1)]
    ac_max_w: Positive | None = None
    standby_w: NotNegative | None = None
    night_w: NotNegative = 0.0
    loss_linear: Share = 0.018
    loss_square: Share = 0.017
    reconnect_s: NotNegative = 60.0


class PvPlant:
    """The running plant; a `Device`."""

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "power_w": Quantity("W", "AC power"),
        "dc_w": Quantity("W", "taken from the panels"),
        "available_w": Quantity("W", "what the panels could give"),
        "energy_wh": Quantity("Wh", "AC energy since the start"),
        "fault": Quantity("", "it has a fault"),
    }
    commands: ClassVar[Mapping[str, Command]] = {
        "on": Command("", "run", choices=FLAGS),
        "fault": Command("", "1 is a fault of the inverter, which gives nothing until 0", choices=FLAGS),
        "limit_percent": Command("%", "AC power at most, of the AC limit", 0.0, 100.0),
    }

    def __init__(self, config: PvPlantConfig, weather: Weather, surroundings: Surroundings) -> None:
        self.config = config
        self.name = config.name
        self.phase = config.phase
        self.power_w = 0.0
        self._array = PvArray(config.strings, weather)
        self._ac_max_w = config.ac_max_w or self._array.rated_w
        standby_w = 0.006 * self._ac_max_w if config.standby_w is None else config.standby_w
        self._stage = PowerStage(standby_w, config.loss_linear, config.loss_square, self._ac_max_w)
        self._surroundings = surroundings
        self._on = True
        self._fault = False
        self._limit = 1.0
        self._wait_s = 0.0
        self._dc_w = self._available_w = self._energy_j = 0.0
        self._books = [0.0, 0.0, 0.0]  # source, loss, bus

    def advance(self, dt_s: float) -> None:
        """Follow the sun as far as limits and mains allow."""
        around, stage = self._surroundings, self._stage
        self._available_w = self._array.dc_w(max(0.0, around.time_s - 0.5 * dt_s))
        able = around.mains and not self._fault
        waiting = not able or self._wait_s > 0.0
        self._wait_s = max(0.0, self._wait_s - dt_s) if able else self.config.reconnect_s
        able_w = min(stage.ac_of(self._available_w), self._ac_max_w * self._limit)
        if able_w > 0.0 and self._on and not waiting:
            # Less than it could: it moves off the panels' best point, and the rest stays sunshine.
            self.power_w, self._dc_w = able_w, stage.dc_of(able_w)
        else:
            self.power_w, self._dc_w = -self.config.night_w if around.mains else 0.0, 0.0
        bus_j = self.power_w * dt_s
        source_j = self._dc_w * dt_s
        self._energy_j += max(0.0, bus_j)
        loss_w = stage.loss_w(self.power_w) if self._dc_w else -self.power_w
        books = self._books
        books[0] += source_j
        books[1] += loss_w * dt_s
        books[2] += bus_j

    def telemetry(self) -> Mapping[str, float]:
        """Present values."""
        values = (self.power_w, self._dc_w, self._available_w, self._energy_j / 3600.0, float(self._fault))
        return dict(zip(self.quantities, values, strict=True))

    def command(self, name: str, value: Value) -> None:
        """Switch or limit it; as from the next raster step."""
        checked = check_command(self.name, self.commands, name, value)
        if name == "on":
            self._on = bool(checked)
        elif name == "fault":
            self._fault = bool(checked)
        else:
            self._limit = float(checked) / 100.0

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        source_j, loss_j, bus_j = self._books
        self._books = [0.0, 0.0, 0.0]
        return EnergyTerms(source_j=source_j, loss_j=loss_j, bus_j=bus_j) if loss_j or source_j else NO_ENERGY
