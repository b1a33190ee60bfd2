from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.serve.modbus import Codec
from nullwatt.serve.modbus.codec import Endian, RegisterType

RANGES = {"uint16": (0, 65535), "int16": (-32768, 32767), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1)}
SCALES = [1.0, 0.1, 0.01, 0.001, 0.0001, 10.0, 2.0, 0.25, -0.1]

codecs = st.builds(
    Codec, st.sampled_from(get_args(RegisterType)), st.sampled_from(SCALES), st.sampled_from(get_args(Endian))
)


@given(codecs, st.data())
def test_every_raw_value_survives_the_round_trip(codec: Codec, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.integers(0, 65535), min_size=len(codec.encode(0)), max_size=len(codec.encode(0))))
    assert list(codec.encode(codec.decode(words))) == words


@given(codecs, st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_becomes_words_and_the_nearest_value_that_fits(codec: Codec, value: float) -> None:
    words = codec.encode(value)
    assert all(0 <= word <= 65535 for word in words)
    low, high = sorted(raw * codec.scale for raw in RANGES[codec.kind])
    shown = codec.decode(words)
    if value != value:
        assert shown == 0
    else:
        nearest = min(max(value, low), high)
        assert abs(shown - nearest) <= abs(codec.scale) / 2 + 1e-9 * abs(nearest)


@pytest.mark.parametrize(
    "kind, value, words",
    [
        ("uint16", 1000, [65535]),
        ("uint16", -1, [0]),
        ("int16", 1000, [0x7FFF]),
        ("int16", -1000, [0x8000]),
        ("uint32", 1e9, [0xFFFF, 0xFFFF]),
        ("int32", 1e9, [0x7FFF, 0xFFFF]),
        ("int32", -1e9, [0x8000, 0]),
        ("int32", float("inf"), [0x7FFF, 0xFFFF]),
    ],
)
def test_what_does_not_fit_saturates_and_never_wraps(kind: RegisterType, value: float, words: list[int]) -> None:
    assert list(Codec(kind, 0.01).encode(value)) == words


@pytest.mark.parametrize("value, raw", [(0.5, 0), (1.5, 2), (2.5, 2), (3.5, 4), (-0.5, 0), (-1.5, -2), (-2.5, -2)])
def test_halves_are_rounded_to_even(value: float, raw: int) -> None:
    assert Codec("int16").raw(value) == raw
    assert Codec("int32", 0.25).raw(value / 4) == raw


def test_order_of_words() -> None:
    assert Codec("uint32", 1, "big").encode(0x12345678) == (0x1234, 0x5678)
    assert Codec("uint32", 1, "little").encode(0x12345678) == (0x5678, 0x1234)
    assert Codec("int32", 1, "little").decode([0xFFFE, 0xFFFF]) == -2


def test_values_read_as_they_are_written_down() -> None:
    assert [Codec("uint16", 0.1).decode([raw]) for raw in (3, 123, 5003)] == [0.3, 12.3, 500.3]
