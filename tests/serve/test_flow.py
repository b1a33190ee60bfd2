"""Which power goes from where to where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.serve.page.flow import PATHS, STILL_W, drawn, shares

POWERS = st.floats(-20000, 20000)
SUNS = st.floats(0, 20000)


@given(POWERS, SUNS, POWERS)
def test_what_goes_into_each_node_comes_out_of_the_others(grid_w: float, solar_w: float, batteries_w: float) -> None:
    flows = shares(grid_w, solar_w, batteries_w)
    assert flows.keys() == PATHS.keys()
    assert min(flows.values()) >= 0
    if grid_w + solar_w + batteries_w < 0:
        return  # a house that gives power is none
    for node, given_w, taken_w in (
        ("sun", solar_w, 0.0),
        ("grid", max(0.0, grid_w), max(0.0, -grid_w)),
        ("battery", max(0.0, batteries_w), max(0.0, -batteries_w)),
        ("house", 0.0, grid_w + solar_w + batteries_w),
    ):
        out = sum(power for path, power in flows.items() if path.startswith(f"{node}-"))
        into = sum(power for path, power in flows.items() if path.endswith(f"-{node}"))
        assert out == pytest.approx(given_w, abs=1e-6)
        assert into == pytest.approx(taken_w, abs=1e-6)


def test_sun_serves_the_house_before_it_charges_and_is_sold_last() -> None:
    flows = {path: power for path, power in shares(grid_w=-100, solar_w=1000, batteries_w=-500).items() if power}
    assert flows == {"sun-house": 400, "sun-battery": 500, "sun-grid": 100}


def test_batteries_come_before_the_grid() -> None:
    flows = {path: power for path, power in shares(grid_w=200, solar_w=0, batteries_w=800).items() if power}
    assert flows == {"battery-house": 800, "grid-house": 200}


@given(st.floats(0, 50000), st.floats(0, 50000))
def test_more_power_is_never_drawn_thinner_or_slower(one: float, other: float) -> None:
    less, more = (drawn(power) for power in sorted((one, other)))
    assert less.stroke <= more.stroke and less.speed <= more.speed
    assert more.stroke <= 10


def test_next_to_nothing_stands_still() -> None:
    assert (drawn(STILL_W / 2).stroke, drawn(STILL_W / 2).speed) == (0, 0)
    assert drawn(STILL_W).stroke > 0 and drawn(STILL_W).speed > 0
