"""docs/twin-modbus.md: its tables are the shipped maps, its map is one, its commands are there."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from nullwatt.cli.main import app
from nullwatt.home.der import parse_asset
from nullwatt.serve.modbus import SHIPPED, Register, parse_register_map, shipped_register_map

TEXT = (Path(__file__).parents[3] / "docs" / "twin-modbus.md").read_text()


def row(register: Register) -> str:
    name = f"`{register.name}`"
    if register.internal_name != register.name:
        name += f" (`{register.internal_name}`)"
    function = {2: "02", 3: "03", 4: "04", 6: "06", 16: "16"}[register.func]
    codec = register.codec
    return f"| {name} | {register.address} | {function} | {codec.kind} | {codec.scale:g} | {register.unit} |"


@pytest.mark.parametrize("kind", SHIPPED)
def test_tables_are_the_shipped_maps(kind: str) -> None:
    (section,) = re.findall(rf"^### `{kind}`.*?\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [row(register) for register in shipped_register_map(kind)]


def test_the_example_is_a_register_map() -> None:
    (text,) = re.findall(r"^```yaml register map\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert [register.name for register in parse_register_map(yaml.safe_load(text))] == ["soc", "setpoint"]


def test_the_orders_are_there() -> None:
    (text,) = re.findall(r"^nullwatt twin add \S+ \S+ '(\{.*\})'$", TEXT, re.MULTILINE)
    assert parse_asset(json.loads(text)).asset_id == "carport"
    for verb in ("add", "remove", "reload"):
        assert f"nullwatt twin {verb} -c site.json" in TEXT
        assert "--control" in CliRunner().invoke(app, ["twin", verb, "--help"]).output


def test_every_option_is_told_and_exists() -> None:
    for verb in ("serve", "compose"):
        known = set(re.findall(r"(--[a-z-]+)", CliRunner().invoke(app, ["twin", verb, "--help"]).output)) - {"--help"}
        told = set()
        for line in re.findall(rf"nullwatt twin {verb}.*", TEXT):
            told |= set(re.findall(r"(--[a-z-]+)", line)) | {"--config"}
            told |= {"--output"} if " -o " in line else set()
        assert told == known
