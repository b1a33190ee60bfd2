"""What the YAML of `ct002:` accepts, refuses and fills in."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CORE = Path(__file__).parents[2] / "esphome_component" / "ct002_core"

SENSORS = """
sensor:
  - {platform: template, id: x}
  - {platform: template, id: y}
  - {platform: template, id: z}
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
    "later-block": ("power_sensor_l1: x\n  filters: {}", "[filters] is an invalid option for [ct002]"),
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
NUMBERS = {key: option for key, option in TABLE.items() if option.group == "" and option.kind in ("INT", "SECONDS")}


def written(option: Any, value: float) -> str:
    return f"{value:g}" if option.kind == "INT" else f"{value:.0f}s"


def edges() -> dict[str, tuple[str, str | None]]:
    """Each bound of each number, and the next value beyond it: name -> YAML, message (None = accepted)."""
    cases: dict[str, tuple[str, str | None]] = {}
    for key, option in NUMBERS.items():
        for name, bound, step, message in (
            ("min", option.low, -1, "value must be at least"),
            ("max", option.high, 1, "value must be at most"),
        ):
            if bound is None:
                # Any time is accepted, however long.
                cases[f"{key}-no-{name}"] = (f"{key}: {written(option, 40 * 24 * 3600)}", None)
                continue
            cases[f"{key}-{name}"] = (f"{key}: {written(option, bound)}", None)
            cases[f"{key}-beyond-{name}"] = (f"{key}: {written(option, bound + step)}", message)
    return cases


EDGES = edges()


@pytest.fixture(scope="module")
def outcomes(esphome: Any, host_node: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    blocks = {"minimal": "power_sensor_l1: x", "three-phases": THREE_PHASES}
    blocks |= {f"refused-{name}": block for name, (block, _) in REFUSED.items()}
    blocks |= {f"edge-{name}": f"power_sensor_l1: x\n  {line}" for name, (line, _) in EDGES.items()}
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
