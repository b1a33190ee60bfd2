"""The grid connection: what adds up, what is random, and what it does not depend on."""

import math
import struct
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import House, HouseConfig, LoadConfig, LoadEvent, MeterConfig, SunConfig


@dataclass
class FakeBattery:
    phase: str
    power_w: float = 0.0


QUIET = HouseConfig(base_load_w=(0.0, 0.0, 0.0), noise_w=0.0, sun=SunConfig(max_w=0.0))

BUSY = HouseConfig(
    base_load_w=(120.0, 80.0),
    noise_w=20.0,
    noise_tau_s=15.0,
    loads=(
        LoadConfig("fridge", 90.0, "B", active=True, on_s=7.25, off_s=11.5),
        LoadConfig("kettle", 2000.0, "C"),
    ),
    events=(LoadEvent(10.4, "kettle", True), LoadEvent(31.0, "kettle", False), LoadEvent(40.0, "fridge", False)),
    sun=SunConfig(mode="clear_sky", phases=("A", "C"), clouds=0.7),
    meter=MeterConfig(noise_w=3.0),
    seed=7,
)


def trace(config: HouseConfig, times: list[float], until_s: int = 60) -> bytes:
    """Truth and meter on whole seconds as bytes; `times` are extra stops on the way."""
    house, parts = House(config, [FakeBattery("A", 55.5)]), []
    for stop in sorted({*map(float, range(until_s)), *times}):
        house.advance_to(stop)
        if stop == int(stop):
            parts.append(struct.pack("3d", *house.grid_w()))
            if house.meter.reading:
                parts.append(struct.pack("3dqd", *house.meter.reading.values_w, *house.meter.reading[1:]))
    return b"".join(parts)


def test_grid_is_base_plus_loads_minus_solar_minus_batteries() -> None:
    config = replace(
        QUIET,
        base_load_w=(100.0, 50.0),
        loads=(LoadConfig("oven", 1500.0, "B", active=True), LoadConfig("lamp", 40.0, "C")),
        sun=SunConfig(phases=("A", "B"), power_w=600.0),
    )
    house = House(config, [FakeBattery("A", 200.0), FakeBattery("C", -300.0)])
    assert house.grid_w() == (100 - 300 - 200, 50 + 1500 - 300, 300)
    house.switch("lamp", True)
    assert house.grid_w()[2] == 340
    house.switch("lamp", False)
    house.set_solar(0.0)
    assert house.grid_w() == (-100, 1550, 300)
    assert house.demand_w == [100, 1550, 0]


def test_phase_d_is_spread_over_all_phases() -> None:
    assert House(QUIET, [FakeBattery("D", 300.0)]).grid_w() == (-100, -100, -100)
    assert House(replace(QUIET, phases=1, base_load_w=()), [FakeBattery("D", 300.0)]).grid_w() == (-300,)


def test_batteries_may_be_moved_last_and_unseen_by_devices() -> None:
    class Follower:
        phase, name, power_w, told = "A", "b", 0.0, []

        def follow(self, balance_w: float, dt_s: float) -> None:
            self.told.append((balance_w, dt_s))
            self.power_w = balance_w

    battery = Follower()
    house = House(replace(QUIET, base_load_w=(100.0, 50.0)), [battery], follow=battery.follow)
    house.advance_to(2.0)
    assert battery.told == [(150.0, 1.0), (150.0, 1.0)] and house.grid_w() == (-50.0, 50.0, 0.0)
    assert sum(house.grid_w()) == 0


def test_same_seed_same_bytes() -> None:
    assert trace(BUSY, []) == trace(BUSY, [])
    assert trace(BUSY, []) != trace(replace(BUSY, seed=8), [])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 59), max_size=40))
def test_sub_steps_change_nothing(stops: list[float]) -> None:
    assert trace(BUSY, stops) == trace(BUSY, [])


def test_one_jump_ends_where_many_steps_end() -> None:
    jumped, stepped = House(BUSY), House(BUSY)
    jumped.advance_to(3600.5)
    while stepped.next_event_s <= 3600.5:
        stepped.advance_to(stepped.next_event_s)
    assert jumped.grid_w() == stepped.grid_w()
    assert jumped.meter.reading == stepped.meter.reading


def test_two_readers_see_the_same_grid() -> None:
    house = House(BUSY)
    house.advance_to(5.3)
    assert house.grid_w() == house.grid_w()


def test_noise_is_one_draw_per_second_within_its_bounds() -> None:
    house = House(replace(QUIET, base_load_w=(100.0, 100.0, 100.0), noise_w=20.0))
    values = []
    for second in range(2000):
        house.advance_to(second)
        here = house.grid_w()
        house.advance_to(second + 0.9)
        assert house.grid_w() == here
        values.append(here)
    assert all(80 <= value < 120 for row in values for value in row)
    assert len({row[0] for row in values}) == len(values)
    mean = sum(row[0] for row in values) / len(values)
    deviation = math.sqrt(sum((row[0] - mean) ** 2 for row in values) / len(values))
    assert abs(mean - 100) < 1.5
    assert deviation == pytest.approx(20 / math.sqrt(3), rel=0.05)
    assert abs(sum((row[0] - 100) * (row[1] - 100) for row in values) / len(values)) < 10  # phases are independent


def test_correlated_noise_keeps_its_spread_and_remembers() -> None:
    house = House(replace(QUIET, phases=1, base_load_w=(100.0,), noise_w=20.0, noise_tau_s=10.0))
    values = []
    for second in range(20000):
        house.advance_to(second)
        values.append(house.grid_w()[0] - 100)
    variance = sum(value**2 for value in values) / len(values)
    lag_one = sum(a * b for a, b in pairwise(values)) / len(values)
    assert math.sqrt(variance) == pytest.approx(20 / math.sqrt(3), rel=0.1)
    assert lag_one / variance == pytest.approx(math.exp(-0.1), abs=0.03)


def test_no_noise_where_nothing_is_connected() -> None:
    config = replace(QUIET, base_load_w=(100.0, 0.0, -50.0), noise_w=20.0, loads=(LoadConfig("lamp", 40.0, "B"),))
    house = House(config)
    assert house.grid_w()[1:] == (0.0, -50.0)
    house.switch("lamp", True)
    assert house.grid_w()[1] != 40.0 and abs(house.grid_w()[1] - 40.0) <= 20.0


def test_scheduled_and_cyclic_loads() -> None:
    config = replace(
        QUIET,
        loads=(LoadConfig("pump", 500.0, "A", on_s=2.0, off_s=3.0), LoadConfig("kettle", 2000.0, "B")),
        events=(
            LoadEvent(1.0, "pump", True),
            LoadEvent(2.5, "kettle", True),
            LoadEvent(4.0, "kettle", False),
            LoadEvent(9.0, "pump", False),
            LoadEvent(10.0, "pump", True),
        ),
    )
    house, pump, kettle = House(config), [], []
    for half_second in range(27):
        house.advance_to(half_second / 2)
        pump.append(house.grid_w()[0] > 0)
        kettle.append(house.grid_w()[1] > 0)
    running = {i / 2 for i, on in enumerate(pump) if on}
    # On at 1, pause 3-6, runs 6-8, pause, switched off at 9; a fresh start at 10 begins a fresh cycle.
    assert running == {1, 1.5, 2, 2.5, 6, 6.5, 7, 7.5, 10, 10.5, 11, 11.5}
    assert {i / 2 for i, on in enumerate(kettle) if on} == {2.5, 3, 3.5}


def test_clear_sky_rises_and_sets() -> None:
    sun = SunConfig(max_w=1000.0, mode="clear_sky", sunrise_h=6.0, sunset_h=18.0, start_h=0.0)
    house, produced = House(replace(QUIET, sun=sun)), []
    for hour in range(48):
        house.advance_to(hour * 3600.0)
        produced.append(round(house.solar_w))
    assert produced[6] == produced[18] == produced[3] == 0
    assert produced[12] == 1000
    assert produced[9] == produced[15] == 707
    assert produced[24:] == produced[:24]


def test_clouds_only_take_away() -> None:
    sun = SunConfig(max_w=1000.0, mode="clear_sky", start_h=12.0, clouds=0.5)
    house, produced = House(replace(QUIET, sun=sun)), []
    for second in range(1800):
        house.advance_to(second)
        produced.append(house.solar_w)
    assert min(produced) > 400 and max(produced) <= 1000
    assert max(abs(a - b) for a, b in pairwise(produced)) < 20
    assert max(produced) - min(produced) > 200


@pytest.mark.parametrize("target", [4.9, float("nan"), float("inf")])
def test_time_only_goes_forward(target: float) -> None:
    house = House(BUSY)
    house.advance_to(5.0)
    with pytest.raises(ValueError, match="cannot go"):
        house.advance_to(target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phases": 2}, "1 or 3 phases"),
        ({"phases": 1, "base_load_w": (1.0, 2.0)}, "more entries"),
        ({"phases": 1, "loads": (LoadConfig("x", 1.0, "B"),)}, "does not have"),
        ({"phases": 1, "sun": SunConfig(phases=("B",))}, "does not have"),
        ({"loads": (LoadConfig("x", 1.0), LoadConfig("x", 2.0))}, "same name"),
        ({"events": (LoadEvent(1.0, "ghost", True),)}, "no load called 'ghost'"),
        ({"events": (LoadEvent(float("nan"), "ghost", True),)}, "time_s"),
        ({"noise_w": -1.0}, "negative"),
        ({"base_load_w": (float("nan"),)}, "finite"),
    ],
)
def test_impossible_houses_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        House(replace(QUIET, **change))


def test_unknown_battery_phase_is_refused() -> None:
    with pytest.raises(ValueError, match="A, B or C"):
        House(QUIET, [FakeBattery("E")])
    with pytest.raises(ValueError, match="does not have"):
        House(replace(QUIET, phases=1, base_load_w=()), [FakeBattery("B")])


@pytest.mark.parametrize(
    "build",
    [
        lambda: LoadConfig("x", float("inf")),
        lambda: LoadConfig("x", 1.0, "D"),
        lambda: LoadConfig("x", 1.0, on_s=1.0),
        lambda: SunConfig(sunrise_h=12.0, sunset_h=6.0),
        lambda: SunConfig(clouds=1.5),
        lambda: SunConfig(max_w=-1.0),
        lambda: MeterConfig(refresh_s=0.0),
        lambda: MeterConfig(latency_s=-1.0),
    ],
)
def test_impossible_parts_are_refused(build: object) -> None:
    with pytest.raises(ValueError):
        build()  # type: ignore[operator]
