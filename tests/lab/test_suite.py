"""The scenarios as data: names, families, alignment; and what only they need of the house."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from nullwatt.home import House, HouseConfig, MeterConfig
from nullwatt.lab import SCENARIOS, aligned, find, run
from nullwatt.lab.suite import COMBINATIONS, DECLARED, TRUTHS, combination, identification, returns_s


def test_scenarios_are_named_titled_and_hold_their_events() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name and scenario.title
        assert all(time_s < scenario.duration_s for time_s in scenario.labelled_s)
        assert all(event.time_s < scenario.duration_s for event in (*scenario.events, *scenario.house.events))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_can_be_run(name: str) -> None:
    result = run(replace(aligned(SCENARIOS[name], 1), duration_s=60))
    assert np.isfinite(result.recording.grid_w).all()


def test_an_unknown_name_names_the_nearest() -> None:
    assert find("steps_ramp") is SCENARIOS["steps_ramp"]
    with pytest.raises(KeyError, match="nearest is 'steps_ramp'"):
        find("step_ramp")


def test_alignment_moves_phases_but_not_the_story() -> None:
    scenario = SCENARIOS["slow_ramp"]
    first, again, other = aligned(scenario, 1), aligned(scenario, 1), aligned(scenario, 2)
    assert first == again != other
    assert first.seed == first.house.seed == 1
    for before, after in zip(scenario.house.events, first.house.events, strict=True):
        assert (before.load, before.active) == (after.load, after.active)
        assert 0 <= after.time_s - before.time_s <= 10
    (spec,) = first.batteries
    assert 0.5 <= spec.first_poll(0) <= 1.5
    # the same build: comparable pair by pair
    near, late = aligned(SCENARIOS["steps_ramp"], 3), aligned(SCENARIOS["late_ramp"], 3)
    assert near.house.events == late.house.events and near.batteries == late.batteries


def test_random_combinations_are_fixed_and_various() -> None:
    assert combination(7) == combination(7) == find("random_007")
    drawn = [combination(index) for index in range(COMBINATIONS)]
    assert len({repr(scenario.house) for scenario in drawn}) == COMBINATIONS
    assert {len(scenario.batteries) for scenario in drawn} == {1, 2, 3}
    specs = [spec for scenario in drawn for spec in scenario.batteries]
    for field in ("law", "device_type", "ratio", "max_discharge_w", "command_delay_ticks", "poll_interval_s"):
        assert len({getattr(spec.config, field) for spec in specs}) > 1, field
    assert {spec.gain for spec in specs} == {0.7, 1.0, 1.3}
    for scenario in drawn:
        peak_w = sum(scenario.house.base_load_w) + max(load.power_w for load in scenario.house.loads)
        assert peak_w <= sum(spec.config.limits_w[1] for spec in scenario.batteries), "within the pool's reach"


def test_identification_pairs_every_truth_with_every_declaration() -> None:
    names = {identification(truth, declared).name for truth in TRUTHS for declared in DECLARED}
    assert len(names) == len(TRUTHS) * len(DECLARED)
    assert find("identify_integrator_50_XYZ").batteries[0].config.ratio == 50
    for truth in TRUTHS:
        assert truth.device_type in DECLARED


# --- interference


def test_handled_battery_goes_through_every_hand_and_returns() -> None:
    scenario = SCENARIOS["handled_integrator"]
    power = run(scenario).recording.power_w[:, 0]
    assert returns_s(scenario) == (120, 240, 360, 480)
    assert power[115] == pytest.approx(100, abs=20)  # by hand
    assert power[235] == pytest.approx(0, abs=1)  # paused
    assert power[355] == pytest.approx(450, abs=1)  # its own app
    assert power[440:475].max() <= 150  # limited by its own app
    assert power[55] == pytest.approx(300, abs=30) and power[535] > 150


def test_dc_regulator_stays_where_its_app_left_it() -> None:
    power = run(SCENARIOS["handled_dc_regulator"]).recording.power_w[:, 0]
    assert power[355] == pytest.approx(450, abs=20)
    assert power[362] > 300


# --- the meter's drifting latency


def delays(config: MeterConfig, seconds: int = 240) -> list[float]:
    house = House(HouseConfig(meter=config))
    seen: list[float] = []
    count = 0
    for tick in range(seconds * 20):
        house.advance_to(tick / 20)
        if house.meter.publications != count:
            count = house.meter.publications
            assert house.meter.reading is not None
            seen.append(tick / 20 - house.meter.reading.sample_s)
    return seen


def test_latency_drifts_between_its_bounds_and_back() -> None:
    seen = delays(MeterConfig(latency_s=0.2, drift_s=2.8))
    assert min(seen) == pytest.approx(0.2, abs=0.06) and max(seen) == pytest.approx(3.0, abs=0.06)
    assert max(abs(b - a) for a, b in pairwise(seen)) < 0.15


def test_without_drift_the_latency_stands() -> None:
    assert delays(MeterConfig(latency_s=0.5), 20) == pytest.approx([0.5] * 20)


def test_drift_is_a_number_of_at_least_zero() -> None:
    with pytest.raises(ValueError, match="drift_s"):
        MeterConfig(drift_s=-0.1)
