"""The weather at a place: sun, clouds, temperature and wind, from a seed or from a file.

Position of the sun and clear sky come from pvlib (NREL's algorithm; Ineichen and Perez with the Linke turbidity of
pvlib's tables, which are in its package). Clouds let a part of that through, which Erbs splits into beam and diffuse.
Everything is computed a day at a time on a raster and read by straight lines between its points; it is a function of
time and seed alone, so it does not depend on how the house is stepped. Without the extra `weather` there is none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, FiniteFloat, PrivateAttr, ValidationInfo, field_validator, model_validator

from .clouds import Clouds, Wander
from .device import NO_ENERGY, Command, EnergyTerms, Quantity, Surroundings, Value, check_command
from .libraries import pvlib_part
from .section import Name, NotNegative, Number, Section, Unit
from .weather_file import WeatherSeries, read_weather

Array = npt.NDArray[np.float64]

WEATHER = "house: weather"

_DAY_S = 86400.0
_QUARTER_S = 900.0
_YEAR_DAYS = 365.2425
_HOTTEST_DAY = 201.0  # of the year, north; half a year later south
_HOTTEST_H = 15.0
_LAPSE_K_M = 0.0065  # standard atmosphere
_MIN_TEMPERATURE_C = -60.0


def _as_text(value: object) -> object:
    """YAML reads an unquoted date as one."""
    return value.isoformat() if isinstance(value, date) else value


class WeatherConfig(Section):
    """Where and when a house is, and its weather.

    latitude, longitude: degrees, + = north and east. altitude: m. timezone: IANA name. start: local date and time at
    simulated time 0. clouds: mean cover 0 ... 1. transparency: part of the clear sky's irradiance below a cloud.
    persistence_h: how long a cover lasts. cloud_s: how long one cloud hides the sun. turbidity: Linke's; None = by
    month from pvlib's tables. mean_c: mean of the year at this place, None = by latitude and altitude. season_k:
    warmest above coldest day, None = by latitude. day_k: afternoon above morning. wander_k: standard deviation from
    day to day. wind_m_s: at 10 m. file: CSV or EPW instead of all that; what it has not is as without it.
    raster_s: between two computed points; must divide a day.
    """

    latitude: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    longitude: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    altitude: Annotated[FiniteFloat, Field(ge=-430, le=8850)] = 0.0
    timezone: Name = "UTC"
    start: Annotated[str, BeforeValidator(_as_text)] = "2026-06-21T00:00"
    clouds: Unit = 0.0
    transparency: Unit = 0.3
    persistence_h: Annotated[FiniteFloat, Field(ge=0.5, le=240)] = 12.0
    cloud_s: Annotated[FiniteFloat, Field(ge=30, le=36000)] = 600.0
    turbidity: Annotated[FiniteFloat, Field(ge=1, le=12)] | None = None
    mean_c: Annotated[Number, Field(ge=-60, le=60)] | None = None
    season_k: Annotated[NotNegative, Field(le=100)] | None = None
    day_k: Annotated[NotNegative, Field(le=50)] = 8.0
    wander_k: Annotated[NotNegative, Field(le=20)] = 3.0
    wind_m_s: Annotated[NotNegative, Field(le=60)] = 2.0
    file: Name | None = None
    raster_s: Annotated[FiniteFloat, Field(ge=5, le=3600)] = 60.0

    _start_utc_s: float = PrivateAttr()
    _series: WeatherSeries | None = PrivateAttr(default=None)

    @field_validator("file")
    @classmethod
    def _beside_the_house_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get("folder")
        return value if folder is None or value is None else str(Path(folder) / value)

    @model_validator(mode="after")
    def _read(self) -> Self:
        try:
            zone = ZoneInfo(self.timezone)
        except (ValueError, OSError, KeyError):
            raise ValueError('timezone: must be a name of the IANA database, such as "Europe/Berlin"') from None
        try:
            start = datetime.fromisoformat(self.start)
        except ValueError:
            raise ValueError('start: must be a date and time such as "2026-06-21T00:00"') from None
        if not 1900 <= start.year <= 2199:
            raise ValueError("start: must be a year within 1900 and 2199")
        self._start_utc_s = (start if start.tzinfo else start.replace(tzinfo=zone)).timestamp()
        if _DAY_S % self.raster_s:
            raise ValueError("raster_s: must divide a day of 86400 s")
        if self.file is not None:
            self._series = read_weather(self.file, zone, self.start_utc_s)
        return self

    @property
    def start_utc_s(self) -> float:
        """Simulated time 0, s since 1970."""
        return self._start_utc_s

    @property
    def start_h(self) -> float:
        """Local hour of the day at simulated time 0."""
        return self.local_hour(0.0)

    @property
    def start_day(self) -> date:
        """Local date at simulated time 0."""
        return datetime.fromtimestamp(self._start_utc_s, ZoneInfo(self.timezone)).date()

    @property
    def series(self) -> WeatherSeries | None:
        """What the file holds."""
        return self._series

    def local_hour(self, time_s: float) -> float:
        """Local hour of the day at simulated time `time_s`, 0 ... 24, summer time included."""
        utc_s = self._start_utc_s + time_s
        return (utc_s + _offset_s(self.timezone, int(utc_s // _QUARTER_S))) % _DAY_S / 3600.0


@lru_cache(maxsize=64)
def _offset_s(timezone: str, quarter: int) -> float:
    """How far local time is ahead of UTC; clocks are set at quarters of an hour."""
    offset = datetime.fromtimestamp(quarter * _QUARTER_S, UTC).astimezone(ZoneInfo(timezone)).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


@dataclass(frozen=True, slots=True, eq=False)
class WeatherDay:
    """24 simulated hours on the raster, both ends included.

    index: pandas times, UTC. zenith_deg: apparent, with refraction; azimuth_deg: from north over east. extra_w_m2:
    above the atmosphere. airmass: relative, NaN at night. Irradiances W/m2: global and diffuse on the level,
    direct towards the sun.
    """

    index: Any
    zenith_deg: Array
    azimuth_deg: Array
    extra_w_m2: Array
    airmass: Array
    ghi_w_m2: Array
    dni_w_m2: Array
    dhi_w_m2: Array
    ambient_c: Array
    wind_m_s: Array
    cover: Array


class Weather:
    """The weather of a house: a device without power, which writes what the others see of it into `Surroundings`."""

    name = WEATHER
    phase = "D"
    power_w = 0.0
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "ghi_w_m2": Quantity("W/m2", "irradiance on the level"),
        "dni_w_m2": Quantity("W/m2", "direct irradiance, towards the sun"),
        "dhi_w_m2": Quantity("W/m2", "diffuse irradiance on the level"),
        "ambient_c": Quantity("°C", "temperature of the air"),
        "wind_m_s": Quantity("m/s", "wind"),
        "cover": Quantity("", "clouds, part of the sky"),
        "sun_elevation_deg": Quantity("°", "height of the sun above the horizon"),
    }

    def __init__(self, config: WeatherConfig, seed: int, surroundings: Surroundings) -> None:
        """Raise ModuleNotFoundError, one line that names the extra, without pvlib."""
        self.config = config
        self._seed = seed
        self._surroundings = surroundings
        self._steps = round(_DAY_S / config.raster_s)
        self._clouds = config.clouds
        self._transparency = config.transparency
        self._fixed_c: float | None = None
        self._process = self._clouds_of(config.clouds)
        self._wander = Wander(seed, "weather.temperature", 2.0 * _DAY_S)
        self._day: WeatherDay | None = None
        self._number = -1
        self._values: list[list[float]] = []
        self._time_s = 0.0
        self.commands: Mapping[str, Command] = {
            "temperature": Command("°C", "of the air, held from now on", _MIN_TEMPERATURE_C, 60.0)
        }
        if config.series is None:
            self.commands |= {
                "clouds": Command("", "mean cover from now on", 0.0, 1.0),
                "transparency": Command("", "part of the irradiance below a cloud", 0.0, 1.0),
            }
        pvlib_part("solarposition")  # now rather than in the middle of a run
        self._write(0.0)

    def day(self, time_s: float) -> WeatherDay:
        """The day in which the simulated time lies; computed when it begins."""
        number = int(time_s // _DAY_S)
        if self._day is None or number != self._number:
            self._day, self._number = self._compute(number), number
            day = self._day
            shown = (day.ghi_w_m2, day.dni_w_m2, day.dhi_w_m2, day.ambient_c, day.wind_m_s, day.cover)
            self._values = [column.tolist() for column in (*shown, 90.0 - day.zenith_deg)]
        return self._day

    def place(self, time_s: float) -> tuple[int, float]:
        """Raster point at or before a simulated time within its day, and the part of the way to the next."""
        place = time_s % _DAY_S / self.config.raster_s
        index = min(int(place), self._steps - 1)
        return index, place - index

    def advance(self, dt_s: float) -> None:
        """Show the middle of the step that ends at the present time."""
        self._write(max(0.0, self._surroundings.time_s - 0.5 * dt_s))

    def telemetry(self) -> Mapping[str, float]:
        """What was shown last."""
        self.day(self._time_s)
        index, part = self.place(self._time_s)
        shown = (column[index] + (column[index + 1] - column[index]) * part for column in self._values)
        return dict(zip(self.quantities, shown, strict=True))

    def command(self, name: str, value: Value) -> None:
        """Change it from now on."""
        self.hold(name, float(check_command(self.name, self.commands, name, value)))

    def hold(self, name: str, value: float | None) -> None:
        """As `command`; None = as configured again."""
        config = self.config
        checked = None if value is None else float(check_command(self.name, self.commands, name, value))
        if name == "clouds":
            self._clouds = config.clouds if checked is None else checked
            self._process = self._clouds_of(self._clouds)
        elif name == "transparency":
            self._transparency = config.transparency if checked is None else checked
        else:
            self._fixed_c = checked
        self._day = None

    def take_energy(self) -> EnergyTerms:
        """None: the sun is booked by those who harvest it."""
        return NO_ENERGY

    def _write(self, time_s: float) -> None:
        self._time_s = time_s
        self.day(time_s)
        index, part = self.place(time_s)
        around, ghi, ambient = self._surroundings, self._values[0], self._values[3]
        around.irradiance_w_m2 = ghi[index] + (ghi[index + 1] - ghi[index]) * part
        around.ambient_c = ambient[index] + (ambient[index + 1] - ambient[index]) * part

    def _clouds_of(self, cover: float) -> Clouds:
        return Clouds(self._seed, cover, self.config.persistence_h * 3600.0, self.config.cloud_s)

    def _compute(self, number: int) -> WeatherDay:
        import pandas as pd

        config = self.config
        time_s: Array = np.asarray(number * _DAY_S + np.arange(self._steps + 1) * config.raster_s, dtype=np.float64)
        utc_s: Array = np.asarray(config.start_utc_s + time_s, dtype=np.float64)
        index = pd.DatetimeIndex(pd.to_datetime((utc_s * 1e6).round().astype(np.int64), unit="us", utc=True))
        ambient_c = self._temperature(time_s, utc_s)
        sun = pvlib_part("solarposition").get_solarposition(
            index, config.latitude, config.longitude, config.altitude, temperature=float(ambient_c.mean())
        )
        zenith = sun["apparent_zenith"].to_numpy(np.float64)
        airmass = np.asarray(pvlib_part("atmosphere").get_relative_airmass(zenith), dtype=np.float64)
        extra = np.asarray(pvlib_part("irradiance").get_extra_radiation(index), dtype=np.float64)
        cover = np.zeros_like(time_s)
        wind = np.full_like(time_s, config.wind_m_s)
        series = config.series
        if series is None:
            cover, shade = self._process.at(time_s)
            ghi, dni, dhi = self._sky(index, zenith, sun["zenith"].to_numpy(np.float64), extra, airmass, shade)
        else:
            ghi, dni, dhi = _measured(series, utc_s, sun["zenith"].to_numpy(np.float64), index)
            ambient_c = series.at("temp_air", utc_s) if "temp_air" in series.columns else ambient_c
            wind = series.at("wind_speed", utc_s) if "wind_speed" in series.columns else wind
        if self._fixed_c is not None:
            ambient_c = np.full_like(time_s, self._fixed_c)
        azimuth = sun["azimuth"].to_numpy(np.float64)
        return WeatherDay(index, zenith, azimuth, extra, airmass, ghi, dni, dhi, ambient_c, wind, cover)

    def _sky(
        self, index: Any, zenith: Array, true_zenith: Array, extra: Array, airmass: Array, shade: Array
    ) -> tuple[Array, Array, Array]:
        """Global, direct and diffuse irradiance: clear sky and cloud, mixed as the shade says."""
        config, clear = self.config, pvlib_part("clearsky")
        atmosphere = pvlib_part("atmosphere")
        pressure = atmosphere.alt2pres(config.altitude)
        mass = atmosphere.get_absolute_airmass(airmass, pressure)
        turbidity = config.turbidity or clear.lookup_linke_turbidity(index, config.latitude, config.longitude).to_numpy(
            np.float64
        )
        with np.errstate(divide="ignore"):  # at night
            sky = clear.ineichen(zenith, mass, turbidity, config.altitude, extra)
        ghi, dni, dhi = (np.nan_to_num(np.asarray(sky[key], dtype=np.float64)) for key in ("ghi", "dni", "dhi"))
        if not shade.any():
            return ghi, dni, dhi
        below = ghi * self._transparency
        beam, diffuse = _split(below, true_zenith, index)
        free = 1.0 - shade
        return free * ghi + shade * below, free * dni + shade * beam, free * dhi + shade * diffuse

    def _temperature(self, time_s: Array, utc_s: Array) -> Array:
        """Mean, season, time of day by the sun, and a seeded wander over days."""
        config = self.config
        steep = abs(config.latitude)
        mean = config.mean_c
        if mean is None:
            mean = max(_MIN_TEMPERATURE_C, 27.0 - 0.0065 * steep * steep - _LAPSE_K_M * config.altitude)
        season = 0.38 * steep if config.season_k is None else config.season_k
        hottest = _HOTTEST_DAY if config.latitude >= 0.0 else _HOTTEST_DAY - 0.5 * _YEAR_DAYS
        day = utc_s / _DAY_S
        of_year = 0.5 * season * np.cos(math.tau * (day % _YEAR_DAYS - hottest) / _YEAR_DAYS)
        hour = (utc_s / 3600.0 + config.longitude / 15.0) % 24.0
        of_day = 0.5 * config.day_k * np.cos(math.tau * (hour - _HOTTEST_H) / 24.0)
        wander = config.wander_k * self._wander.at(time_s) if config.wander_k else 0.0
        return np.asarray(mean + of_year + of_day + wander, dtype=np.float64)


def _split(ghi: Array, zenith: Array, index: Any) -> tuple[Array, Array]:
    """Direct and diffuse irradiance by Erbs."""
    parts = pvlib_part("irradiance").erbs(ghi, zenith, index)
    return tuple(np.nan_to_num(np.asarray(parts[key], dtype=np.float64)) for key in ("dni", "dhi"))  # type: ignore[return-value]


def _measured(series: WeatherSeries, utc_s: Array, zenith: Array, index: Any) -> tuple[Array, Array, Array]:
    """What a file says; missing columns follow from the others."""
    found = {key: np.maximum(0.0, series.at(key, utc_s)) for key in ("ghi", "dni", "dhi") if key in series.columns}
    height = np.maximum(0.0, np.cos(np.radians(zenith)))
    if len(found) == 3:
        # Straight lines between rows must not let the beam shine from below the horizon.
        return found["ghi"], np.where(height > 0.0, found["dni"], 0.0), found["dhi"]
    if "ghi" not in found:
        return found["dni"] * height + found["dhi"], np.where(height > 0.0, found["dni"], 0.0), found["dhi"]
    ghi = found["ghi"]
    if "dhi" in found or "dni" in found:
        low = height > 0.05
        dhi = found["dhi"] if "dhi" in found else np.clip(ghi - found["dni"] * height, 0.0, ghi)
        dni = found["dni"] if "dni" in found else np.where(low, (ghi - dhi) / np.where(low, height, 1.0), 0.0)
        return ghi, np.where(height > 0.0, np.clip(dni, 0.0, 1400.0), 0.0), np.minimum(dhi, np.maximum(ghi, dhi))
    dni, dhi = _split(ghi, zenith, index)
    return ghi, dni, dhi
