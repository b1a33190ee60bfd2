"""Orders in odd sequences and odd requests: the house goes on, and what is refused changes nothing."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sim_process import HOUSE, Running

BATTERIES = [{"mac": f"02B25000000{n}", "phase": phase} for n, phase in ((1, "A"), (2, "B"), (3, "C"))]


def document(**changes: Any) -> dict[str, Any]:
    return HOUSE | {"batteries": BATTERIES} | changes


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, document(), "--emulator", "--ct-port", "0", "--no-web")
    yield running
    running.close()


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A house for orders that it does not carry out."""
    running = Running(tmp_path_factory.mktemp("sim"), document(), "--emulator", "--ct-port", "0", "--no-web")
    yield running
    running.close()


def state(house: Running) -> dict[str, Any]:
    reply = house.client.get("/api/v1/state")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def post(house: Running, path: str, **body: Any) -> httpx.Response:
    return house.client.post(f"/api/v1/{path}", json=body)


def goes_on(house: Running) -> bool:
    """Time passes and the batteries are answered."""
    before_s, end = state(house)["time"]["now_s"], time.monotonic() + 10
    while time.monotonic() < end and house.process.poll() is None:
        if state(house)["time"]["now_s"] > before_s + 3:
            return bool(state(house)["emulator"]["answers"])
        time.sleep(0.05)
    return False


def until_fired(house: Running, watts: float) -> None:
    end = time.monotonic() + 10
    while state(house)["solar"]["current"] != watts:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_battery_leaves_after_its_condition_has_fired(house: Running) -> None:
    events = [{"when": {"battery": 3, "soc_above": 0.1}, "solar": 5}]
    assert post(house, "scenario", events=events).status_code == 200
    until_fired(house, 5)
    assert house.client.delete("/api/v1/batteries/02B250000003").status_code == 200
    assert goes_on(house)


def test_every_battery_leaves_and_others_come(house: Running) -> None:
    for battery in BATTERIES:
        assert house.client.delete(f"/api/v1/batteries/{battery['mac']}").status_code == 200
    assert state(house)["batteries"] == []
    for _ in range(2):
        assert post(house, "batteries", phase="A").status_code == 200
    assert goes_on(house)


def test_a_removed_battery_leaves_its_settings_behind(house: Running) -> None:
    mac = post(house, "batteries", phase="A").json()["batteries"][-1]["mac"]
    assert post(house, "controller/override", mac=mac, name="active", value=False).status_code == 200
    assert house.client.delete(f"/api/v1/batteries/{mac}").status_code == 200
    assert post(house, "batteries", phase="A").json()["batteries"][-1]["mac"] != mac


@pytest.mark.parametrize("name", ["\ud800", "", "x" * 101, "a\nb", 5, None])
def test_a_scenario_needs_a_name_that_can_be_shown(unchanged: Running, name: object) -> None:
    body = json.dumps({"name": name, "events": [{"at": 1000, "solar": 5}]})
    reply = unchanged.client.post("/api/v1/scenario", content=body)
    assert reply.status_code == 400 and "name: must be a text of 1 to 100 characters" in reply.json()["error"]
    assert "scenario" not in state(unchanged)


def test_a_step_is_carried_out_when_it_is_answered(house: Running) -> None:
    before = post(house, "time/pause").json()
    after = post(house, "time/step", seconds=600).json()
    assert after["time"]["now_s"] == pytest.approx(before["time"]["now_s"] + 600)
    assert after["time"]["hour"] == pytest.approx(before["time"]["hour"] + 600 / 3600, abs=0.001)
    assert state(house)["time"] == after["time"]
    assert post(house, "time/resume").json()["time"]["now_s"] >= after["time"]["now_s"]


def test_load_names_with_slashes(house: Running) -> None:
    name = "washer/dryer"
    assert post(house, "loads", name=name, power=500, phase="A").status_code == 200
    reply = post(house, "loads/washer%2Fdryer/switch", active=True)
    assert reply.status_code == 200 and reply.json()["loads"][-1]["active"]
    assert house.client.delete("/api/v1/loads/washer%2Fdryer").status_code == 200
    assert name not in [load["name"] for load in state(house)["loads"]]


def test_nothing_is_called_like_something_else(house: Running) -> None:
    reply = post(house, "loads", name="02b250000001", power=5, phase="A")
    assert reply.status_code == 400 and "'02b250000001' is taken" in reply.json()["error"]
    assert post(house, "loads", name="02B250000009", power=5, phase="A").status_code == 200
    reply = post(house, "batteries", mac="02b250000009", phase="A")
    assert reply.status_code == 400 and "'02B250000009' is taken" in reply.json()["error"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("api/v1/time/scale", '{"scale": 1' + "0" * 400 + "}"),
        ("solar", '{"watts": 1' + "0" * 400 + "}"),
        ("api/v1/command", '{"device": "house: sun", "name": "power_w", "value": 1' + "0" * 400 + "}"),
        ("api/v1/command", '{"device": "house: sun", "name": "power_w", "value": 1e999}'),
        ("api/v1/controller/override", '{"mac": "02B250000001", "name": "charge_order", "value": 1e999}'),
        ("api/v1/controller/override", '{"mac": "02B250000001", "name": "charge_order", "value": 2.7}'),
        ("api/v1/controller/override", '{"mac": "02B250000001", "name": "charge_order", "value": -1}'),
        ("api/v1/controller/override", '{"mac": "\\ud800", "name": "weight", "value": 1}'),
        ("api/v1/command", '{"device": "\\ud800", "name": "x", "value": 1}'),
        ("api/v1/loads", '{"name": "\\ud800", "power": 1, "phase": "A"}'),
    ],
)
def test_numbers_and_texts_that_are_none(unchanged: Running, path: str, body: str) -> None:
    reply = unchanged.client.post(f"/{path}", content=body)
    assert reply.status_code in (400, 404) and reply.json()["error"]
    state(unchanged)
    assert "Traceback" not in unchanged.log.read_text()


def test_a_page_from_elsewhere_gives_no_orders(house: Running) -> None:
    port = house.client.base_url.port
    for host, origin, code in (
        (f"127.0.0.1:{port}", "http://evil.example", 403),
        (f"evil.example:{port}", f"http://evil.example:{port}", 403),
        (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}", 200),
        (f"pi.local:{port}", f"http://pi.local:{port}", 200),
    ):
        headers = {"Origin": origin, "Host": host, "Content-Type": "text/plain"}
        reply = house.client.post("/solar", content='{"watts": 5}', headers=headers)
        assert reply.status_code == code, (host, origin)


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets need root")
def test_a_poll_from_nowhere_ends_nothing(house: Running) -> None:
    port = int(state(house)["emulator"]["where"].rpartition(":")[2])
    from nullwatt.core import encode_frame

    datagram = encode_frame(["HMG-50", "60f1a2b3c499", "HME-4", "", "A", "0"])
    udp = struct.pack("!HHHH", 0, port, 8 + len(datagram), 0) + datagram  # source port 0: nobody can be answered there
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
        for _ in range(300):
            raw.sendto(udp, ("127.0.0.1", 0))
            time.sleep(0.002)
    assert goes_on(house)
    assert "Traceback" not in house.log.read_text()


def test_a_battery_that_joins_is_as_slow_as_the_others(tmp_path: Path) -> None:
    house = Running(tmp_path, document(power_update_delay_ticks=5), "--emulator", "--ct-port", "0", "--no-web")
    try:
        joined = post(house, "batteries", phase="A").json()["batteries"][-1]
        assert joined["power_update_delay_ticks"] == 5
    finally:
        house.close()


@pytest.mark.parametrize("host", ["a" * 70, "255.255.255.255", "no such host"])
def test_an_emulator_that_cannot_be_is_one_line(tmp_path: Path, host: str) -> None:
    command = [sys.executable, "-m", "nullwatt", "sim", "run", "--no-tui", "--no-web", "--http-port", "0"]
    done = subprocess.run([*command, "--ct-host", host], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 and host in done.stderr


def test_a_mac_that_is_none_is_refused_by_the_house(house: Running) -> None:
    port = str(house.client.base_url.port)
    command = [sys.executable, "-m", "nullwatt", "sim", "battery", "x y/z", "soc", "0.5", "--http-port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr


def test_a_browser_that_takes_its_time_stops_nothing(tmp_path: Path) -> None:
    pytest.importorskip("nicegui", reason="nicegui is not installed")
    slow = tmp_path / "browser"
    slow.write_text("#!/bin/sh\nsleep 30\n")
    slow.chmod(0o755)
    environment = {**os.environ, "DISPLAY": ":0", "BROWSER": str(slow)}
    command = [sys.executable, "-m", "nullwatt", "demo", "--http-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        reply = httpx.get(f"{url}/api/v1/state", timeout=10)
        assert reply.status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


def test_a_demo_that_was_to_prove_something_and_was_stopped_proved_nothing() -> None:
    pytest.importorskip("nicegui", reason="nicegui is not installed")
    command = [sys.executable, "-m", "nullwatt", "demo", "--no-browser", "--http-port", "0", "--duration", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
