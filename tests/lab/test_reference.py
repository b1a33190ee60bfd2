"""The yardsticks: ideal actuators keep the plant, the oracle cannot be beaten, all see the same house."""

from dataclasses import replace

import numpy as np
import pytest

from nullwatt.lab import SCENARIOS, aligned, compare, foresee, idealised, run


def test_ideal_actuators_change_the_firmware_and_nothing_else() -> None:
    scenario = SCENARIOS["three_phase_mixed"]
    for before, after in zip(scenario.batteries, idealised(scenario).batteries, strict=True):
        assert after.config.device_type == "IDEAL"
        assert after.config.limits_w == before.config.limits_w, "a unit without AC input stays one"
        assert after.poll_interval_s == before.poll_interval_s
        assert replace(after.config, device_type="X", poll_interval_s=None) == replace(
            before.config,
            device_type="X",
            law=None,
            poll_interval_s=None,
            max_charge_w=before.config.limits_w[0],
            max_discharge_w=before.config.limits_w[1],
        )


def test_ideal_actuators_undo_perturbed_firmware_but_not_perturbed_plants() -> None:
    (spec,) = idealised(SCENARIOS["ramp_gain_high"]).batteries
    assert (spec.gain, spec.deadband_w) == (1.0, 0.0)
    (spec,) = idealised(SCENARIOS["ramp_slew_100"]).batteries
    assert spec.config.ramp_rate_w_s == 100.0


@pytest.fixture(scope="module")
def comparison():  # type: ignore[no-untyped-def]
    return compare(aligned(SCENARIOS["emptying"], 1))


def test_all_four_see_the_same_house(comparison) -> None:  # type: ignore[no-untyped-def]
    names = [name for name, _ in comparison]
    assert names == ["core", "naive", "ideal", "oracle"]
    for _, result in comparison:
        assert result.recording.demand_w.tobytes() == comparison.core.recording.demand_w.tobytes()


def test_nothing_beats_the_oracle(comparison) -> None:  # type: ignore[no-untyped-def]
    for _, result in comparison:
        assert result.context.bill_ct >= comparison.oracle.context.bill_ct - 1e-9
        assert result.metrics.mean_abs_grid_w >= comparison.oracle.metrics.mean_abs_grid_w
    assert comparison.oracle.metrics.cost_regret_ct == 0
    assert comparison.core.context.oracle_bill_ct == pytest.approx(comparison.oracle.context.bill_ct)


def test_the_oracles_trace_is_a_battery_that_obeys_physics() -> None:
    core = run(replace(SCENARIOS["ramp_limits_800"], duration_s=200))
    scenario = SCENARIOS["ramp_limits_800"]
    oracle = foresee(scenario, core).recording
    assert oracle.power_w.shape == (200, 1)
    assert np.allclose(oracle.grid_total_w, oracle.demand_w - oracle.power_w[:, 0])
    assert oracle.power_w.max() == 800
    assert oracle.grid_total_w.max() == pytest.approx(1500 + 300 - 800)
    drawn_wh = oracle.power_w[:-1, 0].sum() / 3600
    assert (oracle.soc[0, 0] - oracle.soc[-1, 0]) * 5120 == pytest.approx(drawn_wh)


def test_an_empty_oracle_delivers_nothing() -> None:
    scenario = replace(SCENARIOS["steps_ramp"], duration_s=30)
    (spec,) = scenario.batteries
    empty = replace(scenario, batteries=(replace(spec, config=replace(spec.config, initial_soc=0.0)),))
    oracle = foresee(empty, run(empty))
    assert oracle.recording.power_w.max() == 0
    assert oracle.metrics.mean_abs_grid_w == 300
