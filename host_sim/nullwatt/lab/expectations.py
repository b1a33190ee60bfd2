"""What must have held in a run, and whether it did.

Signs: battery + = discharge, grid + = import. Times are seconds from the start, [from_s, to_s).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .metrics import overshoot, settle_time, step_windows
from .recording import Floats
from .report import LabResult

Subject = Literal["grid", "power", "soc", "overshoot", "settle", "metric"]
_UNITS = {"grid": " W", "power": " W", "soc": "", "overshoot": " W", "settle": " s", "metric": ""}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation: what it says, whether it held, and what was found."""

    text: str
    ok: bool
    found: str

    def to_json(self) -> dict[str, object]:
        """As JSON-able values."""
        return {"expectation": self.text, "ok": self.ok, "found": self.found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A quantity and its bounds, both inclusive.

    subject: "grid" (all phases); "power" and "soc" of the battery at position `battery`, None: power of the pool, SoC
    of every battery; "overshoot" W and "settle" s of every step that begins in the time; "metric": the one of that
    name, over the whole run. fraction: of the seconds that must lie within. mean: the mean of the time counts instead.
    """

    subject: Subject
    low: float | None = None
    high: float | None = None
    fraction: float = 1.0
    mean: bool = False
    from_s: float = 0.0
    to_s: float = np.inf
    battery: int | None = None
    metric: str = ""

    def __str__(self) -> str:
        parts = [self._who(), self._bounds()]
        if self.fraction < 1.0:
            parts.append(f"in {_percent(self.fraction)} of the time")
        if self.subject != "metric" and (self.from_s > 0 or self.to_s < np.inf):
            end = f"{self.to_s:g} s" if self.to_s < np.inf else "the end"
            parts.append(f"from {self.from_s:g} s to {end}")
        return " ".join(parts)

    def _who(self) -> str:
        if self.subject == "metric":
            return self.metric
        owner = "" if self.battery is None else f"battery {self.battery + 1} "
        return f"{'mean ' if self.mean else ''}{owner}{self.subject}"

    def _bounds(self) -> str:
        unit = _UNITS[self.subject]
        if self.low is None:
            return f"at most {self.high:g}{unit}"
        if self.high is None:
            return f"at least {self.low:g}{unit}"
        return f"within {self.high:g}{unit}" if self.low == -self.high else f"in {self.low:g} ... {self.high:g}{unit}"

    def check(self, result: LabResult) -> Outcome:
        """Judge a run."""
        match self.subject:
            case "grid" | "power" | "soc":
                ok, found = self._seconds(result)
            case "overshoot" | "settle":
                ok, found = self._steps(result)
            case "metric":
                value = getattr(result.metrics, self.metric)
                ok = value is not None and self._is_within(value)
                found = "does not apply to this run" if value is None else f"{value:.4g}"
        return Outcome(str(self), ok, found)

    def _is_within(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _seconds(self, result: LabResult) -> tuple[bool, str]:
        recording = result.recording
        rows = (recording.time_s >= self.from_s) & (recording.time_s < self.to_s)
        if not rows.any():
            return False, "no second to judge"
        values = self._values(result)[rows]
        if self.mean:
            means = [float(mean) for mean in values.mean(axis=0)]
            return all(map(self._is_within, means)), ", ".join(f"{mean:.4g}" for mean in means)
        low, high = (-np.inf if self.low is None else self.low), (np.inf if self.high is None else self.high)
        share = float(((values >= low) & (values <= high)).all(axis=1).mean())
        return share >= self.fraction, f"{_percent(share)} of the time, {values.min():.4g} ... {values.max():.4g}"

    def _values(self, result: LabResult) -> Floats:
        recording = result.recording
        if self.subject == "grid":
            return recording.grid_total_w[:, None]
        if self.subject == "power" and self.battery is None:
            pool: Floats = recording.power_w.sum(axis=1, keepdims=True)
            return pool
        values = recording.power_w if self.subject == "power" else recording.soc
        return values if self.battery is None else values[:, [self.battery]]

    def _steps(self, result: LabResult) -> tuple[bool, str]:
        time_s, grid_w = result.recording.time_s, result.recording.grid_total_w
        windows = [
            window
            for window in step_windows(time_s, grid_w, result.steps_s)
            if self.from_s <= window.step_s < self.to_s
        ]
        if not windows:
            return False, "no step to judge"
        if self.subject == "overshoot":
            worst = max(overshoot(grid_w, window) for window in windows)
            return self._is_within(worst), f"{worst:.4g} at worst"
        times = [settle_time(time_s, grid_w, window) for window in windows]
        settled = [time for time in times if time is not None]
        if len(settled) < len(times):
            return False, f"{len(times) - len(settled)} of {len(times)} steps never settled"
        return self._is_within(max(settled)), f"{max(settled):.4g} at worst"


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
