"""MQTT insights on a real broker: what is told, what commands change, and what survives whom."""

import asyncio
import json
import logging
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiomqtt
import pytest
from mqtt_broker import Broker, Ear, free_port
from mqtt_broker import until as wait_until
from sim_process import Running

from nullwatt.core import Config, ConsumerState, Emulator, Insights, Message, encode_frame
from nullwatt.emulator import mqtt
from nullwatt.emulator.marstek_app import MarstekApp
from nullwatt.emulator.mqtt import InsightsService, printable
from nullwatt.home import MqttInsightsSection, parse_broker, parse_house
from nullwatt.lab import Site, specs_of

MAC = "02b250000001"
METER = "astrameter/ct002/device-1"
BATTERY = f"{METER}/consumer/{MAC}"
CT_MAC = "02b250aaaaaa"
PASSWORD = "s3cret"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path, PASSWORD)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ear(broker: Broker) -> Iterator[Ear]:
    made = Ear(broker.port, broker.login)
    yield made
    made.close()


async def until[T](what: Callable[[], T], words: str, seconds: float = 10.0) -> T:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while not (found := what()):
        assert clock() < end, words
        await asyncio.sleep(0.02)
    return found


class Told:
    """An emulator whose clock stands unless it is moved, and its session with the broker."""

    def __init__(self, broker: Broker, **settings: Any) -> None:
        self.now_s = 100.0
        self.emulator = Emulator(Config(min_efficient_power=200.0))
        self.emulator.update_grid([300.0, 20.0, -5.0], at=self.now_s)
        address = parse_broker(broker.uri)
        section = MqttInsightsSection(**settings)
        self.service = InsightsService(self.emulator, address, lambda: self.now_s, section, "1.2.3")

    def poll(self, mac: str = MAC, power_w: int = 0, after_s: float = 1.0) -> None:
        self.now_s += after_s
        self.emulator.update_grid([300.0, 20.0, -5.0], at=self.now_s)
        request = encode_frame(["HMJ-2", mac.upper(), "HME-4", "", "A", str(power_w)])
        assert self.emulator.handle(request, source="192.0.2.7:22222", at=self.now_s)

    @property
    def battery(self) -> ConsumerState:
        (found,) = (consumer for consumer in self.emulator.consumers() if consumer.mac == MAC)
        return found

    @asynccontextmanager
    async def told(self) -> AsyncIterator["Told"]:
        task = asyncio.create_task(self.service.run())
        try:
            await until(lambda: self.service.connected, "not connected")
            yield self
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def told(broker: Broker, **settings: Any) -> AsyncIterator[Told]:
    async with Told(broker, **settings).told() as running:
        yield running


async def test_state_discovery_and_availability(broker: Broker, ear: Ear) -> None:
    async with told(broker) as house:
        await until(lambda: ear.latest.get("astrameter/status") == "online", "not online")
        house.poll(power_w=-40)
        await until(
            lambda: f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config" in ear.latest, "no discovery"
        )
        state = json.loads(ear.latest[BATTERY])
        assert state["grid_power"] == {"l1": 300, "l2": 20, "l3": -5, "total": 315}
        assert (state["reported_power"], state["phase"], state["battery_ip"]) == (-40, "A", "192.0.2.7")
        assert ear.latest[f"{BATTERY}/availability"] == "online"
        assert json.loads(ear.latest["astrameter/bridge"]) == {"version": "1.2.3", "consumer_count": 1}
        meter = json.loads(ear.latest[f"{METER}/status"])
        assert meter == {"smooth_target": 315, "active_control": True, "consumer_count": 1}
        documents = {
            topic: json.loads(text) for topic, text in ear.latest.items() if topic.startswith("homeassistant/")
        }
        assert sorted(len(document["components"]) for document in documents.values()) == [3, 4, 24]
        ids = [each["unique_id"] for document in documents.values() for each in document["components"].values()]
        assert len(set(ids)) == len(ids)
        fresh = Ear(broker.port, broker.login)
        await until(lambda: set(ear.latest) <= set(fresh.latest), "not all of it is retained")
        fresh.close()
    await until(lambda: ear.latest["astrameter/status"] == "offline", "no farewell")


async def test_names_prefix_and_without_discovery(broker: Broker, ear: Ear) -> None:
    names = {"base_topic": "home/nw", "device_id": "cellar", "ha_discovery_prefix": "ha"}
    async with told(broker, **names) as house:
        house.poll()
        await until(lambda: f"ha/device/astrameter_ct002_cellar_{MAC}/config" in ear.latest, "no discovery")
        assert f"home/nw/ct002/cellar/consumer/{MAC}" in ear.latest
    ear.latest.clear()
    async with told(broker, base_topic="bare", ha_discovery=False) as house:
        house.poll()
        await until(lambda: f"bare/ct002/device-1/consumer/{MAC}/availability" in ear.latest, "no battery")
    await until(lambda: ear.latest["bare/status"] == "offline", "no farewell")
    assert not [topic for topic in ear.latest if topic.startswith("homeassistant/")]


async def test_every_poll_is_told_at_once_or_at_most_one_per_interval(broker: Broker, ear: Ear) -> None:
    async with told(broker) as house:
        for power_w in range(5):
            house.poll(power_w=power_w)
            began_s = asyncio.get_running_loop().time()
            await until(lambda: json.loads(ear.latest.get(BATTERY, "{}")).get("reported_power") == power_w, "no state")  # noqa: B023
            assert asyncio.get_running_loop().time() - began_s < 1.0
        assert ear.payloads(f"{BATTERY}/availability") == ["online"]  # on change only
    async with told(broker, base_topic="slow", state_interval=10) as house:
        topic = f"slow/ct002/device-1/consumer/{MAC}"
        for power_w in range(25):
            house.poll(power_w=power_w)
            await asyncio.sleep(0.02)
        house.poll(power_w=99, after_s=10)
        await until(lambda: json.loads(ear.latest.get(topic, "{}")).get("reported_power") == 99, "no last state")
    assert 3 <= len(ear.payloads(topic)) <= 5


COMMANDS: list[tuple[str, str, Callable[[ConsumerState], object], object]] = [
    ("active", "false", lambda battery: battery.active, False),
    ("active", " ON ", lambda battery: battery.active, True),
    ("auto_target", "off", lambda battery: battery.manual, True),
    ("auto_target", "1", lambda battery: battery.manual, False),
    ("manual_target", "-300", lambda battery: battery.manual_target_w, -300),
    ("distribution_weight", "2.5", lambda battery: battery.weight, 2.5),
    ("efficiency_window_weight", "40", lambda battery: battery.window_weight, pytest.approx(0.4)),
    ("min_dc_output", "30", lambda battery: battery.min_dc_output_w, 30),
    ("max_charge", "700", lambda battery: battery.max_charge_w, 700),
    ("max_discharge", "650", lambda battery: battery.max_discharge_w, 650),
]


async def test_every_command_changes_what_it_should(broker: Broker, ear: Ear) -> None:
    async with told(broker) as house:
        house.poll()
        for field, payload, look, value in COMMANDS:
            assert look(house.battery) != value, field
            ear.publish(f"{BATTERY}/{field}/set", payload)
            await until(lambda: look(house.battery) == value, f"{field} = {payload}")  # noqa: B023
        assert not house.battery.manual  # a number alone does not switch to manual
        house.poll()
        await until(lambda: json.loads(ear.latest[BATTERY])["max_charge"] == 700, "not told")
        assert {f"{BATTERY}/{field}/set" for field, *_ in COMMANDS} == command_topics(ear, MAC)
        for value in (False, True):
            ear.publish(f"{METER}/set", json.dumps({"active_control": value}))
            await until(lambda: house.emulator.state().active_control is value, "active_control")  # noqa: B023
            await until(lambda: json.loads(ear.latest[f"{METER}/status"])["active_control"] is value, "untold")  # noqa: B023


def command_topics(ear: Ear, mac: str) -> set[str]:
    document = json.loads(ear.latest[f"homeassistant/device/astrameter_ct002_device-1_{mac}/config"])
    return {each["command_topic"] for each in document["components"].values() if "command_topic" in each}


LOG = "nullwatt.mqtt"
MALFORMED: list[tuple[str, bytes, str]] = [
    *((f"{BATTERY}/{field}/set", b"much", "must be") for field in dict.fromkeys(field for field, *_ in COMMANDS)),
    (f"{BATTERY}/distribution_weight/set", b"11", "must be a number, 0 to 10"),
    (f"{BATTERY}/manual_target/set", b"nan", "must be a number"),
    (f"{BATTERY}/max_charge/set", b"\xff\x00\n" + b"x" * 5000, "must be a number"),
    (f"{BATTERY}/balance/set", b"1", "no such setting"),
    (f"{METER}/consumer/{'x' * 200}/active/set", b"true", "no battery can be called so"),
    (f"{METER}/set", b"{", "must be a JSON object"),
    (f"{METER}/set", b"[]", "must be a JSON object"),
    (f"{METER}/set", b'{"active_control": 1}', "active_control must be true or false"),
    (f"{METER}/set", b'{"force_rotation": false}', "force_rotation must be true"),
    (f"{METER}/set", b'{"reboot": true}', "must have force_rotation or active_control"),
]


async def test_each_malformed_command_is_one_line_and_changes_nothing(
    broker: Broker, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with told(broker) as house:
        house.poll()
        before = house.battery, house.emulator.state()
        for topic, payload, _ in MALFORMED:
            ear.publish(topic, payload)
        ear.publish(f"{BATTERY}/active/set", b"")  # how a retained command is deleted
        ear.publish(f"{BATTERY}/max_charge/set", b"650")
        await until(lambda: house.battery.max_charge_w == 650, "the last one did not come")
        assert (house.battery.weight, house.battery.active) == (before[0].weight, before[0].active)
        assert house.emulator.state().active_control
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == len(MALFORMED), lines
    for line, (topic, _, why) in zip(lines, MALFORMED, strict=True):
        assert line.startswith(printable(topic)) and why in line, line
        assert line.isprintable() and len(line) < 300, line
    assert PASSWORD not in caplog.text and "Traceback" not in caplog.text


async def test_retained_commands_come_back_after_a_restart_of_ours(broker: Broker, ear: Ear) -> None:
    for field, payload, *_ in COMMANDS:
        ear.publish(f"{BATTERY}/{field}/set", payload, retain=True)
    ear.publish(f"{BATTERY}/active/set", "false", retain=True)
    ear.publish(f"{METER}/set", '{"active_control": false}', retain=True)
    for _ in range(2):
        async with told(broker) as house:
            await until(lambda: not house.emulator.state().active_control, "active_control")
            # The settings were there before the battery.
            house.poll()
            battery = house.battery
            assert (battery.active, battery.manual, battery.manual_target_w) == (False, False, -300)
            assert (battery.weight, battery.max_charge_w, battery.max_discharge_w) == (2.5, 700, 650)
            assert (battery.window_weight, battery.min_dc_output_w) == (pytest.approx(0.4), 30)


async def test_a_broker_that_forgot_everything_is_told_anew(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with told(broker) as house:
        house.poll()
        first = Ear(broker.port, broker.login)
        await until(lambda: len(first.latest) >= 8, "not all told")
        broker.stop()
        first.close()
        await until(lambda: not house.service.connected, "the loss was not noticed")
        house.poll(power_w=77)
        broker.start()
        second = Ear(broker.port, broker.login)
        await until(lambda: set(first.latest) <= set(second.latest), "not all told anew")
        assert json.loads(second.latest[BATTERY])["reported_power"] == 77
        second.publish(f"{BATTERY}/active/set", "off")
        await until(lambda: not house.battery.active, "deaf after the restart")
        second.close()
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 <= len(lines) <= 3 and all("trying again" in line for line in lines), lines
    assert PASSWORD not in caplog.text


async def test_a_broker_that_hangs_keeps_nobody_waiting(broker: Broker) -> None:
    clock = asyncio.get_running_loop().time
    longest_s = 0.0
    async with told(broker) as house:
        house.poll()
        await asyncio.sleep(0.3)
        broker.hang()
        for power_w in range(100):
            began_s = clock()
            house.poll(power_w=power_w)
            await asyncio.sleep(0.01)
            longest_s = max(longest_s, clock() - began_s)
        began_s = clock()
    assert longest_s < 0.3
    assert clock() - began_s < 4.0  # the farewell is not waited for


async def test_a_wrong_password_is_told_once_and_nobody_waits(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    address = parse_broker(broker.uri.replace(PASSWORD, "wr0ng"))
    service = InsightsService(Emulator(), address, lambda: 0.0)
    task = asyncio.create_task(service.run())
    await until(lambda: caplog.records, "not told")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (record,) = caplog.records
    assert "uthori" in record.getMessage() and "wr0ng" not in caplog.text


async def test_the_trusted_certificates_are_read_once_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    made, threads, make = 0, set(), ssl.create_default_context

    def slow() -> ssl.SSLContext:
        nonlocal made
        made += 1
        threads.add(threading.current_thread())
        return make()

    tried = 0

    class Client(aiomqtt.Client):
        async def __aenter__(self) -> Self:
            nonlocal tried
            tried += 1
            return await super().__aenter__()

    monkeypatch.setattr(ssl, "create_default_context", slow)
    monkeypatch.setattr(aiomqtt, "Client", Client)
    monkeypatch.setattr(mqtt, "_FIRST_WAIT_S", 0.01)
    service = InsightsService(Emulator(), parse_broker(f"mqtts://127.0.0.1:{free_port()}"), lambda: 0.0)
    task = asyncio.create_task(service.run())
    await until(lambda: tried >= 3, "not tried again")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert made == 1 and threading.current_thread() not in threads


async def test_two_with_the_same_names_are_told_so_and_stop_fighting(
    broker: Broker, ear: Ear, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("_FIRST_WAIT_S", "_LONGEST_WAIT_S", "_QUICK_S", "_LONGEST_FIGHT_WAIT_S"):
        monkeypatch.setattr(mqtt, name, getattr(mqtt, name) / 20)
    first, second = Told(broker, device_id="cellar"), Told(broker, device_id="cellar")

    def blamed() -> list[str]:
        return [line for line in caplog.messages if "is another nullwatt connected" in line]

    async with first.told():
        task = asyncio.create_task(second.service.run())
        await until(lambda: len(blamed()) == 2, "nobody is blamed", 20)
        assert "base_topic astrameter and device_id cellar?" in blamed()[0], blamed()
        before = len(caplog.messages)
        await asyncio.sleep(6)
        assert len(blamed()) == 2
        assert 2 <= len(caplog.messages) - before <= 7, caplog.messages[before:]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: first.service.connected, "not back when the other is gone", 10)


@pytest.mark.parametrize("names", [{"device_id": "other"}, {"base_topic": "other"}])
async def test_two_with_other_names_get_along(
    broker: Broker, names: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with told(broker), told(broker, **names):
        await asyncio.sleep(1.0)
    assert not caplog.records


async def test_a_battery_that_left_goes_offline_and_comes_back(broker: Broker, ear: Ear) -> None:
    topic = f"{BATTERY}/availability"
    async with told(broker) as house:
        house.poll()
        await until(lambda: ear.latest.get(topic) == "online", "not online")
        house.now_s += 3600
        house.emulator.tick(at=house.now_s)
        await until(lambda: ear.latest[topic] == "offline", "not offline")
        await until(lambda: json.loads(ear.latest["astrameter/bridge"])["consumer_count"] == 0, "still counted")
        house.poll()
        await until(lambda: ear.latest[topic] == "online", "not back")
    assert ear.payloads(topic) == ["online", "offline", "online"]


async def test_a_battery_that_only_the_broker_remembers_goes_offline(broker: Broker, ear: Ear) -> None:
    ear.publish(f"{BATTERY}/availability", "online", retain=True)
    async with told(broker) as house:
        await until(lambda: ear.latest.get("astrameter/status") == "online", "not online")
        assert ear.latest[f"{BATTERY}/availability"] == "online"
        house.now_s += 61
        await until(lambda: ear.latest[f"{BATTERY}/availability"] == "offline", "not offline")


@pytest.mark.parametrize("retained", [True, False])
def test_what_the_broker_kept_is_known_by_its_flag_however_fast_the_clock(retained: bool) -> None:
    insights = Insights(Emulator())
    insights.connected(at=0.0)
    assert insights.received(f"{BATTERY}/availability", b"online", retained, at=50.0) is None
    told = [message.topic for message in insights.due(at=70.0) if message.payload == b"offline"]
    assert told == ([f"{BATTERY}/availability"] if retained else [])


HOUSE: dict[str, Any] = {
    "powermeter": {"phases": 1, "base_load": [150], "base_noise": 0, "solar_max": 0},
    "batteries": [{"mac": f"02B25000000{n}", "phase": "A", "meter_dev_type": "VNSE3-0"} for n in (1, 2)],
}


async def test_a_button_rotates_and_a_retained_press_does_not(
    broker: Broker, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    press, file = '{"force_rotation": true}', parse_house(HOUSE)
    emulator = Emulator(Config(min_efficient_power=300.0))
    site = Site(file.house_config(), specs_of(file), emulator=emulator)

    async def later(seconds: float) -> None:
        end_s = site.loop.now_s + seconds
        await until(lambda: site.loop.now_s > end_s, "time stands")

    def parked() -> list[str]:
        return [consumer.mac for consumer in emulator.consumers() if consumer.parked]

    tasks = [asyncio.create_task(site.play(time_scale=100))]
    try:
        await later(120)
        (before,) = parked()
        ear.publish(f"{METER}/set", press, retain=True)
        service = InsightsService(emulator, parse_broker(broker.uri), lambda: site.loop.now_s)
        tasks.append(asyncio.create_task(service.run()))
        await until(lambda: "must not be retained" in caplog.text, "no line")
        await later(120)
        assert parked() == [before]
        ear.publish(f"{METER}/set", press)
        await until(lambda: parked() not in ([], [before]), "not rotated")
        assert len(caplog.records) == 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_a_process_at_a_hundred_times_real_time(broker: Broker, ear: Ear, tmp_path: Path) -> None:
    """The last will after kill -9, a second life, and a battery that is unplugged and comes back."""
    house: dict[str, Any] = {**HOUSE, "http": {"port": 0}, "time_scale": 100, "mqtt_insights": {"device_id": "cellar"}}
    # The file has the device id, the command line the rest.
    options = ("--emulator", "--ct-port", "0", "--no-web", "--mqtt", broker.uri, "--mqtt-base-topic", "astrameter")
    house["mqtt_insights"]["base_topic"] = "elsewhere"
    battery = f"astrameter/ct002/cellar/consumer/{MAC}"
    document = f"homeassistant/device/astrameter_ct002_cellar_{MAC}/config"
    first = Running(tmp_path, house, *options)
    wait_until(lambda: document in ear.latest and ear.latest["astrameter/status"] == "online", "no battery")
    told_once = ear.latest[document]
    first.process.kill()
    wait_until(lambda: ear.latest["astrameter/status"] == "offline", "no last will")
    first.close()
    ear.publish(f"{battery}/active/set", "off", retain=True)
    second = Running(tmp_path, house, *options)
    try:
        wait_until(lambda: ear.latest["astrameter/status"] == "online", "not back")
        wait_until(lambda: json.loads(ear.latest[battery])["active"] is False, "the setting is lost")
        assert ear.latest[document] == told_once
        assert second.client.delete(f"/api/v1/batteries/{MAC.upper()}").is_success
        wait_until(lambda: ear.latest[f"{battery}/availability"] == "offline", "not offline")
        assert ear.latest["astrameter/ct002/cellar/consumer/02b250000002/availability"] == "online"
        added = second.client.post("/api/v1/batteries", json=HOUSE["batteries"][0])
        assert added.is_success, added.text
        wait_until(lambda: ear.latest[f"{battery}/availability"] == "online", "not back")
        second.process.terminate()
        assert second.process.wait(10) == 0
        wait_until(lambda: ear.latest["astrameter/status"] == "offline", "no farewell")
        log = second.log.read_text()
        assert PASSWORD not in log and "Traceback" not in log and "WARNING" not in log
    finally:
        second.close()


def test_the_emulator_as_a_service(broker: Broker, ear: Ear, tmp_path: Path) -> None:
    log = tmp_path / "log"

    def start(*options: str) -> tuple["subprocess.Popen[str]", int]:
        command = [sys.executable, "-m", "nullwatt", "emulator", "--host", "127.0.0.1", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--mqtt", broker.uri, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        assert process.stdout is not None
        return process, int(process.stdout.readline().rsplit(":", 1)[1])

    named = ("--mqtt-base-topic", "home/nw", "--mqtt-device-id", "cellar")
    lives: list[tuple[str, signal.Signals, tuple[str, ...], str, str]] = [
        ("1", signal.SIGKILL, (), "astrameter", METER),
        ("2", signal.SIGTERM, (), "astrameter", METER),
        ("3", signal.SIGTERM, named, "home/nw", "home/nw/ct002/cellar"),
    ]
    for number, end, options, base, meter in lives:
        process, port = start(*options)
        wait_until(lambda: ear.latest.get(f"{base}/status") == "online", "not online")  # noqa: B023
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as battery:
            request = encode_frame(["HMG-50", f"02B25000000{number}", "HME-4", "", "A", "0"])
            battery.sendto(request, ("127.0.0.1", port))
        wait_until(lambda: f"{meter}/consumer/02b25000000{number}" in ear.latest, "no battery")  # noqa: B023
        process.send_signal(end)
        assert process.wait(10) == (-end if end == signal.SIGKILL else 0), log.read_text()
        wait_until(lambda: ear.latest[f"{base}/status"] == "offline", "not offline")  # noqa: B023
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.close()
    assert PASSWORD not in log.read_text() and "Traceback" not in log.read_text()


class Echo:
    """Says back what it hears, and counts."""

    subscriptions = ("echo/ask",)

    def __init__(self) -> None:
        self.count = 0

    def connected(self) -> None:
        self.count = 0

    def received(self, topic: str, payload: bytes) -> Iterable[Message]:
        return [Message("echo/answer", payload, False, 1)] if topic == "echo/ask" else []

    def due(self) -> Iterable[Message]:
        self.count += 1
        return [Message("echo/begun", b"1", True, 0)] if self.count == 1 else []


async def test_further_topics_share_the_connection(broker: Broker, ear: Ear) -> None:
    house, echo = Told(broker), Echo()
    house.service.extensions.append(echo)
    async with house.told():
        await until(lambda: ear.latest.get("echo/begun") == "1", "the periodic hook was not called")
        ear.publish("echo/ask", "hello")
        await until(lambda: ear.latest.get("echo/answer") == "hello", "no answer")
        house.poll()
        await until(lambda: BATTERY in ear.latest, "no battery")


class Broken:
    """Fails wherever it can."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.failed = 0

    def fail(self, where: str) -> None:
        if where == self.where:
            self.failed += 1
            raise KeyError("no such\nthing")

    @property
    def subscriptions(self) -> Sequence[str]:
        self.fail("subscriptions")
        return ("broken/ask",) if self.where != "filter" else ("broken/#/ask",)

    def connected(self) -> None:
        self.fail("connected")

    def received(self, topic: str, payload: bytes) -> Iterator[Message]:
        self.fail("received")
        yield Message("broken/heard", b"1", True, 0)
        self.fail("midway")

    def due(self) -> Iterator[Message]:
        self.fail("due")
        yield Message("broken/+" if self.where == "topic" else "broken/due", b"1", False, 0)


@pytest.mark.parametrize("where", ["subscriptions", "filter", "connected", "received", "midway", "due", "topic"])
async def test_an_extension_that_fails_harms_nobody_else(
    broker: Broker, ear: Ear, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    house, broken = Told(broker), Broken(where)
    house.service.extensions += [broken, Echo()]
    async with house.told():
        await until(lambda: ear.latest.get("echo/begun") == "1", "the one after it is not called")
        for word in ("hello", "again"):
            ear.publish("echo/ask", word)
            await until(lambda: ear.latest.get("echo/answer") == word, "no answer")  # noqa: B023
        house.poll()
        await until(lambda: BATTERY in ear.latest, "no battery")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("Broken: ") and line.isprintable() and "; going on without" in line
    assert broken.failed >= {"filter": 0, "topic": 0, "connected": 1, "subscriptions": 1}.get(where, 2)


async def test_the_app_goes_on_when_its_meter_fails(broker: Broker, ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    house = Told(broker)
    works = False

    def measured() -> Sequence[float]:
        if not works:
            raise OSError("no meter")
        return (300.0, 20.0, -5.0)

    house.service.extensions.append(MarstekApp(house.emulator, CT_MAC, measured, lambda: house.now_s, 0))
    async with house.told():
        for _ in range(3):
            ear.publish(of_app("App"), "cd=1")
        await until(lambda: "no meter" in caplog.text, "no line")
        works = True
        ear.publish(of_app("App"), "cd=1")
        await until(lambda: ear.latest.get(of_app("device"), "").startswith(FRAME.format(0)), "no answer any more")
    assert len(caplog.records) == 1


# --- the Marstek app

FRAME = "pwr_a=300,pwr_b=20,pwr_c=-5,pwr_t=315,wif_s=2,wif_r=-50,ver_v=148,slv_n={},cur_d=0,ble_s=0"


def of_app(kind: str, prefix: str = "hame_energy") -> str:
    return f"{prefix}/HME-4/{kind}/{CT_MAC}/ctrl"


async def test_the_app_is_answered_under_both_names_and_told_unasked(broker: Broker, ear: Ear) -> None:
    house = Told(broker)
    app = MarstekApp(house.emulator, "02:B2:50:AA:AA:AA", lambda: (300.0, 20.0, -5.0), lambda: house.now_s, 60)
    house.service.extensions.append(app)
    answers = [of_app("device"), of_app("device", "marstek_energy")]
    async with house.told():
        for topic in answers:
            await until(lambda topic=topic: ear.latest.get(topic, "").startswith(FRAME.format(0)), "not told at once")  # type: ignore[misc]
        for n in range(7):
            house.poll(f"60f1a2b3c40{n}", after_s=0.1)
        for prefix in ("hame_energy", "marstek_energy"):
            ear.latest.clear()
            ear.publish(of_app("App", prefix), "cd=4,p1=0")
            for topic in answers:
                await until(lambda topic=topic: ear.latest.get(topic, "").startswith("slv_t=HMJ-2,"), "no list")  # type: ignore[misc]
            assert ear.latest[answers[0]].count("slv_id=") == 5
        ear.publish(of_app("App"), "cd=1")
        await until(lambda: ear.latest[answers[1]].startswith(FRAME.format(7)), "no frame")
        ear.latest.clear()
        for payload in ("cd=99", "", "x", b"\xff\xfe", "cd=4"):
            ear.publish(of_app("App"), payload)
        ear.publish(of_app("App").replace("HME-4", "HME-3"), "cd=1")
        house.now_s += 59
        ear.publish("fence", "1")
        await until(lambda: ear.latest.get("fence") == "1", "no fence")
        await asyncio.sleep(0.3)
        assert not [topic for topic in ear.latest if "/device/" in topic]
        house.now_s += 2
        await until(lambda: answers[1] in ear.latest, "no broadcast")


def test_the_app_needs_a_mac() -> None:
    with pytest.raises(ValueError, match="'02b2' is no MAC"):
        MarstekApp(Emulator(), "02b2", list, lambda: 0.0)


def test_a_simulated_house_answers_the_app(broker: Broker, ear: Ear, tmp_path: Path) -> None:
    house = {"ct": {"mac": CT_MAC}, "http": {"port": 0}, "batteries": [{"mac": MAC.upper(), "phase": "A"}]}
    options = ("--emulator", "--ct-port", "0", "--no-web", "--mqtt", broker.uri)
    running = Running(tmp_path, house, *options)
    try:
        wait_until(lambda: of_app("device") in ear.latest, "no broadcast")
        assert re.match(r"pwr_a=-?\d+,pwr_b=-?\d+,pwr_c=-?\d+,pwr_t=-?\d+,.*slv_n=[01],", ear.latest[of_app("device")])
    finally:
        running.close()
