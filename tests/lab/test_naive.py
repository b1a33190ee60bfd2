"""The naive controller: equal parts of the meter reading, nothing else."""

import pytest

from nullwatt.battery import Request, encode_request, parse_reply
from nullwatt.lab import SCENARIOS, NaiveController, run_naive


def ask(controller: NaiveController, number: int, phase: str = "A", at: float = 0.0, takes_part: bool = True) -> bytes:
    request = Request("HMG-50", f"02B25000000{number}", "HME-4", "112233445566", phase, 100, takes_part)
    return controller.handle(encode_request(request), "10.0.0.1:22222", at) or b""


def reading(datagram: bytes) -> tuple[tuple[int, ...], int]:
    reply = parse_reply(datagram)
    assert reply is not None
    assert reply.counts == (1, 1, 1) and reply.combined_count == 1
    return reply.phase_w, reply.total_w


def test_each_gets_its_part_of_the_total_on_its_own_phase() -> None:
    controller = NaiveController()
    controller.update_grid([100.0, 200.0, -60.0], at=0.0)
    assert reading(ask(controller, 1)) == ((240, 0, 0), 240)
    assert reading(ask(controller, 2, "C")) == ((0, 0, 120), 120)
    assert reading(ask(controller, 3, "D")) == ((0, 0, 0), 80)
    assert reading(ask(controller, 1)) == ((80, 0, 0), 80)


def test_inspecting_and_absent_batteries_are_not_in_the_pool() -> None:
    controller = NaiveController()
    controller.update_grid([300.0], at=0.0)
    assert reading(ask(controller, 1, "0")) == ((0, 0, 0), 0)
    assert reading(ask(controller, 2, takes_part=False)) == ((0, 0, 0), 0)
    assert reading(ask(controller, 3)) == ((300, 0, 0), 300)


def test_a_silent_battery_leaves_the_pool() -> None:
    controller = NaiveController()
    controller.update_grid([300.0], at=0.0)
    ask(controller, 1)
    assert reading(ask(controller, 2, at=20.0))[1] == 150
    controller.tick(at=40.0)
    assert reading(ask(controller, 2, at=40.0))[1] == 300


def test_no_meter_and_rubbish_get_no_answer() -> None:
    controller = NaiveController()
    assert ask(controller, 1) == b""
    controller.update_grid([300.0], at=0.0)
    assert controller.handle(b"rubbish", "10.0.0.1:22222", 0.0) is None
    controller.invalidate_grid(at=1.0)
    assert ask(controller, 1) == b""


def test_repeated_answers_differ_so_that_no_battery_drops_them() -> None:
    controller = NaiveController()
    controller.update_grid([300.0], at=0.0)
    assert ask(controller, 1) != ask(controller, 1)


@pytest.mark.parametrize("name", ["steps_old_integrator", "emptying"])
def test_it_steers_where_steering_is_easy(name: str) -> None:
    result = run_naive(SCENARIOS[name])
    assert result.metrics.mean_abs_grid_w < 0.6 * abs(result.recording.demand_w).mean()
