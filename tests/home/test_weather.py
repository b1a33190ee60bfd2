"""Sun, clouds and temperature of a place: from a seed or a file, the same however the house is stepped."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pvlib", reason="pvlib is not installed")

from nullwatt.home import (
    ConfigError,
    House,
    HouseConfig,
    Surroundings,
    Weather,
    WeatherConfig,
    load_house_file,
    parse_house,
)

BERLIN: dict[str, Any] = {"latitude": 52.52, "longitude": 13.405, "altitude": 34.0, "timezone": "Europe/Berlin"}
DAY_S = 86400.0


def weather(seed: int = 1, **keys: Any) -> Weather:
    return Weather(WeatherConfig(**{**BERLIN, **keys}), seed, Surroundings())


def test_clear_sky_and_sun_are_those_of_pvlib() -> None:
    from pvlib.location import Location

    day = weather(start="2026-06-21", clouds=0.0).day(0.0)
    place = Location(BERLIN["latitude"], BERLIN["longitude"], "UTC", BERLIN["altitude"])
    with np.errstate(divide="ignore"):
        expected = place.get_clearsky(day.index)  # Ineichen with the turbidity of the tables
    assert day.index[0].isoformat() == "2026-06-20T22:00:00+00:00"
    assert day.ghi_w_m2.max() > 840
    for ours, theirs in ((day.ghi_w_m2, "ghi"), (day.dni_w_m2, "dni"), (day.dhi_w_m2, "dhi")):
        assert np.abs(ours - expected[theirs]).max() < 1.0
    noon = day.index[int(np.argmin(day.zenith_deg))]
    assert noon.strftime("%H:%M") in {"11:07", "11:08", "11:09"}  # UTC, Berlin's true noon
    assert abs(day.azimuth_deg[int(np.argmin(day.zenith_deg))] - 180) < 1


def test_global_irradiance_is_beam_and_diffuse() -> None:
    sky = weather(clouds=0.5, start="2026-05-01")
    for number in range(5):
        day = sky.day(number * DAY_S)
        high = day.zenith_deg < 80
        closure = day.dni_w_m2 * np.cos(np.radians(day.zenith_deg)) + day.dhi_w_m2
        assert np.abs(closure - day.ghi_w_m2)[high].max() < 5.0
        assert min(day.ghi_w_m2.min(), day.dni_w_m2.min(), day.dhi_w_m2.min()) >= 0.0
        assert day.ghi_w_m2[day.zenith_deg > 95].max() == 0.0


@pytest.mark.parametrize("cover", [0.2, 0.5, 0.8])
def test_clouds_have_the_mean_persistence_and_edges_that_were_asked_for(cover: float) -> None:
    from nullwatt.home.clouds import Clouds

    covers, shades = Clouds(3, cover, 6 * 3600.0, 600.0).at(np.arange(0, 400 * DAY_S, 30.0))
    assert covers.mean() == pytest.approx(cover, abs=0.03)
    assert shades.mean() == pytest.approx(cover, abs=0.03)
    hour = 120
    assert np.corrcoef(covers[:-hour], covers[hour:])[0, 1] > 0.8  # it lasts
    assert np.corrcoef(shades[:-hour], shades[hour:])[0, 1] < 0.75  # single clouds do not
    assert ((shades > 0.05) & (shades < 0.95)).mean() < 0.15  # the sun is out or hidden, rarely between
    assert ((shades[1:] > 0.5) != (shades[:-1] > 0.5)).sum() > 400  # edges pass


def test_clouds_take_what_they_hide() -> None:
    clear, dull = weather(clouds=0.0).day(0.0), weather(clouds=1.0, transparency=0.25).day(0.0)
    assert dull.ghi_w_m2.sum() == pytest.approx(0.25 * clear.ghi_w_m2.sum())
    assert dull.dni_w_m2.sum() < 0.05 * clear.dni_w_m2.sum()
    assert np.all(dull.ghi_w_m2 <= clear.ghi_w_m2 + 1e-9)


def test_same_seed_same_weather_in_whatever_order() -> None:
    one, two, other = weather(4, clouds=0.5), weather(4, clouds=0.5), weather(5, clouds=0.5)
    late = two.day(9 * DAY_S).ghi_w_m2
    for number in range(10):
        one.day(number * DAY_S)
    assert (one.day(9 * DAY_S).ghi_w_m2 == late).all()
    assert not (other.day(9 * DAY_S).ghi_w_m2 == late).all()
    # The end of a day is the beginning of the next one.
    assert one.day(0.0).ghi_w_m2[-1] == pytest.approx(one.day(DAY_S).ghi_w_m2[0])
    assert one.day(0.0).ambient_c[-1] == pytest.approx(one.day(DAY_S).ambient_c[0])


@settings(max_examples=6, deadline=None)
@given(st.lists(st.floats(1.0, 5000.0), min_size=1, max_size=6))
def test_it_does_not_matter_how_the_house_is_stepped(steps: list[float]) -> None:
    def seen(stops: list[float]) -> tuple[float, float]:
        config = HouseConfig(step_s=60.0, weather=WeatherConfig(**BERLIN, clouds=0.5, start="2026-06-21T11:30"))
        house = House(config)
        for stop in stops:
            house.advance_to(stop)
        return house.surroundings.irradiance_w_m2, house.surroundings.ambient_c

    stops = np.cumsum(steps).tolist()
    assert seen(stops) == seen(stops[-1:])


@settings(max_examples=20, deadline=None)
@given(
    st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 365), st.floats(0, 1), st.floats(0, 1), st.integers(0, 99)
)
def test_anywhere_on_earth_numbers_are_physical(
    latitude: float, longitude: float, day: int, clouds: float, transparency: float, seed: int
) -> None:
    start = np.datetime_as_string(np.datetime64("2026-01-01") + np.timedelta64(day, "D"))
    keys = {"latitude": latitude, "longitude": longitude, "clouds": clouds, "transparency": transparency}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        seen = weather(seed, **keys, start=str(start), raster_s=600.0).day(0.0)
    for values, low, high in (
        (seen.ghi_w_m2, 0, 1300),
        (seen.dni_w_m2, 0, 1300),
        (seen.dhi_w_m2, 0, 900),
        (seen.ambient_c, -75, 60),
        (seen.cover, 0, 1),
    ):
        assert np.isfinite(values).all() and low <= values.min() and values.max() <= high


def test_temperature_follows_season_and_hour() -> None:
    summer, winter = (
        weather(start=f"2026-{month}-15", mean_c=10.0, season_k=20.0, day_k=8.0, wander_k=0.0).day(0.0).ambient_c
        for month in ("07", "01")
    )
    assert summer.mean() == pytest.approx(20, abs=0.5) and winter.mean() == pytest.approx(0, abs=0.5)
    assert np.ptp(summer) == pytest.approx(8, abs=0.1)
    south = weather(latitude=-33.9, longitude=151.2, start="2026-01-15").day(0.0).ambient_c.mean()
    assert south > weather(latitude=-33.9, longitude=151.2, start="2026-07-15").day(0.0).ambient_c.mean() + 5


def test_summer_time_begins_in_the_night() -> None:
    house = House(HouseConfig(step_s=60.0, weather=WeatherConfig(**BERLIN, start="2026-03-29T00:00")))
    seen = []
    for hour in (1, 2, 3):
        house.advance_to(hour * 3600.0)
        seen.append(house.hour)
    assert seen == pytest.approx([1.0, 3.0, 4.0])  # there is no half past two


def test_clouds_can_be_told_while_it_runs() -> None:
    house = House(HouseConfig(step_s=60.0, weather=WeatherConfig(**BERLIN, start="2026-06-21T12:00")))
    station = house.device("house: weather")
    house.advance_to(600.0)
    clear = station.telemetry()["ghi_w_m2"]
    station.command("clouds", 1.0)
    station.command("transparency", 0.5)
    house.advance_to(660.0)
    assert station.telemetry()["ghi_w_m2"] == pytest.approx(0.5 * clear, rel=0.01)
    assert house.surroundings.irradiance_w_m2 == pytest.approx(0.5 * clear, rel=0.01)
    with pytest.raises(ValueError, match="house: weather: clouds = 2: must be within 0 and 1"):
        station.command("clouds", 2)


# -- files

HOURS = [f"2026-06-21T{hour:02}:00:00Z" for hour in range(24)]
PVGIS = (
    "Latitude (decimal degrees):\t52.5\nElevation (m):\t34\n\n"
    "time(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP\n{rows}\n\nT2m: 2-m air temperature (degree Celsius)\n"
)


def written(folder: Path, text: str, name: str = "w.csv", **keys: Any) -> Weather:
    (folder / name).write_text(text)
    return weather(file=str(folder / name), start="2026-06-21T12:00", **keys)


@pytest.mark.parametrize(
    ("header", "separator"),
    [
        ("time,ghi,dni,dhi,temp_air,wind_speed", ","),
        ("timestamp;G(h);Gb(n);Gd(h);T2m;WS10m", ";"),
        (
            "time\tshortwave_radiation (W/m²)\tdirect_normal_irradiance (W/m²)\tdiffuse_radiation (W/m²)"
            "\ttemperature_2m (°C)\twind_speed_10m (m/s)",
            "\t",
        ),
    ],
)
def test_csv_with_common_names(tmp_path: Path, header: str, separator: str) -> None:
    rows = [separator.join((time, str(10 * i), "300", "50", str(i), "4")) for i, time in enumerate(HOURS)]
    sky = written(tmp_path, "\n".join([header, *rows]))
    day = sky.day(0.0)  # from 10:00 UTC
    assert day.ghi_w_m2[0] == 100 and day.ghi_w_m2[30] == pytest.approx(105)  # straight lines
    assert day.dni_w_m2[0] == 300 and day.dhi_w_m2[0] == 50
    assert day.ambient_c[60] == 11 and day.wind_m_s[60] == 4
    assert day.dni_w_m2[day.zenith_deg > 93].max() == 0.0
    # After its end the last day again.
    assert sky.day(3 * DAY_S).ghi_w_m2[0] == pytest.approx(100)
    assert set(sky.commands) == {"temperature"}


def test_pvgis_with_preamble_and_its_times(tmp_path: Path) -> None:
    rows = "\n".join(f"20260621:{hour:02}10,{hour},80,{10 * hour},0,{10 * hour},300,3,180,1000" for hour in range(24))
    day = written(tmp_path, PVGIS.format(rows=rows)).day(0.0)
    assert day.ghi_w_m2[10] == pytest.approx(100) and day.ambient_c[10] == pytest.approx(10)


def test_nsrdb_times_in_columns(tmp_path: Path) -> None:
    rows = "\n".join(f"2026,6,21,{hour},30,{hour},{20 * hour}" for hour in range(24))
    day = written(tmp_path, "Year,Month,Day,Hour,Minute,Temperature,GHI\n" + rows).day(0.0)
    assert day.ghi_w_m2[30] == pytest.approx(240)  # 12:30 local
    assert (day.dni_w_m2 * np.cos(np.radians(day.zenith_deg)) + day.dhi_w_m2)[30] == pytest.approx(240, abs=1)  # Erbs


def test_a_typical_year_of_several_years_plays_in_any_year(tmp_path: Path) -> None:
    rows = []
    for stamp in np.arange("2005-01-01T00:30", "2006-01-01", 60, dtype="datetime64[m]"):
        month = int(str(stamp)[5:7])
        text = f"{2001 + month}{str(stamp)[4:]}Z"
        rows.append(f"{text},{100 * (month % 2)},{month}")
    (tmp_path / "tmy.csv").write_text("time,ghi,temp_air\n" + "\n".join(rows))
    for start, month in (("2031-05-10T00:00", 5), ("2028-02-29T01:00", 2), ("2032-12-31T12:00", 12)):
        day = weather(file=str(tmp_path / "tmy.csv"), start=start).day(0.0)
        assert day.ambient_c[0] == pytest.approx(month), start
    assert day.ambient_c[-1] == pytest.approx(1)  # and on New Year it is January


def test_epw(tmp_path: Path) -> None:
    place = "LOCATION,Berlin,-,DEU,IWEC,103840,52.47,13.40,1.0,49.0"
    row = (
        "2002,{m},{d},{h},60,?9,{t},4.0,80,101325,0,0,300,{g},{n},{f},0,0,0,0,180,2.5,0,0,10,9999,9,9,0,0.1,0,88,0,0,0"
    )
    days = np.arange("2002-01-01", "2003-01-01", dtype="datetime64[D]")
    rows = [
        row.format(m=int(str(d)[5:7]), d=int(str(d)[8:]), h=h + 1, t=h, g=10 * h, n=5 * h, f=h)
        for d in days
        for h in range(24)
    ]
    (tmp_path / "b.epw").write_text("\n".join([place, *["X"] * 7, *rows]) + "\n")
    sky = weather(file=str(tmp_path / "b.epw"), start="2026-06-21T12:30", timezone="Etc/GMT-1")
    assert sky.day(0.0).ghi_w_m2[0] == pytest.approx(120) and sky.day(0.0).ambient_c[0] == pytest.approx(12)
    with pytest.raises(ValueError, match="file: is not an EPW file"):
        (tmp_path / "c.epw").write_text("nonsense")
        weather(file=str(tmp_path / "c.epw"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,2\n", "no header line with the name of a weather column (known: time, ghi, g(h), dni"),
        ("time,temp_air\n0,1\n60,2\n", "needs a column ghi, or dni and dhi"),
        ("time,ghi\n0,1\n60,x\n", "line 3: ghi: 'x' is not a number within -20 and 2000"),
        ("time,ghi\n0,1\n60,9999\n", "line 3: ghi: '9999' is not a number within -20 and 2000"),
        ("time,ghi,T2m\n0,1,3\n60,2\n", "line 3: t2m: '' is not a number within -90 and 70"),
        ("time,ghi\n0,1\nnoon,2\n", "line 3: time: 'noon' is not a time"),
        ("time,ghi\n0,1\n0,2\n", "line 3: time: must be later than in the row before"),
        ("time,ghi\n0,1\n", "needs a header and at least two rows"),
        ("ghi,dni\n0,1\n1,2\n", "no column with the time (known: time, "),
        (
            "time,ghi\n2020-01-01,1\n2020-01-02,2\n",
            "covers 2019-12-31 23:00 to 2020-01-01 23:00 UTC, the start 2026-06-20 22:00 is not in it",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "w.csv").write_text(text)
    document = {"batteries": [{"mac": "02B250000001", "phase": "A"}], "weather": {**BERLIN, "file": "w.csv"}}
    with pytest.raises(ConfigError) as caught:
        parse_house(document, "h.json", tmp_path)
    assert str(caught.value).startswith('h.json: weather.file = "w.csv": ')
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_the_file_lies_beside_the_house_file(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("time,ghi,temp_air\n0,100,5\n3600,300,7\n")
    (tmp_path / "h.yaml").write_text(
        "batteries: [{mac: '02B250000001', phase: A}]\n"
        "weather: {latitude: 52.5, longitude: 13.4, start: 2026-06-21T12:00:00, file: w.csv}\n"
    )
    house = House(load_house_file(tmp_path / "h.yaml").house_config())
    house.advance_to(1800.0)
    assert house.surroundings.irradiance_w_m2 == pytest.approx(200, abs=1)
    assert house.surroundings.ambient_c == pytest.approx(6, abs=0.1)


def test_without_the_extra_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    document = {"batteries": [{"mac": "02B250000001", "phase": "A"}], "weather": BERLIN}
    with pytest.raises(ConfigError, match=r"weather.*: needs the package pvlib; install nullwatt\[weather\]$"):
        parse_house(document)
    with pytest.raises(ModuleNotFoundError, match=r"^weather needs the package pvlib; install nullwatt\[weather\]$"):
        weather()
    del document["weather"]
    House(parse_house(document).house_config()).advance_to(5.0)
