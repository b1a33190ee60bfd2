"""The books of a pack: they change nothing, and they balance."""

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.battery import AccountedPlant, Battery, BatteryConfig, PackEnergy, Plant

PLANT = {
    "max_charge_w": 800.0,
    "max_discharge_w": 800.0,
    "capacity_wh": 2560.0,
    "ramp_rate_w_s": 200.0,
    "min_power_w": 20.0,
    "startup_delay_s": 0.0,
}


def unexplained_j(books: PackEnergy) -> float:
    return (books.dc_in_j + books.adjusted_j + books.overdrawn_j) - (
        books.ac_j + books.stored_j + books.conversion_j + books.standby_j + books.turned_away_j
    )


ticks = st.lists(
    st.tuples(st.floats(-2000, 2000), st.floats(0.01, 60), st.floats(0, 900), st.none() | st.floats(0, 1)),
    min_size=1,
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(ticks, st.floats(0.5, 1), st.floats(0.5, 1), st.floats(0, 50), st.sampled_from([0.0, 5.0, 2560.0]))
def test_books_balance_and_change_nothing(
    ticks: list[tuple[float, float, float, float | None]], into: float, out: float, standby_w: float, wh: float
) -> None:
    values = PLANT | {"charge_efficiency": into, "discharge_efficiency": out, "standby_w": standby_w, "capacity_wh": wh}
    plain = Plant(**values)
    accounted = AccountedPlant.of(Plant(**values))
    for target_w, dt_s, dc_w, soc in ticks:
        for plant in (plain, accounted):
            plant.target_w, plant.dc_input_w = target_w, dc_w
            plant.soc = plant.soc if soc is None else soc
            plant.advance(dt_s)
        assert {name: getattr(accounted, name) for name in asdict(plain)} == asdict(plain)
        books = accounted.close()
        moved_j = abs(books.ac_j) + books.dc_in_j + books.standby_j + abs(books.adjusted_j) + 1.0
        assert abs(unexplained_j(books)) < 1e-9 * moved_j
        assert min(books.conversion_j, books.standby_j, books.turned_away_j, books.overdrawn_j) >= 0
        if wh and 0 < plain.soc < 1:
            assert books.turned_away_j == books.overdrawn_j == 0


def test_a_round_trip_loses_what_the_efficiencies_say() -> None:
    plant = AccountedPlant(
        **PLANT, charge_efficiency=0.9, discharge_efficiency=0.8, standby_w=5.0, power_w=-500.0, target_w=-500.0
    )
    for _ in range(600):
        plant.advance(1.0)
    books = plant.close()
    assert books.ac_j == pytest.approx(-300e3)
    assert books.conversion_j == pytest.approx(30e3)
    assert books.standby_j == pytest.approx(3e3)
    assert books.stored_j == pytest.approx(267e3)
    plant.power_w = plant.target_w = 400.0
    plant.advance(60.0)
    assert plant.close().conversion_j == pytest.approx(400 / 0.8 * 60 - 400 * 60)


def test_full_pack_turns_away_and_empty_pack_owes() -> None:
    full = AccountedPlant(**PLANT, soc=1.0, power_w=-800.0)
    full.advance(1.0)  # its power stage needs four seconds to come down
    assert full.close().turned_away_j == pytest.approx(600)
    empty = AccountedPlant(**PLANT, soc=0.0, power_w=800.0)
    empty.advance(1.0)
    assert empty.close().overdrawn_j == pytest.approx(600)


def test_state_of_charge_set_by_hand_is_an_adjustment() -> None:
    battery = Battery(BatteryConfig(mac="02B250000001", capacity_wh=1000.0, initial_soc=0.5))
    assert battery.take_energy() == PackEnergy()
    battery.soc = 0.7
    books = battery.take_energy()
    assert books.adjusted_j == books.stored_j == pytest.approx(0.2 * 3.6e6)
