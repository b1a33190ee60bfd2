"""What the docs show runs as written."""

import re
from pathlib import Path

import pytest

from nullwatt.home import load_house_file
from nullwatt.lab import SCENARIOS, run, specs_of

DOCS = Path(__file__).parents[2] / "docs"


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / document).read_text(), re.DOTALL | re.MULTILINE)


def test_house_file(tmp_path: Path) -> None:
    (text,) = blocks("simulator.md", "yaml")
    path = tmp_path / "my-house.yaml"
    path.write_text(text)
    house = load_house_file(path)
    assert [spec.config.device_type for spec in specs_of(house, str(path))] == ["VNSE3-0", "HMG-50", "HMJ-2"]


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
