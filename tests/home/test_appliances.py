"""Appliances: what each kind does, that it depends on seed and switching only, and CSV replay."""

import asyncio
import hashlib
import math
import pickle
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import (
    APPLIANCES,
    ConfigError,
    House,
    HouseConfig,
    Ledger,
    LoadConfig,
    LoadEvent,
    MeterConfig,
    ScaledClock,
    SteppedClock,
    SunConfig,
    drive,
    load_house_file,
    parse_appliance,
    parse_house,
)

BATTERY = {"mac": "02B250000001", "phase": "A"}
COARSE: dict[str, Any] = {"step_s": 60.0, "meter": MeterConfig(refresh_s=60.0)}  # appliances keep their own times
KINDS = sorted(set(APPLIANCES) - {"replay"})


def appliance(kind: str, **keys: object) -> Any:
    return parse_appliance({"name": kind, "kind": kind, "phase": "A", "active": True, **keys})


def house_with(*loads: Any, seed: int = 1, **changes: Any) -> House:
    sun = SunConfig(max_w=0.0, start_h=changes.pop("start_h", 0.0))
    return House(HouseConfig(base_load_w=(), noise_w=0.0, sun=sun, loads=loads, seed=seed, **changes), (), Ledger())


def played(load: Any, until_s: float, seed: int = 1, **changes: Any) -> list[tuple[float, float]]:
    """(time, power) at every change of power."""
    house = house_with(load, seed=seed, **changes)
    seen: list[tuple[float, float]] = []
    while house.next_event_s <= until_s:
        house.advance_to(house.next_event_s)
        if not seen or seen[-1][1] != house.loads[0].power_w:
            seen.append((house.now_s, house.loads[0].power_w))
    return seen


def used_wh(house: House) -> float:
    house.close_tick()
    assert house.ledger is not None and house.ledger.leak_j <= 1e-9 * max(1.0, house.ledger.throughput_j)
    return house.ledger.devices[house.loads[0].name].sink_j / 3600.0


def test_kettle_switches_itself_off_and_takes_about_as_long_each_time() -> None:
    house = house_with(appliance("kettle"))
    lengths = []
    for _ in range(20):
        began_s = house.now_s
        house.switch("kettle", True)
        while house.loads[0].active:
            assert house.grid_w() == (2000.0, 0.0, 0.0)
            house.advance_to(house.next_event_s)
        lengths.append(house.now_s - began_s)
        house.advance_to(house.now_s + 10.0)
    assert min(lengths) >= 126 and max(lengths) <= 234 and len(set(lengths)) == 20


def test_oven_heats_up_and_then_switches() -> None:
    changes = played(appliance("oven"), 7200.0)
    assert {power_w for _, power_w in changes} == {2460.0, 60.0}
    assert 500 < changes[1][0] < 800  # warm after about ten minutes
    assert len(changes) > 40
    house = house_with(appliance("oven"))
    house.advance_to(3600.0)
    before_wh = used_wh(house)
    house.set_load("oven", "target_c", 250.0)
    assert house.loads[0].power_w == 2460.0  # it heats at once
    house.advance_to(7200.0)
    assert used_wh(house) - before_wh > before_wh


def test_fridge_starts_its_compressor_some_thirty_times_a_day() -> None:
    changes = played(appliance("fridge"), 86400.0, **COARSE)
    starts = [time_s for time_s, power_w in changes if power_w == 600.0]
    assert 25 < len(starts) < 45
    others = [played(appliance("fridge"), 3600.0, seed=seed)[1][0] for seed in range(10)]
    assert len(set(others)) == 10  # two houses do not start theirs together


@pytest.mark.parametrize(
    ("kind", "minutes", "wh"),
    [
        ("washing_machine", (90, 120), (600, 1100)),
        ("dishwasher", (95, 135), (850, 1250)),
        ("tumble_dryer", (70, 110), (600, 1100)),
    ],
)
def test_programs_end_by_themselves(kind: str, minutes: tuple[int, int], wh: tuple[int, int]) -> None:
    changes = played(appliance(kind), 20000.0)
    assert changes[-1][1] == 0.0 and minutes[0] * 60 < changes[-1][0] < minutes[1] * 60
    house = house_with(appliance(kind))
    house.advance_to(20000.0)
    assert wh[0] < used_wh(house) < wh[1]


def test_a_program_is_data() -> None:
    steps = [{"power": 100, "duration_s": 10}, {"power": 500, "rest_power": 20, "duration_s": 7, "on_s": 2, "off_s": 3}]
    own = appliance("washing_machine", steps=steps, spread=0)
    assert played(own, 30.0) == [(0, 100), (10, 500), (12, 20), (15, 500), (17, 0)]


def test_hob_level_is_a_share_of_time_and_can_be_turned() -> None:
    house = house_with(appliance("induction_hob", level=3))
    house.advance_to(800.0)
    assert used_wh(house) == pytest.approx(1800 * 0.16 * 800 / 3600, rel=0.01)
    house.device("induction_hob").command("level", 9)
    assert house.loads[0].power_w == 1800
    house.advance_to(1000.0)
    assert house.loads[0].power_w == 1800
    for value in (0, 10, 2.5, True, "3"):
        with pytest.raises(ValueError, match="must be one of 1, 2, 3"):
            house.device("induction_hob").command("level", value)


def test_heat_pump_keeps_its_least_times_and_follows_the_cold() -> None:
    mild = played(appliance("heat_pump", mean_c=14, swing_c=2, idle_power=0), 3 * 86400.0, **COARSE)
    edges = [(time_s, power_w > 0) for time_s, power_w in mild]
    edges = [edge for i, edge in enumerate(edges) if i == 0 or edge[1] != edges[i - 1][1]]
    spans = [(on, end_s - start_s) for (start_s, on), (end_s, _) in pairwise(edges)]
    assert len(spans) > 20
    assert all(length_s >= 600 for _, length_s in spans[1:])
    assert all(power_w == 0 or 700 <= power_w <= 3000 for _, power_w in mild)

    def mean_w(mean_c: float) -> float:
        house = house_with(appliance("heat_pump", mean_c=mean_c, idle_power=0), **COARSE)
        house.advance_to(3 * 86400.0)
        return used_wh(house) / 72

    # 180 W per degree at a COP of 3.5
    assert mean_w(5.0) == pytest.approx(15 * 180 / 3.5, rel=0.05)
    assert mean_w(-5.0) == pytest.approx(25 * 180 / 3.5, rel=0.05)


def test_what_a_pausing_load_draws_is_on_the_grid() -> None:
    house = house_with(appliance("heat_pump", idle_power=25))
    assert not house.loads[0].running
    assert house.grid_w() == (25.0, 0.0, 0.0)


def test_car_charges_its_session_with_ramp_and_taper() -> None:
    car = appliance("ev_charger", energy_wh=5000, spread=0)
    changes = played(car, 7200.0)
    assert changes[0] == (0.0, 0.0) and changes[1] == (5.0, 4140.0)
    rises = [b[1] - a[1] for a, b in pairwise(changes[1:])]
    assert max(rises) == 500.0 and max(power_w for _, power_w in changes) == 11000.0
    assert changes[-1][1] == 0.0 and 4140 <= changes[-2][1] < 5000
    house = house_with(car)
    house.advance_to(7200.0)
    assert used_wh(house) == pytest.approx(5000, abs=0.01)


def test_car_obeys_its_limit_and_pauses_below_the_least() -> None:
    house = house_with(appliance("ev_charger", energy_wh=5000, spread=0, phase="D"))
    house.advance_to(100.0)
    car = house.device("ev_charger")
    car.command("limit_w", 6000.0)
    house.advance_to(130.0)
    assert house.grid_w() == pytest.approx((2000, 2000, 2000))
    car.command("limit_w", 1000.0)
    house.advance_to(500.0)
    assert car.telemetry() == {"power_w": 0.0, "active": 1.0, "running": 0.0}
    car.command("limit_w", 11000.0)
    house.advance_to(10000.0)
    assert not house.loads[0].active
    assert used_wh(house) == pytest.approx(5000, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_stays_within_its_rating_and_survives_pickling(kind: str) -> None:
    load = pickle.loads(pickle.dumps(appliance(kind, phase="D")))
    powers = [power_w for _, power_w in played(load, 6 * 3600.0)]
    highest_w = load.power_w + getattr(load, "idle_power", 0.0)
    if kind in ("fridge", "freezer"):
        highest_w = load.start_power
    assert min(powers) >= 0 and max(powers) <= highest_w * (1.2 if kind in ("television", "base_load") else 1)
    assert max(powers) > 0


_NUMBERS = st.one_of(
    st.sampled_from([0, 1, 1e-300, 1e-3, 1e12, -1e12, 24, 0.5]),
    st.floats(-1e12, 1e12),
    st.floats(0, 1),
    st.floats(0, 5000),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_whatever_numbers_are_accepted_the_appliance_runs(kind: str, data: st.DataObject) -> None:
    numeric = [key for key, field in APPLIANCES[kind].model_fields.items() if isinstance(field.default, float)]
    keys = data.draw(st.dictionaries(st.sampled_from(numeric or ["spread"]), _NUMBERS, max_size=4))
    try:
        load = appliance(kind, **keys)
    except ConfigError as error:
        assert "\n" not in str(error)
        return
    house = house_with(load, **COARSE)
    for _ in range(200):
        house.advance_to(house.next_event_s)
        assert math.isfinite(house.loads[0].power_w) and house.loads[0].power_w >= 0
    house.switch(kind, False)
    house.switch(kind, True)
    for name, command in load.settings.items():
        for value in command.choices or (command.low, command.high):
            house.set_load(kind, name, value)
            house.advance_to(house.next_event_s)
    assert math.isfinite(sum(house.grid_w()))


# -- determinism -------------------------------------------------------------------------------


def busy_house() -> House:
    """All kinds at once, with loads, events, sun and noise."""
    document = {
        "batteries": [BATTERY],
        "seed": 11,
        "powermeter": {
            "noise_tau": 5,
            "sun": {"mode": "clear_sky", "clouds": 0.8},
            "loads": [{"name": "pump", "power": 300, "phase": "B", "on_s": 1.3, "off_s": 2.9, "active": True}],
            "appliances": [
                {"name": f"my {kind}", "kind": kind, "phase": "ABCD"[i % 4], "active": i % 3 > 0}
                for i, kind in enumerate(KINDS)
            ],
            "events": [
                {"time": 7.7, "load": f"my {KINDS[0]}", "active": True},
                {"time": 30, "load": "my oven", "active": False},
                {"time": 31, "load": "my oven", "active": True},
            ],
        },
    }
    return House(parse_house(document).house_config())


def row(house: House) -> bytes:
    reading = house.meter.reading
    return struct.pack("4d", house.now_s, *house.grid_w()) + (struct.pack("3d", *reading.values_w) if reading else b"")


def trace_of(house: House, clock: Any, end_s: float, pump: Any = None) -> str:
    digest = hashlib.sha256()

    async def run() -> None:
        task = asyncio.create_task(drive(house, clock, end_s, watch=lambda: digest.update(row(house))))
        if pump:
            await pump(task)
        await task

    asyncio.run(run())
    return digest.hexdigest()


def stepped_trace(chunk_s: float, end_s: float = 60.0) -> str:
    clock = SteppedClock()

    async def pump(task: "asyncio.Task[None]") -> None:
        while not task.done():
            clock.advance(chunk_s)
            for _ in range(3):
                await asyncio.sleep(0)

    return trace_of(busy_house(), clock, end_s, pump)


def test_same_trace_in_stepped_and_scaled_time_and_in_another_process() -> None:
    stepped = stepped_trace(0.25)
    assert stepped == stepped_trace(0.25) == stepped_trace(7.0)
    assert stepped == trace_of(busy_house(), ScaledClock(120.0), 60.0)
    program = (
        f"import importlib.util as u; s = u.spec_from_file_location('t', {__file__!r}); m = u.module_from_spec(s);"
        "s.loader.exec_module(m); print(m.stepped_trace(1.0))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == stepped


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1800), max_size=30))
def test_sub_steps_change_nothing(stops: list[float]) -> None:
    whole, parts = busy_house(), busy_house()
    for stop in sorted(stops):
        parts.advance_to(stop)
    whole.advance_to(1800.0)
    parts.advance_to(1800.0)
    assert row(whole) == row(parts)


# -- while it runs -----------------------------------------------------------------------------


def test_loads_come_and_go_while_the_house_runs() -> None:
    house = house_with(LoadConfig("lamp", 40.0, "A", active=True), events=(LoadEvent(50.0, "lamp", False),))
    house.advance_to(10.0)
    house.add_load(appliance("toaster", phase="B"))
    house.add_load(LoadConfig("fan", 25.0, "C"))
    assert house.grid_w() == (40.0, 900.0, 0.0)
    house.switch("fan", True)
    assert [load.name for load in house.loads] == ["lamp", "toaster", "fan"]
    assert [(load.kind, load.phase, load.rated_w) for load in house.loads[1:]] == [
        ("toaster", "B", 900),
        ("load", "C", 25),
    ]
    house.remove_load("lamp")
    assert house.grid_w() == (0.0, 900.0, 25.0)
    house.advance_to(400.0)  # the event of the lamp is gone with it
    assert house.grid_w() == (0.0, 0.0, 25.0)
    house.add_load(LoadConfig("lamp", 60.0, "A", active=True))  # the name is free again
    assert house.grid_w()[0] == 60.0
    for action in (lambda: house.add_load(LoadConfig("lamp", 1.0)), lambda: house.remove_load("lmap")):
        with pytest.raises(ValueError, match=r"taken|no load called"):
            action()
    with pytest.raises(ValueError, match="does not have"):
        house_with(phases=1).add_load(appliance("kettle", phase="B"))
    house.close_tick()
    assert house.ledger is not None and house.ledger.leak_j < 1e-6


def test_house_file_appliances_are_switched_by_events() -> None:
    power = {
        "phases": 1,
        "base_load": [0],
        "base_noise": 0,
        "appliances": [{"name": "tea", "kind": "kettle", "phase": "D", "spread": 0, "power": 1500}],
        "events": [{"time": 5, "load": "tea", "active": True}],
    }
    house = House(parse_house({"batteries": [BATTERY], "powermeter": power}).house_config())
    seen = []
    for second in range(0, 200, 5):
        house.advance_to(second)
        seen.append(house.grid_w()[0])
    assert seen == [0.0] + [1500.0] * 36 + [0.0] * 3


# -- CSV ---------------------------------------------------------------------------------------


def replay(path: Path, text: str, **keys: object) -> Any:
    path.write_text(text, encoding="utf-8")
    return appliance("replay", **{"file": str(path), "column": "power_w", **keys})


def test_replay_plays_a_column(tmp_path: Path) -> None:
    load = replay(tmp_path / "a.csv", "time,other,power_w\n100,1,50\n110,1,0\n112.5,1,-30\n")
    assert played(load, 60.0) == [(0, 50), (10, 0), (12.5, -30), (15, 0)]
    assert load.power_w == 50
    house = house_with(load)
    house.advance_to(60.0)
    assert not house.loads[0].active
    looped = replay(tmp_path / "a.csv", "time;power_w\n0;1,5\n".replace(",", ".") + "4;3\n", loop=True, scale=1000)
    assert played(looped, 17.0) == [(0, 1500), (4, 3000), (8, 1500), (12, 3000), (16, 1500)]


def test_replay_reads_dates_and_paths_beside_the_house_file(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("when\tP\n2026-01-01T00:00:00Z\t10\n2026-01-01T00:01:00Z\t20\n")
    (tmp_path / "h.yaml").write_text(
        "batteries: [{mac: '02B250000001', phase: A}]\n"
        "powermeter:\n  appliances:\n"
        "    - {name: r, kind: replay, phase: A, file: p.csv, column: P, time_column: when, active: true}\n"
    )
    house = House(load_house_file(tmp_path / "h.yaml").house_config())
    house.advance_to(59.0)
    assert house.loads[0].power_w == 10
    house.advance_to(60.0)
    assert house.loads[0].power_w == 20


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (
            "time,power\n0,1\n1,2\n",
            {},
            'a: column = "power_w": the file has no column "power_w", did you mean "power"?',
        ),
        (
            "t,power_w\n0,1\n1,2\n",
            {},
            'a: time_column = "time": the file has no column "time" (the file has: t, power_w)',
        ),
        ("time,power_w\n0,1\n", {}, "needs a header and at least two rows"),
        ("", {}, "the file has no column"),
        ("time,power_w\n0,1\n0,2\n", {}, "line 3: the time must be later than in the row before"),
        ("time,power_w\n0,1\n1,x\n", {}, "line 3: 'x' is not a number"),
        ("time,power_w\n0,1\n1,inf\n", {}, "line 3: 'inf' is not a number"),
        ("time,power_w\n0,1\nnoon,2\n", {}, "line 3: 'noon' is not a time"),
        ("time,power_w\n0,1\n1\n", {}, "line 3: '' is not a number"),
        ("time,power_w\n0,1\n1," + "2" * 200_000, {}, "is not CSV: field larger"),
        ("time,power_w\n0,1\n1,2\n", {"file": "absent.csv"}, "cannot be read: No such file"),
        ("time,power_w\n0,1\n1,2\n", {"file": "/"}, "cannot be read: Is a directory"),
        ("time,power_w\n0,1\n1,2\n", {"file": "a\0b"}, "cannot be read"),
        ("time,power_w\n0,1\n1,2\n", {"scale": math.nan}, "scale = NaN: must be a finite number"),
    ],
)
def test_a_replay_that_cannot_work_is_one_line(
    tmp_path: Path, text: str, keys: dict[str, object], message: str
) -> None:
    (tmp_path / "a.csv").write_text(text)
    entry = {"name": "r", "kind": "replay", "phase": "A", "file": str(tmp_path / "a.csv"), "column": "power_w", **keys}
    with pytest.raises(ConfigError) as caught:
        parse_appliance(entry, "a")
    assert message in str(caught.value) and "\n" not in str(caught.value)
