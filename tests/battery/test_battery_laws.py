"""The newer integrator where no recording exists, limits at run time, and the law table."""

import pytest

from nullwatt.battery import LAW_NAMES, MODELS, Sample, build_law, model_of
from nullwatt.battery.dc_regulator import DcRegulatorLaw
from nullwatt.battery.integrator import GatedIntegratorLaw, IntegratorLaw
from nullwatt.battery.ramp import RampLaw


def new_integrator(power_w: float = 0.0, *, ratio: int = 100, band_w: float = 10.0) -> GatedIntegratorLaw:
    law = GatedIntegratorLaw(2500, 2500, ratio, band_w)
    law.seed(power_w)
    return law


def drive(
    law: GatedIntegratorLaw, *grid_w: float, output_w: float = 0.0, count: int = 1, combined: bool = False
) -> list[float]:
    return [law.step(Sample(grid, output_w, count, combined)) for grid in grid_w]


def test_import_moves_the_stored_setpoint_by_the_error_less_five() -> None:
    # output never follows: the integration base is the setpoint, not the measurement
    assert drive(new_integrator(), 500, 500, 500) == [0, 495, 990]


def test_small_commands_add_up() -> None:
    assert drive(new_integrator(100), 12, 12, 12, output_w=100) == [107, 114, 121]


def test_large_exports_are_followed_without_bias() -> None:
    assert drive(new_integrator(400), -300, -11, output_w=400) == [100, 89]
    assert drive(new_integrator(400), -40, -50, output_w=400) == [360, 310]
    assert drive(new_integrator(400), -10, output_w=400) == [385]


def test_ratio_scales_the_error() -> None:
    assert drive(new_integrator(100, ratio=50), 40, output_w=100) == [115]
    assert drive(new_integrator(100, ratio=29), 40, output_w=100) == [135], "out of range acts as 100"


def test_a_single_blip_is_held_and_the_return_passes() -> None:
    law = new_integrator(300)
    assert drive(law, 12, output_w=300) == [307]
    assert drive(law, 900, output_w=300) == [307], "held"
    assert drive(law, 15, output_w=300) == [317], "a jump back of 885 W passes: one-shot"


def test_a_lasting_step_is_held_only_once() -> None:
    assert drive(new_integrator(), 600, 600, 600) == [0, 595, 1190]
    # every sample jumps by more than 50 W: every second one passes, where the ramp law holds for ever
    assert drive(new_integrator(), 100, 200, 300, 400) == [0, 195, 195, 590]


def test_the_sample_after_a_spike_also_passes_the_rest_band() -> None:
    law = new_integrator(-200)
    assert drive(law, -5, output_w=-200) == [-200], "charging batteries rest too"
    assert drive(law, 100, -5, -5, output_w=-200) == [-200, -210, -210]


def test_no_spike_filter_when_own_output_moved() -> None:
    law = new_integrator()
    assert law.step(Sample(600, 20)) == 595
    law = new_integrator()
    assert law.step(Sample(600, 19)) == 0


def test_no_spike_filter_on_a_shared_bucket() -> None:
    assert drive(new_integrator(), 600, count=2) == [295], "divided, not held"
    law = new_integrator()
    assert drive(law, 600) == [0]
    assert drive(law, 0, count=2) == [0]
    assert drive(law, 600) == [0], "the pending one-shot was dropped"
    law = new_integrator(-200)
    assert drive(law, 100, output_w=0) == [-200]
    assert drive(law, -10, output_w=0, count=2) == [-200], "and does not open the rest band"


@pytest.mark.parametrize(("band_w", "edge"), [(10, 10), (20, 20)])
def test_rest_band_of_a_battery_that_does_not_discharge(band_w: float, edge: int) -> None:
    charging = -500
    assert drive(new_integrator(charging, band_w=band_w), -(edge - 1), output_w=charging) == [charging]
    assert drive(new_integrator(charging, band_w=band_w), -edge, output_w=charging)[0] < charging
    assert drive(new_integrator(charging, band_w=band_w), edge - 1, output_w=charging) == [charging]
    discharging = 500
    assert drive(new_integrator(discharging, band_w=band_w), -(edge - 1), output_w=discharging)[0] < discharging


def test_small_imports_are_held_at_any_output() -> None:
    assert drive(new_integrator(500), 0, 9, output_w=500) == [500, 500]


def test_parking_alone_shared_and_combined() -> None:
    assert drive(new_integrator(23), -12, output_w=23) == [11]
    assert drive(new_integrator(23), -13, output_w=23) == [0]
    assert drive(new_integrator(27), -12, output_w=27, combined=True) == [15]
    assert drive(new_integrator(27), -13, output_w=27, combined=True) == [0]
    assert drive(new_integrator(27), -26, output_w=27, count=2) == [0]
    assert drive(new_integrator(27), -24, output_w=27, count=2) == [15]
    assert drive(new_integrator(27), -13, output_w=27) == [14], "the same is not parked alone"


def test_division_by_the_count_truncates_toward_zero() -> None:
    assert drive(new_integrator(400), -47, output_w=400, count=3) == [385]
    assert drive(new_integrator(400), 47, output_w=400, count=3) == [410]
    assert drive(new_integrator(400), 47, output_w=400, count=0) == [442], "below 1 acts as 1"


def test_older_integrator_ignores_gate_and_count() -> None:
    law = IntegratorLaw(2500, 2500)
    assert law.step(Sample(600, 0, 2)) == 595


@pytest.mark.parametrize("name", LAW_NAMES)
def test_limits_changed_at_run_time_reach_the_law(name: str) -> None:
    law = build_law(name, 800, 800)
    output_w = 0.0
    for _ in range(60):
        output_w = max(0.0, min(law.step(Sample(300, output_w)), 800))
    high_w = max(law.step(Sample(300, output_w)) for _ in range(4))
    assert high_w > 600
    law.set_limits(100, 200)
    for _ in range(60):
        output_w = min(max(law.step(Sample(300, output_w)), 0.0), 200)
    # the ramp law overshoots its window by one step before it pulls back
    settled_w = [law.step(Sample(300, output_w)) for _ in range(4)]
    assert max(settled_w) <= 200 + (410.35 if name == "ramp" else 0)
    assert min(settled_w) < 210
    law.set_limits(800, 800)
    for _ in range(60):
        output_w = max(0.0, min(law.step(Sample(300, output_w)), 800))
    assert max(law.step(Sample(300, output_w)) for _ in range(4)) > 600


def test_seed_starts_from_the_running_power() -> None:
    for law in (RampLaw(800, 800), IntegratorLaw(800, 800), GatedIntegratorLaw(800, 800)):
        law.seed(-300.0)
        assert law.step(Sample(0, -300)) == -300
    regulator = DcRegulatorLaw(0, 800)
    for _ in range(5):
        regulator.step(Sample(500, 300))
    regulator.seed(300)
    assert [channel.cmd for channel in regulator.channels] == [60, 60], "the regulator reads the output instead"


def test_unknown_law_is_refused_in_one_line_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="integratr") as caught:
        build_law("integratr", 800, 800)
    text = str(caught.value)
    assert "\n" not in text
    assert all(name in text for name in LAW_NAMES)
    assert "did you mean 'integrator'?" in text


@pytest.mark.parametrize(
    ("device_type", "family", "law", "rest_band_w", "poll_s"),
    [
        ("VNSA-0", "Venus A", "integrator-2", 10, 1.0),
        ("vnsd-0", "Venus D", "integrator-2", 10, 1.0),
        ("VNSE3-0", "Venus E", "integrator-2", 10, 0.45),
        ("VNSX", "Venus", "integrator-2", 10, 1.0),
        ("HMG-50", "Venus C", "integrator-2", 20, 1.0),
        ("HMN-1", "Jupiter", "ramp", 10, 1.0),
        ("JPLS-8H", "Jupiter", "ramp", 10, 1.0),
        ("HMJ-2", "B2500", "dc-regulator", 10, 1.0),
        ("HMA-1", "B2500", "dc-regulator", 10, 1.0),
        ("HMK-1", "B2500", "dc-regulator", 10, 1.0),
        ("", "unknown", "ramp", 10, 1.0),
        ("XYZ", "unknown", "ramp", 10, 1.0),
    ],
)
def test_model_table(device_type: str, family: str, law: str, rest_band_w: float, poll_s: float) -> None:
    model = model_of(device_type)
    assert (model.family, model.default_law(), model.rest_band_w, model.poll_interval_s) == (
        family,
        law,
        rest_band_w,
        poll_s,
    )


def test_hmg50_picks_its_law_by_the_ct() -> None:
    assert model_of("HMG-50").default_law("HME-3") == "ramp"
    assert model_of("VNSD-0").default_law("HME-3") == "integrator-2"


def test_only_the_b2500_family_needs_a_minimum_dc_output() -> None:
    assert {m.family for m in MODELS if not m.inverter and not m.ac_input} == {"B2500"}
    assert all(set(m.laws) <= set(LAW_NAMES) for m in MODELS)
    assert all(m.max_charge_w == 0 for m in MODELS if not m.ac_input)
