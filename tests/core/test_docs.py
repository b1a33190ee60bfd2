"""Generated documentation is what the code says today."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["options", "entities"])
def test_reference_is_current(page: str) -> None:
    rendered = runpy.run_path(str(ROOT / "tools" / "docs.py"))[f"render_{page}"]()
    assert (ROOT / "docs" / f"{page}.md").read_text() == rendered, "run `make docs`"
