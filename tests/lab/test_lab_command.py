"""`nullwatt lab`: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nullwatt.cli.lab import lab
from nullwatt.lab.figures import figures


def call(*arguments: str) -> Result:
    return CliRunner().invoke(lab, list(arguments))


def test_list_shows_scenarios_families_and_cases() -> None:
    result = call("list")
    assert result.exit_code == 0
    for text in ("steps_ramp", "solar_day", "random_000", "identify_", "late-ramp"):
        assert text in result.stdout


def test_one_scenario_gets_all_metrics_of_all_runs(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    result = call("run", "steps_dc", "--seeds", "2", "--jobs", "1", "--json", str(file))
    assert result.exit_code == 0
    for text in ("mean of 2 seeds", "settle_mean_s", "naive", "oracle", "core/ideal"):
        assert text in result.stdout
    (entry,) = json.loads(file.read_text())
    assert entry["scenario"] == "steps_dc" and entry["seeds"] == 2
    assert set(entry["metrics"]) == {"core", "naive", "ideal", "oracle"}
    core, naive = (entry["metrics"][run]["mean_abs_grid_w"] for run in ("core", "naive"))
    assert entry["ratios"]["core/naive"]["mean_abs_grid_w"] == pytest.approx(core / naive, abs=1e-3)
    assert entry["metrics"]["oracle"]["cost_regret_ct"] == 0


def test_patterns_and_families_in_one_line_each() -> None:
    result = call("run", "pulses_*", "random_011", "--jobs", "1")
    assert result.exit_code == 0
    for text in ("pulses_ramp", "pulses_integrator", "random_011", "travel"):
        assert text in result.stdout


def test_figures_print_value_limit_and_verdict(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    result = call("figures", "--case", "old-integrator", "--seeds", "2", "--jobs", "1", "--json", str(file))
    expected = figures(["old-integrator"], seeds=2, jobs=1)
    assert result.exit_code == (1 if any(figure.ok is False for figure in expected) else 0)
    assert "settle mean / ideal" in result.stdout and "limits missed" in result.stdout
    assert json.loads(file.read_text()) == [figure.to_json() for figure in expected]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "step_ramp"), "scenario 'step_ramp' is not there; the nearest is 'steps_ramp'"),
        (("figures", "--case", "rmp"), "--case rmp: is not a case; the nearest is 'ramp'"),
        (("run", "steps_dc", "--json", "/nowhere/lab.json"), "--json /nowhere/lab.json: cannot be written"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_a_missing_plotly_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent() -> None:
        raise ModuleNotFoundError(name="plotly")

    monkeypatch.setattr("nullwatt.lab.require_plotly", absent)
    result = call("run", "--html", str(tmp_path / "lab.html"))
    assert result.exit_code == 2
    assert "needs the package plotly" in result.stderr


def test_the_page_has_every_trace_and_stands_alone(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    file = tmp_path / "lab.html"
    assert call("run", "steps_two_ramp", "steps_dc", "--jobs", "1", "--html", str(file)).exit_code == 0
    text = file.read_text()
    for name in ("steps_two_ramp", "core", "naive", "ideal", "oracle", "battery 2", "core/naive", "cost_regret_ct"):
        assert name in text
    assert "<script src=" not in text and "Plotly.newPlot" in text
