"""docs/what-if.md: its files, commands and Python run, and it names every key of a result."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.cli.main import app
from nullwatt.serve import HomeResult

TEXT = (Path(__file__).parents[2] / "docs" / "what-if.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_everything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for text in blocks("yaml house"):
        (tmp_path / text.split()[1].rstrip(":")).write_text(text)
    commands = [shlex.split(line.partition("#")[0]) for line in blocks("sh")[0].splitlines()]
    year, month = commands
    assert month[: len(year)] == year  # the same code, only longer
    month[month.index("--days") + 1] = "1"
    result = CliRunner().invoke(app, month[1:])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out.json").exists()
    (code,) = blocks("python")
    exec(code, {"__name__": "__main__"})
    assert float(capsys.readouterr().out.split()[0]) > 0


def test_every_key_is_told() -> None:
    told = set(re.findall(r"\w+", TEXT)) | {"self_consumption", "self_sufficiency"}
    others = {"name", "days", "peak_w", "battery_kwh", "notes"}
    assert set(HomeResult.model_fields) - others <= told
