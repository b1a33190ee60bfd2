"""The HTTP interface of `nullwatt sim`, as a client sees it that knows nothing but its description."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sim_process import HOUSE, Running


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("sim"), HOUSE)
    yield running
    running.close()


def test_status_object(simulation: Running) -> None:
    status = simulation.status()
    assert list(status) == ["grid", "loads", "solar", "auto_mode", "batteries"]
    assert list(status["grid"]) == ["phase_a", "phase_b", "phase_c", "total"]
    assert [sorted(load) for load in status["loads"]] == [["active", "name", "phase", "power"]] * 2
    assert set(status["solar"]) == {"current", "max", "phases"}
    assert (status["solar"]["max"], status["solar"]["phases"]) == (1500, ["A", "C"])
    first, second = status["batteries"]
    assert list(first) == [
        "mac",
        "phase",
        "power",
        "target",
        "applied_target",
        "power_update_delay_ticks",
        "soc",
        "max_charge",
        "max_discharge",
        "max_dc_input",
        "dc_input",
    ]
    assert (first["mac"], first["phase"], first["max_charge"], first["power_update_delay_ticks"]) == (
        "02B250000001",
        "A",
        800,
        2,
    )
    assert (second["phase"], second["max_dc_input"], second["dc_input"]) == ("D", 600, 100)


def test_power(simulation: Running) -> None:
    reply = simulation.client.get("/power")
    assert list(reply.json()) == ["phase_a", "phase_b", "phase_c"]
    for watts in reply.json().values():
        assert watts == round(watts, 1)


def test_two_readers_see_the_same_grid(simulation: Running) -> None:
    # One draw of noise per second: nearly always both fall into the same one.
    pairs = [(simulation.client.get("/power").json(), simulation.client.get("/power").json()) for _ in range(10)]
    assert sum(first == second for first, second in pairs) >= 8


def test_loads(simulation: Running) -> None:
    before = simulation.status()
    after = simulation.client.post("/loads/1/toggle").json()
    assert [load["active"] for load in after["loads"]] == [True, False]
    assert after["grid"]["phase_b"] - before["grid"]["phase_b"] == pytest.approx(2000, abs=50)
    assert [load["active"] for load in simulation.client.post("/loads/1/toggle", content=b"any").json()["loads"]] == [
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("watts", "current"), [(700, 700), (99999, 1500), (-5, 0), ("max", 1500), ("off", 0), (12.5, 12.5)]
)
def test_solar(simulation: Running, watts: Any, current: float) -> None:
    assert simulation.client.post("/solar", json={"watts": watts}).json()["solar"]["current"] == current


def test_batteries(simulation: Running) -> None:
    post = simulation.client.post
    assert post("/batteries/02B250000001/soc", json={"soc": 0.5}).json()["batteries"][0]["soc"] == 0.5
    changed = post("/batteries/02b250000001/max_power", json={"charge": 300}).json()["batteries"][0]
    assert (changed["max_charge"], changed["max_discharge"]) == (300, 800)
    changed = post("/batteries/02b250000001/max_power", json={"discharge": 200}).json()["batteries"][0]
    assert (changed["max_charge"], changed["max_discharge"]) == (300, 200)
    assert post("/batteries/02b250000002/dc", json={"watts": 250}).json()["batteries"][1]["dc_input"] == 250


def test_auto(simulation: Running) -> None:
    assert simulation.client.post("/auto", json={"enabled": True}).json()["auto_mode"] is True
    assert simulation.client.post("/auto", json={}).json()["auto_mode"] is False


BAD = [
    ("/solar", b"{", "not valid JSON"),
    ("/solar", b"", "not valid JSON"),
    ("/solar", b"[1]", "must be a JSON object"),
    ("/solar", b"{}", "watts: null is not a number"),
    ("/solar", b'{"watts": [1]}', "watts: [1] is not a number"),
    ("/solar", b'{"watts": true}', "watts: true is not a number"),
    ("/solar", b'{"watts": NaN}', "not valid JSON"),
    ("/solar", b'{"watts": "most"}', 'watts: "most" is neither'),
    ("/solar", b"\xff", "not valid JSON"),
    ("/solar", b"[" * 100000, "not valid JSON"),
    ("/batteries/02B250000001/soc", b'{"soc": 1.01}', "soc: 1.01 must be within 0 and 1"),
    ("/batteries/02B250000001/soc", b'{"soc": "1"}', 'soc: "1" is not a number'),
    ("/batteries/02B250000001/max_power", b'{"charge": -1}', "charge: -1 must be at least 0"),
    ("/batteries/02B250000001/dc", b'{"watts": 1}', "has no DC input"),
    ("/batteries/02B250000002/dc", b'{"watts": 601}', "watts: 601 must be within 0 and 600"),
    ("/auto", b'{"enabled": 1}', "enabled: 1 is neither true nor false"),
    ("/loads/0/toggle", b"", "out of range"),
    ("/loads/3/toggle", b"", "out of range"),
    ("/loads/x/toggle", b"", "invalid index"),
    ("/loads/-1/toggle", b"", "invalid index"),
    ("/loads/99999999999999999999/toggle", b"", "out of range"),
]


@pytest.mark.parametrize(("path", "body", "words"), BAD, ids=[f"{path}-{i}" for i, (path, _, _) in enumerate(BAD)])
def test_bad_requests(simulation: Running, path: str, body: bytes, words: str) -> None:
    before = simulation.status()["batteries"]
    reply = simulation.client.post(path, content=body)
    assert reply.status_code == 400
    assert list(reply.json()) == ["error"] and words in reply.json()["error"]
    after = simulation.status()["batteries"]
    for key in ("max_charge", "max_discharge", "dc_input"):
        assert [battery[key] for battery in before] == [battery[key] for battery in after]


@pytest.mark.parametrize("what", ["soc", "max_power", "dc"])
def test_unknown_battery(simulation: Running, what: str) -> None:
    body = {"soc": 0.5, "watts": 1, "charge": 1}
    reply = simulation.client.post(f"/batteries/02B2500000FF/{what}", json=body)
    assert (reply.status_code, reply.json()) == (404, {"error": "battery not found"})


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("POST", "/", 404), ("GET", "/nothing", 404), ("POST", "/status", 405), ("GET", "/solar", 405)],
)
def test_unknown_paths_and_methods(simulation: Running, method: str, path: str, code: int) -> None:
    reply = simulation.client.request(method, path)
    assert reply.status_code == code
    assert reply.headers["content-type"].startswith("text/plain")


def test_events(simulation: Running) -> None:
    start = time.monotonic()
    with simulation.client.stream("GET", "/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        seen: list[tuple[float, str, dict[str, Any]]] = []
        name = ""
        for line in reply.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                seen.append((time.monotonic() - start, name, json.loads(line.removeprefix("data: "))))
            if len(seen) == 2:
                break
    assert [event[1] for event in seen] == ["status", "status"]
    assert 0.7 < seen[0][0] < 3.0
    assert list(seen[0][2]) == list(simulation.status())


def test_clients_that_do_not_read_stall_nothing(simulation: Running) -> None:
    host, port = simulation.client.base_url.host, simulation.client.base_url.port
    assert port is not None
    readers = [socket.create_connection((host, port)) for _ in range(100)]
    try:
        for reader in readers:
            reader.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)
        begin = time.monotonic()
        simulation.status()
        assert time.monotonic() - begin < 2.0
    finally:
        for reader in readers:
            reader.close()


def test_shutdown(tmp_path: Path) -> None:
    running = Running(tmp_path, HOUSE)
    try:
        assert running.client.post("/shutdown").json() == {"status": "shutting_down"}
        assert running.process.wait(10) == 0
    finally:
        running.close()


def test_batteries_follow_a_real_emulator(tmp_path: Path) -> None:
    """Our emulator fed from /power, as any emulator would be; the house is held at zero."""
    emulator = subprocess.Popen(
        [sys.executable, "-m", "nullwatt", "emulator", "--host", "127.0.0.1", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert emulator.stdout is not None and emulator.stdin is not None
    port = int(emulator.stdout.readline().rpartition(":")[2])
    running = Running(tmp_path, HOUSE, "--ct-port", str(port))
    try:
        totals = []
        end = time.monotonic() + 14
        while time.monotonic() < end:
            values = running.client.get("/power").json()
            emulator.stdin.write(json.dumps(list(values.values())) + "\n")
            emulator.stdin.flush()
            totals.append(abs(sum(values.values())))
            time.sleep(0.5)
        assert totals[0] > 150
        assert sum(totals[-8:]) / 8 < 60, totals
    finally:
        running.close()
        emulator.kill()
        emulator.wait()
