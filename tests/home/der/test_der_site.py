"""The site: order of a step, commands, books, assets that come and go, determinism, clocks."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import House, HouseConfig, Ledger, SteppedClock, SunConfig, drive
from nullwatt.home.der import Bess, BessConfig, DerSite, EnergyMeter, GridEvent, InverterConfig, Pv, parse_site

FULL = {
    "start_time_h": 9.0,
    "external_models": {
        "power": {"base_load_w": 8000},
        "grid_frequency": {"noise_std": 0.01, "drift_std": 0.001},
        "grid_voltage": {"noise_std": 0.5, "drift_std": 0.05},
    },
    "assets": [
        {"type": "bess"},
        {"type": "bess", "asset_id": "second", "capacity_kwh": 2.0},
        {"type": "inverter"},
        {"type": "chp", "rated_kw": 50.0, "warmup_s": 1.0, "idle_s": 1.0, "sync_s": 1.0, "starting_s": 1.0},
        {"type": "energy_meter"},
    ],
}


def site(**keys: object) -> DerSite:
    return DerSite(parse_site({**FULL, **keys}))


def trace(one: DerSite, steps: int) -> list[float]:
    values = []
    for _ in range(steps):
        one.step()
        for asset in one.assets.values():
            values += asset.device.telemetry().values()
    return values


def test_a_command_works_in_the_next_step_and_is_written_back() -> None:
    one = site()
    one.command("bess-1", "start_stop_standby", 1)
    one.command("bess-1", "active_power_setpoint", 7.5)
    one.command("inverter-1", "active_power_rate", 255)
    assert one.applied("bess-1")["active_power_setpoint"] == 0.0
    one.step()
    assert one.applied("bess-1")["active_power_setpoint"] == 7.5
    assert one.applied("inverter-1")["active_power_rate"] == 100.0
    assert one.assets["bess-1"].telemetry("active_power") == 7.5


def test_commands_keep_their_order_and_a_wrong_one_does_not_wait() -> None:
    one = site()
    asset = one.assets["bess-1"]
    asset.command("start_stop_standby", 1)
    asset.command("active_power_setpoint", 5)
    asset.command("active_power_setpoint", 6)
    with pytest.raises(ValueError, match=r"^bess-1: active_power_setpoint"):
        asset.command("active_power_setpoint", math.inf)
    with pytest.raises(ValueError, match="there is no asset 'bess-7'"):
        one.command("bess-7", "fault_reset", 1)
    one.step()
    assert asset.telemetry("active_power") == 6.0
    with pytest.raises(KeyError):
        asset.telemetry("nothing")


def test_the_balance_is_that_of_the_step_before() -> None:
    one = DerSite(parse_site({"step": 1.0, "assets": [{"type": "energy_meter"}, {"type": "bess"}]}))
    one.command("bess-1", "start_stop_standby", 1)
    one.command("bess-1", "active_power_setpoint", 20)
    seen = []
    for _ in range(3):
        one.step()
        seen.append((one.assets["energy_meter-1"].telemetry("total_active_power"), one.grid_w))
    assert seen == [
        (pytest.approx(5.0), -15_000.0),
        (pytest.approx(-15.0), -15_000.0),
        (pytest.approx(-15.0), -15_000.0),
    ]
    assert one.import_kwh == pytest.approx(5.0 / 3600.0)
    assert one.export_kwh == pytest.approx(30.0 / 3600.0)
    assert one.assets["energy_meter-1"].telemetry("total_export_energy") == pytest.approx(one.export_kwh)
    assert one.power == (-15_000.0, 5000.0, 20_000.0, 0.0, 0.0)


def test_time_is_exact_over_days() -> None:
    one = DerSite(parse_site({"step": 0.1}))
    one.step(864_000)
    assert one.now_s == 86_400.0


def test_same_seed_same_trace() -> None:
    def run(**keys: object) -> list[float]:
        one = site(**keys)
        one.command("second", "start_stop_standby", 1)
        one.command("second", "active_power_setpoint", -3)
        return trace(one, 200)

    assert run() == run(seed=1)
    assert run() != run(seed=2)
    own = {**FULL["external_models"], "grid_frequency": {"noise_std": 0.01, "seed": 5}}  # type: ignore[dict-item]
    assert run(external_models=own, seed=1) != run(external_models=own, seed=2)  # the rest is of the site's seed


async def test_it_is_driven_by_a_clock_as_it_is_stepped() -> None:
    driven, stepped = site(), site()
    clock = SteppedClock()
    clock.advance(30.0)
    await drive(driven, clock, 30.0)
    stepped.step(300)
    assert driven.now_s == stepped.now_s == pytest.approx(30.0)
    assert trace(driven, 3) == trace(stepped, 3)
    with pytest.raises(ValueError, match="cannot go from"):
        driven.advance_to(1.0)


def test_assets_come_and_go_and_no_id_comes_twice() -> None:
    one = site()
    first = one.assets["bess-1"]
    assert one.add_asset({"type": "bess", "asset_id": "bess-1", "capacity_kwh": 7}) is first
    assert one.remove_asset("bess-1") and not one.remove_asset("bess-1")
    assert one.add_asset({"type": "bess"}).asset_id == "bess-2"
    assert one.add_asset({"type": "bess", "asset_id": "bess-3"}).asset_id == "bess-3"
    assert one.add_asset({"type": "bess"}).asset_id == "bess-4"
    assert one.add_asset({"type": "bess", "asset_id": "bess-1"}) is not first
    one.step(5)
    assert list(one.assets)[-4:] == ["bess-2", "bess-3", "bess-4", "bess-1"]


def test_an_id_that_comes_later_in_the_file_is_not_given_away() -> None:
    one = DerSite(parse_site({"assets": [{"type": "bess"}, {"type": "bess", "asset_id": "bess-1"}]}))
    assert list(one.assets) == ["bess-2", "bess-1"]


def test_what_is_removed_gives_nothing_more_and_stays_in_the_books() -> None:
    one = DerSite(parse_site({"assets": [{"type": "bess"}]}))
    one.command("bess-1", "start_stop_standby", 1)
    one.command("bess-1", "active_power_setpoint", 5)
    one.step(100)
    one.remove_asset("bess-1")
    assert one.grid_w == 5000.0
    one.step(100)
    assert one.ledger.devices["bess-1"].bus_j == pytest.approx(5000.0 * 10.0)
    assert one.ledger.import_j == pytest.approx(5000.0 * 10.0)
    assert one.ledger.leak_j < 1e-9 * one.ledger.throughput_j


COMMANDS = st.one_of(
    st.tuples(st.sampled_from(["bess-1", "second"]), st.just("start_stop_standby"), st.sampled_from([1, 1, 1, 2, 3])),
    st.tuples(st.sampled_from(["bess-1", "second"]), st.just("active_power_setpoint"), st.floats(-40, 40)),
    st.tuples(
        st.just("second"),
        st.sampled_from(["soc_upper_limit_1", "soc_upper_limit_2", "soc_lower_limit_1", "soc_lower_limit_2"]),
        st.floats(0, 100),
    ),
    st.tuples(st.just("second"), st.sampled_from(["system_soc"]), st.floats(0, 100)),
    st.tuples(st.just("second"), st.just("fault_reset"), st.just(1)),
    st.tuples(st.just("inverter-1"), st.just("active_power_rate"), st.sampled_from([0, 40, 100, 255])),
    st.tuples(st.just("inverter-1"), st.just("remote_on_off"), st.sampled_from([0, 1])),
    st.tuples(st.just("chp-1"), st.sampled_from(["start_stop", "fault"]), st.sampled_from([0, 1])),
    st.tuples(st.just("chp-1"), st.just("power_setpoint_percent"), st.floats(-10, 130)),
    st.tuples(st.just("chp-1"), st.just("remote_acknowledgment"), st.just(4321)),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(COMMANDS, st.integers(1, 60)), max_size=15),
    st.sampled_from([0.1, 1.0, 7.0, 60.0]),
    st.booleans(),
)
def test_the_books_balance_whatever_it_is_told(
    script: list[tuple[tuple[str, str, float], int]], step: float, every: bool
) -> None:
    one = site(step=step)
    for (asset, name, value), steps in script:
        one.command(asset, name, value)
        for _ in range(steps):
            one.step()
            if every:
                assert one.ledger is not None  # closes the account of this very step
    ledger = one.ledger
    assert ledger.leak_j <= 1e-9 * (ledger.throughput_j + 1.0)
    assert abs(ledger.balance_j) <= 1e-9 * (ledger.throughput_j + 1.0)
    for asset in one.assets.values():
        assert all(map(math.isfinite, asset.device.telemetry().values()))
        assert asset.kind != "bess" or 0.0 <= asset.telemetry("system_soc") <= 100.0 + 1e-9


def test_books_do_not_depend_on_when_they_are_read() -> None:
    seldom, often = (
        site(external_models={"power": {"base_load_w": 500}}),
        site(external_models={"power": {"base_load_w": 500}}),
    )
    for one in (seldom, often):
        one.command("bess-1", "start_stop_standby", 1)
        for index in range(90):
            one.command("bess-1", "active_power_setpoint", (-1) ** index)
            one.step(10)
            assert one is seldom or one.ledger.ticks == index + 1
    assert seldom.ledger.import_j == pytest.approx(often.ledger.import_j)
    assert seldom.ledger.export_j == pytest.approx(often.ledger.export_j)
    assert seldom.ledger.export_j > 20e3


def test_a_loss_is_booked_for_what_it_is() -> None:
    one = DerSite(parse_site({"assets": [{"type": "bess", "round_trip_eff": 0.64}]}))
    one.command("bess-1", "start_stop_standby", 1)
    one.command("bess-1", "active_power_setpoint", -10)
    one.step(36_000)
    books = one.ledger.devices["bess-1"]
    assert books.loss_j == pytest.approx(10e3 * 3600.0 * 0.2)
    assert books.stored_j == pytest.approx(10e3 * 3600.0 * 0.8)
    assert one.ledger.import_j == pytest.approx(15e3 * 3600.0)
    assert one.ledger.devices["base load"].sink_j == pytest.approx(5e3 * 3600.0)


def test_a_dip_of_the_grid_trips_the_inverter_and_the_battery_sees_it() -> None:
    one = site(start_time_h=12.0, external_models={"power": {}}, step=1.0)
    one.step(60)
    one.add_grid_event("voltage", GridEvent(60.0, 5.0, -0.24))
    one.add_grid_event("frequency", GridEvent(70.0, 5.0, 4.0))
    faults = []
    for _ in range(20):
        one.step()
        faults.append(one.assets["inverter-1"].telemetry("fault_code"))
        if one.ticks == 63:
            assert one.assets["bess-1"].telemetry("a_b_line_voltage") == pytest.approx(304.0)
    # The voltage comes first: 400 V, then out, back, the frequency out, back.
    assert faults == [1.0] * 5 + [0.0] * 5 + [2.0] * 5 + [0.0] * 5
    with pytest.raises(ValueError, match="must be frequency or voltage"):
        one.add_grid_event("current", GridEvent(1.0, 1.0, 1.0))  # type: ignore[arg-type]


def test_the_devices_work_in_a_house() -> None:
    ledger = Ledger()
    house = House(HouseConfig(noise_w=0.0, base_load_w=(900.0, 0.0, 0.0), sun=SunConfig(max_w=0.0)), ledger=ledger)
    around = house.surroundings
    battery = Bess("store", BessConfig(max_discharge_kw=3.0), around)
    house.add_device(battery)
    house.add_device(Pv("roof", InverterConfig(rated_kw=6.0), around))
    house.add_device(EnergyMeter("m", around))
    around.irradiance_w_m2 = 500.0
    battery.command("start_stop_standby", 1)
    battery.command("active_power_setpoint", 3.0)
    house.advance_to(60.0)
    pv_w = house.device("roof").power_w
    assert house.grid_w() == pytest.approx((900.0 - 1000.0 - pv_w / 3, -1000.0 - pv_w / 3, -1000.0 - pv_w / 3))
    assert house.device("m").telemetry()["phase_active_power_a"] == pytest.approx(house.grid_w()[0] / 1e3, rel=1e-3)
    assert ledger.leak_j < 1e-9 * ledger.throughput_j


def test_the_tables_and_the_values_agree() -> None:
    for asset in site().assets.values():
        device = asset.device
        assert set(device.quantities) == set(device.telemetry())
        assert set(device.applied()) <= set(device.commands)
        assert all(device.read(name) == value for name, value in device.telemetry().items())
        assert all(name not in device.quantities and device.read(name) is not None for name in device.ALIASES)


# Names of the registers that are read and internal names of those that are written; a, b, c for each phase.
REGISTERS = {
    "bess": (
        "working_status active_power available_charging_power available_discharging_power grid_frequency "
        "a_b_line_voltage b_c_line_voltage c_a_line_voltage grid_voltage_ab grid_voltage_bc grid_voltage_ca "
        "max_charge_power max_discharge_power reactive_power apparent_power service_voltage service_current system_soc "
        "system_soh total_charge_energy total_discharge_energy charge_and_discharge_cycles fault_code "
        "battery_temperature on_grid_power",
        "start_stop_standby local_remote_settings power_control_mode fault_reset active_power_setpoint "
        "soc_upper_limit_2 soc_upper_limit_1 soc_lower_limit_1 soc_lower_limit_2 working_mode",
    ),
    "inverter": (
        "inverter_status total_input_power total_active_power grid_frequency phase_neutral_voltage_1 "
        "phase_neutral_voltage_2 phase_neutral_voltage_3 today_output_energy lifetime_output_energy temp_inverter "
        "power_factor fault_code active_power_rate_status",
        "remote_on_off active_power_rate reactive_power_rate power_factor_setpoint",
    ),
    "chp": (
        "auto_mode e_stop_request collective_warning collective_fault engine_running circuit_breaker_closed "
        "power_supply_failure ignition_on starter_on prelube_pump_on preheat_on oil_pressure oil_temperature "
        "intake_air_temp throttle_position engine_speed_rpm actual_power_percent actual_power_kw "
        "permitted_power_percent heat_power_kw exhaust_temp_after_catalyst coolant_outlet_temp coolant_inlet_temp "
        "charge_pressure unit_state start_counter start_counter_10000 operating_hours operating_hours_10000",
        "start_stop power_setpoint_percent remote_acknowledgment parameterizable_regulator_setpoint",
    ),
    "energy_meter": (
        "total_active_power total_reactive_power total_power_factor grid_frequency total_import_energy "
        "current_demand_kw max_demand_kw total_export_energy "
        + " ".join(
            f"phase_{name}_{letter}"
            for name in ("voltage", "current", "active_power", "import_energy", "export_energy")
            for letter in "abc"
        )
        + " apparent_power_a phase_apparent_power_b reactive_power_c phase_reactive_power_a",
        "current_transformer_ratio voltage_transformer_ratio interval_time",
    ),
}


@pytest.mark.parametrize("kind", list(REGISTERS))
def test_every_register_has_its_value_or_its_command(kind: str) -> None:
    read, written = REGISTERS[kind]
    (asset,) = DerSite(parse_site({"assets": [{"type": kind}]})).assets.values()
    assert all(math.isfinite(asset.telemetry(name)) for name in read.split())
    assert set(written.split()) <= set(asset.device.commands)
    assert set(written.split()) <= set(asset.applied())
