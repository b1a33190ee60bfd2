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


def phase_parts(phase: str, phases: int) -> tuple[float, ...]:
    """Part of a power that goes to each of the house's phases: one letter, several ("AC": evenly), or D (all).

    ValueError for anything else, and for a phase a house with that many phases does not have.
    """
    if phase == SPREAD:
        return (1.0 / phases,) * phases
    parts = [0.0] * phases
    for letter in phase or "?":
        if phase_index(letter) >= phases:
            raise ValueError(f"phase {letter} is not in this house")
        parts[phase_index(letter)] += 1.0 / len(phase)
    return tuple(parts)
