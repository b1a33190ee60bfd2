"""How fast the lab runs: `python -m nullwatt.lab.bench [simulated hours]` prints plain lines, one per pool size."""

import sys
import time
from dataclasses import dataclass, replace

from .runner import run
from .scenario import Scenario
from .suite import SCENARIOS

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Speed with one pool size."""

    batteries: int
    simulated_h: float
    elapsed_s: float
    polls: int

    @property
    def ratio(self) -> float:
        """Simulated seconds per real second."""
        return self.simulated_h * _SECONDS_PER_HOUR / self.elapsed_s

    @property
    def hours_per_second(self) -> float:
        """Simulated hours per real second."""
        return self.simulated_h / self.elapsed_s


def benchmark(batteries: int, hours: float = 2.0) -> BenchResult:
    """Time a run, scoring included, of `hours` with the first `batteries` (1 ... 4) of the mixed three-phase pool."""
    mixed: Scenario = SCENARIOS["three_phase_mixed"]
    scenario = replace(
        mixed, batteries=mixed.batteries[:batteries], duration_s=max(1, round(hours * _SECONDS_PER_HOUR))
    )
    start_s = time.perf_counter()
    result = run(scenario)
    return BenchResult(batteries, scenario.duration_s / _SECONDS_PER_HOUR, time.perf_counter() - start_s, result.polls)


def simulated_hours_per_second(batteries: int, hours: float = 2.0) -> float:
    """Shortcut to `benchmark(...).hours_per_second`, after a short warm-up."""
    benchmark(batteries, 0.05)
    return benchmark(batteries, hours).hours_per_second


def main(arguments: list[str]) -> None:
    """Print one line per pool size."""
    hours = float(arguments[0]) if arguments else 2.0
    benchmark(1, 0.05)  # warm up
    for batteries in (1, 4):
        result = benchmark(batteries, hours)
        print(
            f"lab {batteries} {'battery' if batteries == 1 else 'batteries'}: "
            f"{result.hours_per_second:.2f} simulated hours/s, {result.ratio:.0f} x real time, "
            f"{result.polls / result.elapsed_s:.0f} polls/s"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
