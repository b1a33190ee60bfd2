"""PV: power from sun and temperature, limit, ramp, power factor, heat, trips, energy of the day."""

import math

import pytest

from nullwatt.home import Surroundings
from nullwatt.home.der import InverterConfig, Pv


def pv(start_h: float = 12.0, **keys: float) -> tuple[Pv, Surroundings]:
    around = Surroundings(ambient_c=20.0, irradiance_w_m2=800.0)
    return Pv("pv", InverterConfig(**keys), around, start_h), around


def run(device: Pv, seconds: float, dt_s: float = 0.1) -> None:
    for _ in range(round(seconds / dt_s)):
        device._around.time_s += dt_s
        device.advance(dt_s)


def test_power_of_sun_and_cell_temperature() -> None:
    device, _ = pv()
    run(device, 60.0)
    cell_c = 20.0 + 25.0
    dc_kw = 800.0 * 50.0 * 0.2 * (1.0 - 0.004 * (cell_c - 25.0)) / 1e3  # 10 kW at 1000 W/m2: 50 m2
    assert device.read("total_input_power") == pytest.approx(dc_kw)
    assert device.read("total_active_power") == pytest.approx(dc_kw * 0.97)
    assert device.read("inverter_status") == 1.0


def test_area_and_rating() -> None:
    device, around = pv(rated_kw=10.0, area_m2=100.0)
    around.irradiance_w_m2 = 1000.0
    run(device, 60.0)
    assert device.read("total_active_power") == 10.0  # the modules would give twice that
    assert device.read("total_input_power") == pytest.approx(10.0 / 0.97)


def test_limit_and_ramp() -> None:
    device, _ = pv()
    run(device, 1.0)
    assert device.power_w == pytest.approx(2000.0)
    run(device, 60.0)
    device.command("active_power_rate", 30)
    run(device, 1.0)
    assert 3000.0 < device.power_w < 7000.0
    run(device, 60.0)
    assert device.read("total_active_power") == 3.0
    assert device.read("active_power_rate_status") == 30.0
    device.command("active_power_rate", 255)
    assert device.read("active_power_rate_status") == device.applied()["active_power_rate"] == 100.0
    run(device, 60.0)
    assert device.read("total_active_power") > 7.0
    device.command("remote_on_off", 0)
    run(device, 60.0)
    assert (device.power_w, device.read("inverter_status")) == (0.0, 0.0)


def test_a_cloud_takes_the_power_at_once() -> None:
    device, around = pv()
    run(device, 60.0)
    around.irradiance_w_m2 = 100.0
    run(device, 0.1)
    assert device.read("total_active_power") < 1.0


@pytest.mark.parametrize("factor", [0.9, -0.8, 1.0, -1.0])
def test_power_factor(factor: float) -> None:
    device, _ = pv()
    device.command("power_factor_setpoint", factor)
    assert device.read("power_factor") == factor
    run(device, 60.0)
    reactive = math.copysign(math.tan(math.acos(abs(factor))), factor) * device.read("total_active_power")
    assert device.read("total_reactive_power") == pytest.approx(reactive, abs=1e-9)
    assert abs(device.read("power_factor")) == pytest.approx(abs(factor))


def test_reactive_power_stays_within_the_rating() -> None:
    device, _ = pv()
    device.command("power_factor_setpoint", 0.1)
    run(device, 60.0)
    active, reactive = device.read("total_active_power"), device.read("total_reactive_power")
    assert math.hypot(active, reactive) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("volts_ln", "hertz", "fault"),
    [(179.0, 50.0, 1), (261.0, 50.0, 1), (181.0, 50.0, 0), (259.0, 50.0, 0), (230.0, 46.9, 2), (230.0, 53.1, 2)],
)
def test_it_trips_on_a_bad_grid_and_comes_back_by_itself(volts_ln: float, hertz: float, fault: int) -> None:
    device, around = pv()
    run(device, 60.0)
    around.voltage_ll_v, around.frequency_hz = volts_ln * math.sqrt(3.0), hertz
    run(device, 0.1)
    assert (device.read("fault_code"), device.power_w == 0.0) == (fault, fault > 0)
    assert device.read("phase_neutral_voltage_1") == pytest.approx(volts_ln)
    around.voltage_ll_v, around.frequency_hz = 400.0, 50.0
    run(device, 1.0)
    assert device.read("fault_code") == 0
    assert device.power_w >= 2000.0


def test_the_inverter_warms_up_from_30_c() -> None:
    device, around = pv()
    assert device.temperature_c == 30.0
    run(device, 7200.0, dt_s=1.0)
    end_k = 0.03 * device.power_w / 10.0
    assert device.temperature_c == pytest.approx(20.0 + end_k + (10.0 - end_k) * math.exp(-7200.0 / 2000.0), abs=0.01)
    around.irradiance_w_m2 = 0.0
    around.ambient_c = 50.0
    run(device, 1.0)
    assert device.temperature_c == 50.0
    hot, _ = pv(rated_kw=100.0)
    run(hot, 7200.0, dt_s=1.0)
    assert hot.temperature_c == 85.0


def test_no_mains_no_power() -> None:
    device, around = pv()
    run(device, 10.0)
    around.mains = False
    run(device, 0.1)
    assert (device.read("fault_code"), device.power_w) == (1, 0.0)
