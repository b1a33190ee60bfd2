"""What the entity platforms, actions and triggers of `ct002` accept, and what they say about the rest."""

from collections.abc import Callable
from typing import Any

import pytest

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
    "mode": (
        "interval: [{interval: 1s, then: [{ct002.set_mode: {battery: 1, mode: DISCHARGE_ONLY}}]}]",
        "mode: Discharge only",
    ),
    "triggers": (
        "globals: []\n",
        "power_sensor_l1",
    ),
}


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
