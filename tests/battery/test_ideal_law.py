"""The ideal law: an actuator that obeys."""

import pytest

from nullwatt.battery import Battery, BatteryConfig, Sample, build_law, model_of


def test_every_reading_is_added_in_whole_watts_without_gate_or_bias() -> None:
    law = build_law("ideal", 800, 800)
    assert [law.step(Sample(grid)) for grid in (1, 3.9, -2.9, 500, 500, -1)] == [1, 4, 2, 502, 800, 799]


def test_the_output_does_not_matter_and_limits_do() -> None:
    law = build_law("ideal", 100.7, 200.9)
    assert law.step(Sample(1000, output_w=-50)) == 200
    assert law.step(Sample(-1000, output_w=50)) == -100
    law.set_limits(0, 50)
    assert law.step(Sample(0)) == 0
    law.seed(30.4)
    assert law.step(Sample(10)) == 40


def test_a_shared_reading_is_split() -> None:
    law = build_law("ideal", 800, 800)
    assert law.step(Sample(301, share_count=2)) == 150
    assert law.step(Sample(100, share_count=0)) == 250, "below 1 acts as 1"


@pytest.mark.parametrize("device_type", ["IDEAL", "ideal-1"])
def test_its_type_selects_it(device_type: str) -> None:
    assert model_of(device_type).laws == ("ideal",)
    assert Battery(BatteryConfig(mac="02B250000001", device_type=device_type)).law_name == "ideal"
