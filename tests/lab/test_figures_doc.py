"""docs/control.md shows every figure with the goal that is guarded, and its pictures are there."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from nullwatt.lab.figures import CASES, figures, limits_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "control.md"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("figures_doc", ROOT / "tools" / "figures_doc.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry(**changes: object) -> dict[str, object]:
    values = {"case": "ramp", "title": "ramp law", "figure": "mean |grid|", "value": 1.234, "unit": "W", "limit": 1.0}
    return {**values, "ok": False, "note": "", "guard": 1.3, "why": "It is slow.", "scale": None} | changes


def test_the_page_has_a_row_per_figure_with_its_goal(tool: ModuleType) -> None:
    table = PAGE.read_text().partition(tool.BEGIN)[2].partition(tool.END)[0]
    rows = [re.split(r" ?(?<!\\)\| ?", line) for line in table.splitlines() if line.startswith("| ")][1:]
    limits = [limit for case in CASES for limit in limits_of(case)]
    for limit, (_, title, figure, goal, *_) in zip(limits, rows, strict=True):
        assert title in ("", CASES[limit.case].title)
        assert figure == limit.figure.replace("|", "\\|")
        assert goal == tool.number(limit.limit, limit.unit), f"{limit.case}, {limit.figure}: run `make figures`"


def test_a_miss_is_told_with_its_reason_once(tool: ModuleType) -> None:
    text = tool.table([entry(), entry(figure="other"), entry(figure="fine", value=0.5, ok=True)])
    assert "| ramp law | mean \\|grid\\| | 1 W | 1.23 W | MISS (1) | | | |" in text
    assert "| | other | 1 W | 1.23 W | MISS (1) | | | |" in text and "| 0.5 W | ok |" in text
    assert text.endswith("\n1. It is slow.") and "3 goals, 2 missed" in text


def test_a_miss_without_a_reason_is_an_error(tool: ModuleType) -> None:
    with pytest.raises(SystemExit, match="ramp, other: missed without a guard"):
        tool.table([entry(figure="other", why="")])


def test_what_the_command_writes_is_what_the_table_reads(tool: ModuleType) -> None:
    entries = json.loads(json.dumps([figure.to_json() for figure in figures(["old-integrator"], seeds=1, jobs=1)]))
    assert tool.table(entries).count("| ok |") + tool.table(entries).count("MISS") >= 3


def test_pictures_are_there_and_well_formed(tool: ModuleType) -> None:
    shown = re.findall(r"\]\(pictures/([^)]+)\.svg\)", PAGE.read_text())
    assert sorted(shown) == sorted(tool.PICTURES)
    for name in shown:
        root = ElementTree.parse(PAGE.parent / "pictures" / f"{name}.svg").getroot()
        assert root.tag.endswith("svg") and len(root.findall(".//{*}polyline")) >= 3
