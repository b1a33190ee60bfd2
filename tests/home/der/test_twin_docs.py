"""docs/twin.md: its tables are those of the code, its site file and its Python run."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from nullwatt.home import Command
from nullwatt.home.der import DerSite, config, load_site, parse_site

TEXT = (Path(__file__).parents[3] / "docs" / "twin.md").read_text()
KINDS = ("bess", "inverter", "chp", "energy_meter")
SECTIONS: dict[str, type[BaseModel]] = {
    "root": config.SiteConfig,
    "bess": config.BessConfig,
    "bess.soc_limits": config.SocLimits,
    "inverter": config.InverterConfig,
    "chp": config.ChpConfig,
    "modbus_tcp": config.ModbusTcpConfig,
    "modbus_rtu": config.ModbusRtuConfig,
    "power": config.PowerConfig,
    "irradiance": config.IrradianceConfig,
    "ambient_temperature": config.AmbientConfig,
    "grid_frequency": config.FrequencyConfig,
    "grid_voltage": config.VoltageConfig,
    "events": config.EventConfig,
}
COMMON = {"asset_id", "type", "protocols", "kind"}


def allowed(command: Command) -> str:
    """0 to 100, 255 for the choices 0 ... 100 and 255."""
    unit = f" {command.unit}" if command.unit else ""
    if not command.choices:
        return f"{command.low:.7g} to {command.high:.7g}{unit}"
    runs: list[list[int]] = []
    for choice in map(int, command.choices):
        if runs and choice == runs[-1][-1] + 1:
            runs[-1].append(choice)
        else:
            runs.append([choice])
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 3 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts) + unit


def quantity_rows(kind: str) -> list[str]:
    device = DerSite(parse_site({"assets": [{"type": kind}]})).assets[f"{kind}-1"].device
    rows = []
    for name, quantity in device.quantities.items():
        if not re.fullmatch(r"phase_\w+_[bc]", name):
            names = f"`{name}`, `_b`, `_c`" if name.startswith("phase_") and name.endswith("_a") else f"`{name}`"
            rows.append(f"| {names} | {quantity.unit} | {quantity.text} |")
    return rows


def command_rows(kind: str) -> list[str]:
    device = DerSite(parse_site({"assets": [{"type": kind}]})).assets[f"{kind}-1"].device
    return [f"| `{name}` | {allowed(command)} | {command.text} |" for name, command in device.commands.items()]


def section(title: str) -> str:
    return re.split(r"^#{2,3} ", TEXT.partition(f"# `{title}`")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows_of(text: str, head: str) -> list[str]:
    return text.partition(f"| {head} |")[2].partition("\n\n")[0].splitlines()[2:]


@pytest.mark.parametrize("kind", KINDS)
def test_quantities_and_commands(kind: str) -> None:
    text = section(kind)
    assert rows_of(text, "Quantity | Unit | Meaning") == quantity_rows(kind)
    assert rows_of(text, "Command | Allowed | Meaning") == command_rows(kind)


def keys(rows: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Section, key and default of the rows of the table of keys."""
    told: dict[str, dict[str, str]] = {}
    title = ""
    for row in rows:
        _, where, names, default, *_ = (cell.strip() for cell in row.split("|"))
        title = where.strip("`") or title
        for name, value in zip(re.findall(r"`(\w+)`", names), default.split(", "), strict=True):
            told.setdefault(title, {})[name] = value
    return told


def shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def test_keys_and_defaults() -> None:
    told = keys(rows_of(TEXT, "Section | Key | Default | Meaning"))
    assert set(told) == set(SECTIONS)
    for title, model in SECTIONS.items():
        fields = {key: field for key, field in model.model_fields.items() if key not in COMMON}
        assert set(told[title]) == set(fields) - {"soc_limits"}, title
        for key, field in fields.items():
            if field.is_required():
                assert told[title][key] == "required", key
            elif isinstance(field.default, int | float | str):
                assert told[title][key] == shown(field.default), key


def test_the_example_and_the_python_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.json").write_text(example)
    assert {asset["type"] for asset in json.loads(example)["assets"]} == set(KINDS)
    load_site("site.json")
    (code,) = re.findall(r"^```py\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    exec(code, {})
    assert "leak 0.0" in capsys.readouterr().out
