"""The grid meter: refresh, latency, resolution, own noise, failure."""

from dataclasses import dataclass

import pytest

from nullwatt.home import House, HouseConfig, MeterConfig, SunConfig


@dataclass
class RampingBattery:
    """Output equals minus the time, so that the grid in W tells when it was measured."""

    phase: str = "A"
    power_w: float = 0.0


def readings(config: MeterConfig, until_s: float, step_s: float = 0.25) -> list[tuple[float, float | None]]:
    """(time, reading of phase A) with a grid of 100 W per second of time."""
    battery = RampingBattery()
    house = House(HouseConfig(phases=1, base_load_w=(), noise_w=0.0, sun=SunConfig(max_w=0.0), meter=config), [battery])
    seen = []
    for i in range(int(until_s / step_s) + 1):
        battery.power_w = -100.0 * i * step_s
        house.advance_to(i * step_s)
        reading = house.meter.reading
        seen.append((i * step_s, reading.values_w[0] if reading else None))
    return seen


@pytest.mark.parametrize(("refresh_s", "latency_s"), [(1.0, 0.5), (1.0, 0.0), (0.5, 2.25), (10.0, 0.75)])
def test_reading_is_the_grid_of_latency_ago_at_each_refresh(refresh_s: float, latency_s: float) -> None:
    for now_s, value in readings(MeterConfig(refresh_s, latency_s), 30.0):
        published = int((now_s - latency_s) // refresh_s)
        assert value == (None if published < 0 else 100.0 * published * refresh_s), now_s


def test_resolution_and_own_noise() -> None:
    house = House(HouseConfig(base_load_w=(12.345, -12.345), noise_w=0.0, meter=MeterConfig(latency_s=0.0)))
    house.advance_to(0.0)
    assert house.meter.reading is not None
    assert house.meter.reading.values_w == (12.3, -12.3, 0.0)
    noisy = House(HouseConfig(base_load_w=(100.0,), noise_w=0.0, meter=MeterConfig(latency_s=0.0, noise_w=5.0)))
    seen = set()
    for second in range(100):
        noisy.advance_to(second)
        assert noisy.grid_w()[0] == 100.0
        assert noisy.meter.reading is not None
        seen.add(noisy.meter.reading.values_w[0])
    assert 95 <= min(seen) < 97 and 103 < max(seen) <= 105


def test_sequence_counts_samples_and_tells_their_time() -> None:
    house = House(HouseConfig(meter=MeterConfig(refresh_s=2.0, latency_s=3.0)))
    house.advance_to(2.9)
    assert house.meter.reading is None and not house.meter.available
    house.advance_to(9.5)
    assert house.meter.reading is not None
    assert (house.meter.reading.sequence, house.meter.reading.sample_s) == (4, 6.0)
    assert house.meter.publications == 4


def test_failed_meter_has_no_reading_and_comes_back_fresh() -> None:
    house = House(HouseConfig(meter=MeterConfig(refresh_s=1.0, latency_s=0.5)))
    house.advance_to(3.2)
    before = house.meter.publications
    house.meter.fail()
    assert house.meter.reading is None and house.meter.publications == before + 1
    house.advance_to(6.2)
    assert house.meter.reading is None and house.meter.publications == before + 1
    house.meter.restore()
    house.advance_to(7.4)
    assert house.meter.reading is None  # the sample of 7.0 is still on its way
    house.advance_to(7.5)
    assert house.meter.reading is not None and house.meter.reading.sample_s == 7.0
