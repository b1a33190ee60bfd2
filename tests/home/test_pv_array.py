"""Panels: the same energy as pvlib's ModelChain, and what an inverter of their own makes of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.home import (
    House,
    HouseConfig,
    Ledger,
    PowerStage,
    PvPlantConfig,
    PvString,
    Surroundings,
    Weather,
    WeatherConfig,
)

PLACES: dict[str, tuple[float, float, float, str]] = {
    "Berlin": (52.52, 13.405, 34.0, "Europe/Berlin"),
    "Sydney": (-33.87, 151.21, 20.0, "Australia/Sydney"),
    "Quito": (-0.18, -78.47, 2850.0, "America/Guayaquil"),
}
PLANES = {"Berlin": (35.0, 180.0), "Sydney": (30.0, 15.0), "Quito": (10.0, 90.0)}
STEADY: dict[str, Any] = {"mean_c": 20.0, "season_k": 0.0, "day_k": 0.0, "wander_k": 0.0, "wind_m_s": 2.0}
DAY_S = 86400.0


def sky(place: str, start: str, **keys: Any) -> WeatherConfig:
    latitude, longitude, altitude, zone = PLACES[place]
    return WeatherConfig(
        latitude=latitude, longitude=longitude, altitude=altitude, timezone=zone, start=start, **{**STEADY, **keys}
    )


def chain_wh(place: str, day: str, sky: Any = None) -> tuple[float, float]:
    """DC and AC energy of a day according to pvlib's ModelChain, Wh; under its own clear sky if none is given."""
    import pandas as pd
    from pvlib.location import Location
    from pvlib.modelchain import ModelChain
    from pvlib.pvsystem import Array, FixedMount, PVSystem
    from pvlib.temperature import TEMPERATURE_MODEL_PARAMETERS

    latitude, longitude, altitude, zone = PLACES[place]
    location = Location(latitude, longitude, zone, altitude)
    panels = Array(
        FixedMount(*PLANES[place]),
        albedo=0.25,
        module_parameters={"pdc0": 5000, "gamma_pdc": -0.0035},
        temperature_model_parameters=TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_polymer"],
    )
    system = PVSystem(arrays=[panels], inverter_parameters={"pdc0": 5000 / 0.96})
    chain = ModelChain.with_pvwatts(system, location)
    if sky is None:
        times = pd.date_range(day, periods=1440, freq="1min", tz=zone) + pd.Timedelta("30s")
        with np.errstate(divide="ignore"):
            sky = location.get_clearsky(times)
    chain.run_model(sky.assign(temp_air=20.0, wind_speed=2.0))
    return float(chain.results.dc.sum() / 60), float(chain.results.ac.sum() / 60)


@pytest.mark.parametrize("day", ["2026-03-20", "2026-06-21", "2026-09-23", "2026-12-21"])
@pytest.mark.parametrize("place", PLACES)
def test_a_day_gives_what_the_model_chain_of_pvlib_says(place: str, day: str) -> None:
    tilt, azimuth = PLANES[place]
    pvwatts_losses = 0.140757  # soiling, shading, ... multiplied
    panels = PvString(tilt=tilt, azimuth=azimuth, peak_w=5000.0, losses=pvwatts_losses)
    plant = PvPlantConfig(name="roof", strings=[panels], standby_w=0.0059 * 5000)
    ledger = Ledger()
    house = House(HouseConfig(step_s=60.0, weather=sky(place, day), pv=(plant,)), ledger=ledger)
    house.advance_to(DAY_S)
    dc_wh, ac_wh = chain_wh(place, day)
    assert ledger.devices["roof"].source_j / 3600 == pytest.approx(dc_wh, rel=0.001)
    assert ledger.devices["roof"].bus_j / 3600 == pytest.approx(ac_wh, rel=0.0015)


@pytest.mark.parametrize("place", PLACES)
def test_under_clouds_the_panels_give_what_the_model_chain_makes_of_that_sky(place: str) -> None:
    import pandas as pd

    house = House(HouseConfig(weather=sky(place, "2026-04-10", clouds=0.5, persistence_h=3.0), seed=2))
    assert house.weather is not None
    day = house.weather.day(0.0)
    assert 0.05 < day.cover.mean() < 0.95
    columns = {"ghi": day.ghi_w_m2, "dni": day.dni_w_m2, "dhi": day.dhi_w_m2}
    table = pd.DataFrame(columns, index=day.index)[:-1]
    tilt, azimuth = PLANES[place]
    panels = PvString(tilt=tilt, azimuth=azimuth, peak_w=5000.0, losses=0.140757)
    dc_wh, _ = chain_wh(place, "2026-04-10", table)
    assert panels.dc_w(day)[:-1].sum() / 60 == pytest.approx(dc_wh, rel=0.005)


def panels_wh(start: str = "2026-06-21", place: str = "Berlin", **keys: Any) -> float:
    day = Weather(sky(place, start), 1, Surroundings()).day(0.0)
    return float(PvString(**{"peak_w": 1000.0, **keys}).dc_w(day)[:-1].sum() / 60)


def test_what_the_settings_of_a_string_do() -> None:
    assert panels_wh(area_m2=5.0, efficiency=0.2, peak_w=None) == panels_wh()
    assert panels_wh(peak_w=2000.0) == pytest.approx(2 * panels_wh())
    assert panels_wh(losses=0.0) == pytest.approx(panels_wh() / 0.86)
    assert panels_wh("2026-12-21", azimuth=180) > 3 * panels_wh("2026-12-21", azimuth=0, tilt=60)
    assert panels_wh("2026-06-21", "Sydney", azimuth=0) > panels_wh("2026-06-21", "Sydney", azimuth=180)
    assert panels_wh(tilt=90, albedo=0.8) > 1.2 * panels_wh(tilt=90, albedo=0.1)
    assert panels_wh(mounting="rack") > panels_wh(mounting="roof") > panels_wh(mounting="insulated")
    assert panels_wh(mounting="roof", temp_coeff=0.0) > panels_wh(mounting="roof")
    # East in the morning, west in the evening.
    day = Weather(sky("Berlin", "2026-06-21"), 1, Surroundings()).day(0.0)
    east, west = (PvString(azimuth=azimuth, peak_w=1000.0).dc_w(day) for azimuth in (90, 270))
    assert east[:780].sum() > 1.5 * west[:780].sum() and west[780:].sum() > 1.5 * east[780:].sum()


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 100), st.floats(0, 0.2), st.floats(0, 0.2), st.floats(100, 20_000), st.floats(-1, 1.5))
def test_the_power_stage_there_and_back(
    standby: float, linear: float, square: float, rated: float, part: float
) -> None:
    stage = PowerStage(standby, linear, square, rated)
    dc_w = part * rated
    ac_w = stage.ac_of(dc_w)
    assert ac_w >= -rated and stage.loss_w(ac_w) >= standby
    if ac_w > -rated:
        assert stage.dc_of(ac_w) == pytest.approx(dc_w, rel=1e-9, abs=1e-6)


def run(plant: PvPlantConfig, hours: float = 24.0, **keys: Any) -> tuple[House, Ledger]:
    ledger = Ledger()
    config = HouseConfig(step_s=60.0, noise_w=0.0, weather=sky("Berlin", "2026-06-21", **keys), pv=(plant,))
    house = House(config, ledger=ledger)
    house.advance_to(hours * 3600.0)
    return house, ledger


ROOF = PvPlantConfig(name="roof", strings=[PvString(peak_w=5000.0)], ac_max_w=3000.0, night_w=2.0)


def test_a_plant_keeps_to_its_limits_and_sleeps_at_night() -> None:
    house, ledger = run(ROOF, 1.0)
    assert house.device("roof").power_w == -2.0
    house.advance_to(13 * 3600.0)
    shown = house.device("roof").telemetry()
    assert shown["power_w"] == pytest.approx(3000.0) and shown["available_w"] > shown["dc_w"] > 3000.0
    house.device("roof").command("limit_percent", 50)
    house.advance_to(13.1 * 3600.0)
    assert house.device("roof").power_w == pytest.approx(1500.0)
    house.device("roof").command("on", False)
    house.advance_to(13.2 * 3600.0)
    assert house.device("roof").power_w == -2.0
    assert ledger.leak_j < 1e-9 * ledger.throughput_j


def test_a_plant_leaves_the_wires_in_an_outage_and_comes_back_a_minute_later() -> None:
    house, ledger = run(ROOF, 13.0)
    house.surroundings.mains = False
    house.advance_to(13 * 3600 + 60.0)
    assert house.device("roof").power_w == 0.0
    house.surroundings.mains = True
    house.advance_to(13 * 3600 + 120.0)
    assert house.device("roof").power_w <= 0.0
    house.advance_to(13 * 3600 + 180.0)
    assert house.device("roof").power_w == pytest.approx(3000.0)
    assert ledger.leak_j < 1e-9 * ledger.throughput_j


@settings(max_examples=6, deadline=None)
@given(
    st.floats(0, 90),
    st.floats(0, 360),
    st.floats(50, 20_000),
    st.floats(50, 20_000),
    st.floats(0, 1),
    st.integers(0, 9),
)
def test_books_of_a_plant_close(
    tilt: float, azimuth: float, peak_w: float, ac_max_w: float, clouds: float, seed: int
) -> None:
    plant = PvPlantConfig(
        name="roof", phase="D", strings=[PvString(tilt=tilt, azimuth=azimuth, peak_w=peak_w)], ac_max_w=ac_max_w
    )
    ledger = Ledger()
    config = HouseConfig(step_s=300.0, weather=sky("Quito", "2026-03-20", clouds=clouds), pv=(plant,), seed=seed)
    House(config, ledger=ledger).advance_to(DAY_S)
    terms = ledger.devices["roof"]
    assert terms.loss_j >= 0 and terms.source_j >= terms.bus_j >= 0
    assert ledger.leak_j < 1e-9 * ledger.throughput_j
