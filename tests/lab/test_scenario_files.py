"""Scenario files: what is read, what happens in the run, and that every mistake is one helpful line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import ConfigError, HouseFile
from nullwatt.lab import SCENARIOS, Scenario, load_scenario, parse_scenario, run, run_naive, run_side_by_side, shipped
from nullwatt.lab.scenario_events import EventSection, WhenSection
from nullwatt.lab.scenario_file import ExpectationSection, ScenarioFile

HOUSE: dict[str, Any] = {
    "powermeter": {
        "phases": 1,
        "base_load": [300],
        "base_noise": 0,
        "loads": [{"name": "kettle", "power": 1000, "phase": "A"}, {"name": "lamp", "power": 100, "phase": "A"}],
    },
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "VNSE3-0"},
        {"mac": "02B250000002", "phase": "A", "meter_dev_type": "HMG-50", "max_dc_input": 500},
    ],
}


def document(*events: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"duration": "3min", "house": HOUSE, "events": list(events), **keys}


def scenario(*events: dict[str, Any], **keys: Any) -> Scenario:
    return parse_scenario(document(*events, **keys))


def happened(*events: dict[str, Any], **keys: Any) -> list[tuple[float, str]]:
    return list(run(scenario(*events, **keys)).happened)


def error_of(broken: object) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_scenario(broken, "evening.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what is read


@pytest.mark.parametrize(
    ("given_time", "seconds"),
    [(90, 90), ("90s", 90), ("5min", 300), ("1h30min", 5400), ("1h 30min", 5400), ("0.5h", 1800), ("1d", 86400)],
)
def test_times_are_seconds_or_have_units(given_time: object, seconds: int) -> None:
    assert parse_scenario({"duration": given_time, "house": HOUSE}).duration_s == seconds


def test_yaml_and_json_give_the_same_scenario(tmp_path: Path) -> None:
    content = document({"at": "30s", "switch_on": "kettle"}, name="tea", description="tea", seed=4)
    (tmp_path / "tea.json").write_text(json.dumps(content))
    (tmp_path / "tea.yaml").write_text("# a comment\n" + json.dumps(content))
    read = load_scenario(tmp_path / "tea.yaml")
    assert read == load_scenario(tmp_path / "tea.json")
    assert (read.name, read.title, read.seed, read.house.seed) == ("tea", "tea", 4, 4)


def test_name_is_the_files_and_the_seed_the_houses_unless_given(tmp_path: Path) -> None:
    (tmp_path / "tea time.json").write_text(json.dumps({"duration": 60, "house": {**HOUSE, "seed": 7}}))
    read = load_scenario(tmp_path / "tea time.json")
    assert (read.name, read.seed) == ("tea time", 7)


def test_house_may_be_a_file_of_its_own_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "home.json").write_text(json.dumps(HOUSE))
    (tmp_path / "tea.json").write_text(json.dumps({"duration": 60, "house": "home.json"}))
    inline = parse_scenario({"duration": 60, "house": HOUSE, "name": "tea"})
    assert load_scenario(tmp_path / "tea.json") == inline


def test_options_reach_the_core() -> None:
    relay = run(scenario(options={"active_control": False}))
    assert not relay.fair and run(scenario()).fair


# --- events at times


def test_loads_are_switched_at_the_second_and_scored_as_steps() -> None:
    result = run(scenario({"at": 60, "switch_on": ["kettle", "lamp"]}, {"at": "2min", "switch_off": "kettle"}))
    demand_w = result.recording.demand_w
    assert (demand_w[59], demand_w[60], demand_w[120]) == (300, 1400, 400)
    assert result.steps_s == (60, 120)
    assert result.happened == ((60, "kettle on"), (60, "lamp on"), (120, "kettle off"))


def test_sun_comes_at_its_second() -> None:
    result = run(scenario({"at": 60, "solar": 500}))
    assert (result.recording.demand_w[58], result.recording.demand_w[62]) == (300, -200)
    assert result.steps_s == (60,)


def test_batteries_hold_while_the_meter_is_lost_and_follow_when_it_is_back() -> None:
    result = run(scenario({"at": 60, "meter": "lost"}, {"at": 70, "switch_on": "kettle"}, {"at": 120, "meter": "back"}))
    grid_w = result.recording.grid_total_w
    assert grid_w[75:118].min() > 900 and abs(grid_w[150:]).max() < 50


def test_late_meter_delays_what_the_batteries_do() -> None:
    def reaction_s(**keys: Any) -> int:
        result = run(scenario({"at": 50, **keys}, {"at": 60, "switch_on": "kettle"}))
        return int(np.argmax(result.recording.power_w.sum(axis=1)[60:] > 500))

    assert reaction_s(meter_latency="6s") - reaction_s(meter_latency=0.5) in (5, 6, 7)


def test_silent_battery_is_not_steered_until_it_is_back() -> None:
    result = run(
        scenario(
            {"at": 60, "battery": 2, "silent": True},
            {"at": 62, "switch_on": "kettle"},
            {"at": 120, "battery": 2, "silent": False},
        )
    )
    target_w = result.recording.target_w[:, 1]
    assert np.ptp(target_w[62:119]) == 0 and target_w[130] != target_w[118]


@pytest.mark.parametrize(
    ("event", "column", "expected"),
    [
        ({"soc": 0.25}, "soc", 0.25),
        ({"dc_input": 200}, "dc_w", 200),
        ({"app_power": -350}, "power_w", -350),
        ({"max_discharge": 30}, "power_w", 30),
        ({"override": {"manual": True, "manual_target": 400}}, "power_w", 400),
        ({"override": {"active": False}}, "power_w", 0),
        ({"override": {"max_discharge": 40}}, "power_w", 40),
    ],
)
def test_battery_actions_reach_that_battery(event: dict[str, Any], column: str, expected: float) -> None:
    result = run(scenario({"at": 30, "battery": 2, **event}))
    values = getattr(result.recording, column)
    tolerance = 0.01 if column == "soc" else 15
    assert values[90, 1] == pytest.approx(expected, abs=tolerance)
    assert values[90, 0] != pytest.approx(expected, abs=tolerance)


def test_app_lets_go_again() -> None:
    events = ({"at": 30, "battery": 1, "app_power": 700}, {"at": 90, "battery": 1, "app_release": True})
    power_w = run(scenario(*events)).recording.power_w[:, 0]
    assert power_w[85] == pytest.approx(700) and 50 < power_w[150] < 400


def test_core_is_tuned_while_it_runs() -> None:
    grid_w = run(scenario({"at": 60, "tune": {"grid_target": 80}})).recording.grid_total_w
    assert grid_w[55] == pytest.approx(0, abs=10) and grid_w[150] == pytest.approx(80, abs=10)


def test_control_is_switched_off_and_on() -> None:
    off, kettle = {"at": 60, "active_control": False}, {"at": 70, "switch_on": "kettle"}
    steered_w, relayed_w, back_w = (
        run(scenario(kettle, *events)).recording.target_w
        for events in ((), (off,), (off, {"at": 65, "active_control": True}))
    )
    assert (steered_w[:60] == relayed_w[:60]).all()
    # Each battery answers the whole step alone.
    assert relayed_w[70:80].sum(axis=1).max() > 1550 > steered_w[70:80].sum(axis=1).max()
    assert back_w[70:80].sum(axis=1).max() < 1550


def test_rotation_is_forced() -> None:
    house = {
        **HOUSE,
        "batteries": [{**HOUSE["batteries"][0], "mac": f"02B25000000{n}", "min_power": 5} for n in (1, 2)],
    }
    options = {"min_efficient_power": 400, "efficiency_rotation_interval": 10_000}
    kept = run(scenario(house=house, options=options)).recording.power_w
    turned = run(scenario({"at": 60, "rotate": True}, house=house, options=options)).recording.power_w
    assert kept[55].argmax() == kept[-1].argmax()
    assert turned[55].argmax() != turned[-1].argmax()


def test_naive_controller_plays_the_same_file() -> None:
    played = scenario({"at": 60, "tune": {"grid_target": 80}}, {"at": 70, "battery": 1, "override": {"weight": 2}})
    assert run_naive(played).happened == run(played).happened


# --- mains, weather, faults, devices


def seen(watched: dict[str, Any], *events: dict[str, Any], **keys: Any) -> list[dict[str, float]]:
    """What is looked at second by second; watched: name -> function of the loop."""
    rows: list[dict[str, float]] = []
    run(
        scenario(*events, **keys),
        watch=lambda loop: rows.append({name: look(loop) for name, look in watched.items()}),
    )
    return rows


def test_mains_are_off_for_a_while_and_batteries_wait_before_they_are_back() -> None:
    result = run(scenario({"at": 60, "mains": False, "for": "30s"}))
    power_w = result.recording.power_w.sum(axis=1)
    assert power_w[58] > 250 and not power_w[62:150].any() and power_w[175] > 250
    assert result.happened == ((60, "mains off"), (90, "mains on"))


def test_voltage_and_frequency_go_to_a_level_and_back() -> None:
    rows = seen(
        {
            "volts": lambda loop: loop.house.surroundings.voltage_ll_v,
            "hz": lambda loop: loop.house.surroundings.frequency_hz,
        },
        {"at": 10, "voltage": 340, "for": "20s"},
        {"at": 40, "frequency": 49, "ramp": "10s"},
        {"at": 60, "frequency": 50.5},
        {"at": 70, "voltage": 410},
        {"at": 80, "voltage": 390},
    )
    assert [rows[second]["volts"] for second in (9, 12, 28, 32, 75, 85)] == [400, 340, 340, 400, 410, 390]
    assert [rows[second]["hz"] for second in (39, 45, 55, 65)] == [50, 49.5, 49, 50.5]


def test_levels_are_those_of_the_mains_of_the_house() -> None:
    house = {
        **HOUSE,
        "grid": {"voltage": 230, "events": [{"time": 20, "quantity": "voltage", "delta": 5, "duration": 9}]},
    }
    rows = seen({"volts": lambda loop: loop.house.grid.voltage_v}, {"at": 10, "voltage": 200}, house=house)
    assert [rows[second]["volts"] for second in (5, 15, 25, 35)] == [230, 200, 205, 200]


def test_a_house_without_weather_has_clouds() -> None:
    house = {**HOUSE, "powermeter": {**HOUSE["powermeter"], "sun": {"mode": "clear_sky"}}}
    rows = seen(
        {"solar": lambda loop: loop.house.solar_w},
        {"at": 20, "weather": {"clouds": 1.0}, "for": "60s"},
        house=house,
    )
    assert len({row["solar"] for row in rows[:20]}) < 25
    assert rows[50]["solar"] < rows[10]["solar"] and rows[100]["solar"] == pytest.approx(rows[10]["solar"], rel=0.01)


SKY = {
    "weather": {"latitude": 48, "longitude": 9, "start": "2026-06-21T12:00", "wander_k": 0},
    "pv": [{"name": "roof", "phase": "A", "strings": [{"peak_w": 5000}], "reconnect_s": 20}],
    "hybrid": [{"name": "cellar", "phase": "A", "mppts": [{"strings": [{"peak_w": 5000}]}], "reconnect_s": 20}],
}


def test_weather_is_held_for_a_while() -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    rows = seen(
        {
            "sun": lambda loop: loop.house.surroundings.irradiance_w_m2,
            "air": lambda loop: loop.house.surroundings.ambient_c,
            "roof": lambda loop: loop.house.device("roof").power_w,
        },
        {"at": 20, "weather": {"clouds": 1, "transparency": 0.1, "temperature": -5}, "for": "60s"},
        house={**HOUSE, **SKY},
    )
    before, during, after = rows[15], rows[60], rows[100]
    assert during["sun"] == pytest.approx(0.1 * before["sun"], rel=0.02) and during["air"] == -5
    assert during["roof"] < 0.3 * before["roof"]
    assert after["sun"] == pytest.approx(before["sun"], rel=0.01) and after["air"] == pytest.approx(
        before["air"], rel=0.01
    )


@pytest.mark.parametrize("device", ["roof", "cellar"])
def test_a_faulty_inverter_gives_nothing_and_waits_before_it_is_back(device: str) -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    watched = {
        "power": lambda loop: loop.house.device(device).power_w,
        "fault": lambda loop: loop.house.device(device).telemetry()["fault"],
    }
    rows = seen(watched, {"at": 60, "device": device, "fault": True, "for": "30s"}, house={**HOUSE, **SKY})
    assert [abs(rows[second]["power"]) > 100 for second in (55, 65, 85, 105, 120)] == [True, False, False, False, True]
    assert [rows[second]["fault"] for second in (55, 65, 95)] == [0, 1, 0]


def test_devices_are_told_what_is_in_their_tables() -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    events = (
        {"at": 60, "device": "roof", "set": {"limit_percent": 10}},
        {"at": 60, "device": "cellar", "set": {"mode": "backup", "reserve_soc": 0.3}},
        {"at": 90, "device": "lamp", "set": {"active": True}},
    )
    watched = {
        "roof": lambda loop: loop.house.device("roof").power_w,
        "mode": lambda loop: loop.house.device("cellar").telemetry()["mode"],
        "lamp": lambda loop: loop.house.device("lamp").power_w,
    }
    rows = seen(watched, *events, house={**HOUSE, **SKY})
    assert rows[50]["roof"] > 1000 and rows[70]["roof"] == pytest.approx(500, rel=0.01)
    assert rows[70]["mode"] != rows[50]["mode"] and (rows[80]["lamp"], rows[100]["lamp"]) == (0, -100)
    told = happened({"at": 9, "device": "cellar", "set": {"mode": "backup", "on": False}}, house={**HOUSE, **SKY})
    assert told == [(9, "cellar: mode = backup"), (9, "cellar: on = false")]


def test_a_faulty_battery_gives_nothing_and_the_other_takes_over() -> None:
    kettle = {"at": 130, "switch_on": "kettle"}
    result = run(scenario({"at": 60, "battery": 1, "fault": True, "for": "60s"}, kettle))
    power_w = result.recording.power_w
    assert power_w[58, 0] > 100 and not power_w[61:119, 0].any() and power_w[170, 0] > 100
    assert power_w[110, 1] == pytest.approx(300, abs=20)
    # Neither mains that come back nor a poll repair it.
    both = run(
        scenario(
            {"at": 30, "battery": 1, "fault": True},
            {"at": 40, "battery": 1, "silent": False},
            {"at": 50, "mains": False, "for": "5s"},
        )
    )
    assert not both.recording.power_w[32:, 0].any() and both.recording.power_w[175, 1] > 250


def test_what_a_condition_brings_about_ends_after_its_time_too() -> None:
    told = happened(
        {"when": {"grid_below": 1000, "after": 30}, "meter": "lost", "for": "20s"},
        {"when": {"grid_below": 1000, "after": 40}, "battery": 2, "silent": True, "for": "1s"},
    )
    assert told == [(30, "meter lost"), (40, "battery 2: offline"), (41, "battery 2: online"), (50, "meter back")]


# --- events on conditions


def test_condition_on_the_grid_must_hold_for_its_time() -> None:
    # Without a meter the kettle stays on the grid, so the condition holds from 60 s on.
    meter_lost = {"at": 50, "meter": "lost"}
    kettle = {"at": 60, "switch_on": "kettle"}
    lamp = {"when": {"grid_above": 500, "for": "20s"}, "switch_on": "lamp"}
    assert happened(meter_lost, kettle, lamp)[-1] == (80, "lamp on")
    assert len(happened(meter_lost, kettle, {"at": 75, "switch_off": "kettle"}, lamp)) == 3
    assert len(happened(meter_lost, {"when": {"grid_below": -500}, "switch_on": "lamp"})) == 1


def test_conditions_wait_for_their_time_and_all_must_hold() -> None:
    soc = {"battery": 1, "soc_below": 0.9}
    assert happened({"when": {**soc, "after": "70s"}, "solar": 10}) == [(70, "solar 10 W")]
    assert happened({"when": {**soc, "grid_above": 5000}, "solar": 10}) == []
    assert happened({"when": {"battery": 1, "soc_above": 0.9}, "solar": 10}) == []


def test_condition_looks_at_its_own_battery() -> None:
    full = {"at": 30, "battery": 2, "soc": 1.0}
    assert happened(full, {"when": {"battery": 2, "soc_above": 0.95}, "solar": 10})[-1] == (30, "solar 10 W")
    assert happened(full, {"when": {"battery": 1, "soc_above": 0.95}, "solar": 10}) == [(30, "battery 2: soc 1")]
    paused = {"at": 30, "battery": 1, "override": {"active": False}}
    (_, (time_s, _)) = happened(paused, {"when": {"battery": 1, "power_below": 1, "after": 20}, "solar": 10})
    assert 30 < time_s < 60


def test_time_of_day_comes_once_or_every_day() -> None:
    rare = {**HOUSE["batteries"][0], "poll_interval": 60}
    house = {**HOUSE, "powermeter": {**HOUSE["powermeter"], "sun": {"start": 18}}, "batteries": [rare]}
    told = happened(
        {"when": {"time_of_day": "18:05"}, "switch_on": "lamp"},
        {"when": {"time_of_day": "18:05"}, "repeat": True, "solar": 1},
        {"when": {"time_of_day": "17:59"}, "switch_on": "kettle"},
        house=house,
        duration="24h 10min",
    )
    day_s = 24 * 3600
    assert told == [
        (300, "lamp on"),
        (300, "solar 1 W"),
        (day_s - 60, "kettle on"),
        (day_s + 300, "solar 1 W"),
    ]


def test_what_a_condition_switches_is_scored_as_a_step() -> None:
    result = run(scenario({"when": {"grid_below": 50, "for": "30s", "after": 30}, "switch_on": "kettle"}))
    ((fired_s, _),) = result.happened
    assert result.recording.demand_w[round(fired_s)] == 300 and result.recording.demand_w[round(fired_s) + 1] == 1300
    assert result.metrics.settle_mean_s is not None and result.metrics.settle_mean_s > 1


# --- replay


def test_same_seed_same_hash_of_the_whole_trace_on_three_runs() -> None:
    played = load_scenario(shipped()["joins_and_leaves"])
    events = ({"when": {"grid_above": 300, "for": 2}, "repeat": True, "switch_on": "lamp"},)
    noisy = scenario(
        *events,
        {"at": 60, "switch_on": "kettle"},
        house={
            **HOUSE,
            "powermeter": {**HOUSE["powermeter"], "base_noise": 50},
            "batteries": [{**HOUSE["batteries"][0], "jitter": 0.3, "request_loss": 0.1}],
        },
    )
    for each in (played, noisy):
        hashes = {run_side_by_side([each], jobs=jobs)[0].trace_sha256 for jobs in (1, 1, 2)}
        assert len(hashes) == 1 and len(hashes.pop()) == 64


def test_hash_tells_seeds_and_single_bits_apart() -> None:
    played = load_scenario(shipped()["meter_lost_minute"])
    first = run(played).recording
    assert first.sha256 != run(played, seed=2).recording.sha256
    power_w = first.power_w.copy()
    power_w[300, 0] = np.nextafter(power_w[300, 0], np.inf)
    assert replace(first, power_w=power_w).sha256 != first.sha256


def test_files_are_played_as_written_whatever_the_seed() -> None:
    played = scenario({"at": 60, "switch_on": "kettle"}, seed=5)
    (once,) = run_side_by_side([played], jobs=1)
    (twice,) = run_side_by_side([played], seeds=2, jobs=1, seed=8)
    assert (once.first.core.seed, twice.first.core.seed) == (5, 8)
    assert once.first.core.happened == twice.first.core.happened == ((60, "kettle on"),)
    assert once.trace_sha256 == run(played).recording.sha256


def test_progress_tells_every_simulated_second() -> None:
    from nullwatt.lab import to_play_s

    for scenarios, jobs in (([scenario()], None), ([scenario(), scenario(name="two", duration=61)], 1)):
        told: list[float] = []
        run_side_by_side(scenarios, jobs=jobs, progress=told.append)
        assert sum(told) == to_play_s(scenarios) and len(told) > 3


# --- shipped files


@pytest.mark.parametrize("name", shipped())
def test_shipped_files_are_named_and_described(name: str) -> None:
    read = load_scenario(shipped()[name])
    assert read.name == name and read.title and read.expectations
    assert name not in SCENARIOS


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in shipped()])
def test_shipped_files_hold_what_they_expect(name: str) -> None:
    read = load_scenario(shipped()[name])
    result = run(read)
    failed = [outcome for outcome in (expectation.check(result) for expectation in read.expectations) if not outcome.ok]
    assert failed == []
    # Batteries that nobody controls do not pass.
    alone = run(replace(read, options={"active_control": False}))
    assert not all(expectation.check(alone).ok for expectation in read.expectations)


# --- mistakes

AT = {"at": 10}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ([], "evening.yaml: must be an object with the key duration"),
        ({"house": HOUSE}, "evening.yaml: duration: required key is missing"),
        ({"duraton": 60, "house": HOUSE}, 'duraton = 60: unknown key, did you mean "duration"?'),
        ({"duration": 60}, "house: required key is missing"),
        ({"duration": "5 minutes", "house": HOUSE}, 'duration = "5 minutes": must be seconds, or a text such as "90s"'),
        ({"duration": 0.5, "house": HOUSE}, "duration = 0.5: must be whole seconds, at least 1"),
        ({"duration": "32d", "house": HOUSE}, "duration = "),
        ({"duration": 60, "house": {"batteries": []}}, "evening.yaml: house: batteries = []: must not be empty"),
        ({"duration": 60, "house": 5}, "evening.yaml: house: must be an object with the key batteries, not 5"),
        ({"duration": 60, "house": "absent.yaml"}, "absent.yaml: cannot be read"),
        (
            {"duration": 60, "house": {"batteries": [{**HOUSE["batteries"][0], "law": "rmp"}]}},
            "evening.yaml: house: batteries[0].law",
        ),
        (document(options={"grid_targt": 1}), "options: unknown option 'grid_targt'; the closest is 'grid_target'"),
        (document(options={"balance_deadband": -5}), "options: option balance_deadband: -5 is out of range"),
        (
            document({"at": 10, "swich_on": "lamp"}),
            'events[0].swich_on = "lamp": unknown key, did you mean "switch_on"?',
        ),
        (document({"switch_on": "lamp"}), "events[0]: needs either at or when"),
        (document({**AT, "when": {"grid_above": 1}, "solar": 1}), "events[0]: needs either at or when"),
        (document(AT), "events[0]: nothing happens"),
        (document({"when": {"grid_above": 1}}), "events[0]: nothing happens"),
        (
            document({"when": {"grid_abov": 1}, "solar": 1}),
            'events[0].when.grid_abov = 1: unknown key, did you mean "grid_',
        ),
        (document({"when": {"fro": 1}, "solar": 1}), 'events[0].when.fro = 1: unknown key, did you mean "for"?'),
        (document({"when": {"for": 5}, "solar": 1}), "events[0].when: needs a condition"),
        (document({"when": {"soc_below": 0.5}, "solar": 1}), "events[0].when: battery and its soc_"),
        (document({"when": {"battery": 1}, "solar": 1}), "events[0].when: needs a condition"),
        (document({"when": {"battery": 1, "grid_above": 5}, "solar": 1}), "events[0].when: battery and its soc_"),
        (
            document({"when": {"battery": 3, "soc_below": 0.5}, "solar": 1}),
            "events[0].when.battery = 3: this house has 2",
        ),
        (document({"when": {"time_of_day": 1110}, "solar": 1}), "time_of_day = 1110: must be a time of day in quotes"),
        (document({"when": {"time_of_day": "24:00"}, "solar": 1}), 'time_of_day = "24:00": must be a time of day'),
        (document({**AT, "repeat": True, "solar": 1}), "events[0].repeat = true: only together with when"),
        (document({"at": 180, "solar": 1}), "events[0].at = 180.0: must be before the end (180 s)"),
        (document({**AT, "switch_on": "ketle"}), 'events[0].switch_on = "ketle": no such load, did you mean "kettle"?'),
        (document({**AT, "meter": "gone"}), "events[0].meter = \"gone\": must be 'lost' or 'back'"),
        (document({**AT, "soc": 0.5}), "events[0]: soc needs battery: its number, from 1"),
        (document({**AT, "battery": 1}), "events[0].battery: does nothing without one of soc, "),
        (document({**AT, "battery": 3, "soc": 0.5}), "events[0].battery = 3: this house has 2"),
        (document({**AT, "battery": 0, "soc": 0.5}), "events[0].battery = 0: must be greater than or equal to 1"),
        (document({**AT, "battery": 1, "soc": 50}), "events[0].soc = 50: must be less than or equal to 1"),
        (
            document({**AT, "battery": 1, "override": {"wait": 1}}),
            "events[0].override.wait = 1: unknown key, did you mean",
        ),
        (
            document({**AT, "battery": 1, "override": {"weight": 11}}),
            "events[0].override: battery 02B250000001: weight=11",
        ),
        (document({**AT, "solar": 1, "for": 5}), "events[0].for = 5.0: belongs to what can end: mains, voltage, freq"),
        (document({**AT, "solar": 1, "ramp": 5}), "events[0].ramp = 5.0: belongs to voltage and frequency"),
        (document({**AT, "voltage": 2000}), "events[0].voltage = 2000: must be less than or equal to 1000"),
        (document({**AT, "weather": {}}), "events[0].weather: needs one of clouds, transparency, temperature"),
        (document({**AT, "weather": {"cloud": 1}}), 'weather.cloud = 1: unknown key, did you mean "clouds"?'),
        (
            document({**AT, "weather": {"temperature": 5}}),
            "weather.temperature = 5.0: this house has no weather section",
        ),
        (document({**AT, "fault": True}), "events[0]: fault needs either battery or device"),
        (document({**AT, "set": {"level": 1}}), "events[0]: set needs device"),
        (document({**AT, "device": "lamp"}), "events[0].device: does nothing without set or fault"),
        (
            document({**AT, "device": "lmp", "set": {"active": True}}),
            'device = "lmp": no such device, did you mean "lamp',
        ),
        (document({**AT, "device": "lamp", "fault": True}), 'events[0].device = "lamp": has no fault'),
        (
            document({**AT, "device": "lamp", "set": {"activ": 1}}),
            "set: lamp: no command 'activ', did you mean 'active'?",
        ),
        (document({**AT, "device": "lamp", "set": {"active": 2}}), "set: lamp: active = 2: must be one of False, True"),
        (document({**AT, "tune": {"grid_targt": 1}}), "events[0].tune: unknown option 'grid_targt'; the closest is"),
        (
            document({**AT, "tune": {"smoothing_alpha": 0.5}}),
            "events[0].tune: option 'smoothing_alpha' cannot change while",
        ),
        (document({**AT, "tune": {"grid_target": None}}), "events[0].tune.grid_target = null: must be a number"),
        (
            document(expectations=[{}]),
            "expectations[0]: needs exactly one of grid, power, soc, overshoot, settle, metrics",
        ),
        (document(expectations=[{"grid": {}}]), "expectations[0].grid: needs bounds in one form"),
        (
            document(expectations=[{"grid": {"within": 5, "below": 9}}]),
            "expectations[0].grid: needs bounds in one form",
        ),
        (
            document(expectations=[{"grid": {"wihtin": 5}}]),
            'expectations[0].grid.wihtin = 5: unknown key, did you mean "within',
        ),
        (
            document(expectations=[{"grid": {"frm": 5}}]),
            'expectations[0].grid.frm = 5: unknown key, did you mean "from"?',
        ),
        (
            document(expectations=[{"grid": {"between": [5, 1]}}]),
            "grid.between = [5, 1]: must be two numbers, the lower",
        ),
        (document(expectations=[{"grid": {"between": [5]}}]), "grid.between = [5]: must be two numbers, the lower"),
        (document(expectations=[{"grid": {"above": 5, "below": 1}}]), "grid.above = 5.0: must not be above below (1)"),
        (
            document(expectations=[{"grid": {"within": 5, "fraction": 95}}]),
            "grid.fraction = 95: must be less than or equal",
        ),
        (document(expectations=[{"grid": {"within": 5, "mean": True, "fraction": 0.5}}]), "not together with mean"),
        (document(expectations=[{"grid": {"within": 5, "to": 181}}]), "grid.to = 181.0: is after the end (180 s)"),
        (
            document(expectations=[{"grid": {"within": 5, "from": 90, "to": 90}}]),
            "grid.from = 90.0: must be before 90 s",
        ),
        (document(expectations=[{"battery": 1, "grid": {"within": 5}}]), "battery = 1: does not belong to grid"),
        (document(expectations=[{"battery": 9, "soc": {"above": 0}}]), "expectations[0].battery = 9: this house has 2"),
        (
            document(expectations=[{"metrics": {"setle_mean_s": 5}}]),
            'expectations[0].metrics = "setle_mean_s": no such metric, did you mean "settle_mean_s"?',
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_it(broken: object, message: str) -> None:
    text = error_of(broken)
    assert message in text
    assert text.startswith(("evening.yaml: ", "absent.yaml: ")) and len(text) < 400


_KEYS = st.sampled_from(
    sorted(
        {
            *ScenarioFile.model_fields,
            *EventSection.model_fields,
            *WhenSection.model_fields,
            *ExpectationSection.model_fields,
            *("from", "to", "for", "within", "between", "grid_target", "mean_abs_grid_w"),
        }
    )
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["kettle", "lost", "5min", "18:30"])
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)
_EVENTS = st.lists(st.dictionaries(_KEYS, _JSON, max_size=4).map(lambda keys: {**AT, **keys}), max_size=3)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_KEYS, _JSON, max_size=4), _EVENTS, _EVENTS)
def test_no_document_gives_anything_but_a_scenario_or_one_line(
    keys: dict[str, object], events: list[object], expectations: list[object]
) -> None:
    for changes in (keys, {"events": events}, {"expectations": expectations}):
        try:
            parse_scenario({"duration": 60, "house": HOUSE, **changes})
        except ConfigError as error:
            assert "\n" not in str(error)


def test_house_file_sections_stay_strict() -> None:
    # Scenario sections take their strictness from there.
    assert ScenarioFile.model_config == HouseFile.model_config
