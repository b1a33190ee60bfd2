"""The block `mqtt_insights:`: what it accepts, what it generates, and that it fits ESPHome's MQTT client."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAND_INS = Path(__file__).with_name("esp_stand_ins") / "mqtt"
UNITS = [Path("esphome", "components", "ct002", name) for name in ("mqtt_insights.cpp", "marstek_app.cpp")]
DEFAULTS = {
    "base_topic": "astrameter",
    "device_id": "",
    "ha_discovery": True,
    "ha_discovery_prefix": "homeassistant",
    "state_interval": "0s",
    "marstek_mqtt_enabled": True,
    "marstek_mqtt_interval": "300s",
}
TARGETS = {
    f"{variant}-{framework}": f"esp32: {{variant: {variant}, framework: {{type: {framework}}}}}"
    for variant in ("esp32", "esp32s3", "esp32c3")
    for framework in ("esp-idf", "arduino")
}
BROKER = "mqtt: {broker: 192.0.2.1, idf_send_async: true}"
GONE = "Home Assistant will not see that this device is gone"
SLOW = "batteries wait for their answers, up to 10 s, while the broker is slow. Set 'idf_send_async: true'"

# lines of the block -> words of the message
REFUSED = {
    "base_topic: ''": "'' cannot be part of an MQTT topic; allowed: 1 to 63 bytes without + # and control characters",
    "base_topic: a/+": "'a/+' cannot be part of an MQTT topic",
    "base_topic: 'a#'": "'a#' cannot be part of an MQTT topic",
    'base_topic: "a\\tb"': "'a\\tb' cannot be part of an MQTT topic",
    'base_topic: "a\\x7f"': "'a\\x7f' cannot be part of an MQTT topic",
    f"base_topic: {'a' * 64}": "cannot be part of an MQTT topic",
    f"base_topic: {'ä' * 32}": "cannot be part of an MQTT topic",
    "base_topic: 5": "did you forget putting quotes around the value?",
    "device_id: a+b": "'a+b' cannot be part of an MQTT topic",
    "device_id: [1]": "string value cannot be dictionary or list",
    "ha_discovery_prefix: ''": "'' cannot be part of an MQTT topic",
    "ha_discovery_prefix: 5": "Must be string",
    "ha_discovery: 20": "Expected boolean value",
    "state_interval: 5": "no time *unit*",
    "state_interval: -1s": "value must be at least 0s",
    "marstek_mqtt_interval: 0.5ms": "Maximum precision is milliseconds",
    "marstek_mqtt_enabled: maybe": "Expected boolean value",
    "broker: 192.0.2.1": "[broker] is an invalid option for [mqtt_insights]",
    "base_topc: a": "Did you mean [base_topic]",
}
# line of the block -> how it stands in the validated configuration
ACCEPTED = {
    "base_topic: home/meter": "base_topic: home/meter",
    f"base_topic: {'a' * 63}": f"base_topic: {'a' * 63}",
    "device_id: 5": "device_id: '5'",
    "device_id: ' '": "device_id: ''",
    "ha_discovery: no": "ha_discovery: false",
    "marstek_mqtt_interval: 0s": "marstek_mqtt_interval: 0s",
    "state_interval: 1500ms": "state_interval: 1500ms",
    "id: told": "id: told",
}


@pytest.fixture(scope="module")
def node(host_node: Callable[[str, str], str]) -> Callable[..., str]:
    """YAML of an ESP32 node: node(lines of the block or None, mqtt, target, rest)."""

    def make(
        block: str | None = "", mqtt: str = BROKER, target: str = TARGETS["esp32c3-esp-idf"], rest: str = ""
    ) -> str:
        lines = "\n".join(f"    {line}" for line in block.splitlines()) if block else ""
        insights = "" if block is None else f"  mqtt_insights:{f'\n{lines}' if lines else ' {}'}\n"
        text = host_node(
            "node",
            f"{mqtt}\nsensor:\n  - {{platform: template, id: l1, unit_of_measurement: W}}\n{rest}"
            f"ct002:\n  power_sensor_l1: l1\n{insights}",
        )
        return text.replace("host:", f"{target}\nwifi: {{ssid: a, password: bbbbbbbb}}")

    return make


def one_line(text: str) -> str:
    """The tool breaks long lines."""
    return re.sub(r"\s+", " ", text)


# -- what it accepts -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validated(esphome: Any, node: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    lines = list(REFUSED) + list(ACCEPTED)
    texts = {f"n{number}": node(line) for number, line in enumerate(lines)}
    texts |= {
        "defaults": node(),
        "no-mqtt": node(mqtt=""),
        "nothing": node().replace("mqtt_insights: {}", "mqtt_insights:"),
    }
    outcomes = esphome.config_many(tmp_path_factory.mktemp("insights"), texts)
    return {line: outcomes[f"n{number}"] for number, line in enumerate(lines)} | {
        name: outcomes[name] for name in ("defaults", "no-mqtt", "nothing")
    }


def test_every_key_has_its_default(validated: dict[str, Any]) -> None:
    assert validated["defaults"].code == 0, validated["defaults"].text
    block = yaml.safe_load(validated["defaults"].ct002)["mqtt_insights"]
    assert block == DEFAULTS


@pytest.mark.parametrize("line", REFUSED)
def test_refused(validated: dict[str, Any], line: str) -> None:
    outcome = validated[line]
    assert outcome.code != 0
    assert REFUSED[line] in one_line(outcome.text)
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("line", ACCEPTED)
def test_accepted(validated: dict[str, Any], line: str) -> None:
    assert validated[line].code == 0, validated[line].text
    assert ACCEPTED[line] in validated[line].ct002


def test_needs_mqtt(validated: dict[str, Any]) -> None:
    assert "This option requires component mqtt" in validated["no-mqtt"].text
    assert "expected a dictionary" in validated["nothing"].text


def test_host_has_no_mqtt(esphome: Any, host_node: Callable[[str, str], str], tmp_path: Path) -> None:
    text = "sensor: [{platform: template, id: x}]\nct002: {power_sensor_l1: x, mqtt_insights: {}}\n"
    outcomes = esphome.config_many(
        tmp_path, {"with": host_node("node", f"mqtt: {{broker: a}}\n{text}"), "without": host_node("node", text)}
    )
    assert "only available on" in one_line(outcomes["with"].text)
    assert "This option requires component mqtt" in outcomes["without"].text


# -- what it generates -----------------------------------------------------------------------

MQTTS = {
    "default": "mqtt: {broker: a}",
    "async": BROKER,
    "no-will": f"{BROKER[:-1]}, will_message: }}",
    "no-birth": f"{BROKER[:-1]}, birth_message: }}",
    "no-prefix": f"{BROKER[:-1]}, topic_prefix: }}",
    "words": f"{BROKER[:-1]}, will_message: {{topic: node/status, payload: gone}}}}",
    "forgotten": f"{BROKER[:-1]}, birth_message: {{topic: node/status, payload: online, retain: false}}}}",
    "two-topics": f"{BROKER[:-1]}, will_message: {{topic: x, payload: offline}}}}",
    "long": f"{BROKER[:-1]}, topic_prefix: {'a' * 64}, "
    + ", ".join(
        f"{kind}_message: {{topic: {'b' * 128}, payload: {word}}}"
        for kind, word in (("birth", "online"), ("will", "offline"))
    )
    + "}",
    "status": f"{BROKER[:-1]}, will_message: {{topic: astrameter/status, payload: offline}}}}",
    "prefix": f"{BROKER[:-1]}, topic_prefix: cellar}}",
}
BLOCKS = {
    "changed": "base_topic: home\ndevice_id: 7\nha_discovery_prefix: ha\nstate_interval: 30s\n"
    "marstek_mqtt_enabled: false\nmarstek_mqtt_interval: 1min",
    "undiscovered": "ha_discovery: false\nstate_interval: 9999h",
}


@pytest.fixture(scope="module")
def generated(esphome: Any, node: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    texts = {name: node(mqtt=mqtt) for name, mqtt in MQTTS.items()}
    texts |= {name: node(block) for name, block in BLOCKS.items()}
    texts |= {name: node(target=target) for name, target in TARGETS.items()}
    texts |= {f"absent-{name}": node(None, target=target) for name, target in TARGETS.items()}
    outcomes: dict[str, Any] = esphome.generate_many(tmp_path_factory.mktemp("insights-code"), texts)
    return outcomes


def calls(main_cpp: str) -> list[str]:
    return re.findall(r"^  ct002_mqttinsights_id->(\w+\(.*\));$", main_cpp, re.MULTILINE)


def test_values_arrive(generated: dict[str, Any]) -> None:
    assert calls(generated["async"].main_cpp) == [
        'set_base_topic("astrameter")',
        'set_device_id("device-1")',
        'set_discovery_prefix("homeassistant")',
        'set_node_topic("node/status")',
        "set_state_interval(0)",
    ]
    assert calls(generated["changed"].main_cpp) == [
        'set_base_topic("home")',
        'set_device_id("7")',
        'set_discovery_prefix("ha")',
        'set_node_topic("node/status")',
        "set_state_interval(30000)",
    ]
    assert "new(ct002_marstekapp_id) ct002::MarstekApp(" in generated["async"].main_cpp
    assert ", 300000);" in generated["async"].main_cpp
    assert "USE_CT002_MARSTEK_APP" in generated["async"].defines
    for name in ("main_cpp", "defines"):
        code = re.sub("^ *//.*", "", getattr(generated["changed"], name), flags=re.MULTILINE)
        assert not re.search("new.*marstek_?app|USE_CT002_MARSTEK_APP", code, re.IGNORECASE)
    undiscovered = calls(generated["undiscovered"].main_cpp)
    assert not any(call.startswith("set_discovery_prefix") for call in undiscovered)
    assert f"set_state_interval({2**31 - 1})" in undiscovered


@pytest.mark.parametrize("name", MQTTS)
def test_last_will_of_the_client_is_used(generated: dict[str, Any], name: str) -> None:
    outcome = generated[name]
    assert outcome.code == 0, outcome.text
    topics = [call for call in calls(outcome.main_cpp) if call.startswith("set_node_topic")]
    usable = {"default": "node/status", "async": "node/status", "prefix": "cellar/status"}
    assert topics == ([f'set_node_topic("{usable[name]}")'] if name in usable else [])
    # A will on the status topic is what AstraMeter has elsewhere: nothing is missing.
    assert (GONE in one_line(outcome.text)) == (name not in usable and name != "status")


def test_slow_broker_is_told(generated: dict[str, Any]) -> None:
    assert SLOW in one_line(generated["default"].text)
    assert "WARNING ct002" not in generated["async"].text


def statements(main_cpp: str) -> list[str]:
    """What setup() does, without what we add and the numbers of components."""
    body = main_cpp.partition("void setup() {")[2]
    assert "App.setup();" in body
    lines = [re.sub(r"(register_component_\(\w+), \d+\)", r"\1)", line) for line in body.splitlines()]
    return [line for line in lines if not line.startswith("  //") and not re.search("mqttinsights|marstekapp", line)]


def defined(text: str) -> set[str]:
    counts = ("ESPHOME_COMPONENT_COUNT", "ESPHOME_LOOPING_COMPONENT", "ESPHOME_BUILD", "ESPHOME_CONFIG")
    return {
        line for line in text.splitlines() if line.startswith("#define") and not any(word in line for word in counts)
    }


@pytest.mark.parametrize("target", TARGETS)
def test_block_changes_nothing_else(generated: dict[str, Any], target: str) -> None:
    absent, present = generated[f"absent-{target}"], generated[target]
    assert absent.code == 0 and present.code == 0, absent.text + present.text
    assert statements(absent.main_cpp) == statements(present.main_cpp)
    assert defined(present.defines) - defined(absent.defines) == {
        "#define USE_CT002_HOUSE_SETTINGS",
        "#define USE_CT002_MARSTEK_APP",
        "#define USE_CT002_MQTT_INSIGHTS",
        "#define USE_CT002_SETTINGS",
    }
    assert defined(absent.defines) <= defined(present.defines)


def test_other_values_change_nothing_else(generated: dict[str, Any]) -> None:
    for name in BLOCKS:
        assert statements(generated[name].main_cpp) == statements(generated["async"].main_cpp)
        app = {"#define USE_CT002_MARSTEK_APP"} if name == "changed" else set()
        assert defined(generated[name].defines) == defined(generated["async"].defines) - app


# -- it fits ESPHome's MQTT client -----------------------------------------------------------


@pytest.fixture(scope="module")
def floor(esphome: Any, missing: Callable[[str, str], None]) -> Any:
    program = ROOT / ".venv-esphome-floor" / "bin" / "esphome"
    if not program.is_file():
        missing("esphome of the floor", "install it into .venv-esphome-floor")
    return type(esphome)(program)


def source_of(tool: Any, text: str, folder: Path) -> Path:
    file = folder / "node.yaml"
    file.write_text(text)
    outcome = tool.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    return folder / ".esphome" / "build" / "node" / "src"


def files(source: Path) -> set[str]:
    found = {path.name for name in ("ct002", "ct002_core") for path in (source / "esphome/components" / name).iterdir()}
    return {name for name in found if name.endswith(".cpp")}


def test_files_come_with_the_block(esphome: Any, node: Callable[..., str], tmp_path: Path) -> None:
    sources = []
    for name, block in (("with", ""), ("without", None)):
        (tmp_path / name).mkdir()
        sources.append(files(source_of(esphome, node(block), tmp_path / name)))
    assert sources[1] < sources[0]
    assert sources[0] - sources[1] == {
        "mqtt_insights.cpp",
        "marstek_app.cpp",
        "house_settings.cpp",
        "setting.cpp",
        *(f"insights{part}.cpp" for part in ("", "_command", "_discovery", "_state", "_topics")),
        "json_reader.cpp",
        "json_writer.cpp",
        "app_responder.cpp",
        "ct_mac.cpp",
        "utc_time.cpp",
        "utf8.cpp",
        "writer.cpp",
    }


def compiler_options(tool: Any, source: Path) -> list[str]:
    """To read the sources of an ESP32 node as if for the host: ESP-IDF's headers are not here."""
    (packages,) = tool.program.parents[1].glob("lib/python3*/site-packages")
    includes = [f"-I{source}", f"-I{packages}", f"-I{STAND_INS}"]
    # The client gets its back end through the header of a platform.
    backend = ["-include", "esphome/components/mqtt/mqtt_backend.h"]
    return ["-std=gnu++20", "-DUSE_HOST", "-DESPHOME_LOG_LEVEL=6", *includes, *backend]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["newest", "floor"])
def test_compiles_with_the_shipped_client(
    esphome: Any, floor: Any, node: Callable[..., str], tmp_path: Path, version: str
) -> None:
    tool = {"newest": esphome, "floor": floor}[version]
    source = source_of(tool, node(), tmp_path)
    units = [source / unit for unit in UNITS]
    command = ["g++", "-fsyntax-only", "-Wall", *compiler_options(tool, source), *units]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "components/ct002/" not in done.stderr


@pytest.mark.slow
def test_tidy(esphome: Any, node: Callable[..., str], tmp_path: Path) -> None:
    source = source_of(esphome, node(), tmp_path)
    rules = [f"--config-file={ROOT / '.clang-tidy'}", "--header-filter=components/ct002/", "--quiet"]
    tidy = ROOT / ".venv" / "bin" / "clang-tidy"
    command = [tidy, *rules, *(source / unit for unit in UNITS), "--", *compiler_options(esphome, source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
