"""The firmware stays as small and as fast as docs/performance.md says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import size

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "performance.md"


@pytest.mark.slow
def test_no_figure_has_grown(esphome: Any, compile_rv32: Callable[..., Path]) -> None:
    figures, _ = size.measure(esphome.program)
    if lines := size.grown(size.documented(DOCS.read_text()), figures):
        rule = "grew by more than 5 % over docs/performance.md; if it must be so, `make size ARGS=--write` accepts it"
        pytest.fail("\n".join([rule, *lines]), pytrace=False)


def test_growth_is_told_with_the_figure() -> None:
    before = {"a": 1000, "b": 1000, "c": 1000, "gone": 1}
    now = {"a": 1050, "b": 1051, "c": 10, "new": 7}
    assert size.grown(before, now) == [
        "gone: documented, but not measured any more",
        "b: 1,051, documented 1,000 (+5.1%)",
        "new: 7, not documented",
    ]


def test_figures_are_read_as_they_were_written() -> None:
    figures = {"flash: core": 58632, "RAM: `Emulator`, 4 batteries": 832}
    text = size.written(DOCS.read_text(), figures)
    assert size.documented(text) == figures
    assert size.written(text, size.documented(DOCS.read_text())) == DOCS.read_text()


def test_a_trace_is_counted_in_instructions() -> None:
    trace = """IN: one
0x00010000:  8522              mv                      a0,s0
0x00010002:  85aa              mv                      a1,a0
Trace 0: 0x7f00 [00000000/00010000/00107600/00000200] one
7 first(4) = 0
IN: two
0x00020000:  85aa              mv                      a1,a0
Trace 0: 0x7f10 [00000000/00020000/00107600/00000200] two
Trace 0: 0x7f00 [00000000/00010000/00107600/00000200] one
7 second(4) = 0
"""
    assert [total for total, _ in size.rv32.executed(trace.splitlines())] == [2, 5]
