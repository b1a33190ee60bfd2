"""The signed bar: where things stand on an axis with zero in the middle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.serve.page.axis import bar, extent, nice, place, span, ticks

POWERS = st.floats(-1e6, 1e6)
MOST = st.floats(0, 1e6)


@given(MOST)
def test_an_axis_holds_what_it_is_made_for(most_w: float) -> None:
    end_w = nice(most_w)
    assert end_w >= most_w
    assert end_w == 500 or most_w > end_w * 0.6, "it is not far too long"


@given(MOST, MOST)
def test_an_axis_always_holds_what_is_there(before_w: float, most_w: float) -> None:
    assert extent(most_w, nice(before_w)) >= most_w


def test_an_axis_does_not_breathe() -> None:
    assert extent(1900, 3000) == 3000
    assert extent(1300, 3000) == 2000
    assert extent(3001, 3000) == 4000
    assert extent(2000, 2000) == 2000


@given(POWERS, st.floats(500, 1e6))
def test_a_bar_goes_from_zero_to_its_power(power: float, end_w: float) -> None:
    drawn = bar(power, end_w)
    assert drawn.left >= 0 and drawn.left + drawn.width <= 100.01
    end = drawn.left + drawn.width if power > 0 else drawn.left
    start = drawn.left if power > 0 else drawn.left + drawn.width
    assert start == pytest.approx(50, abs=0.011)
    assert end == pytest.approx(place(power, end_w), abs=0.011)
    assert drawn.clipped == (abs(power) > end_w)


@given(POWERS, POWERS, st.floats(500, 1e6))
def test_more_power_is_never_further_left(one: float, other: float, end_w: float) -> None:
    low, high = sorted((one, other))
    assert place(low, end_w) <= place(high, end_w)


@given(POWERS, st.floats(500, 1e6))
def test_the_axis_is_the_same_both_ways(power: float, end_w: float) -> None:
    assert place(power, end_w) + place(-power, end_w) == pytest.approx(100, abs=0.011)


def test_limits_that_are_not_the_same_both_ways() -> None:
    drawn = span(-2200, 800, 4000)
    assert (drawn.left, drawn.width, drawn.clipped) == (22.5, 37.5, False)
    assert span(0, 800, 1000).left == 50


def test_the_labels_stand_evenly() -> None:
    assert ticks(3000) == [-3000, -1500, 0, 1500, 3000]
