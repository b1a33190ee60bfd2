"""The filters between the meter and the control."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.core import Config, Emulator, Filters

VECTORS = {
    vector["name"]: vector
    for vector in json.loads((Path(__file__).parents[1] / "vectors" / "filter-vectors.json").read_text())["vectors"]
}
STAGES = ("hampel", "smoothing", "deadband", "pid", "chain")
TOLERANCE_W = 0.05
WATTS = st.floats(-20000, 20000, width=32)


def options(stage: str, params: dict[str, Any]) -> dict[str, Any]:
    if stage == "chain":
        return {key: value for name in params["order"] for key, value in options(name, params[name]).items()}
    if stage == "deadband":
        return {"deadband": params["deadband"]}
    return {f"{stage}_{key}": value for key, value in params.items()}


class Windup:
    """The reference refuses an integral step that would pass the limit, where ours goes up to it.
    From the first such step on its recording says nothing about us."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._integral = 0.0
        self._last: float | None = None

    def refuses(self, at: float, total_w: float) -> bool:
        seconds = 0.0 if self._last is None else at - self._last
        self._last = at
        error = -total_w
        wanted = self._integral + error * seconds
        output = self._params["kp"] * error + self._params["ki"] * wanted
        refused = seconds > 0 and self._params["ki"] != 0 and abs(output) > self._params["output_max"]
        if not refused:
            self._integral = wanted
        return refused and not self._integral * error < 0


def steps(vector: dict[str, Any]) -> Any:
    """The samples that can be compared, and whether one repeats the one before."""
    params = vector["params"]
    stages = params["order"] if vector["stage"] == "chain" else [vector["stage"]]
    pid = params.get("pid", params) if "pid" in stages else None
    windup = Windup(pid) if pid else None
    # What the PID of a chain gets to see.
    settings = options(vector["stage"], params)
    before_pid = Filters(Config(**{key: value for key, value in settings.items() if not key.startswith("pid")}))
    previous = None
    for sample in vector["samples"][: vector["compatible_prefix"]]:
        at, given_w, expected_w = sample[:3]
        reset = len(sample) > 3
        if reset and pid is not None:
            return  # the reference's integral survives a reset
        repeated = "smoothing" in stages and given_w == previous and not reset
        if given_w and not repeated and windup is not None and windup.refuses(at, sum(before_pid.apply(given_w, at))):
            return
        yield at, given_w, expected_w, reset, repeated
        previous = given_w


@pytest.mark.parametrize("name", [name for name, vector in VECTORS.items() if vector["stage"] in STAGES])
def test_vector(name: str) -> None:
    vector = VECTORS[name]
    filters = Filters(Config(**options(vector["stage"], vector["params"])))
    compared = 0
    for at, given_w, expected_w, reset, repeated in steps(vector):
        if reset:
            filters.reset()
        # A repeated input stands for the same meter sample read again: no fresh sample, no step.
        if not given_w or repeated:
            continue
        filtered_w = filters.apply(given_w, at)
        compared += 1
        total_w = sum(given_w)
        if total_w == 0 and sum(expected_w) == 0:
            continue  # the reference gives up its smoothed total here
        assert sum(filtered_w) == pytest.approx(sum(expected_w), abs=3 * TOLERANCE_W, rel=1e-5), at
        if abs(total_w) >= 0.2 * sum(map(abs, given_w)):
            assert filtered_w == pytest.approx(expected_w, abs=TOLERANCE_W, rel=1e-4), at
    assert compared > 3


@pytest.mark.parametrize("window", [3, 4, 5, 7, 9, 15, 64])
@pytest.mark.parametrize("floor_w", [0, 50])
def test_kettle_is_reported_once_half_the_window_agrees(window: int, floor_w: float) -> None:
    filters = Filters(Config(hampel_window=window, hampel_min_threshold=floor_w))
    for at in range(2 * window):
        filters.apply([at % 3 * 5.0], at)
    reported = [filters.apply([2000.0 + at % 3 * 5.0], 100 + at)[0] > 1900 for at in range(window)]
    assert reported[window // 2]
    assert all(reported[window // 2 :])


def test_single_spike_is_replaced_by_the_median() -> None:
    filters = Filters(Config(hampel_window=5))
    for at, total in enumerate((100, 102, 98, 101, 99)):
        assert filters.apply([total], at) == [total]
    assert filters.apply([10000.0], 5) == pytest.approx([101.0])
    assert filters.apply([100.5], 6) == [100.5]


def test_ordinary_noise_is_not_taken_for_outliers() -> None:
    filters = Filters(Config(hampel_window=4, hampel_min_threshold=0))
    noise = [15 * math.sin(12.9898 * index * index) for index in range(300)]
    rejected = sum(abs(filters.apply([total], at)[0] - total) > 1e-3 for at, total in enumerate(noise))
    assert rejected < 60  # of 300; the reference rejects 222 of such


def test_constant_input_moves_the_average_all_the_way() -> None:
    alpha = 0.5
    filters = Filters(Config(smoothing_alpha=alpha))
    filters.apply([0.0], 0)
    fresh = math.ceil(math.log(1 / 500) / math.log(1 - alpha)) + 2
    for at in range(1, fresh + 1):
        (total,) = filters.apply([500.0], at)
    assert total >= 499


@pytest.mark.parametrize("given_w", [[300.0, -299.0, 0.0], [100.0, -150.0, 0.0], [50.0, -50.0, 0.0]])
def test_phases_that_nearly_cancel_stay_plausible(given_w: list[float]) -> None:
    filters = Filters(Config(smoothing_alpha=0.1))
    filters.apply([500.0, 0.0, 0.0], 0)
    filtered_w = filters.apply(given_w, 1)
    moved_w = abs(sum(filtered_w) - sum(given_w))
    assert moved_w >= 300
    assert max(map(abs, filtered_w)) <= max(map(abs, given_w)) + moved_w + 1


def test_integral_goes_up_to_the_limit_and_no_further() -> None:
    filters = Filters(Config(pid_ki=1.0, pid_output_max=200, pid_mode="replace"))
    filters.apply([500.0], 0)
    assert filters.apply([500.0], 10) == [-200.0]
    # Were it wound up, it would take as long to come back.
    assert filters.apply([-100.0], 11)[0] == pytest.approx(-100.0)


@given(st.lists(st.lists(WATTS, min_size=1, max_size=3), min_size=1, max_size=40))
def test_hampel_and_smoothing_never_leave_the_range_of_recent_inputs(samples: list[list[float]]) -> None:
    filters = Filters(Config(hampel_window=5, smoothing_alpha=0.3))
    totals: list[float] = []
    for at, sample in enumerate(samples):
        totals.append(sum(sample))
        slack_w = 0.01 + 1e-4 * max(map(abs, totals))
        total = sum(filters.apply(sample, at))
        assert min(totals) - slack_w <= total <= max(totals) + slack_w


@given(
    st.lists(st.tuples(st.lists(st.floats(width=32), max_size=3), st.floats(0, 1e6)), max_size=20),
    st.floats(-1e30, 1e30),
    st.floats(-1e30, 1e30),
)
def test_filters_are_total_and_what_leaves_them_is_finite(
    samples: list[tuple[list[float], float]], gain: float, other_gain: float
) -> None:
    config = Config(hampel_window=3, smoothing_alpha=0.5, deadband=5, pid_kp=gain, pid_ki=other_gain, pid_kd=gain)
    emulator = Emulator(config)
    now = 0.0
    for sample, pause in samples:
        now += pause
        emulator.update_grid(sample, at=now)
        state = emulator.state()
        assert state.grid_w is None or all(map(math.isfinite, state.grid_w))


def test_burst_of_nan_leaves_no_trace_after_three_samples() -> None:
    disturbed, untouched = (Emulator(Config(hampel_window=5, smoothing_alpha=0.3)) for _ in range(2))
    for at in range(40):
        total = 300.0 + 20 * (at % 4)
        if not 20 <= at < 30:
            disturbed.update_grid([total], at=at)
            untouched.update_grid([total], at=at)
        else:
            disturbed.update_grid([math.nan], at=at)
            assert disturbed.state().grid_w is None
    assert disturbed.state().grid_total_w == pytest.approx(untouched.state().grid_total_w, abs=0.01)


def test_looking_at_the_state_steps_no_filter() -> None:
    watched, unwatched = (Emulator(Config(smoothing_alpha=0.3)) for _ in range(2))
    for at in range(5):
        watched.update_grid([100.0 * at], at=at)
        unwatched.update_grid([100.0 * at], at=at)
        for tenth in range(1, 9):
            watched.tick(at=at + tenth / 10)
            watched.state()
            watched.consumers()
    assert watched.state().grid_total_w == unwatched.state().grid_total_w


def test_long_outage_makes_the_average_start_anew() -> None:
    emulator = Emulator(Config(smoothing_alpha=0.1, max_sensor_age=30))
    emulator.update_grid([0.0], at=0)
    emulator.update_grid([1000.0], at=31)
    assert emulator.state().grid_total_w == 1000.0
