"""Expectations: each kind holds and fails where it should, and says what was found."""

from dataclasses import replace

import numpy as np
import pytest

from nullwatt.lab import SCENARIOS, Expectation, LabResult, run, run_side_by_side

BASE = run(replace(SCENARIOS["steps_two_ramp"], duration_s=100))


def with_grid(grid_w: list[float], steps_s: tuple[float, ...] = ()) -> LabResult:
    """A run of so many seconds with that grid; battery 1 gives 100, battery 2 200 W; SoC 0.5 and 0.2."""
    seconds = len(grid_w)
    recording = replace(
        BASE.recording,
        time_s=np.arange(float(seconds)),
        grid_w=np.array(grid_w)[:, None],
        power_w=np.tile([100.0, 200.0], (seconds, 1)),
        soc=np.tile([0.5, 0.2], (seconds, 1)),
    )
    return replace(BASE, recording=recording, steps_s=steps_s)


def held(result: LabResult, **keys: object) -> bool:
    return Expectation(**keys).check(result).ok  # type: ignore[arg-type]


def test_grid_lies_within_bounds_in_enough_of_the_seconds() -> None:
    result = with_grid([0.0] * 6 + [60.0, -60.0, 200.0, 0.0])
    within = {"subject": "grid", "low": -50, "high": 50}
    assert held(result, **within, fraction=0.7) and not held(result, **within, fraction=0.71)
    assert held(result, **within, to_s=6) and not held(result, **within, to_s=7)
    assert held(result, **within, from_s=9) and not held(result, **within, from_s=8)
    assert held(result, subject="grid", high=200) and not held(result, subject="grid", high=199)
    assert held(result, subject="grid", low=-60) and not held(result, subject="grid", low=-59)


def test_mean_counts_instead_of_the_seconds() -> None:
    result = with_grid([100.0, -100.0, 30.0, 30.0])
    assert held(result, subject="grid", mean=True, low=10, high=20)
    assert not held(result, subject="grid", mean=True, low=10, high=20, from_s=2)


def test_power_is_of_one_battery_or_of_the_pool() -> None:
    result = with_grid([0.0] * 5)
    assert held(result, subject="power", battery=0, low=100, high=100)
    assert held(result, subject="power", battery=1, low=200, high=200)
    assert held(result, subject="power", low=300, high=300)


def test_soc_is_of_one_battery_or_of_every_battery() -> None:
    result = with_grid([0.0] * 5)
    assert held(result, subject="soc", battery=0, low=0.4) and not held(result, subject="soc", low=0.4)
    assert held(result, subject="soc", low=0.2)
    assert held(result, subject="soc", low=0.2, mean=True) and not held(result, subject="soc", low=0.3, mean=True)


def test_steps_settle_and_overshoot_within_bounds() -> None:
    step = [0.0] * 10 + [500.0] * 8 + [-40.0] * 2 + [0.0] * 20
    result = with_grid(step + [500.0] * 10 + [0.0] * 20, steps_s=(10.0, 40.0))
    assert held(result, subject="settle", high=10) and not held(result, subject="settle", high=9.5)
    assert held(result, subject="overshoot", high=40) and not held(result, subject="overshoot", high=39)
    assert held(result, subject="overshoot", high=0, from_s=40)
    assert not held(result, subject="settle", high=9.5, from_s=11) and held(
        result, subject="settle", high=10, from_s=11
    )


def test_a_step_that_never_settles_fails_whatever_the_bound() -> None:
    outcome = Expectation(subject="settle", high=1000).check(with_grid([0.0] + [500.0] * 30, steps_s=(1.0,)))
    assert not outcome.ok and "1 of 1 steps never settled" in outcome.found


def test_metric_by_name_is_an_upper_bound() -> None:
    value = BASE.metrics.mean_abs_grid_w
    assert held(BASE, subject="metric", metric="mean_abs_grid_w", high=value)
    assert not held(BASE, subject="metric", metric="mean_abs_grid_w", high=value * 0.99)


def test_what_judges_nothing_fails() -> None:
    result = with_grid([0.0] * 5)
    for keys, found in (
        ({"subject": "settle", "high": 100.0}, "no step to judge"),
        ({"subject": "grid", "high": 100.0, "from_s": 5.0}, "no second to judge"),
        ({"subject": "metric", "metric": "settle_mean_s", "high": 100.0}, "does not apply"),
    ):
        metrics = replace(result.metrics, settle_mean_s=None)
        outcome = Expectation(**keys).check(replace(result, metrics=metrics))  # type: ignore[arg-type]
        assert not outcome.ok and found in outcome.found


@pytest.mark.parametrize(
    ("expectation", "text"),
    [
        (
            Expectation(subject="grid", low=-50, high=50, fraction=0.95, from_s=60, to_s=300),
            "grid within 50 W in 95 % of the time from 60 s to 300 s",
        ),
        (Expectation(subject="power", battery=1, low=1, mean=True), "mean battery 2 power at least 1 W"),
        (Expectation(subject="soc", low=0.1, high=0.9), "soc in 0.1 ... 0.9"),
        (Expectation(subject="settle", high=30, from_s=60), "settle at most 30 s from 60 s to the end"),
        (Expectation(subject="metric", metric="grid_p2p_w", high=9), "grid_p2p_w at most 9"),
    ],
)
def test_expectations_say_what_they_mean(expectation: Expectation, text: str) -> None:
    assert str(expectation) == text


def test_expectation_fails_if_it_fails_at_any_seed() -> None:
    noisy = replace(SCENARIOS["correlated_noise"], duration_s=60, as_written=True)
    peaks = [abs(run(noisy, seed=seed).recording.grid_total_w).max() for seed in (1, 2, 3)]
    assert peaks[0] < max(peaks), "another seed than the first is the worst"
    for limit, ok in ((max(peaks), True), ((peaks[0] + max(peaks)) / 2, False)):
        expectation = Expectation(subject="grid", low=-limit, high=limit)
        (result,) = run_side_by_side([replace(noisy, expectations=(expectation,))], seeds=3, jobs=1)
        assert result.outcomes[0].ok is ok
        assert (
            ok or f"(seed {1 + peaks.index(next(peak for peak in peaks if peak > limit))})" in result.outcomes[0].found
        )
