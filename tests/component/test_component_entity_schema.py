"""What the entity platforms, actions and triggers of `ct002` accept, and what they say about the rest."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

BASE = """
esphome:
  name: node
  devices: [{id: garage, name: Garage}]
sensor:
  - {platform: template, id: x, unit_of_measurement: W}
"""
METER = "ct002: {power_sensor_l1: x}\n"

# name -> (YAML, words of the message)
REFUSED = {
    "no-entity": ("number: [{platform: ct002}]", "name the entities you want: grid_target, peak_shaving_threshold"),
    "no-entity-of-a-battery": ("text_sensor: [{platform: ct002, battery: 1}]", "you want: phase, model, mac, address"),
    "none-of-a-battery": ("select: [{platform: ct002}]", "you want: none of them belong to the meter"),
    "whose": ("number: [{platform: ct002, weight: }]", "weight belongs to a battery: say which, battery: 1 or its MAC"),
    "not-its": (
        "switch: [{platform: ct002, battery: 1, active_control: }]",
        "active_control belongs to the meter: move it to an entry without battery",
    ),
    "unknown": ("select: [{platform: ct002, battery: 1, mood: , mode: }]", "[mood] is an invalid option"),
    "battery-0": ("select: [{platform: ct002, battery: 0, mode: }]", "'0' names no battery; allowed: 1 to 16"),
    "battery-17": ("select: [{platform: ct002, battery: 17, mode: }]", "'17' names no battery; allowed: 1 to 16"),
    "battery-bare-mac": ("select: [{platform: ct002, battery: 112233445566, mode: }]", "or its MAC in quotes"),
    "battery-half-mac": ('select: [{platform: ct002, battery: "02b250", mode: }]', "'02b250' names no battery"),
    "battery-bool": ("select: [{platform: ct002, battery: true, mode: }]", "names no battery"),
    "number-too-high": (
        "number: [{platform: ct002, battery: 1, weight: {max_value: 11}}]",
        "value must be at most 10",
    ),
    "number-range": (
        "number: [{platform: ct002, battery: 1, weight: {min_value: 5, max_value: 4}}]",
        "max_value 4 must be greater than min_value 5",
    ),
    "inverted": ("switch: [{platform: ct002, battery: 1, active: {inverted: true}}]", "Inverted is not supported"),
    "restore-mode": (
        "switch: [{platform: ct002, battery: 1, active: {restore_mode: ALWAYS_ON}}]",
        "Unknown value 'ALWAYS_ON', valid options are 'DISABLED'",
    ),
    "same-name": (
        "number: [{platform: ct002, battery: 1, weight: A, device_id: garage}, "
        "{platform: ct002, battery: 2, weight: A, device_id: garage}]",
        "Duplicate number entity with name 'A'",
    ),
    "no-device": ("number: [{platform: ct002, battery: 1, weight: , device_id: cellar}]", "Couldn't find ID 'cellar'"),
    "action-range": (
        "interval: [{interval: 1s, then: [{ct002.set_weight: {battery: 1, weight: 12}}]}]",
        "value must be at most 10",
    ),
    "action-battery": (
        "interval: [{interval: 1s, then: [{ct002.enable_battery: cellar}]}]",
        "'cellar' names no battery",
    ),
    "action-mode": (
        "interval: [{interval: 1s, then: [{ct002.set_mode: {battery: 1, mode: charge}}]}]",
        "Unknown value 'Charge', did you mean 'Charge only'",
    ),
    "action-target": ("interval: [{interval: 1s, then: [{ct002.set_manual_target: 1}]}]", "'target' is a required"),
}
ACCEPTED = {
    "bare": ("number: [{platform: ct002, grid_target: }]", "name: Grid target"),
    "named": ("number: [{platform: ct002, grid_target: My target}]", "name: My target"),
    "only-an-id": ("number: [{platform: ct002, grid_target: {id: mine}}]", "id: mine"),
    "of-place": ("sensor: [{platform: ct002, battery: 2, power: }]", "name: Battery 2 Power"),
    "of-mac": ('sensor: [{platform: ct002, battery: "60:F1:A2:B3:C4:01", power: }]', "name: Battery c401 Power"),
    "of-place-in-text": ('sensor: [{platform: ct002, battery: "2", power: }]', "battery: '2'"),
    "on-device": ("sensor: [{platform: ct002, battery: 2, device_id: garage, power: }]", "name: Power"),
    "device-of-its-own": (
        "sensor: [{platform: ct002, battery: 2, power: {name: P, device_id: garage}, target: }]",
        "name: Battery 2 Target",
    ),
    "slider": (
        "number: [{platform: ct002, battery: 1, max_charge: {max_value: 800, mode: slider}}]",
        "max_value: 800.0",
    ),
    "filters": (
        "sensor: [{platform: ct002, grid_power: {name: G, filters: [{throttle_average: 10s}]}}]",
        "throttle_average",
    ),
    "mode-off": (
        "interval: [{interval: 1s, then: [{ct002.set_mode: {battery: 1, mode: off}}]}]",
        "mode: 'Off'",
    ),
    "mode": (
        "interval: [{interval: 1s, then: [{ct002.set_mode: {battery: 1, mode: DISCHARGE_ONLY}}]}]",
        "mode: Discharge only",
    ),
    "triggers": (
        "globals: []\n",
        "power_sensor_l1",
    ),
}


PACKAGES = Path(__file__).parents[2] / "esphome_component" / "packages"
TABLE = runpy.run_path(str(PACKAGES.parent / "ct002" / "entity_table.py"))
ENTITIES, MODES = TABLE["ENTITIES"], TABLE["MODES"]
MAC = "60:f1:a2:b3:c4:01"
WITH_PACKAGES = f"""
packages:
  house: !include {PACKAGES}/house.yaml
  first: !include {{file: {PACKAGES}/battery.yaml, vars: {{battery: 1, name: House}}}}
  second: !include {{file: {PACKAGES}/battery.yaml, vars: {{battery: 2}}}}
  third: !include {{file: {PACKAGES}/battery.yaml, vars: {{battery: "{MAC}", name: Shed, device: shed}}}}
"""


def complete(host_node: Callable[[str, str], str], text: str) -> str:
    head = host_node("node", "").replace("esphome: {name: node}", "")
    if text.startswith("sensor: ["):
        text = "sensor: [{platform: template, id: x, unit_of_measurement: W}, " + text.removeprefix("sensor: [")
        return head + BASE[: BASE.index("sensor:")] + text + "\n" + METER
    return f"{head}{BASE}{text}\n{METER}"


@pytest.fixture(scope="module")
def outcomes(esphome: Any, host_node: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    texts = {f"refused-{name}": complete(host_node, text) for name, (text, _) in REFUSED.items()}
    texts |= {f"accepted-{name}": complete(host_node, text) for name, (text, _) in ACCEPTED.items()}
    texts["packages"] = complete(host_node, WITH_PACKAGES)
    phases = "sensor: [{platform: ct002, grid_power_l1: , grid_power_l2: , grid_power_l3: }]"
    texts["one-phase"] = complete(host_node, phases)
    texts["three-phases"] = texts["one-phase"].replace("l1: x", "l1: x, power_sensor_l2: x, power_sensor_l3: x")
    return esphome.config_many(tmp_path_factory.mktemp("entities"), texts)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"refused-{name}"]
    assert outcome.code != 0
    assert REFUSED[name][1] in " ".join(outcome.text.split()), outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"accepted-{name}"]
    assert outcome.code == 0, outcome.text
    assert ACCEPTED[name][1] in outcome.text, outcome.text


def test_packages_hold_every_entity(outcomes: Any) -> None:
    outcome = outcomes["packages"]
    assert outcome.code == 0, outcome.text
    lines = outcome.text[outcome.text.index("\nesphome:") :].splitlines()
    text = "\n".join(line for line in lines if not line.startswith("INFO"))
    config = yaml.load(text, Loader=yaml.BaseLoader)
    assert [device["name"] for device in config["esphome"]["devices"]] == ["House", "Battery 2", "Shed", "Garage"]
    for row in ENTITIES:
        if row.key.startswith("grid_power_l"):
            continue  # only for meters that have them
        entries = [entry for entry in config[row.platform] if entry["platform"] == "ct002" and row.key in entry]
        owners = [(entry.get("battery"), entry.get("device_id")) for entry in entries]
        batteries = [("1", "battery_1"), ("2", "battery_2"), ("60f1a2b3c401", "shed")]
        assert sorted(owners) == (batteries if row.of_battery else [(None, None)]), row.key
        for entry in entries:
            assert entry[row.key]["name"] == row.name


def test_phase_that_the_meter_does_not_have(outcomes: Any) -> None:
    assert outcomes["one-phase"].code == outcomes["three-phases"].code == 0
    warned = [line for line in outcomes["one-phase"].text.splitlines() if "WARNING" in line]
    assert len(warned) == 2 and "sensor grid_power_l2: the meter has one phase" in warned[0]
    assert "WARNING" not in outcomes["three-phases"].text


def test_what_entities_offer_the_firmware_takes() -> None:
    """The ranges stand in the table for the schema, and in C++ for values that only run time knows."""
    source = (PACKAGES.parent / "ct002" / "setting.cpp").read_text()
    rows = re.findall(r"\{(-?[\d.]+)f, (-?[\d.]+)f\}, +// (\w+)", source)
    ranges = {name.lower(): (float(low), float(high)) for low, high, name in rows}
    numbers = [row for row in ENTITIES if row.platform == "number"]
    assert len(numbers) > 10
    for row in numbers:
        assert (row.low, row.high) == ranges[row.key], row.key
    modes = re.search(r"enum class Mode : uint8_t \{ (.*?) \}", (PACKAGES.parent / "ct002" / "setting.h").read_text())
    assert modes and modes[1].lower().replace("_", " ").split(", ") == [mode.lower() for mode in MODES]
