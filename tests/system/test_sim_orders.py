"""Orders over `/api/v1` to a house with a controller of its own, through the real command."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sim_process import HOUSE, Running


def started(tmp_path_factory: pytest.TempPathFactory) -> Running:
    document = {**HOUSE, "powermeter": HOUSE["powermeter"] | {"base_noise": 0}}  # type: ignore[operator]
    return Running(tmp_path_factory.mktemp("sim"), document, "--emulator", "--ct-port", "0", "--time-scale", "50")


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = started(tmp_path_factory)
    yield running
    running.close()


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A house for orders that it does not carry out."""
    running = started(tmp_path_factory)
    yield running
    running.close()


def state(house: Running) -> dict[str, Any]:
    reply = house.client.get("/api/v1/state")
    assert reply.status_code == 200
    found: dict[str, Any] = reply.json()
    return found


def post(house: Running, path: str, **body: Any) -> httpx.Response:
    return house.client.post(f"/api/v1/{path}", json=body)


def ordered(house: Running, path: str, **body: Any) -> dict[str, Any]:
    reply = post(house, path, **body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def until(house: Running, holds: Callable[[dict[str, Any]], bool], real_s: float = 15.0) -> dict[str, Any]:
    end = time.monotonic() + real_s
    while not holds(found := state(house)):
        assert time.monotonic() < end, json.dumps(found, indent=1)
        time.sleep(0.05)
    return found


def held(found: dict[str, Any]) -> bool:
    return abs(found["grid"]["total"]) < 30 and found["time"]["now_s"] > 20


def names(found: dict[str, Any]) -> list[str]:
    return [load["name"] for load in found["loads"]]


def test_the_controller_is_seen_and_holds_the_grid(house: Running) -> None:
    found = until(house, held)
    controller = found["controller"]
    assert controller["demand"] == pytest.approx(230, abs=40)
    assert {battery["mac"] for battery in controller["batteries"]} == {"02B250000001", "02B250000002"}
    assert all(battery["confidence"] > 0 and battery["in_pool"] for battery in controller["batteries"])
    assert found["emulator"]["own"] and found["emulator"]["answers"]
    assert found["house_w"] == pytest.approx(230, abs=1)
    assert [battery["name"] for battery in found["batteries"]] == ["Venus C", "Venus C"]


def test_loads_come_switch_and_go(house: Running) -> None:
    until(house, held)
    found = ordered(house, "loads", name="heater", power=400, phase="A", active=True)
    assert names(found) == ["Kettle", "TV", "heater"] and found["loads"][-1]["drawn"] == 400
    until(house, lambda s: held(s) and sum(b["power"] for b in s["batteries"]) > 500)
    assert not ordered(house, "loads/heater/switch", active=False)["loads"][-1]["active"]
    found = ordered(house, "loads", name="cooler", kind="fridge", phase="C")
    assert found["loads"][-1]["kind"] == "fridge"
    reply = house.client.delete("/api/v1/loads/heater")
    assert reply.status_code == 200 and names(reply.json()) == ["Kettle", "TV", "cooler"]


def test_batteries_come_and_go(house: Running) -> None:
    found = ordered(house, "batteries", phase="B", meter_dev_type="VNSE3-0")
    assert [battery["mac"] for battery in found["batteries"]] == ["02B250000001", "02B250000002", "02B250000003"]
    until(house, lambda s: len(s["controller"]["batteries"]) == 3 and s["batteries"][2]["answered"])
    until(house, lambda s: s["batteries"][2]["power"] > 20)
    reply = house.client.delete("/api/v1/batteries/02b250000003")
    assert reply.status_code == 200 and len(reply.json()["batteries"]) == 2


def test_devices_show_what_they_take_and_take_it(house: Running) -> None:
    devices = {device["name"]: device for device in house.client.get("/api/v1/devices").json()}
    assert {"house: sun", "house: base load", "Kettle", "02B250000001"} <= set(devices)
    assert devices["house: sun"]["commands"]["power_w"] == {
        "unit": "W",
        "text": "fix the power",
        "low": 0.0,
        "high": 1500.0,
    }
    assert devices["02B250000001"]["telemetry"]["soc"] == pytest.approx(0.25, abs=0.05)
    found = ordered(house, "command", device="house: sun", name="power_w", value=700)
    assert found["solar"]["current"] == 700 and found["solar"]["mode"] == "fixed"
    found = ordered(house, "command", device="house: sun", name="mode", value="clear_sky")
    assert found["solar"]["mode"] == "clear_sky"
    assert ordered(house, "command", device="house: sun", name="clouds", value=0.5)["solar"]["clouds"] == 0.5
    found = ordered(house, "command", device="02B250000001", name="soc", value=0.9)
    assert found["batteries"][0]["soc"] == pytest.approx(0.9, abs=0.01)


def test_settings_of_the_controller(house: Running) -> None:
    until(house, held)
    ordered(house, "controller/override", mac="02B250000001", name="active", value=False)
    until(house, lambda s: abs(s["batteries"][0]["power"]) < 25 and not s["controller"]["batteries"][0]["active"])
    found = ordered(house, "controller/active", active=False)
    assert found["controller"]["active_control"] is False
    assert post(house, "controller/rotate").status_code == 200


def test_a_scenario_is_played_and_stopped(house: Running) -> None:
    assert len(house.client.get("/api/v1/scenarios").json()) >= 6
    events = [
        {"at": 5, "switch_on": "Kettle"},
        {"when": {"grid_below": 1e6, "after": "10s"}, "solar": 333},
        {"at": 90000, "switch_off": "TV"},
        {"at": 90000, "battery": 2, "soc": 0.5},
    ]
    found = ordered(house, "scenario", name="tea", events=events)
    assert found["scenario"]["name"] == "tea" and found["scenario"]["pending"] == 4
    for needed in ("loads/TV", "batteries/02B250000001", "batteries/02B250000002"):
        refused = house.client.delete(f"/api/v1/{needed}")
        assert refused.status_code == 400 and "'tea' still needs it; stop it first" in refused.json()["error"]
    found = until(house, lambda s: s["solar"]["current"] == 333)
    assert found["loads"][0]["active"] and found["scenario"]["pending"] == 2
    assert [text.split(": ", 1)[1] for text in found["scenario"]["happened"]] == ["Kettle on", "solar 333 W"]
    assert house.client.delete("/api/v1/loads/Kettle").status_code == 200
    assert "scenario" not in house.client.delete("/api/v1/scenario").json()
    assert house.client.delete("/api/v1/loads/TV").status_code == 200


def test_a_shipped_scenario_brings_the_loads_it_switches(house: Running) -> None:
    assert post(house, "scenario", name="meter_lost_minute").status_code == 200
    before = names(state(house))
    assert before == ["Kettle", "TV", "kettle"], "names differ by case, and this house's own stay"
    ordered(house, "batteries", phase="C")
    assert "lights" in names(ordered(house, "scenario", name="kettle_evening"))
    assert state(house)["scenario"]["name"] == "kettle_evening"


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("command", {"device": "sun", "name": "power_w", "value": 1}, 404, "no device called 'sun'"),
        ("command", {"device": "house: sun", "name": "power", "value": 1}, 400, "did you mean 'power_w'?"),
        ("command", {"device": "house: sun", "name": "power_w", "value": 9e9}, 400, "must be within 0 and 1500 W"),
        ("command", {"device": "house: sun", "name": "power_w", "value": [1]}, 400, "value: [1] is neither"),
        ("command", {"device": "Kettle", "name": "active", "value": 5}, 400, "must be one of False, True"),
        ("loads", {"name": "TV", "power": 1, "phase": "A"}, 400, "the name 'TV' is taken"),
        ("loads", {"name": "x", "powr": 1, "phase": "A"}, 400, "did you mean"),
        ("loads", {"name": "x", "kind": "fridg", "phase": "A"}, 400, "fridge"),
        ("loads", {"name": "x", "kind": "replay", "file": "/etc/passwd", "phase": "A"}, 400, "in a house file"),
        ("loads", {}, 400, "name"),
        ("loads/nothing/switch", {"active": True}, 404, "no load called 'nothing'"),
        ("loads/TV/switch", {"active": 1}, 400, "active: 1 is neither true nor false"),
        ("batteries", {"mac": "02B250000001", "phase": "A"}, 400, "there is a battery 02B250000001 already"),
        ("batteries", {"phase": "E"}, 400, "phase"),
        ("batteries", {"phase": "A", "meter_dev_type": "HMG-50", "law": "magic"}, 400, "law"),
        ("batteries", {"phase": "A", "dc_input_power": 5}, 400, "must be at most max_dc_input"),
        ("scenario", {"name": "nothing"}, 404, "no scenario 'nothing'; there are"),
        ("scenario", {"events": [{"at": 1, "switch_on": "Kettel"}]}, 400, "Kettle"),
        ("scenario", {"events": 5}, 400, "events"),
        ("scenario", {}, 400, "name: null is not a text"),
        ("controller/override", {"mac": "02B250000009", "name": "weight", "value": 1}, 404, "no battery 02B250000009"),
        ("controller/override", {"mac": "02B250000001", "name": "wait", "value": 1}, 400, "none of the settings"),
        ("controller/override", {"mac": "02B250000001", "name": "weight", "value": 99}, 400, "out of range"),
        ("controller/override", {"mac": "02B250000001", "name": "weight", "value": True}, 400, "must be a number"),
        ("controller/active", {"active": "yes"}, 400, "neither true nor false"),
    ],
)
def test_orders_that_cannot_be(unchanged: Running, path: str, body: dict[str, Any], code: int, words: str) -> None:
    def settings() -> str:
        found = state(unchanged)
        loads = [(load["name"], load["active"]) for load in found["loads"]]
        batteries = [(b["mac"], b["max_charge"], b["max_discharge"]) for b in found["batteries"]]
        return json.dumps([loads, batteries, found["solar"], found["auto_mode"], found["controller"]["active_control"]])

    before = settings()
    reply = post(unchanged, path, **body)
    assert reply.status_code == code, reply.text
    error = reply.json()["error"]
    assert words in error and "\n" not in error
    assert settings() == before


def test_a_house_without_its_own_controller_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    running = Running(tmp_path_factory.mktemp("sim"), HOUSE)
    try:
        found = state(running)
        assert "controller" not in found and found["emulator"]["own"] is False
        assert found["emulator"]["answers"] is False and found["emulator"]["where"] == "udp://127.0.0.1:1"
        reply = post(running, "controller/active", active=True)
        assert reply.status_code == 400 and "the controller runs elsewhere" in reply.json()["error"]
    finally:
        running.close()
