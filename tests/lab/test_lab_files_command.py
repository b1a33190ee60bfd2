"""`nullwatt lab run FILE` and `lab list`: scenario files on the command line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress
from typer.testing import CliRunner, Result

from nullwatt.cli.lab import _progress, lab
from nullwatt.lab import shipped

SCENARIO: dict[str, Any] = {
    "name": "tea",
    "description": "a kettle of tea",
    "duration": "2min",
    "house": {
        "powermeter": {
            "phases": 1,
            "base_load": [300],
            "loads": [{"name": "kettle", "power": 500, "phase": "A"}],
        },
        "batteries": [{"mac": "02B250000001", "phase": "A", "meter_dev_type": "VNSE3-0"}],
    },
    "events": [{"at": "1min", "switch_on": "kettle"}],
    "expectations": [{"grid": {"within": 60, "fraction": 0.5}}, {"settle": {"within": "60s"}}],
}


def call(*arguments: object) -> Result:
    return CliRunner().invoke(lab, [str(argument) for argument in arguments])


def written(folder: Path, name: str = "tea.json", **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**SCENARIO, **changes}))
    return path


def test_list_shows_the_shipped_files() -> None:
    result = call("list")
    assert result.exit_code == 0 and len(shipped()) >= 5
    for name in shipped():
        assert name in result.stdout


def test_a_file_is_run_like_a_name_and_its_expectations_are_told(tmp_path: Path) -> None:
    result = call("run", written(tmp_path), "--json", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    for text in ("a kettle of tea", "core/naive", "ok   tea: grid within 60 W", "0 of 2 expectations failed"):
        assert text in result.stdout
    (entry,) = json.loads((tmp_path / "out.json").read_text())
    assert entry["scenario"] == "tea" and entry["events"] == [{"time_s": 60.0, "what": "kettle on"}]
    assert [item["ok"] for item in entry["expectations"]] == [True, True]
    assert f"tea: trace sha256 {entry['trace_sha256']}" in result.stdout


def test_exit_code_is_1_if_an_expectation_fails(tmp_path: Path) -> None:
    path = written(tmp_path, expectations=[{"grid": {"within": 60}}, {"soc": {"above": 0.1}}])
    result = call("run", path, "--json", tmp_path / "out.json")
    assert result.exit_code == 1
    assert "FAIL tea: grid within 60 W: " in result.stdout and "1 of 2 expectations failed" in result.stdout
    (entry,) = json.loads((tmp_path / "out.json").read_text())
    assert [item["ok"] for item in entry["expectations"]] == [False, True]


def test_shipped_files_are_run_by_name() -> None:
    result = call("run", "meter_lost_minute")
    assert result.exit_code == 0 and "0 of 4 expectations failed" in result.stdout


def test_replay_gives_the_same_hash_and_another_seed_another(tmp_path: Path) -> None:
    def told(*arguments: object) -> str:
        (line,) = (line for line in call("run", *arguments).stdout.splitlines() if "trace sha256" in line)
        return line

    path = written(tmp_path, seed=3)
    assert told(path) == told(path) == told(path, "--seed", 3) == told(path, "--jobs", 2)
    assert len({told(path), told(path, "--seed", 4), told(path, "--seeds", 2)}) == 3
    assert told("steps_dc") == told("steps_dc", "--seed", 1) != told("steps_dc", "--seed", 2)


def test_options_are_set_for_every_scenario(tmp_path: Path) -> None:
    path = written(tmp_path, expectations=[{"grid": {"above": 150, "mean": True}}])
    assert call("run", path).exit_code == 1
    assert call("run", path, "--set", "grid_target=250").exit_code == 0


def test_the_page_has_events_and_expectations(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    path = written(tmp_path, expectations=[{"grid": {"within": 60}}], description="<tea> & more")
    assert call("run", path, "--html", tmp_path / "tea.html").exit_code == 1
    text = (tmp_path / "tea.html").read_text()
    for part in (
        "<li>60 s: kettle on</li>",
        '"text":["kettle on"]',
        "FAIL: grid within 60 W",
        "&lt;tea&gt; &amp; more",
        "SHA-256",
        "Plotly.newPlot",
    ):
        assert part in text
    assert "<tea>" not in text and "<script src=" not in text


def test_a_bar_shows_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[bool, float | None]] = []

    class Watched(Progress):
        def stop(self) -> None:
            seen.append((self.disable, self.tasks[0].percentage))
            super().stop()

    monkeypatch.setattr("nullwatt.cli.lab.Progress", Watched)
    assert call("run", written(tmp_path)).exit_code == 0
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with _progress(10) as progress:
        progress(4)
        progress()
    assert [disabled for disabled, _ in seen] == [True, False]
    assert seen[1][1] == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "absent.yaml"), "absent.yaml: cannot be read: No such file"),
        (("run", "tea_tim/e"), "tea_tim/e: cannot be read"),
        (("run", "kettle_evenin"), "scenario 'kettle_evenin' is not there; the nearest is 'kettle_evening'"),
        (("run", "steps_dc", "--set", "grid_target"), "--set grid_target: must be KEY=VALUE"),
        (("run", "steps_dc", "--set", "grid_targt=5"), "unknown option 'grid_targt'; the closest is 'grid_target'"),
        (("run", "steps_dc", "--set", "fair_distribution=7"), "option fair_distribution: 7.0 is not a bool value"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_a_bad_file_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    path = written(tmp_path, events=[{"at": 5, "switch_on": "ketle"}])
    result = call("run", path)
    assert result.exit_code == 2
    assert result.stderr == (f'nullwatt: {path}: events[0].switch_on = "ketle": no such load, did you mean "kettle"?\n')


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    one, other = written(tmp_path), written(tmp_path, "other.json", duration="3min")
    result = call("run", one, one, other)
    assert result.exit_code == 2 and "another scenario given is called 'tea' too" in result.stderr
