"""What is sent of the chart, and when."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nullwatt.serve import Moment, Watched
from nullwatt.serve.page.chart import Feed, point, thinned


class Past:
    """A past of one moment a second."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def go_on(self, seconds: int) -> None:
        start = len(self.times)
        self.times += [float(second) for second in range(start, start + seconds)]

    def history(self, seconds: float) -> list[Moment]:
        return [moment(time) for time in self.times if time >= self.times[-1] - seconds]


def moment(time_s: float) -> Moment:
    return Moment(time_s=time_s, grid_w=[time_s, 0, 0], solar_w=300, batteries_w={"a": 100, "b": -20}, soc={})


def news(feed: Feed, past: Past, minutes: int) -> dict[str, Any] | None:
    return feed.news(cast(Watched, past), minutes)


def times(points: Iterable[list[float]]) -> list[float]:
    return [entry[0] for entry in points]


def test_a_point_has_the_house_too() -> None:
    assert point(moment(7)) == [7, 7, 80, 300, 387]


def test_nothing_is_sent_twice_and_nothing_is_missed() -> None:
    feed, past = Feed(), Past()
    past.go_on(50)
    first = news(feed, past, 2)
    assert first is not None and first["fresh"]
    assert news(feed, past, 2) is None
    past.go_on(3)
    then = news(feed, past, 2)
    assert then is not None and not then["fresh"]
    assert times(first["points"]) + times(then["points"]) == past.times
    assert then["now"] == 52


def test_another_window_and_another_time_begin_anew() -> None:
    feed, past = Feed(), Past()
    past.go_on(500)
    news(feed, past, 2)
    longer = news(feed, past, 10)
    assert longer is not None and longer["fresh"] and len(longer["points"]) == 500
    past.times = [0.0, 1.0]
    anew = news(feed, past, 10)
    assert anew is not None and anew["fresh"] and times(anew["points"]) == [0, 1]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_an_hour_is_thinned_the_same_however_often_one_looks(steps: list[int]) -> None:
    feed, past = Feed(), Past()
    seen: list[list[float]] = []
    for step in steps:
        past.go_on(step)
        told = news(feed, past, 60)
        seen = seen if told is None else told["points"] if told["fresh"] else seen + told["points"]
    at_once = news(Feed(), past, 60)
    assert at_once is not None
    assert seen == at_once["points"]


def test_however_fast_time_goes_a_window_is_all_that_is_sent() -> None:
    feed, past = Feed(), Past()
    past.go_on(10)
    news(feed, past, 2)
    past.go_on(3000)
    told = news(feed, past, 2)
    assert told is not None and len(told["points"]) == 121


def test_a_mean_is_a_mean() -> None:
    assert thinned([[0, 1], [3, 5], [6, 7]], 6) == [[1.5, 3], [6, 7]]
    assert thinned([[0, 1], [3, 5]], 0) == [[0, 1], [3, 5]]


def test_no_past_is_no_error() -> None:
    class Nothing:
        def history(self, seconds: float) -> list[Moment]:
            return []

    told = Feed().news(cast(Watched, Nothing()), 10)
    assert told is not None and told["points"] == []
    assert pytest.approx(told["window"]) == 600


def test_what_is_not_known_is_a_gap() -> None:
    total = Moment(time_s=1, grid_w=[70], batteries_w={"a": 100}, soc={})
    assert point(total) == [1, 70, 100, None, None]
    cut_off = Moment(time_s=2, grid_w=[], batteries_w={}, soc={})
    assert point(cut_off) == [2, None, None, None, None]
    assert thinned([point(total), point(cut_off)], 6) == [[1.5, 70, 100, None, None]]
