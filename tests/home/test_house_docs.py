"""docs/simulator.md: the table of appliances is complete, its fragments and its Python run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from nullwatt.home import APPLIANCES, House, load_house_file

TEXT = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return str(text)


def default_of(model: Any, key: str) -> Any:
    return model.model_fields[key].default


def test_the_table_names_every_kind_and_only_keys_and_values_it_has() -> None:
    table = TEXT.partition("| `kind` |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| `")]
    kinds = [kind for row in rows for kind in re.findall(r"`(\w+)`", row[0])]
    assert sorted(kinds) == sorted(APPLIANCES)
    for names, _, keys in rows:
        for kind in re.findall(r"`(\w+)`", names):
            fields = set(APPLIANCES[kind].model_fields)
            if "steps" in fields:
                fields |= set(type(default_of(APPLIANCES[kind], "steps")[0]).model_fields)
            assert fields >= set(re.findall(r"`(\w+)`", keys)), kind
            for key, value in re.findall(r"`(\w+)` (\d+)(?! to)", keys):
                assert default_of(APPLIANCES[kind], key) == float(value), (kind, key)


def test_the_recording_plays(tmp_path: Path) -> None:
    (tmp_path / "evening.csv").write_text(block("csv"))
    (tmp_path / "h.yaml").write_text(
        "batteries: [{mac: '02B250000001', phase: A}]\n"
        "powermeter:\n  base_load: [0]\n  base_noise: 0\n" + block("yaml fragment")
    )
    house = House(load_house_file(tmp_path / "h.yaml").house_config())
    seen = []
    for second in (0, 10, 20, 30):
        house.advance_to(second)
        seen.append(sum(house.grid_w()))
    assert seen == pytest.approx([412, 398, 2371, 412])


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-house.yaml").write_text(block("yaml house"))
    assert len(yaml.safe_load(block("yaml house"))["powermeter"]["appliances"]) == 2
    exec(block("py"), {})
    assert capsys.readouterr().out.startswith("(")
