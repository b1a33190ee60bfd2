"""Perturbed laws, and batteries in the hands of their app."""

import pytest

from nullwatt.battery import Battery, BatteryConfig, Sample, build_law
from nullwatt.lab.app_control import hold, release
from nullwatt.lab.perturbed import PerturbedLaw


def test_gain_scales_what_the_law_sees() -> None:
    law = PerturbedLaw(build_law("ideal", 800, 800), gain=1.3)
    assert [law.step(Sample(100)), law.step(Sample(-100))] == [130, 0]


def test_readings_within_the_dead_band_act_as_none() -> None:
    law = PerturbedLaw(build_law("ideal", 800, 800), deadband_w=20)
    assert [law.step(Sample(grid)) for grid in (19, -19, 20, -20)] == [0, 0, 20, 0]


def test_limits_and_seed_reach_the_law() -> None:
    law = PerturbedLaw(build_law("ideal", 800, 800))
    law.set_limits(0, 50)
    law.seed(40)
    assert law.step(Sample(100)) == 50


@pytest.mark.parametrize("name", ["ramp", "integrator", "integrator-2", "ideal"])
def test_a_held_battery_delivers_what_its_app_says_and_then_goes_on_from_there(name: str) -> None:
    battery = Battery(BatteryConfig(mac="02B250000001", law=name, max_discharge_w=800, initial_power_w=300))
    hold(battery, 450)
    hold(battery, 400)
    assert battery.law.step(Sample(-500, 300)) == 400
    battery.set_limits(max_discharge_w=600)
    battery.plant.power_w = 400
    release(battery)
    assert battery.law.step(Sample(0, 400)) == 400
    release(battery)  # nothing to release


def test_a_held_dc_regulator_walks() -> None:
    battery = Battery(BatteryConfig(mac="02B250000001", device_type="HMJ-2", max_discharge_w=800))
    hold(battery, 200)
    output_w = 0.0
    for _ in range(10):
        before_w, output_w = output_w, battery.law.step(Sample(-500, output_w))
        assert abs(output_w - before_w) <= 52
    assert output_w == pytest.approx(200, abs=20)
    release(battery)
    assert battery.law.step(Sample(0, output_w)) == pytest.approx(output_w, abs=1)
