"""MQTT insights: what is told when, Home Assistant's discovery, and what commands do. No broker here."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.core import Config, Emulator, Insights, Message, encode_frame

MAC = "02b250000001"
BASE = "astrameter/ct002/device-1"
BATTERY = f"{BASE}/consumer/{MAC}"
POWER = {"device_class": "power", "state_class": "measurement", "unit_of_measurement": "W"}


class Session:
    """An emulator with its insights, on a clock of its own."""

    def __init__(self, start_s: float = 10.0, options: dict[str, Any] | None = None, **settings: Any) -> None:
        self.now_s = start_s
        self.emulator = Emulator(Config(**(options or {})))
        self.insights = Insights(self.emulator, **settings)
        self.emulator.update_grid([100, 200.5, -30], at=self.now_s)

    def poll(self, mac: str = MAC, phase: str = "A", power: int = 120, kind: str = "HMG-50") -> None:
        self.emulator.update_grid([100, 200.5, -30], at=self.now_s)
        frame = encode_frame([kind, mac, "HME-4", "02b250aaaaaa", phase, str(power)])
        assert self.emulator.handle(frame, source="192.0.2.7:22222", at=self.now_s)

    def told(self) -> list[Message]:
        return list(self.insights.due(at=self.now_s))

    def topics(self) -> list[str]:
        return [message.topic for message in self.told()]

    def received(self, topic: str, payload: str | bytes, retained: bool = False) -> str | None:
        data = payload.encode() if isinstance(payload, str) else payload
        return self.insights.received(topic, data, retained, at=self.now_s)

    def connect(self) -> list[Message]:
        self.insights.connected(at=self.now_s)
        messages = self.told()
        self.now_s += 5  # past the time in which the broker's memory comes
        return messages


def document(messages: list[Message], node: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        next(m.payload for m in messages if m.topic == f"homeassistant/device/{node}/config")
    )
    return found


def state(messages: list[Message], topic: str = BATTERY) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(m.payload for m in messages if m.topic == topic))
    return found


# --- what is told when


def test_nothing_is_told_without_a_connection() -> None:
    session = Session()
    session.poll()
    assert session.told() == []


def test_a_connection_begins_with_the_program_and_the_meter() -> None:
    session = Session(hub=True)
    assert [(m.topic, m.retain, m.qos) for m in session.connect()] == [
        ("astrameter/status", True, 1),
        ("homeassistant/device/astrameter_addon_astrameter_astrameter/config", True, 0),
        ("astrameter/bridge", True, 0),
        (f"{BASE}/status", True, 0),
        ("homeassistant/device/astrameter_ct002_device-1/config", True, 0),
    ]


def test_a_battery_is_told_in_this_order_and_then_only_its_state() -> None:
    session = Session(hub=True)
    session.connect()
    session.poll()
    assert session.topics() == [
        "astrameter/bridge",
        BATTERY,
        f"{BATTERY}/availability",
        f"{BASE}/status",
        f"homeassistant/device/astrameter_ct002_device-1_{MAC}/config",
    ]
    for _ in range(3):
        session.now_s += 1
        session.poll()
        assert session.topics() == [BATTERY, f"{BASE}/status"]
    assert session.topics() == []


def test_without_discovery_there_is_no_document_and_no_hub() -> None:
    session = Session(hub=True, discovery=False)
    told = session.connect()
    session.poll()
    told += session.told()
    assert not [m.topic for m in told if "homeassistant" in m.topic or m.topic.endswith("/bridge")]
    assert BATTERY in [m.topic for m in told]


def test_after_a_lost_connection_everything_is_told_anew() -> None:
    session = Session()
    session.connect()
    session.poll()
    first = session.topics()
    session.insights.disconnected()
    session.poll()
    assert session.told() == []
    again = [m.topic for m in session.connect()]
    assert again[0] == "astrameter/status"
    assert set(first) <= set(again)


def test_a_battery_that_left_goes_offline_once_and_online_when_it_is_back() -> None:
    session = Session()
    session.connect()
    session.poll()
    session.told()
    session.now_s += 60
    session.emulator.tick(at=session.now_s)
    assert [(m.topic, m.payload) for m in session.told() if m.topic != f"{BASE}/status"] == [
        (f"{BATTERY}/availability", b"offline")
    ]
    session.now_s += 60
    assert session.topics() == [f"{BASE}/status"]
    session.poll()
    back = session.told()
    assert (f"{BATTERY}/availability", b"online") in [(m.topic, m.payload) for m in back]
    assert document(back, f"astrameter_ct002_device-1_{MAC}")


def test_a_battery_that_left_during_an_outage_goes_offline_after_it() -> None:
    session = Session()
    session.connect()
    session.poll()
    session.told()
    session.insights.disconnected()
    session.now_s += 60
    session.emulator.tick(at=session.now_s)
    assert (f"{BATTERY}/availability", b"offline") in [(m.topic, m.payload) for m in session.connect()]


def test_at_most_one_state_per_battery_and_interval() -> None:
    session = Session(state_interval_s=10)
    session.connect()
    states = 0
    for _ in range(60):
        session.now_s += 1
        session.poll()
        states += session.topics().count(BATTERY)
    assert states == 6


def test_polls_that_inspect_tell_nothing() -> None:
    session = Session()
    session.connect()
    session.poll(phase="0")
    assert session.told() == []
    session.poll(phase="B")
    assert state(session.told())["phase"] == "B"


def test_the_meter_is_told_now_and_then_without_a_poll() -> None:
    session = Session()
    session.connect()
    session.now_s += 31
    assert session.topics() == [f"{BASE}/status"]


def test_many_batteries_all_get_their_turn() -> None:
    session = Session()
    session.connect()
    macs = [f"02b2500000{n:02x}" for n in range(16)]
    for _ in range(3):
        session.now_s += 1
        for mac in macs:
            session.poll(mac)
        told = session.topics()
        assert [told.count(f"{BASE}/consumer/{mac}") for mac in macs] == [1] * 16


def test_a_message_that_the_client_does_not_take_comes_again_and_up_to_date() -> None:
    session = Session()
    session.connect()
    session.poll(power=100)
    first = next(session.insights.due(at=session.now_s))  # nobody asks for the next: it was not published
    session.poll(power=300)
    second = next(session.insights.due(at=session.now_s))
    assert first.topic == second.topic == BATTERY
    assert json.loads(second.payload)["reported_power"] == 300


def test_the_wrap_of_the_counter_changes_nothing() -> None:
    session = Session(start_s=2**32 / 1000 - 12, state_interval_s=3)
    session.connect()
    states = 0
    for _ in range(12):
        session.now_s += 1
        session.poll()
        states += session.topics().count(BATTERY)
    assert states == 4


def test_a_change_while_a_message_is_under_way_is_told_after_it() -> None:
    session = Session()
    messages = session.insights.due(at=session.now_s)
    session.insights.connected(at=session.now_s)
    for message in messages:
        if message.topic == f"{BASE}/status":
            session.emulator.set_active_control(False)  # told is that it is on
            break
    assert json.loads(message.payload)["active_control"] is True
    rest = list(messages)
    assert [json.loads(m.payload)["active_control"] for m in rest if m.topic == f"{BASE}/status"] == [False]


def test_a_poll_while_a_state_is_under_way_is_told_after_it() -> None:
    session = Session()
    session.connect()
    session.poll(power=100)
    messages = session.insights.due(at=session.now_s)
    for message in messages:
        if message.topic == BATTERY:
            break
    session.now_s += 1
    session.poll(power=300)
    told = [json.loads(m.payload)["reported_power"] for m in messages if m.topic == BATTERY]
    assert told == [300]


# --- batteries that only the broker remembers


def remembered(session: Session, mac: str) -> None:
    session.insights.connected(at=session.now_s)
    assert session.received(f"{BASE}/consumer/{mac}/availability", "online", retained=True) is None
    session.told()


def test_who_does_not_come_back_after_a_restart_goes_offline() -> None:
    session = Session()
    remembered(session, MAC)
    session.now_s += 59
    assert f"{BATTERY}/availability" not in session.topics()
    session.now_s += 2
    assert (f"{BATTERY}/availability", b"offline") in [(m.topic, m.payload) for m in session.told()]
    assert session.told() == []


def test_who_comes_back_after_a_restart_stays_online() -> None:
    session = Session()
    remembered(session, MAC)
    for _ in range(90):
        session.now_s += 1
        session.poll()
        assert b"offline" not in [m.payload for m in session.told()]


def test_a_battery_of_an_odd_name_is_known_by_the_name_in_its_topics() -> None:
    session = Session()
    remembered(session, "a_b")
    for second in range(90):
        session.now_s += 1
        session.poll("a b")
        told = session.told()
        assert b"offline" not in [m.payload for m in told]
        topics = {m.topic for m in told} - {f"{BASE}/status"}
        assert second == 0 or topics == {f"{BASE}/consumer/a_b"}
    assert session.received(f"{BASE}/consumer/a_b/active/set", "off") is None
    assert [battery.active for battery in session.emulator.consumers()] == [False]


def test_the_brokers_memory_takes_no_place_from_batteries_that_poll() -> None:
    session = Session()
    session.insights.connected(at=session.now_s)
    for n in range(40):
        session.received(f"{BASE}/consumer/02b2500001{n:02x}/availability", "online", retained=True)
    session.poll()
    assert BATTERY in session.topics()


# --- states


def test_state_of_a_battery() -> None:
    session = Session(options={"ct_mac": "02b250aaaaaa"})
    session.connect()
    session.poll()
    found = state(session.told())
    assert list(found) == [
        *("grid_power", "target", "phase", "reported_power", "device_type", "battery_ip", "ct_type", "ct_mac"),
        *("saturation", "last_target", "active", "poll_interval", "last_seen", "manual_target", "auto_target"),
        *("distribution_weight", "efficiency_window_weight", "min_dc_output", "max_charge", "max_discharge"),
    ]
    assert found["grid_power"] == {"l1": 100.0, "l2": 200.5, "l3": -30.0, "total": 270.5}
    battery = session.emulator.consumers()[0]
    assert found["target"] == {"l1": pytest.approx(battery.reading_w, abs=0.05), "l2": 0, "l3": 0}
    assert (found["phase"], found["reported_power"], found["device_type"]) == ("A", 120, "HMG-50")
    assert (found["battery_ip"], found["ct_type"], found["ct_mac"]) == ("192.0.2.7", "HME-4", "02b250aaaaaa")
    assert (found["active"], found["auto_target"], found["manual_target"]) == (True, True, 0)
    assert found["poll_interval"] is found["min_dc_output"] is found["max_charge"] is None
    seen = datetime.fromisoformat(found["last_seen"])
    assert abs((datetime.now(UTC) - seen).total_seconds()) < 3
    session.now_s += 1.2
    session.poll()
    assert state(session.told())["poll_interval"] == 1.2


@pytest.mark.parametrize(("phase", "place"), [("A", "l1"), ("B", "l2"), ("C", "l3"), ("D", "l1")])
def test_the_target_stands_at_the_phase_of_the_battery(phase: str, place: str) -> None:
    session = Session()
    session.connect()
    session.poll(phase=phase)
    found = state(session.told())
    assert found["phase"] == phase
    assert {key for key, value in found["target"].items() if value} == {place}


def test_in_relay_mode_the_target_is_the_meter() -> None:
    session = Session(options={"active_control": False})
    session.connect()
    session.poll()
    assert state(session.told())["target"] == {"l1": 100.0, "l2": 200.5, "l3": -30.0}


def test_state_of_the_emulator() -> None:
    session = Session()
    assert state(session.connect(), f"{BASE}/status") == {
        "smooth_target": 270,
        "active_control": True,
        "consumer_count": 0,
    }
    session.emulator.set_active_control(False)
    assert state(session.told(), f"{BASE}/status")["active_control"] is False


def test_a_meter_that_is_gone_reads_zero() -> None:
    session = Session()
    session.connect()
    session.poll()
    session.emulator.invalidate_grid(at=session.now_s)
    assert state(session.told())["grid_power"] == {"l1": 0, "l2": 0, "l3": 0, "total": 0}


# --- discovery


def entities(kind: str = "HMG-50", **options: Any) -> dict[str, dict[str, Any]]:
    session = Session(options=options)
    session.connect()
    session.poll(kind=kind)
    found: dict[str, dict[str, Any]] = document(session.told(), f"astrameter_ct002_device-1_{MAC}")["components"]
    return found


def test_the_device_tree_is_that_of_astrameter() -> None:
    session = Session(hub=True, version="1.2.3")
    told = session.connect()
    session.poll()
    told += session.told()
    hub = document(told, "astrameter_addon_astrameter_astrameter")
    meter = document(told, "astrameter_ct002_device-1")
    battery = document(told, f"astrameter_ct002_device-1_{MAC}")
    assert hub["device"]["identifiers"] == "astrameter_astrameter"
    assert meter["device"]["identifiers"] == "astrameter_ct002_device-1"
    assert meter["device"]["via_device"] == "astrameter_astrameter"
    assert battery["device"]["identifiers"] == [f"astrameter_consumer_{MAC}"]
    assert battery["device"]["via_device"] == "astrameter_ct002_device-1"
    assert battery["device"]["name"] == f"AstraMeter Consumer HMG-50 {MAC}"
    assert battery["device"]["model_id"] == "HMG-50"
    assert "connections" not in battery["device"]
    assert "availability" not in hub and "availability" not in hub["components"]["status"]
    assert battery["availability_mode"] == "all"
    assert [entry["topic"] for entry in battery["availability"]] == ["astrameter/status", f"{BATTERY}/availability"]
    for found, node in ((hub, "astrameter_addon_astrameter_astrameter"), (meter, "astrameter_ct002_device-1")):
        assert found["origin"] == {
            "name": "nullwatt",
            "sw_version": "1.2.3",
            "support_url": "https://github.com/nullwatt/nullwatt",
        }
        assert all(entity["unique_id"] == f"{node}_{key}" for key, entity in found["components"].items())


def test_entities_of_a_battery() -> None:
    found = entities()
    assert list(found) == [
        *("grid_power_total", "grid_power_l1", "grid_power_l2", "grid_power_l3", "target_l1", "target_l2", "target_l3"),
        *("reported_power", "last_target", "saturation", "phase", "device_type", "battery_ip", "ct_type", "ct_mac"),
        *("poll_interval", "manual_target", "auto_target", "active", "distribution_weight", "max_charge"),
        "max_discharge",
    ]
    for key, entity in found.items():
        assert entity["unique_id"] == f"astrameter_ct002_device-1_{MAC}_{key}"
    assert found["grid_power_total"]["name"] is None
    assert found["grid_power_total"].items() >= POWER.items()
    assert found["phase"]["options"] == ["A", "B", "C", "D"]
    assert found["saturation"]["value_template"] == "{{ (value_json.saturation * 100) | round(1) }}"
    manual = found["manual_target"]
    assert (manual["platform"], manual["min"], manual["max"], manual["mode"]) == ("number", -10000, 10000, "box")
    assert (manual["command_topic"], manual["retain"]) == (f"{BATTERY}/manual_target/set", True)
    active = found["active"]
    assert [active[key] for key in ("payload_on", "payload_off", "state_on", "state_off")] == [
        *("true", "false", "True", "False")
    ]
    assert "entity_category" not in active
    assert found["distribution_weight"]["step"] == 0.1


def test_entities_that_depend_on_the_battery_and_the_options() -> None:
    assert "min_dc_output" not in entities("HMG-50")
    for kind in ("HMA-1", "HMJ-2", "HMK-3"):
        assert entities(kind)["min_dc_output"]["max"] == 1000
    weight = entities(min_efficient_power=100)["efficiency_window_weight"]
    assert (weight["unit_of_measurement"], weight["step"], weight["mode"]) == ("%", 5, "slider")


def test_force_rotation_is_a_button_where_there_is_rotation() -> None:
    assert "force_rotation" not in document(Session().connect(), "astrameter_ct002_device-1")["components"]
    session = Session(options={"min_efficient_charge": 100})
    button = document(session.connect(), "astrameter_ct002_device-1")["components"]["force_rotation"]
    assert (button["payload_press"], button["command_topic"]) == ('{"force_rotation": true}', f"{BASE}/set")
    assert "retain" not in button


def test_a_battery_that_changes_its_type_is_told_anew() -> None:
    session = Session()
    session.connect()
    session.poll(kind="HMG-50")
    session.told()
    session.poll(kind="HMA-1")
    assert "min_dc_output" in document(session.told(), f"astrameter_ct002_device-1_{MAC}")["components"]


def test_names_of_ones_own() -> None:
    session = Session(base_topic="haus/zähler", device_id='kel"ler 1', discovery_prefix="ha")
    session.connect()
    session.poll()
    told = {m.topic: m.payload for m in session.told()}
    found = json.loads(told[f"ha/device/astrameter_ct002_kel_ler_1_{MAC}/config"])
    assert found["state_topic"] == f'haus/zähler/ct002/kel"ler 1/consumer/{MAC}' in told
    assert found["components"]["phase"]["unique_id"] == f"astrameter_ct002_kel_ler_1_{MAC}_phase"


@pytest.mark.parametrize("name", ["", "a/#", "+", "a\nb", "x" * 64, "a\0b"])
def test_names_that_are_no_topic_are_refused(name: str) -> None:
    for key in ("base_topic", "device_id", "discovery_prefix"):
        with pytest.raises(ValueError, match=rf"^{key} .*: must be 1 to 63 bytes without the wildcards"):
            Insights(Emulator(), **{key: name})


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="|"), min_size=1, max_size=40))
def test_whatever_a_battery_calls_itself_topics_stay_apart_and_documents_are_json(mac: str) -> None:
    session = Session()
    session.connect()
    frame = encode_frame(["HMG-50", mac, "HME-4", "02b250aaaaaa", "A", "0"])
    if session.emulator.handle(frame, source="192.0.2.7:1", at=session.now_s) is None:
        return
    for message in session.told():
        assert re.fullmatch(
            rf"{BASE}/(status|consumer/[^/+#]+(/availability)?)|homeassistant/device/[\w-]+/config", message.topic
        )
        if not message.topic.endswith("/availability"):
            json.loads(message.payload)


# --- commands

FIELDS: list[tuple[str, str, str, Any]] = [
    ("active", "false", "active", False),
    ("active", " OFF ", "active", False),
    ("active", "0", "active", False),
    ("auto_target", "false", "manual", True),
    ("auto_target", "ON", "manual", False),
    ("manual_target", "-300.5", "manual_target_w", -300.5),
    ("manual_target", "1e3", "manual_target_w", 1000.0),
    ("manual_target", "+10000", "manual_target_w", 10000.0),
    ("distribution_weight", "2.5", "weight", 2.5),
    ("distribution_weight", "0", "weight", 0.0),
    ("distribution_weight", "10", "weight", 10.0),
    ("efficiency_window_weight", "100", "window_weight", 1.0),
    ("efficiency_window_weight", "45", "window_weight", 0.45),
    ("min_dc_output", "80", "min_dc_output_w", 80.0),
    ("max_charge", "0", "max_charge_w", 0.0),
    ("max_discharge", ".5", "max_discharge_w", 0.5),
]
REFUSED = [
    *[("active", value) for value in ("yes", "2", "null", "tru e", "{}")],
    *[("auto_target", value) for value in ("1.0", "automatic")],
    *[
        ("manual_target", value)
        for value in ("nan", "inf", "-inf", "1e9", "10001", "-10000.5", "5 W", "0x10", "--5", "1e", "e5", ".", "1_0")
    ],
    *[("distribution_weight", value) for value in ("-0.1", "10.1", "1e999999999999", "1.5555e-2147483647")],
    *[("efficiency_window_weight", value) for value in ("-1", "101")],
    *[("min_dc_output", value) for value in ("-1", "1001")],
    *[("max_charge", value) for value in ("-1", "10001")],
    ("no_such_field", "1"),
]


@pytest.mark.parametrize(("field", "payload", "attribute", "value"), FIELDS)
def test_a_setting_reaches_the_battery_known_or_not(field: str, payload: str, attribute: str, value: Any) -> None:
    session = Session()
    assert session.received(f"{BATTERY}/{field}/set", payload) is None  # before it was ever seen
    session.poll(mac=MAC.upper())
    assert getattr(session.emulator.consumers()[0], attribute) == pytest.approx(value)


@pytest.mark.parametrize(("field", "payload"), REFUSED)
def test_what_is_no_value_of_a_setting_is_refused_in_one_line(field: str, payload: str) -> None:
    session = Session()
    session.poll()
    before = session.emulator.consumers()
    reason = session.received(f"{BATTERY}/{field}/set", payload)
    assert reason and "\n" not in reason
    assert session.emulator.consumers() == before


@pytest.mark.parametrize("name", ["", "x" * 32])
def test_a_name_that_no_battery_can_have_is_refused(name: str) -> None:
    assert Session().received(f"{BASE}/consumer/{name}/active/set", "false") == "no battery can be called so"


def test_an_empty_payload_is_how_a_retained_command_is_deleted() -> None:
    session = Session()
    session.poll()
    before = session.emulator.consumers()
    for topic in (f"{BATTERY}/manual_target/set", f"{BATTERY}/active/set", f"{BASE}/set"):
        for payload in ("", "  "):
            assert session.received(topic, payload) is None
    assert session.emulator.consumers() == before


def test_settings_are_independent_of_each_other() -> None:
    session = Session()
    session.received(f"{BATTERY}/manual_target/set", "500")
    session.poll()
    battery = session.emulator.consumers()[0]
    assert (battery.manual, battery.manual_target_w) == (False, 500)


def test_a_paused_battery_is_steered_to_zero() -> None:
    session = Session()
    session.received(f"{BATTERY}/active/set", "false")
    session.poll(power=300)
    assert session.emulator.consumers()[0].reading_w == -300


def test_active_control_is_switched_by_the_command_of_the_device() -> None:
    session = Session()
    assert session.received(f"{BASE}/set", '{"active_control": false}') is None
    assert session.emulator.state().active_control is False
    assert session.received(f"{BASE}/set", b' {"active_control" : true, "other": [1]} ', retained=True) is None
    assert session.emulator.state().active_control is True


@pytest.mark.parametrize(
    "payload",
    [
        "true",
        "[]",
        "{",
        '{"active_control": "true"}',
        '{"active_control": 1}',
        '{"force_rotation": false}',
        "{}",
        "ON",
        '{"x": 1}',
    ],
)
def test_what_is_no_command_of_the_device_is_refused(payload: str) -> None:
    session = Session()
    assert session.received(f"{BASE}/set", payload)
    assert session.emulator.state().active_control is True


class Pool(Session):
    """Two batteries that do as they are told, of which efficiency mode parks one."""

    def __init__(self) -> None:
        super().__init__(options={"min_efficient_power": 150})
        self.power_w = dict.fromkeys((MAC, "02b250000002"), 0.0)
        self.connect()
        self.run(120)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_s += 1
            self.emulator.update_grid([200 - sum(self.power_w.values())], at=self.now_s)
            for mac in self.power_w:
                frame = encode_frame(["HMG-50", mac, "HME-4", "02b250aaaaaa", "A", f"{self.power_w[mac]:.0f}"])
                assert self.emulator.handle(frame, source="192.0.2.7:22222", at=self.now_s)
            for battery in self.emulator.consumers():
                self.power_w[battery.mac] += battery.reading_w

    @property
    def parked(self) -> str:
        (mac,) = (battery.mac for battery in self.emulator.consumers() if battery.parked)
        return mac


def test_force_rotation_acts_once_per_press_and_never_from_the_brokers_memory() -> None:
    pressed, replayed, kept = Pool(), Pool(), Pool()
    assert pressed.parked == replayed.parked == kept.parked
    assert pressed.received(f"{BASE}/set", '{"force_rotation": true}') is None
    reason = kept.received(f"{BASE}/set", '{"force_rotation": true}', retained=True)
    assert reason and "retained" in reason
    # As a client that tells what was kept; one that does not has a test with ESPHome.
    replayed.insights.connected(at=replayed.now_s)
    assert replayed.received(f"{BASE}/set", '{"force_rotation": true}', retained=True)
    before = kept.parked
    for pool in (pressed, replayed, kept):
        pool.run(120)
    assert pressed.parked != before
    assert replayed.parked == kept.parked == before


TOPICS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["", "a", MAC, "set", "active", "consumer", "availability", "ct002", "device-1"]), max_size=6
    ).map(lambda levels: "/".join([BASE, *levels])),
)


@given(TOPICS, st.binary(max_size=80), st.booleans())
def test_no_message_does_harm(topic: str, payload: bytes, retained: bool) -> None:
    session = Session()
    session.connect()
    reason = session.received(topic, payload, retained)
    assert reason is None or re.fullmatch(r"[ -~]+", reason)
    session.poll()
    for message in session.told():
        assert message.payload


@given(st.sampled_from([field for field, *_ in FIELDS]), st.floats(allow_nan=True, allow_infinity=True))
def test_numbers_are_taken_within_their_range_and_not_beyond(field: str, value: float) -> None:
    ranges = {
        "manual_target": (-10000, 10000),
        "distribution_weight": (0, 10),
        "efficiency_window_weight": (0, 100),
        "min_dc_output": (0, 1000),
        "max_charge": (0, 10000),
        "max_discharge": (0, 10000),
    }
    if field not in ranges:
        return
    low, high = ranges[field]
    if 0 < abs(value) < 1e-30 or min(abs(value - low), abs(value - high)) < 1e-3 * max(1.0, abs(value)):
        return  # nearer to a bound than a float of 32 bit tells, or smaller than it holds
    reason = Session().received(f"{BATTERY}/{field}/set", repr(value))
    assert (reason is None) == (low <= value <= high)


@pytest.mark.parametrize(
    "topic",
    [
        "astrameter/ct002/device-2/set",
        "astrameter/ct002/device-1x/set",
        f"{BASE}/consumer/{MAC}/active",
        f"{BASE}/consumer/{MAC}/active/set/more",
        f"astrameter2/ct002/device-1/consumer/{MAC}/active/set",
    ],
)
def test_topics_of_others_are_left_alone(topic: str) -> None:
    session = Session()
    assert session.received(topic, "false") is None
    session.poll()
    assert session.emulator.consumers()[0].active is True
