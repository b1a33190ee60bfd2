"""Cases that are a scenario of the suite, run over seeded alignments: core, naive controller and ideal actuators."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import nan

import numpy as np

from ..metrics import outside
from ..reference import idealised, run_naive
from ..report import LabResult
from ..runner import run
from ..suite import SCENARIOS, aligned
from . import limits
from .case import Case, Sample, Scale, Value, compared, mean, ratio, scale

_SHARE_SETTLED_S = 60.0
_LAWS = (("ramp", "ramp law"), ("integrator", "newer integrator law"))

type Judge = Callable[[Sequence[Sample]], Mapping[str, Value]]


def stepped_cases() -> tuple[Case, ...]:
    """All of them, in the order of the table."""
    return (
        _case("integrator", "newer integrator law", _steps, "steps_integrator"),
        _case("old-integrator", "older integrator law", _steps, "steps_old_integrator"),
        _case("ramp", "ramp law", _steps, "steps_ramp"),
        _case("two-ramp", "two ramp batteries on one phase", _steps, "steps_two_ramp"),
        *(_case(f"slow-{law}", f"meter every 10 s, 1 s late, {text}", _steps, f"slow_{law}") for law, text in _LAWS),
        *(_late(law, text) for law, text in _LAWS),
        *(_case(f"noise-{law}", f"white noise 150 W, {text}", _restless, f"noise_{law}") for law, text in _LAWS),
        *(_case(f"pulses-{law}", f"washing-machine pulses, {text}", _restless, f"pulses_{law}") for law, text in _LAWS),
        _case("mixed-pollers", "3.1 s and 0.45 s pollers, steps, sun, clouds", _steps, "mixed_pollers"),
        _case("three-ramp", "three noisy phases, one ramp battery each", _restless, "three_ramp"),
    )


def _case(name: str, title: str, judge: Judge, scenario: str) -> Case:
    return Case(name, title, partial(measure, scenario), judge)


def _late(law: str, text: str) -> Case:
    measured = partial(measure_late, f"late_{law}", f"steps_{law}")
    return Case(f"late-{law}", f"latency 3 s, {text}", measured, _lateness)


def measure(scenario: str, seed: int) -> dict[str, float]:
    """One alignment of a scenario: the measures of all three runs, keys "core.settle" and so on."""
    drawn = aligned(SCENARIOS[scenario], seed)
    core = run(drawn)
    naive = run_naive(drawn, core.fair)
    return _measures("core", core) | _measures("naive", naive) | _measures("ideal", run(idealised(drawn)))


def measure_late(late: str, near: str, seed: int) -> dict[str, float]:
    """One alignment of a scenario with a late meter, and of its twin with a prompt one (keys "near.core.settle")."""
    prompt = measure(near, seed)
    return measure(late, seed) | {f"near.{key}": value for key, value in prompt.items()}


def _measures(name: str, result: LabResult) -> dict[str, float]:
    scores = result.metrics
    values = {
        "settle": scores.settle_mean_s,
        "unsettled": scores.unsettled_events,
        "overshoot": scores.overshoot_mean_w,
        "overshoot_max": scores.overshoot_max_w,
        "crossings": scores.band_crossings_per_h,
        "grid": scores.mean_abs_grid_w,
        "travel": scores.battery_travel_w_per_h,
        "regret": scores.cost_regret_ct,
        "share": share_error(result),
    }
    return {f"{name}.{key}": nan if value is None else float(value) for key, value in values.items()}


def share_error(result: LabResult) -> float:
    """Distance of the outputs from even shares, % of the pool's output, where the last step is 60 s ago."""
    power = result.recording.power_w
    steps = SCENARIOS[result.scenario].labelled_s
    # A second early and late: the alignment moved the steps by up to one.
    rows = outside(result.recording.time_s, [step_s - 1.0 for step_s in steps], _SHARE_SETTLED_S + 2.0)
    pool = power.sum(axis=1)
    rows &= (np.abs(pool) > 0) & (result.recording.time_s > _SHARE_SETTLED_S)
    if power.shape[1] < 2 or not rows.any():
        return nan
    uneven = np.abs(power - power.mean(axis=1, keepdims=True)).sum(axis=1)
    return float(100.0 * (uneven[rows] / np.abs(pool[rows])).mean())


def _absolute(samples: Sequence[Sample], key: str, unit: str = "") -> Value:
    runs = scale(samples, key, unit)
    note = "" if runs.ideal is None else f"ideal {runs.ideal:.3g} {unit}".rstrip()
    return Value(nan if runs.core is None else runs.core, note, runs)


def _steps(samples: Sequence[Sample]) -> dict[str, Value]:
    worst = {run: max(sample[f"{run}.overshoot_max"] for sample in samples) for run in ("core", "ideal", "naive")}
    return {
        limits.SETTLE: compared(samples, "settle", "s"),
        limits.OVERSHOOT: _absolute(samples, "overshoot", "W"),
        limits.OVERSHOOT_MAX: Value(worst["core"], f"ideal {worst['ideal']:.3g} W", Scale(**worst, unit="W")),
        limits.REGRET: compared(samples, "regret", "ct"),
        limits.SHARE_ERROR: _absolute(samples, "share", "%"),
        limits.UNSETTLED: Value(sum(sample["core.unsettled"] for sample in samples)),
        limits.CROSSINGS: _absolute(samples, "crossings"),
    }


def _restless(samples: Sequence[Sample]) -> dict[str, Value]:
    return {
        limits.TRAVEL_NAIVE: compared(samples, "travel", "W/h", other="naive"),
        limits.GRID_NAIVE: compared(samples, "grid", "W", other="naive"),
        limits.CROSSINGS: _absolute(samples, "crossings"),
        limits.CROSSINGS_NAIVE: compared(samples, "crossings", "per h", other="naive"),
        limits.REGRET: compared(samples, "regret", "ct"),
    }


def _lateness(samples: Sequence[Sample]) -> dict[str, Value]:
    figures = {limits.GRID_IDEAL: compared(samples, "grid", "W")}
    for figure, key in ((limits.GRID_NEAR, "grid"), (limits.TRAVEL_NEAR, "travel")):
        core, ideal, naive = (
            ratio(mean(samples, f"{run}.{key}"), mean(samples, f"near.{run}.{key}"))
            for run in ("core", "ideal", "naive")
        )
        figures[figure] = Value(core, f"ideal {ideal:.3f}", Scale(core, ideal, naive, ""))
    return figures
