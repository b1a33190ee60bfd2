"""`/api/v1` and `/metrics` of `nullwatt sim`: time control, history, streams that nobody reads."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sim_process import HOUSE, Running
from websockets.sync.client import ClientConnection, connect


@pytest.fixture
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("sim"), HOUSE)
    yield running
    running.close()


def now_s(running: Running) -> float:
    value: float = running.client.get("/api/v1/state").json()["time"]["now_s"]
    return value


def stream(running: Running) -> ClientConnection:
    url = running.client.base_url
    return connect(f"ws://{url.host}:{url.port}/api/v1/stream", proxy=None)


def test_state_is_the_status_and_the_time(simulation: Running) -> None:
    state = simulation.client.get("/api/v1/state").json()
    assert state["time"] == {
        "now_s": pytest.approx(now_s(simulation), abs=0.5),
        "scale": 1.0,
        "paused": False,
        "hour": pytest.approx(12.0, abs=0.1),
    }
    assert set(simulation.status()) < set(state)


def test_time_is_controlled(simulation: Running) -> None:
    post = simulation.client.post
    assert post("/api/v1/time/pause").json()["time"]["paused"] is True
    standing_s = now_s(simulation)
    time.sleep(0.3)
    assert now_s(simulation) == standing_s
    assert post("/api/v1/time/step", json={"seconds": 90}).json()["time"]["now_s"] == pytest.approx(standing_s + 90)
    post("/api/v1/time/scale", json={"scale": 100})
    post("/api/v1/time/resume")
    begin_s, begin = now_s(simulation), time.monotonic()
    time.sleep(1.0)
    passed_s = now_s(simulation) - begin_s
    assert passed_s == pytest.approx(100 * (time.monotonic() - begin), rel=0.2)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("scale", {"scale": 0}, "scale: 0 must be within 0.1 and 1000"),
        ("scale", {"scale": 1e9}, "must be within 0.1 and 1000"),
        ("scale", {}, "scale: null is not a number"),
        ("step", {"seconds": 1}, "only a paused clock can be stepped"),
        ("step", {"seconds": -1}, "seconds: -1 must be within 0.001 and 3600"),
    ],
)
def test_time_that_cannot_be(simulation: Running, path: str, body: dict[str, Any], words: str) -> None:
    reply = simulation.client.post(f"/api/v1/time/{path}", json=body)
    assert reply.status_code == 400 and words in reply.json()["error"]


def test_history_holds_a_moment_per_simulated_second(simulation: Running) -> None:
    simulation.client.post("/api/v1/time/scale", json={"scale": 200})
    time.sleep(1.5)
    simulation.client.post("/api/v1/time/pause")
    moments = simulation.client.get("/api/v1/history?seconds=100").json()
    times = [moment["time_s"] for moment in moments]
    assert len(times) == pytest.approx(100, abs=3) and times == sorted(times)
    assert set(moments[-1]["batteries_w"]) == {"02B250000001", "02B250000002"}
    assert simulation.client.get("/api/v1/history?seconds=0").status_code == 400
    assert simulation.client.get("/api/v1/history?seconds=x").status_code == 400


def test_metrics(simulation: Running) -> None:
    simulation.client.post("/api/v1/time/pause")
    text = simulation.client.get("/metrics").text
    grid = simulation.status()["grid"]
    found = re.search(r'^nullwatt_grid_power_watts\{phase="B"\} (\S+)$', text, re.MULTILINE)
    assert found and float(found[1]) == grid["phase_b"]
    assert 'nullwatt_battery_soc_ratio{mac="02B250000001",phase="A"}' in text
    assert 'nullwatt_load_active{name="Kettle",phase="B"} 0.0' in text


def test_description(simulation: Running) -> None:
    paths = simulation.client.get("/openapi.json").json()["paths"]
    assert {"/power", "/status", "/loads/{n}/toggle", "/api/v1/state", "/api/v1/time/step"} <= set(paths)


def test_stream_tells_the_state_every_second(simulation: Running) -> None:
    with stream(simulation) as socket:
        first, second = json.loads(socket.recv(5)), json.loads(socket.recv(5))
    assert second["time"]["now_s"] - first["time"]["now_s"] == pytest.approx(1.0, abs=0.4)
    assert first["batteries"][0]["mac"] == "02B250000001"


@pytest.mark.slow
def test_two_hundred_streams_that_nobody_reads_stall_nothing(simulation: Running) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(stream(simulation))
        begin_s, begin = now_s(simulation), time.monotonic()
        time.sleep(4.0)
        passed_s, passed = now_s(simulation) - begin_s, time.monotonic() - begin
        assert passed_s == pytest.approx(passed, abs=0.5)
    # They are gone, and nobody misses them.
    with stream(simulation) as socket:
        assert json.loads(socket.recv(5))["time"]["now_s"] > begin_s
    assert "Traceback" not in simulation.log.read_text()
