"""Every metric on a series short enough to compute by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from nullwatt.lab import BatteryFacts, Recording, evaluate
from nullwatt.lab import metrics as m

PAIR = (BatteryFacts(800, 800, 2000), BatteryFacts(800, 800, 2000))


def series(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def seconds(grid: np.ndarray) -> np.ndarray:
    return np.arange(len(grid), dtype=np.float64)


def recording(
    grid: Sequence[float],
    power: Sequence[Sequence[float]] = (),
    soc: Sequence[Sequence[float]] = (),
    dc: Sequence[Sequence[float]] = (),
) -> Recording:
    n = len(grid)
    power_w = np.array(power, dtype=np.float64).reshape(n, -1)
    soc_ = np.array(soc, dtype=np.float64).reshape(n, -1) if len(soc) else np.full_like(power_w, 0.5)
    dc_w = np.array(dc, dtype=np.float64).reshape(n, -1) if len(dc) else np.zeros_like(power_w)
    total = series(*grid)
    # Two phases that partly cancel: the metrics must see their sum.
    return Recording(
        time_s=seconds(total),
        grid_w=np.stack([total + 1000.0, np.full(n, -1000.0)], axis=1),
        demand_w=total + power_w.sum(axis=1),
        power_w=power_w,
        target_w=power_w,
        soc=soc_,
        dc_w=dc_w,
    )


# --- steps


def window(grid: np.ndarray, step_s: float = 0.0) -> m.Window:
    (only,) = m.step_windows(seconds(grid), grid, [step_s])
    return only


def test_settling_is_the_time_of_entering_the_band_that_holds() -> None:
    grid = series(500, 300, 24, 20, 30, 10, *[-24] * 12)
    assert m.settle_time(seconds(grid), grid, window(grid)) == 5.0


def test_settling_needs_ten_seconds() -> None:
    entered_early, entered_late = series(500, *[0] * 11), series(500, *[0] * 10)
    assert m.settle_time(seconds(entered_early), entered_early, window(entered_early)) == 1.0
    assert m.settle_time(seconds(entered_late), entered_late, window(entered_late)) is None


def test_settling_counts_from_the_step_even_between_rows() -> None:
    grid = series(0, 0, 500, *[0] * 12)
    assert m.settle_time(seconds(grid), grid, window(grid, 1.5)) == 1.5


def test_windows_end_at_the_next_step_after_600_s_and_with_the_run() -> None:
    grid = np.full(1000, 100.0)
    windows = m.step_windows(seconds(grid), grid, [10.0, 50.0, 700.0])
    assert [(w.start, w.end, w.length_s) for w in windows] == [(10, 50, 40), (50, 650, 600), (700, 1000, 300)]


def test_steps_that_disturb_nothing_or_have_no_room_are_left_out() -> None:
    grid = np.full(100, 100.0)
    grid[20] = 24.9
    assert [w.step_s for w in m.step_windows(seconds(grid), grid, [20.0, 40.0, 45.0, 95.0, 200.0])] == [45.0]


def test_overshoot_is_the_excursion_to_the_other_side() -> None:
    up, down, none = series(500, 200, -80, 30, *[0] * 9), series(-500, 10, 60, *[-5] * 9), series(*[50] * 12)
    assert m.overshoot(up, window(up)) == 80
    assert m.overshoot(down, window(down)) == 60
    assert m.overshoot(none, window(none)) == 0


def test_step_scores_together() -> None:
    # Step at 0: settles at 3 s, overshoot 40. Step at 20: never settles in its 20 s, overshoot 10.
    grid = [300, 100, -40, *[0] * 17, *[-200, -100] * 9, 10, -100]
    scores, _ = evaluate(recording(grid), (), [0.0, 20.0])
    assert scores.settle_mean_s == (3 + 20) / 2
    assert scores.settle_p95_s == pytest.approx(3 + 0.95 * 17)
    assert scores.unsettled_events == 1
    assert (scores.overshoot_mean_w, scores.overshoot_max_w) == (25, 40)


# --- grid


def test_crossings_ignore_what_stays_in_the_band() -> None:
    assert m.band_crossings_per_h(series(21, 0, -21, -19, 19, 21, 15, 21, -20, -21)) == 3 * 360
    assert m.band_crossings_per_h(series(19, -19, 19, -19)) == 0


def test_spread_and_means() -> None:
    assert m.peak_to_peak(np.arange(101.0)) == 90
    assert m.rms(series(3, -4)) == math.sqrt(12.5)
    assert m.mean_abs(series(3, -4)) == 3.5


def test_steady_leaves_out_two_minutes_after_each_step() -> None:
    grid = np.full(400, 10.0)
    grid[100:220] = 500
    scores, _ = evaluate(recording(grid), (), [100.0])
    assert scores.steady_rms_w == 10
    assert evaluate(recording([5.0] * 10), (), [0.0])[0].steady_rms_w is None


def test_a_metric_does_not_grow_with_the_number_of_batteries() -> None:
    grid = [30, -30] * 50
    one = evaluate(recording(grid, [[0]] * 100), PAIR[:1], [])[0]
    two = evaluate(recording(grid, [[0, 0]] * 100), PAIR, [])[0]
    assert one.band_crossings_per_h == two.band_crossings_per_h == 99 * 36


# --- oracle and money


def test_oracle_covers_what_it_can() -> None:
    facts = (BatteryFacts(500, 800, 1000),)
    grid = m.oracle_grid(series(300, 1000, -200, -900), np.zeros(4), facts, series(0.5))
    assert grid.tolist() == [0, 200, 0, -400]


def test_oracle_stops_when_empty_or_full() -> None:
    facts = (BatteryFacts(3600, 3600, 1.0),)
    empty = m.oracle_grid(series(1800, 1800, 1800), np.zeros(3), facts, series(0.75))
    assert empty.tolist() == pytest.approx([0, 900, 1800])  # 0.75 Wh left, 0.5 Wh per second
    full = m.oracle_grid(series(-1800, -1800), np.zeros(2), facts, series(0.75))
    assert full.tolist() == pytest.approx([-900, -1800])


def test_oracle_must_let_dc_through_when_full() -> None:
    facts = (BatteryFacts(0, 800, 1000),)
    assert m.oracle_grid(series(100, 600), series(500, 500), facts, series(1.0)).tolist() == [-400, 0]
    assert m.oracle_grid(series(100), series(500), facts, series(0.5)).tolist() == [0]


def test_error_over_oracle_is_what_a_controller_could_have_avoided() -> None:
    scores, _ = evaluate(recording([1200.0, 1250.0], [[800.0], [800.0]]), PAIR[:1], [])
    assert scores.grid_rms_over_oracle_w == 0
    assert scores.mean_abs_over_oracle_w == 0
    assert scores.mean_abs_grid_w == 1225
    assert scores.cost_regret_ct == 0


def test_bill_and_regret() -> None:
    hour = [1000.0] * 1800 + [-1000.0] * 1800
    assert m.bill_ct(series(*hour)) == pytest.approx(0.5 * 30 - 0.5 * 8)
    big = (BatteryFacts(2000, 2000, 5000),)
    scores, context = evaluate(recording(hour, [[0.0]] * 3600), big, [])
    assert context.oracle_bill_ct == 0
    assert (context.import_wh, context.export_wh) == (500, 500)
    assert scores.cost_regret_ct == pytest.approx(11)


# --- batteries


def test_travel_is_the_sum_of_all_moves() -> None:
    assert m.battery_travel_w_per_h(np.array([[0, 100], [50, 100], [20, 0]], dtype=float)) == 180 * 1200


def test_avoidable_import_needs_a_battery_with_something_left() -> None:
    grid = series(3600, 3600, 3600, 3600, -3600)
    power = np.array([[800, 800], [794, 800], [0, 800], [0, 796], [0, 0]], dtype=float)
    soc = np.array([[0.5, 0.5], [0.5, 0.5], [0.02, 0.5], [0.02, 0.5], [0.5, 0.5]])
    assert m.avoidable_import_wh(grid, power, soc, PAIR) == pytest.approx(1.0)  # only the second row


def test_avoidable_export_needs_a_battery_that_charges_from_ac() -> None:
    grid = series(-3600, -3600, -3600, 3600)
    facts = (BatteryFacts(800, 800, 2000), BatteryFacts(0, 800, 2000))
    power = np.array([[-790, 0], [-800, 0], [0, 0], [0, 0]], dtype=float)
    soc = np.array([[0.5, 0.5], [0.5, 0.5], [0.98, 0.5], [0.5, 0.5]])
    assert m.avoidable_export_wh(grid, power, soc, facts) == pytest.approx(1.0)  # only the first row


def imbalance(power: Sequence[float], soc: Sequence[float], facts: Sequence[BatteryFacts]) -> float:
    return m.share_imbalance(np.array([power], dtype=float), np.array([soc], dtype=float), facts)


def test_even_shares_are_no_imbalance() -> None:
    assert imbalance([300, 300], [0.5, 0.5], PAIR) == 0
    assert imbalance([-300, -300], [0.5, 0.5], PAIR) == 0
    assert imbalance([400, 200], [0.5, 0.5], PAIR) == 200
    assert imbalance([100, -100], [0.5, 0.5], PAIR) == 200


def test_intended_share_follows_weights_limits_and_what_a_battery_can_do() -> None:
    weighted = (BatteryFacts(800, 800, 2000, weight=3), BatteryFacts(800, 800, 2000, weight=1))
    assert imbalance([300, 100], [0.5, 0.5], weighted) == 0
    unequal = (BatteryFacts(800, 800, 2000), BatteryFacts(2500, 2500, 5000))
    assert imbalance([800, 1700], [0.5, 0.5], unequal) == 0
    assert imbalance([0, 600], [0.0, 0.5], PAIR) == 0  # the first is empty
    assert imbalance([-600, 0], [0.5, 1.0], PAIR) == 0  # the second is full
    dc_only = (BatteryFacts(0, 800, 2000), BatteryFacts(800, 800, 2000))
    assert imbalance([0, -500], [0.5, 0.5], dc_only) == 0


def test_share_is_not_scored_when_it_means_nothing() -> None:
    run = recording([0.0], [[600.0, 0.0]])
    assert evaluate(run, PAIR, [])[0].share_imbalance_w == 600
    assert evaluate(run, PAIR, [], fair=False)[0].share_imbalance_w is None
    assert evaluate(recording([0.0], [[600.0]]), PAIR[:1], [])[0].share_imbalance_w is None


def test_rounding() -> None:
    scores, _ = evaluate(recording([1.26, 1.26], [[0.0], [0.04]]), PAIR[:1], [])
    rounded = scores.rounded()
    assert rounded["grid_rms_w"] == 1.3
    assert rounded["battery_travel_w_per_h"] == 72
    assert rounded["settle_mean_s"] is None and rounded["unsettled_events"] == 0


def test_a_house_without_batteries_is_its_own_oracle() -> None:
    scores, context = evaluate(recording([100.0, 200.0]), (), [])
    assert scores.grid_rms_over_oracle_w == 0
    assert scores.avoidable_import_wh == 0
    assert context.soc_min is None
