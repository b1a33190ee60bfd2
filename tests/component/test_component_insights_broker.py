"""MQTT insights of a running node, on a real broker.

ESPHome has no MQTT on the host; a client over libmosquitto stands in for its own (stand_ins/mqtt).
"""

import asyncio
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from broker import PROGRAM, Broker, until
from test_component_entities import at_home

from nullwatt.battery import encode_frame

MAC = "60f1a2b3c401"
OTHER_MAC = "60f1a2b3c402"
CT_MAC = "02b250aaaaaa"
METER = "astrameter/ct002/device-1"
BATTERY = f"{METER}/consumer/{MAC}"
NODE_STATUS = "insights-node/status"
#: A battery polls about as often.
POLL_S = 0.2

STAND_INS = Path(__file__).with_name("stand_ins")
METER_SENSOR = '{platform: template, id: l1, unit_of_measurement: W, update_interval: 100ms, lambda: "return 321;"}'


def node_text(port: int, api_port: int) -> str:
    """With entities for the battery and for the house, which stay in step."""
    return f"""
packages: {{client: {{external_components: [{{source: {{type: local, path: {STAND_INS}}}, components: [mqtt]}}]}}}}
mqtt: {{broker: 127.0.0.1}}
api: {{port: {api_port}}}
preferences: {{flash_write_interval: 1s}}
sensor: [{METER_SENSOR}]
number:
  - {{platform: ct002, battery: "{MAC}", weight: , window_weight: , manual_target: , min_dc_output: , max_charge: }}
switch:
  - {{platform: ct002, active_control: }}
  - {{platform: ct002, battery: "{MAC}", active: , automatic: }}
ct002:
  power_sensor_l1: l1
  udp_port: {port}
  consumer_ttl: 2s
  balancer: {{min_efficient_power: 100}}
  mqtt_insights: {{}}
"""


def bare_node_text(port: int) -> str:
    """Without entities, so that nothing brings their code but the block itself."""
    return f"""
packages: {{client: {{external_components: [{{source: {{type: local, path: {STAND_INS}}}, components: [mqtt]}}]}}}}
mqtt: {{broker: 127.0.0.1, will_message: }}
sensor: [{METER_SENSOR}]
ct002:
  power_sensor_l1: l1
  udp_port: {port}
  ct_mac: {CT_MAC}
  mqtt_insights:
    base_topic: home/meter
    marstek_mqtt_interval: 2s
    device_id: 7
    ha_discovery_prefix: ha
    state_interval: 1s
"""


type Run = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def tools(missing: Callable[[str, str], None]) -> None:
    if PROGRAM is None or shutil.which("mosquitto_sub") is None:
        missing("mosquitto", "install the packages mosquitto and mosquitto-clients")
    if not any((folder / "mosquitto.h").is_file() for folder in map(Path, ("/usr/include", "/usr/local/include"))):
        missing("libmosquitto", "install the package libmosquitto-dev")


@pytest.fixture(scope="module")
def program(tools: None, compile_node: Callable[[str, str], Path], plain_port: int, api_port: int) -> Path:
    return compile_node("insights-node", node_text(plain_port, api_port))


@pytest.fixture(scope="module")
def bare_program(tools: None, compile_node: Callable[[str, str], Path], plain_port: int) -> Path:
    return compile_node("bare-insights-node", bare_node_text(plain_port))


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    started = Broker(tmp_path)
    started.start()
    monkeypatch.setenv("MQTT_BROKER_PORT", str(started.port))
    yield started
    started.stop()


@pytest.fixture
def run(run_node: Run, program: Path, plain_port: int) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: run_node(program, poll_port=plain_port)


def poll(node: Any, mac: str = MAC, model: str = "VNSE3-0", ct_mac: str = "") -> None:
    assert node.ask(encode_frame([model, mac.upper(), "HME-4", ct_mac, "A", "150"]), mac)


def poll_until(node: Any, done: Callable[[], Any], otherwise: str, mac: str = MAC) -> None:
    def look() -> bool:
        poll(node, mac)
        time.sleep(POLL_S)
        return bool(done())

    until(look, otherwise)


def last_state(broker: Broker, topic: str = BATTERY) -> dict[str, Any]:
    states = [message.json for message in broker.said(topic) if message.topic == topic]
    return states[-1] if states else {}


# -- what is told ----------------------------------------------------------------------------


@pytest.mark.slow
def test_everything_is_told_in_order(broker: Broker, run: Any) -> None:
    with run() as node:
        broker.wait_for("homeassistant/device/astrameter_ct002_device-1/config")
        poll(node)
        broker.wait_for(f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config")
        said = broker.said()
        assert [message.topic for message in said] == [
            NODE_STATUS,
            "astrameter/status",
            f"{METER}/status",
            "homeassistant/device/astrameter_ct002_device-1/config",
            BATTERY,
            f"{BATTERY}/availability",
            f"{METER}/status",
            f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config",
        ]
        state = said[4].json
        assert state["grid_power"] == {"l1": 321.0, "l2": 0.0, "l3": 0.0, "total": 321.0}
        assert state["reported_power"] == 150
        assert state["last_seen"].startswith(time.strftime("%Y-%m-%dT%H:", time.gmtime()))
        # Whoever comes later gets the same.
        kept = broker.kept()
        assert {message.topic for message in said} == kept.keys()
        assert kept[BATTERY].payload == said[4].payload
        assert kept["astrameter/status"].qos == 1


@pytest.mark.slow
def test_discovery_knows_the_last_will_and_the_rotation(broker: Broker, run: Any) -> None:
    with run() as node:
        poll(node)
        document = broker.wait_for("homeassistant/device/astrameter_ct002_device-1/config").json
        assert [entry["topic"] for entry in document["availability"]] == ["astrameter/status", NODE_STATUS]
        assert document["availability_mode"] == "all"
        assert "force_rotation" in document["components"]
        assert document["origin"]["sw_version"].startswith("ESPHome 20")
        battery = broker.wait_for(f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config")
        assert 6000 < len(battery.payload) < 9000
        assert {entry["topic"] for entry in battery.json["availability"]} == {
            "astrameter/status",
            NODE_STATUS,
            f"{BATTERY}/availability",
        }


@pytest.mark.slow
def test_gone_is_told(broker: Broker, run: Any) -> None:
    with run() as node:
        broker.wait_for(f"{METER}/status")
        node.stop(signal.SIGKILL)
        broker.wait_for(NODE_STATUS, lambda message: message.payload == "offline")
    with run() as node:
        broker.wait_for(f"{METER}/status", after=1)
        assert broker.kept()[NODE_STATUS].payload == "online"
        node.stop(signal.SIGTERM)
        broker.wait_for("astrameter/status", lambda message: message.payload == "offline")
        kept = broker.kept()
        assert kept["astrameter/status"].payload == kept[NODE_STATUS].payload == "offline"


@pytest.mark.slow
def test_battery_that_left_is_offline(broker: Broker, run: Any) -> None:
    with run() as node:
        poll(node)
        broker.wait_for(f"{BATTERY}/availability")
        broker.wait_for(f"{BATTERY}/availability", lambda message: message.payload == "offline")


@pytest.mark.slow
def test_everything_is_told_again_to_a_broker_that_forgot(broker: Broker, run: Any) -> None:
    with run() as node:
        poll(node)
        broker.wait_for(f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config")
        told = {message.topic for message in broker.said()}
        broker.stop()
        node.wait_for_log("Disconnected")
        poll(node)  # the broker is not needed for an answer
        broker.start()
        until(lambda: poll(node) or broker.kept().keys() == told, "not everything is there again")
        # Commands reach it as before.
        broker.publish(f"{BATTERY}/distribution_weight/set", "2")
        poll_until(node, lambda: last_state(broker)["distribution_weight"] == 2, "the command was lost")


@pytest.mark.slow
def test_nothing_is_lost_while_the_client_takes_nothing(broker: Broker, run: Any) -> None:
    with run() as node:
        broker.wait_for("homeassistant/device/astrameter_ct002_device-1/config")
        refuse = node.folder / "refuse"
        refuse.touch()
        poll_until(node, lambda: node.log, "")
        time.sleep(0.3)
        assert broker.count(BATTERY) == 0
        refuse.unlink()
        broker.wait_for(f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config")
        assert broker.count(BATTERY) >= 1


@pytest.mark.slow
def test_short_memory_is_waited_for(broker: Broker, run: Any) -> None:
    document = f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config"
    with run() as node:
        broker.wait_for("homeassistant/device/astrameter_ct002_device-1/config")
        full = node.folder / "full"
        full.touch()
        line = "No memory for a message of"
        poll_until(node, lambda: line in node.log, "nothing is said about it")
        time.sleep(1.2)  # it tries again once a second
        poll(node)
        assert broker.count(document) == 0
        assert node.log.count(line) == 1
        full.unlink()
        broker.wait_for(document)


@pytest.mark.slow
def test_batteries_do_not_wait(broker: Broker, run: Any) -> None:
    """Sixteen at once: about 120 kB of discovery are on their way while they poll."""
    macs = [f"60f1a2b3d4{i:02x}" for i in range(16)]
    with run() as node:
        broker.wait_for("homeassistant/device/astrameter_ct002_device-1/config")
        waits = []
        documents = {f"homeassistant/device/astrameter_ct002_device-1_{mac}/config" for mac in macs}
        while not documents <= {message.topic for message in broker.said("homeassistant/")}:
            for mac in macs:
                begun = time.monotonic()
                poll(node, mac)
                waits.append(time.monotonic() - begun)
            time.sleep(0.01)
            assert len(waits) < 10000, "discovery does not come"
        assert sorted(waits)[len(waits) * 95 // 100] < 0.05
        assert broker.kept(f"{METER}/consumer/").keys() >= {f"{METER}/consumer/{mac}" for mac in macs}


# -- commands --------------------------------------------------------------------------------

# field -> payload, value in the state, entity and its value
COMMANDS: dict[str, tuple[str, Any, str, Any]] = {
    "active": ("OFF", False, "active", False),
    "auto_target": ("false", False, "automatic", False),
    "manual_target": ("-300", -300, "manual_target", -300),
    "distribution_weight": ("2.5", 2.5, "weight", 2.5),
    "efficiency_window_weight": ("40", 0.4, "window_weight", 40),
    "min_dc_output": ("75", 75, "min_dc_output", 75),
    "max_charge": ("1200", 1200, "max_charge", 1200),
}


@pytest.mark.slow
async def test_commands_and_entities_stay_in_step(broker: Broker, run: Any, api_port: int) -> None:
    with run() as node:
        async with at_home(api_port) as home:
            await asyncio.to_thread(poll, node)
            await asyncio.to_thread(broker.wait_for, BATTERY)
            for field, (payload, _, _, _) in COMMANDS.items():
                await asyncio.to_thread(broker.publish, f"{BATTERY}/{field}/set", payload)
            for _, _, entity, value in COMMANDS.values():
                await home.wait_for(
                    "", f"battery_c401_{entity}", lambda state, value=value: state == pytest.approx(value)
                )
            expected = {field: value for field, (_, value, _, _) in COMMANDS.items()}

            def told() -> bool:
                state = last_state(broker)
                return {field: state[field] for field in expected} == expected

            await asyncio.to_thread(poll_until, node, told, "the state does not say so")
            # And the other way.
            home.set_number("", "battery_c401_weight", 4.0)
            home.set_switch("", "battery_c401_automatic", True)
            await asyncio.to_thread(
                poll_until,
                node,
                lambda: (last_state(broker)["distribution_weight"], last_state(broker)["auto_target"]) == (4, True),
                "the state does not follow the entities",
            )
            await asyncio.to_thread(broker.publish, f"{METER}/set", '{"active_control": false}')
            assert await home.wait_for("", "active_control", False) is False
            await asyncio.to_thread(
                until, lambda: last_state(broker, f"{METER}/status")["active_control"] is False, "not told"
            )
            home.set_switch("", "active_control", True)
            await asyncio.to_thread(
                until, lambda: last_state(broker, f"{METER}/status")["active_control"] is True, "not told"
            )


@pytest.mark.slow
def test_command_outlives_the_node(broker: Broker, run: Any) -> None:
    with run() as node:
        poll(node)
        broker.wait_for(BATTERY)
        broker.publish(f"{BATTERY}/max_charge/set", "900")
        poll_until(node, lambda: last_state(broker)["max_charge"] == 900, "not taken")
        node.stop(signal.SIGTERM)
    with run() as node:
        told = broker.count(BATTERY)
        poll(node)
        assert broker.wait_for(BATTERY, after=told).json["max_charge"] == 900


@pytest.mark.slow
def test_what_the_broker_kept_is_restored(broker: Broker, run: Any) -> None:
    broker.publish(f"{METER}/consumer/{OTHER_MAC}/manual_target/set", "444", "-r")
    broker.publish(f"{METER}/consumer/{OTHER_MAC}/auto_target/set", "false", "-r")
    broker.publish(f"{METER}/set", '{"active_control": false}', "-r")
    with run() as node:
        broker.wait_for(f"{METER}/status", lambda message: message.json["active_control"] is False)
        poll(node, OTHER_MAC)
        state = broker.wait_for(f"{METER}/consumer/{OTHER_MAC}").json
        assert state["manual_target"] == 444 and state["auto_target"] is False


@pytest.mark.slow
def test_press_of_a_button_happens_once(broker: Broker, run: Any) -> None:
    """ESPHome's session survives a connection, so a press at night comes in the morning."""
    press = (f"{METER}/set", '{"force_rotation": true}')
    pressed = "No rotation: efficiency mode parks no battery now"
    with run() as node:
        broker.wait_for("astrameter/status")
        node.stop(signal.SIGKILL)
    broker.publish(*press)
    broker.stop(signal.SIGTERM)
    with run() as node:
        time.sleep(2.1)
        broker.start()
        node.wait_for_log("force_rotation is a press of a button")
        time.sleep(2.1)  # so long everything counts as kept
        assert pressed not in node.log
        broker.publish(*press)
        node.wait_for_log(pressed)
        assert node.log.count(pressed) == 1


@pytest.mark.slow
def test_refused_with_one_line(broker: Broker, run: Any) -> None:
    refused = {
        f"{BATTERY}/distribution_weight/set": "11",
        f"{BATTERY}/manual_target/set": "nan",
        f"{BATTERY}/active/set": "maybe",
        f"{BATTERY}/colour/set": "red",
        f"{METER}/set": '{"active_control": 1}',
    }
    with run() as node:
        poll(node)
        broker.wait_for(BATTERY)
        for topic, payload in refused.items():
            broker.publish(topic, payload)
        for topic in refused:
            node.wait_for_log(f"Refused '{topic}': ")
        assert node.log.count("Refused") == len(refused)
        broker.publish(f"{BATTERY}/active/set", "")
        broker.publish("astrameter/ct002/device-2/set", '{"active_control": false}')
        told = broker.count(BATTERY)
        poll(node)
        state = broker.wait_for(BATTERY, after=told).json
        assert state["distribution_weight"] == 1 and state["active"] is True
        assert node.log.count("Refused") == len(refused)


# -- without entities ------------------------------------------------------------------------


@pytest.mark.slow
def test_bare_node(broker: Broker, run_node: Run, bare_program: Path, plain_port: int) -> None:
    meter = "home/meter/ct002/7"
    with run_node(bare_program, poll_port=plain_port) as node:
        document = broker.wait_for("ha/device/astrameter_ct002_7/config").json
        assert [entry["topic"] for entry in document["availability"]] == ["home/meter/status"]
        assert "force_rotation" not in document["components"]
        battery = f"{meter}/consumer/{MAC}"
        broker.publish(f"{battery}/min_dc_output/set", "60")
        broker.publish(f"{meter}/set", '{"active_control": false}')
        broker.wait_for(f"{meter}/status", lambda message: message.json["active_control"] is False)
        for _ in range(12):
            poll(node, ct_mac=CT_MAC)
            time.sleep(POLL_S)
        # At most one per second.
        assert broker.wait_for(battery).json["min_dc_output"] == 60
        assert 2 <= broker.count(battery) <= 4
        # A battery that does not say its MAC is known by its address.
        assert node.ask(encode_frame(["VNSE3-0", "", "HME-4", CT_MAC, "A", "0"]), "nameless")
        until(lambda: any(":" in message.topic for message in broker.said(meter)), "not told")
        nameless = next(message.topic for message in broker.said(meter) if ":" in message.topic)
        broker.publish(f"{nameless}/active/set", "off")
        until(
            lambda: (
                node.ask(encode_frame(["VNSE3-0", "", "HME-4", CT_MAC, "A", "0"]), "nameless")
                and last_state(broker, nameless)["active"] is False
            ),
            "not paused",
        )


# -- the Marstek app -------------------------------------------------------------------------


def answers(broker: Broker, prefix: str = "hame_energy") -> list[str]:
    topic = f"{prefix}/HME-4/device/{CT_MAC}/ctrl"
    return [message.payload for message in broker.said(topic) if message.topic == topic]


@pytest.mark.slow
def test_app_is_answered_under_both_names(broker: Broker, run_node: Run, bare_program: Path, plain_port: int) -> None:
    frame = "pwr_a=321,pwr_b=0,pwr_c=0,pwr_t=321,wif_s=2,wif_r=-50,ver_v=148,slv_n={},cur_d=0,ble_s=0,"
    with run_node(bare_program, poll_port=plain_port) as node:
        # Unasked, at once and then every interval.
        until(lambda: len(answers(broker)) >= 2, "no broadcast")
        assert answers(broker)[-1].startswith(frame.format(0))
        for n in range(7):
            poll(node, f"60f1a2b3c40{n}", ct_mac=CT_MAC)
        for prefix, mac in (("hame_energy", CT_MAC), ("marstek_energy", CT_MAC)):
            broker.publish(f"{prefix}/HME-4/App/{mac}/ctrl", "cd=4,p1=0")
            until(lambda: any(text.startswith("slv_t") for text in answers(broker)[-2:]), "no list")
        slaves = next(text for text in answers(broker) if text.startswith("slv_t"))
        assert slaves.count("slv_id=") == 5
        assert "slv_t=VNSE3-0,slv_id=60f1a2b3c400,slv_ip=127.0.0.1,slv_p=A" in slaves
        # The second name has its copy a moment after the first.
        until(lambda: sorted(answers(broker)) == sorted(answers(broker, "marstek_energy")), "the names differ")
        before = len(answers(broker))
        broker.publish(f"hame_energy/HME-4/App/{CT_MAC}/ctrl", "cd=1")
        until(lambda: answers(broker)[before:] and answers(broker)[-1].startswith(frame.format(7)), "no frame")
        assert not any(message.retained for message in broker.kept().values() if "ctrl" in message.topic)


@pytest.mark.slow
def test_app_of_another_meter_gets_no_answer(broker: Broker, run: Any) -> None:
    with run():
        broker.wait_for(f"{METER}/status")
        for topic in (f"hame_energy/HME-4/App/{CT_MAC}/ctrl", f"hame_energy/HME-3/App/{CT_MAC}/ctrl"):
            broker.publish(topic, "cd=1")  # this node has no MAC
        time.sleep(0.5)
        assert not [message.topic for message in broker.said("hame_energy") if "/device/" in message.topic]
