"""A battery as a device of the house: the one place where both are known."""

from collections.abc import Mapping
from typing import ClassVar

from nullwatt.battery import Battery
from nullwatt.home import Command, EnergyTerms, Quantity, Value, check_command


class BatteryDevice:
    """Telemetry, commands and books of a battery. Its client may move it instead of the house: then it is connected
    as a battery, and `advance` is not called.
    """

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "power_w": Quantity("W", "AC power, + = discharge"),
        "target_w": Quantity("W", "latest request of its control law, + = discharge"),
        "applied_target_w": Quantity("W", "what the power stage follows"),
        "soc": Quantity("", "state of charge, 0 ... 1"),
        "dc_input_w": Quantity("W", "PV power at its DC terminals"),
        "max_charge_w": Quantity("W", "charge limit"),
        "max_discharge_w": Quantity("W", "discharge limit"),
    }

    def __init__(self, battery: Battery, books: bool = True) -> None:
        """books: open those of the battery, for a ledger."""
        self.battery = battery
        self.name = battery.mac
        self.phase = battery.phase
        self.commands: Mapping[str, Command] = {
            "soc": Command("", "state of charge", 0.0, 1.0),
            "dc_input_w": Command("W", "PV power at its DC terminals", 0.0, battery.config.max_dc_input_w),
            "max_charge_w": Command("W", "charge limit", 0.0),
            "max_discharge_w": Command("W", "discharge limit", 0.0),
        }
        if books:
            battery.take_energy()

    @property
    def power_w(self) -> float:
        """AC power, W, + = discharge."""
        return self.battery.power_w

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        self.battery.advance(dt_s)

    def telemetry(self) -> Mapping[str, float]:
        """Present values."""
        return {name: getattr(self.battery, name) for name in self.quantities}

    def command(self, name: str, value: Value) -> None:
        """Set state of charge, DC input or a limit."""
        checked = float(check_command(self.name, self.commands, name, value))
        if name in ("max_charge_w", "max_discharge_w"):
            self.battery.set_limits(**{name: checked})
        else:
            setattr(self.battery, name, checked)

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        books = self.battery.take_energy()
        return EnergyTerms(
            source_j=books.dc_in_j,
            stored_j=books.stored_j,
            loss_j=books.conversion_j + books.standby_j + books.turned_away_j,
            bus_j=books.ac_j,
            adjusted_j=books.adjusted_j + books.overdrawn_j,
        )
