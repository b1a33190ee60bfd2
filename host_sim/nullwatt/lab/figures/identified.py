"""Case: the law of a battery is unknown or wrongly declared, and the core has to find it out.

Each true law meets every declaration; "known" is the run in which the same battery says what it is.
"""

from collections.abc import Sequence
from math import isfinite, nan
from statistics import fmean

import numpy as np

from nullwatt.core import Config, Emulator

from ..loop import Loop
from ..metrics import evaluate, mean_abs
from ..recording import Recording
from ..suite import DECLARED, TRUTHS, aligned, identification
from ..suite.identification import LEARNING_S, Truth
from . import limits
from .case import Case, Sample, Value, mean, ratio

# The settling of the last step before the two minutes are over still counts as learning.
_LEARNT_S = LEARNING_S + 10.0
#: A run diverges that is so much worse than knowing the law.
_DIVERGED = 1.5


def identification_case() -> Case:
    """The case; one measurement per seed covers all pairs of truth and declaration."""
    return Case("identification", "law unknown or wrongly declared", measure, _judge)


def measure(seed: int) -> dict[str, float]:
    """One alignment of every pair; keys "ramp 100 % as VNSD-0.found" and so on."""
    sample: dict[str, float] = {}
    for truth in TRUTHS:
        known = _run(truth, truth.device_type, seed)["grid"]
        for declared in DECLARED:
            if declared == truth.device_type:
                continue
            pair = f"{truth.law} {truth.ratio} % as {declared}"
            measured = _run(truth, declared, seed) | {"known": known}
            sample |= {f"{pair}.{key}": value for key, value in measured.items()}
    return sample


def _run(truth: Truth, declared: str, seed: int) -> dict[str, float]:
    scenario = aligned(identification(truth, declared), seed)
    diary = _Diary(truth)
    loop = Loop(scenario, Emulator(Config()), diary.note)
    recording = loop.run()
    metrics, _ = evaluate(recording, loop.facts, scenario.labelled_s)
    return {
        "found": diary.found_s,
        "gain": abs(diary.gain - truth.ratio / 100.0),
        "overshoot": max(metrics.overshoot_max_w or 0.0, _starting_export_w(recording, scenario.labelled_s[0])),
        "grid": mean_abs(recording.grid_total_w[recording.time_s >= _LEARNT_S]),
    }


class _Diary:
    """What the core believes of the only battery, second by second."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._rows = 0
        self.found_s = 0.0  # infinite until the law is right for good
        self.gain = nan

    def note(self, loop: Loop) -> None:
        self._rows += 1
        assert isinstance(loop.emulator, Emulator)
        states = loop.emulator.consumers()
        self.gain = states[0].gain if states else nan
        if not states or states[0].law != self._truth.law:
            ends = self._rows >= loop.scenario.duration_s
            self.found_s = float("inf") if ends else loop.now_s + 1.0


def _starting_export_w(recording: Recording, until_s: float) -> float:
    """The overshoot of the very start, which is no labelled step: the house imports, so it is export."""
    rows = recording.time_s < until_s
    return max(0.0, float(-recording.grid_total_w[rows].min()))


def _judge(samples: Sequence[Sample]) -> dict[str, Value]:
    pairs = sorted({key.rpartition(".")[0] for key in samples[0]})
    found = {pair: max(sample[f"{pair}.found"] for sample in samples) for pair in pairs}
    known = {pair: ratio(mean(samples, f"{pair}.grid"), mean(samples, f"{pair}.known")) for pair in pairs}
    overshoot = {pair: max(sample[f"{pair}.overshoot"] for sample in samples) for pair in pairs}
    diverged = [
        pair for pair in pairs for sample in samples if sample[f"{pair}.grid"] > _DIVERGED * sample[f"{pair}.known"]
    ]
    late = sum(seconds > 60.0 for seconds in found.values())
    gains = [mean(samples, f"{pair}.gain") for pair in pairs]
    known_gains = [gain for gain in gains if isfinite(gain)]
    return {
        limits.LAW_FOUND: _worst(found, f"; {late} of {len(pairs)} pairs above 60 s"),
        limits.LAW_KNOWN: _worst(known, f"; mean {np.mean(list(known.values())):.3f}"),
        limits.OVERSHOOT_MAX: _worst(overshoot),
        limits.DIVERGED: Value(len(diverged), ", ".join(sorted(set(diverged))[:3])),
        limits.GAIN_ERROR: Value(fmean(known_gains) if known_gains else nan),
    }


def _worst(values: dict[str, float], more: str = "") -> Value:
    pairs = sorted(values, key=values.__getitem__, reverse=True)[:3]
    return Value(values[pairs[0]], ", ".join(f"{pair} {values[pair]:.3g}" for pair in pairs) + more)
