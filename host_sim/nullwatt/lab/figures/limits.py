"""What must hold: every limit once, for the command and for the tests.

A figure is fine at or below its limit; None only informs. Tests guard with `HEADROOM` on top.
"""

from dataclasses import dataclass

HEADROOM = 1.10


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one figure of one case; `unit` is empty for ratios and counts."""

    case: str
    figure: str
    limit: float | None
    unit: str = ""

    def holds(self, value: float, headroom: float = 1.0) -> bool | None:
        """Whether a value is fine; None where there is no limit. NaN never is."""
        return None if self.limit is None else value <= self.limit * headroom


SETTLE = "settle mean / ideal"
OVERSHOOT = "overshoot mean"
OVERSHOOT_MAX = "overshoot max"
REGRET = "regret / ideal"
SHARE_ERROR = "share error after 60 s"
UNSETTLED = "steps that hunt on"
GRID_NEAR = "mean |grid| / that at 0.5 s"
TRAVEL_NEAR = "travel / that at 0.5 s"
GRID_NAIVE = "mean |grid| / naive"
GRID_IDEAL = "mean |grid| / ideal"
TRAVEL_NAIVE = "travel / naive"
CROSSINGS = "crossings per hour"
CROSSINGS_NAIVE = "crossings / naive"
LAW_FOUND = "right law after, worst"
LAW_KNOWN = "mean |grid| after 2 min / known, worst"
DIVERGED = "runs that diverge"
GAIN_ERROR = "gain error at the end, mean"
WORST = "mean |grid| / naive, worst"
MEDIAN = "mean |grid| / naive, median"
BETTER = "better than naive"
OBSERVER = "observer right after, worst"
BUMP = "bump on return, worst"
BACK = "back within 25 W after, worst"
AWAY = "grid left while away, worst"

_INTEGRATORS = ("integrator", "old-integrator")
_BOTH = ("ramp", "integrator")
_HANDLED = ("ramp", "integrator", "integrator-2", "dc-regulator")

LIMITS: tuple[Limit, ...] = (
    *(
        limit
        for case in _INTEGRATORS
        for limit in (
            Limit(case, SETTLE, 1.1),
            Limit(case, OVERSHOOT, 20.0, "W"),
            Limit(case, REGRET, 1.1),
        )
    ),
    Limit("ramp", SETTLE, 1.6),
    Limit("ramp", OVERSHOOT, 20.0, "W"),
    Limit("ramp", REGRET, None),
    Limit("two-ramp", SETTLE, 1.8),
    Limit("two-ramp", SHARE_ERROR, 5.0, "%"),
    *(limit for law in _BOTH for limit in (Limit(f"slow-{law}", SETTLE, 1.35), Limit(f"slow-{law}", UNSETTLED, 0.0))),
    *(
        limit
        for law in _BOTH
        for limit in (
            Limit(f"late-{law}", GRID_NEAR, 1.35),
            Limit(f"late-{law}", TRAVEL_NEAR, 1.1),
            Limit(f"late-{law}", GRID_IDEAL, None),
        )
    ),
    *(
        limit
        for law in _BOTH
        for limit in (Limit(f"noise-{law}", TRAVEL_NAIVE, 0.25), Limit(f"noise-{law}", GRID_NAIVE, 1.0))
    ),
    *(
        limit
        for law in _BOTH
        for limit in (Limit(f"pulses-{law}", CROSSINGS, 20.0), Limit(f"pulses-{law}", TRAVEL_NAIVE, 0.2))
    ),
    Limit("mixed-pollers", OVERSHOOT, 40.0, "W"),
    Limit("mixed-pollers", OVERSHOOT_MAX, 90.0, "W"),
    Limit("mixed-pollers", CROSSINGS, 40.0),
    Limit("three-ramp", CROSSINGS_NAIVE, 1.0),
    Limit("three-ramp", REGRET, 1.5),
    Limit("identification", LAW_FOUND, 60.0, "s"),
    Limit("identification", LAW_KNOWN, 1.05),
    Limit("identification", OVERSHOOT_MAX, 350.0, "W"),
    Limit("identification", DIVERGED, 0.0),
    Limit("identification", GAIN_ERROR, None),
    Limit("combinations", WORST, 1.2),
    Limit("combinations", MEDIAN, 0.5),
    Limit("combinations", BETTER, None, "%"),
    *(
        limit
        for law in _HANDLED
        for limit in (
            Limit(f"handled-{law}", OBSERVER, 10.0, "polls"),
            Limit(f"handled-{law}", BUMP, 250.0, "W"),
            Limit(f"handled-{law}", BACK, 10.0, "s"),
            Limit(f"handled-{law}", AWAY, None, "W"),
        )
    ),
    Limit("perturbed", WORST, None),
    Limit("perturbed", MEDIAN, None),
    Limit("perturbed", BETTER, None, "%"),
)


def limits_of(case: str) -> tuple[Limit, ...]:
    """The limits of one case, in the order of the table."""
    return tuple(limit for limit in LIMITS if limit.case == case)
