"""The saturation score: how far a battery cannot do what is wanted of it, per direction and per second."""

from collections.abc import Callable

import pytest

from nullwatt.core import Config, Emulator

type Poll = Callable[..., list[str] | None]
MAC = "60f1a2b3c401"


def stuck(
    poll: Poll, emulator: Emulator, grid_w: float, interval_s: float, polls: int, power_w: int = 0
) -> list[float]:
    """Scores after each poll of a battery that stays where it is, whatever it is told."""
    scores = []
    for index in range(polls):
        at = index * interval_s
        emulator.update_grid([grid_w], at=at)
        poll(emulator, at + 0.01, power_w, mac=MAC)
        scores.append(emulator.consumers()[0].saturation)
    return scores


@pytest.mark.parametrize(("interval_s", "reached_s"), [(1.0, 3.0), (0.45, 2.7), (3.1, 3.1), (10.0, 10.0)])
def test_score_rises_with_time_not_with_polls(poll: Poll, interval_s: float, reached_s: float) -> None:
    scores = stuck(poll, Emulator(), 400.0, interval_s, 40)
    first = next(index for index, score in enumerate(scores) if score >= 0.4)
    assert first * interval_s == pytest.approx(reached_s, abs=0.46)


def test_equal_physics_get_equal_scores_at_any_cadence(poll: Poll) -> None:
    # The first sample counts as one second at every cadence; after that only time counts.
    after_s = 9.3
    scores = [
        stuck(poll, Emulator(), 400.0, interval_s, round(after_s / interval_s) + 1)[-1]
        for interval_s in (0.465, 1.0333, 3.1)
    ]
    assert max(scores) - min(scores) < 0.01


def test_charging_and_discharging_are_scored_apart(poll: Poll) -> None:
    emulator = Emulator()
    stuck(poll, emulator, -400.0, 1.0, 20)
    battery = emulator.consumers()[0]
    assert battery.saturation_charge > 0.9
    assert battery.saturation_discharge == 0


def test_score_recovers_as_it_rose_once_the_battery_delivers(poll: Poll) -> None:
    emulator = Emulator()
    risen = stuck(poll, emulator, 400.0, 1.0, 15)[-1]
    assert risen > 0.9
    for second in range(15, 20):
        emulator.update_grid([300.0], at=second)
        poll(emulator, second + 0.01, 100, mac=MAC)
    assert emulator.consumers()[0].saturation == pytest.approx(risen * 0.85**5, rel=0.05)


def test_score_fades_while_nothing_is_wanted(poll: Poll) -> None:
    emulator = Emulator()
    risen = stuck(poll, emulator, 400.0, 1.0, 20)[-1]
    for second in range(20, 203):
        emulator.update_grid([0.0], at=second)
        poll(emulator, second + 0.01, 0, mac=MAC)
    assert emulator.consumers()[0].saturation == pytest.approx(risen * 0.4, abs=0.02)


def test_battery_that_still_turns_round_is_not_saturated(poll: Poll) -> None:
    emulator = Emulator()
    for second in range(10):
        emulator.update_grid([-500.0], at=second)
        poll(emulator, second + 0.01, 300, mac=MAC)
    assert emulator.consumers()[0].saturation == 0


def test_battery_at_its_power_limit_is_not_saturated(poll: Poll) -> None:
    assert stuck(poll, Emulator(), 400.0, 1.0, 60, power_w=800)[-1] == 0


def test_share_too_small_to_start_says_nothing_624(poll: Poll) -> None:
    for kind, power_w, saturated in (("HMJ-2", 60.0, False), ("HMJ-2", 120.0, True), ("VNSE3-0", 60.0, True)):
        emulator = Emulator()
        for second in range(20):
            emulator.update_grid([power_w], at=second)
            poll(emulator, second + 0.01, 0, mac=MAC, kind=kind)
        assert (emulator.consumers()[0].saturation > 0.9) is saturated, (kind, power_w)
    emulator = Emulator()
    emulator.set_override(MAC, start_power=40.0)
    for second in range(20):
        emulator.update_grid([60.0], at=second)
        poll(emulator, second + 0.01, 0, mac=MAC, kind="HMJ-2")
    assert emulator.consumers()[0].saturation > 0.9, "what the user says about the start counts"


def test_detection_can_be_switched_off(poll: Poll) -> None:
    assert stuck(poll, Emulator(Config(saturation_enabled=False)), 400.0, 1.0, 60)[-1] == 0


def test_gap_in_the_polls_says_nothing(poll: Poll) -> None:
    emulator = Emulator(Config(consumer_ttl=100))
    before = stuck(poll, emulator, 400.0, 1.0, 4)[-1]
    emulator.update_grid([400.0], at=60)
    poll(emulator, 60.01, 0, mac=MAC)
    assert emulator.consumers()[0].saturation == pytest.approx(before)


def test_newcomer_that_delivers_nothing_is_given_up_within_its_grace(poll: Poll) -> None:
    # Two work in turn; when the first one leaves, the second one is woken, delivers nothing, and the third takes over.
    macs = [f"60f1a2b3c40{index}" for index in (1, 2, 3)]
    emulator = Emulator(Config(min_efficient_power=400, saturation_stall_timeout_seconds=5))
    watts = dict.fromkeys(macs, 0)
    watts[macs[0]] = 300
    for index, mac in enumerate(macs):
        emulator.set_override(mac, discharge_order=index)
    scores = {}
    for second in range(50):
        if second == 20:
            emulator.set_override(macs[0], active=False)
        emulator.update_grid([300.0 - sum(watts.values())], at=second)
        for index, mac in enumerate(macs):
            fields = poll(emulator, second + 0.1 + 0.1 * index, watts[mac], mac=mac, kind="IDEAL")
            assert fields is not None
            if mac != macs[1]:
                watts[mac] += int(fields[4])
        scores[second] = emulator.consumers()[1].saturation
    assert scores[23] == 0, "it gets its time"
    assert max(scores.values()) == 1
    assert [battery.parked for battery in emulator.consumers()[1:]] == [True, False]
    assert watts[macs[2]] == pytest.approx(300, abs=10)
