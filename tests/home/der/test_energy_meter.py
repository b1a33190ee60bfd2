"""The meter: phases, energies, power factor, demand."""

import math
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.home import Surroundings
from nullwatt.home.der import EnergyMeter
from nullwatt.home.der.energy_meter import DemandWindow


def test_phases_energies_and_powers() -> None:
    around = Surroundings(grid_w=(3000.0, -600.0, 0.0))
    meter = EnergyMeter("m", around)
    for _ in range(36_000):
        meter.advance(0.1)
    factor = meter.read("total_power_factor")
    assert meter.read("total_active_power") == pytest.approx(2.4)
    assert [meter.read(f"phase_import_energy_{p}") for p in "abc"] == pytest.approx([3.0, 0.0, 0.0])
    assert [meter.read(f"phase_export_energy_{p}") for p in "abc"] == pytest.approx([0.0, 0.6, 0.0])
    assert (meter.read("total_import_energy"), meter.read("total_export_energy")) == (pytest.approx(2.4), 0.0)
    assert meter.read("phase_apparent_power_a") == meter.read("apparent_power_a") == pytest.approx(3.0 / factor)
    assert meter.read("phase_reactive_power_b") == pytest.approx(-0.6 * math.tan(math.acos(factor)))
    assert meter.read("phase_voltage_c") == pytest.approx(400.0 / math.sqrt(3.0))
    assert meter.read("phase_current_a") == pytest.approx(3000.0 / factor / (400.0 / math.sqrt(3.0)))


def test_the_power_factor_wanders_within_its_band_from_its_seed() -> None:
    def trace(name: str, seed: int) -> list[float]:
        meter = EnergyMeter(name, Surroundings(grid_w=(1.0, 1.0, 1.0)), seed)
        values = [meter.power_factor]
        for _ in range(1000):
            meter.advance(0.1)
            values.append(meter.power_factor)
        return values

    values = trace("m", 1)
    assert values[0] == 0.99
    assert all(0.95 <= value <= 1.0 for value in values)
    assert fmean(values[200:]) == pytest.approx(0.975, abs=0.005)
    assert values == trace("m", 1)
    assert values != trace("m", 2)
    assert values != trace("other", 1)


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=60), st.integers(1, 12))
def test_demand_is_the_mean_of_the_window_and_its_largest(values: list[float], n: int) -> None:
    window = DemandWindow(n)
    means = []
    for index, value in enumerate(values):
        window.add(value)
        means.append(fmean(values[max(0, index + 1 - n) : index + 1]))
        assert window.mean == pytest.approx(means[-1], rel=1e-9, abs=1e-3)
    assert window.largest == pytest.approx(max(means), rel=1e-9, abs=1e-3)


def test_the_demand_window_is_15_min_or_as_set() -> None:
    around = Surroundings(grid_w=(300.0, 300.0, 300.0))
    meter = EnergyMeter("m", around)
    for second in range(1800):
        around.grid_w = (-3000.0, 0.0, 0.0) if second < 900 else (0.0, 0.0, 1000.0)
        meter.advance(1.0)
        if second == 899 + 450:
            assert meter.read("current_demand_kw") == pytest.approx(2.0)
    assert meter.read("current_demand_kw") == pytest.approx(1.0)
    assert meter.read("max_demand_kw") == pytest.approx(3.0)
    meter.command("interval_time", 1)
    around.grid_w = (2000.0, 0.0, 0.0)
    for _ in range(60):
        meter.advance(1.0)
    assert meter.read("current_demand_kw") == pytest.approx(2.0)
    assert meter.read("max_demand_kw") == pytest.approx(3.0)  # is kept


def test_what_was_rounded_away_does_not_stay_in_the_demand() -> None:
    window = DemandWindow(3)
    for value in (1e17, *(1.0,) * 6):
        window.add(value)
    assert window.mean == 1.0
