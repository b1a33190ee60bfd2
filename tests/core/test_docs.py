"""Generated documentation is what the code says today."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_option_reference_is_current() -> None:
    rendered = runpy.run_path(str(ROOT / "tools" / "docs.py"))["render"]()
    assert (ROOT / "docs" / "options.md").read_text() == rendered, "run `make docs`"
