"""Devices of a site with weather, outages and a meter share the house's raster, surroundings and books."""

from collections.abc import Mapping

import pytest

from nullwatt.home import (
    FLAGS,
    Command,
    EnergyTerms,
    House,
    HouseConfig,
    Ledger,
    Quantity,
    SunConfig,
    Surroundings,
    Value,
    check_command,
)


class Inverter:
    """PV: loses 3 %, trips without mains, takes a limit."""

    name, phase = "pv", "D"
    quantities: Mapping[str, Quantity] = {"power_w": Quantity("W", "AC power"), "fault": Quantity("", "tripped")}
    commands: Mapping[str, Command] = {
        "limit": Command("%", "power limit", 0.0, 100.0),
        "on": Command("", "run", choices=FLAGS),
    }

    def __init__(self, surroundings: Surroundings) -> None:
        self.power_w = 0.0
        self.state: dict[str, Value] = {"limit": 100.0, "on": True}
        self._surroundings = surroundings
        self._ac_j = 0.0

    def advance(self, dt_s: float) -> None:
        around = self._surroundings
        on = self.state["on"] and around.mains
        self.power_w = min(around.irradiance_w_m2 * 10.0, 10_000.0 * float(self.state["limit"]) / 100.0) if on else 0.0
        self._ac_j += self.power_w * dt_s

    def telemetry(self) -> Mapping[str, float]:
        return {"power_w": self.power_w, "fault": float(not self._surroundings.mains)}

    def command(self, name: str, value: Value) -> None:
        self.state[name] = check_command(self.name, self.commands, name, value)

    def take_energy(self) -> EnergyTerms:
        ac_j, self._ac_j = self._ac_j, 0.0
        return EnergyTerms(source_j=ac_j / 0.97, loss_j=ac_j / 0.97 - ac_j, bus_j=ac_j)


class EnergyMeter:
    """Counts what the grid carried in the step before; moves no energy itself."""

    name, phase, power_w = "meter", "D", 0.0
    quantities: Mapping[str, Quantity] = {"import_wh": Quantity("Wh", "imported")}
    commands: Mapping[str, Command] = {}

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._import_j = 0.0

    def advance(self, dt_s: float) -> None:
        self._import_j += max(0.0, sum(self._surroundings.grid_w)) * dt_s

    def telemetry(self) -> Mapping[str, float]:
        return {"import_wh": self._import_j / 3600.0}

    def command(self, name: str, value: Value) -> None:
        check_command(self.name, self.commands, name, value)

    def take_energy(self) -> EnergyTerms:
        return EnergyTerms()


def test_site() -> None:
    ledger = Ledger()
    config = HouseConfig(base_load_w=(3000.0, 0.0, 0.0), noise_w=0.0, sun=SunConfig(max_w=0.0), step_s=0.1)
    house = House(config, ledger=ledger)
    around = house.surroundings
    house.add_device(Inverter(around))
    house.add_device(EnergyMeter(around))
    house.advance_to(10.0)  # night
    around.irradiance_w_m2 = 150.0
    house.advance_to(20.0)  # 1500 W
    house.device("pv").command("limit", 5.0)
    house.advance_to(30.0)  # 500 W
    around.mains = False
    house.advance_to(40.0)
    assert house.device("pv").telemetry() == {"power_w": 0.0, "fault": 1.0}
    around.mains = True
    house.advance_to(50.0)
    assert house.grid_w() == pytest.approx((3000 - 500 / 3, -500 / 3, -500 / 3))
    used_wh = (3000 * 50 - 1500 * 10 - 500 * 20) / 3600
    # The meter is one step behind, as a device that reads the balance of the step before is.
    assert house.device("meter").telemetry()["import_wh"] == pytest.approx(used_wh, abs=3000 * 0.1 / 3600)
    assert ledger.ticks == 500
    assert ledger.devices["pv"].loss_j == pytest.approx(25_000 / 0.97 * 0.03)
    assert ledger.leak_j < 1e-9 * ledger.throughput_j
