"""`nullwatt twin run`, `twin serve --scenario` and docs/twin-scenarios.md, as a user has them."""

import copy
import json
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

pytest.importorskip("pymodbus", reason="pymodbus is not installed")

from mqtt_broker import free_port, until
from pymodbus.exceptions import ModbusException

from nullwatt.cli.main import app
from nullwatt.lab.scenario_events import ScenarioSection
from nullwatt.lab.twin import SITE_QUANTITIES, sections, shipped_site_scenarios

TEXT = (Path(__file__).parents[2] / "docs" / "twin-scenarios.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def nullwatt(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["twin", *arguments])


def fcr() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(shipped_site_scenarios()["fcr_prequalification"].read_text())
    return document


# --- the command


def test_the_commands_of_the_docs_run_and_tell_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (commands,) = (block for block in blocks("sh") if "twin run" in block)
    told: list[Result] = []
    for line in commands.splitlines():
        program, _, *arguments = shlex.split(line.partition("#")[0])
        assert program == "nullwatt"
        target = arguments[-1] if ">" in arguments else None
        told.append(nullwatt(*arguments[: arguments.index(">")] if target else arguments))
        if target:
            (tmp_path / target).write_text(told[-1].stdout)
    listed, good, _, slow, _, again, alone, _ = told
    assert [each.exit_code for each in told] == [0, 0, 0, 1, 0, 0, 1, 0]
    assert "fcr_prequalification" in listed.stdout and again.stdout == good.stdout
    assert good.stdout.count("PASS │") == 21 and "FAIL" not in good.stdout
    assert "0 of 4 expectations failed" in good.stdout and "controlled by the stand-in" in good.stdout
    for row in next(block for block in blocks("text")).splitlines():
        assert row in good.stdout
    assert slow.stdout.count("FAIL │") == 8
    assert re.search(r"^FAIL fcr_prequalification: store active_power answers .*: 8 of 21", slow.stdout, re.MULTILINE)
    assert "never" in alone.stdout and "2 of 4 expectations failed" in alone.stdout
    report = json.loads((tmp_path / "fcr.json").read_text())
    assert report["ok"] and report["controller"] == "7200 requests" and len(report["happened"]) == 20
    assert {row["ok"] for row in report["expectations"][0]["rows"]} == {True}
    header, *rows = (tmp_path / "fcr.csv").read_text().splitlines()
    assert header.startswith("time_s,store.active_power,frequency_hz,planned_hz,") and len(rows) == 36000


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "fcr_prequal"], "there is no scenario 'fcr_prequal'; the nearest is 'fcr_prequalification'"),
        (["run", "absent.yaml"], "absent.yaml: cannot be read"),
        (["run", "fcr_prequalification", "--set", "store"], "--set store: must be ASSET.KEY=VALUE"),
        (
            ["run", "fcr_prequalification", "--set", "stor.step=1"],
            'stor.step = "stor": no such asset, did you mean "store"?',
        ),
        (["run", "fcr_prequalification", "--set", "store.initial_soc=half"], 'initial_soc = "half": must be a '),
        (["run", "fcr_prequalification", "-c", "absent.json"], "absent.json: cannot be read"),
        (["run", "fcr_prequalification", "--json", "/nowhere/a.json"], "--json /nowhere/a.json: cannot be written"),
        (["serve"], "--config: which site? give a site file, or a --scenario that has one"),
        (["serve", "-c", "x.json", "--no-controller"], "--no-controller: only together with --scenario"),
        (["serve", "-c", "x.json", "--set", "a.b=1"], "--set: only together with --scenario"),
        (["serve", "--scenario", "fcr_prequalification", "--step"], "--scenario: it says how long it takes"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], line: str) -> None:
    result = nullwatt(*arguments)
    (told,) = result.stderr.splitlines()
    assert result.exit_code == 2 and told.startswith("nullwatt: ") and line in told


def test_a_house_scenario_and_a_site_scenario_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text("duration: 60\nhouse: {batteries: []}\n")
    (tmp_path / "site.yaml").write_text("duration: 60\nsite: {}\n")
    assert (
        "is a scenario of a house: play it with nullwatt lab run"
        in nullwatt("run", str(tmp_path / "house.yaml")).stderr
    )
    result = CliRunner().invoke(app, ["lab", "run", str(tmp_path / "site.yaml")])
    assert result.exit_code == 2 and "is a scenario of a site: play it with nullwatt twin run" in result.stderr


def test_a_missing_package_names_the_extra() -> None:
    code = "import sys; sys.modules['pymodbus'] = None; from nullwatt.cli.main import main; main()"
    command = [sys.executable, "-c", code, "twin", "run", "fcr_prequalification"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, result.stderr) == (
        2,
        "nullwatt: Modbus needs the package pymodbus; install nullwatt[modbus]\n",
    )


# --- served


def test_a_served_scenario_is_judged_with_the_stand_in_and_with_an_ems_over_tcp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    document = fcr() | {"duration": "110s"}
    document["site"]["assets"][0]["protocols"][0]["port"] = port
    del document["site"]["assets"][1]
    document["events"] = [document["events"][0], {"at": 20, "frequency": 49.8}, {"at": 65, "frequency": 50.2}]
    document["expectations"][0]["frequency_response"]["hold"] = "10s"
    path = tmp_path / "short.yaml"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("STORE", str(port))
    (ems,) = blocks("py")

    def control() -> None:
        with suppress(ModbusException):  # the site is gone
            exec(ems, {})

    def served(*more: str, connected: bool = False) -> tuple[int, str]:
        command = [sys.executable, "-m", "nullwatt", "twin", "serve", "--scenario", str(path), *more]
        log = tmp_path / "log"
        with log.open("w") as out:
            twin = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True)
        try:
            until(lambda: "running for 110 s" in log.read_text() or twin.poll() is not None, "no start")
            if connected:
                master = Thread(target=control, daemon=True)
                master.start()
            return twin.wait(40), log.read_text()
        finally:
            twin.kill()
            twin.wait()

    code, theirs = served("--no-controller", "--speed", "20", connected=True)
    assert code == 0, theirs
    assert "0 of 4 expectations failed" in theirs and "stand-in" not in theirs
    code, ours = served("--speed", "1000")
    assert code == 0 and "controlled by the stand-in" in ours, ours


# --- docs and schema


def test_the_scenario_of_the_docs_holds(tmp_path: Path) -> None:
    (text,) = blocks("yaml site scenario")
    (tmp_path / "mine.yaml").write_text(text)
    result = nullwatt("run", str(tmp_path / "mine.yaml"))
    assert result.exit_code == 0, result.output
    assert "0 of 6 expectations failed" in result.stdout


def test_fragments_of_the_docs_fit_the_shipped_scenario(tmp_path: Path) -> None:
    document = fcr()
    for fragment in blocks("yaml fragment"):
        document |= yaml.safe_load(fragment)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    assert nullwatt("run", str(tmp_path / "mine.yaml")).exit_code == 0


def test_the_python_of_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python")
    exec(code, {})
    assert capsys.readouterr().out == "2 [900.0, 900.0, -1000.0]\n"


def test_every_key_is_in_the_docs() -> None:
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
    shown = set(re.findall(r"\w+", " ".join(blocks("yaml site scenario") + blocks("yaml fragment"))))
    models = [each for each in vars(sections).values() if isinstance(each, type) and issubclass(each, ScenarioSection)]
    assert len(models) > 12
    keys = {field.alias or key for model in models for key, field in model.model_fields.items()}
    assert keys - {"seed"} <= told | shown, sorted(keys - told - shown)
    assert set(SITE_QUANTITIES) <= told


def misspelt(node: Any) -> list[Any]:
    """The document with one key misspelt, for each key in it; what is in site and set is not in the schema."""
    if isinstance(node, list):
        return [[*node[:i], bad, *node[i + 1 :]] for i, item in enumerate(node) for bad in misspelt(item)]
    if not isinstance(node, dict):
        return []
    found = [{**node, key: bad} for key, value in node.items() if key not in ("site", "set") for bad in misspelt(value)]
    return found + [{f"{other}x" if other == key else other: value for other, value in node.items()} for key in node]


def test_the_schema_takes_what_the_program_takes_and_no_misspelt_key() -> None:
    printed = json.loads(nullwatt("schema").stdout)
    Draft202012Validator.check_schema(printed)
    schema = Draft202012Validator(printed)
    (text,) = blocks("yaml site scenario")
    several: dict[str, Any] = copy.deepcopy(yaml.safe_load(text))
    several["events"][0]["modbus"] = [several["events"][0]["modbus"]]
    for document in (fcr(), yaml.safe_load(text), several):
        schema.validate(document)
        wrong = misspelt(document)
        assert len(wrong) > 50 and not any(schema.is_valid(each) for each in wrong if "site" in each)
