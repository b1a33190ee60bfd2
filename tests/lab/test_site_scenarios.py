"""Scenario files of a site: what each event does, what each expectation judges, and that every mistake is one line."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pymodbus", reason="pymodbus is not installed")

from nullwatt.home import ConfigError
from nullwatt.lab.twin import (
    SITE_QUANTITIES,
    Droop,
    SiteResult,
    load_site_scenario,
    parse_site_scenario,
    run_site,
    shipped_site_scenarios,
)

SITE: dict[str, Any] = {
    "site_name": "yard",
    "step": 0.5,
    "start_time_h": 12,
    "external_models": {"irradiance": {"peak": 1000, "sunrise": 6, "sunset": 18}, "power": {"base_load_w": 5000}},
    "assets": [
        {"type": "bess", "asset_id": "store", "ramp_rate_kw_per_s": 4},
        {"type": "inverter", "asset_id": "roof"},
        {"type": "chp", "asset_id": "engine", "rated_kw": 50},
        {"type": "energy_meter", "asset_id": "meter"},
    ],
}
RUN = {"at": 0, "modbus": {"asset": "store", "register": "start_stop_standby", "value": 1}}
TEN = {"at": 10, "modbus": {"asset": "store", "register": "on_grid_power_setpoint", "value": 10}}
POWER = {"asset": "store", "register": "active_power"}


def document(*events: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"duration": "1min", "site": SITE, "events": list(events), **keys}


def played(*events: dict[str, Any], **keys: Any) -> SiteResult:
    return run_site(parse_site_scenario(document(*events, **keys)))


def found(event: dict[str, Any] | list[dict[str, Any]], look: dict[str, Any], at: float = 60) -> str:
    """What something shows at a time."""
    events = [event] if isinstance(event, dict) else event
    result = played(*events, expectations=[{**look, "value": {"above": -1e12, "at": at}}])
    return result.judged[0].outcome.found


def held(result: SiteResult) -> list[bool]:
    return [each.outcome.ok for each in result.judged]


# --- events


@pytest.mark.parametrize(
    "write",
    [
        {"register": "on_grid_power_setpoint", "value": 10},
        {"register": 10126, "value": 10},
        {"register": 10126, "raw": 100},
        {"register": "on_grid_power_setpoint", "raw": [0, 100]},
    ],
)
def test_a_modbus_write_by_name_or_address_in_units_or_raw(write: dict[str, Any]) -> None:
    result = played(
        RUN,
        {"at": 10, "modbus": {"asset": "store", **write}},
        expectations=[{**POWER, "value": {"at": 60, "between": [10, 10]}}],
    )
    assert held(result) == [True]
    assert result.happened[-1][1].startswith("store: on_grid_power_setpoint (10126) = ")


def test_words_of_one_value_may_be_written_one_by_one() -> None:
    halves = [{"asset": "store", "register": 10126, "raw": [0]}, {"asset": "store", "register": 10127, "raw": [100]}]
    assert found([RUN, {"at": 1, "modbus": halves}], POWER) == "10 kW"


def test_registers_show_what_a_master_reads_and_quantities_what_is() -> None:
    odd = {"at": 1, "frequency": 49.987}
    assert found(odd, {"asset": "store", "register": "grid_frequency"}) == "49.99 Hz"
    assert found(odd, {"asset": "store", "quantity": "grid_frequency"}) == "49.987 Hz"
    assert found(odd, {"asset": "engine", "register": "power_supply_failure"}) == "0"


@pytest.mark.parametrize(
    ("event", "look", "at", "expected"),
    [
        ({"frequency": 49.8}, {"quantity": "frequency_hz"}, 60, "49.8 Hz"),
        ({"frequency": {"to": 49.8, "over": 20}}, {"quantity": "frequency_hz"}, 20.5, "49.9 Hz"),
        ({"frequency": {"to": 49.8, "for": 20}}, {"quantity": "frequency_hz"}, 30, "49.8 Hz"),
        ({"frequency": {"to": 49.8, "for": 20}}, {"quantity": "frequency_hz"}, 30.5, "50 Hz"),
        ({"frequency": {"delta": -1, "for": 20, "shape": "ramp"}}, {"quantity": "frequency_hz"}, 20.5, "49.5 Hz"),
        ({"frequency": 46.5}, {"asset": "roof", "register": "fault_code"}, 60, "2"),
        ({"voltage": 310}, {"asset": "roof", "register": "phase_neutral_voltage_1"}, 60, "179 V"),
        ({"voltage": {"delta": -40, "for": 5}}, {"quantity": "voltage_v"}, 12, "360 V"),
        ({"voltage": {"delta": -40, "for": 5}}, {"quantity": "voltage_v"}, 16, "400 V"),
        ({"irradiance": {"to": 0, "for": 10}}, {"asset": "roof", "register": "total_active_power"}, 18, "0 kW"),
        ({"irradiance": 500}, {"quantity": "irradiance_w_m2"}, 60, "500 W/m2"),
        ({"ambient": 45}, {"quantity": "ambient_c"}, 60, "45 C"),
        ({"base_load": {"to": 9000, "for": 10}}, {"quantity": "load_w"}, 15, "9000 W"),
        ({"base_load": {"to": 9000, "for": 10}}, {"quantity": "load_w"}, 25, "5000 W"),
        ({"asset": "store", "set": {"system_soc": 33}}, {"asset": "store", "register": "system_soc"}, 60, "33 %"),
        ({"asset": "store", "fault": "too_hot"}, {"asset": "store", "register": "fault_code"}, 60, "1001"),
        ({"asset": "store", "fault": "empty"}, {"asset": "store", "register": "fault_code"}, 60, "2001"),
        ({"asset": "engine", "fault": "engine"}, {"asset": "engine", "register": "unit_state"}, 60, "0"),
        ({"asset": "engine", "fault": "e_stop"}, {"asset": "engine", "register": "e_stop_request"}, 60, "1"),
    ],
)
def test_what_happens_to_the_site_shows(event: dict[str, Any], look: dict[str, Any], at: float, expected: str) -> None:
    assert found({"at": 10, **event}, look, at) == expected


def test_sun_goes_back_to_its_course() -> None:
    shade = {"at": 10, "irradiance": {"to": 0, "for": 10}}
    assert (
        found(shade, {"quantity": "irradiance_w_m2"}, 30) == found(RUN, {"quantity": "irradiance_w_m2"}, 30) != "0 W/m2"
    )
    night = {**SITE, "external_models": {}}
    result = played(
        shade | {"irradiance": {"to": 700, "for": 10}},
        site=night,
        expectations=[
            {"quantity": "irradiance_w_m2", "value": {"at": at, "between": [level, level]}}
            for at, level in ((15, 700), (30, 0))
        ],
    )
    assert held(result) == [True, True]


def test_a_faulted_storage_gives_nothing_until_it_is_reset() -> None:
    reset = {"at": 40, "modbus": {"asset": "store", "register": "fault_reset", "value": 1}}
    events = [RUN, TEN, {"at": 20, "asset": "store", "fault": "too_hot"}, reset]
    powers = [found(events, POWER, at) for at in (19, 30, 60)]
    assert powers == ["10 kW", "0 kW", "10 kW"]


def test_a_series_from_a_file_is_followed_on_straight_lines(tmp_path: Path) -> None:
    (tmp_path / "grid.csv").write_text("time,volts,hz\n100,400,50\n110,399,49.9\n130,398,50.1\n")
    event = {"at": 10, "frequency": {"file": "grid.csv", "column": "hz"}}
    look = [
        {"quantity": "frequency_hz", "value": {"at": at, "between": [hz, hz]}}
        for at, hz in ((15.5, 49.95), (20.5, 49.9), (60, 50.1))
    ]
    (tmp_path / "a.json").write_text(json.dumps(document(event, expectations=look)))
    assert held(run_site(load_site_scenario(tmp_path / "a.json"))) == [True] * 3


def test_conditions_bring_events_about() -> None:
    lower = {"when": {**POWER, "above": 7.9, "for": 5}, "frequency": 49.9}
    noon = {"when": {"time_of_day": "12:00", "after": 3}, "base_load": 1}
    deep = {"when": {"quantity": "frequency_hz", "below": 49.95}, "repeat": True, "voltage": 390}
    never = {"when": {"asset": "store", "quantity": "system_soc", "below": 10}, "voltage": 380}
    told = played(RUN, TEN, lower, noon, deep, never).happened
    assert [entry for entry in told if entry[0] > 12] == [(17, "frequency 49.9 Hz"), (17.5, "voltage 390 V")]
    assert (3, "base_load 1 W") in told


# --- expectations


def test_bounds_hold_in_each_step_or_a_fraction_or_the_mean() -> None:
    bands = [
        {"between": [0, 10]},
        {"between": [10, 10], "from": 12.5, "to": 60},
        {"between": [10, 10], "from": 10, "to": 60},
        {"between": [10, 10], "from": 10, "to": 60, "fraction": 0.9},
        {"above": 9, "from": 10, "mean": True},
        {"above": 9, "from": 0, "mean": True},
        {"below": 1, "at": 10},
    ]
    result = played(RUN, TEN, expectations=[{**POWER, "value": band} for band in bands])
    assert held(result) == [True, True, False, True, True, False, True]
    assert result.judged[2].outcome.text == "store active_power in 10 ... 10 kW from 10 s to 60 s"
    assert result.judged[2].outcome.found == "2 ... 10 kW, 0.96 of the time within" and result.failed == 2


@pytest.mark.parametrize(
    ("kind", "body", "ok", "told"),
    [
        ("response", {"value": 10, "tolerance": 0.1, "within": 3, "from": 10}, True, "2.5 s"),
        ("response", {"value": 10, "tolerance": 0.1, "within": 2, "from": 10}, False, "2.5 s"),
        ("response", {"value": 10, "share": 0.5, "tolerance": 0, "within": 1.5, "from": 10}, True, "1.5 s"),
        ("response", {"value": 11, "tolerance": 0.1, "within": 30, "from": 10}, False, "never"),
        ("settle", {"value": 10, "tolerance": 0.5, "within": 3, "from": 10}, True, "2.5 s"),
        ("settle", {"value": 10, "tolerance": 0.5, "within": 3, "from": 20}, True, "0 s"),
        ("settle", {"value": 0, "tolerance": 0.5, "within": 3, "to": 30}, False, "not settled, 10 kW at last"),
    ],
)
def test_responses_and_settling(kind: str, body: dict[str, Any], ok: bool, told: str) -> None:
    (judged,) = played(RUN, TEN, expectations=[{**POWER, kind: body}]).judged
    assert (judged.outcome.ok, judged.outcome.found) == (ok, told)


def test_a_line_of_droop_with_a_deadband() -> None:
    line = Droop(100, full_at=0.2, deadband=0.01, baseline=5)
    assert [round(line.power(hz), 6) for hz in (50.0, 49.995, 49.9, 49.7, 50.1, 51)] == [5, 5, 55, 105, -45, -95]


# --- the test of frequency response

FCR = shipped_site_scenarios()["fcr_prequalification"]


def short(**keys: Any) -> dict[str, Any]:
    """Both steps and a ramp in five minutes."""
    events = [
        RUN,
        {"at": 20, "frequency": 49.8},
        {"at": 100, "frequency": 50.2},
        {"at": 180, "frequency": 50},
        {"at": 220, "frequency": {"to": 49.9, "over": 40}},
    ]
    answer = {"power": 10, "hold": "60s", "lag": "2s", **keys}
    return document(
        *events,
        duration="5min",
        controller={"kind": "droop", "asset": "store", "power": 10},
        expectations=[{**POWER, "frequency_response": answer}],
    )


def test_the_shipped_test_passes_and_each_of_its_steps_does() -> None:
    result = run_site(load_site_scenario(FCR))
    assert result.scenario.name == "fcr_prequalification" and result.scenario.title
    assert result.failed == 0 and len(result.judged) == 4
    rows = result.judged[0].rows
    steps = [(row["to_hz"], row["required"]) for row in rows if row["kind"] == "step"]
    assert [hz for hz, _ in steps] == [
        49.95,
        50,
        50.05,
        50,
        49.9,
        50,
        50.1,
        50,
        49.85,
        50,
        50.15,
        50,
        49.8,
        50,
        50.2,
        50,
    ]
    assert all(required == pytest.approx((50 - float(str(hz))) * 5000) for hz, required in steps)
    full = [row for row in rows if abs(float(str(row["required"]))) == 1000]
    assert [(row["measured"], row["held_s"]) for row in full] == [(1000, 927.2), (-1000, 927.2)]
    assert [row["kind"] for row in rows[-4:]] == ["ramp", "ramp", "ramp", "hold"]


def test_the_shipped_test_fails_whoever_is_too_slow_or_too_small() -> None:
    slow = run_site(load_site_scenario(FCR, changes={"store.ramp_rate_kw_per_s": 20}))
    failed = [row for row in slow.judged[0].rows if not row["ok"]]
    assert slow.failed == 2 and {row["kind"] for row in failed} == {"step"}
    assert failed[-1]["half_s"] == 26.0 and failed[-1]["full_s"] == 48.5
    small = run_site(load_site_scenario(FCR, changes={"store.capacity_kwh": 400}))
    assert (
        not held(small)[2]
        and min(float(str(row["held_s"] or 0)) for row in small.judged[0].rows if not row["ok"]) < 900
    )


@pytest.mark.parametrize(
    ("keys", "ok"),
    [
        ({}, True),
        ({"half_within": 1}, False),
        ({"full_within": 3}, False),
        ({"hold": "79s"}, False),
        ({"power": 9}, False),
        ({"full_at": 0.19, "tolerance": 0.01}, False),
        ({"lag": 0, "tolerance": 0.01}, False),
        ({"full_at": 0.21}, False),
    ],
)
def test_limits_of_the_response_are_limits(keys: dict[str, Any], ok: bool) -> None:
    assert held(run_site(parse_site_scenario(short(**keys)))) == [ok]


def test_full_power_must_have_been_asked_for_in_both_directions() -> None:
    broken = short()
    broken["events"][2]["frequency"] = 50.1
    (judged,) = run_site(parse_site_scenario(broken)).judged
    assert not judged.outcome.ok and judged.outcome.found == "0 of 6 steps and ramps failed, no full activation down"


def test_noise_of_the_grid_is_followed_and_the_seed_repeats_it() -> None:
    noisy = short(tolerance=0.2)
    noisy["site"] = {**SITE, "external_models": {"grid_frequency": {"noise_std": 0.004}}}
    first, again = (run_site(parse_site_scenario({**noisy, "seed": seed})) for seed in (3, 3))
    assert held(first) == [True] and first.to_csv() == again.to_csv()
    other = run_site(parse_site_scenario({**noisy, "seed": 3}, changes={"seed": 4}))
    assert other.to_csv() != first.to_csv() and other.scenario.site.seed == 4
    louder = parse_site_scenario(noisy, changes={"external_models.grid_frequency.noise_std": 0.5})
    assert held(run_site(louder)) == [False] and louder.site.external_models.enabled


def test_refused_requests_of_the_stand_in_are_told() -> None:
    controller = {"kind": "droop", "asset": "store", "setpoint": "start_stop_standby", "power": 50}
    assert "2 refused: store: function 06 at 10055: exception 3" in played(controller=controller, duration=2).controller


# --- mistakes


def error_of(broken: object, **keys: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_site_scenario(broken, "grid.yaml", **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def modbus(**keys: Any) -> dict[str, Any]:
    return document({"at": 1, "modbus": {"asset": "store", "register": "start_stop_standby", "value": 1, **keys}})


def looking(**keys: Any) -> dict[str, Any]:
    return document(expectations=[{**POWER, **keys}])


BAND = {"value": {"within": 1}}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"duration": 5}, "grid.yaml: site: required key is missing: a site file, or the path of one"),
        ({"duration": 5, "house": {}}, "grid.yaml: is a scenario of a house: play it with nullwatt lab run"),
        ({"duraton": 5, "site": SITE}, 'duraton = 5: unknown key, did you mean "duration"?'),
        ({"duration": 0, "site": SITE}, "duration = 0.0: must be at least one step of the site (0.5 s)"),
        ({"duration": 5, "site": "absent.json"}, "absent.json: cannot be read"),
        ({"duration": 5, "site": {"stp": 1}}, 'grid.yaml: site: stp = 1: unknown key, did you mean "step"?'),
        (document({"modbus": RUN["modbus"]}), "events[0]: needs either at or when"),
        (document({"at": 1}), "events[0]: nothing happens; add what does"),
        (document({"at": 60, "frequency": 50}), "events[0].at = 60.0: must be before the end (60 s)"),
        (document({"at": 1, "repeat": True, "frequency": 50}), "events[0].repeat = true: only together with when"),
        (document({"at": 1, "freqency": 50}), 'events[0].freqency = 50: unknown key, did you mean "frequency"?'),
        (modbus(asset="stor"), 'events[0].modbus.asset = "stor": no such asset, did you mean "store"?'),
        (modbus(register="fault_rest"), 'register = "fault_rest": no such register to write, did you mean "fault_res'),
        (modbus(register="active_power"), "no such register to write"),
        (modbus(register=1), "events[0].modbus.register = 1: no register to write begins there (10055 start_stop_st"),
        (modbus(register=10127), "register = 10127: no register to write begins there"),
        (modbus(register=10055, value=None, raw=[1, 2, 3]), "register = 10055: nothing to write there"),
        (modbus(raw=1), "events[0].modbus: needs either value or raw"),
        (modbus(value=7), "events[0].modbus: store: start_stop_standby = 7.0: must be one of 1, 2, 3"),
        (modbus(value=-1), "events[0].modbus.value = -1.0: does not fit the register (0 to 65535)"),
        (modbus(vlue=1), 'vlue = 1: unknown key, did you mean "value"?'),
        (document({"at": 1, "set": {"system_soc": 5}}), "events[0]: set needs asset"),
        (document({"at": 1, "asset": "store"}), "events[0].asset: does nothing without set or fault"),
        (
            document({"at": 1, "asset": "store", "set": {"sytem_soc": 5}}),
            "no command 'sytem_soc', did you mean 'system_",
        ),
        (
            document({"at": 1, "asset": "store", "set": {"system_soc": 500}}),
            "system_soc = 500: must be within 0 and 100 %",
        ),
        (
            document({"at": 1, "asset": "store", "fault": "hot"}),
            'fault = "hot": no such fault, did you mean "too_hot"?',
        ),
        (document({"at": 1, "asset": "roof", "fault": "x"}), 'fault = "x": an inverter trips on voltage and frequency'),
        (document({"at": 1, "asset": "meter", "fault": "x"}), 'events[0].fault = "x": a meter has none'),
        (document({"at": 1, "frequency": 60}), "events[0].frequency.to = 60.0: must be within 45 and 55"),
        (document({"at": 1, "frequency": {"too": 5}}), 'events[0].frequency.too = 5: unknown key, did you mean "to"?'),
        (document({"at": 1, "frequency": {}}), "events[0].frequency: needs exactly one of to, delta, file"),
        (document({"at": 1, "frequency": {"delta": 1}}), "events[0].frequency: delta needs for"),
        (
            document({"at": 1, "frequency": {"to": 50, "shape": "ramp"}}),
            'frequency.shape = "ramp": does not belong to to',
        ),
        (
            document({"at": 1, "irradiance": {"delta": 1, "for": 1}}),
            "irradiance.delta = 1.0: only for frequency and vol",
        ),
        (document({"at": 1, "frequency": {"file": "absent.csv"}}), "absent.csv: cannot be read: No such file"),
        (document({"at": 1, "ambient": 5}, site={}), "events[0].ambient: has no effect on a site without external_mod"),
        (document({"when": {}, "frequency": 50}), "events[0].when: needs a condition"),
        (document({"when": {"above": 1}, "frequency": 50}), "events[0].when: above and below belong to a register or"),
        (document({"when": POWER, "frequency": 50}), "events[0].when: above and below belong to a register or"),
        (document({"when": {"register": "x", "above": 1}, "frequency": 50}), "events[0].when: register needs asset"),
        (document(expectations=[POWER]), "expectations[0]: needs exactly one of value, response, settle, droop, freq"),
        (document(expectations=[BAND]), "expectations[0]: needs either register or quantity"),
        (document(expectations=[{"quantity": "grid_power", **BAND}]), 'quantity = "grid_power": no such quantity'),
        (
            looking(register="activ_power", **BAND),
            'register = "activ_power": no such register to read, did you mean "act',
        ),
        (
            document(expectations=[{"asset": "store", "quantity": "soc", **BAND}]),
            'expectations[0].quantity = "soc": no s',
        ),
        (looking(value={}), "expectations[0].value: needs bounds in one form"),
        (looking(value={"above": 2, "below": 1}), "value.above = 2.0: must not be above below (1)"),
        (looking(value={"within": 1, "mean": True, "fraction": 0.5}), "value.fraction = 0.5: not together with mean"),
        (looking(value={"within": 1, "at": 61}), "value.at = 61.0: is after the end (60 s)"),
        (looking(value={"within": 1, "at": 6, "to": 7}), "value.to = 7.0: not together with at"),
        (looking(value={"within": 1, "from": 60}), "value.from = 60.0: must be before 60 s"),
        (
            looking(settle={"value": 1, "within": 1, "tolerance": 1, "to": 99}),
            "settle.to = 99.0: is after the end (60 s)",
        ),
        (looking(response={"value": 1, "within": 1}), "expectations[0].response.tolerance: required key is missing"),
        (looking(droop={"power": 0}), "expectations[0].droop.power = 0: must be greater than 0"),
        (looking(frequency_response={"power": 1, "hlod": 5}), 'hlod = 5: unknown key, did you mean "hold"?'),
        (
            document(controller={"kind": "pid", "asset": "store", "power": 1}),
            "controller.kind = \"pid\": must be 'droop'",
        ),
        (
            document(controller={"kind": "droop", "asset": "stre", "power": 1}),
            'controller.asset = "stre": no such asset',
        ),
        (
            document(controller={"kind": "droop", "asset": "meter", "power": 1}),
            'controller.setpoint = "on_grid_power_setpoint": no such register to write',
        ),
    ],
)
def test_mistakes_are_one_line(broken: dict[str, Any], message: str) -> None:
    assert message in error_of(broken)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: needs a column called time, in s (there are: none)"),
        ("time,a,b\n1,2,3\n", "line 1: needs column, the name of one (there are: a, b)"),
        ("time,hz\n1,x\n", "line 2: must have numbers for time and hz"),
        ("time,hz\n1,nan\n", "line 2: must have finite numbers"),
        ("time,hz\n2,50\n2,50\n", "line 3: time 2 must be after 2"),
        ("time,hz\n", "has no rows below its header"),
        ("time,hz\n0,50\n1,60\n", "60 in it is not within 45 and 55"),
    ],
)
def test_mistakes_in_a_series_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "grid.csv").write_text(text)
    assert message in error_of(document({"at": 1, "frequency": {"file": "grid.csv"}}), folder=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stor.capacity_kwh": 5}, 'grid.yaml: site: stor.capacity_kwh = "stor": no such asset, did you mean "store"?'),
        ({"store.capacity": 5}, 'assets[0].capacity = 5: unknown key, did you mean "capacity_kwh"?'),
        ({"store.soc_limits.lower": 5}, 'assets[0].soc_limits.lower = 5: unknown key, did you mean "lower_'),
        ({"stp": 5}, 'stp = 5: unknown key, did you mean "step"?'),
    ],
)
def test_mistakes_in_changes_are_one_line(changes: dict[str, object], message: str) -> None:
    assert message in error_of(document(), changes=changes)


def test_every_quantity_of_a_site_is_read() -> None:
    look = [{"quantity": name, "value": {"above": -1e12}} for name in SITE_QUANTITIES]
    assert held(played(expectations=look)) == [True] * len(SITE_QUANTITIES)
