"""The mains: off by hand, by plan and by rota; what has power then, what the meter says, and that no joule is lost."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from island import Hybrid

from nullwatt.core import Emulator
from nullwatt.home import (
    ConfigError,
    Grid,
    GridSection,
    House,
    HouseConfig,
    Islanding,
    Ledger,
    LoadConfig,
    LoadEvent,
    MeterConfig,
    SunConfig,
    Surroundings,
    WallClock,
    parse_house,
)
from nullwatt.lab import Loop, Scenario, battery, parse_scenario

QUIET = HouseConfig(base_load_w=(300.0, 200.0, 100.0), noise_w=0.0, sun=SunConfig(max_w=0.0))
BATTERY = {"mac": "02B250000001", "phase": "A"}


def section(**keys: Any) -> GridSection:
    return GridSection.model_validate(keys)


def outage(begin_s: float, end_s: float, **keys: Any) -> GridSection:
    return section(outages=[{"from": begin_s, "to": end_s}], **keys)


def powers(house: House, end_s: int) -> list[float]:
    """The grid, whole, at each second from the present one on."""
    found = []
    while house.now_s < end_s:
        house.advance_to(house.now_s + 1.0)
        found.append(sum(house.grid_w()))
    return found


def test_a_planned_outage_takes_everything_off_and_gives_it_back() -> None:
    config = replace(QUIET, loads=(LoadConfig("lamp", 60.0, "B", active=True),), grid=outage(3.0, 6.0))
    ledger = Ledger()
    house = House(config, ledger=ledger)
    assert powers(house, 9) == [660.0, 660.0, 0.0, 0.0, 0.0, 660.0, 660.0, 660.0, 660.0]
    assert ledger.import_j == pytest.approx(6 * 660.0) and ledger.export_j == 0.0
    assert ledger.devices["lamp"].sink_j == pytest.approx(6 * 60.0)
    assert ledger.leak_j < 1e-9


def test_off_by_hand_until_on_by_hand() -> None:
    house = House(replace(QUIET, grid=section()))
    house.advance_to(1.5)
    house.device("house: grid").command("mains", False)
    assert house.mains and sum(house.grid_w()) == 600.0
    house.advance_to(2.0)
    assert not house.mains and house.grid_w() == (0.0, 0.0, 0.0) and house.lit == (False, False, False)
    assert house.device("house: base load").power_w == 0.0
    assert house.device("house: grid").telemetry() == {"mains": 0.0, "voltage_v": 0.0, "frequency_hz": 0.0}
    assert (house.surroundings.mains, house.surroundings.voltage_ll_v) == (False, 0.0)
    house.set_mains(True)
    house.advance_to(3.0)
    assert house.mains and sum(house.grid_w()) == 600.0 and house.surroundings == Surroundings(grid_w=(300, 200, 100))


def test_a_cut_by_hand_may_end_by_itself() -> None:
    house = House(QUIET)
    house.advance_to(1.5)
    house.set_mains(False, 2.0)
    assert powers(house, 6) == [0.0, 0.0, 600.0, 600.0, 600.0]
    house.set_mains(False, 100.0)
    house.advance_to(8.0)
    house.set_mains(True)
    assert powers(house, 10) == [600.0, 600.0] and house.grid.off_until_s > 100


def test_when_the_mains_are_back() -> None:
    rota = [{"from": "22:00", "to": "00:30"}, {"from": "00:15", "to": "01:00", "days": ["tue"]}]
    outages = [{"from": 40010, "to": 40020}, {"from": 40015, "to": 40040}]
    grid = Grid(section(outages=outages, rota=rota), WallClock(start_h=0.0))
    assert grid.back_s(40000.0) == 40000.0 and grid.back_s(40010.0) == 40040.0
    evening = 22 * 3600.0
    assert grid.back_s(evening + 1) == 25 * 3600.0, "one rota follows the other"
    grid.switch(False, 30 * 3600.0)
    assert grid.back_s(evening) == 30 * 3600.0 and grid.is_switched_off(evening)
    grid.switch(False)
    assert grid.back_s(evening) is None
    always = Grid(section(rota=[{"from": "00:00", "to": "24:00"}]))
    assert always.back_s(0.0) is None, "not within a week"


def test_a_house_without_the_section_can_be_switched_too_and_shows_no_grid() -> None:
    house = House(QUIET)
    assert "house: grid" not in [device.name for device in house.devices]
    house.set_mains(False)
    assert powers(house, 2) == [0.0, 0.0]


def test_the_meter_loses_its_reading_or_reads_zero() -> None:
    config = replace(QUIET, meter=MeterConfig(latency_s=0.5))
    lost = House(replace(config, grid=outage(3.0, 6.0)))
    lost.advance_to(2.9)
    assert lost.meter.reading is not None
    lost.advance_to(3.6)
    assert lost.meter.reading is None
    lost.advance_to(6.6)
    assert lost.meter.reading is not None and sum(lost.meter.reading.values_w) == 600.0
    zero = House(replace(config, grid=outage(3.0, 6.0, meter="zero")))
    zero.advance_to(4.6)
    assert zero.meter.reading is not None and zero.meter.reading.values_w == (0.0, 0.0, 0.0)


def test_a_meter_that_failed_stays_away_when_the_mains_come_back() -> None:
    house = House(replace(QUIET, grid=outage(3.0, 6.0)))
    house.meter.fail()
    house.advance_to(10.0)
    assert house.meter.reading is None
    house.meter.restore()
    house.advance_to(12.0)
    assert house.meter.reading is not None


def test_the_sun_comes_back_after_its_waiting_time() -> None:
    house = House(replace(QUIET, sun=SunConfig(power_w=500.0), grid=outage(2.0, 4.0, reconnect=3.0)))
    assert powers(house, 8) == [100.0, 0.0, 0.0, 600.0, 600.0, 600.0, 100.0, 100.0]


def test_rota_by_weekday_over_midnight_and_every_other_day() -> None:
    clock = WallClock(start_h=0.0)  # a Monday
    hour = 3600.0
    weekday = Grid(section(rota=[{"from": "22:00", "to": "02:00", "days": ["mon"]}]), clock)
    off = [h for h in range(72) if weekday.is_planned_off(h * hour)]
    assert off == [22, 23, 24, 25]
    every = Grid(section(rota=[{"from": "06:00", "to": "08:00", "every": 2, "first": 1}]), clock)
    assert [h for h in range(120) if every.is_planned_off(h * hour)] == [30, 31, 78, 79]
    whole = Grid(section(rota=[{"from": "00:00", "to": "24:00", "days": ["tue"]}]), clock)
    assert [h for h in range(72) if whole.is_planned_off(h * hour)] == list(range(24, 48))


def test_voltage_and_frequency_events_step_ramp_and_add_up() -> None:
    event = {"time": 10, "quantity": "frequency", "delta": -0.5, "duration": 20, "ramp": 5}
    sag = {"time": 12, "quantity": "voltage", "delta": -40, "duration": 3}
    grid = Grid(section(events=[event, sag, {**sag, "delta": -500, "time": 14, "duration": 0.5}]))

    def at(time_s: float) -> tuple[float, float]:
        grid.update(time_s)
        return grid.frequency_hz, grid.voltage_v

    assert at(9.9) == (50.0, 400.0) and at(12.5) == (49.75, 360.0)
    assert at(14.2) == (pytest.approx(49.58), 0.0)  # two sags at once, not below 0
    assert at(15.0) == (49.5, 400.0) and at(30.0) == (49.5, 400.0) and at(32.5) == (49.75, 400.0)
    assert at(35.0) == (50.0, 400.0)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1e6), st.floats(-1e3, 1e3), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 3e6), st.booleans())
def test_an_event_stays_between_nothing_and_its_delta(
    time: float, delta: float, duration: float, ramp: float, at_s: float, nothing: bool
) -> None:
    duration = 0.0 if nothing else duration
    keys = {"time": time, "quantity": "voltage", "delta": delta, "duration": duration, "ramp": ramp}
    (event,) = section(events=[keys]).events
    now = event.delta_at(at_s)
    low, high = sorted((0.0, delta))
    assert low - 1e-9 <= now <= high + 1e-9
    if nothing or at_s < time:
        assert now == 0.0


# -- islands ------------------------------------------------------------------------------------


def test_an_island_carries_the_house_and_the_grid_carries_nothing() -> None:
    config = replace(QUIET, loads=(LoadConfig("kettle", 2000.0, "A"),), grid=outage(2.0, 8.0))
    config = replace(config, events=(LoadEvent(4.25, "kettle", True), LoadEvent(5.75, "kettle", False)))
    ledger = Ledger()
    house = House(config, ledger=ledger)
    hybrid = Hybrid()
    assert isinstance(hybrid, Islanding)
    house.add_device(hybrid)
    # A device's power is that of the step before, so the grid takes over one step after the mains are back.
    assert powers(house, 10) == [600.0, *[0.0] * 7, 600.0, 600.0]
    assert hybrid.carried == pytest.approx([600.0, 600.0, 600.0 + 1500.0, 600.0 + 1500.0, 600.0, 600.0])
    assert ledger.devices["kettle"].sink_j == pytest.approx(3000.0)
    assert ledger.import_j == pytest.approx(4 * 600.0) and ledger.export_j < 1e-6 and ledger.leak_j < 1e-6


def test_an_inverter_on_one_phase_carries_that_phase() -> None:
    house = House(replace(QUIET, loads=(LoadConfig("lamp", 60.0, "B", True),), grid=outage(1.0, 5.0)))
    house.add_device(Hybrid(phase="B"))
    house.advance_to(3.0)
    assert house.lit == (False, True, False)
    assert house.device("hybrid").power_w == 260.0
    assert house.device("lamp").power_w == -60.0 and house.device("house: base load").power_w == -200.0


def test_too_large_a_load_takes_the_island_down_for_a_minute() -> None:
    config = replace(QUIET, loads=(LoadConfig("oven", 3000.0, "A"),), grid=outage(1.0, 300.0))
    house = House(replace(config, events=(LoadEvent(3.0, "oven", True), LoadEvent(4.0, "oven", False))))
    hybrid = Hybrid(island_max_w=1000.0)
    house.add_device(hybrid)
    house.advance_to(3.5)
    assert house.lit == (True, True, True)
    house.advance_to(4.5)  # the oven was on for a second: what it drew was given, and then it is dark
    assert hybrid.carried[-1] == pytest.approx(3600.0)
    house.advance_to(10.0)
    dark = len(hybrid.carried)
    house.advance_to(70.0)
    assert len(hybrid.carried) > dark


def test_an_island_ends_when_its_store_is_empty() -> None:
    house = House(replace(QUIET, grid=outage(1.0, 100.0)))
    house.add_device(Hybrid(store_j=600.0 * 2.5))
    assert [house.lit[0] for _ in range(6) if house.advance_to(house.now_s + 1.0) is None] == [
        True,  # the outage began: the next second is carried
        True,
        True,
        False,
        False,
        False,
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_leaks_through_outages(data: st.DataObject) -> None:
    draw = data.draw
    pairs = draw(st.lists(st.tuples(st.floats(0, 80), st.floats(0, 30)), max_size=4))
    plan = [{"from": begin, "to": begin + length} for begin, length in pairs]
    ledger = Ledger()
    config = HouseConfig(
        noise_w=draw(st.floats(0, 50)),
        sun=SunConfig(power_w=draw(st.floats(0, 1500)), phases=("A", "C")),
        loads=(LoadConfig("pump", 700.0, "C", True, 0.7, 1.9), LoadConfig("lamp", 60.0, "A")),
        grid=section(outages=plan, reconnect=draw(st.floats(0, 10))),
        step_s=draw(st.sampled_from([0.5, 1.0, 7.3])),
        seed=draw(st.integers(0, 99)),
    )
    house = House(config, ledger=ledger)
    for name in draw(st.sampled_from([(), ("A",), ("D",), ("A", "D")])):
        house.add_device(Hybrid(name, name, draw(st.floats(100, 3000)), draw(st.floats(0, 1e5))))
    for number in range(draw(st.integers(1, 12))):
        house.advance_to(house.now_s + draw(st.floats(0, 20)))
        match draw(st.sampled_from(["switch", "hand", "close", "add"])):
            case "switch":
                house.switch("lamp", draw(st.booleans()))
            case "hand":
                house.set_mains(draw(st.booleans()))
            case "close":
                house.close_tick()
            case "add":
                house.add_load(LoadConfig(f"more {number}", 10.0, "B", True))
        if not house.mains:
            assert house.grid_w() == (0.0, 0.0, 0.0)
    house.close_tick()
    assert ledger.leak_j <= 1e-9 * max(1.0, ledger.throughput_j)
    assert abs(ledger.balance_j) <= ledger.leak_j + 1e-6 * max(1.0, ledger.throughput_j)


# -- batteries ----------------------------------------------------------------------------------


def test_batteries_stand_in_an_outage_and_steer_again_after_it() -> None:
    config = replace(QUIET, base_load_w=(500.0,), noise_w=0.0, grid=outage(120.0, 180.0, reconnect=30.0))
    ledger = Ledger()
    loop = Loop(Scenario("outage", config, (battery(1),), duration_s=400), Emulator(), ledger=ledger)
    recording = loop.run()
    power_w, grid_w = recording.power_w[:, 0], recording.grid_total_w
    assert power_w[119] > 400.0
    assert not power_w[120:210].any() and not grid_w[120:180].any()
    assert grid_w[180:209] == pytest.approx(500.0)
    assert abs(grid_w[-60:]).max() < 50.0
    assert ledger.leak_j < 1e-9 * ledger.throughput_j


def test_a_full_battery_with_sun_on_its_own_terminals_gives_nothing_to_a_dark_house() -> None:
    spec = battery(1)
    config = replace(spec.config, max_dc_input_w=600.0, dc_input_w=600.0, initial_soc=1.0)
    house = replace(QUIET, grid=outage(10.0, 50.0))
    loop = Loop(Scenario("full", house, (replace(spec, config=config),), duration_s=60), Emulator())
    power_w = loop.run().power_w[:, 0]
    assert power_w[9] == 600.0 and not power_w[10:50].any() and power_w[51] == 600.0


def test_a_scenario_switches_the_mains_on_a_condition() -> None:
    document = {
        "name": "storm",
        "duration": 60,
        "house": {"powermeter": {"base_load": [500], "base_noise": 0}, "batteries": [BATTERY]},
        "events": [{"at": "20s", "mains": False}, {"when": {"grid_below": 1, "after": "30s"}, "mains": True}],
    }
    loop = Loop(parse_scenario(document), Emulator())
    grid_w = loop.run().grid_total_w
    assert not grid_w[20:30].any() and grid_w[32] == 500.0
    assert [text for _, text in loop.latest] == ["mains off", "mains lost", "mains on", "mains back"]


# -- the house file -----------------------------------------------------------------------------


def test_a_house_file_with_a_grid() -> None:
    document = {"batteries": [BATTERY], "date": "2026-07-01", "grid": {"outages": [{"from": 1, "to": 2}]}}
    config = parse_house(document).house_config()
    assert config.grid == outage(1.0, 2.0) and config.day.isoformat() == "2026-07-01"
    assert parse_house({"batteries": [BATTERY]}).house_config().grid is None


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"voltag": 1}, 'grid.voltag = 1: unknown key, did you mean "voltage"?'),
        ({"outages": [{"from": 5, "to": 4}]}, "grid.outages[0].to = 4: must not be before the beginning (5)"),
        ({"outages": [{"from": 5}]}, "grid.outages[0].to: required key is missing"),
        ({"rota": [{"from": "6:00", "to": "08:00"}]}, 'grid.rota[0].from = "6:00": '),
        ({"rota": [{"from": "06:00", "to": "06:00"}]}, 'grid.rota[0].to = "06:00": must differ'),
        ({"rota": [{"from": "06:00", "to": "07:00", "days": ["mo"]}]}, 'grid.rota[0].days[0] = "mo": '),
        ({"rota": [{"from": "06:00", "to": "07:00", "every": 2, "first": 2}]}, "grid.rota[0].first = 2: must be below"),
        ({"events": [{"time": 1, "quantity": "power", "delta": 1, "duration": 1}]}, "grid.events[0].quantity = "),
        ({"meter": "off"}, 'grid.meter = "off": '),
    ],
)
def test_a_mistake_in_the_section_is_one_line(grid: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_house({"batteries": [BATTERY], "grid": grid})
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_date_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match=r'date = "2026-02-30": there is no such day'):
        parse_house({"batteries": [BATTERY], "date": "2026-02-30"})
