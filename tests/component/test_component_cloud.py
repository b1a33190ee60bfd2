"""The blocks `marstek_registration` and `cloud_reporting`: schema, generated code, and the glue for the chip."""

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAND_INS = Path(__file__).with_name("esp_stand_ins")

SENSORS = "sensor:\n  - {platform: template, id: x, unit_of_measurement: W}\n"
TIME = "time: {platform: sntp}\n"
HOST_TIME = "time: {platform: host}\n"
CLIENT = "http_request:\n"
ACCOUNT = 'base_url: https://eu.hamedata.com, mailbox: jane@example.org, password: "1234secret"'
SECRETS = ("jane@example.org", "1234secret")

REGISTRATION = "marstek_registration: {%s}"
REPORTING = "cloud_reporting: {%s}"

# lines of the ct002 block -> words of the message
REFUSED = {
    "no-url": ("marstek_registration: {mailbox: a@b, password: x}", "'base_url' is a required option"),
    "no-mailbox": ("marstek_registration: {base_url: http://a, password: x}", "'mailbox' is a required option"),
    "no-password": ("marstek_registration: {base_url: http://a, mailbox: a@b}", "'password' is a required option"),
    "nothing": ("marstek_registration:", "expected a dictionary"),
    "url-without-scheme": (
        "marstek_registration: {base_url: eu.hamedata.com, mailbox: a@b, password: x}",
        "a URL scheme with host",
    ),
    "url-of-a-file": ("marstek_registration: {base_url: file:///a, mailbox: a@b, password: x}", "a URL scheme with"),
    "url-of-another-kind": (
        "marstek_registration: {base_url: ftp://a, mailbox: a@b, password: x}",
        "a URL scheme with",
    ),
    "url-with-query": ('marstek_registration: {base_url: "http://a?b=1", mailbox: a@b, password: x}', "host alone"),
    "url-with-user": ('marstek_registration: {base_url: "http://a@b", mailbox: a@b, password: x}', "host alone"),
    "url-with-blank": ('marstek_registration: {base_url: "http://a b", mailbox: a@b, password: x}', "host alone"),
    "url-port": ('marstek_registration: {base_url: "http://a:65536", mailbox: a@b, password: x}', "host alone"),
    "url-too-long": (
        f"marstek_registration: {{base_url: http://{'a' * 194}, mailbox: a@b, password: x}}",
        "at most 200 bytes",
    ),
    "mailbox-empty": ('marstek_registration: {base_url: http://a, mailbox: "", password: x}', "must not be empty"),
    "mailbox-blank": ('marstek_registration: {base_url: http://a, mailbox: "  ", password: x}', "must not be empty"),
    "mailbox-too-long": (
        f"marstek_registration: {{base_url: http://a, mailbox: {'a' * 255}, password: x}}",
        "at most 254 bytes",
    ),
    "password-empty": ('marstek_registration: {base_url: http://a, mailbox: a@b, password: ""}', "must not be empty"),
    "password-number": ("marstek_registration: {base_url: http://a, mailbox: a@b, password: 1234}", "Must be string"),
    "timezone-empty": (REGISTRATION % f'{ACCOUNT}, timezone: ""', "must not be empty"),
    "device-type": (REGISTRATION % f"{ACCOUNT}, device_type: ct004", "Unknown value 'ct004'"),
    "device-type-of-the-other": (
        REGISTRATION % f"{ACCOUNT}, device_type: ct003",
        "ct003 does not go with ct_type HME-4. Remove device_type, or write ct_type: HME-3",
    ),
    "device-type-of-the-other-2": (
        "ct_type: HME-3\n  " + REGISTRATION % f"{ACCOUNT}, device_type: CT002",
        "ct002 does not go with ct_type HME-3",
    ),
    "retry-below-min": (REGISTRATION % f"{ACCOUNT}, retry_interval: 4999ms", "value must be at least 5s"),
    "retry-zero": (REGISTRATION % f"{ACCOUNT}, retry_interval: 0s", "value must be at least 5s"),
    "retry-without-unit": (REGISTRATION % f"{ACCOUNT}, retry_interval: 60", "no time *unit*"),
    "force": (REGISTRATION % f"{ACCOUNT}, force_reregister: 2", "Expected boolean value"),
    "key": (REGISTRATION % f"{ACCOUNT}, mailbx: a", "[mailbx] is an invalid option for [marstek_registration]"),
    "client-unknown": (REGISTRATION % f"{ACCOUNT}, http_request_id: nobody", "Couldn't find ID 'nobody'"),
    "client-of-another-class": (REPORTING % "http_request_id: x", "doesn't inherit from http_request"),
    "host-empty": (REPORTING % 'host: ""', "must not be empty"),
    "host-url": (REPORTING % "host: http://eu.hamedata.com", "is no host name"),
    "host-port": (REPORTING % "host: 'eu.hamedata.com:0'", "is no host name"),
    "host-path": (REPORTING % "host: eu.hamedata.com/a", "is no host name"),
    "fcv-number": (REPORTING % "fcv: 202409090159", "Must be string"),
    "sv-fraction": (REPORTING % "sv: 1.5", "only accepts integers"),
    "sv-below-min": (REPORTING % "sv: -2147483649", "value must be at least -2147483648"),
    "sv-beyond-max": (REPORTING % "sv: 2147483648", "value must be at most 2147483647"),
    "interval-below-min": (REPORTING % "interval: 4999ms", "value must be at least 5s"),
    "interval-zero": (REPORTING % "interval: 0s", "value must be at least 5s"),
    "reporting-key": (REPORTING % "hots: a", "[hots] is an invalid option for [cloud_reporting]"),
    "reporting-nothing": ("cloud_reporting:", "expected a dictionary"),
}

# lines of the ct002 block -> keys of the validated block and their values
ACCEPTED: dict[str, tuple[str, dict[str, object]]] = {
    "defaults": (
        REGISTRATION % ACCOUNT,
        {
            "base_url": "https://eu.hamedata.com",
            "timezone": "Europe/Berlin",
            "device_type": "ct002",
            "retry_interval": "60s",
            "force_reregister": False,
        },
    ),
    "type-derived": ("ct_type: HME-3\n  " + REGISTRATION % ACCOUNT, {"device_type": "ct003"}),
    "type-written": (REGISTRATION % f"{ACCOUNT}, device_type: CT002", {"device_type": "ct002"}),
    "retry-min": (REGISTRATION % f"{ACCOUNT}, retry_interval: 5s", {"retry_interval": "5s"}),
    "retry-long": (REGISTRATION % f"{ACCOUNT}, retry_interval: 960h", {}),
    "url-with-slash": (
        'marstek_registration: {base_url: "http://127.0.0.1:80/", mailbox: a@b, password: x, force_reregister: yes}',
        {"base_url": "http://127.0.0.1:80/", "force_reregister": True},
    ),
    "reporting-defaults": (
        REPORTING % "",
        {"host": "eu.hamedata.com", "fcv": "202409090159", "sv": 121, "interval": "60s"},
    ),
    "reporting-values": (
        REPORTING % 'host: "us.hamedata.com:8080", fcv: "1", sv: -3, interval: 5s',
        {"host": "us.hamedata.com:8080", "fcv": "1", "sv": -3, "interval": "5s"},
    ),
    "reporting-ends": (REPORTING % "sv: -2147483648, interval: 960h", {"sv": -2147483648}),
    "reporting-other-end": (REPORTING % "sv: 2147483647, interval: 5000ms", {"sv": 2147483647}),
}

# lines of the ct002 block, rest of the file -> words of the only warning (None = no warning)
WARNED: dict[str, tuple[str, str, str | None]] = {
    "two-macs": (
        'ct_mac: "02b25012abcd"\n  ' + REGISTRATION % ACCOUNT,
        "",
        "the registered MAC takes the place of ct_mac 02b25012abcd",
    ),
    "one-mac": (REGISTRATION % ACCOUNT, "", None),
    "no-mac": (REPORTING % "", HOST_TIME, "nothing is reported without a MAC; set ct_mac, or add marstek_registration"),
    "no-time": (
        'ct_mac: "02b25012abcd"\n  ' + REPORTING % "",
        "",
        "nothing is reported before the time is known; add a time component",
    ),
    "all-there": (REGISTRATION % ACCOUNT + "\n  " + REPORTING % "", HOST_TIME, None),
}


@pytest.fixture(scope="module")
def outcomes(esphome: Any, host_node: Callable[[str, str], str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    def text(lines: str, rest: str = "", client: str = CLIENT) -> str:
        return host_node("node", f"{SENSORS}{client}{rest}ct002:\n  power_sensor_l1: x\n  {lines}\n")

    texts = {f"refused-{name}": text(lines) for name, (lines, _) in REFUSED.items()}
    texts |= {f"accepted-{name}": text(lines) for name, (lines, _) in ACCEPTED.items()}
    texts |= {f"warned-{name}": text(lines, rest) for name, (lines, rest, _) in WARNED.items()}
    texts |= {f"alone-{block}": text(f"{block}: {{}}", client="") for block in BLOCKS}
    return esphome.config_many(tmp_path_factory.mktemp("cloud"), texts)


BLOCKS = ("marstek_registration", "cloud_reporting")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"refused-{name}"]
    assert outcome.code != 0
    assert REFUSED[name][1] in outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(outcomes: Any, name: str) -> None:
    outcome = outcomes[f"accepted-{name}"]
    assert outcome.code == 0, outcome.text
    # Terminals hide what is between these marks.
    config = yaml.safe_load(f"ct002:\n{outcome.ct002}".replace(r"\033[8m", "").replace(r"\033[28m", ""))["ct002"]
    (block,) = (config[key] for key in BLOCKS if key in config)
    assert {key: block[key] for key in ACCEPTED[name][1]} == ACCEPTED[name][1]


@pytest.mark.parametrize("name", WARNED)
def test_warned(outcomes: Any, name: str) -> None:
    outcome, words = outcomes[f"warned-{name}"], WARNED[name][2]
    assert outcome.code == 0, outcome.text
    warnings = [line for line in outcome.text.splitlines() if "WARNING" in line]
    assert len(warnings) == (words is not None), outcome.text
    assert words is None or words in warnings[0]


@pytest.mark.parametrize("block", BLOCKS)
def test_needs_an_http_client(outcomes: Any, block: str) -> None:
    outcome = outcomes[f"alone-{block}"]
    assert outcome.code != 0
    assert "This option requires component http_request" in outcome.text


def test_secrets_are_marked(outcomes: Any) -> None:
    shown = outcomes["accepted-defaults"].ct002
    for secret in SECRETS:
        assert rf"\033[8m{secret}\033[28m" in shown
        assert shown.count(secret) == 1


# -- generated code --------------------------------------------------------------------------

ESP32 = """
esphome: {{name: node}}
esp32: {{variant: esp32s3, framework: {{type: {framework}}}}}
wifi: {{ssid: a, password: bbbbbbbb}}
logger:
external_components:
  - source: {{type: local, path: {components}}}
    components: [ct002]
"""
FRAMEWORKS = ("esp-idf", "arduino")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n"
# block(s) of ct002, rest of the file
VARIANTS = {
    "neither": ("", CLIENT),
    "registration": (REGISTRATION % ACCOUNT, CLIENT),
    "reporting": (REPORTING % "", CLIENT),
    "both": (REGISTRATION % ACCOUNT + "\n  " + REPORTING % "", CLIENT),
    "registration-changed": (
        "marstek_registration: {base_url: http://a/, mailbox: b, password: c, retry_interval: 5s, timezone: UTC}",
        CLIENT,
    ),
    "unverified": (REGISTRATION % ACCOUNT, "http_request: {verify_ssl: false, timeout: 30s}\n"),
    "own-certificate": (REGISTRATION % ACCOUNT, "http_request: {ca_certificate_path: ca.pem, id: mine}\n"),
    "ct003": ("ct_type: HME-3\n  " + REGISTRATION % f"{ACCOUNT}, force_reregister: true", CLIENT),
}


ON_BOTH = ("neither", "registration", "reporting", "both", "registration-changed")
GENERATED = [(name, "esp-idf") for name in VARIANTS] + [(name, "arduino") for name in ON_BOTH]


def esp32_node(framework: str, lines: str, rest: str) -> str:
    head = ESP32.format(framework=framework, components=ROOT / "esphome_component")
    return f"{head}{SENSORS}{TIME}{rest}ct002:\n  power_sensor_l1: x\n  ct_mac: ''\n  {lines}\n"


@pytest.fixture(scope="module")
def generated(esphome: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("cloud-code")
    (folder / "ca.pem").write_text(CERTIFICATE)
    texts = {f"{name}@{framework}": esp32_node(framework, *VARIANTS[name]) for name, framework in GENERATED}
    texts |= {
        f"log-{level}": esp32_node(f"esp-idf, log_level: {level}", *VARIANTS["both"])
        for level in ("DEBUG", "verbose", "INFO")
    }
    texts["log-of-reports"] = esp32_node("esp-idf, log_level: DEBUG", *VARIANTS["reporting"])
    return esphome.generate_many(folder, texts)


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        *(("log-DEBUG", True), ("log-verbose", True), ("log-INFO", False), ("log-of-reports", False)),
        *(("registration@esp-idf", False), ("registration@arduino", False)),
    ],
)
def test_warned_of_secrets_in_the_log_of_the_framework(generated: Any, name: str, warned: bool) -> None:
    outcome = generated[name]
    assert outcome.code == 0, outcome.text
    words = "marstek_registration: the framework's log then holds mailbox, password hash and token"
    assert (words in outcome.text) == warned, outcome.text


def calls(outcome: Any, variable: str) -> list[str]:
    return re.findall(rf"^  ct002_{variable}_id->(set_\w+\(.*\));$", outcome.main_cpp, re.MULTILINE)


def defines(outcome: Any) -> set[str]:
    return set(re.findall(r"USE_CT002_\w+", outcome.defines))


@pytest.mark.parametrize(("name", "framework"), GENERATED)
def test_generated(generated: Any, name: str, framework: str) -> None:
    outcome = generated[f"{name}@{framework}"]
    assert outcome.code == 0, outcome.text
    assert "->set_power_sensor(0, " in outcome.main_cpp


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_block_brings_its_own_and_changes_nothing_else(generated: Any, framework: str) -> None:
    neither, registration, reporting, both, changed = (generated[f"{name}@{framework}"] for name in ON_BOTH)
    assert defines(neither) == set()
    assert defines(registration) == {"USE_CT002_REGISTRATION", "USE_CT002_WEB"} == defines(changed)
    assert defines(reporting) == {"USE_CT002_REPORTING", "USE_CT002_WEB"}
    assert defines(both) == defines(registration) | defines(reporting)
    for outcome in (registration, reporting, both, changed):
        assert calls(outcome, "ct002component") == calls(neither, "ct002component")
        assert "USE_MD5" not in outcome.defines
    assert calls(both, "marstekregistration") == calls(registration, "marstekregistration")
    assert calls(both, "cloudreporting") == calls(reporting, "cloudreporting")
    assert [call.split("(")[0] for call in calls(changed, "marstekregistration")] == [
        call.split("(")[0] for call in calls(registration, "marstekregistration")
    ]


def test_values_arrive(generated: Any) -> None:
    assert calls(generated["both@esp-idf"], "cloudreporting") == [
        'set_host("eu.hamedata.com")',
        'set_fcv("202409090159")',
        "set_sv(121)",
    ]
    assert "CloudReporting(ct002_ct002component_id, 60000)" in generated["both@esp-idf"].main_cpp
    shown = calls(generated["ct003@esp-idf"], "marstekregistration")
    assert shown[0] == 'set_base_url("https://eu.hamedata.com")'
    assert shown[2:] == [
        'set_timezone("Europe/Berlin")',
        'set_ct_type("HME-3")',
        "set_retry_interval(60000)",
        "set_force_reregister(true)",
        "set_timeout(20000)",
    ]


def test_firmware_holds_the_hash_and_not_the_password(generated: Any) -> None:
    code = re.sub(r"^ *//.*$", "", generated["registration@esp-idf"].main_cpp, flags=re.MULTILINE)
    assert hashlib.md5(b"1234secret").hexdigest() in code
    assert "1234secret" not in code


def test_certificates_are_those_of_the_client(generated: Any) -> None:
    unverified = calls(generated["unverified@esp-idf"], "marstekregistration")
    assert "set_verify_ssl(false)" in unverified and "set_timeout(30000)" in unverified
    own = calls(generated["own-certificate@esp-idf"], "marstekregistration")
    assert any(call.startswith('set_ca_certificate("-----BEGIN CERTIFICATE') for call in own)


# -- the glue --------------------------------------------------------------------------------


CHIP = ["-DUSE_ESP32", "-DUSE_ESP_IDF", "-DUSE_ESP32_VARIANT_ESP32S3", "-DUSE_LWIP_FAST_SELECT"]


@pytest.fixture(scope="module", params=[".venv-esphome", ".venv-esphome-floor"])
def chip_source(
    request: pytest.FixtureRequest,
    esphome: Any,
    missing: Callable[[str, str], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What would be compiled for a chip, ESPHome's own headers included."""
    environment = request.param
    program = ROOT / environment / "bin" / "esphome"
    if not program.is_file():
        missing(f"esphome of {environment}", f"run `make {environment}/.installed`")
    file = tmp_path_factory.mktemp("chip") / "node.yaml"
    file.write_text(esp32_node("esp-idf", *VARIANTS["both"]))
    outcome = type(esphome)(program).run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    return file.with_name(".esphome") / "build" / "node" / "src"


@pytest.mark.slow
def test_http_client_of_the_chip_behaves(chip_source: Path, tmp_path: Path) -> None:
    """Between a server and a memory that do as they are told: see web_glue.cpp."""
    glue = chip_source / "esphome" / "components" / "ct002"
    units = [Path(__file__).with_name("web_glue.cpp"), glue / "web.cpp", glue / "web_esp32.cpp"]
    options = ["-std=gnu++20", "-w", "-Dstatic_assert(...)=", "-ffunction-sections", "-fdata-sections"]
    options += ["-Wl,--gc-sections", f"-I{STAND_INS}", f"-I{chip_source}", "-o", str(tmp_path / "web_glue")]
    built = subprocess.run(["g++", *options, *CHIP, *units], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([tmp_path / "web_glue"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "ok\n")


@pytest.mark.slow
def test_glue_compiles_for_the_chip(chip_source: Path) -> None:
    """Against ESPHome's own headers; those of the chip are stand-ins. Nothing is linked."""
    source = chip_source
    core, glue = (source / "esphome" / "components" / part for part in ("ct002_core", "ct002"))
    built = {path.name for path in (*core.glob("*.cpp"), *glue.glob("*.cpp"))}
    ours = {"marstek_registration.cpp", "cloud_reporting.cpp", "web.cpp", "web_esp32.cpp"}
    assert ours | {"registration.cpp", "cloud_report.cpp", "cloud_url.cpp", "cloud_devices.cpp"} <= built
    assert not built & {"app_responder.cpp", "c_cloud.cpp"}
    options = ["-std=gnu++20", "-fsyntax-only", "-Wall", "-DESPHOME_LOG_LEVEL=6", f"-I{STAND_INS}", f"-I{source}"]
    for name in sorted(ours):
        done = subprocess.run(["g++", *options, *CHIP, glue / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "components/ct002" not in done.stderr, done.stderr  # no warnings about ours
