"""The verdict on two results: changes, priority score, guardrails."""

import pytest

from nullwatt.lab import judge

A = {"cost_regret_ct": 10.0, "mean_abs_grid_w": 50.0, "settle_mean_s": None, "grid_p2p_w": 100.0}


def test_score_is_the_weighted_mean_of_the_relative_changes() -> None:
    verdict = judge({"one": (A, {**A, "cost_regret_ct": 9.0, "mean_abs_grid_w": 60.0})})
    # regret -10 % weighs 4, |grid| +20 % weighs 1, p2p 0 % weighs 1.5; what has no value does not count
    assert verdict.score == pytest.approx((4 * -0.1 + 1 * 0.2) / 6.5)
    assert verdict.mean_relative == pytest.approx((-0.1 + 0.2 + 0.0) / 3)
    assert verdict.counts == (1, 1, 1) and verdict.broken == ()


def test_metrics_without_weight_are_shown_but_not_scored() -> None:
    verdict = judge({"one": ({**A, "grid_rms_over_oracle_w": 1.0}, {**A, "grid_rms_over_oracle_w": 2.0})})
    assert verdict.score == 0 and verdict.counts == (0, 1, 3)


def test_guardrails_break_above_five_percent_or_from_zero() -> None:
    def broken(before: float, after: float, metric: str = "cost_regret_ct") -> bool:
        return metric in judge({"one": ({**A, metric: before}, {**A, metric: after})}).broken

    assert broken(100, 105.1) and not broken(100, 105) and not broken(100, 10)
    assert broken(0, 0.01) and not broken(0, 0)
    assert not broken(100, 200, "mean_abs_grid_w"), "not a guardrail"


def test_scenarios_count_alike_whatever_their_size() -> None:
    large, small = (
        ({"cost_regret_ct": 1000.0}, {"cost_regret_ct": 900.0}),
        ({"cost_regret_ct": 1.0}, {"cost_regret_ct": 1.2}),
    )
    verdict = judge({"large": large, "small": small})
    assert verdict.scores == {"large": pytest.approx(-0.1), "small": pytest.approx(0.2)}
    assert verdict.score == pytest.approx(0.05)
    (change,) = verdict.changes
    assert (change.a, change.b) == (500.5, 450.6)


def test_next_to_nothing_does_not_rule_the_score() -> None:
    verdict = judge(
        {"one": ({"cost_regret_ct": 0.001, "mean_abs_grid_w": 50.0}, {"cost_regret_ct": 5.0, "mean_abs_grid_w": 50})}
    )
    assert verdict.score == pytest.approx(4 / 5) and verdict.broken == ("cost_regret_ct",)


def test_metric_missing_on_one_side_is_left_out() -> None:
    verdict = judge({"one": (A, {**A, "settle_mean_s": 5.0, "cost_regret_ct": None})})
    assert [change.metric for change in verdict.changes] == ["mean_abs_grid_w", "grid_p2p_w"]


def test_words() -> None:
    assert str(judge({"one": (A, A)})).startswith("B is the same: priority score +0.0%")
    better = str(judge({"one": (A, {**A, "grid_p2p_w": 50.0, "cost_regret_ct": 11.0})}))
    assert better.startswith("B is better") and "guardrails broken: cost_regret_ct" in better
