"""The built-in house of the demo: when its loads switch, and that the pool can hold it."""

import numpy as np
import pytest

from nullwatt.lab import Scenario, demo_house, run, specs_of


@pytest.mark.parametrize("duration_s", [40.0, 60.0, 300.0])
def test_last_half_minute_is_quiet(duration_s: float) -> None:
    events = demo_house(duration_s).house_config().events
    assert [event.load for event in events] == ["kettle", "oven", "kettle", "television"]
    assert max(event.time_s for event in events) == duration_s - 30


@pytest.mark.parametrize("duration_s", [21.0, 39.0, float("nan")])
def test_a_run_too_short_to_settle_switches_nothing(duration_s: float) -> None:
    assert demo_house(duration_s).house_config().events == ()


def test_endless_run_repeats_the_pattern_and_starts_each_round_clean() -> None:
    events = demo_house(0.0).house_config().events
    assert len(events) == 4 + 6 * 1439
    second = [event for event in events if 60 <= event.time_s < 120]
    assert [(event.load, event.active) for event in second][:3] == [
        ("oven", False),
        ("television", False),
        ("kettle", True),
    ]


@pytest.mark.parametrize("duration_s", [25, 45, 60])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_four_batteries_hold_it(duration_s: int, seed: int) -> None:
    file = demo_house(duration_s)
    result = run(Scenario("demo", file.house_config(seed), specs_of(file), duration_s=duration_s, seed=seed))
    assert np.abs(result.recording.grid_total_w[-20:]).mean() < 40
