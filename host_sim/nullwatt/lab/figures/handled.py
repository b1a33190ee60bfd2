"""Cases: a battery is moved by hand, paused, taken over and limited by its own app, and given back.

The observer counts as right when what the core holds for the battery's command is what its firmware commands, within
the settling band and for five polls on end.
"""

from collections.abc import Sequence
from functools import partial
from math import inf

import numpy as np

from nullwatt.battery import Battery
from nullwatt.core import Config, Emulator

from ..loop import Loop
from ..metrics import SETTLE_BAND_W, Window, mean_abs, settle_time
from ..recording import Recording
from ..suite import HANDLED_LAWS, SCENARIOS, aligned, returns_s
from . import limits
from .case import Case, Sample, Value

_WINDOW_S = 60.0
_AWAY_S = 20.0  # long after the battery left, just before it returns
_RIGHT_POLLS = 5
_RETURNS = ("manual", "paused", "app", "limited")


def handled_cases() -> tuple[Case, ...]:
    """One per law."""
    return tuple(
        Case(f"handled-{law}", f"moved, paused, resumed, limited: {law} law", partial(measure, law), _judge)
        for law in HANDLED_LAWS
    )


def measure(law: str, seed: int) -> dict[str, float]:
    """One alignment, per return: bump (W), time back within the band (s), polls until the observer is right, and mean
    |grid| before it (W).
    """
    scenario = aligned(SCENARIOS[f"handled_{law.replace('-', '_')}"], seed)
    observer = _Observer()
    recording = Loop(scenario, Emulator(Config()), observer.note).run()
    sample: dict[str, float] = {}
    for name, return_s in zip(_RETURNS, returns_s(scenario), strict=True):
        sample[f"{name}.bump"] = _bump_w(recording, return_s)
        sample[f"{name}.away"] = _away_w(recording, return_s)
        sample[f"{name}.back"] = _back_s(recording, return_s)
        sample[f"{name}.polls"] = observer.polls_until_right(return_s)
    return sample


def _rows(recording: Recording, return_s: float) -> Window:
    start, end = (int(np.searchsorted(recording.time_s, edge)) for edge in (return_s, return_s + _WINDOW_S))
    return Window(return_s, start, end, _WINDOW_S)


def _bump_w(recording: Recording, return_s: float) -> float:
    window = _rows(recording, return_s)
    return float(np.abs(recording.grid_total_w[window.start : window.end]).max())


def _away_w(recording: Recording, return_s: float) -> float:
    rows = (recording.time_s >= return_s - _AWAY_S) & (recording.time_s < return_s)
    return mean_abs(recording.grid_total_w[rows])


def _back_s(recording: Recording, return_s: float) -> float:
    time_s = settle_time(recording.time_s, recording.grid_total_w, _rows(recording, return_s))
    return inf if time_s is None else time_s


def _within(battery: Battery, power_w: float) -> float:
    return max(-battery.max_charge_w, min(power_w, battery.max_discharge_w))


class _Observer:
    """Compares, second by second, the core's idea of the first battery's command with the command itself."""

    def __init__(self) -> None:
        self._notes: list[tuple[float, int, bool]] = []  # time s, polls sent, right

    def note(self, loop: Loop) -> None:
        assert isinstance(loop.emulator, Emulator)
        battery = loop.batteries[0]
        for state in loop.emulator.consumers():
            if state.mac == battery.mac.lower():
                # Beyond a limit neither means anything: both are cut off there.
                believed_w, commanded_w = _within(battery, state.setpoint_w), _within(battery, battery.target_w)
                right = abs(believed_w - commanded_w) <= SETTLE_BAND_W
                self._notes.append((loop.now_s, loop.clients[0].polls_sent, right))

    def polls_until_right(self, return_s: float) -> float:
        """Polls from the return until it is right and stays so for five; infinite if that never comes."""
        notes = [note for note in self._notes if return_s <= note[0] < return_s + _WINDOW_S]
        since: int | None = None
        for _, polls, right in notes:
            if not right:
                since = None
                continue
            since = polls if since is None else since
            if polls - since >= _RIGHT_POLLS:
                return float(since - notes[0][1])
        return inf


def _judge(samples: Sequence[Sample]) -> dict[str, Value]:
    return {
        limits.OBSERVER: _worst(samples, "polls"),
        limits.BUMP: _worst(samples, "bump"),
        limits.BACK: _worst(samples, "back"),
        limits.AWAY: _worst(samples, "away"),
    }


def _worst(samples: Sequence[Sample], key: str) -> Value:
    worst = {name: max(sample[f"{name}.{key}"] for sample in samples) for name in _RETURNS}
    note = ", ".join(f"{name} {value:.3g}" for name, value in worst.items())
    return Value(max(worst.values()), note)
