"""docs/grid-and-tariffs.md and docs/nodes.md: their blocks run, and they name every key, option and topic."""

import re
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.home import parse_house
from nullwatt.home.bus_messages import Topics
from nullwatt.home.grid import GridEventSection, GridSection, OutageSection, RotaSection
from nullwatt.home.tariff import PriceWindow, TariffSection
from nullwatt.serve.asyncapi import document

DOCS = Path(__file__).parents[2] / "docs"
GRID = (DOCS / "grid-and-tariffs.md").read_text()
NODES = (DOCS / "nodes.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_house_files_are_house_files(tmp_path: Path) -> None:
    outages, tariff = (parse_house(yaml.safe_load(text)).house_config() for text in blocks(GRID, "yaml house"))
    assert outages.grid is not None and len(outages.grid.rota) == 2
    assert tariff.tariff is not None and tariff.tariff.kind == "day_night"
    (tmp_path / "prices.csv").write_text(blocks(GRID, "csv")[0])
    (fragment,) = blocks(GRID, "yaml fragment")
    house = {**yaml.safe_load(fragment), "batteries": [{"mac": "02B250000001", "phase": "A"}]}
    dynamic = parse_house(house, folder=tmp_path).house_config()
    assert dynamic.tariff is not None
    from datetime import datetime

    assert dynamic.tariff.price_at(datetime(2026, 1, 5, 1)) == pytest.approx((-0.35 + 16.5) * 1.19)


def test_every_key_is_told() -> None:
    told = set(re.findall(r"\w+", GRID))
    for model in (GridSection, OutageSection, RotaSection, GridEventSection, TariffSection, PriceWindow):
        keys = {field.alias or name for name, field in model.model_fields.items()}
        assert keys <= told, sorted(keys - told)


def test_the_python_block_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(GRID, "python")
    exec(code, {})
    assert float(capsys.readouterr().out.split()[0]) > 0


def test_every_option_of_the_conductor_and_every_topic_is_told() -> None:
    twin = typer.main.get_command(app).commands["twin"]  # type: ignore[attr-defined]
    options = {name for each in twin.commands["conduct"].params for name in each.opts if name.startswith("--")}
    told = set(re.findall(r"--[a-z-]+", NODES))
    assert options - {"--help", "--config"} <= told, sorted(options - told)
    addresses = {channel["address"] for channel in document(Topics("x"))["channels"].values()}
    table = re.findall(r"^\| `([a-z]+(?:/<device>)?)` \|", NODES, re.MULTILINE)
    assert {f"x/{row}".replace("<device>", "{device}") for row in table} == addresses


def test_the_shown_runs_without_a_bus_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("home.yaml").write_text(yaml.safe_dump({"batteries": [{"mac": "02B250000001", "phase": "A"}]}))
    commands = [line.split("#")[0].split() for block in blocks(NODES, "sh") for line in block.splitlines()]
    alone = next(command for command in commands if "--local" in command)
    result = CliRunner().invoke(app, alone[1:])
    assert result.exit_code == 0, result.output
    assert len(Path("alone.csv").read_text().splitlines()) == 602
    manifests = next(command for command in commands if "kubernetes" in command)
    assert CliRunner().invoke(app, manifests[1:]).exit_code == 0
    assert Path("manifests/nullwatt-sun-deployment.yaml").exists()
