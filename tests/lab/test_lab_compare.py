"""`nullwatt lab compare`: two results against each other, from files or played now."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nullwatt.cli.lab import lab


def call(*arguments: object) -> Result:
    return CliRunner().invoke(lab, [str(argument) for argument in arguments])


def saved(folder: Path, *names: str) -> Path:
    path = folder / f"{'-'.join(names)}.json"
    assert call("run", *names, "--jobs", 1, "--json", path).exit_code == 0
    return path


def test_a_result_against_the_same_played_again_is_the_same(tmp_path: Path) -> None:
    result = call("compare", saved(tmp_path, "steps_dc"), "steps_dc")
    assert result.exit_code == 0
    assert "B is the same: priority score +0.0%" in result.stdout and "guardrails kept" in result.stdout
    assert "cost_regret_ct" in result.stdout


def test_options_of_b_make_the_difference(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    result = call("compare", "steps_dc", "--set-b", "grid_target=60", "--json", file)
    assert result.exit_code == 1, "regret is a guardrail"
    verdict = json.loads(file.read_text())
    assert "B is worse" in result.stdout and "grid_target=60" in result.stdout and "GUARDRAIL" in result.stdout
    assert verdict["priority_score"] > 0 and "cost_regret_ct" in verdict["guardrails_broken"]
    mean_abs = verdict["metrics"]["mean_abs_grid_w"]
    assert mean_abs["relative"] == pytest.approx((mean_abs["b"] - mean_abs["a"]) / mean_abs["a"])
    back = call("compare", "steps_dc", "--set-a", "grid_target=60")
    assert "B is better" in back.stdout
    both = call("compare", "steps_dc", "--set", "grid_target=60")
    assert "B is the same" in both.stdout


def test_scenarios_in_both_are_compared(tmp_path: Path) -> None:
    a, b = saved(tmp_path, "steps_dc", "steps_two_ramp"), saved(tmp_path, "steps_two_ramp", "pulses_ramp")
    file = tmp_path / "verdict.json"
    assert call("compare", a, b, "--json", file).exit_code == 0
    assert list(json.loads(file.read_text())["scenarios"]) == ["steps_two_ramp"]


def test_two_single_scenarios_are_compared_whatever_their_names(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    call("compare", "steps_ramp", "steps_dc", "--jobs", 1, "--json", file)
    assert list(json.loads(file.read_text())["scenarios"]) == ["steps_ramp / steps_dc"]


def test_the_page_has_the_table_and_the_traces_played_now(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    page = tmp_path / "compare.html"
    call("compare", saved(tmp_path, "steps_dc"), "steps_dc", "--set-b", "grid_target=60", "--html", page)
    text = page.read_text()
    for part in ("priority score", "cost_regret_ct", "grid_target=60", "Plotly.newPlot", "B is worse"):
        assert part in text
    assert "<script src=" not in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "have no scenario in common"),
        ('[{"scenario": "x"}]', "x: has no metrics of the core; it must be written by `lab run --json`"),
        ('[{"scenario": "x", "metrics": {"core": {"grid_rms_w": "5"}}}]', "x: has no metrics of the core"),
        ("[1]", "have no scenario in common"),
        ("[", "not JSON"),
        ("{}", "duration: required key is missing"),
    ],
)
def test_files_that_are_no_results_are_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    result = call("compare", path, path)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_options_are_not_for_results(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("[]")
    result = call("compare", path, "--set-b", "grid_target=1")
    assert result.exit_code == 2 and "is a result already" in result.stderr
