"""Several batteries in the closed loop: what a pool must do, each test named after the behaviour and its field problem.

The numbers are the requirements', not what the core happens to reach. A scenario runs with several alignments of polls
and steps, since what holds for one of them only does not hold.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from listening import Listener, grid, listen, power

from nullwatt.core import Config, Emulator
from nullwatt.home import MeterConfig
from nullwatt.lab import SCENARIOS, Event, Scenario, aligned, run, run_against
from nullwatt.lab.suite import balancer
from nullwatt.lab.suite.balancer import CHANGE_S, SPACING_S, units
from nullwatt.lab.suite.building import unit

SEEDS = (1, 2, 3)
SETTLED_S = 60.0
#: Errors that a firmware leaves alone: nobody can steer a battery more exactly.
DEAD_BAND_W = 20.0
#: The most a step may overshoot to the other side.
OVERSHOOT_W = 110.0
PAIRS = (
    ("integrator-2", "integrator-2"),
    ("ramp", "ramp"),
    ("integrator-2", "ramp"),
    ("integrator", "integrator-2"),
)
EXACT: dict[str, float | bool | str] = {"balance_deadband": 0.0}


def changes_s(scenario: Scenario) -> list[float]:
    return [event.time_s for event in scenario.house.events]


# --- limits (16.14, #655)


#: Alignments over which a steady state is judged: limits are tried again now and then, and how long that shows
#: depends on when who polls.
ALIGNMENTS = (1, 2, 3, 4, 5)
TRIOS = tuple((first, first, second) for first, second in PAIRS)
LIMITED = (*PAIRS, ("integrator", "integrator"))


def steady_errors_w(limits_w: tuple[float, ...], laws: tuple[str, ...], demand_w: float) -> list[float]:
    """Mean |grid| over ten minutes, per alignment."""
    scenario = balancer.unequal_limits("limits", limits_w, laws, demand_w)
    return [grid(run(aligned(scenario, seed)), CHANGE_S + SETTLED_S).mean() for seed in ALIGNMENTS]


@pytest.mark.parametrize("laws", LIMITED)
@pytest.mark.parametrize("demand_w", [2000.0, 2600.0, 3000.0, -2000.0, -2600.0, -3000.0])
def test_two_unequal_limits_meet_the_demand_655(laws: tuple[str, ...], demand_w: float) -> None:
    errors_w = steady_errors_w((800.0, 2500.0), laws, demand_w)
    assert np.mean(errors_w) < 15 and max(errors_w) < 40, errors_w


@pytest.mark.parametrize("laws", LIMITED)
@pytest.mark.parametrize("demand_w", [2000.0, 2600.0, 3000.0, 3500.0, -2000.0, -2600.0, -3000.0, -3500.0])
def test_three_unequal_limits_meet_the_demand_655(laws: tuple[str, ...], demand_w: float) -> None:
    if laws == ("ramp", "ramp") and demand_w == 3500:
        pytest.xfail("19 W on average over the alignments, cause not found yet")
    errors_w = steady_errors_w((800.0, 800.0, 2500.0), (laws[0], *laws), demand_w)
    assert np.mean(errors_w) < 15 and max(errors_w) < 60, errors_w


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("laws", "demand_w"),
    [
        (("integrator-2", "integrator-2"), 2000.0),
        (("integrator-2", "ramp"), 2000.0),
        (("ramp", "ramp"), 2000.0),
        (("ramp", "ramp"), 2600.0),
        (("ramp", "ramp"), 3000.0),
        *((laws, -2000.0) for laws in PAIRS),
    ],
)
def test_two_unequal_limits_at_each_alignment_655(laws: tuple[str, ...], demand_w: float, seed: int) -> None:
    if laws == ("ramp", "ramp") and demand_w == -2000 and seed == 3:
        pytest.xfail("32 W; below 15 W before probes stopped counting, cause not found yet")
    scenario = aligned(balancer.unequal_limits("limits", (800.0, 2500.0), laws, demand_w), seed)
    assert grid(run(scenario), CHANGE_S + SETTLED_S).mean() < 15


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("laws", "demand_w"),
    [
        *((laws, demand_w) for laws in TRIOS for demand_w in (2000.0, -2000.0)),
        (("integrator", "integrator", "integrator-2"), -2600.0),
        (("integrator-2", "integrator-2", "integrator-2"), 2600.0),
        (("integrator-2", "integrator-2", "integrator-2"), -2600.0),
        (("ramp", "ramp", "ramp"), 3000.0),
        (("ramp", "ramp", "ramp"), -3000.0),
        (("ramp", "ramp", "ramp"), -3500.0),
    ],
)
def test_three_unequal_limits_at_each_alignment_655(laws: tuple[str, ...], demand_w: float, seed: int) -> None:
    scenario = aligned(balancer.unequal_limits("limits", (800.0, 800.0, 2500.0), laws, demand_w), seed)
    assert grid(run(scenario), CHANGE_S + SETTLED_S).mean() < 15


# --- sharing


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_equal_weights_share_evenly_within_a_minute(laws: tuple[str, ...], sign: float, seed: int) -> None:
    scenario = aligned(balancer.shared("shared", laws, sign=sign), seed)
    result = run(scenario)
    for change_s in changes_s(scenario):
        rows = result.recording.power_w[round(change_s + SETTLED_S) : math.floor(change_s + SPACING_S) - 1]
        demand_w = abs(result.recording.demand_w[round(change_s + SETTLED_S)])
        assert np.abs(rows - rows.mean(axis=1, keepdims=True)).max() < 0.05 * demand_w


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_weights_are_kept_412(laws: tuple[str, ...], sign: float, seed: int) -> None:
    # Without the user's tolerance for imbalance, which is wider than the two percent.
    scenario = aligned(replace(balancer.shared("weighted", laws, (1.5, 1.0), sign), options=EXACT), seed)
    result = run(scenario)
    for change_s in changes_s(scenario):
        shares_w = power(result, change_s + SETTLED_S, math.floor(change_s + SPACING_S) - 1)
        assert shares_w[0] / shares_w.sum() == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("law", "sign"),
    [("integrator-2", 1.0), ("integrator-2", -1.0), ("integrator", 1.0), ("integrator", -1.0), ("ramp", 1.0)],
)
def test_share_does_not_depend_on_the_cadence(law: str, sign: float, seed: int) -> None:
    scenario = aligned(replace(balancer.cadences("cadences", law, sign), options=EXACT), seed)
    result = run(scenario)
    for change_s in changes_s(scenario):
        shares_w = power(result, change_s + SETTLED_S, math.floor(change_s + SPACING_S) - 1)
        assert shares_w / shares_w.mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
def test_lopsided_pair_evens_out_523(laws: tuple[str, ...], seed: int) -> None:
    result = run(aligned(balancer.lopsided("lopsided", laws), seed))
    before_w, after_w = result.recording.power_w[0], power(result, SETTLED_S)
    assert np.abs(after_w - after_w.mean()).max() < 0.05 * 978
    assert after_w[0] - before_w[0] > 300 and before_w[1] - after_w[1] > 300, "both move"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", [laws for laws in PAIRS if laws != ("ramp", "ramp")])
def test_small_error_is_not_given_to_weight_zero(laws: tuple[str, ...], seed: int) -> None:
    def script(at: float, emulator: Emulator) -> None:
        if at == 0:
            emulator.set_override("02B250000002", weight=0.0)

    demands = tuple((20.0 * index, 400.0 + 30.0 * (index % 2)) for index in range(15))
    scenario = balancer.demanding("small steps", "", units(laws), demands, 320.0)
    result, _, _ = listen(aligned(scenario, seed), script)
    assert np.abs(result.recording.power_w[:, 1]).max() == 0


# --- charging


CHARGING = (
    balancer.shared("two laws", ("integrator-2", "ramp"), sign=-1.0),
    balancer.shared("weights", ("integrator-2", "integrator-2"), (1.5, 1.0), sign=-1.0),
    balancer.cadences("cadences", "ramp", sign=-1.0),
    balancer.unequal_limits("limits", (800.0, 2500.0), ("integrator-2", "ramp"), -2600.0),
    balancer.unequal_limits("three limits", (800.0, 800.0, 2500.0), ("ramp", "ramp", "integrator-2"), -3000.0),
    balancer.dc_unit_at_surplus("dc unit", "integrator-2"),
    balancer.empty_and_full("empty and full", ("integrator-2", "ramp"), (0.0, 1.0), -800.0),
    balancer.lopsided("lopsided", ("ramp", "integrator-2")),
    balancer.swinging("swinging", ("integrator-2", "ramp")),
    SCENARIOS["filling"],
)


@pytest.mark.parametrize("scenario", CHARGING, ids=lambda scenario: scenario.name)
def test_no_reply_shows_a_discharge_while_the_pool_charges(scenario: Scenario) -> None:
    result, heard, _ = listen(scenario)
    recording = result.recording
    charging = 0
    for poll in heard:
        second = int(poll.at)
        # Nothing to cover in the house, and somebody charges: the pool is past any reversal.
        if recording.demand_w[second] <= 0 and recording.power_w[second].min() < -20:
            charging += 1
            assert max(poll.reply.discharge_w) <= 0, poll
    assert charging > 100


# --- kinds of batteries at surplus (#338, #359, #376)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", ["integrator-2", "ramp", "integrator"])
def test_only_the_battery_that_charges_takes_the_surplus_338(law: str, seed: int) -> None:
    result = run(aligned(balancer.dc_unit_at_surplus("surplus", law), seed))
    dc_w, ac_w = power(result, CHANGE_S + SETTLED_S)
    assert ac_w < -500
    assert dc_w == pytest.approx(0, abs=DEAD_BAND_W)
    assert grid(result, CHANGE_S + SETTLED_S).mean() < DEAD_BAND_W


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", ["integrator-2", "ramp", "integrator"])
def test_sun_through_a_full_b2500_is_charged_338(law: str, seed: int) -> None:
    result = run(aligned(balancer.full_dc_unit_at_surplus("full", law), seed))
    dc_w, ac_w = power(result, CHANGE_S + SETTLED_S)
    assert dc_w == pytest.approx(500, abs=1)
    assert ac_w == pytest.approx(-500, abs=DEAD_BAND_W)
    assert grid(result, CHANGE_S + SETTLED_S).mean() < DEAD_BAND_W
    assert result.recording.power_w[round(CHANGE_S + SETTLED_S) :, 1].max() < -380, "no hunting at the zero crossing"


@pytest.mark.parametrize("seed", SEEDS)
def test_two_b2500_survive_a_brief_export_359(seed: int) -> None:
    result, heard, _ = listen(aligned(balancer.dc_pair("pair"), seed))
    for start_s, end_s in ((180, 238), (300, 360)):
        assert power(result, start_s, end_s) == pytest.approx(372.5, abs=0.05 * 745)
    told_w = [poll.power_w + poll.reply.total_w for poll in heard if 115 < poll.at < 238]
    assert min(told_w) > 300, "15 W of export are no reason to stop"
    assert result.recording.power_w[60:].min() > 150, "no slam to zero"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", ["integrator-2", "ramp", "integrator"])
def test_charging_goes_on_while_a_full_one_passes_its_sun_through_376(law: str, seed: int) -> None:
    result, heard, _ = listen(aligned(balancer.sun_through_full("sun", law), seed))
    assert result.recording.power_w[round(CHANGE_S + SETTLED_S) :, 1].max() < -500
    # Firmware that sees somebody discharge stops charging; the sun that passes through must not look like it.
    assert all(poll.reply.discharge_w == (0,) * 5 for poll in heard if poll.at > CHANGE_S + 10)


# --- full and empty


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("law", ["integrator-2", "ramp", "integrator"])
@pytest.mark.parametrize("socs", [(0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1.0)])
def test_full_batteries_carry_the_load_of_empty_ones_230(law: str, socs: tuple[float, ...], seed: int) -> None:
    result = run(aligned(balancer.empty_and_full("four", (law,) * 4, socs, 800.0), seed))
    tail = result.recording.power_w[round(CHANGE_S + SETTLED_S) :, np.array(socs) == 1.0].sum(axis=1)
    assert tail.min() > 0.9 * 800
    assert np.mean(grid(result, CHANGE_S + SETTLED_S) < 50) > 0.95


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("law", ["integrator-2", "ramp", "integrator"])
@pytest.mark.parametrize("socs", [(0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 0.0, 0.0), (0.0, 1.0, 0.0, 1.0)])
def test_empty_batteries_take_the_surplus_of_full_ones(law: str, socs: tuple[float, ...], seed: int) -> None:
    result = run(aligned(balancer.empty_and_full("four", (law,) * 4, socs, -800.0), seed))
    assert np.mean(grid(result, CHANGE_S + SETTLED_S) < 50) > 0.95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
@pytest.mark.parametrize("soc", [1.0, 0.0])
def test_full_can_discharge_and_empty_can_charge(laws: tuple[str, ...], soc: float, seed: int) -> None:
    sign = -1.0 if soc == 1.0 else 1.0
    scenario = aligned(balancer.turning("turning", laws, soc, sign * 1000.0), seed)
    result = run(scenario)
    turned_s = changes_s(scenario)[1]
    assert np.mean(grid(result, CHANGE_S + SETTLED_S + 2, turned_s - 2) < 50) > 0.95, "the other one takes all"
    assert np.mean(grid(result, turned_s + SETTLED_S) < 50) > 0.95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("law", "soc"),
    [("integrator-2", 1.0), ("integrator-2", 0.0), ("integrator", 1.0), ("integrator", 0.0), ("ramp", 0.0)],
)
def test_full_or_empty_alone_serves_the_other_direction(law: str, soc: float, seed: int) -> None:
    sign = -1.0 if soc == 1.0 else 1.0
    scenario = aligned(balancer.turning("turning", (law,), soc, sign * 1000.0), seed)
    result = run(scenario)
    assert np.mean(grid(result, changes_s(scenario)[1] + SETTLED_S) < 50) > 0.95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", ["integrator-2", "ramp", "integrator"])
def test_empty_battery_with_most_of_the_weight_does_not_keep_the_load(law: str, seed: int) -> None:
    scenario = balancer.empty_and_full("heavy", (law, law), (0.0, 0.5), 1000.0)
    heavy, other = scenario.batteries
    result = run(aligned(replace(scenario, batteries=(replace(heavy, weight=5.0), other)), seed))
    assert np.mean(grid(result, CHANGE_S + SETTLED_S) < 50) > 0.95
    assert power(result, CHANGE_S + SETTLED_S)[1] > 950


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
def test_swing_between_charge_and_discharge_is_no_saturation(laws: tuple[str, ...], seed: int) -> None:
    scenario = aligned(balancer.swinging("swinging", laws), seed)
    result = run(scenario)
    for change_s in changes_s(scenario):
        # A battery taken for saturated would leave the other one with more than its half.
        settled = result.recording.power_w[round(change_s + 45) : math.floor(change_s + 58)].mean(axis=0)
        assert settled == pytest.approx(settled.mean(), abs=0.05 * 1000)
        assert grid(result, change_s + 45, change_s + 58).mean() < 15


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
def test_full_battery_is_found_however_gently_it_is_asked_522(laws: tuple[str, ...], seed: int) -> None:
    # Each step is smaller than what counts as a command: the whole share has to count, not the step.
    gentle: dict[str, float | bool | str] = {"steering": "gentle", "pace_base_step": 15.0, "pace_max_step": 15.0}
    scenario = replace(balancer.empty_and_full("full", laws, (1.0, 0.5), -800.0), options=gentle)
    result, _, emulator = listen(aligned(scenario, seed))
    full, healthy = sorted(emulator.consumers(), key=lambda battery: battery.mac)
    assert full.saturation >= 0.4 and healthy.saturation == 0
    assert power(result, 200)[1] < -700


# --- late meters and motors (#458, #473)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("latency_s", [1.0, 2.0, 2.5, 3.0])
@pytest.mark.parametrize("laws", [*PAIRS, ("integrator", "integrator"), ("ramp",), ("integrator-2",), ("integrator",)])
def test_late_meter_makes_no_overshoot_458(laws: tuple[str, ...], latency_s: float, seed: int) -> None:
    result = run(aligned(balancer.late_meter("late", laws, latency_s), seed))
    assert result.metrics.overshoot_max_w is not None and result.metrics.overshoot_max_w < OVERSHOOT_W
    assert grid(result, 130, 178).max() < 50 and grid(result, 250).max() < 50, "no lasting hunting"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
def test_motor_does_not_leave_the_pool_hunting_473(laws: tuple[str, ...], seed: int) -> None:
    result = run(aligned(balancer.motor("motor", laws), seed))
    # The pool's answer must neither grow nor add to the swing of the motor itself.
    first, last = (np.abs(result.recording.grid_total_w[a:b]).mean() for a, b in ((70, 180), (190, 300)))
    assert last < 1.1 * first
    assert grid(result, 190, 300).max() < 350 + DEAD_BAND_W
    assert grid(result, 330).max() < 25


# --- the meter is gone (#403, 16.1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
def test_batteries_hold_while_the_meter_is_gone_403(laws: tuple[str, ...], seed: int) -> None:
    scenario = aligned(balancer.losing_the_meter("lost", laws), seed)
    result, heard, _ = listen(scenario)
    lost_s, back_s = (event.time_s for event in scenario.events)
    silent = [poll for poll in heard if lost_s < poll.at < back_s]
    assert silent and all(poll.reply.phase_w == (0, 0, 0) and poll.reply.total_w == 0 for poll in silent)
    assert {poll.phase for poll in silent} == {"A", "0"}, "an inspecting battery is told nothing either"
    power_w = result.recording.power_w
    held = power_w[round(lost_s) + 3 : math.floor(back_s)]
    assert np.ptp(held, axis=0).max() == 0
    assert np.abs(power_w[math.ceil(back_s) :] - held[-1]).max() < 25, "and go on without a jump"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", [laws for laws in PAIRS if laws != ("ramp", "ramp")])
@pytest.mark.parametrize("change_w", [600.0, -1500.0])
def test_change_during_a_meter_loss_is_met_once_it_is_back(laws: tuple[str, ...], change_w: float, seed: int) -> None:
    scenario = aligned(balancer.losing_the_meter("lost", laws, change_w), seed)
    result = run(scenario)
    _, back_s = (event.time_s for event in scenario.events)
    after = result.recording.grid_total_w[math.ceil(back_s) :] * math.copysign(1.0, change_w)
    assert after.min() > -OVERSHOOT_W
    assert np.abs(after[30:]).max() < 25


class Flickering(Listener):
    """Some samples are no numbers, as from a home server whose meter is unavailable."""

    def __init__(self, bad: float) -> None:
        super().__init__(Config())
        self._bad = bad

    def update_grid(self, values: Sequence[float], at: float) -> None:
        burst = 120 <= at < 135 or (200 <= at < 215 and int(at) % 2 == 1)
        super().update_grid([self._bad, *values[1:]] if burst else values, at)


@pytest.mark.parametrize("laws", PAIRS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_burst_of_no_numbers_moves_nothing(laws: tuple[str, ...], bad: float) -> None:
    listener = Flickering(bad)
    scenario = balancer.demanding("burst", "", units(laws), ((0.0, 900.0),), 300.0)
    result = run_against(scenario, listener)
    assert np.ptp(result.recording.power_w[110:], axis=0).max() < 25
    assert {poll.reply.phase_w for poll in listener.heard if 121 < poll.at < 135} == {(0, 0, 0)}
    assert grid(result, 110).max() < 25


# --- joining and leaving (16.4, 16.10, #462)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
def test_silent_slow_poller_is_gone_within_25_s_462(laws: tuple[str, ...], seed: int) -> None:
    first, second = units(laws)
    slow = replace(second, config=replace(second.config, poll_interval_s=10.0))
    scenario = balancer.demanding("slow", "", (first, slow), ((0.0, 900.0),), 240.0)
    scenario = aligned(replace(scenario, events=(Event(155.0, "offline", battery=1),)), seed)
    known: dict[int, int] = {}
    result, heard, _ = listen(scenario, lambda at, emulator: known.update({int(at): emulator.state().consumers}))
    last_s = max(poll.at for poll in heard if poll.position == 2)
    assert all(known[second] == 2 for second in range(100, math.floor(last_s + 20))), "one miss is no loss"
    assert known[math.ceil(last_s + 25)] == 1
    assert grid(result, 200).max() < 25


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS)
@pytest.mark.parametrize("demand_w", [1000.0, -1000.0])
def test_silent_battery_leaves_and_returns_without_a_bump(laws: tuple[str, ...], demand_w: float, seed: int) -> None:
    # It goes on delivering what it was told last, so leaving and returning must not show at all.
    scenario = balancer.demanding("silent", "", units(laws), ((0.0, demand_w),), 420.0)
    events = (Event(120.0, "offline", battery=1), Event(300.0, "online", battery=1))
    result = run(aligned(replace(scenario, events=events), seed))
    assert grid(result, 120).max() < 25


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", PAIRS[:3])
@pytest.mark.parametrize("demand_w", [1000.0, -1000.0])
def test_battery_moved_by_hand_returns_without_a_bump(laws: tuple[str, ...], demand_w: float, seed: int) -> None:
    scenario = balancer.demanding("joining", "", units(laws), ((0.0, demand_w),), 300.0)
    events = (Event(60.0, "manual", 0.3 * demand_w, 1), Event(180.0, "auto", battery=1))
    result = run(aligned(replace(scenario, events=events), seed))
    assert grid(result, 150, 179).max() < 25
    assert grid(result, 180).max() < OVERSHOOT_W
    shares_w = power(result, 180 + SETTLED_S)
    assert shares_w == pytest.approx(shares_w.mean(), abs=0.05 * 1000)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", [("integrator-2",) * 3, ("ramp",) * 3, ("integrator-2", "ramp", "integrator-2")])
@pytest.mark.parametrize("demand_w", [1000.0, -1000.0])
def test_new_battery_takes_its_share_gently(laws: tuple[str, ...], demand_w: float, seed: int) -> None:
    # Its start cannot be hidden altogether: nobody knows when an inverter wakes up.
    scenario = balancer.demanding("new", "", units(laws), ((0.0, demand_w),), 240.0)
    events = (Event(0.5, "offline", battery=2), Event(120.0, "online", battery=2))
    result = run(aligned(replace(scenario, events=events), seed))
    assert grid(result, 118).max() < 2 * OVERSHOOT_W
    shares_w = power(result, 120 + SETTLED_S)
    assert shares_w == pytest.approx(shares_w.mean(), abs=0.05 * 1000)


# --- what the wire says (#455, #457, #459, #460, #536, 16.2, 16.3)


def test_counts_are_flags_when_steering_and_numbers_when_relaying_455_459() -> None:
    scenario = balancer.demanding("count", "", units(("integrator-2", "ramp", "integrator-2")), ((0.0, 900.0),), 60.0)
    _, heard, _ = listen(scenario)
    assert {poll.reply.counts for poll in heard if poll.at > 10} == {(1, 0, 0)}
    _, heard, _ = listen(replace(scenario, options={"active_control": False}))
    assert {poll.reply.counts for poll in heard if poll.at > 10} == {(3, 0, 0)}


def test_relay_forwards_reports_and_the_meter_457() -> None:
    scenario = balancer.demanding("relay", "", units(("integrator-2",) * 2), ((0.0, 900.0),), 60.0)
    _, heard, _ = listen(replace(scenario, options={"active_control": False}))
    reported = {1: 0, 2: 0}
    for poll in heard:
        reported[poll.position] = poll.power_w
        if poll.at > 10:
            watts = reported.values()
            assert poll.reply.charge_w[1] == sum(min(w, 0) for w in watts)
            assert poll.reply.discharge_w[1] == sum(max(w, 0) for w in watts)


def test_inspecting_and_combined_batteries_have_buckets_of_their_own_460() -> None:
    first, second, third = units(("integrator-2",) * 3)
    inspecting = replace(second, config=replace(second.config, inspection_polls=10_000, initial_power_w=200.0))
    both = replace(third, config=replace(third.config, phase="D"))
    scenario = balancer.demanding("buckets", "", (first, inspecting, both), ((0.0, 900.0),), 90.0)
    result, heard, _ = listen(scenario)
    for poll in heard[-3:]:
        x_w, a_w, b_w, c_w, abc_w = poll.reply.discharge_w
        assert x_w == 200 and (b_w, c_w) == (0, 0)
        assert a_w == pytest.approx(350, abs=18) and abc_w == pytest.approx(350, abs=18), "and it takes no share"
    assert grid(result, SETTLED_S).max() < 15


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("phases", [("D",), ("D", "D"), ("D", "B"), ("A", "B", "C")])
def test_combined_batteries_are_steered_536(phases: tuple[str, ...], seed: int) -> None:
    result, heard, emulator = listen(aligned(balancer.combined("combined", phases), seed))
    assert grid(result, 130, 178).mean() < 15 and grid(result, 250).mean() < 15
    for poll in heard:
        if poll.phase == "D" and poll.reply.total_w:
            assert poll.reply.combined_count == 1
    assert sorted(consumer.phase for consumer in emulator.consumers()) == sorted(phases)


@pytest.mark.parametrize("phases", [("A", "B", "C"), ("A", "A", "C"), ("D", "B")])
def test_whole_reading_stands_in_the_own_phase(phases: tuple[str, ...]) -> None:
    _, heard, _ = listen(balancer.combined("own phase", phases))
    told = [poll for poll in heard if poll.phase in "ABC" and poll.reply.total_w]
    assert told
    for poll in told:
        assert poll.reply.phase_w["ABC".index(poll.phase)] == poll.reply.total_w


@pytest.mark.parametrize("laws", PAIRS)
def test_largest_step_limits_the_change_not_the_output(laws: tuple[str, ...]) -> None:
    first, second = units(laws)
    pool = tuple(
        replace(spec, config=replace(spec.config, initial_power_w=watts))
        for spec, watts in ((first, 300.0), (second, 500.0))
    )
    scenario = balancer.demanding("step", "", pool, ((0.0, 800.0),), 120.0)
    result = run(replace(scenario, options={"max_target_step": 50.0}))
    assert np.abs(np.diff(result.recording.power_w, axis=0)).max() < 60
    assert power(result, SETTLED_S) == pytest.approx(400, abs=0.05 * 800)


def test_switching_from_relay_to_steering_starts_afresh() -> None:
    scenario = balancer.demanding("switch", "", units(("integrator-2", "ramp")), ((0.0, 800.0),), 180.0)

    def script(at: float, emulator: Emulator) -> None:
        if at == 60:
            emulator.set_active_control(True)

    result, _, _ = listen(replace(scenario, options={"active_control": False}), script)
    assert grid(result, 60 + SETTLED_S).max() < DEAD_BAND_W
    shares_w = power(result, 60 + SETTLED_S)
    assert shares_w == pytest.approx(shares_w.mean(), abs=0.05 * 800)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", ["integrator-2", "integrator"])
def test_kettle_is_met_by_a_battery_that_polls_every_3_s(law: str, seed: int) -> None:
    pool = (unit(1, law, poll_interval_s=3.1),)
    scenario = balancer.demanding("kettle", "", pool, ((0.0, 300.0), (90.0, 2300.0)), 150.0)
    assert grid(run(aligned(scenario, seed)), 90 + 19).max() < 150


def test_slow_meter_does_not_unbalance_the_pool() -> None:
    scenario = balancer.shared("slow", ("integrator-2", "ramp"))
    house = replace(scenario.house, meter=MeterConfig(refresh_s=5.0, latency_s=1.0))
    result = run(replace(scenario, house=house))
    shares_w = power(result, CHANGE_S + 3 * SPACING_S - 50)
    assert shares_w == pytest.approx(shares_w.mean(), abs=0.05 * 1000)


# --- coming back


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("laws", "sign"), [(laws, sign) for laws in PAIRS for sign in (1.0, -1.0)])
def test_a_battery_that_polls_fast_comes_back_at_light_load(laws: tuple[str, str], sign: float, seed: int) -> None:
    # It asks again before the other can make room: what it was woken with must not be taken back meanwhile.
    fault = (Event(120.0, "fault", battery=1), Event(165.0, "repair", battery=1))
    pool = (unit(1, laws[1]), unit(2, laws[0], poll_interval_s=0.4))
    scenario = replace(
        balancer.demanding("back", "back from a fault", pool, [(0.0, sign * 300.0)], 360.0), events=fault
    )
    result = run(aligned(scenario, seed))
    shares_w = sign * power(result, 300.0)
    assert min(shares_w) > 90.0, shares_w
    assert grid(result, 240.0).mean() < 15.0
