"""The meter packages: what they generate on every chip and framework, and what they make of a meter's answers."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "esphome_component" / "packages"
METERS = sorted(path.stem for path in PACKAGES.glob("meter-*.yaml"))
HTTP_METERS = [name for name in METERS if "parts/http-json.yaml" in (PACKAGES / f"{name}.yaml").read_text()]
BOARDS = [(chip, framework) for chip in ("esp32", "esp32s3", "esp32c3") for framework in ("esp-idf", "arduino")]

BASE = """
esphome: {{name: {name}}}
esp32: {{variant: {chip}, framework: {{type: {framework}}}}}
wifi: {{ssid: my-wifi, password: my-password}}
logger:
external_components:
  - source: {{type: local, path: {components}}}
    components: [ct002]
"""


class Loader(yaml.SafeLoader):
    """Reads ESPHome's YAML without ESPHome: what a tag stands for stays as it is written."""


def untagged(loader: Loader, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return f"!{suffix} {loader.construct_scalar(node)}"
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", untagged)


def header(name: str) -> str:
    return (PACKAGES / f"{name}.yaml").read_text().partition("\n\n")[0]


def loaded(path: Path) -> dict[str, Any]:
    content = yaml.load(path.read_text(), Loader)
    assert isinstance(content, dict)
    return content


def example_variables(name: str) -> dict[str, Any]:
    """The variables of the header's example."""
    found = re.search(r"!include \{file: \S+, vars: (\{.*\})\}$", header(name), re.MULTILINE)
    assert found, name
    variables = yaml.safe_load(found[1])
    assert isinstance(variables, dict)
    return variables


def phases(name: str) -> int:
    return int(name[-len("1phase")])


def node(name: str, variables: dict[str, Any], chip: str = "esp32", framework: str = "esp-idf") -> str:
    base = BASE.format(name=name, chip=chip, framework=framework, components=ROOT / "esphome_component")
    file = PACKAGES / f"{name}.yaml"
    return f"packages:\n  meter: !include {{file: {file}, vars: {json.dumps(variables)}}}\n{base}"


def generate(esphome: Any, folder: Path, boards: list[tuple[str, str]]) -> dict[str, Any]:
    """Every package; the keys are meter@chip@framework."""
    texts = {
        f"{name}@{chip}@{framework}": node(name, example_variables(name), chip, framework)
        for name in METERS
        for chip, framework in boards
    }
    generated: dict[str, Any] = esphome.generate_many(folder, texts)
    return generated


@pytest.fixture(scope="session")
def on_one_board(esphome: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {
        key.partition("@")[0]: outcome
        for key, outcome in generate(esphome, tmp_path_factory.mktemp("recipes"), BOARDS[:1]).items()
    }


@pytest.fixture(scope="session")
def on_other_boards(esphome: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return generate(esphome, tmp_path_factory.mktemp("recipes"), BOARDS[1:])


@pytest.fixture(scope="session")
def resolved(esphome: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every package as ESPHome understands it, selling counted as positive."""
    texts = {name: node(name, {**example_variables(name), "factor": -1}) for name in METERS}
    outcomes = esphome.config_many(tmp_path_factory.mktemp("resolved"), texts)
    configurations = {}
    for name, outcome in outcomes.items():
        assert outcome.code == 0, outcome.text
        shown = re.sub(r"\\033\[\d+m", "", outcome.text)  # around passwords
        configurations[name] = yaml.load(re.sub(r"^(INFO|WARNING) .*", "", shown, flags=re.MULTILINE), Loader)
    return configurations


def test_there_is_a_package_for_every_meter_that_esphome_can_read() -> None:
    both = ("shelly-gen2", "shelly-gen1", "tasmota", "homeassistant", "vzlogger", "esphome-node", "modbus", "mqtt")
    both += ("mqtt-json", "http-json", "sml", "dsmr", "tq", "homewizard", "fronius")
    one = ("shrdzm", "emlog", "iobroker", "amis", "fritz-smart-energy")
    expected = {f"meter-{meter}-{count}phase" for meter in both for count in (1, 3)}
    assert set(METERS) == expected | {f"meter-{meter}-1phase" for meter in one}


def assert_wired(outcome: Any, name: str) -> None:
    assert outcome.code == 0, outcome.text
    assert [line for line in outcome.text.splitlines() if "WARNING" in line] == []
    wired = re.findall(r"->set_power_sensor\((\d), (\w+)\)", outcome.main_cpp)
    assert wired == [(str(phase), f"grid_l{phase + 1}") for phase in range(phases(name))]


@pytest.mark.parametrize("name", METERS)
def test_code_is_generated(on_one_board: dict[str, Any], name: str) -> None:
    assert_wired(on_one_board[name], name)


@pytest.mark.slow
@pytest.mark.parametrize("name", METERS)
def test_code_is_generated_for_every_board(on_other_boards: dict[str, Any], name: str) -> None:
    for chip, framework in BOARDS[1:]:
        assert_wired(on_other_boards[f"{name}@{chip}@{framework}"], name)


def grid_sensors(configuration: dict[str, Any]) -> list[dict[str, Any]]:
    found = [entry for entry in configuration["sensor"] if str(entry.get("id", "")).startswith("grid_l")]
    return sorted(found, key=lambda entry: str(entry["id"]))


@pytest.mark.parametrize("name", METERS)
def test_sensors_are_in_watts_and_can_be_reversed(resolved: dict[str, dict[str, Any]], name: str) -> None:
    sensors = grid_sensors(resolved[name])
    assert [entry["id"] for entry in sensors] == [f"grid_l{phase + 1}" for phase in range(phases(name))]
    for entry in sensors:
        assert entry["unit_of_measurement"] == ("kW" if "dsmr" in name else "W")
        assert entry["filters"] == [{"multiply": -1.0}]


@pytest.mark.parametrize("name", METERS)
def test_values_come_every_second_and_only_from_the_meter(resolved: dict[str, dict[str, Any]], name: str) -> None:
    configuration = resolved[name]
    for entry in grid_sensors(configuration):
        if entry["platform"] == "template":
            assert entry["update_interval"] == f"{2**32 - 1}ms"  # never
            assert "lambda" not in entry
    for device in configuration.get("modbus_controller", []):
        assert device["update_interval"] == "1s"


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) / (1000 if unit == "ms" else 1)


@pytest.mark.parametrize("name", HTTP_METERS)
def test_http_requests_are_short_and_large_enough(resolved: dict[str, dict[str, Any]], name: str) -> None:
    configuration = resolved[name]
    client = configuration["http_request"]
    assert client["useragent"] == "nullwatt"
    assert seconds(client["timeout"]) <= 5
    assert client["buffer_size_rx"] >= 4096
    for entry in configuration["interval"]:
        assert entry["interval"] == "1s"
        (choice,) = entry["then"]
        (action,) = choice["if"]["then"]
        request = action["http_request.get"]
        assert request["max_response_buffer_size"] >= 4096
        assert request["url"].startswith("http://") and "$" not in request["url"]


def lists_of_actions(content: Any) -> Iterator[list[Any]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("then", "else", "condition", "on_response", "on_error", "on_value") and isinstance(value, list):
                yield value
            yield from lists_of_actions(value)
    elif isinstance(content, list):
        for value in content:
            yield from lists_of_actions(value)


def test_each_list_item_is_one_action() -> None:
    seen = [actions for path in PACKAGES.rglob("*.yaml") for actions in lists_of_actions(loaded(path))]
    assert len(seen) > 10
    for actions in seen:
        assert all(isinstance(action, dict) and len(action) == 1 for action in actions), actions


def test_import_and_export_of_one_telegram_belong_together(on_one_board: dict[str, Any]) -> None:
    # The export is published last, and makes the difference: so the import is of the same telegram.
    defines = on_one_board["meter-dsmr-3phase"].defines
    order = re.findall(r"F\((\w+)\)", re.search(r"DSMR_SENSOR_LIST\(F, sep\).*", defines)[0])  # type: ignore[index]
    assert order == [f"power_{way}_l{phase}" for phase in (1, 2, 3) for way in ("delivered", "returned")]


# -- the header, which is what a user reads ----------------------------------------------------------------------


def described(name: str) -> dict[str, str]:
    """Variables and defaults that the header lists."""
    return dict(
        re.findall(r"^#   (\w+) +(\S+(?: \S+)*?)(?:  .*)?$", header(name).partition("\n# From")[0], re.MULTILINE)
    )


@pytest.mark.parametrize("name", METERS)
def test_header_lists_the_variables(name: str) -> None:
    shown = described(name)
    defaults = loaded(PACKAGES / f"{name}.yaml")["defaults"]
    assert set(defaults) <= set(shown)
    for variable, default in shown.items():
        if default == "(required)":
            assert defaults.get(variable, "") == ""
            assert variable in example_variables(name)
        else:
            assert yaml.safe_load(default) == defaults[variable], variable
    assert set(example_variables(name)) <= set(shown)
    used = re.findall(r"\$\{(\w+)\}", (PACKAGES / f"{name}.yaml").read_text())
    assert set(used) <= set(shown)


@pytest.mark.parametrize("name", METERS)
def test_header_is_short(name: str) -> None:
    lines = header(name).splitlines()
    assert 5 <= len(lines) <= 25
    assert all(line.startswith("#") for line in lines)


def required(name: str) -> list[str]:
    return [variable for variable, default in described(name).items() if default == "(required)"]


def test_a_required_variable_is_missed(esphome: Any, tmp_path: Path) -> None:
    texts = {}
    for name in METERS:
        for variable in required(name):
            rest = {key: value for key, value in example_variables(name).items() if key != variable}
            texts[f"{name}@{variable}"] = node(name, rest)
    assert len(texts) > 30
    for key, outcome in esphome.config_many(tmp_path, texts).items():
        variable = key.partition("@")[2]
        assert outcome.code != 0 or f"'{variable}' is undefined" in outcome.text, key


@pytest.mark.parametrize("name", METERS[::9])
def test_package_from_the_repository(
    esphome: Any, tmp_path: Path, local_repository: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _, _, usage = header(name).partition("# From its repository:\n")
    text = re.sub(r"^#   ?", "", usage, flags=re.MULTILINE) + BASE.format(
        name=name, chip="esp32", framework="esp-idf", components=ROOT / "esphome_component"
    )
    file = tmp_path / "node.yaml"
    file.write_text(text)
    monkeypatch.setattr(esphome, "environment", {**esphome.environment, **local_repository})
    outcome = esphome.run("config", file)
    assert outcome.code == 0, outcome.text
    assert "power_sensor_l1: grid_l1" in outcome.text


def test_own_keys_win_over_those_of_the_package(esphome: Any, tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    own = """
http_request: {timeout: 3s}
sensor:
  - id: !extend grid_l1
    name: Grid power
ct002: {max_sensor_age: 10s}
"""
    file.write_text(node("meter-amis-1phase", {"host": "reader.local"}) + own)
    outcome = esphome.run("config", file)
    assert outcome.code == 0, outcome.text
    for line in ("  timeout: 3s", "    name: Grid power", "  max_sensor_age: 10s", "  power_sensor_l1: grid_l1"):
        assert f"\n{line}\n" in outcome.text


# -- answers of meters -------------------------------------------------------------------------------------------

SHELLY_1 = {"meters": [{"power": 12.5, "is_valid": True, "total": 9}], "uptime": 5}
FRONIUS = {
    "Body": {"Data": {"PowerReal_P_Sum": -520.5, **{f"PowerReal_P_Phase_{i}": i * 100.25 for i in (1, 2, 3)}}},
    "Head": {"Status": {"Code": 0, "Reason": ""}},
}
HOMEWIZARD = {
    "active_power_w": 606,
    **{f"active_power_l{i}_w": i * 101 for i in (1, 2, 3)},
    "total_power_import_kwh": 9.1,
}
VZLOGGER = {"version": "0.8", "data": [{"uuid": "a", "last": 1, "tuples": [[1700000000000, 321.5]]}]}

# What a meter answers, and the power that is in it.
ANSWERS: dict[str, list[tuple[Any, list[float]]]] = {
    "meter-shelly-gen2-1phase": [
        ({"id": 0, "voltage": 230.1, "act_power": -123.5, "aprt_power": 150}, [-123.5]),
        ({"id": 0, "output": True, "apower": 55.5, "aenergy": {"total": 8.2}}, [55.5]),
    ],
    "meter-shelly-gen2-3phase": [
        ({"a_act_power": 1.5, "b_act_power": 0, "c_act_power": -3, "total_act_power": -1.5}, [1.5, 0, -3]),
    ],
    "meter-shelly-gen1-1phase": [({**SHELLY_1, "emeters": [{"power": 7.25, "is_valid": True}]}, [7.25])],
    "meter-shelly-gen1-3phase": [({"emeters": [{"power": p, "is_valid": True} for p in (1, 2, -3)]}, [1, 2, -3])],
    "meter-tasmota-1phase": [({"StatusSNS": {"Time": "T", "SML": {"Power_curr": 512}}}, [512])],
    "meter-tasmota-3phase": [({"StatusSNS": {"SML": {"Power_p1": 1, "Power_p2": 2.5, "Power_p3": -3}}}, [1, 2.5, -3])],
    "meter-shrdzm-1phase": [
        ({"1.7.0": 100, "2.7.0": 0, "16.7.0": 5}, [100]),
        ({"1.7.0": "0", "2.7.0": "250.5"}, [-250.5]),  # some firmwares quote
    ],
    "meter-emlog-1phase": [({"Leistung170": 10, "Leistung270": 300}, [-290])],
    "meter-iobroker-1phase": [([{"id": "a.b", "val": 77.5, "ts": 1700000000000}], [77.5])],
    "meter-amis-1phase": [({"time": 1, "1.8.0": 5, "saldo": -42}, [-42])],
    "meter-vzlogger-1phase": [(VZLOGGER, [321.5])],
    "meter-vzlogger-3phase": [(VZLOGGER, [321.5])],
    "meter-homewizard-1phase": [(HOMEWIZARD, [606])],
    "meter-homewizard-3phase": [(HOMEWIZARD, [101, 202, 303])],
    "meter-fronius-1phase": [(FRONIUS, [-520.5])],
    "meter-fronius-3phase": [(FRONIUS, [100.25, 200.5, 300.75])],
    "meter-http-json-1phase": [({"power": 5}, [5]), ({"power": "-5.5"}, [-5.5])],
    "meter-http-json-3phase": [({"power_l1": 1, "power_l2": 2, "power_l3": 3}, [1, 2, 3])],
    "meter-mqtt-json-1phase": [({"power": 5}, [5])],
    "meter-mqtt-json-3phase": [({"power_l1": 1, "power_l2": 2, "power_l3": 3}, [1, 2, 3])],
}
# The example of the header reads one of these lists.
LISTED = {"meter-shelly-gen1-1phase": "emeters"}

LAMBDA = re.compile(
    r"response, std::string & body\) -> void \{\n(.*?)\n  \}\);|JsonObjectConst x\) -> void \{\n(.*?)\n  \}\);",
    re.DOTALL,
)

FUNCTION = """
namespace recipe_{number} {{
Sensor sensor_l1, sensor_l2, sensor_l3;
Sensor *const grid_l1 = &sensor_l1, *const grid_l2 = &sensor_l2, *const grid_l3 = &sensor_l3;
void read(std::shared_ptr<http_request::HttpContainer> response, std::string &body, JsonObjectConst x) {{
{lines}
}}
}}
"""
MAIN = """
int main(int, char **arguments) {
  const int recipe = atoi(arguments[1]);
  auto response = std::make_shared<http_request::HttpContainer>();
  response->status_code = atoi(arguments[2]);
  std::string body = arguments[3];
  const JsonDocument document = json::parse_json(body);
  const auto x = document.as<JsonObjectConst>();
  switch (recipe) {
"""
CASE = """
    case {number}:
      recipe_{number}::read(response, body, x);
      for (auto *sensor : {{recipe_{number}::grid_l1, recipe_{number}::grid_l2, recipe_{number}::grid_l3}}) {{
        if (sensor->published) printf("%.9g ", *sensor->published);
      }}
      break;
"""

type Reader = Callable[..., list[float]]


@pytest.fixture(scope="session")
def reader(on_one_board: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The generated lambdas, run on this computer: reader(meter, answer, status) returns what is published."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("a C++ compiler is missing")
    folder = tmp_path_factory.mktemp("reader")
    functions, cases = "", ""
    for number, name in enumerate(ANSWERS):
        found = LAMBDA.search(on_one_board[name].main_cpp)
        assert found, name
        lines = (found[1] or found[2]).splitlines()
        functions += FUNCTION.format(number=number, lines="\n".join(line for line in lines if "#line" not in line))
        cases += CASE.format(number=number)
    source = folder / "reader.cpp"
    stand_in = Path(__file__).with_name("arduino_json.h")
    source.write_text(f'#include "{stand_in}"\n{functions}{MAIN}{cases}  }}\n}}\n')
    program = folder / "reader"
    subprocess.run([compiler, "-std=gnu++20", "-Wall", "-Wno-unused", "-o", program, source], check=True)

    @cache
    def read(name: str, answer: str, status: int = 200) -> list[float]:
        number = list(ANSWERS).index(name)
        done = subprocess.run([program, str(number), str(status), answer], capture_output=True, text=True, check=True)
        return [float(value) for value in done.stdout.split()]

    return read


CASES = [(name, answer, powers) for name, answers in ANSWERS.items() for answer, powers in answers]


def test_every_meter_that_answers_json_has_an_answer_here() -> None:
    assert set(ANSWERS) == {*HTTP_METERS, "meter-mqtt-json-1phase", "meter-mqtt-json-3phase"}


@pytest.mark.parametrize(("name", "answer", "powers"), CASES)
def test_power_is_read(reader: Reader, name: str, answer: Any, powers: list[float]) -> None:
    assert reader(name, json.dumps(answer)) == powers
    assert reader(name, json.dumps(answer, indent=4)) == powers


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from leaves(value, (*path, key))


def spoilt(answer: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = deepcopy(answer)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


@pytest.mark.parametrize(("name", "answer", "powers"), CASES)
def test_a_spoilt_answer_is_no_value(reader: Reader, name: str, answer: Any, powers: list[float]) -> None:
    """Whatever is missing or no number: all phases stay as they are, or it was nothing that is read."""
    needed = set()
    for path in leaves(answer):
        for value in (..., None, "n/a", "", "12 W", [], {}):
            found = reader(name, json.dumps(spoilt(answer, path, value)))
            assert found in ([], powers), (path, value)
            if found == []:
                needed.add(path)
    assert len(needed) >= len(powers)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("body", ["", "{}", "[]", "null", "0", "<html>", '{"power": 5', "[[0]]"])
def test_an_answer_of_something_else_is_no_value(reader: Reader, name: str, body: str) -> None:
    assert reader(name, body) == []


@pytest.mark.parametrize("name", HTTP_METERS)
def test_a_truncated_answer_is_no_value(reader: Reader, name: str) -> None:
    answer = json.dumps(ANSWERS[name][0][0])
    assert reader(name, answer[:-1]) == []


@pytest.mark.parametrize("name", HTTP_METERS)
@pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
def test_an_error_is_no_value_whatever_it_says(reader: Reader, name: str, status: int) -> None:
    assert reader(name, json.dumps(ANSWERS[name][0][0]), status) == []


def test_a_shelly_that_doubts_its_value_has_none(reader: Reader) -> None:
    assert reader("meter-shelly-gen1-1phase", '{"emeters": [{"power": 0, "is_valid": false}]}') == []


def test_fronius_tells_of_an_error_inside_a_good_answer(reader: Reader) -> None:
    failed = spoilt(FRONIUS, ("Head", "Status", "Code"), 255)
    assert reader("meter-fronius-1phase", json.dumps(failed)) == []
    assert reader("meter-fronius-3phase", json.dumps(failed)) == []


def test_homewizard_that_knows_the_total_only(reader: Reader) -> None:
    answer = {"active_power_w": -250, **{f"active_power_l{i}_w": 0 for i in (1, 2, 3)}}
    assert reader("meter-homewizard-3phase", json.dumps(answer)) == [-250, 0, 0]


# -- values that Home Assistant only tells when they change ------------------------------------------------------

HOME_ASSISTANT = """
import asyncio, sys
from aioesphomeapi import APIClient

async def main():
    client = APIClient("127.0.0.1", int(sys.argv[1]), None)
    await client.connect(login=True)
    def told(entity_id, attribute):
        client.send_home_assistant_state(entity_id, attribute or "", "250")
    client.subscribe_home_assistant_states(told)
    client.subscribe_states(lambda state: None)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@pytest.mark.slow
def test_home_assistant_value_lasts_as_long_as_the_connection(
    esphome: Any, compile_node: Any, run_node: Any, plain_port: int, test_ports: tuple[int, int]
) -> None:
    api_port = plain_port + 1
    package = PACKAGES / "meter-homeassistant-1phase.yaml"
    program = compile_node(
        "home-assistant-meter",
        f"""
packages:
  meter: !include {{file: {package}, vars: {{entity: sensor.grid}}}}
api: {{port: {api_port}}}
ct002: {{udp_port: {plain_port}, max_sensor_age: 6s}}
""",
    )
    with run_node(program, poll_port=plain_port) as running:
        client = subprocess.Popen(
            [esphome.program.with_name("python"), "-c", HOME_ASSISTANT, str(api_port)], stdin=subprocess.PIPE
        )
        try:
            running.wait_for_log("Got state 250.00", seconds=10)
            time.sleep(8)
            assert running.log.count("Got state") == 1
            assert "Grid meter unavailable" not in running.log
            client.communicate()
            running.wait_for_log("Grid meter unavailable", seconds=15)
        finally:
            client.kill()
            client.wait()
