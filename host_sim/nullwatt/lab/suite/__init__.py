"""The scenario suite as data: judged cases, households, perturbations, and families drawn by number.

SCENARIOS["steps_ramp"], find("random_017"), find("identify_ramp_100_VNSD")
"""

from collections.abc import Iterable
from difflib import get_close_matches

from ..scenario import Scenario
from .balancer import balancing
from .building import TYPE_OF_LAW, aligned
from .combinations import COMBINATIONS, combination
from .handling import HANDLED_LAWS, handled, returns_s
from .household import household
from .identification import DECLARED, TRUTHS, identification
from .judged import judged
from .perturbed import perturbed

#: The named scenarios.
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*judged(), *household(), *handled(), *balancing(), *perturbed())
}

__all__ = [
    "COMBINATIONS",
    "DECLARED",
    "HANDLED_LAWS",
    "SCENARIOS",
    "TRUTHS",
    "TYPE_OF_LAW",
    "aligned",
    "combination",
    "find",
    "identification",
    "returns_s",
]


def find(name: str, others: Iterable[str] = ()) -> Scenario:
    """The scenario of that name, drawn families included ("random_000" ..., "identify_...").

    others: names known elsewhere, which may be the nearest of a misspelt one.

    Raises:
        KeyError: There is none; its only argument is one line that names the nearest.
    """
    if name in SCENARIOS:
        return SCENARIOS[name]
    family = {f"random_{index:03}": index for index in range(COMBINATIONS)}
    if name in family:
        return combination(family[name])
    for scenario in (identification(truth, declared) for truth in TRUTHS for declared in DECLARED):
        if scenario.name == name:
            return scenario
    nearest = get_close_matches(name, [*SCENARIOS, *family, *others], n=1, cutoff=0.0)
    raise KeyError(f"scenario {name!r} is not there; the nearest is {nearest[0]!r}, `nullwatt lab list` shows all")
