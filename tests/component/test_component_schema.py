"""What the YAML of `ct002:` accepts, refuses and fills in."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CORE = Path(__file__).parents[2] / "esphome_component" / "ct002_core"

SENSORS = """
sensor:
  - {platform: template, id: x}
  - {platform: template, id: y}
  - {platform: template, id: z}
  - {platform: template, id: celsius, unit_of_measurement: °C}
  - {platform: template, id: kwh, unit_of_measurement: kWh}
  - {platform: template, id: watt, unit_of_measurement: W}
  - {platform: template, id: kilo, unit_of_measurement: kW}
  - {platform: template, id: called_kw}
  - {platform: template, id: curve, unit_of_measurement: kW, filters: [lambda: return x;]}
  - {platform: template, id: own, unit_of_measurement: kW, filters: [multiply: -1000]}
binary_sensor:
  - {platform: template, id: not_a_sensor}
"""
THREE_PHASES = "power_sensor_l1: x\n  power_sensor_l2: y\n  power_sensor_l3: z"

# ct002 block -> words of the message, one class of error after the other
REFUSED = {
    "required": ("udp_port: 1", "'power_sensor_l1' is a required option for [ct002]"),
    "key": ("power_sensor_l1: x\n  udp_prt: 1", "[udp_prt] is an invalid option for [ct002]. Did you mean [udp_port]"),
    "key-of-a-block": ("power_sensor_l1: x\n  balance_gain: 0.5", "[balance_gain] is an invalid option for [ct002]"),
    "range-low": ("power_sensor_l1: x\n  wifi_rssi: -128", "value must be at least -127"),
    "range-high": ("power_sensor_l1: x\n  udp_port: 65536", "value must be at most 65535"),
    "type-int": ("power_sensor_l1: x\n  udp_port: 5.5", "only accepts integers with no fractional part"),
    "type-bool": ("power_sensor_l1: x\n  active_control: 20", "Expected boolean value"),
    "type-time-without-unit": ("power_sensor_l1: x\n  max_sensor_age: 5", "no time *unit*"),
    "type-time-too-fine": ("power_sensor_l1: x\n  max_sensor_age: 0.5ms", "Maximum precision is milliseconds"),
    "type-time-negative": ("power_sensor_l1: x\n  max_sensor_age: -1s", "value must be at least 0s"),
    "type-whole-seconds": ("power_sensor_l1: x\n  consumer_ttl: 1500ms", "Maximum precision is seconds"),
    "enum": ("power_sensor_l1: x\n  ct_type: HME-5", "Unknown value 'HME-5'"),
    "id-unknown": ("power_sensor_l1: nobody", "Couldn't find ID 'nobody'"),
    "id-of-another-class": ("power_sensor_l1: not_a_sensor", "doesn't inherit from sensor::Sensor"),
    "phase-l2-only": (
        "power_sensor_l1: x\n  power_sensor_l2: y",
        "power_sensor_l2 and power_sensor_l3 must both be set or both be omitted (got l2=y, l3=None)",
    ),
    "phase-l3-only": (
        "power_sensor_l1: x\n  power_sensor_l3: z",
        "power_sensor_l2 and power_sensor_l3 must both be set or both be omitted (got l2=None, l3=z)",
    ),
    "mac-short": ('power_sensor_l1: x\n  ct_mac: "02b250"', "'ct_mac' must be empty or a 12-hex-char MAC address"),
    "mac-letters": ("power_sensor_l1: x\n  ct_mac: zzbb25001234", "'ct_mac' must be empty or a 12-hex-char MAC"),
    "mac-unquoted": ("power_sensor_l1: x\n  ct_mac: 112233445566", "Put it in quotes"),
    "mac-unquoted-colons": ("power_sensor_l1: x\n  ct_mac: 12:34:56:12:34:56", "Put it in quotes"),
    "mac-nothing": ("power_sensor_l1: x\n  ct_mac:", "Put it in quotes"),
    "mac-list": ("power_sensor_l1: x\n  ct_mac: [1]", "'ct_mac' must be empty or a 12-hex-char MAC address"),
    "same-port": ("power_sensor_l1: x\n  test_control_port: 12345", "test_control_port and udp_port must differ"),
    "list": ("- power_sensor_l1: x", "expected a dictionary"),
    "block-empty": ("power_sensor_l1: x\n  filters:\n    hampel:", "expected a dictionary"),
    "block-number": ("power_sensor_l1: x\n  filters: {deadband: 10}", "write deadband: {deadband: 10}"),
    "block-required": (
        "power_sensor_l1: x\n  filters: {smoothing: {}}",
        "'alpha' is a required option for [smoothing]",
    ),
    "block-required-2": ("power_sensor_l1: x\n  filters: {deadband: {}}", "'deadband' is a required option for"),
    "block-key": ("power_sensor_l1: x\n  balancer: {balance_gian: 0}", "Did you mean [balance_gain]"),
    "block-unknown": ("power_sensor_l1: x\n  filter: {}", "[filter] is an invalid option for [ct002]. Did you mean"),
    "key-by-its-long-name": ("power_sensor_l1: x\n  saturation: {saturation_alpha: 1}", "written saturation: alpha:"),
    "key-of-two-blocks": ("power_sensor_l1: x\n  alpha: 1", "filters: smoothing: alpha: or saturation: alpha:"),
    "key-of-a-filter": ("power_sensor_l1: x\n  filters: {window: 5}", "It is written filters: hampel: window:"),
    "percent": ("power_sensor_l1: x\n  balancer: {balance_gain: 20%}", "expected float"),
    "watts": ("power_sensor_l1: x\n  balancer: {balance_deadband: 25W}", "expected float"),
    "nan-with-min": ("power_sensor_l1: x\n  balancer: {balance_deadband: .nan}", "value must be at least 0"),
    "nan": ("power_sensor_l1: x\n  filters: {pid: {kp: .nan}}", "expected a number"),
    "window-fraction": ("power_sensor_l1: x\n  filters: {hampel: {window: 5.5}}", "only accepts integers"),
    "enum-pid": (
        "power_sensor_l1: x\n  filters: {pid: {mode: both}}",
        "Unknown value 'both', valid options are 'bias'",
    ),
    "enum-steering": ("power_sensor_l1: x\n  balancer: {steering: fast}", "Unknown value 'fast'"),
    "seconds-without-unit": ("power_sensor_l1: x\n  saturation: {grace_seconds: 90}", "no time *unit*"),
    "seconds-too-fine": ("power_sensor_l1: x\n  saturation: {grace_seconds: 500ms}", "Maximum precision is seconds"),
    "mqtt_insights": ("power_sensor_l1: x\n  mqtt_insights: {}", "This option requires component mqtt"),
    "marstek_registration": ("power_sensor_l1: x\n  marstek_registration: {}", "requires component http_request"),
    "cloud_reporting": ("power_sensor_l1: x\n  cloud_reporting:", "requires component http_request"),
    "bluetooth": ("power_sensor_l1: x\n  bluetooth: true", "Bluetooth needs a board of the ESP32 family, not 'host'"),
    "dashboard": ("power_sensor_l1: x\n  dashboard: {}", "nullwatt has not built it yet"),
    "unit": (
        "power_sensor_l1: celsius",
        "sensor 'celsius' has the unit °C, but the meter's power is needed; allowed: W, kW, MW, mW",
    ),
    "unit-of-l3": (
        "power_sensor_l1: x\n  power_sensor_l2: y\n  power_sensor_l3: kwh",
        "power_sensor_l3: sensor 'kwh' has",
    ),
}

# platform -> one of its boards
UNSUPPORTED = {"esp8266": "d1_mini", "rp2040": "rpipicow", "bk72xx": "generic-bk7231t-qfn32-tuya"}

# key: value -> how it stands in the validated configuration
ACCEPTED = {
    "ct_type: hme-3": "ct_type: HME-3",
    'ct_mac: "02:B2:50-12-AB-CD"': "ct_mac: 02b25012abcd",
    'ct_mac: "112233445566"': "ct_mac: '112233445566'",
    'ct_mac: ""': "ct_mac: ''",
    "udp_port: 5.0": "udp_port: 5",
    "active_control: off": "active_control: false",
    "active_control: Enable": "active_control: true",
    "max_sensor_age: 900ms": "max_sensor_age: 900ms",
    'max_sensor_age: "00:01:30"': "max_sensor_age: 90s",
    "max_sensor_age: {minutes: 1}": "max_sensor_age: 1min",
    "max_sensor_age: 0s": "max_sensor_age: 0s",
    "max_sensor_age: 1h": "max_sensor_age: 1h",
    "consumer_ttl: 0s": "consumer_ttl: 0s",
    "consumer_ttl: 2min": "consumer_ttl: 2min",
    "dedupe_window: 1500ms": "dedupe_window: 1500ms",
    "test_control_port: 65535": "test_control_port: 65535",
    "setup_priority: 100": "setup_priority: 100.0",
    "filters: {}": "filters: {}",
    "filters: {pid: {mode: Replace}}": "    mode: replace",
    "filters: {hampel: {window: 5.0}}": "    window: 5",
    'filters: {hampel: {n_sigma: "2.5"}}': "    n_sigma: 2.5",
    "balancer: {steering: Gentle}": "  steering: gentle",
    "balancer: {efficiency_rotation_interval: 00:01:30}": "  efficiency_rotation_interval: 90s",
    "balancer: {fair_distribution: disable}": "  fair_distribution: false",
    "saturation: {enabled: no}": "  enabled: false",
    "saturation: {grace_seconds: {minutes: 2}}": "  grace_seconds: 2min",
    "id: meter": "id: meter",
}


def load_options() -> Any:
    spec = importlib.util.spec_from_file_location("ct002_core_options", CORE / "options.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


options = load_options()
TABLE = {option.key: option for option in options.load()}

# Every number and switch of the blocks: where it stands, its default, its least and its greatest value.
ROWS = {
    "filters.hampel.window": (7, 1, 64),
    "filters.hampel.n_sigma": (3.0, 0, None),
    "filters.hampel.min_threshold": (50.0, 0, None),
    "filters.smoothing.alpha": ("required", 0.0, 1.0),
    "filters.smoothing.max_step": (0.0, 0, None),
    "filters.deadband.deadband": ("required", 0, None),
    "filters.pid.kp": (0.0, None, None),
    "filters.pid.ki": (0.0, None, None),
    "filters.pid.kd": (0.0, None, None),
    "filters.pid.output_max": (800.0, 0, None),
    "filters.pid.mode": ("bias", None, None),
    "balancer.steering": ("adaptive", None, None),
    "balancer.grid_target": (0.0, None, None),
    "balancer.peak_shaving_threshold": (0.0, 0, None),
    "balancer.fair_distribution": (True, None, None),
    "balancer.balance_gain": (0.2, 0, 1),
    "balancer.balance_deadband": (25.0, 0, None),
    "balancer.error_boost_threshold": (150.0, 0, None),
    "balancer.error_boost_max": (0.5, 0, None),
    "balancer.error_reduce_threshold": (20.0, 0, None),
    "balancer.max_correction_per_step": (80.0, 0, None),
    "balancer.max_target_step": (0.0, 0, None),
    "balancer.pace_base_step": (30.0, 0, None),
    "balancer.pace_max_step": (100.0, 0, None),
    "balancer.osc_damp_max": (0.95, 0, 1),
    "balancer.osc_damp_alpha": (0.3, 0, 1),
    "balancer.osc_damp_decay": (0.05, 0, 1),
    "balancer.osc_damp_threshold": (300.0, 0, None),
    "balancer.min_efficient_power": (0.0, 0, None),
    "balancer.min_efficient_charge": (None, 0, None),
    "balancer.min_efficient_discharge": (None, 0, None),
    "balancer.probe_min_power": (80.0, 0, None),
    "balancer.efficiency_rotation_interval": ("15min", "0s", None),
    "balancer.efficiency_fade_alpha": (0.15, 0.01, 1),
    "balancer.efficiency_saturation_threshold": (0.4, 0, 1),
    "balancer.efficiency_demand_alpha": (0.1, 0.01, 1),
    "balancer.min_dc_output": (0.0, 0, None),
    "balancer.grid_predict_trust": (0.5, 0, 1),
    "balancer.concentrate_deadband": (60.0, 0, None),
    "balancer.import_trim_w": (15.0, 0, None),
    "saturation.enabled": (True, None, None),
    "saturation.alpha": (0.15, 0.01, 1),
    "saturation.min_target": (20.0, 1, None),
    "saturation.decay_factor": (0.995, 0, 1),
    "saturation.grace_seconds": ("90s", "0s", None),
    "saturation.stall_timeout_seconds": ("60s", "0s", None),
}
TOP_LEVEL = {
    "wifi_rssi": (-50, -127, 0),
    "udp_port": (12345, 1, 65535),
    "max_sensor_age": ("30s", "0s", None),
    "consumer_ttl": (None, "0s", None),
    "dedupe_window": ("0s", "0s", None),
}
# Every block there, and nothing in it that need not be.
ALL_BLOCKS = """power_sensor_l1: watt
  active_control: false
  filters: {hampel: {}, smoothing: {alpha: 0.5}, deadband: {deadband: 0}, pid: {}}
  balancer: {}
  saturation: {}"""


def written(path: str, value: object) -> str:
    """One line of YAML that sets an option, with what its block cannot be without."""
    *blocks, key = path.split(".")
    line = f"{key}: {value}"
    if path == "filters.smoothing.max_step":
        line = f"alpha: 0.5, {line}"
    for block in reversed(blocks):
        line = f"{block}: {{{line}}}"
    return line


def beyond(bound: object, default: object, direction: int) -> object:
    """The next value on the wrong side of a bound."""
    if isinstance(bound, str):
        return "-1s"
    assert isinstance(bound, (int, float))
    return bound + direction * (1 if isinstance(default, int) else 0.001)


def far(default: object, direction: int) -> object | None:
    """A value that is only accepted where there is no bound."""
    if isinstance(default, str) and default[0].isdigit():
        return "960h" if direction > 0 else None
    return f"{direction * 1e6:.0f}" if isinstance(default, float) else None


def edges() -> dict[str, tuple[str, str | None]]:
    """Each bound of each number, and the next value beyond it: name -> YAML, message (None = accepted)."""
    cases: dict[str, tuple[str, str | None]] = {}
    for path, (default, low, high) in (TOP_LEVEL | ROWS).items():
        for name, bound, direction, message in (
            ("min", low, -1, "value must be at least"),
            ("max", high, 1, "value must be at most"),
        ):
            if bound is not None:
                cases[f"{path}-{name}"] = (written(path, bound), None)
                cases[f"{path}-beyond-{name}"] = (written(path, beyond(bound, default, direction)), message)
            elif (value := far(default, direction)) is not None:
                cases[f"{path}-no-{name}"] = (written(path, value), None)
    cases["infinite"] = (written("balancer.balance_deadband", ".inf"), None)
    return cases


EDGES = edges()

# block -> words of the warning
WARNED = {
    "pid-in-series": ("filters: {pid: {}}", "filters.pid together with active_control: true"),
    "smoothing-frozen": ("filters: {smoothing: {alpha: 0}}", "filters.smoothing.alpha 0 freezes"),
    "pid-zero": (
        "active_control: false\n  filters: {pid: {mode: replace}}",
        "filters.pid.mode replace with kp, ki and kd 0 always sends 0",
    ),
    "pid-no-output": (
        "active_control: false\n  filters: {pid: {kp: 1, output_max: 0}}",
        "filters.pid.output_max 0 holds the output",
    ),
    "pace": ("balancer: {pace_max_step: 20}", "balancer.pace_max_step 20 is below pace_base_step 30"),
    "rotation": ("balancer: {efficiency_rotation_interval: 0s}", "efficiency_rotation_interval below 1s acts as 1s"),
    "floor": ("balancer: {min_dc_output: 10}", "balancer.min_dc_output 10 lies below saturation.min_target 20"),
    "needless": (
        "balancer: {balance_gain: 0.3, osc_damp_max: 0, balance_deadband: 30, import_trim_w: 15}",
        "balancer.balance_gain, balancer.osc_damp_max: accepted, but without effect",
    ),
    "unlabelled-kw": ("power_sensor_l2: called_kw\n  power_sensor_l3: watt", "sensor 'called_kw' has no unit"),
    "converted-perhaps": (
        "power_sensor_l2: curve\n  power_sensor_l3: watt",
        "what its filters deliver is multiplied by 1",
    ),
    "converted-twice": ("power_sensor_l2: own\n  power_sensor_l3: watt", "sensor 'own' has the unit kW and a filter"),
}
# What comes close to a warning and deserves none.
NOT_WARNED = {
    "pid-in-relay-mode": "active_control: false\n  filters: {pid: {kp: 0.5}}",
    "smoothing-that-moves": "filters: {smoothing: {alpha: 0.01}}",
    "pace-equal": "balancer: {pace_max_step: 30}",
    "rotation-1s": "balancer: {efficiency_rotation_interval: 1s}",
    "floor-of-the-target": "balancer: {min_dc_output: 20}",
    "floor-without-detection": "balancer: {min_dc_output: 10}\n  saturation: {enabled: false}",
    "defaults-written-out": "balancer: {balance_gain: 0.2, import_trim_w: 15}",
    "kilowatts": "power_sensor_l2: kilo\n  power_sensor_l3: watt",
}


@pytest.fixture(scope="module")
def outcomes(esphome: Any, host_node: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    blocks = {"minimal": "power_sensor_l1: x", "three-phases": THREE_PHASES}
    blocks |= {f"refused-{name}": block for name, (block, _) in REFUSED.items()}
    blocks |= {f"edge-{name}": f"power_sensor_l1: x\n  {line}" for name, (line, _) in EDGES.items()}
    blocks["all-blocks"] = ALL_BLOCKS
    blocks |= {f"warned-{name}": f"power_sensor_l1: watt\n  {block}" for name, (block, _) in WARNED.items()}
    blocks |= {f"silent-{name}": f"power_sensor_l1: watt\n  {block}" for name, block in NOT_WARNED.items()}
    blocks |= {f"accepted-{i}": f"power_sensor_l1: x\n  {line}" for i, line in enumerate(ACCEPTED)}
    texts = {name: host_node("node", f"{SENSORS}ct002:\n  {block}\n") for name, block in blocks.items()}
    texts["port-of-udp"] = texts["minimal"] + "udp: {port: 12345}\n"
    texts["next-to-udp"] = texts["minimal"] + "udp: {port: {listen_port: 12346, broadcast_port: 12345}}\n"
    for platform, board in UNSUPPORTED.items():
        there = f"{platform}: {{board: {board}}}\nwifi: {{ssid: a, password: bbbbbbbb}}"
        texts[platform] = texts["minimal"].replace("host:", there)
    return esphome.config_many(tmp_path_factory.mktemp("config"), texts)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"refused-{name}"]
    assert outcome.code != 0
    assert REFUSED[name][1] in outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("line", ACCEPTED)
def test_accepted_syntax(outcomes: Any, line: str) -> None:
    outcome = outcomes[f"accepted-{list(ACCEPTED).index(line)}"]
    assert outcome.code == 0, outcome.text
    assert f"  {ACCEPTED[line]}\n" in outcome.ct002


@pytest.mark.parametrize("name", EDGES)
def test_bounds(outcomes: Any, name: str) -> None:
    outcome, message = outcomes[f"edge-{name}"], EDGES[name][1]
    assert "Traceback" not in outcome.text
    if message is None:
        assert outcome.code == 0, outcome.text
    else:
        assert outcome.code != 0
        assert message in outcome.text


def test_defaults(outcomes: Any) -> None:
    assert outcomes["minimal"].ct002.splitlines() == [
        "  power_sensor_l1: x",
        "  ct_type: HME-4",
        "  ct_mac: ''",
        "  wifi_rssi: -50",
        "  udp_port: 12345",
        "  active_control: true",
        "  max_sensor_age: 30s",
        "  dedupe_window: 0s",
    ]


@pytest.mark.parametrize("path", ROWS)
def test_default_in_its_block(outcomes: Any, path: str) -> None:
    value = yaml.safe_load(f"ct002:\n{outcomes['all-blocks'].ct002}")["ct002"]
    *blocks, key = path.split(".")
    for block in blocks:
        value = value[block]
    default = ROWS[path][0]
    if default is None:
        assert key not in value
    elif default != "required":
        assert value[key] == default


def test_every_option_has_a_row() -> None:
    in_blocks = {".".join(option.path) for option in TABLE.values() if option.group}
    assert in_blocks == set(ROWS)


@pytest.mark.parametrize("name", WARNED)
def test_warned(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"warned-{name}"]
    assert outcome.code == 0, outcome.text
    warnings = [line for line in outcome.text.splitlines() if "WARNING" in line]
    assert len(warnings) == 1 and WARNED[name][1] in warnings[0], outcome.text


@pytest.mark.parametrize("name", [*(f"silent-{name}" for name in NOT_WARNED), "minimal", "all-blocks"])
def test_not_warned(outcomes: Any, name: str) -> None:
    outcome = outcomes[name]
    assert outcome.code == 0, outcome.text
    assert "WARNING" not in outcome.text


def test_three_phases(outcomes: Any) -> None:
    assert outcomes["three-phases"].code == 0


def test_port_of_another_component(outcomes: Any) -> None:
    assert "udp_port 12345 is also the port of a 'udp' component" in outcomes["port-of-udp"].text
    assert outcomes["next-to-udp"].code == 0, outcomes["next-to-udp"].text


@pytest.mark.parametrize("platform", UNSUPPORTED)
def test_unsupported_platform(outcomes: Any, platform: str) -> None:
    outcome = outcomes[platform]
    assert outcome.code != 0
    assert "ct002 does not support" in outcome.text
    assert "It runs on the ESP32 family" in outcome.text
    assert "Traceback" not in outcome.text


# -- the option table ----------------------------------------------------------------------


def test_table_has_the_documented_defaults() -> None:
    assert TABLE["udp_port"].default == 12345
    assert TABLE["max_sensor_age"].default == 30.0
    assert TABLE["consumer_ttl"].default is None
    assert TABLE["ct_type"].choices == ("HME-4", "HME-3")
    assert TABLE["balance_deadband"].high is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nonsense", "expected KIND"),
        ('TEX("", a, "", "", 8, "", "h")', "unknown kind TEX"),
        ('INT("", a, 1, 0, 2, "h")', "expected 7 arguments, got 6"),
        ('INT("", a, one, 0, 2, "", "h")', "expected a number"),
        ('INT("", a, 3, 0, 2, "", "h")', "default 3 is out of range"),
        ('INT("", A-b, 1, 0, 2, "", "h")', "bad key 'A-b'"),
        ('BOOL("", a, 1, 0, 1, "", "h")', "neither true nor false"),
        ('INT(group, a, 1, 0, 2, "", "h")', "expected a string in double quotes"),
        ('INT("", a, 1, 0, 2, "", "unfinished)', "cannot read argument 7"),
        ('INT("", a, 1, 0, 2, "", "h") \\\n  INT("", a, 1, 0, 2, "", "h")', "a stands in the table twice"),
    ],
)
def test_bad_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    table = tmp_path / "options.h"
    table.write_text(f"#pragma once\n#define NULLWATT_OPTIONS(TEXT, BOOL, INT, FLOAT, SECONDS) \\\n  {row}\n")
    with pytest.raises(options.TableError, match=r"options\.h:[34]: ") as error:
        options.load(table)
    assert reason in str(error.value)


def test_help_may_hold_commas_brackets_and_quotes(tmp_path: Path) -> None:
    table = tmp_path / "options.h"
    table.write_text(
        '#define NULLWATT_OPTIONS(TEXT, INT) \\\n  INT("g", a_b, -1, -5, 5, "W/s", "one, (two) \\"three\\"; 0 = off")\n'
    )
    (option,) = options.load(table)
    assert option.help == 'one, (two) "three"; 0 = off'
    assert (option.group, option.key, option.default, option.low, option.high) == ("g", "a_b", -1, -5.0, 5.0)


def test_missing_table(tmp_path: Path) -> None:
    table = tmp_path / "options.h"
    table.write_text("#pragma once\n")
    with pytest.raises(options.TableError, match="no option table found"):
        options.load(table)


# -- visual editors --------------------------------------------------------------------------

SHOW_VISIBILITY = """
import json, pathlib, sys
from esphome.loader import install_meta_finder
install_meta_finder(pathlib.Path(sys.argv[1]), allowed_components=["ct002"])
from esphome.components.ct002.option_schema import block_schema
print(json.dumps({block: {str(key): key.visibility for key in block_schema((block,) if block else ())}
                  for block in ("", "balancer")}))
"""


def test_visual_editors_show_what_people_change(esphome: Any) -> None:
    interpreter = esphome.program.resolve().with_name("python")
    command = [interpreter, "-c", SHOW_VISIBILITY, CORE.parent]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=esphome.environment)
    shown = json.loads(done.stdout)
    assert shown[""]["active_control"] == shown["balancer"]["grid_target"] == "ui"
    assert shown[""]["dedupe_window"] == shown["balancer"]["efficiency_fade_alpha"] == "advanced"
    for key, option in TABLE.items():
        if option.group == "balancer":
            assert (shown["balancer"][key] == "yaml_only") == option.needless, key
