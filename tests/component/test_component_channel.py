"""The compiled node over real UDP: golden sessions, the commands of the test channel, hostile and excess traffic."""

import itertools
import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nullwatt.battery import decode_frame, encode_frame

VECTORS = Path(__file__).parents[1] / "vectors" / "ct002-vectors.json"
SESSIONS = {session["id"]: session for session in json.loads(VECTORS.read_text())["sessions"]}

NOT_HERE = {
    "relay-hme3": "its CT type is fixed when the node is built",
    "mac-policy-configured": "its CT MAC is fixed when the node is built",
    "meter-unavailable-relay": "every client has the node's meter, none can be without; see test_meter_fails_in_relay",
    "active-paused": "the channel has no command to pause a battery",
    "active-crosstalk-intent-filter": "depends on the balancer of the reference",
    "active-auto-first-poll": "depends on the balancer of the reference",
}
APPLICABLE = [name for name in SESSIONS if name not in NOT_HERE]

# A reply nobody expects takes this long to not arrive.
SILENCE_S = 0.05

BATTERY = "60f1a2b3c401"


def request(power: int = 0, phase: str = "A", mac: str = BATTERY, kind: str = "HMG-50") -> bytes:
    return encode_frame(list(map(str, (kind, mac, "HME-4", "5cce1b7a90d4", phase, power))))


def readings(reply: bytes | None) -> list[int]:
    """The three phase fields."""
    assert reply is not None
    fields = decode_frame(reply)
    assert fields is not None
    return [int(field) for field in fields[4:7]]


def configure(node: Any, config: dict[str, Any]) -> None:
    assert (config["ct_type"], config["ct_mac"]) == ("HME-4", "")
    node.command(f"cfg active_control {int(config['mode'] == 'active')}")
    node.command(f"dedupe {round(config['dedupe_window_s'] * 1000)}")
    if config["consumer_ttl_s"] is not None:
        node.command(f"cfg consumer_ttl {config['consumer_ttl_s']}")


def set_meter(node: Any, meter: Any) -> None:
    if meter == "unavailable":
        assert node.command("sensor_stale") == "ok sensor_stale"
    elif meter is not None:
        assert node.command("grid " + " ".join(map(str, meter))).startswith("ok grid")


def control(node: Any, setting: dict[str, Any]) -> None:
    value = int(setting["value"]) if isinstance(setting["value"], bool) else setting["value"]
    command = f"set_{setting['set']} {setting['consumer']}"
    assert node.command(f"{command} {value}") == f"ok {command}"


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICABLE)
def test_golden_session(node: Any, name: str) -> None:
    session = SESSIONS[name]
    configure(node, session["config"])
    for step in session["steps"]:
        at = 1000 + step["t"]
        node.command(f"clock_set {at}")
        if "control" in step:
            control(node, step["control"])
            continue
        set_meter(node, step["meter"])
        expected = bytes.fromhex(step["response_hex"]) if "response_hex" in step else None
        datagram = bytes.fromhex(step["request_hex"])
        for repeat in range(step.get("repeat", 1)):
            if repeat > 0:
                node.command(f"clock_set {at + repeat * step['repeat_spacing_s']}")
            # Only the last repetition's reply is recorded.
            last = repeat == step.get("repeat", 1) - 1
            reply = node.ask(datagram, step["source"], wait=SILENCE_S if last and expected is None else 1.0)
        assert reply == expected, step


@pytest.mark.slow
def test_meter_fails_in_relay(node: Any) -> None:
    session = SESSIONS["meter-unavailable-relay"]
    configure(node, session["config"])
    for step in itertools.takewhile(lambda step: step["meter"] is not None, session["steps"]):
        node.command(f"clock_set {1000 + step['t']}")
        set_meter(node, step["meter"])
        assert node.ask(bytes.fromhex(step["request_hex"])) == bytes.fromhex(step["response_hex"])


# -- commands ------------------------------------------------------------------------------


@pytest.mark.slow
def test_replies_are_byte_compatible(node: Any) -> None:
    dialogue = {
        "grid 1.25 -3": "ok grid 1.2 -3.0 0.0",
        "grid 486.7": "ok grid 486.7 0.0 0.0",
        "grid 1 2 3 \r\n": "ok grid 1.0 2.0 3.0",
        "grid": "err unknown command",
        "grid much": "err unknown command",
        "clock_set 1000": "ok clock_set 1000.000",
        "clock_advance 0.5": "ok clock_advance 1000.500",
        "clock_advance -0.25": "ok clock_advance 1000.250",
        "clock_set soon": "err unknown command",
        "clock_set nan": "err unknown command",
        "clock_real": "ok clock_real",
        "sensor_stale": "ok sensor_stale",
        "dedupe 300": "ok dedupe 300",
        "dedupe -1": "err unknown command",
        "dedupe 0": "ok dedupe 0",
        "get balance_gain": "ok get balance_gain 0.2",
        "get efficiency_rotation_interval": "ok get efficiency_rotation_interval 900",
        "get consumer_ttl": "ok get consumer_ttl -1",
        "get pid_mode": "ok get pid_mode bias",
        "get ct_mac": "ok get ct_mac ",
        "get": "err unknown command",
        "get nonsense": "err unknown command",
        "cfg balance_gain 0.3": "ok cfg balance_gain",
        "cfg saturation_enabled 0": "ok cfg saturation_enabled",
        "cfg saturation_grace_seconds 5": "ok cfg saturation_grace_seconds",
        "cfg consumer_ttl 60": "ok cfg consumer_ttl",
        "cfg consumer_ttl -1": "ok cfg consumer_ttl",
        "cfg active_control 0": "ok cfg active_control",
        "cfg active_control 1": "ok cfg active_control",
        "cfg balance_gain 7": "err cfg (bad key or parse)",
        "cfg balance_gain": "err cfg (bad key or parse)",
        "cfg balance_gain x": "err cfg (bad key or parse)",
        "cfg udp_port 7": "err cfg (bad key or parse)",
        "cfg nonsense 1": "err cfg (bad key or parse)",
        "cfg": "err cfg (bad key or parse)",
        "set_manual_target 60f1a2b3c401 -300": "ok set_manual_target 60f1a2b3c401",
        "set_manual_target 60f1a2b3c401": "err unknown command",
        "cfg steering Gentle": "ok cfg steering",
        "get steering": "ok get steering gentle",
        "cfg steering brisk": "err cfg (bad key or parse)",
        "cfg balance_gain gentle": "err cfg (bad key or parse)",
        "cfg ct_type HME-3": "err cfg (bad key or parse)",
        "set_auto_target 60f1a2b3c401 1": "ok set_auto_target 60f1a2b3c401",
        "set weight 60f1a2b3c401 2.5": "ok set weight",
        "set weight 60f1a2b3c401 11": "err set weight",
        "set charge_order 60f1a2b3c401 3": "ok set charge_order",
        "set charge_order 60f1a2b3c401 300": "err set charge_order",
        "set active 60f1a2b3c401 1": "ok set active",
        "set weight 60f1a2b3c401": "err unknown command",
        "set weight 60f1a2b3c401 much": "err unknown command",
        "set nonsense 60f1a2b3c401 1": "err unknown command",
        "force_rotation": "ok force_rotation",
        "evict": "ok evict",
        "dump": "ok|smooth_target=0.000",
        "": "err unknown command",
        "DUMP": "err unknown command",
        "x" * 127: "err unknown command",
        "grid 1 " + " " * 130: "err unknown command",
    }
    assert {command: node.command(command) for command in dialogue} == dialogue


@pytest.mark.slow
def test_dump_shows_each_battery(node: Any) -> None:
    node.command("clock_set 100")
    node.command("grid 100 0 0")
    node.command(f"set_manual_target {BATTERY} -300")
    node.command(f"set_auto_target {BATTERY} 0")
    assert readings(node.ask(request(power=50, phase="B"))) == [0, -350, 0]
    node.ask(request(power=20, phase="D", mac="AABBCCDDEEFF"))
    first, second = sorted(node.command("dump").split("|")[2:])
    assert first == f"{BATTERY},B,-300.0,-350.0,0.0000,1,1,50.0,-300.0,-300.0"
    assert re.fullmatch(r"aabbccddeeff,D,-?\d+\.\d,-?\d+\.\d,0\.0000,1,0,20\.0,-?\d+\.\d,0\.0", second)


@pytest.mark.slow
def test_settings_of_one_battery(node: Any) -> None:
    node.command("clock_set 100")
    node.command("grid 100 0 0")
    node.command(f"set manual_target {BATTERY.upper()} -300")
    node.command(f"set manual {BATTERY} 1")
    node.command("set active aabbccddeeff 0")
    assert readings(node.ask(request(power=50))) == [-350, 0, 0]
    node.ask(request(power=20, mac="AABBCCDDEEFF"))
    first, second = sorted(node.command("dump").split("|")[2:])
    assert first.split(",")[5:7] == ["1", "1"]
    assert second.split(",")[5:7] == ["0", "0"]


@pytest.mark.slow
def test_missing_power_stands_in_the_dump(node: Any) -> None:
    node.command("grid 100 0 0")
    node.ask(request())
    assert node.command("dump").startswith("ok|smooth_target=100.000|")


@pytest.mark.slow
def test_mock_clock_moves_the_batteries_but_not_the_meter(node: Any) -> None:
    node.command("clock_set 1000")
    node.command("grid 100 0 0")
    node.ask(request())
    node.command("clock_advance 29")
    node.command("evict")
    assert BATTERY in node.command("dump")
    node.command("clock_advance 7200")
    # Nothing expires by itself while the clock is in the suite's hands.
    time.sleep(1.2)
    assert BATTERY in node.command("dump")
    node.command("evict")
    assert node.command("dump").count("|") == 1
    # Two hours later by the mock clock, but the meter's sample is a second old.
    assert readings(node.ask(request(phase="0"))) == [100, 0, 0]


@pytest.mark.slow
def test_mock_clock_across_the_wrap_of_the_counter(node: Any) -> None:
    node.command(f"clock_set {2**32 / 1000 - 0.5}")
    node.command("grid 100 0 0")
    node.command("dedupe 800")
    assert node.ask(request()) is not None
    node.command("clock_advance 0.7")
    assert node.ask(request(), wait=SILENCE_S) is None
    node.command("clock_advance 0.2")
    assert node.ask(request()) is not None


@pytest.mark.slow
def test_meter_ages_in_real_time(node: Any) -> None:
    node.command("clock_set 1000")
    node.command("grid 100 20 3")
    assert readings(node.ask(request(phase="0"))) == [100, 20, 3]
    time.sleep(2.2)
    assert readings(node.ask(request(phase="0"))) == [0, 0, 0]
    node.command("grid 100 20 3")
    assert readings(node.ask(request(phase="0"))) == [100, 20, 3]
    node.command("sensor_stale")
    assert readings(node.ask(request(phase="0"))) == [0, 0, 0]


@pytest.mark.slow
def test_command_acts_before_a_poll_that_follows_it(node: Any, test_ports: tuple[int, int]) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as battery,
    ):
        battery.settimeout(1.0)
        for power in range(200):
            control.sendto(f"grid {power}".encode(), ("127.0.0.1", test_ports[1]))
            battery.sendto(request(phase="0"), ("127.0.0.1", test_ports[0]))
            assert readings(battery.recv(999)) == [power, 0, 0]


# -- traffic -------------------------------------------------------------------------------


@pytest.mark.slow
def test_more_datagrams_than_one_pass_takes(node: Any) -> None:
    node.command("grid 7 0 0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as battery:
        battery.settimeout(1.0)
        for _ in range(100):
            battery.sendto(request(phase="0"), ("127.0.0.1", node.poll_port))
        assert [readings(battery.recv(999)) for _ in range(100)] == [[7, 0, 0]] * 100


@pytest.mark.slow
def test_hostile_datagrams_are_dropped(node: Any) -> None:
    node.command("grid 7 0 0")
    long = encode_frame(["HMG-50", BATTERY, "HME-4", "5cce1b7a90d4", "A", "0", "1", "x" * 203])
    assert len(long) > 256
    for datagram in (b"", b"\x01\x02", b"\x00" * 300, long, request()[:-1], request() + b"\n", b"\xff" * 1400):
        assert node.ask(datagram, wait=SILENCE_S) is None
    assert readings(node.ask(request(phase="0"))) == [7, 0, 0]
    node.wait_for_log("No reply to 127.0.0.1:")


@pytest.mark.slow
def test_names_cannot_forge_log_lines(node: Any) -> None:
    node.command("grid 7 0 0")
    assert node.ask(request(mac="a\n[E] on fire", kind="b\x1b[31m")) is not None
    node.wait_for_log("Battery a?[e] on fire (b?[31m) polls from 127.0.0.1:")


@pytest.mark.slow
def test_full_table_is_logged_once_with_the_count(node: Any) -> None:
    node.command("grid 7 0 0")
    for i in range(16):
        assert node.ask(request(mac=f"60f1a2b3c4{i:02x}")) is not None
    for i in range(16, 19):
        assert node.ask(request(mac=f"60f1a2b3c4{i:02x}"), wait=SILENCE_S) is None
    node.wait_for_log("Table full (16 batteries)")
    time.sleep(1.5)
    assert node.log.count("Table full") == 1
    assert "60f1a2b3c40f (HMG-50) polls from" in node.log


# -- what is in force ----------------------------------------------------------------------


@pytest.mark.slow
def test_configuration_is_printed(node: Any, test_ports: tuple[int, int]) -> None:
    node.wait_for_log("Test control port")
    for line in (
        f"UDP port: {test_ports[0]}",
        "CT type: HME-4",
        "CT MAC: any",
        "WiFi RSSI told: -50 dBm",
        "Active control: YES",
        "Phases: 3",
        "L3: 'l3'",
        "Max sensor age: 2000 ms",
        "Battery forgotten after: 2 polls, at least 5 s",
        "Dedupe window: off",
        "Batteries: at most 16",
        "For tests only!",
    ):
        assert line in node.log, line
    memory = re.search(r"Memory: (\d+) bytes", node.log)
    assert memory is not None and 1000 < int(memory[1]) < 20000


@pytest.mark.slow
def test_occupied_port_is_one_clear_line(test_node_program: Path, node: Any, run_node: Callable[..., Any]) -> None:
    with run_node(test_node_program, ready=f"Cannot listen on UDP port {node.poll_port}") as second:
        second.wait_for_log("Not running: its UDP port was not available")
    assert node.command("evict") == "ok evict"


@pytest.mark.slow
def test_datagrams_without_a_reply_do_not_flood_the_log(node: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(b"nonsense", ("127.0.0.1", node.poll_port))
    line = node.wait_for_log("more datagrams")
    told = node.log.count("No reply to 127.0.0.1")
    assert told <= 20  # the burst may lie across two seconds
    assert int(re.search(r"No reply to (\d+) more", line)[1]) >= 100 - told  # type: ignore[index]
