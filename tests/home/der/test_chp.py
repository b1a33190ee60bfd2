"""The CHP unit: its way to RUNNING and back, load, lags, counters, faults."""

import math

import pytest

from nullwatt.home import Surroundings
from nullwatt.home.der import Chp, ChpConfig

DT_S = 0.1
READY, STARTING, WARMUP, IDLE, SYNC, RUNNING, STOPPING, FAULT = 1, 2, 18, 3, 4, 5, 6, 0


def chp(**keys: float) -> Chp:
    return Chp("chp", ChpConfig(**keys), Surroundings())


def run(device: Chp, seconds: float, dt_s: float = DT_S) -> None:
    for _ in range(round(seconds / dt_s)):
        device.advance(dt_s)


def started(percent: float, seconds: float = 180.0, **keys: float) -> Chp:
    device = chp(**keys)
    device.command("power_setpoint_percent", percent)
    device.command("start_stop", 1)
    run(device, seconds)
    return device


def test_every_state_lasts_its_time() -> None:
    device = chp()
    device.command("start_stop", 1)
    seen = []
    for _ in range(1160):
        device.advance(DT_S)
        seen.append(device.state)
    lasted = {state: seen.count(state) * DT_S for state in dict.fromkeys(seen)}
    assert list(lasted) == [STARTING, WARMUP, IDLE, SYNC, RUNNING]
    assert lasted == pytest.approx({STARTING: 10.0, WARMUP: 60.0, IDLE: 30.0, SYNC: 15.0, RUNNING: 1.0})
    device.command("start_stop", 0)
    run(device, 20.0)
    assert device.state == STOPPING
    run(device, DT_S)
    assert device.state == READY


def test_2400_kw_after_about_two_minutes() -> None:
    device = chp()
    device.command("start_stop", 1)
    device.command("power_setpoint_percent", 60)
    seconds = 0.0
    while device.read("actual_power_kw") < 2400.0:
        device.advance(DT_S)
        seconds += DT_S
    assert seconds == pytest.approx(115.0 + 60.0 / 5.0, abs=0.2)
    assert device.read("actual_power_kw") == 2400.0
    assert device.read("heat_power_kw") == 2400.0


@pytest.mark.parametrize(
    ("percent", "load"), [(-5, 0), (0, 0), (1, 30), (30, 30), (75.5, 75.5), (100, 100), (110, 110), (400, 110)]
)
def test_the_load_is_none_or_within_its_limits(percent: float, load: float) -> None:
    assert started(percent).read("actual_power_percent") == pytest.approx(load)


def test_lags_settle_where_they_should() -> None:
    device = started(80.0, 1800.0, heat_to_power_ratio=1.2)
    wanted = {
        "engine_speed_rpm": 1500.0,
        "coolant_outlet_temp": 89.0,
        "coolant_inlet_temp": 81.0,
        "oil_temperature": 94.0,
        "exhaust_temp_after_catalyst": 450.0 * 0.9,
        "oil_pressure": 4.5,
        "charge_pressure": 1.6,
        "throttle_position": 80.0,
        "intake_air_temp": 25.0,
        "heat_power_kw": 3840.0,
    }
    assert {name: device.read(name) for name in wanted} == pytest.approx(wanted, rel=1e-4)


def test_lags_are_of_first_order() -> None:
    device = chp()
    device.command("start_stop", 1)
    run(device, 5.0)
    assert device.read("engine_speed_rpm") == pytest.approx(1500.0 * (1.0 - math.exp(-1.0)))
    assert device.read("oil_pressure") == pytest.approx(4.5 * (1.0 - math.exp(-2.5)))
    run(device, 55.0)
    assert device.read("coolant_outlet_temp") == pytest.approx(85.0 - 65.0 * math.exp(-1.0))
    assert device.read("exhaust_temp_after_catalyst") == pytest.approx(200.0 - 180.0 * math.exp(-4.0))


def test_the_step_hardly_matters() -> None:
    fine, coarse = started(70.0, 150.0), chp()
    coarse.command("power_setpoint_percent", 70.0)
    coarse.command("start_stop", 1)
    run(coarse, 150.0, dt_s=1.0)
    assert coarse.read("actual_power_kw") == pytest.approx(fine.read("actual_power_kw"))
    assert coarse.read("coolant_outlet_temp") == pytest.approx(fine.read("coolant_outlet_temp"), abs=0.2)


def test_flags() -> None:
    device = chp()
    flags = ("ignition_on", "starter_on", "prelube_pump_on", "preheat_on", "engine_running", "circuit_breaker_closed")
    device.command("power_setpoint_percent", 50)
    device.command("start_stop", 1)
    told = {}
    for _ in range(1200):
        device.advance(DT_S)
        told[device.state] = "".join(str(int(device.read(flag))) for flag in flags)
    assert told == {STARTING: "111000", WARMUP: "100110", IDLE: "100010", SYNC: "100010", RUNNING: "100011"}
    assert (device.read("auto_mode"), device.read("power_supply_failure")) == (1.0, 0.0)


def test_stopping_unloads_before_the_breaker_opens() -> None:
    device = started(110.0)
    device.command("start_stop", 0)
    run(device, 10.0)
    assert device.read("actual_power_percent") == pytest.approx(60.0)
    assert device.read("circuit_breaker_closed") == 1.0
    assert device.read("engine_speed_rpm") == pytest.approx(1500.0)
    run(device, 11.0)
    assert (device.state, device.read("circuit_breaker_closed")) == (STOPPING, 1.0)
    run(device, 1.2)  # 110 % needs 22 s
    assert (device.state, device.power_w, device.read("circuit_breaker_closed")) == (READY, 0.0, 0.0)
    run(device, 60.0)
    assert device.read("engine_speed_rpm") == pytest.approx(0.0, abs=0.1)


def test_a_stop_on_the_way_up() -> None:
    device = started(50.0, 40.0)
    device.command("start_stop", 0)
    run(device, 20.2)
    assert device.state == READY


def test_hours_and_starts_are_split() -> None:
    device = started(50.0, 115.0 + 7200.0, heat_to_power_ratio=0.0)
    assert (device.read("operating_hours"), device.read("start_counter")) == (2, 1)
    device.running_s += 10_003 * 3600.0
    device.starts += 20_006
    assert (device.read("operating_hours"), device.read("operating_hours_10000")) == (5, 1)
    assert (device.read("start_counter"), device.read("start_counter_10000")) == (7, 2)


def test_a_fault_is_acknowledged_with_the_magic_number_only_and_does_not_start_by_itself() -> None:
    device = started(50.0)
    device.command("fault", 1)
    device.advance(DT_S)
    assert (device.state, device.read("collective_fault"), device.read("permitted_power_percent")) == (FAULT, 1.0, 0.0)
    assert device.applied()["start_stop"] == 0.0
    device.command("remote_acknowledgment", 1234)
    device.command("start_stop", 1)
    device.advance(DT_S)
    assert device.state == FAULT
    device.command("remote_acknowledgment", 4321)
    run(device, 1.0)
    assert (device.state, device.applied()["remote_acknowledgment"]) == (READY, 0.0)
    device.command("start_stop", 1)
    run(device, 120.0)
    assert device.state == RUNNING


def test_an_emergency_stop_must_be_released_first() -> None:
    device = started(50.0)
    device.command("e_stop", 1)
    assert (device.power_w, device.read("e_stop_request")) == (0.0, 1.0)
    device.command("remote_acknowledgment", 4321)
    assert device.state == FAULT
    device.command("e_stop", 0)
    device.command("remote_acknowledgment", 4321)
    assert device.state == READY
