"""The three modes of virtual time."""

import asyncio
import math
import time

import pytest

from nullwatt.home import PacedClock, RealClock, ScaledClock, SteppedClock


def test_stepped_clock_stands_still_until_told() -> None:
    clock = SteppedClock()
    time.sleep(0.01)
    assert clock.now_s == 0.0
    clock.advance(1.5)
    clock.advance_to(2.0)
    assert clock.now_s == 2.0


@pytest.mark.parametrize("target", [-0.1, float("nan")])
def test_stepped_clock_refuses_to_go_back(target: float) -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        SteppedClock().advance_to(target)


def test_stepped_sleepers_wake_in_order_of_time() -> None:
    async def run() -> list[str]:
        clock, woken = SteppedClock(), []

        async def sleeper(name: str, duration_s: float) -> None:
            await clock.sleep(duration_s)
            woken.append(name)

        tasks = [asyncio.create_task(sleeper(name, s)) for name, s in (("late", 3), ("early", 1), ("now", 0))]
        await asyncio.sleep(0.01)
        assert woken == ["now"]
        clock.advance(1)
        await asyncio.sleep(0.01)
        assert woken == ["now", "early"]
        tasks[0].cancel()
        clock.advance(5)
        await asyncio.gather(*tasks, return_exceptions=True)
        return woken

    assert asyncio.run(run()) == ["now", "early"]


def test_scaled_clock_multiplies_real_time() -> None:
    real = [100.0]
    clock = ScaledClock(60.0, source=lambda: real[0])
    real[0] += 2.0
    assert clock.now_s == pytest.approx(120.0)


def test_scaled_clock_sleeps_shorter() -> None:
    async def run() -> float:
        clock = ScaledClock(100.0)
        start = time.monotonic()
        await clock.sleep_until(5.0)
        assert clock.now_s >= 5.0
        return time.monotonic() - start

    assert 0.04 < asyncio.run(run()) < 0.5


def test_real_clock_runs() -> None:
    clock = RealClock()
    time.sleep(0.02)
    assert clock.now_s >= 0.02


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_scale_must_be_positive(factor: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(factor)


# -- a pace that changes -----------------------------------------------------------------------------


class Source:
    """Real time by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_pace_changes_without_a_jump() -> None:
    source = Source()
    clock = PacedClock(1.0, source)
    source.now_s += 2
    assert clock.now_s == 2.0
    clock.set_factor(10.0)
    assert clock.now_s == 2.0
    source.now_s += 1
    assert clock.now_s == 12.0
    clock.pause()
    source.now_s += 50
    assert clock.now_s == 12.0 and clock.paused
    clock.step(0.5)
    assert clock.now_s == 12.5
    clock.resume()
    source.now_s += 1
    assert clock.now_s == 22.5


async def test_sleepers_follow_the_pace() -> None:
    clock = PacedClock(1.0)
    clock.pause()
    sleeper = asyncio.create_task(clock.sleep(60.0))
    await asyncio.sleep(0.02)
    assert not sleeper.done()
    clock.step(59.0)
    await asyncio.sleep(0.02)
    assert not sleeper.done()
    clock.step(1.0)
    await asyncio.wait_for(sleeper, 1.0)
    hurried = asyncio.create_task(clock.sleep(1000.0))
    clock.resume()
    await asyncio.sleep(0.01)
    clock.set_factor(1e6)
    await asyncio.wait_for(hurried, 1.0)


def test_paces_that_are_none() -> None:
    clock = PacedClock()
    with pytest.raises(ValueError, match="only a paused clock can be stepped"):
        clock.step(1.0)
    clock.pause()
    for step_s in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="a step must be a number of seconds above 0"):
            clock.step(step_s)
    for factor in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="time scale must be a number above 0"):
            clock.set_factor(factor)
