"""From the blocks of the YAML to the firmware: what is generated, what is left out, and that every value arrives."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nullwatt.battery import decode_frame, encode_frame
from nullwatt.core import options

# The configuration of somebody who comes from AstraMeter and has set every key, none to its default.
EVERY_KEY = """
ct_type: hme-3
ct_mac: "02:B2:50-12-AB-CD"
wifi_rssi: -61
active_control: false
max_sensor_age: 45s
consumer_ttl: 2min
dedupe_window: 150ms
filters:
  hampel: {window: 9, n_sigma: 2.5, min_threshold: 60}
  smoothing: {alpha: 0.4, max_step: 700}
  deadband: {deadband: 12}
  pid: {kp: 0.5, ki: 0.02, kd: -0.01, output_max: 900, mode: REPLACE}
balancer:
  fair_distribution: false
  balance_gain: 0.25
  balance_deadband: 30
  error_boost_threshold: 160
  error_boost_max: 0.6
  error_reduce_threshold: 22
  max_correction_per_step: 90
  max_target_step: 400
  pace_base_step: 35
  pace_max_step: 120
  osc_damp_max: 0.9
  osc_damp_alpha: 0.35
  osc_damp_decay: 0.06
  osc_damp_threshold: 310
  min_efficient_power: 150
  probe_min_power: 85
  efficiency_rotation_interval: 20min
  efficiency_fade_alpha: 0.2
  efficiency_saturation_threshold: 0.5
  efficiency_demand_alpha: 0.15
  min_dc_output: 40
  grid_predict_trust: 0.6
  concentrate_deadband: 65
  import_trim_w: 16
saturation:
  enabled: false
  alpha: 0.2
  min_target: 25
  decay_factor: 0.99
  grace_seconds: 100s
  stall_timeout_seconds: 70s
"""
# Keys that AstraMeter does not have.
OURS = """
balancer:
  steering: gentle
  grid_target: -15
  peak_shaving_threshold: 2500
  min_efficient_charge: 160
  min_efficient_discharge: 170
"""
# How a validated value reads in the core.
IN_CORE = {"HME-3": "HME-3", "hme-3": "HME-3", "02:B2:50-12-AB-CD": "02b25012abcd", "REPLACE": "replace"}
SENSORS = """
sensor:
  - {platform: template, id: l1, unit_of_measurement: W}
"""
ESP32 = "esp32: {variant: esp32c3}\nwifi: {ssid: a, password: bbbbbbbb}"
PARTS = ("hampel", "smoothing", "deadband", "pid", "efficiency")
FILTERS = {
    "hampel": "filters: {hampel: {}}",
    "smoothing": "filters: {smoothing: {alpha: 0.5}}",
    "deadband": "filters: {deadband: {deadband: 10}}",
    "pid": "filters: {pid: {kp: 1}}",
}
EFFICIENT = ("min_efficient_power", "min_efficient_charge", "min_efficient_discharge")
TABLE = options()


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|min)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1.0, "min": 60.0}[unit]


def flat(block: dict[str, Any]) -> dict[str, Any]:
    """Option -> value, from the keys as they stand in the YAML."""
    found = {key: value for key, value in block.items() if not isinstance(value, dict)}
    found |= block.get("balancer", {})
    found |= {f"saturation_{key}": value for key, value in block.get("saturation", {}).items()}
    for stage, keys in block.get("filters", {}).items():
        found |= {key if key == stage else f"{stage}_{key}": value for key, value in keys.items()}
    return found


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.strip().splitlines())


class Generated:
    """What ESPHome makes of a configuration before it compiles."""

    def __init__(self, folder: Path) -> None:
        source = folder / "src"
        self.main = (source / "main.cpp").read_text()
        self.calls = re.findall(r"^  ct002_ct002component_id->(set_\w+\(.*\));$", self.main, re.MULTILINE)
        self.core = {path.name for path in (source / "esphome" / "components" / "ct002_core").iterdir()}
        self.flags = set(re.findall(r"-D(CT002_\w+)", (folder / "CMakeLists.txt").read_text()))


@pytest.fixture(scope="module")
def generate(esphome: Any, host_node: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Generates the code of a node: generate(lines of the ct002 block, rest of the file)."""
    made: dict[tuple[str, str], Generated] = {}

    def make(block: str, rest: str = "") -> Generated:
        if (block, rest) not in made:
            folder = tmp_path_factory.mktemp("generated")
            file = folder / "node.yaml"
            text = host_node("node", f"{SENSORS}{rest.removeprefix('sensor:\n')}")
            text += f"ct002:\n  power_sensor_l1: l1\n{indented(block)}"
            file.write_text(text.replace("host:", ESP32))
            outcome = esphome.run("compile", "--only-generate", file)
            assert outcome.code == 0, outcome.text
            made[block, rest] = Generated(folder / ".esphome" / "build" / "node")
        return made[block, rest]

    return make


def without_numbers(calls: list[str]) -> list[str]:
    return [re.sub(r"-?\d[\d.]*f?", "#", call) for call in calls if not call.startswith("set_changed_options")]


# -- generated conditionally -----------------------------------------------------------------


def test_nothing_configured_leaves_everything_out(generate: Any) -> None:
    plain = generate("")
    assert plain.flags == {f"CT002_NO_{part.upper()}" for part in PARTS}
    assert not plain.core & {"hampel.cpp", "smoothing.cpp", "pid.cpp", "efficiency.cpp"}
    assert not any(call.startswith("set_changed_options") for call in plain.calls)


@pytest.mark.parametrize("stage", FILTERS)
def test_block_brings_its_filter_and_nothing_else(generate: Any, stage: str) -> None:
    plain, filtered = generate(""), generate(FILTERS[stage])
    assert plain.flags - filtered.flags == {f"CT002_NO_{stage.upper()}"}
    assert filtered.flags < plain.flags
    assert filtered.core - plain.core == ({f"{stage}.cpp"} if stage != "deadband" else set())
    # The other calls are the same, in the same order.
    assert [call for call in filtered.calls if call in plain.calls] == plain.calls
    added = [call for call in filtered.calls if call not in plain.calls]
    assert all(call.startswith((f"set_{stage}", "set_changed_options")) for call in added)


@pytest.mark.parametrize("key", EFFICIENT)
def test_efficiency_mode_comes_with_a_least_power(generate: Any, key: str) -> None:
    assert "CT002_NO_EFFICIENCY" in generate("balancer: {min_efficient_power: 0}").flags
    efficient = generate(f"balancer: {{{key}: 100}}")
    assert "CT002_NO_EFFICIENCY" not in efficient.flags
    assert "efficiency.cpp" in efficient.core


@pytest.mark.parametrize(
    "text",
    [
        "number:\n  - {platform: ct002, min_efficient_power: }\n",
        "number:\n  - {platform: ct002, min_efficient_power: {name: a, max_value: 300}}\n",
    ],
)
def test_efficiency_mode_comes_with_an_entity_for_it(generate: Any, text: str) -> None:
    assert "CT002_NO_EFFICIENCY" not in generate("", text).flags
    assert "CT002_NO_EFFICIENCY" in generate("", text.replace("min_efficient_power", "grid_target")).flags


def test_entities_change_nothing_else(generate: Any) -> None:
    plain = generate("")
    shown = generate("", "sensor:\n  - {platform: ct002, grid_power: }\n  - {platform: ct002, battery: 2, power: }\n")
    assert plain.flags == shown.flags and plain.core == shown.core
    assert [call for call in shown.calls if call in plain.calls] == plain.calls
    # Battery 2 is the second one that turns up: there is a place for the first, too.
    assert "add_place(2)" in shown.main and "add_place(1)" in shown.main


def test_test_channel_finds_everything_there(generate: Any) -> None:
    assert generate("test_control_port: 12346").flags == set()


def test_values_are_nothing_but_constants(generate: Any) -> None:
    one = generate("filters: {hampel: {}, pid: {kp: 0.1}, deadband: {deadband: 5}}")
    other = generate("filters: {hampel: {window: 9, n_sigma: 2}, pid: {ki: 1, output_max: 1}, deadband: {deadband: 0}}")
    assert one.flags == other.flags
    assert one.core == other.core
    assert one.calls != other.calls
    assert without_numbers(one.calls) == without_numbers(other.calls)


def test_extreme_values_are_still_c_plus_plus(generate: Any) -> None:
    calls = generate("balancer: {balance_deadband: .inf, grid_target: -.inf, max_target_step: 1e39}").calls
    for call in ("set_balance_deadband(3.4e+38f)", "set_grid_target(-3.4e+38f)", "set_max_target_step(3.4e+38f)"):
        assert call in calls


# -- compiled ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_key_program(compile_node: Callable[[str, str], Path], test_ports: tuple[int, int]) -> Path:
    ports = f"udp_port: {test_ports[0]}\ntest_control_port: {test_ports[1]}\n"
    block = EVERY_KEY.replace("balancer:\n", OURS.lstrip()) + ports
    return compile_node("every-key-node", f"{SENSORS}ct002:\n  power_sensor_l1: l1\n{indented(block)}")


@pytest.mark.slow
def test_every_value_arrives(every_key_program: Path, run_node: Callable[..., Any]) -> None:
    expected = flat(yaml.safe_load(EVERY_KEY)) | yaml.safe_load(OURS)["balancer"]
    # The ports are those of the test.
    assert expected.keys() == TABLE.keys() - {"udp_port"}
    program = every_key_program.read_bytes()
    for part in (b"HampelFilter", b"SmoothingFilter", b"DeadbandFilter", b"PidFilter", b"Efficiency4fade"):
        assert part in program
    with run_node(every_key_program) as node:
        for key, value in expected.items():
            if key == "max_sensor_age":
                continue  # ages in the test channel; see test_every_change_is_printed
            answer = node.command(f"get {key}").removeprefix(f"ok get {key} ")
            kind = TABLE[key].kind
            assert value != TABLE[key].default, key
            if kind == "text":
                assert answer == IN_CORE.get(value, value), key
            else:
                number = seconds(value) if kind == "seconds" else float(value)
                assert float(answer) == pytest.approx(number, rel=1e-5), key


@pytest.mark.slow
def test_every_change_is_printed(every_key_program: Path, run_node: Callable[..., Any]) -> None:
    with run_node(every_key_program) as node:
        node.wait_for_log("saturation.stall_timeout_seconds: 70s")
        for line in (
            "Max sensor age: 45000 ms",
            "filters.hampel.window: 9",
            "filters.pid.mode: replace",
            "filters.deadband.deadband: 12.0",
            "balancer.steering: gentle",
            "balancer.fair_distribution: false",
            "balancer.efficiency_rotation_interval: 20min",
            "saturation.enabled: false",
        ):
            assert line in node.log, line


# L1 is in kW and says so. L2 is in kW and does not. The sensors speak fast, so that the doubt about L2 comes soon.
UNITS = """
sensor:
  - platform: template
    id: l1
    unit_of_measurement: kW
    accuracy_decimals: 4
    update_interval: 20ms
    lambda: return 0.1234;
  - platform: template
    id: l2
    update_interval: 20ms
    lambda: return 0.437;
  - platform: template
    id: l3
    unit_of_measurement: W
    update_interval: 20ms
    lambda: return -20.25;
ct002:
  power_sensor_l1: l1
  power_sensor_l2: l2
  power_sensor_l3: l3
  active_control: false
  filters:
    hampel:
      n_sigma: 4
    deadband:
      deadband: 10
"""


@pytest.mark.slow
def test_flashed_node_with_units_and_two_filters(
    compile_node: Callable[[str, str], Path], run_node: Callable[..., Any], plain_port: int
) -> None:
    program = compile_node("units-node", f"{UNITS}  udp_port: {plain_port}\n")
    symbols = program.read_bytes()
    assert b"HampelFilter" in symbols and b"DeadbandFilter" in symbols
    for left_out in (b"SmoothingFilter", b"PidFilter", b"Efficiency4fade"):
        assert left_out not in symbols
    with run_node(program, poll_port=plain_port) as node:
        node.wait_for_log("L2: the values of 'l2' look like kW and are taken as W")
        reply = node.ask(encode_frame(["HMG-50", "60F1A2B3C401", "HME-4", "5cce1b7a90d4", "A", "0"]))
        fields = decode_frame(reply)
        assert fields is not None
        assert [int(field) for field in fields[4:8]] == [123, 0, -20, 104]
        assert "Watts per unit: 1000" in node.log
        assert "filters.hampel.window: 7" in node.log
        assert node.log.count("look like kW") == 1
