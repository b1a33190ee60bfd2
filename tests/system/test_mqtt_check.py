"""`nullwatt mqtt-check` on a real broker: a house that is well, and everything that can be wrong on one."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mqtt_broker import Broker, Ear, free_port, missing, until
from sim_process import Running

from nullwatt.cli.main import main
from nullwatt.emulator.discovered import examine
from nullwatt.home import MqttInsightsSection, parse_house

DOCS = Path(__file__).parents[2] / "docs" / "mqtt.md"
MAC = "02b250000001"
NODE = f"astrameter_ct002_device-1_{MAC}"
CONFIG = f"homeassistant/device/{NODE}/config"
STATE = f"astrameter/ct002/device-1/consumer/{MAC}"
PASSWORD = "s3cret"
HOUSE = {
    "http": {"port": 0},
    "powermeter": {"base_load": [100, 50, 80]},
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMJ-2"},
        {"mac": "02B250000002", "phase": "D", "meter_dev_type": "VNSE3-0"},
    ],
}


def check(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "nullwatt", "mqtt-check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"), PASSWORD)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def told(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """What a house of two batteries has told the broker; it goes on."""
    options = ("--emulator", "--ct-port", "0", "--no-web", "--mqtt", broker.uri)
    running = Running(tmp_path_factory.mktemp("house"), HOUSE, *options)
    ear = Ear(broker.port, broker.login)
    try:
        until(lambda: sum(topic.endswith("/config") for topic in ear.latest) == 4, "not all told")
        ear.close()
        yield {topic: text.encode() for topic, text in ear.latest.items()}
    finally:
        running.close()


def test_a_house_that_is_well(broker: Broker, told: dict[str, bytes]) -> None:
    done = check("--broker", broker.uri, "--seconds", 1)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.splitlines()[-1] == "4 devices, 51 entities, 0 problems"
    for text in (f"{NODE}): online, via astrameter_ct002_device-1", f"{STATE}/manual_target/set", f"{NODE}_phase"):
        assert text in done.stdout
    assert PASSWORD not in done.stdout
    done = check("--broker", broker.uri, "--seconds", 1, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["problems"], found["broker"]) == (0, [], f"mqtt://127.0.0.1:{broker.port}")
    (device,) = (device for device in found["devices"] if device["node"] == NODE)
    entities = {entity["key"]: entity for entity in device["entities"]}
    assert (device["model"], device["available"], len(entities)) == ("HMJ-2", True, 23)
    assert entities["phase"]["value"] == "A"
    assert entities["max_charge"]["value"] == "unknown"
    assert entities["active"]["value"] == "True"
    assert entities["reported_power"]["unit"] == "W"
    assert float(entities["saturation"]["value"]) >= 0
    assert entities["min_dc_output"]["command_topic"] == f"{STATE}/min_dc_output/set"


def test_the_broker_may_stand_in_the_environment(
    broker: Broker, told: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NULLWATT_MQTT", broker.uri)
    monkeypatch.setattr(sys, "argv", ["nullwatt", "mqtt-check", "--seconds", "0.3", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and len(json.loads(capsys.readouterr().out)["devices"]) == 4


def test_the_docs_name_every_topic_and_key_and_no_other(told: dict[str, bytes]) -> None:
    text = DOCS.read_text()
    names = {"base": "astrameter", "id": "device-1", "MAC": "02b25000000[12]", "prefix": "homeassistant", "node": ".+"}
    rows = re.findall(r"^\| `(<(?:base|prefix)>/[^`]*)` \|", text.partition("## Topics")[2], re.MULTILINE)
    patterns = [re.sub(r"<(\w+)>", lambda name: names[name[1]], row) for row in rows if "..." not in row]
    assert all(any(re.fullmatch(pattern, topic) for topic in told) for pattern in patterns), patterns
    app = {topic for topic in told if topic.endswith("/ctrl")}  # docs/marstek-app.md
    assert app == {f"{name}_energy/HME-4/device/112233445566/ctrl" for name in ("hame", "marstek")}
    rest = told.keys() - app
    assert all(any(re.fullmatch(pattern, topic) for pattern in patterns) for topic in rest), sorted(rest)
    table = text.partition("| State of a battery |")[2].partition("\n\n")[0]
    keys = {key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert keys == json.loads(told[STATE]).keys()
    commands = text.partition("/consumer/<MAC>/.../set`")[2].partition("\n\n")[0]
    fields = {key for row in commands.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    announced = json.loads(told[CONFIG])["components"]
    optional = {"efficiency_window_weight"}  # with efficiency rotation only
    assert fields - optional == {key for key, each in announced.items() if "command_topic" in each}


def test_the_block_of_the_docs_is_a_house_file() -> None:
    (block,) = re.findall(r"^```yaml fragment\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    section = parse_house({**HOUSE, **yaml.safe_load(block)}).mqtt_insights
    assert section is not None
    assert section == MqttInsightsSection(broker="mqtt://user:password@192.168.1.10")
    assert set(yaml.safe_load(block)["mqtt_insights"]) == set(MqttInsightsSection.model_fields)


def test_other_names_find_nothing(broker: Broker, told: dict[str, bytes]) -> None:
    done = check("--broker", broker.uri, "--seconds", 0.5, "--base-topic", "elsewhere")
    assert done.returncode == 1
    assert "problem: homeassistant/device: announces nothing of elsewhere" in done.stdout


def change(told: dict[str, bytes], topic: str, edit: Callable[[Any], object]) -> dict[str, bytes]:
    document = json.loads(told[topic])
    edit(document)
    return {**told, topic: json.dumps(document).encode()}


def entity(key: str, **changes: object) -> Callable[[Any], object]:
    """Sets keys of an entity; None takes one away."""

    def edit(document: Any) -> None:
        component = document["components"][key]
        for name, value in changes.items():
            component[name] = value
            if value is None:
                del component[name]

    return edit


RECURSIVE = "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}"
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
TOPIC_RULE = "must be 1 to 63 bytes without the wildcards + and # and without control characters"
PROBLEMS: list[tuple[str, Callable[[Any], object], str]] = [
    (CONFIG, entity("phase", unique_id=None), f"{NODE} phase: unique_id missing"),
    (CONFIG, entity("phase", platform=None), f"{NODE} phase: platform missing"),
    (CONFIG, entity("phase", options=["B"]), f"{NODE} phase: value A is none of the options B"),
    (CONFIG, entity("phase", unique_id=f"{NODE}_ct_type"), f"unique_id {NODE}_ct_type belongs to {NODE} phase as well"),
    (CONFIG, entity("target_l1", unit_of_measurement="s"), "unit s does not fit device class power (allowed: mW, W"),
    (CONFIG, entity("poll_interval", unit_of_measurement=None), "unit None does not fit device class duration"),
    (CONFIG, entity("phase", value_template="{{ value_json.fase }}"), "value template fails: 'dict object' has no"),
    (CONFIG, entity("phase", value_template="{{ value_json.phase"), "value template fails: unexpected end of template"),
    (CONFIG, entity("phase", value_template="{{ 1 / 0 }}"), "value template fails: division by zero"),
    (CONFIG, entity("phase", value_template="{{ ''.__class__.mro() }}"), "value template fails: access to attribute"),
    (CONFIG, entity("phase", value_template="{{ 5|dictsort }}"), "phase: value template fails: 'int' object has no"),
    (CONFIG, entity("phase", value_template=RECURSIVE), "phase: value template fails: maximum recursion depth"),
    (CONFIG, entity("phase", value_template="{{ 'a' * 10**10 }}"), "phase: value template fails: needs too much memo"),
    (CONFIG, entity("phase", value_template="{{ 'a' * 10**6 }}"), "phase: value is longer than 255 characters"),
    (CONFIG, entity("phase", value_template=ENDLESS), "phase: value template fails: takes longer than 2 s"),
    (CONFIG, entity("phase", value_template="(" * 10**5), "phase: value is longer than 255 characters"),
    (CONFIG, entity("phase", value_template=f"{{{{ {'(' * 10**5} }}}}"), "phase: value template fails: "),
    (CONFIG, lambda doc: doc["device"].update(identifiers=5), f"{NODE}: device without identifiers"),
    (CONFIG, lambda doc: doc["device"].update(identifiers={"a": 1}), f"{NODE}: device without identifiers"),
    (CONFIG, entity("target_l1", value_template="{{ value_json.phase }}"), "value A is not a number"),
    (CONFIG, entity("manual_target", max=-5), "manual_target: value 0.0 is not within -10000 and -5"),
    (CONFIG, entity("active", state_on="ON"), "active: value True is neither ON nor False"),
    (CONFIG, entity("active", command_topic=None), "active: command topic missing"),
    (CONFIG, entity("active", state_topic="astrameter/no"), "active: state missing: nothing is kept at astrameter/no"),
    (CONFIG, lambda doc: doc.pop("availability"), f"{NODE} phase: availability topic missing"),
    (CONFIG, lambda doc: doc["availability"][1].pop("topic"), f"{NODE}: availability without a topic"),
    (CONFIG, lambda doc: doc.pop("state_topic"), f"{NODE} phase: state topic missing"),
    (CONFIG, lambda doc: doc.update(components={}), f"{NODE}: no components"),
    (CONFIG, lambda doc: doc["components"].update(phase=1), f"{NODE} phase: must be a JSON object"),
    (CONFIG, lambda doc: doc["device"].update(via_device="who"), f"{NODE}: via_device who is unknown"),
    (CONFIG, lambda doc: doc["device"].pop("identifiers"), f"{NODE}: device without identifiers"),
    (CONFIG, lambda doc: doc.pop("origin"), f"{NODE}: origin missing"),
    (STATE, lambda doc: doc.pop("saturation"), f"{NODE} saturation: value template fails"),
    (STATE, lambda doc: doc.update(phase="E"), f"{NODE} phase: value E is none of the options A, B, C, D"),
]


@pytest.mark.parametrize(("topic", "edit", "line"), PROBLEMS)
def test_each_problem_is_named(told: dict[str, bytes], topic: str, edit: Callable[[Any], object], line: str) -> None:
    assert examine(told, "astrameter", "homeassistant").problems == []
    assert any(line in problem for problem in problems(change(told, topic, edit))), problems(change(told, topic, edit))


def test_many_endless_templates_end(told: dict[str, bytes]) -> None:
    def edit(document: Any) -> None:
        for component in document["components"].values():
            component["value_template"] = ENDLESS

    began_s = time.monotonic()
    found = problems(change(told, CONFIG, edit))
    assert time.monotonic() - began_s < 15
    assert sum("value template fails: takes longer than 2 s" in line for line in found) == 3, found
    assert sum("value template not tried: others took too long" in line for line in found) == 20, found


@pytest.mark.parametrize(
    "device", [{"identifiers": 5}, {"identifiers": [5, None, {}]}, {"identifiers": True}, 5, None, [], {"name": [1]}]
)
def test_the_document_of_another_program_may_be_anything(told: dict[str, bytes], device: object) -> None:
    foreign = json.dumps({"device": device, "components": 5, "state_topic": 5, "origin": []}).encode()
    assert problems({**told, "homeassistant/device/other/config": foreign}) == []


def test_nothing_of_a_template_stays_behind(told: dict[str, bytes]) -> None:
    before = set(Path("/proc/self/task").glob("*/children"))
    problems(change(told, CONFIG, entity("phase", value_template=ENDLESS)))
    children = {child for path in before for child in path.read_text().split()}
    names = [Path(f"/proc/{child}/cmdline").read_text() for child in children if Path(f"/proc/{child}").exists()]
    assert not [name for name in names if "template" in name]


def problems(told: dict[str, bytes]) -> list[str]:
    return examine(told, "astrameter", "homeassistant").problems


@pytest.mark.parametrize(
    ("topic", "payload", "line"),
    [
        (CONFIG, b"{", f"{CONFIG}: invalid JSON"),
        (CONFIG, b"[" * 100_000, f"{CONFIG}: invalid JSON"),
        (CONFIG, b"[]", f"{CONFIG}: must be a JSON object"),
        (CONFIG, b"", f"{STATE}: node unknown: no device is announced for it"),
        (STATE, b"\xff", f"{STATE}: invalid JSON"),
        (STATE, b"", f"state missing: nothing is kept at {STATE}"),
        (f"{STATE}/availability", b"", f"availability missing: nothing is kept at {STATE}/availability"),
        (f"{STATE}/availability", b"yes", f"{STATE}/availability: yes is neither online nor offline"),
        ("astrameter/ct002/other/status", b"{}", "astrameter/ct002/other/status: node unknown"),
    ],
)
def test_what_the_broker_keeps_is_no_good(told: dict[str, bytes], topic: str, payload: bytes, line: str) -> None:
    found = problems({**told, topic: payload})
    assert any(line in problem for problem in found), found


def test_a_problem_on_the_broker_is_exit_code_1(broker: Broker, told: dict[str, bytes]) -> None:
    ear = Ear(broker.port, broker.login)
    ear.publish(f"{STATE}/availability", "\x1b[1mno", retain=True)
    done = check("--broker", broker.uri, "--seconds", 0.5)
    ear.publish(f"{STATE}/availability", "online", retain=True)
    ear.close()
    assert done.returncode == 1 and "\x1b" not in done.stdout
    assert f"problem: {STATE}/availability: \\x1b[1mno is neither online nor offline" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "4 devices, 51 entities, 1 problems"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command in this process; gives the one line with which it ends."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["nullwatt", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code, out, err.count("\n")) == (2, "", 1), (out, err)
        assert "s3" not in err and "wr0ng" not in err
        return err

    return run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--broker", "mqtt://me:s3cret@127.0.0.1:PORT"], "mqtt://127.0.0.1:PORT: Connection refused"),
        (["--broker", "mqtt://me:s3/cret@127.0.0.1"], "--broker: host or port is not valid"),
        (["--broker", "mqtt://127.0.0.1", "--seconds", "0"], "--seconds 0: must be above 0"),
        (["--broker", "mqtt://127.0.0.1", "--seconds", "nan"], "--seconds nan: must be above 0"),
        (["--broker", "mqtt://127.0.0.1", "--base-topic", "a/#"], "--base-topic 'a/#': must be a topic"),
        ([], "Missing option '--broker'"),
    ],
)
def test_bad_input_is_one_line_and_code_2(refused: Callable[..., str], arguments: list[str], line: str) -> None:
    port = str(free_port())
    arguments = [argument.replace("PORT", port) for argument in arguments]
    assert line.replace("PORT", port) in refused("mqtt-check", *arguments)


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[Broker, Path]]:
    """A broker with TLS, and the certificate that signs its own."""
    openssl = shutil.which("openssl") or missing("openssl is missing: install the package openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", *options, *names, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o644)
    made = Broker(tmp_path, more=f"certfile {certificate}\nkeyfile {key}\n")
    made.start()
    yield made, certificate
    made.stop()


def test_tls_with_a_certificate_that_the_system_trusts_and_with_no_other(
    encrypted: tuple[Broker, Path], refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, certificate = encrypted
    uri = broker.uri.replace("mqtt:", "mqtts:")
    assert "certificate verify failed" in refused("mqtt-check", "--broker", uri, "--seconds", "0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(sys, "argv", ["nullwatt", "mqtt-check", "--broker", uri, "--seconds", "0.1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1  # connected, and nothing is there


def test_a_wrong_password_is_code_2(refused: Callable[..., str], broker: Broker) -> None:
    assert "uthori" in refused("mqtt-check", "--broker", broker.uri.replace(PASSWORD, "wr0ng"))


@pytest.mark.parametrize("name", ["aiomqtt", "jinja2"])
def test_a_missing_library_names_the_extra(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("nullwatt.cli.mqtt.find_spec", lambda asked: None if asked == name else object())
    line = f"nullwatt: MQTT needs the package {name}; install nullwatt[services]\n"
    assert refused("mqtt-check", "--broker", "mqtt://127.0.0.1") == line
    assert refused("demo", "--mqtt", "mqtt://127.0.0.1") == line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sim", "run", "--no-tui"], "--mqtt: MQTT needs the emulator in this process: add --emulator"),
        (["demo", "--headless"], "--mqtt: MQTT needs the emulator in this process: leave out --headless"),
        (["demo", "--mqtt", "mqtt://:1"], "--mqtt: must name a host, such as mqtt://192.168.1.10"),
        (["emulator", "--mqtt-base-topic", "a/#"], f"--mqtt-base-topic 'a/#': {TOPIC_RULE}"),
        (["emulator", "--mqtt-device-id", "ä" * 32], f"--mqtt-device-id '{'ä' * 32}': {TOPIC_RULE}"),
        (["emulator", "--mqtt-device-id", ""], f"--mqtt-device-id '': {TOPIC_RULE}"),
        (["emulator", "--mqtt-device-id", "a\nb"], f"--mqtt-device-id 'a\\nb': {TOPIC_RULE}"),
        (["demo", "--mqtt-base-topic", "+"], f"--mqtt-base-topic '+': {TOPIC_RULE}"),
        (["sim", "run", "--emulator", "--mqtt-device-id", "a#"], f"--mqtt-device-id 'a#': {TOPIC_RULE}"),
    ],
)
def test_mistakes_with_the_option(refused: Callable[..., str], arguments: list[str], line: str) -> None:
    broker = [] if "--mqtt" in arguments else ["--mqtt", "mqtt://me:s3cret@127.0.0.1"]
    assert refused(*arguments, *broker) == f"nullwatt: {line}\n"


@pytest.mark.parametrize("option", ["--mqtt-base-topic", "--mqtt-device-id"])
@pytest.mark.parametrize("command", [("emulator",), ("demo",), ("sim", "run", "--emulator", "--no-tui")])
def test_a_topic_without_a_broker(refused: Callable[..., str], command: tuple[str, ...], option: str) -> None:
    assert refused(*command, option, "cellar") == f"nullwatt: {option}: needs --mqtt\n"


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"broker": "mqtt://127.0.0.1"}, "mqtt_insights: MQTT needs the emulator in this process: add --emulator"),
        ({"base_topic": "x"}, "mqtt_insights.broker: required key is missing, or give --mqtt"),
    ],
)
def test_mistakes_with_the_section(
    refused: Callable[..., str], tmp_path: Path, section: dict[str, str], line: str
) -> None:
    file = tmp_path / "h.json"
    file.write_text(json.dumps({**HOUSE, "mqtt_insights": section}))
    emulator = [] if "broker" in section else ["--emulator"]
    assert refused("sim", "run", "--no-tui", "-c", str(file), *emulator) == f"nullwatt: {file}: {line}\n"
