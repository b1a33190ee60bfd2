"""Users' wishes in the closed loop: who is used first, what keeps a B2500 awake, what an inverter needs to start."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from listening import grid, listen, power

from nullwatt.core import Emulator
from nullwatt.lab import BatterySpec, Event, Scenario, aligned, battery, run
from nullwatt.lab.suite import balancer
from nullwatt.lab.suite.balancer import units
from nullwatt.lab.suite.building import unit

SEEDS = (1, 2, 3)
LAWS = (("integrator-2", "integrator-2"), ("ramp", "ramp"), ("integrator-2", "ramp"), ("integrator", "integrator-2"))
OVERSHOOT_W = 110.0
#: Step of the B2500's regulator.
DC_STEP_W = 36.0


def mac(position: int) -> str:
    return f"02B2500000{position:02X}"


def ordered(*orders: int, at: float = 0.0) -> Callable[[float, Emulator], None]:
    """Batteries are charged and discharged in this order from second `at` on."""

    def script(now: float, emulator: Emulator) -> None:
        if now == at:
            for index, order in enumerate(orders):
                emulator.set_override(mac(index + 1), charge_order=order, discharge_order=order)

    return script


# --- order of use


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", LAWS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_first_in_order_takes_all_it_can(laws: tuple[str, ...], sign: float, seed: int) -> None:
    if laws == ("ramp", "ramp"):
        pytest.xfail("a ramp that leans on an unknown limit is taken for another law first, for up to 100 s")
    steps = ((0.0, 300.0), (100.0, 1500.0), (220.0, 600.0))
    pool = tuple(
        unit(index + 1, law, max_charge_w=limit_w, max_discharge_w=limit_w)
        for index, (law, limit_w) in enumerate(zip(laws, (1000.0, 2500.0), strict=True))
    )
    demands = tuple((time_s, sign * demand_w) for time_s, demand_w in steps)
    scenario = aligned(balancer.demanding("order", "", pool, demands, 340.0), seed)
    result, _, _ = listen(scenario, ordered(0, 1))
    first = [300.0, 1000.0, 600.0]
    for (time_s, demand_w), wanted_w in zip(steps, first, strict=True):
        shares_w = sign * power(result, time_s + 60, time_s + 98)
        assert shares_w == pytest.approx([wanted_w, demand_w - wanted_w], abs=40)
        assert grid(result, time_s + 60, time_s + 98).mean() < 20


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", LAWS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_next_in_order_takes_over_from_a_full_or_empty_one(laws: tuple[str, ...], sign: float, seed: int) -> None:
    scenario = balancer.demanding("order", "", units(laws), ((0.0, sign * 900.0),), 300.0)
    events = (Event(100.0, "soc", 0.0 if sign > 0 else 1.0, 0),)
    result, _, _ = listen(aligned(replace(scenario, events=events), seed), ordered(0, 1))
    assert np.abs(power(result, 60, 98)) == pytest.approx([900, 0], abs=20)
    assert np.mean(grid(result, 160) < 50) > 0.95
    assert abs(power(result, 160)[1]) > 880


@pytest.mark.parametrize("laws", LAWS)
def test_equals_in_order_share_by_weight(laws: tuple[str, ...]) -> None:
    scenario = balancer.demanding("order", "", units((*laws, laws[0])), ((0.0, 1200.0),), 200.0)
    result, _, _ = listen(scenario, ordered(3, 3, 7))
    assert power(result, 90) == pytest.approx([600, 600, 0], abs=40)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("laws", LAWS)
def test_order_changes_at_run_time_without_a_bump(laws: tuple[str, ...], seed: int) -> None:
    scenario = aligned(balancer.demanding("order", "", units(laws), ((0.0, 800.0),), 240.0), seed)
    result, _, _ = listen(scenario, ordered(0, 1, at=100.0))
    assert power(result, 60, 98) == pytest.approx([400, 400], abs=40)
    assert power(result, 160) == pytest.approx([800, 0], abs=40)
    assert grid(result, 100).max() < OVERSHOOT_W


def test_order_of_charging_and_of_discharging_are_apart() -> None:
    def script(now: float, emulator: Emulator) -> None:
        if now == 0:
            emulator.set_override(mac(1), charge_order=1)
            emulator.set_override(mac(2), discharge_order=1)

    scenario = balancer.demanding("order", "", units(LAWS[0]), ((0.0, 700.0), (120.0, -700.0)), 240.0)
    result, _, _ = listen(scenario, script)
    assert power(result, 80, 118) == pytest.approx([700, 0], abs=20)
    assert power(result, 200) == pytest.approx([0, -700], abs=20)


# --- what keeps a B2500 awake (#425, #601, #634)


def b2500(position: int = 1, **options: object) -> BatterySpec:
    return battery(position, device_type="HMJ-2", **options)


def alone_at_surplus(spec: BatterySpec, duration_s: float = 180.0) -> Scenario:
    return balancer.demanding("floor", "", (spec,), ((0.0, 200.0), (40.0, -300.0)), duration_s)


@pytest.mark.parametrize("floor_w", [25.0, 60.0])
def test_lone_b2500_is_held_at_its_floor_425(floor_w: float) -> None:
    # A unit that does exactly what it is told shows what it is told; the real regulator moves in steps.
    scenario = replace(alone_at_surplus(b2500(law="ideal")), options={"min_dc_output": floor_w})
    held_w = run(scenario).recording.power_w[100:, 0]
    assert held_w == pytest.approx(floor_w, abs=1)
    scenario = replace(alone_at_surplus(b2500()), options={"min_dc_output": floor_w})
    held_w = run(scenario).recording.power_w[100:, 0]
    assert held_w.min() >= floor_w - 1
    assert held_w.max() <= floor_w + DC_STEP_W
    assert np.ptp(held_w) == 0, "and rests there"


@pytest.mark.parametrize("kind", ["VNSE3-0", "HMN-1", "HMG-50", ""])
def test_floor_is_for_units_that_fall_asleep(kind: str) -> None:
    scenario = balancer.demanding("floor", "", (battery(1, device_type=kind),), ((0.0, 200.0), (40.0, 0.0)), 180.0)
    scenario = replace(scenario, options={"min_dc_output": 25.0})
    assert run(scenario).recording.power_w[100:, 0] == pytest.approx(0, abs=3)


def test_floor_of_one_battery_wins_over_the_common_one() -> None:
    def floor(value: float) -> Callable[[float, Emulator], None]:
        return lambda now, emulator: emulator.set_override(mac(1), min_dc_output=value) if now == 0 else None

    venus = alone_at_surplus(battery(1, device_type="VNSE3-0", law="ideal"))
    result, _, _ = listen(venus, floor(30.0))
    assert result.recording.power_w[100:, 0] == pytest.approx(30, abs=2)
    common = replace(alone_at_surplus(b2500(law="ideal")), options={"min_dc_output": 60.0})
    for value, held_w in ((30.0, 30.0), (0.0, 0.0), (-1.0, 60.0)):
        result, _, _ = listen(common, floor(value))
        assert result.recording.power_w[100:, 0] == pytest.approx(held_w, abs=2), value


@pytest.mark.parametrize("setting", [{"weight": 0.0}, {"active": False}, {"manual": True, "manual_target": 0.0}])
def test_no_floor_for_who_takes_no_part(setting: dict[str, float | bool]) -> None:
    scenario = replace(alone_at_surplus(b2500(law="ideal")), options={"min_dc_output": 60.0})
    result, _, _ = listen(
        scenario, lambda now, emulator: emulator.set_override(mac(1), **setting) if now == 60 else None
    )
    assert result.recording.power_w[100:, 0] == pytest.approx(0, abs=2)


@pytest.mark.parametrize("law", ["integrator-2", "ramp"])
def test_others_charge_what_the_floor_delivers(law: str) -> None:
    pool = (b2500(), unit(2, law))
    scenario = balancer.demanding("floor", "", pool, ((0.0, 300.0), (60.0, -600.0)), 240.0)
    result, heard, _ = listen(replace(scenario, options={"min_dc_output": 40.0}))
    assert result.recording.power_w[120:, 0].min() >= 39
    assert grid(result, 120).mean() < 20
    for poll in heard:
        if poll.at > 90:
            assert max(poll.reply.discharge_w) <= 0, "while the pool charges, nobody shows a discharge"


@pytest.mark.parametrize("law", ["integrator-2", "ramp"])
def test_empty_b2500_gives_up_its_floor_634(law: str) -> None:
    pool = (b2500(1, initial_soc=0.0), b2500(2, initial_soc=0.0), unit(3, law))
    scenario = balancer.demanding("floor", "", pool, ((0.0, 300.0),), 300.0)
    result = run(replace(scenario, options={"min_dc_output": 80.0}))
    assert grid(result, 90).mean() < 15


def test_parked_b2500_stays_awake() -> None:
    pool = (b2500(), unit(2, "integrator-2"))
    scenario = balancer.demanding("floor", "", pool, ((0.0, 250.0),), 240.0)
    options = {"min_dc_output": 30.0, "min_efficient_power": 400.0}
    result, _, emulator = listen(
        replace(scenario, options=options),
        lambda now, emulator: emulator.set_override(mac(1), discharge_order=1) if now == 0 else None,
    )
    assert emulator.consumers()[0].parked
    assert result.recording.power_w[100:, 0].min() >= 29
    assert grid(result, 100).mean() < 20


# --- what an inverter needs to start (#600, #614, #624)


@pytest.mark.parametrize("demand_w", [60.0, 85.0, 130.0])
def test_load_too_small_for_two_starts_one_b2500(demand_w: float) -> None:
    pool = (b2500(1, min_power_w=80.0), b2500(2, min_power_w=80.0))
    scenario = balancer.demanding("start", "", pool, ((0.0, demand_w),), 300.0)
    result = run(scenario)
    assert (np.abs(power(result, 60)) > 20).sum() == 1
    if demand_w >= 80:
        assert grid(result, 60).mean() < DC_STEP_W


@pytest.mark.parametrize("start_w", [40.0, 80.0, 150.0])
def test_b2500_is_asked_for_more_until_it_starts_600(start_w: float) -> None:
    scenario = balancer.demanding("start", "", (b2500(min_power_w=start_w),), ((0.0, 0.0), (60.0, 250.0)), 240.0)
    result = run(scenario)
    assert grid(result, 120).mean() < DC_STEP_W
    assert power(result, 120)[0] > 200
