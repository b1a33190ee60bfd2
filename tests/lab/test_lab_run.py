"""The lab with the real core: built-in scenarios, result, report, speed."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from nullwatt.core import Config, Emulator
from nullwatt.lab import SCENARIOS, BatteryDevice, run, table
from nullwatt.lab.bench import benchmark, charge_speed, house_speed, simulated_hours_per_second, year_speed

SHORT = replace(SCENARIOS["one_battery_kettle"], duration_s=200)


STEERED = (
    "appliance_steps",
    "three_phase_mixed",
    "one_battery_kettle",
    "slow_meter",
    "late_meter",
    "lossy_network",
    "filling",
    "emptying",
    "join_and_leave",
)


@pytest.mark.parametrize("name", STEERED)
def test_households_are_steered_to_zero(name: str) -> None:
    result = run(SCENARIOS[name])
    # Far from perfect, but clearly controlled: without batteries the mean is 500 W and more.
    assert result.metrics.mean_abs_grid_w < 120
    assert abs(result.recording.demand_w).mean() > 400
    assert result.context.samples == SCENARIOS[name].duration_s


def test_same_arguments_same_result() -> None:
    first, second, other = run(SHORT, seed=3), run(SHORT, seed=3), run(SHORT, seed=4)
    assert first.recording.grid_w.tobytes() == second.recording.grid_w.tobytes()
    assert first.to_json() == second.to_json()
    assert first.recording.grid_w.tobytes() != other.recording.grid_w.tobytes()
    assert (first.seed, other.seed) == (3, 4)


def test_config_and_options_reach_the_core() -> None:
    relay = run(SHORT, config=Config(active_control=False))
    assert not relay.fair
    concentrated = run(replace(SHORT, options={"min_efficient_power": 200.0}))
    assert not concentrated.fair
    with pytest.raises(TypeError, match="unknown option"):
        run(replace(SHORT, options={"min_eficient_power": 200.0}))


def test_report_is_json_and_a_table() -> None:
    results = [run(SHORT, seed=seed) for seed in (1, 2)]
    document = json.loads(json.dumps(results[0].to_json()))
    assert document["scenario"] == "one_battery_kettle" and document["polls"] == 200
    assert document["metrics"]["unsettled_events"] >= 0
    output = io.StringIO()
    Console(file=output, width=100).print(table(results))
    assert "one_battery_kettle #2" in output.getvalue() and "battery_travel_w_per_h" in output.getvalue()
    table([])  # nothing to show is no error


def test_benchmark_measures_the_whole_run() -> None:
    result = benchmark(4, hours=0.05)
    assert (result.batteries, result.simulated_h) == (4, 0.05)
    assert result.polls > 180 * 4
    assert result.ratio == pytest.approx(180 / result.elapsed_s)
    assert result.hours_per_second == pytest.approx(result.ratio / 3600)
    assert simulated_hours_per_second(1, hours=0.01) > 0


def test_house_benchmarks_do_the_work_they_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert house_speed(hours=0.1, repeats=1) > 0
    assert charge_speed(repeats=1) > 0
    assert year_speed(days=2) > 0
    monkeypatch.setattr(BatteryDevice, "advance", lambda device, dt_s: None)
    with pytest.raises(RuntimeError, match=r"the battery took -?0 J instead of 956800 J"):
        charge_speed(repeats=1)
    monkeypatch.setattr(Emulator, "handle", lambda emulator, datagram, source, at: None)
    with pytest.raises(RuntimeError, match="the house was not held"):
        house_speed(hours=0.1, repeats=1)
