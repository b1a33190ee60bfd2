"""Options that change how the core steers, seen in the closed loop."""

from dataclasses import replace

import numpy as np
import pytest

from nullwatt.core import Config, Emulator
from nullwatt.home import HouseConfig, LoadConfig, LoadEvent, SunConfig
from nullwatt.lab import LabResult, Scenario, battery, run, run_against

KETTLE = LoadConfig("kettle", 1500.0, "A")


def kettle(*pool: object, noise_w: float = 0.0, duration_s: int = 240) -> Scenario:
    """A house of 300 W; a kettle boils from 60 s to 160 s."""
    house = HouseConfig(
        phases=1,
        base_load_w=(300.0,),
        noise_w=noise_w,
        loads=(KETTLE,),
        events=(LoadEvent(60.0, "kettle", True), LoadEvent(160.0, "kettle", False)),
        sun=SunConfig(max_w=0.0),
    )
    return Scenario("kettle", house, tuple(pool), duration_s=duration_s)  # type: ignore[arg-type]


def fastest_move_w(result: LabResult) -> float:
    """Largest change of the only battery's output within a second, once it is running."""
    power_w = np.asarray(result.recording.power_w).reshape(-1)
    return float(np.abs(np.diff(power_w[59:])).max())


@pytest.mark.parametrize("law", ["ramp", "integrator", "integrator-2"])
def test_gentle_moves_no_faster_than_asked_and_still_reaches_zero(law: str) -> None:
    scenario = kettle(battery(1, "A", "VNSE3-0", law=law, poll_interval_s=1.0))
    adaptive = run(scenario, Config())
    gentle = run(scenario, Config(steering="gentle", pace_max_step=100))
    assert fastest_move_w(adaptive) > 300
    # Polls and rows of the recording do not coincide, and the integrator's bias adds a little.
    assert fastest_move_w(gentle) <= 130
    assert float(np.abs(gentle.recording.grid_total_w[130:155]).mean()) < 40


def test_gentle_moves_at_least_as_fast_as_pacing_starts() -> None:
    scenario = kettle(battery(1, "A", "VNSE3-0", poll_interval_s=1.0), duration_s=90.0)
    slow = run(scenario, Config(steering="gentle", pace_max_step=5, pace_base_step=0))
    raised = run(scenario, Config(steering="gentle", pace_max_step=5))
    base = run(scenario, Config(steering="gentle", pace_max_step=30))
    assert np.array_equal(raised.recording.power_w, base.recording.power_w)
    assert fastest_move_w(slow) < fastest_move_w(base)


def test_gentle_travels_less_in_a_noisy_house() -> None:
    scenario = kettle(battery(1, "A", "VNSE3-0"), noise_w=60.0)
    adaptive = run(scenario, Config()).metrics.battery_travel_w_per_h
    gentle = run(scenario, Config(steering="gentle")).metrics.battery_travel_w_per_h
    assert gentle < adaptive


def test_max_target_step_keeps_the_output_close_to_what_is_reported() -> None:
    scenario = kettle(battery(1, "A", "VNSE3-0", poll_interval_s=1.0))
    assert fastest_move_w(run(scenario, Config())) > 300
    assert fastest_move_w(run(scenario, Config(max_target_step=120))) <= 125


def shares_at_the_end(**options: float | bool) -> tuple[float, float]:
    """One battery starts with the whole load, the other idle."""
    pool = (battery(1, "A", "VNSE3-0", initial_power_w=600.0), battery(2, "A", "VNSE3-0"))
    scenario = kettle(*pool, duration_s=50)
    house = replace(scenario.house, base_load_w=(600.0,), events=())
    result = run(replace(scenario, house=house), Config(**options))
    assert float(np.abs(result.recording.grid_total_w[-10:]).mean()) < 30
    power_w = np.asarray(result.recording.power_w)
    first, second = power_w[-1] if power_w.shape[-1] == 2 else power_w[:, -1]
    return float(first), float(second)


def test_shares_are_evened_out_unless_told_otherwise() -> None:
    first, second = shares_at_the_end()
    assert abs(first - second) < 60
    for options in ({"fair_distribution": False}, {"balance_deadband": 400.0}):
        first, second = shares_at_the_end(**options)
        assert first - second > 400


@pytest.mark.parametrize("target_w", [50.0, -30.0])
def test_grid_is_held_at_its_target(target_w: float) -> None:
    pool = (battery(1, "A", "VNSE3-0"), battery(2, "A", "HMG-50", law="ramp"))
    grid_w = run(kettle(*pool), Config(grid_target=target_w)).recording.grid_total_w
    for rows in (grid_w[40:58], grid_w[130:155], grid_w[-20:]):
        assert float(rows.mean()) == pytest.approx(target_w, abs=20)


def test_peak_shaving_leaves_the_grid_what_lies_below_the_threshold() -> None:
    scenario = kettle(battery(1, "A", "VNSE3-0"))
    recording = run(scenario, Config(peak_shaving_threshold=500)).recording
    power_w = np.asarray(recording.power_w).reshape(-1)
    # The base load of 300 W is left to the grid, of the kettle's 1800 W all but 500 W are covered.
    assert float(np.abs(power_w[40:58]).max()) < 20
    assert float(recording.grid_total_w[40:58].mean()) == pytest.approx(300, abs=20)
    assert float(recording.grid_total_w[130:155].mean()) == pytest.approx(500, abs=20)


def test_peak_shaving_still_charges_from_surplus() -> None:
    scenario = kettle(battery(1, "A", "VNSE3-0"))
    house = replace(scenario.house, base_load_w=(-800.0,), events=())
    recording = run(replace(scenario, house=house), Config(peak_shaving_threshold=500)).recording
    assert float(np.abs(recording.grid_total_w[60:]).mean()) < 25


@pytest.mark.parametrize("law", ["ramp", "integrator-2"])
def test_locked_battery_rests_and_its_partner_does_the_work(law: str) -> None:
    locked, free = battery(1, "A", "VNSE3-0", law=law), battery(2, "A", "VNSE3-0", law=law)
    emulator = Emulator()
    emulator.set_override(locked.config.mac, max_discharge=0)
    recording = run_against(kettle(locked, free), emulator).recording
    power_w = np.asarray(recording.power_w)
    first = power_w[:, 0] if power_w.shape[-1] == 2 else power_w[0]
    assert float(first.max()) < 10
    assert float(np.abs(recording.grid_total_w[130:155]).mean()) < 25


def test_bounded_battery_gives_no_more_than_it_may_and_the_grid_is_zero_all_the_same() -> None:
    bounded, free = battery(1, "A", "VNSE3-0"), battery(2, "A", "VNSE3-0")
    emulator = Emulator()
    emulator.set_override(bounded.config.mac, max_discharge=400)
    recording = run_against(kettle(bounded, free), emulator).recording
    power_w = np.asarray(recording.power_w)
    first = power_w[:, 0] if power_w.shape[-1] == 2 else power_w[0]
    assert float(first[60:].max()) < 430
    assert float(first[130:155].mean()) > 350
    assert float(np.abs(recording.grid_total_w[130:155]).mean()) < 25
