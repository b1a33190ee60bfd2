"""A house spread over real processes and a real mosquitto: the same trace, killed and hung nodes, a lost broker."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mqtt_broker import Broker, Ear, free_port, until

from nullwatt.cli.main import main
from nullwatt.home import load_house_file
from nullwatt.home.bus_messages import Books, Bye, Hello, Joules, Telemetry, Tick, Topics
from nullwatt.lab.conductor import Conductor

ONE, SUN = "02B250000001", "house: sun"
HOUSE: dict[str, Any] = {
    "seed": 3,
    "powermeter": {
        "base_load": [400, 150, 80],
        "loads": [{"name": "pump", "power": 900, "phase": "A", "active": True, "on_s": 20, "off_s": 40}],
        "sun": {"mode": "clear_sky", "clouds": 0.6, "start": 11},
    },
    "batteries": [{"mac": ONE, "phase": "A", "meter_dev_type": "VNSE3-0", "jitter": 0.2}],
}
HYBRID = {"name": "cellar", "ac_max_w": 800, "battery": {"capacity_wh": 2000, "initial_soc": 0.5}}
SKY: dict[str, Any] = {
    "powermeter": {"base_load": [400, 150, 80]},
    "weather": {"latitude": 48, "longitude": 11, "start": "2026-06-21T11:00", "clouds": 0.5},
    "pv": [{"name": "garage", "strings": [{"tilt": 20, "azimuth": 90, "peak_w": 1800}]}],
    "batteries": [{"mac": ONE, "phase": "A", "meter_dev_type": "VNSE3-0"}],
}
BASE = "nullwatt/home"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path, "s3cret", "set_tcp_nodelay true\n")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    path = tmp_path / "home.json"
    path.write_text(json.dumps(HOUSE))
    return path


class Process:
    """A nullwatt process and what it says."""

    def __init__(self, log: Path, *arguments: object) -> None:
        self.log = log
        command = [sys.executable, "-m", "nullwatt", *map(str, arguments)]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)

    @property
    def text(self) -> str:
        return self.log.read_text()

    def says(self, pattern: str, seconds: float = 40.0) -> "re.Match[str]":
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end and self.process.poll() is None, f"{pattern}: {self.text}"
            time.sleep(0.02)
        return found

    def ends(self, seconds: float = 60.0) -> int:
        return self.process.wait(seconds)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    started: list[Process] = []

    def make(*arguments: object) -> Process:
        started.append(Process(tmp_path / f"log{len(started)}", *arguments))
        return started[-1]

    yield make
    for process in started:
        process.kill(signal.SIGCONT)
        process.kill()
        process.process.wait()


def node(start: Any, house: Path, broker: Broker, device: str) -> Process:
    made: Process = start("node", "--device", device, "--bus", broker.uri, "-c", house)
    return made


def conduct(start: Any, house: Path, *more: object) -> Process:
    made: Process = start("twin", "conduct", "-c", house, "--node", ONE, "--node", "sun", *more)
    return made


def test_nodes_give_the_trace_of_one_process_and_take_commands(
    house: Path, broker: Broker, start: Any, tmp_path: Path
) -> None:
    house.write_text(json.dumps({**HOUSE, "hybrid": [HYBRID]}))
    ear = Ear(broker.port, broker.login)
    nodes = [node(start, house, broker, device) for device in (ONE, "sun", "cellar")]
    alone, spread = tmp_path / "alone.csv", tmp_path / "spread.csv"
    fast = ("--time-scale", 0, "--duration", 60, "--node", "cellar")
    spreader = conduct(start, house, "--bus", broker.uri, "--trace", spread, *fast)
    local = conduct(start, house, "--local", "--trace", alone, *fast)
    assert local.ends() == 0 and spreader.ends() == 0, spreader.text
    assert spread.read_text() == alone.read_text()
    rows = list(csv.reader(spread.open()))
    assert len(rows) == 62 and any(abs(float(row[5])) > 100 for row in rows[1:]) and float(rows[50][4]) > 0
    assert "without" not in spreader.text and "gone" not in spreader.text
    # Everything on the bus is a message of its model, and each second has joules of every device.
    topics = Topics(BASE)
    models = {"tick": Tick, "joules": Joules, "telemetry": Telemetry, "books": Books}
    until(lambda: len(ear.payloads(topics.books)) == 60, "not all books")
    booked: dict[str, int] = {}
    for topic, text, _ in list(ear.heard):
        channel, _device = topics.split(topic)
        if channel != "presence":
            message = models[channel].model_validate_json(text)  # type: ignore[attr-defined]
            if isinstance(message, Joules) and message.terms is not None:
                booked[message.device] = booked.get(message.device, 0) + 1
    assert set(booked) == {ONE, SUN, "house: base load", "pump", "cellar"} and min(booked.values()) >= 60
    # The same nodes take part in the next run, and are told something in it.
    conductor = conduct(start, house, "--bus", broker.uri, "--time-scale", 10)
    conductor.says("house: sun is there")
    hello = Hello.model_validate_json(ear.latest[topics.of("presence", SUN)])
    assert (hello.phase, hello.units, hello.commands) == ("A", {"power_w": "W"}, ["power_w", "clouds", "mode"])
    ear.publish(topics.of("command", SUN), '{"name": "power_w", "value": 321}')
    ear.publish(topics.of("command", SUN), '{"name": "power_w", "value": 9999}')
    ear.publish(topics.of("command", SUN), "nonsense")
    shown = topics.of("telemetry", SUN)
    until(lambda: json.loads(ear.latest[shown])["values"] == {"power_w": 321.0}, "not told")
    conductor.says("refused: house: sun: power_w = 9999.0: must be within 0 and 2000 W")
    conductor.says("Invalid JSON")
    for each in nodes:  # as a deployment that is scaled to zero
        each.kill(signal.SIGTERM)
        assert each.ends(10) == 0, each.text
    conductor.says(rf"{ONE} is gone: said goodbye")
    conductor.says(rf"{SUN} is gone: said goodbye")
    for device in (ONE, SUN):
        until(lambda: '"bye"' in ear.latest[topics.of("presence", device)], "no farewell")  # noqa: B023
        Bye.model_validate_json(ear.latest[topics.of("presence", device)])
    ear.close()


def test_a_plant_has_the_weather_of_the_house(house: Path, broker: Broker, start: Any, tmp_path: Path) -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    house.write_text(json.dumps(SKY))
    plant = node(start, house, broker, "garage")
    trace = tmp_path / "trace.csv"
    fast = ("--duration", 5, "--time-scale", 0, "--trace", trace)
    spreader = start("twin", "conduct", "-c", house, "--node", "garage", "--bus", broker.uri, *fast)
    assert spreader.ends() == 0, spreader.text
    alone = Conductor(load_house_file(house), trace=True)
    alone.run(5.0)
    rows = list(csv.reader(trace.open()))[1:]
    assert [tuple(map(float, row)) for row in rows] == alone.trace and len(rows) == 6
    assert float(rows[-1][1]) < 0.0  # it gives more than the phase takes
    assert "without" not in spreader.text and "Warning" not in plant.text + spreader.text


def test_a_killed_and_a_hung_node_are_seen_within_three_ticks_and_the_house_goes_on(
    house: Path, broker: Broker, start: Any
) -> None:
    battery, sun = node(start, house, broker, ONE), node(start, house, broker, "sun")
    ear = Ear(broker.port, broker.login)
    port = free_port()
    conductor = conduct(
        start, house, "--bus", broker.uri, "--time-scale", 10, "--patience", 0.3, "--metrics-port", port
    )
    until(lambda: len(ear.payloads(f"{BASE}/books")) > 5, "the house does not run", 40.0)

    def ticks_of(device: str) -> list[Tick]:
        ticks = [Tick.model_validate_json(text) for text in ear.payloads(f"{BASE}/tick")]
        return [tick for tick in ticks if device in tick.orders]

    def joules_of(device: str) -> list[Joules]:
        return [Joules.model_validate_json(text) for text in ear.payloads(Topics(BASE).of("joules", device))]

    battery.kill()
    battery.ends()
    conductor.says(rf"s: {ONE} is gone")
    last = joules_of(ONE)[-1].tick
    before = len(ear.payloads(f"{BASE}/books"))
    until(lambda: len(ear.payloads(f"{BASE}/books")) > before + 10, "the house stands")
    assert ticks_of(ONE)[-1].number - last <= 3

    sun.kill(signal.SIGSTOP)
    conductor.says(rf"s: {SUN} is gone: missed 3 ticks")
    before = len(ear.payloads(f"{BASE}/books"))
    until(lambda: len(ear.payloads(f"{BASE}/books")) > before + 10, "the house stands")
    latest = Books.model_validate_json(ear.payloads(f"{BASE}/books")[-1])
    assert sum(latest.grid_w) == pytest.approx(630 + 450, abs=510)  # base load, noise, and the pump or not

    sun.kill(signal.SIGCONT)  # it answers what it missed, and is back
    conductor.says(rf"{SUN} is gone(?s:.*){SUN} is there")
    node(start, house, broker, ONE)
    conductor.says(rf"{ONE} is gone(?s:.*){ONE} is there")
    count = len(joules_of(ONE))
    until(lambda: len(joules_of(ONE)) > count + 5, "it does not take part")
    metrics = subprocess.run(["curl", "-s", f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True).stdout
    assert f'nullwatt_device_present{{device="{ONE}"}} 1.0' in metrics and "nullwatt_bus_ticks_total" in metrics

    # Without its broker the house stands; afterwards it goes on, and nobody is blamed.
    gone = conductor.text.count("is gone")
    broker.stop()
    time.sleep(1.0)
    broker.start()
    again = Ear(broker.port, broker.login)
    until(lambda: len(again.payloads(f"{BASE}/books")) > 10, "the house did not come back")
    assert conductor.text.count("is gone") == gone, conductor.text
    conductor.kill(signal.SIGTERM)
    assert conductor.ends(5) == 0, conductor.text
    found = re.search(r"unexplained (\S+) J", conductor.text)
    assert found and float(found[1]) < 1e-3
    again.close()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["node", "--device", "pv1", "--bus", "mqtt://h"], "--device pv1: there is no device 'pv1'; there are 02B2"),
        (["node", "--device", "sun"], "--bus is missing: the MQTT broker, mqtt://host:port"),
        (["node", "--device", "sun", "--bus", "http://h"], "--bus: must begin with mqtt:// or mqtts://"),
        (["node", "--device", "sun", "--bus", "mqtt://h", "--topic", "a/#"], "--topic a/#: a topic has"),
        (["twin", "conduct", "--local", "--node", "x", "--duration", "1"], "--node: there is no device 'x'"),
        (["twin", "conduct", "--bus", "mqtt://127.0.0.1:9"], "mqtt://127.0.0.1:9: cannot be reached"),
    ],
)
def test_a_mistake_is_one_line(
    house: Path, arguments: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["nullwatt", *arguments, "-c", str(house)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"nullwatt: {line}")
