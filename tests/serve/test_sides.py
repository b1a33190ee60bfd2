"""Sun, batteries, grid and house add up, whatever hybrids and plants do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.serve import GridState, HybridState, PlantState, SolarState, State, sides, split
from nullwatt.serve.page.flow import shares

WATTS = st.floats(0, 8000)


def hybrid(name: str, power: float, pv: float, battery: float) -> HybridState:
    return HybridState(
        name=name,
        phase="D",
        power=power,
        pv=pv,
        available=pv,
        battery=battery,
        soc=0.5,
        capacity_wh=5000,
        mode="self_use",
        islanded=False,
    )


@st.composite
def hybrids(draw: st.DrawFn) -> HybridState:
    """One whose AC power is what its bus gives, less what is lost."""
    pv, battery = draw(WATTS), draw(st.floats(-8000, 8000))
    lost = draw(st.floats(0, 300))
    return hybrid(draw(st.text("abc", min_size=1, max_size=9)), pv + battery - lost, pv, battery)


@given(
    st.lists(hybrids(), max_size=3, unique_by=lambda each: each.name), WATTS, st.floats(-20, 5000), st.floats(0, 9000)
)
def test_what_is_drawn_adds_up(each: list[HybridState], solar: float, plant: float, loads: float) -> None:
    given_w = sum(one.power for one in each) + solar + plant
    state = State(
        grid=GridState(total=loads - given_w),
        house_w=loads,
        solar=SolarState(current=solar, max=9000, phases=["A"]),
        plants=[PlantState(name="p", phase="A", power=plant, dc=0, available=0, energy_wh=0)],
        hybrids=each,
    )
    shown = sides(state)
    assert shown is not None and shown.sun_w >= 0
    assert shown.sun_w <= solar + max(0.0, plant) + sum(one.pv for one in each) + 1e-6
    # The house is its loads and what the inverters use for themselves, which nothing else can account for.
    own_w = max(0.0, -plant) + sum(max(0.0, -one.power) for one in each if one.battery >= 0)
    assert shown.house_w == pytest.approx(loads + own_w, abs=1e-6)
    flows = shares(shown.grid_w, shown.sun_w, shown.batteries_w)
    into = {
        node: sum(w for path, w in flows.items() if path.endswith(f"-{node}")) for node in ("house", "battery", "grid")
    }
    out = {
        node: sum(w for path, w in flows.items() if path.startswith(f"{node}-")) for node in ("sun", "battery", "grid")
    }
    assert out["sun"] == pytest.approx(shown.sun_w, abs=1e-6)
    assert out["grid"] - into["grid"] == pytest.approx(shown.grid_w, abs=1e-6)
    assert out["battery"] - into["battery"] == pytest.approx(shown.batteries_w, abs=1e-6)
    assert into["house"] == pytest.approx(shown.house_w, abs=1e-6)


@pytest.mark.parametrize(
    ("power", "pv", "battery", "sun", "store"),
    [
        (950.0, 1000.0, 0.0, 950.0, 0.0),  # panels alone
        (1900.0, 1000.0, 1000.0, 950.0, 950.0),  # both give, both lose
        (400.0, 1000.0, -550.0, 950.0, -550.0),  # the rest is stored on the DC side
        (0.0, 500.0, -490.0, 490.0, -490.0),  # off the wires it still charges
        (-1060.0, 0.0, -1000.0, 0.0, -1060.0),  # charged from the grid: what is lost counts with the battery
        (-10.0, 0.0, 0.0, 0.0, 0.0),  # asleep: its own consumption is the house's
    ],
)
def test_a_hybrid_is_split(power: float, pv: float, battery: float, sun: float, store: float) -> None:
    assert split(power, pv, battery) == pytest.approx((sun, store))


def test_nothing_is_drawn_of_what_is_not_known() -> None:
    known: dict[str, Any] = {"grid": GridState(total=5), "house_w": 5}
    assert sides(State()) is None and sides(State(grid=known["grid"])) is None
    shown = sides(State(**known))
    assert shown is not None and (shown.sun_w, shown.batteries_w, shown.house_w) == (0, 0, 5)
