"""The block `bluetooth:`: what it accepts, what it brings along and what it leaves out, and that its glue compiles."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPONENTS = ROOT / "esphome_component"
GLUE = COMPONENTS / "ct002"
GLUE_UNITS = ("bluetooth", "ct002", "roster")
STAND_INS = Path(__file__).with_name("esp_stand_ins") / "ble"

BOARDS = [(chip, framework) for chip in ("esp32", "esp32s3", "esp32c3") for framework in ("esp-idf", "arduino")]
DEVICE = """
esphome: {{name: node}}
{platform}
{wifi}
logger:
substitutions: {{pairing: "{pairing}"}}
external_components:
  - source: {{type: local, path: {components}}}
    components: [ct002]
sensor:
  - {{platform: template, id: x, unit_of_measurement: W}}
  - {{platform: template, id: v1, unit_of_measurement: V}}
  - {{platform: template, id: v2, unit_of_measurement: V}}
  - {{platform: template, id: v3, unit_of_measurement: V}}
ct002:
  power_sensor_l1: x
"""
WIFI = "wifi: {ssid: a, password: bbbbbbbb}"
ON = "  bluetooth: true\n"
FULL = """  bluetooth:
    allow_wifi_change: true
    allow_direction_change: true
    pairing_window: 5min
    voltage_sensor_l1: v1
    voltage_sensor_l2: v2
    voltage_sensor_l3: v3
button:
  - platform: template
    name: Pair
    on_press: [ct002.open_pairing_window]
"""
ACTION = "button: [{platform: template, name: Pair, on_press: [ct002.open_pairing_window]}]\n"


def device(
    rest: str, chip: str = "esp32c3", framework: str = "esp-idf", wifi: str = WIFI, pairing: str = "false"
) -> str:
    platform = "host:" if chip == "host" else f"esp32: {{variant: {chip}, framework: {{type: {framework}}}}}"
    return (
        DEVICE.format(platform=platform, wifi="" if chip == "host" else wifi, components=COMPONENTS, pairing=pairing)
        + rest
    )


DEFAULTS = ["allow_wifi_change: false", "allow_direction_change: false", "pairing_window: 0s"]
# name -> (configuration, lines of the validated block)
ACCEPTED = {
    "true": (device(ON), DEFAULTS),
    "text": (device("  bluetooth: ${pairing}\n", pairing="true"), DEFAULTS),
    "yes": (device('  bluetooth: "Yes"\n'), DEFAULTS),
    "empty": (device("  bluetooth:\n"), DEFAULTS),
    "empty-block": (device("  bluetooth: {}\n"), DEFAULTS),
    "text-in-the-block": (
        device("  bluetooth: {allow_wifi_change: '${pairing}'}\n", pairing="true"),
        ["allow_wifi_change: true", *DEFAULTS[1:]],
    ),
    "window": (device("  bluetooth: {pairing_window: 24h}\n"), [*DEFAULTS[:2], "pairing_window: 24h"]),
    "full": (device(FULL), ["allow_direction_change: true", "pairing_window: 5min", "voltage_sensor_l3: v3"]),
    "own-server": (device(f"{ON}esp32_ble: {{name: mine}}\nesp32_ble_server: {{max_clients: 2}}\n"), DEFAULTS),
    "c2": (device(ON, "esp32c2"), DEFAULTS),
}
# name -> (configuration, words of the message)
REFUSED = {
    "s2": (device(ON, "esp32s2"), "the ESP32S2 has no Bluetooth radio of its own"),
    "p4": (device(ON, "esp32p4", wifi="ethernet: {type: OPENETH}"), "the ESP32P4 has no Bluetooth radio of its own"),
    "host": (device(ON, "host"), "Bluetooth needs a board of the ESP32 family, not 'host'"),
    "word": (device("  bluetooth: maybe\n"), "Expected boolean value"),
    "number": (device("  bluetooth: 3\n"), "Expected boolean value"),
    "key": (device("  bluetooth: {allow_wifi: true}\n"), "[allow_wifi] is an invalid option for [bluetooth]"),
    "window-without-unit": (device("  bluetooth: {pairing_window: 5}\n"), "no time *unit*"),
    "window-too-long": (device("  bluetooth: {pairing_window: 25h}\n"), "value must be at most 24h"),
    "voltage": (device("  bluetooth: {voltage_sensor_l1: nobody}\n"), "Couldn't find ID 'nobody'"),
    "action-without-window": (device(ON + ACTION), "pairing_window, which is 0s"),
    "action-without-bluetooth": (device(ACTION), "ct002::Bluetooth"),
}
# name -> (configuration, words of the warning)
WARNED = {
    "power-save": (device(ON, wifi=f"{WIFI[:-1]}, power_save_mode: none}}"), "wifi: power_save_mode none"),
    "no-wifi": (
        device("  bluetooth: {allow_wifi_change: true}\n", "esp32", wifi="ethernet: {type: OPENETH}"),
        "allow_wifi_change is without effect",
    ),
    "ct003": (
        device("  ct_type: HME-3\n  bluetooth: {allow_direction_change: true}\n"),
        "allow_direction_change is without effect",
    ),
    "multicast": (device(f'  ct_mac: "03b250000001"\n{ON}'), "ct_mac 03b250000001 is no address a radio can have"),
    "improv": (device(f"{ON}improv_ble: {{authorizer: none}}\n"), "share one Bluetooth advertisement"),
}
OFF = {
    "absent": "",
    "false": "  bluetooth: false\n",
    "text-false": "  bluetooth: ${pairing}\n",
    "off": '  bluetooth: "off"\n',
}


@pytest.fixture(scope="module")
def outcomes(esphome: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    texts = {f"accepted-{name}": text for name, (text, _) in ACCEPTED.items()}
    texts |= {f"refused-{name}": text for name, (text, _) in REFUSED.items()}
    texts |= {f"warned-{name}": text for name, (text, _) in WARNED.items()}
    texts |= {f"off-on-{chip}": device(OFF["false"], chip) for chip in ("esp32s2", "host")}
    return esphome.config_many(tmp_path_factory.mktemp("config"), texts)


@pytest.fixture(scope="module")
def generated(esphome: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    texts = {f"{chip}@{framework}": device(FULL, chip, framework) for chip, framework in BOARDS}
    texts |= {f"off-{name}": device(block) for name, block in OFF.items()}
    texts |= {"on": device(ON)}
    texts |= {"absent-arduino": device("", "esp32", "arduino"), "false-arduino": device(OFF["off"], "esp32", "arduino")}
    return esphome.generate_many(tmp_path_factory.mktemp("generated"), texts)


# -- schema --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"accepted-{name}"]
    assert outcome.code == 0, outcome.text
    block = outcome.ct002.partition("  bluetooth:\n")[2]
    for line in ACCEPTED[name][1]:
        assert f"    {line}\n" in block
    assert "WARNING ct002" not in outcome.text


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"refused-{name}"]
    assert outcome.code != 0
    assert REFUSED[name][1] in outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("name", WARNED)
def test_warned(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"warned-{name}"]
    assert outcome.code == 0, outcome.text
    warnings = [line for line in outcome.text.splitlines() if "WARNING ct002:" in line]
    assert len(warnings) == 1 and WARNED[name][1] in warnings[0], outcome.text


@pytest.mark.parametrize("chip", ["esp32s2", "host"])
def test_off_is_allowed_where_there_is_no_radio(outcomes: Any, chip: str) -> None:
    outcome = outcomes[f"off-on-{chip}"]
    assert outcome.code == 0, outcome.text
    assert "  bluetooth: false\n" in outcome.ct002


# -- generated code ------------------------------------------------------------------------------


def statements(main_cpp: str) -> list[str]:
    """Without the configuration, which is repeated in comments."""
    return [line for line in main_cpp.splitlines() if not line.lstrip().startswith("//")]


@pytest.mark.parametrize(("chip", "framework"), BOARDS)
def test_block_is_generated(generated: Any, chip: str, framework: str) -> None:
    made = generated[f"{chip}@{framework}"]
    assert made.code == 0, made.text
    calls = re.findall(r"^  ct002_bluetooth_id->(\w+\(.*\));$", made.main_cpp, re.MULTILINE)
    assert calls == [
        "set_allow_wifi_change(true)",
        "set_allow_direction_change(true)",
        "set_pairing_window(300000)",
        "set_voltage_sensor(0, v1)",
        "set_voltage_sensor(1, v2)",
        "set_voltage_sensor(2, v3)",
    ]
    assert "h->gatts_event_handler(event, gatts_if, param)" in made.main_cpp
    assert "ct002::OpenPairingWindowAction<>(ct002_bluetooth_id)" in made.main_cpp
    assert "#define USE_CT002_BLUETOOTH" in made.defines
    assert "#define USE_ESP32_BLE_ADVERTISING" in made.defines


def test_defaults_need_no_calls(generated: Any) -> None:
    assert generated["on"].code == 0, generated["on"].text
    assert "ct002_bluetooth_id->" not in generated["on"].main_cpp


@pytest.mark.parametrize("name", OFF)
def test_off_is_as_if_it_did_not_exist(generated: Any, name: str) -> None:
    made, absent = generated[f"off-{name}"], generated["off-absent"]
    assert made.code == 0, made.text
    assert "BLE" not in made.defines and "BLUETOOTH" not in made.defines
    assert statements(made.main_cpp) == statements(absent.main_cpp)
    assert made.defines == absent.defines
    assert not [line for line in statements(made.main_cpp) if "ble" in line.lower() and "esp32_ble" in line.lower()]


def test_off_on_arduino(generated: Any) -> None:
    assert statements(generated["absent-arduino"].main_cpp) == statements(generated["false-arduino"].main_cpp)
    assert generated["absent-arduino"].defines == generated["false-arduino"].defines


@pytest.mark.parametrize("block", [OFF["absent"], OFF["false"], ON])
def test_files_are_built_only_when_it_is_on(esphome: Any, tmp_path: Path, block: str) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(device(block))
    outcome = esphome.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    components = tmp_path / ".esphome" / "build" / "node" / "src" / "esphome" / "components"
    units = {path.name for folder in ("ct002", "ct002_core") for path in (components / folder).glob("*.cpp")}
    ours = {"bluetooth.cpp", "ble_frame.cpp", "ble_identity.cpp", "ble_pairing.cpp", "ble_wifi_trial.cpp", "writer.cpp"}
    assert units & ours == (ours if block == ON else set())
    assert "c_ble.cpp" not in units
    assert ((components / "esp32_ble").exists(), (components / "esp32_ble_server").exists()) == (
        block == ON,
        block == ON,
    )


# -- the glue, given to a compiler ---------------------------------------------------------------

# Headers of ESP-IDF and FreeRTOS that ESPHome's own and ours include.
PLATFORM_HEADERS = """
sdkconfig esp_system esp_heap_caps esp_err esp_log esp_attr esp_cpu esp_task_wdt esp_mac esp_netif esp_wifi
esp_wifi_types esp_bt_defs esp_bt_device esp_gap_ble_api esp_gatt_common_api esp_gatt_defs esp_gattc_api esp_gatts_api
freertos/FreeRTOS freertos/semphr freertos/task driver/gpio driver/uart lwip/ip_addr lwip/sockets soc/soc_caps
"""
# What the generated code does with the glue.
USE = """
#include "esphome/components/ct002/bluetooth.h"
void use(esphome::ct002::CT002Component *meter, esphome::esp32_ble::ESP32BLE *ble,
         esphome::esp32_ble_server::BLEServer *server) {
  static esphome::ct002::Bluetooth bluetooth(meter, ble, server);
  static esphome::ct002::OpenPairingWindowAction<> action(&bluetooth);
  ble->add_gatts_event_callback(
      [h = &bluetooth](esp_gatts_cb_event_t event, esp_gatt_if_t gatts_if, esp_ble_gatts_cb_param_t *param) {
        h->gatts_event_handler(event, gatts_if, param);
      });
  bluetooth.on_registered("02b2503c7e91", false);
  bluetooth.set_registered_mac("02b2503c7e91");
}
"""
VERSION = """
#pragma once
#include "esphome/core/macros.h"
#define ESPHOME_VERSION_CODE VERSION_CODE({})
"""


@pytest.fixture(params=["current", "floor"])
def installed(request: pytest.FixtureRequest, esphome: Any, missing: Callable[[str, str], None]) -> tuple[Any, Path]:
    """The tool and the folder of its packages, of the newest ESPHome and of the oldest one."""
    if request.param == "floor":
        program = ROOT / ".venv-esphome-floor" / "bin" / "esphome"
        if not program.is_file():
            missing("the oldest esphome", "install it into .venv-esphome-floor")
        esphome = type(esphome)(program)
    python = esphome.program.resolve().with_name("python")
    where = "import esphome, pathlib; print(pathlib.Path(esphome.__file__).parents[1])"
    found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    return esphome, Path(found.stdout.strip())


# ESPHome asserts sizes that depend on pointers of 32 bits.
COMPILER = ("g++", "-std=gnu++20", "-Dstatic_assert(...)=")
DEFINES = ("-DUSE_ESP32", "-DUSE_LWIP_FAST_SELECT", "-DESPHOME_LOG_LEVEL=6")


def includes(installed: tuple[Any, Path], folder: Path, network: str) -> list[str]:
    """Options with which the glue finds ESPHome's own headers, the defines of a configuration, and stand-ins."""
    esphome, packages = installed
    made = esphome.generate_many(folder, {"node": device(FULL, "esp32", wifi=network)})["node"]
    assert made.code == 0, made.text
    assert ("USE_WIFI" in made.defines) == (network == WIFI)
    version = re.search(r"INFO ESPHome (\d+)\.(\d+)\.(\d+)", made.text)
    assert version
    source = folder / "src"
    core = source / "esphome" / "core"
    core.mkdir(parents=True)
    # The header of Ethernet needs much more of ESP-IDF, and the glue nothing of it.
    (core / "defines.h").write_text(re.sub("#define USE_ETHERNET.*\n", "", made.defines))
    (core / "version.h").write_text(VERSION.format(", ".join(version.groups())))
    (source / "esphome" / "components").mkdir()
    for component in ("ct002", "ct002_core"):
        (source / "esphome" / "components" / component).symlink_to(COMPONENTS / component)
    for name in PLATFORM_HEADERS.split():
        header = source / f"{name}.h"
        header.parent.mkdir(exist_ok=True)
        header.write_text('#pragma once\n#include "idf.h"\n')
    return [f"-I{source}", f"-I{STAND_INS}", "-isystem", str(packages)]


def run(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("network", [WIFI, "ethernet: {type: OPENETH}"], ids=["wifi", "ethernet"])
def test_glue_compiles_against_esphomes_headers(installed: tuple[Any, Path], tmp_path: Path, network: str) -> None:
    options = includes(installed, tmp_path, network)
    options += ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
    (tmp_path / "use.cpp").write_text(USE)
    for unit in (GLUE / "bluetooth.cpp", GLUE / "ct002.cpp", tmp_path / "use.cpp"):
        run(*COMPILER, *DEFINES, *options, unit)
    run(*COMPILER, *DEFINES, "-DUSE_CT002_REGISTRATION", "-DUSE_CT002_WEB", *options, GLUE / "marstek_registration.cpp")


@pytest.mark.parametrize("installed", ["current"], indirect=True)
def test_registration_hands_its_mac_to_the_radio(installed: tuple[Any, Path], tmp_path: Path) -> None:
    esphome, _ = installed
    account = 'marstek_registration: {base_url: "https://eu.hamedata.com", mailbox: a@b.c, password: x}'
    client = "http_request: {verify_ssl: false}\n"
    texts = {
        "both": device(f"  bluetooth: {{}}\n  {account}\n{client}", "esp32"),
        "alone": device(f"  {account}\n{client}", "esp32"),
    }
    made = esphome.generate_many(tmp_path, texts)
    assert made["both"].code == made["alone"].code == 0, made["both"].text + made["alone"].text
    assert "->set_bluetooth(ct002_bluetooth_id);" in made["both"].main_cpp
    assert "set_bluetooth" not in made["alone"].main_cpp


@pytest.mark.parametrize("installed", ["current"], indirect=True)
def test_glue_behaves(installed: tuple[Any, Path], tmp_path: Path) -> None:
    """Between a radio, a Wi-Fi and preferences that only take notes: see ble_glue.cpp."""
    options = [*includes(installed, tmp_path, WIFI), "-w", "-ffunction-sections", "-fdata-sections"]
    units = [Path(__file__).with_name("ble_glue.cpp"), *(GLUE / f"{unit}.cpp" for unit in GLUE_UNITS)]
    run(*COMPILER, *DEFINES, *options, "-fno-access-control", "-c", *units, cwd=tmp_path)
    core = [path for path in (COMPONENTS / "ct002_core").glob("*.cpp") if not path.name.startswith("c_")]
    run("g++", "-std=c++17", "-c", *core, cwd=tmp_path)
    run("g++", "-Wl,--gc-sections", *tmp_path.glob("*.o"), "-o", tmp_path / "ble_glue")
    assert run(tmp_path / "ble_glue") == "ok\n"
