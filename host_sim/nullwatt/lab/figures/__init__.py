"""What must hold, and whether it does: cases, limits and the figures computed from many seeded runs.

from nullwatt.lab.figures import CASES, figures
for figure in figures(["ramp"], seeds=20): print(figure.figure, figure.value, figure.limit, figure.ok)
"""

from .case import Case, Value
from .compute import CASES, SEEDS, Figure, figures, measurements
from .limits import HEADROOM, LIMITS, Limit, limits_of

__all__ = [
    "CASES",
    "HEADROOM",
    "LIMITS",
    "SEEDS",
    "Case",
    "Figure",
    "Limit",
    "Value",
    "figures",
    "limits_of",
    "measurements",
]
