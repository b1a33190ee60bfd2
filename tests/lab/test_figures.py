"""The figures that must hold, each guarded with head-room on the one limit the command prints too."""

import pytest

from nullwatt.lab.figures import CASES, HEADROOM, LIMITS, Limit, figures, limits_of
from nullwatt.lab.figures.case import Value, compared, mean, ratio

# Fewer alignments than the command takes: enough for means to be within the head-room.
GUARD_SEEDS = 8
GUARDED = [case for case in CASES if any(limit.limit is not None for limit in limits_of(case))]


@pytest.mark.slow
@pytest.mark.parametrize("case", GUARDED)
def test_figures_hold(case: str) -> None:
    limits = {limit.figure: limit for limit in limits_of(case)}
    missed = [
        f"{figure.figure}: {figure.value:.4g} {figure.unit}, limit {figure.limit} ({figure.note})"
        for figure in figures([case], GUARD_SEEDS)
        if limits[figure.figure].holds(figure.value, HEADROOM) is False
    ]
    assert not missed, "; ".join(missed)


@pytest.mark.slow
def test_every_limit_belongs_to_a_case_and_is_computed() -> None:
    assert {limit.case for limit in LIMITS} == set(CASES)
    pairs = [(limit.case, limit.figure) for limit in LIMITS]
    assert len(pairs) == len(set(pairs))
    for figure in figures(seeds=1):
        assert figure.note != "not computed"


def test_a_limit_holds_up_to_itself_and_never_for_nothing() -> None:
    limit = Limit("case", "figure", 10.0)
    assert limit.holds(10.0) and not limit.holds(10.01) and limit.holds(10.9, 1.1)
    assert limit.holds(float("nan")) is False and limit.holds(float("inf")) is False
    assert Limit("case", "figure", None).holds(1e9) is None


def test_means_skip_what_does_not_apply() -> None:
    samples = [{"core.x": 1.0, "ideal.x": 2.0}, {"core.x": float("nan"), "ideal.x": 4.0}]
    assert mean(samples, "core.x") == 1
    assert compared(samples, "x", "W") == Value(1 / 3, "1 / 3 W")
    assert (ratio(0, 0), ratio(1, 0), ratio(1, 4)) == (1, float("inf"), 0.25)


def test_same_seeds_same_figures_whatever_the_processes() -> None:
    done: list[int] = []
    alone = figures(["old-integrator"], seeds=2, jobs=1, done=lambda: done.append(1))
    assert alone == figures(["old-integrator"], seeds=2, jobs=2)
    assert len(done) == 2
    assert alone[0].to_json()["case"] == "old-integrator"
