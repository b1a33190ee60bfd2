import re
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import yaml

from nullwatt.serve.modbus import (
    SHIPPED,
    SHIPPED_FOLDER,
    RegisterMapError,
    find_register_map,
    load_register_map,
    parse_register_map,
    shipped_register_map,
)

# The tables of the reference, as they were noted: name address [type] [xscale] [FCn], where what ends an entry holds
# for all its names; a/b/c are three registers.
TABLES = {
    "bess": (
        """working_status 10050 x1; active_power 10059 i32 x.1; available_charging_power 10130 u32 x1;
        available_discharging_power 10132 u32 x1; grid_frequency 10245 x.01;
        a_b_line_voltage 10250 x.1 =grid_voltage_ab; b_c_line_voltage 10251 x.1 =grid_voltage_bc;
        c_a_line_voltage 10252 x.1 =grid_voltage_ca; max_charge_power 10272 x.01; max_discharge_power 10273 x.01;
        reactive_power 10281 i32 x.1; apparent_power 10283 i32 x.1; service_voltage 32000 x.1;
        service_current 32001 i16 x.1; system_soc 32002 x.1; system_soh 32004 x1; total_charge_energy 32013 x.1;
        total_discharge_energy 32014 x.1; charge_and_discharge_cycles 32021 x.1; fault_code 32108 x1;
        battery_temperature 32184 i16 x.1; on_grid_power 10126 i32 x.1 FC03""",
        """start_stop_standby 10055, local_remote_settings 10057, power_control_mode 10125, fault_reset 11004 FC06;
        on_grid_power_setpoint 10126 i32 x.1 FC16 =active_power_setpoint;
        soc_upper_limit_2 10325, soc_upper_limit_1 10327, soc_lower_limit_1 10330, soc_lower_limit_2 10332 x.1 FC16""",
    ),
    "inverter": (
        """inverter_status 0 x1; total_input_power 1 u32 x.1; total_active_power 35 u32 x.1; grid_frequency 37 x.01;
        phase_neutral_voltage_1 38, phase_neutral_voltage_2 42, phase_neutral_voltage_3 46 x.1;
        today_output_energy 53 u32 x.1; lifetime_output_energy 55 u32 x.1; temp_inverter 93 i16 x.1;
        power_factor 100 x1; fault_code 105 x1""",
        "remote_on_off 0, active_power_rate 3, reactive_power_rate 4, power_factor_setpoint 5 FC06",
    ),
    "chp": (
        """auto_mode 10001, e_stop_request 10024, collective_warning 10028, collective_fault 10029,
        engine_running 10034, circuit_breaker_closed 10036, power_supply_failure 10134, ignition_on 10161,
        starter_on 10162, prelube_pump_on 10164, preheat_on 10165 FC02;
        oil_pressure 30203 x.01; oil_temperature 30205 i16 x.1; intake_air_temp 30214 i16 x.1;
        throttle_position 30222 x.1; engine_speed_rpm 30223 x.1; actual_power_percent 30226 x.1;
        actual_power_kw 30227 i32 x.01; permitted_power_percent 30230 x.1; heat_power_kw 30231 i32 x.01;
        exhaust_temp_after_catalyst 30237 i16 x1; coolant_outlet_temp 30241, coolant_inlet_temp 30242 i16 x.1;
        charge_pressure 30246 x.01; unit_state 30279; start_counter 30282, start_counter_10000 30283;
        operating_hours 30284, operating_hours_10000 30285""",
        """start_stop 41001 FC06; power_setpoint 41025 x.1 FC06 =power_setpoint_percent;
        remote_acknowledgment 41030, parameterizable_regulator_setpoint 41031 FC06""",
    ),
    "energy_meter": (
        """phase_voltage 0/2/4 i32 x.1; phase_current 12/14/16 i32 x.001;
        phase_active_power 18/20/22, apparent_power 24/26/28, reactive_power 30/32/34 i32 x.0001;
        total_active_power 40, total_reactive_power 44 i32 x.0001; total_power_factor 49 i16 x.001;
        grid_frequency 51 x.1; total_import_energy 52 u32 x.1; current_demand_kw 56, max_demand_kw 58 u32 x.0001;
        phase_import_energy 64/66/68, phase_export_energy 70/72/74 u32 x.1; total_export_energy 78 u32 x.1""",
        """current_transformer_ratio 4099 u32 x.1 FC06; voltage_transformer_ratio 4101 u32 x.1 FC06;
        interval_time 4112 u32 x1 FC06""",
    ),
}
TYPES = {"i16": "int16", "i32": "int32", "u32": "uint32"}


def noted(kind: str) -> set[tuple[Any, ...]]:
    found = set()
    for direction, table in zip(("read", "write"), TABLES[kind], strict=True):
        for entry in table.split(";"):
            of_type, scale, func, internal = "uint16", 1.0, 4, None
            for word in entry.split():
                of_type = TYPES.get(word, of_type)
                scale = float(word[1:]) if re.fullmatch(r"x[\d.]+", word) else scale
                func = int(word[2:]) if re.fullmatch(r"FC\d\d", word) else func
                internal = word[1:] if word.startswith("=") else internal
            for name, addresses in re.findall(r"([a-z]\w*) (\d+(?:/\d+)*)", entry):
                several = addresses.split("/")
                names = [f"{name}_{phase}" for phase in "abc"] if len(several) == 3 else [name]
                for each, address in zip(names, several, strict=True):
                    found.add((direction, each, internal or each, int(address), func, of_type, scale, "big"))
    return found


@pytest.mark.parametrize("kind", SHIPPED)
def test_shipped_maps_are_the_tables(kind: str) -> None:
    registers = shipped_register_map(kind)
    assert {
        (each.direction, each.name, each.internal_name, each.address, each.func, *astuple(each.codec))
        for each in registers
    } == noted(kind)
    assert len(registers.registers) == len(noted(kind))


def good(**changes: Any) -> dict[str, Any]:
    register = {"name": "soc", "internal_name": "soc", "address": 10, "func": 4, "direction": "read"}
    register |= {"type": "uint16", "count": 1, "scale": 0.1, "endian": "big", "unit": "%"}
    register |= {"options": {1: "a"}, "description": "State of charge."}
    return {key: value for key, value in (register | changes).items() if value is not ...}


@pytest.mark.parametrize(
    "registers, line",
    [
        ([good(), good(address=11)], 'soc: name = "soc": must be unique, another register has this name'),
        ([good(), good(name="b")], "register b: address = 10: must be unique per direction, soc has address 10"),
        (
            [good(), good(name="b", func=3)],
            "register b: address = 10: must be unique per direction, soc has address 10",
        ),
        (
            [good(type="int32", count=2), good(name="b", address=11)],
            "register b: address = 11: must be unique per direction, soc has address 11",
        ),
        ([good(direction="in")], "soc: direction = \"in\": must be 'read' or 'write'"),
        ([good(endian="middle")], "soc: endian = \"middle\": must be 'big' or 'little'"),
        ([good(type="float")], "soc: type = \"float\": must be 'uint16', 'int16', 'uint32' or 'int32'"),
        ([good(func=7)], "soc: func = 7: must be 2, 3, 4, 6 or 16"),
        ([good(func=6)], "soc: func = 6: must be 2, 3 or 4 for the direction read"),
        ([good(direction="write")], "soc: func = 4: must be 6 or 16 for the direction write"),
        ([good(count=2)], "soc: count = 2: must be 1 for the type uint16"),
        ([good(type="uint32")], "soc: count = 1: must be 2 for the type uint32"),
        ([good(count=...)], "soc: count: required key is missing"),
        ([good(func=2, type="int32", count=2)], 'soc: type = "int32": must be uint16 or int16'),
        ([good(scale=0)], "soc: scale = 0.0: must not be 0"),
        ([good(scale=float("nan"))], "soc: scale = NaN: must be a finite number"),
        ([good(scale="0.1")], 'soc: scale = "0.1": must be a number'),
        ([good(address=65536)], "soc: address = 65536: must be less than or equal to 65535"),
        ([good(address=65535, type="int32", count=2)], "soc: address = 65535: must be at most 65534"),
        ([good(address=True)], "soc: address = true: must be a whole number"),
        ([good(adress=1)], 'soc: adress = 1: unknown key, did you mean "address"?'),
        ([good(name="")], 'register number 1: name = "": must not be empty'),
        ([7], "register number 1: must be an object with the key name, not 7"),
        ([], "registers = []: must not be empty"),
    ],
)
def test_mistakes_are_one_line_each(tmp_path: Path, registers: list[Any], line: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(yaml.safe_dump({"registers": registers}))
    with pytest.raises(RegisterMapError) as error:
        load_register_map(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    assert line in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "register: []", "registers: 3", "registers: [", "registers: {a: 1}"])
def test_what_is_no_map_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(RegisterMapError, match=re.escape(str(path))):
        load_register_map(path)
    with pytest.raises(RegisterMapError, match="cannot be read"):
        load_register_map(tmp_path / "none.yaml")


def test_defaults_and_other_keys_beside_the_registers() -> None:
    entry = good(internal_name=..., scale=..., endian=..., unit=..., options=..., description=...)
    (register,) = parse_register_map({"version": 1, "registers": [entry]})
    assert (register.internal_name, register.codec.scale, register.codec.endian) == ("soc", 1.0, "big")


def test_same_address_may_be_read_and_written() -> None:
    write = good(name="set", direction="write", func=16)
    assert len(parse_register_map({"registers": [good(), write]}).registers) == 2


def test_which_map_an_asset_has(tmp_path: Path) -> None:
    own = tmp_path / "chp_modbus.yaml"
    shipped = str(SHIPPED_FOLDER / "chp_modbus.yaml")
    assert find_register_map("chp", None, tmp_path / "whatever").file == shipped
    assert find_register_map("chp", "chp_modbus.yaml", own).file == shipped
    own.write_text(yaml.safe_dump({"registers": [good()]}))
    assert find_register_map("chp", "chp_modbus.yaml", own).file == str(own)
    with pytest.raises(RegisterMapError, match=r"mine\.yaml: cannot be read"):
        find_register_map("chp", "mine.yaml", tmp_path / "mine.yaml")
