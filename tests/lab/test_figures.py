"""The figures: each is guarded with head-room on its limit or, where that is missed, on what holds today."""

from dataclasses import replace

import pytest

from nullwatt.lab.figures import CASES, HEADROOM, LIMITS, Limit, figures, limits_of
from nullwatt.lab.figures.case import Scale, Value, compared, mean, ratio

# Fewer alignments than the command takes: enough for means to be within the head-room.
GUARD_SEEDS = 8
GUARDED = [case for case in CASES if any(limit.guarded is not None for limit in limits_of(case))]


@pytest.mark.slow
@pytest.mark.parametrize("case", GUARDED)
def test_figures_hold(case: str) -> None:
    limits = {limit.figure: limit for limit in limits_of(case)}
    missed = [
        f"{figure.figure}: {figure.value:.4g} {figure.unit}, at most {most:.4g} ({figure.note})"
        for figure in figures([case], GUARD_SEEDS)
        if (most := limits[figure.figure].guarded) is not None and not figure.value <= most
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
    assert limit.holds(10.0) and not limit.holds(10.01)
    assert limit.holds(float("nan")) is False and limit.holds(float("inf")) is False
    assert Limit("case", "figure", None).holds(1e9) is None


def test_a_guard_replaces_the_limit_in_tests_only() -> None:
    limit = Limit("case", "figure", 10.0)
    assert limit.guarded == pytest.approx(10.0 * HEADROOM)
    missed = replace(limit, guard=12.0)
    assert missed.guarded == pytest.approx(12.0 * HEADROOM)
    assert missed.holds(11.0) is False
    assert Limit("case", "figure", None).guarded is None


def test_only_what_misses_its_limit_has_a_weaker_guard_and_says_why() -> None:
    guards = [limit for limit in LIMITS if limit.guard is not None]
    assert guards
    for limit in guards:
        assert limit.limit is None or limit.guard is None or limit.guard > limit.limit
        assert (limit.why != "") == (limit.limit is not None)
        assert limit.why == "" or (limit.why.endswith(".") and limit.why.count(". ") == 0)


def test_means_skip_what_does_not_apply() -> None:
    samples = [{"core.x": 1.0, "ideal.x": 2.0}, {"core.x": float("nan"), "ideal.x": 4.0}]
    assert mean(samples, "core.x") == 1
    assert compared(samples, "x", "W") == Value(1 / 3, "1 / 3 W", Scale(1.0, 3.0, None, "W"))
    assert (ratio(0, 0), ratio(1, 0), ratio(1, 4)) == (1, float("inf"), 0.25)


def test_same_seeds_same_figures_whatever_the_processes() -> None:
    done: list[int] = []
    alone = figures(["old-integrator"], seeds=2, jobs=1, done=lambda: done.append(1))
    assert alone == figures(["old-integrator"], seeds=2, jobs=2)
    assert len(done) == 2
    entry = alone[0].to_json()
    assert entry["case"] == "old-integrator" and entry["guard"] is None
    assert isinstance(entry["scale"], dict) and set(entry["scale"]) == {"core", "ideal", "naive", "unit"}
