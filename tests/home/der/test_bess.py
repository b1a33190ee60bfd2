"""The battery storage against closed forms: losses, derating, ramp, temperature, faults."""

import math

import pytest

from nullwatt.home import Surroundings
from nullwatt.home.der import Bess, BessConfig

DT_S = 0.1
WIDE = {"lower_1": 0.0, "lower_2": 0.0, "upper_1": 100.0, "upper_2": 100.0}


def bess(soc_limits: dict[str, float] | None = None, **keys: object) -> Bess:
    document = {"soc_limits": soc_limits or {}, **keys}
    return Bess("b", BessConfig.model_validate(document), Surroundings())


def run(device: Bess, kw: float, seconds: float, dt_s: float = DT_S) -> None:
    device.command("start_stop_standby", 1)
    device.command("active_power_setpoint", kw)
    for _ in range(round(seconds / dt_s)):
        device.advance(dt_s)


@pytest.mark.parametrize("efficiency", [0.7, 0.92, 1.0])
def test_a_round_trip_keeps_what_is_configured(efficiency: float) -> None:
    device = bess(round_trip_eff=efficiency)
    run(device, -20.0, 1800.0)
    run(device, 0.0, 10.0)
    charged_kwh = device.read("total_charge_energy")
    while device.soc > 50.0:
        run(device, min(20.0, (device.soc - 50.0) * 20_000.0), DT_S)
    assert charged_kwh == pytest.approx(10.0, rel=1e-3)
    assert device.read("total_discharge_energy") / charged_kwh == pytest.approx(efficiency, rel=1e-3)


def test_charging_stores_and_discharging_takes_with_the_root_of_the_efficiency() -> None:
    device = bess(round_trip_eff=0.81, ramp_rate_kw_per_s=1e6)
    run(device, -10.0, 3600.0)
    assert device.soc == pytest.approx(50.0 + 10.0 * 0.9, rel=1e-4)
    device = bess(round_trip_eff=0.81, ramp_rate_kw_per_s=1e6)
    run(device, 9.0, 3600.0)
    assert device.soc == pytest.approx(50.0 - 9.0 / 0.9, rel=1e-4)


def test_it_ramps() -> None:
    device = bess(ramp_rate_kw_per_s=5.0)
    run(device, 20.0, 2.0)
    assert device.read("active_power") == pytest.approx(10.0)
    run(device, 20.0, 2.0)
    assert device.read("active_power") == 20.0
    run(device, -20.0, 4.0)
    assert device.read("active_power") == pytest.approx(0.0, abs=1e-9)
    run(device, -20.0, 4.1)
    assert device.read("active_power") == -20.0


@pytest.mark.parametrize(
    ("soc", "charge", "discharge"),
    [(50, 1, 1), (25, 1, 1), (22.5, 1, 0.5), (20, 1, 0), (10, 1, 0), (85, 1, 1), (87, 0.6, 1), (90, 0, 1), (95, 0, 1)],
)
def test_power_fades_out_towards_the_soc_limits(soc: float, charge: float, discharge: float) -> None:
    device = bess(initial_soc=float(soc), max_charge_kw=10.0, max_discharge_kw=30.0)
    assert device.read("available_charging_power") == pytest.approx(10.0 * charge)
    assert device.read("available_discharging_power") == pytest.approx(30.0 * discharge)
    run(device, 1000.0, DT_S)
    assert device.read("active_power") == pytest.approx(min(10.0, 30.0 * discharge))  # one step of the ramp
    device = bess(initial_soc=float(soc), max_charge_kw=10.0, ramp_rate_kw_per_s=1e6)
    run(device, -1000.0, DT_S)
    assert device.read("active_power") == pytest.approx(-10.0 * charge)


@pytest.mark.parametrize(
    ("celsius", "factor"),
    [(-5, 0.5), (0, 0.5), (5, 0.8), (10, 0.8), (10.1, 1), (40, 1), (45, 0.8), (50, 0.8), (60, 0.5), (61, 0.0)],
)
def test_power_depends_on_the_temperature(celsius: float, factor: float) -> None:
    device = bess(ambient_temp_c=float(celsius))
    assert device.read("available_charging_power") == pytest.approx(20.0 * factor)
    assert device.read("available_discharging_power") == pytest.approx(20.0 * factor)


def test_current_heats_the_cells_with_a_first_order_lag() -> None:
    device = bess(soc_limits=WIDE, max_discharge_kw=100.0, capacity_kwh=100.0, internal_resistance=0.02)
    run(device, 100.0, 600.0)
    # 500 kJ/K and 200 W/K; the voltage hardly moves in 10 min.
    current_a = device.read("service_current")
    assert current_a == pytest.approx(100e3 / device.read("service_voltage"))
    assert current_a == pytest.approx(100e3 / (700.0 * (1.0 + 0.1 * math.sin(math.pi * device.soc / 100.0))))
    rise_k = current_a**2 * 0.02 / 200.0 * (1.0 - math.exp(-600.0 * 200.0 / 500e3))
    assert device.temperature_c == pytest.approx(20.0 + rise_k, rel=2e-3)


def test_a_coarse_step_ends_at_the_same_temperature() -> None:
    fine, coarse = (bess(soc_limits=WIDE, max_discharge_kw=50.0, thermal_capacity_j_per_k=5e3) for _ in range(2))
    run(fine, 50.0, 600.0)
    run(coarse, 50.0, 600.0, dt_s=60.0)
    assert coarse.temperature_c == pytest.approx(fine.temperature_c, abs=0.05)


def test_the_size_scales_resistance_and_heat() -> None:
    small, large = bess(soc_limits=WIDE), bess(soc_limits=WIDE, capacity_kwh=1000.0, max_discharge_kw=200.0)
    run(small, 20.0, 600.0)
    run(large, 200.0, 600.0)
    assert large.temperature_c == pytest.approx(small.temperature_c, abs=0.01)


def test_too_hot_is_a_latched_fault_that_resets_once_it_is_cool() -> None:
    device = bess(internal_resistance=20.0, ambient_temp_c=50.0)
    run(device, 10.0, 3600.0)
    assert 60.0 < device.temperature_c <= 75.0  # derated to nothing before it trips
    device.temperature_c = 76.0
    run(device, 10.0, 0.2)
    assert (device.read("fault_code"), device.read("working_status"), device.power_w) == (1001, 2, 0.0)
    device.command("fault_reset", 1)
    assert device.read("fault_code") == 1001
    device.temperature_c = 55.0
    device.advance(DT_S)
    assert device.read("fault_code") == 1001
    device.command("fault_reset", 1)
    device.advance(DT_S)
    assert (device.read("fault_code"), device.read("working_status")) == (0, 1)
    assert device.power_w > 0.0  # goes on as it was told


def test_empty_is_a_latched_fault_and_it_can_charge_again() -> None:
    device = bess(soc_limits=WIDE, initial_soc=0.05, capacity_kwh=10.0)
    run(device, 20.0, 10.0)
    assert device.soc == 0.0
    assert (device.read("fault_code"), device.read("working_status"), device.power_w) == (2001, 2, 0.0)
    device.command("active_power_setpoint", -5.0)
    device.command("fault_reset", 1)
    device.advance(DT_S)
    device.advance(DT_S)
    assert (device.read("fault_code"), device.read("active_power")) == (0, -5.0)


def test_a_reset_that_still_wants_power_out_of_empty_cells_trips_again() -> None:
    device = bess(soc_limits=WIDE, initial_soc=0.0)
    device.advance(DT_S)
    assert device.fault == 2001
    run(device, 5.0, DT_S)
    device.command("fault_reset", 1)
    device.advance(DT_S)
    assert device.fault == 2001


def test_it_never_holds_less_than_nothing_or_more_than_it_can() -> None:
    device = bess(soc_limits=WIDE, initial_soc=99.9, capacity_kwh=1.0)
    run(device, -20.0, 60.0)
    assert device.soc == pytest.approx(100.0, abs=1e-6)
    assert device.read("total_charge_energy") == pytest.approx(0.001 / math.sqrt(0.92), rel=1e-3)


def test_reactive_and_apparent_power_and_cycles() -> None:
    device = bess(soc_limits=WIDE, round_trip_eff=1.0)
    run(device, 20.0, 3600.0)
    run(device, -20.0, 3600.0)
    assert device.read("reactive_power") == pytest.approx(-2.0)
    assert device.read("apparent_power") == pytest.approx(math.hypot(20.0, 2.0))
    assert device.read("charge_and_discharge_cycles") == pytest.approx(0.2, rel=1e-3)
    assert device.read("system_soh") == pytest.approx(100.0 - 0.005 * 0.2, rel=1e-7)


def test_what_is_not_allowed_is_one_line_and_changes_nothing() -> None:
    device = bess()
    before = dict(device.applied())
    for name, value in [("start_stop_standby", 4), ("soc_lower_limit_1", 101.0), ("active_power_setpoint", math.nan)]:
        with pytest.raises(ValueError, match=f"^b: {name} = [^\n]*$"):
            device.command(name, value)
    with pytest.raises(ValueError, match="did you mean 'fault_reset'"):
        device.command("fault_rest", 1)
    assert device.applied() == before


def test_a_fault_takes_the_power_at_once_whatever_the_ramp() -> None:
    device = bess(ramp_rate_kw_per_s=1.0)
    run(device, 10.0, 20.0)
    device.temperature_c = 76.0
    device.advance(DT_S)
    device.advance(DT_S)
    assert (device.fault, device.power_w) == (1001, 0.0)


def test_cells_are_never_hotter_than_80_c() -> None:
    device = bess(internal_resistance=5000.0)
    run(device, 20.0, 60.0, dt_s=60.0)
    assert device.temperature_c == 80.0


def test_ageing_while_full_is_a_loss_and_not_a_leak() -> None:
    device = bess(soc_limits=WIDE, capacity_kwh=0.1, initial_soc=100.0, internal_resistance=0.0, round_trip_eff=1.0)
    run(device, 20.0, 10.0, dt_s=10.0)
    run(device, -20.0, 30.0, dt_s=10.0)
    terms = device.take_energy()
    # The 200 kJ that fill cells of 360 kJ age them, and what they no longer hold is lost.
    assert device.soc == pytest.approx(100.0)
    assert terms.loss_j == pytest.approx(0.005 / 100.0 * 200e3 / 720e3 * 360e3, rel=1e-3)
    assert terms.residual_j == pytest.approx(0.0, abs=1e-6)
