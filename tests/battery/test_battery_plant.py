"""Invariants of the plant: limits, state of charge, energy balance, delays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.battery import Plant


def plant(**changes: float) -> Plant:
    values = {
        "max_charge_w": 800.0,
        "max_discharge_w": 800.0,
        "capacity_wh": 2560.0,
        "ramp_rate_w_s": 200.0,
        "min_power_w": 20.0,
        "startup_delay_s": 0.0,
    }
    return Plant(**(values | changes))


ticks = st.lists(
    st.tuples(
        st.floats(-4000, 4000),  # target
        st.floats(0.001, 30),  # dt
        st.floats(0, 1200),  # DC input
    ),
    min_size=1,
    max_size=60,
)


@given(
    ticks=ticks,
    soc=st.floats(0, 1),
    charge_w=st.floats(0, 2500),
    discharge_w=st.floats(0, 2500),
    capacity_wh=st.floats(0.5, 5000),
    delay_s=st.floats(0, 5),
    charge_eff=st.floats(0.5, 1),
    discharge_eff=st.floats(0.5, 1),
    standby_w=st.floats(0, 30),
)
def test_bounds_and_energy_balance(
    ticks, soc, charge_w, discharge_w, capacity_wh, delay_s, charge_eff, discharge_eff, standby_w
) -> None:
    unit = plant(
        soc=soc,
        max_charge_w=charge_w,
        max_discharge_w=discharge_w,
        capacity_wh=capacity_wh,
        startup_delay_s=delay_s,
        charge_efficiency=charge_eff,
        discharge_efficiency=discharge_eff,
        standby_w=standby_w,
    )
    for target_w, dt_s, dc_w in ticks:
        before = unit.soc
        before_w = unit.power_w
        unit.target_w = target_w
        unit.dc_input_w = dc_w
        unit.advance(dt_s)
        full = before >= 1.0
        assert 0.0 <= unit.soc <= 1.0
        assert -charge_w <= unit.power_w
        assert unit.power_w <= max(discharge_w, dc_w if full else 0.0, min(before_w, discharge_w))
        if not full:
            assert abs(unit.power_w - before_w) <= 200 * dt_s + 1e-9 or before_w > discharge_w
        stored_wh = (unit.soc - before) * capacity_wh
        terminals_wh = unit.power_w * dt_s / 3600
        cells_wh = terminals_wh / discharge_eff if terminals_wh > 0 else terminals_wh * charge_eff
        expected_wh = (dc_w - standby_w) * dt_s / 3600 - cells_wh
        if 0.0 < unit.soc < 1.0:
            assert stored_wh == pytest.approx(expected_wh, abs=1e-6)
        else:
            assert abs(stored_wh) <= abs(expected_wh) + 1e-6


def test_round_trip_loses_both_efficiencies() -> None:
    unit = plant(charge_efficiency=0.9, discharge_efficiency=0.8, capacity_wh=1000.0, ramp_rate_w_s=1e9)
    unit.target_w = -500
    for _ in range(600):
        unit.advance(1.0)
    gained_wh = (unit.soc - 0.5) * 1000
    assert gained_wh == pytest.approx(500 * 600 / 3600 * 0.9)
    unit.target_w = 500
    out_wh = 0.0
    while unit.soc > 0.5:
        unit.advance(1.0)
        out_wh += unit.power_w / 3600
    assert out_wh == pytest.approx(gained_wh * 0.8, abs=0.2)


def test_standby_drains_a_resting_pack() -> None:
    unit = plant(standby_w=10.0, capacity_wh=1000.0)
    for _ in range(3600):
        unit.advance(1.0)
    assert unit.soc == pytest.approx(0.49)


def test_full_pack_passes_pv_through_above_its_limit_and_empty_pack_delivers_nothing() -> None:
    unit = plant(soc=1.0, max_discharge_w=400.0, dc_input_w=600.0)
    unit.advance(1.0)
    assert unit.power_w == 600
    assert unit.soc == 1.0
    lossy = plant(soc=1.0, dc_input_w=600.0, discharge_efficiency=0.8)
    lossy.advance(1.0)
    assert (lossy.power_w, lossy.soc) == (pytest.approx(480), 1.0)
    empty = plant(soc=0.0, target_w=500.0)
    empty.advance(1.0)
    assert empty.power_w == 0


def test_startup_delay_counts_in_time_whatever_the_tick() -> None:
    for dt_s in (0.1, 0.5, 1.0):
        unit = plant(startup_delay_s=2.0, target_w=400.0)
        elapsed_s = 0.0
        while unit.power_w == 0:
            unit.advance(dt_s)
            elapsed_s += dt_s
        assert elapsed_s == pytest.approx(2.0, abs=0.11)


def test_zero_capacity_freezes_the_state_of_charge() -> None:
    unit = plant(capacity_wh=0.0, target_w=800.0)
    unit.advance(1000.0)
    assert (unit.power_w, unit.soc) == (800, 0.5)
