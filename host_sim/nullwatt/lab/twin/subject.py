"""What a scenario of a site looks at: a register, a quantity of a device, or one of the site."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nullwatt.home import Quantity
from nullwatt.home.der import DerSite

from .master import Master

#: Of the site itself, and how they are read.
SITE_QUANTITIES: Mapping[str, tuple[Quantity, Callable[[DerSite], float]]] = {
    "grid_w": (Quantity("W", "grid connection, + = import"), lambda site: site.grid_w),
    "load_w": (Quantity("W", "base load"), lambda site: site.power.load_w),
    "bess_w": (Quantity("W", "all storages, + = discharge"), lambda site: site.power.bess_w),
    "pv_w": (Quantity("W", "all inverters"), lambda site: site.power.pv_w),
    "chp_w": (Quantity("W", "all CHP units"), lambda site: site.power.chp_w),
    "import_kwh": (Quantity("kWh", "imported since the start"), lambda site: site.import_kwh),
    "export_kwh": (Quantity("kWh", "exported since the start"), lambda site: site.export_kwh),
    "frequency_hz": (Quantity("Hz", "of the grid"), lambda site: site.surroundings.frequency_hz),
    "voltage_v": (Quantity("V", "line to line"), lambda site: site.surroundings.voltage_ll_v),
    "irradiance_w_m2": (Quantity("W/m2", "of the sun"), lambda site: site.surroundings.irradiance_w_m2),
    "ambient_c": (Quantity("C", "of the air"), lambda site: site.surroundings.ambient_c),
    "planned_hz": (Quantity("Hz", "the frequency without noise and drift"), lambda site: _planned_hz(site)),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One of them. asset: "" = the site. register: its name; "" = `quantity`."""

    asset: str = ""
    quantity: str = ""
    register: str = ""

    def __str__(self) -> str:
        return f"{self.asset} {self.register or self.quantity}".strip()

    def unit(self, site: DerSite, masters: Mapping[str, Master]) -> str:
        """The unit of its values."""
        if self.register:
            return masters[self.asset].registers[self.register].unit
        if self.asset:
            return site.assets[self.asset].device.quantities[self.quantity].unit
        return SITE_QUANTITIES[self.quantity][0].unit

    def reader(self, site: DerSite, masters: Mapping[str, Master]) -> Callable[[], float]:
        """What gives its present value."""
        if self.register:
            master = masters[self.asset]
            register = master.registers[self.register]
            return lambda: master.read(register)
        if self.asset:
            asset = site.assets[self.asset]
            return lambda: asset.telemetry(self.quantity)
        read = SITE_QUANTITIES[self.quantity][1]
        return lambda: read(site)


FREQUENCY = Subject(quantity="frequency_hz")
PLANNED = Subject(quantity="planned_hz")


def _planned_hz(site: DerSite) -> float:
    """In the step that ended just now."""
    signal, began_s = site.models.frequency, site.now_s - site.step_s
    return signal.nominal + sum(event.at(began_s) for event in signal.events) * signal.unit_delta
