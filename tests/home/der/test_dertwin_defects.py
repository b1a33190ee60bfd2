"""The defects of dertwin, one test each, as far as they lie below the wire. Numbers as in docs/twin.md."""

import pytest

from nullwatt.home.der import DerSite, GridEvent, parse_site


def site(*assets: dict[str, object], **keys: object) -> DerSite:
    return DerSite(parse_site({"assets": list(assets), **keys}))


def sunny(**keys: object) -> DerSite:
    return site({"type": "inverter", **keys}, start_time_h=12.0, external_models={"power": {}})


def bess(**keys: object) -> tuple[DerSite, str]:
    return site({"type": "bess", **keys}), "bess-1"


def show(one: DerSite, name: str) -> float:
    (asset,) = one.assets.values()
    return asset.telemetry(name)


def tell(one: DerSite, steps: int = 1, **commands: float) -> None:
    (asset,) = one.assets.values()
    for name, value in commands.items():
        asset.command(name, value)
    one.step(steps)


def test_01_lossless_round_trip() -> None:
    one, _ = bess(round_trip_eff=0.8)
    tell(one, 18_000, start_stop_standby=1, active_power_setpoint=-20)
    charged, stored = show(one, "total_charge_energy"), show(one, "system_soc")
    assert stored == pytest.approx(50.0 + charged * 0.8**0.5, abs=0.01)
    while show(one, "system_soc") > 50.0:
        tell(one, 10, active_power_setpoint=20)
    assert show(one, "total_discharge_energy") == pytest.approx(0.8 * charged, rel=2e-3)


def test_02_a_setpoint_before_the_start_counts_and_survives_a_stop() -> None:
    one, _ = bess()
    tell(one, active_power_setpoint=10)
    assert show(one, "active_power") == 0.0
    tell(one, start_stop_standby=1)
    assert show(one, "active_power") == 10.0
    tell(one, 5, start_stop_standby=2)
    assert show(one, "active_power") == 0.0
    tell(one, start_stop_standby=1, active_power_setpoint=10)
    assert show(one, "active_power") == 10.0


def test_03_derating_does_not_latch() -> None:
    one, _ = bess(initial_soc=20.0)
    tell(one, 10, start_stop_standby=1, active_power_setpoint=10)
    assert show(one, "active_power") == 0.0
    tell(one, soc_lower_limit_1=10, soc_lower_limit_2=5)
    assert show(one, "active_power") == 10.0


def test_04_two_protocols_step_a_device_once() -> None:
    wires = [{"kind": "modbus_tcp", "port": 1}, {"kind": "modbus_rtu", "port": "/dev/x"}]
    two, one = site({"type": "bess", "protocols": wires}), site({"type": "bess"})
    for each in (two, one):
        tell(each, 36_000, start_stop_standby=1, active_power_setpoint=-5)
    assert show(two, "system_soc") == show(one, "system_soc") == pytest.approx(50.0 + 5.0 * 0.92**0.5, abs=0.01)


def test_05_standby_is_not_running() -> None:
    one, _ = bess()
    seen = []
    for mode in (1, 3, 1, 2):
        tell(one, start_stop_standby=mode)
        seen.append(show(one, "working_status"))
    assert seen == [1.0, 0.0, 1.0, 0.0]


def test_06_current_is_a_current_and_line_voltages_are_there() -> None:
    one, _ = bess()
    tell(one, 2, start_stop_standby=1, active_power_setpoint=20)
    assert show(one, "service_current") == pytest.approx(20_000 / show(one, "service_voltage"))
    assert 20_000 / 770 < show(one, "service_current") < 20_000 / 700
    assert [show(one, f"{pair}_line_voltage") for pair in ("a_b", "b_c", "c_a")] == [400.0] * 3


def test_07_a_large_value_is_what_it_is() -> None:
    """On the wire it saturates; see the tests of the servers."""
    one, _ = bess(max_charge_kw=1000.0)
    assert show(one, "max_charge_power") == 1000.0


def test_08_reset_and_acknowledge_clear_themselves() -> None:
    one, name = bess(initial_soc=0.0)
    one.step()
    for _ in range(2):  # the second, identical write works as well
        assert show(one, "fault_code") == 2001.0
        tell(one, fault_reset=1)
        assert (show(one, "fault_code"), one.applied(name)["fault_reset"]) == (0.0, 0.0)
        tell(one, system_soc=1)
        tell(one, system_soc=0)
    tell(one, local_remote_settings=1)  # no write of something else resets a fault
    assert show(one, "fault_code") == 2001.0
    chp = site({"type": "chp"})
    for _ in range(2):
        tell(chp, fault=1)
        assert show(chp, "unit_state") == 0.0
        tell(chp, start_stop=0)
        assert show(chp, "unit_state") == 0.0
        tell(chp, remote_acknowledgment=4321)
        assert (show(chp, "unit_state"), chp.applied("chp-1")["remote_acknowledgment"]) == (1.0, 0.0)


@pytest.mark.parametrize("command", ["remote_on_off", "active_power_rate"])
def test_09_pv_heeds_the_first_write(command: str) -> None:
    one = sunny()
    tell(one, 600, **{command: 0})
    assert show(one, "total_active_power") == 0.0


def test_09_pv_65535_percent_is_no_limit_that_is_known() -> None:
    one = sunny()
    tell(one, 600, active_power_rate=40)
    for wrong in (65535, 254, 101, -1, 50.5):
        with pytest.raises(ValueError, match="active_power_rate"):
            tell(one, active_power_rate=wrong)
    one.step()
    assert show(one, "total_active_power") == 4.0
    tell(one, 600, active_power_rate=255)
    assert show(one, "total_active_power") > 8.0


def test_10_chp_reaches_110_percent_with_the_breaker_closed() -> None:
    one = site({"type": "chp"})
    tell(one, 1500, start_stop=1, power_setpoint_percent=100)
    assert (show(one, "actual_power_percent"), show(one, "circuit_breaker_closed")) == (100.0, 1.0)
    tell(one, 100, power_setpoint_percent=110)
    assert show(one, "actual_power_percent") == pytest.approx(110.0)
    assert show(one, "actual_power_kw") == pytest.approx(4400.0)
    assert (show(one, "circuit_breaker_closed"), show(one, "collective_warning")) == (1.0, 1.0)


def test_10_chp_gives_nothing_at_0_rpm_after_a_fault() -> None:
    one = site({"type": "chp"})
    tell(one, 1500, start_stop=1, power_setpoint_percent=80)
    tell(one, fault=1)
    names = ("engine_speed_rpm", "throttle_position", "actual_power_kw", "heat_power_kw", "circuit_breaker_closed")
    assert [show(one, name) for name in names] == [0.0] * 5


def test_10_chp_coolant_inlet_is_never_colder_than_the_air() -> None:
    one = site({"type": "chp"})
    for _ in range(300):
        tell(one, start_stop=1)
        assert 20.0 <= show(one, "coolant_inlet_temp") <= show(one, "coolant_outlet_temp")


@pytest.mark.parametrize("key", ["nominal_voltage_ll", "nominal_v_ll"])
def test_11_both_names_of_the_nominal_voltage(key: str) -> None:
    one = site({"type": "inverter"}, external_models={"grid_voltage": {key: 415.0}})
    one.step()
    assert show(one, "phase_neutral_voltage_1") == pytest.approx(415.0 / 3**0.5)


def test_12_meter_values_of_all_phases_and_a_seed() -> None:
    meters = [site({"type": "energy_meter"}) for _ in range(2)]
    for one in meters:
        one.step(50)
    names = [f"phase_{name}_{p}" for name in ("current", "apparent_power", "reactive_power") for p in "abc"]
    assert all(show(meters[0], name) > 0.0 for name in names)
    assert [show(meters[0], name) for name in names] == [show(meters[1], name) for name in names]


def test_13_a_ramp_of_no_duration() -> None:
    one = site({"type": "energy_meter"})
    one.add_grid_event("frequency", GridEvent(0.5, 0.0, 1.0, "ramp"))
    for _ in range(10):
        one.step()
        assert show(one, "grid_frequency") == 50.0


def test_16_no_id_comes_twice_after_a_remove() -> None:
    one = site({"type": "bess"}, {"type": "bess"})
    one.remove_asset("bess-1")
    assert one.add_asset({"type": "bess"}).asset_id not in ("bess-1", "bess-2")
    assert len(one.assets) == 2


def test_17_the_energy_of_the_day_starts_anew_at_midnight() -> None:
    one = site({"type": "inverter"}, start_time_h=17.0, step=10.0, external_models={"power": {}})
    one.step(7 * 360)
    first = show(one, "today_output_energy")
    assert first > 0.1
    one.step(360)
    assert show(one, "today_output_energy") == 0.0
    one.step(16 * 360)
    assert show(one, "lifetime_output_energy") == pytest.approx(first + show(one, "today_output_energy"))
    assert show(one, "today_output_energy") > first


def test_17_state_of_health_is_capacity() -> None:
    wide = {"lower_1": 0.0, "lower_2": 0.0, "upper_1": 100.0, "upper_2": 100.0}
    small = {"type": "bess", "capacity_kwh": 0.01, "round_trip_eff": 1.0, "internal_resistance": 0.0}
    one = site({**small, "soc_limits": wide}, step=10.0)
    while show(one, "system_soh") > 90.0:  # 2000 cycles
        tell(one, 1, start_stop_standby=1, fault_reset=1, active_power_setpoint=20)
        tell(one, 1, fault_reset=1, active_power_setpoint=-20)
    assert show(one, "charge_and_discharge_cycles") == pytest.approx(2000.0, rel=1e-3)
    full = show(one, "total_discharge_energy")
    tell(one, 2, fault_reset=1, active_power_setpoint=20)
    assert show(one, "total_discharge_energy") - full == pytest.approx(0.009, rel=1e-3)
