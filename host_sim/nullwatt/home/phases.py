"""Names of the phases a thing can be connected to."""

PHASES = ("A", "B", "C")

#: Phase of a battery that is not tied to one phase: its power is spread evenly over all phases of the house.
SPREAD = "D"


def phase_index(phase: str) -> int:
    """0, 1 or 2 for A, B or C; ValueError for anything else."""
    try:
        return PHASES.index(phase)
    except ValueError:
        raise ValueError(f"phase must be A, B or C, got {phase!r}") from None
