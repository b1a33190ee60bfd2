"""The outside world: sun, air, and the grid with noise, drift and events."""

import math
from statistics import fmean, pstdev

import pytest

from nullwatt.home import Surroundings
from nullwatt.home.der import ExternalModels, GridEvent, GridSignal, parse_site


def models(**sections: object) -> ExternalModels:
    config = parse_site({"external_models": sections})
    return ExternalModels(config.external_models, 0.0, config.seed)


def signal(noise: float = 0.0, drift: float = 0.0, seed: str = "s") -> GridSignal:
    return GridSignal(50.0, (45.0, 55.0), (noise, 5.0), (drift, 300.0), seed, 1.0)


@pytest.mark.parametrize(("hour", "share"), [(0, 0), (6, 0), (8, 0.5), (12, 1), (16, 0.5), (18, 0), (36, 1), (42.1, 0)])
def test_the_sun_is_a_half_sine(hour: float, share: float) -> None:
    around = Surroundings()
    models(irradiance={"peak": 900}).advance(around, hour * 3600.0, 0.1)
    assert around.irradiance_w_m2 == pytest.approx(900.0 * share, abs=1e-9)


@pytest.mark.parametrize(("hour", "celsius"), [(15, 13), (3, 7), (9, 10), (21, 10), (39, 13)])
def test_the_air_is_a_cosine(hour: float, celsius: float) -> None:
    around = Surroundings()
    models(ambient_temperature={"mean": 10, "amplitude": 3}).advance(around, hour * 3600.0, 0.1)
    assert around.ambient_c == pytest.approx(celsius)


def test_without_models_the_grid_stands_still_and_the_sun_does_not_shine() -> None:
    around = Surroundings()
    models().advance(around, 12 * 3600.0, 0.1)
    assert (around.frequency_hz, around.voltage_ll_v, around.irradiance_w_m2) == (50.0, 400.0, 0.0)


def test_any_section_brings_all_models() -> None:
    around = Surroundings()
    models(power={"base_load_w": 100}).advance(around, 12 * 3600.0, 0.1)
    assert around.irradiance_w_m2 == pytest.approx(1000.0)


def test_noise_is_of_first_order_and_seeded() -> None:
    values = [(one := signal(noise=0.1)).advance(0.0, 0.5)]
    values += [one.advance(0.0, 0.5) for _ in range(100_000)]
    gain = 1.0 - math.exp(-0.1)
    assert fmean(values) == pytest.approx(50.0, abs=0.003)
    assert pstdev(values) == pytest.approx(0.1 * math.sqrt(gain / (2.0 - gain)), rel=0.03)
    two, other = signal(noise=0.1), signal(noise=0.1, seed="t")
    assert [two.advance(0.0, 0.5) for _ in range(50)] == values[:50]
    assert [other.advance(0.0, 0.5) for _ in range(50)] != values[:50]


def test_drift_returns_to_the_nominal_value() -> None:
    one = signal(drift=0.01)
    values = [one.advance(0.0, 1.0) for _ in range(200_000)]
    assert fmean(values) == pytest.approx(50.0, abs=0.02)
    assert pstdev(values) == pytest.approx(0.01 * math.sqrt(300.0 / 2.0), rel=0.1)  # Ornstein-Uhlenbeck


def test_values_are_clamped() -> None:
    one = signal()
    one.add(GridEvent(0.0, 10.0, -40.0))
    assert one.advance(0.0, 0.1) == 45.0
    grid = models(grid_voltage={"noise_std": 5000.0})
    around = Surroundings()
    seen = set()
    for _ in range(2000):
        grid.advance(around, 0.0, 10.0)
        seen.add(around.voltage_ll_v)
    assert (min(seen), max(seen)) == (300.0, 480.0)


def test_events_step_ramp_add_up_and_end() -> None:
    one = signal()
    one.add(GridEvent(10.0, 20.0, -0.5))
    one.add(GridEvent(20.0, 10.0, 1.0, "ramp"))
    seen = {time_s: one.advance(time_s, 0.1) for time_s in (0.0, 9.9, 10.0, 20.0, 25.0, 29.9, 30.0, 99.0)}
    wanted = {0.0: 50.0, 9.9: 50.0, 10.0: 49.5, 20.0: 49.5, 25.0: 50.0, 29.9: 50.49, 30.0: 50.0, 99.0: 50.0}
    assert seen == pytest.approx(wanted)
    assert one.events == []


@pytest.mark.parametrize("shape", ["step", "ramp"])
def test_an_event_of_no_duration_does_nothing(shape: str) -> None:
    assert GridEvent(1.0, 0.0, 5.0, shape).at(1.0) == 0.0  # type: ignore[arg-type]


def test_a_voltage_delta_is_relative() -> None:
    grid = models(grid_voltage={"nominal_voltage_ll": 410, "events": [{"duration": 5, "delta": -0.1}]})
    around = Surroundings()
    grid.advance(around, 0.0, 0.1)
    assert around.voltage_ll_v == pytest.approx(369.0)


@pytest.mark.parametrize("event", [(math.nan, 1.0, 1.0), (-1.0, 1.0, 1.0), (0.0, -1.0, 1.0), (0.0, 1.0, math.inf)])
def test_an_event_that_cannot_be_is_refused(event: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"^an event needs"):
        signal().add(GridEvent(*event))
