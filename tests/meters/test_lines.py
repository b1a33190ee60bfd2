"""The meter that is piped in."""

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.meters import LineMeter, MeterLineError, parse_line
from nullwatt.meters.meter import Sample


@pytest.mark.parametrize(
    ("line", "sample"),
    [("[120.5, -30, 0]\n", [120.5, -30.0, 0.0]), ("250\n", [250.0]), ("[1]", [1.0]), ("null\n", None)],
)
def test_sample(line: str, sample: Sample) -> None:
    assert parse_line(line) == sample


@pytest.mark.parametrize("line", ["[]", "[1, 2, 3, 4]", "120 W", "{}", '["1"]', "[true]", "[1, null]"])
def test_anything_else_is_named_in_one_line(line: str) -> None:
    with pytest.raises(MeterLineError) as error:
        parse_line(line)
    assert line in str(error.value)
    assert "allowed: a JSON list of one to three watts" in str(error.value)


@given(st.text())
def test_no_line_does_anything_but_give_a_sample_or_that_error(line: str) -> None:
    try:
        sample = parse_line(line)
    except MeterLineError:
        return
    assert sample is None or 1 <= len(sample) <= 3


async def test_bad_line_is_logged_and_skipped_and_the_end_means_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    samples: list[Sample] = []
    stream = io.StringIO("[1, 2, 3]\n\nnonsense\n4\n")
    await asyncio.wait_for(LineMeter(stream).run(samples.append), 5)
    assert samples == [[1.0, 2.0, 3.0], [4.0], None]
    assert "'nonsense' is no sample" in caplog.text
