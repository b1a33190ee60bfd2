"""What the docs show runs as written."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.home import load_house_file
from nullwatt.lab import SCENARIOS, load_scenario, run, specs_of
from nullwatt.lab.scenario_events import EventSection, OverrideSection, WeatherSection, WhenSection
from nullwatt.lab.scenario_file import BandSection, ExpectationSection

DOCS = Path(__file__).parents[2] / "docs"


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / document).read_text(), re.DOTALL | re.MULTILINE)


def test_house_file(tmp_path: Path) -> None:
    (text,) = blocks("simulator.md", "yaml house")
    path = tmp_path / "my-house.yaml"
    path.write_text(text)
    house = load_house_file(path)
    assert [spec.config.device_type for spec in specs_of(house, str(path))] == ["VNSE3-0", "HMG-50", "HMJ-2"]


def scenario_commands() -> list[str]:
    (commands,) = (block for block in blocks("simulator.md", "sh") if "lab compare" in block)
    return [line.partition("#")[0].strip() for line in commands.splitlines()]


def test_scenario_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    text, _ = blocks("simulator.md", "yaml scenario")
    (tmp_path / "tea.yaml").write_text(text)
    scenario = load_scenario(tmp_path / "tea.yaml")
    assert [what for _, what in run(scenario).happened] == ["kettle on", "meter lost", "meter back", "kettle off"]
    monkeypatch.chdir(tmp_path)
    for command in scenario_commands():
        program, *arguments = shlex.split(command)
        assert program == ".venv/bin/nullwatt"
        result = CliRunner().invoke(app, arguments)
        # In a comparison 1 is an answer.
        assert result.exit_code == 0 or (arguments[1] == "compare" and result.exit_code == 1), result.output
        assert "FAIL" not in result.output
    assert {path.name for path in tmp_path.iterdir()} == {"tea.yaml", "tea.html", "tea.json", "compare.html"}


def test_scenario_of_a_bad_afternoon(tmp_path: Path) -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    _, text = blocks("simulator.md", "yaml scenario")
    (tmp_path / "bad.yaml").write_text(text)
    scenario = load_scenario(tmp_path / "bad.yaml")
    result = run(scenario)
    assert [outcome for outcome in (each.check(result) for each in scenario.expectations) if not outcome.ok] == []
    assert [time_s for time_s, what in result.happened if what in ("cellar: fault = false", "mains on")] == [420, 600]
    assert [what for _, what in result.happened][-2:] == ["battery 1: fault", "battery 1: repair"]


def test_every_key_of_a_scenario_file_is_in_the_docs() -> None:
    (section,) = re.findall(
        r"^## Scenarios\n(.*?)(?=^## |\Z)", (DOCS / "simulator.md").read_text(), re.DOTALL | re.MULTILINE
    )
    prose = re.sub(r"^```.*?^```", "", section, flags=re.DOTALL | re.MULTILINE)
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", prose))))
    models = (EventSection, WhenSection, OverrideSection, WeatherSection, ExpectationSection, BandSection)
    keys = {field.alias or key for model in models for key, field in model.model_fields.items()}
    assert keys <= told, sorted(keys - told)


def test_lab_example() -> None:
    (code,) = blocks("simulator.md", "python")
    assert 'run(SCENARIOS["three_phase_mixed"], seed=1)' in code
    exec(code, {})
    assert run(SCENARIOS["three_phase_mixed"], seed=1).metrics.mean_abs_grid_w > 0


def test_core_example() -> None:
    (code,) = blocks("core.md", "python")
    names: dict[str, object] = {"datagram": b""}
    exec(code, names)
    assert names["reply"] is None


def test_batteries_example() -> None:
    (code,) = blocks("batteries.md", "python")
    exec(code, {})


def test_field_problems_name_tests_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "field-problems.md").read_text()))
    sources = (path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py"))
    defined = {name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)}
    assert len(named) > 50
    assert named <= defined, sorted(named - defined)


@pytest.mark.parametrize("page", ["../README.md", "../CONTRIBUTING.md", *(path.name for path in DOCS.glob("*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    text = (DOCS / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((DOCS / page).parent / target).exists(), f"{page}: {target}"
