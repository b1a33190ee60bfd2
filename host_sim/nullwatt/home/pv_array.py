"""Panels: what strings of them give as direct current under the weather of a house.

The chain is that of pvlib's ModelChain with PVWatts: Perez onto the plane of the panels, reflection of the
beam by the angle of incidence (physical), cell temperature by SAPM, PVWatts DC, one factor for all other losses.
Computed with pvlib a day at a time, read by straight lines between the points of the weather's raster.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, FiniteFloat, model_validator

from .libraries import pvlib_part
from .section import Positive, Section, Unit
from .weather import Weather, WeatherDay

Array = npt.NDArray[np.float64]

_STANDARD_W_M2 = 1000.0
#: Our names for the mountings of pvlib's table of SAPM.
_MOUNTINGS = {
    "rack": "open_rack_glass_polymer",
    "roof": "close_mount_glass_glass",
    "insulated": "insulated_back_glass_polymer",
}


class PvString(Section):
    """Panels in one plane.

    tilt: degrees, 0 = flat, 90 = upright. azimuth: degrees from north over east; 180 = south. peak_w: at standard
    conditions, or area_m2 and efficiency instead. temp_coeff: part of the power lost per kelvin above 25 degrees C
    (data sheet: -0.35 %/K is 0.0035). albedo: of the ground. losses: part, PVWatts' usual 14 % for soiling, shading,
    mismatch, wiring, ageing. mounting: how the air gets to the panels.
    """

    tilt: Annotated[FiniteFloat, Field(ge=0, le=90)] = 30.0
    azimuth: Annotated[FiniteFloat, Field(ge=0, le=360)] = 180.0
    peak_w: Positive | None = None
    area_m2: Positive | None = None
    efficiency: Annotated[FiniteFloat, Field(gt=0, le=0.5)] = 0.2
    temp_coeff: Annotated[FiniteFloat, Field(ge=0, le=0.02)] = 0.0035
    albedo: Unit = 0.25
    losses: Unit = 0.14
    mounting: Literal["rack", "roof", "insulated"] = "rack"

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.peak_w is None) == (self.area_m2 is None):
            raise ValueError("peak_w: needs either peak_w or area_m2")
        return self

    @property
    def rated_w(self) -> float:
        """Peak power at standard conditions, W."""
        if self.peak_w is not None:
            return self.peak_w
        assert self.area_m2 is not None
        return self.area_m2 * self.efficiency * _STANDARD_W_M2

    def dc_w(self, day: WeatherDay) -> Array:
        """DC power at each point of a day, W."""
        irradiance, iam = pvlib_part("irradiance"), pvlib_part("iam")
        zenith, azimuth = day.zenith_deg, day.azimuth_deg
        up = day.ghi_w_m2 + day.dni_w_m2 + day.dhi_w_m2 > 0.0
        if not up.any():
            return np.zeros_like(zenith)
        poa = irradiance.get_total_irradiance(
            self.tilt,
            self.azimuth,
            zenith,
            azimuth,
            day.dni_w_m2,
            day.ghi_w_m2,
            day.dhi_w_m2,
            dni_extra=day.extra_w_m2,
            airmass=day.airmass,
            albedo=self.albedo,
            model="perez",
        )
        beam, diffuse, whole = (np.asarray(poa[f"poa_{key}"]) for key in ("direct", "diffuse", "global"))
        reflected = iam.physical(irradiance.aoi(self.tilt, self.azimuth, zenith, azimuth))
        temperature = pvlib_part("temperature")
        parameters = temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"][_MOUNTINGS[self.mounting]]
        cell_c = temperature.sapm_cell(np.nan_to_num(whole), day.ambient_c, day.wind_m_s, **parameters)
        dc = pvlib_part("pvsystem").pvwatts_dc(beam * reflected + diffuse, cell_c, self.rated_w, -self.temp_coeff)
        return np.where(up, np.maximum(0.0, np.nan_to_num(dc)) * (1.0 - self.losses), 0.0)


class PvArray:
    """Several strings under one weather."""

    def __init__(self, strings: Sequence[PvString], weather: Weather) -> None:
        self.rated_w = math.fsum(string.rated_w for string in strings)
        self._strings = strings
        self._weather = weather
        self._day: WeatherDay | None = None
        self._dc_w: list[float] = []

    def dc_w(self, time_s: float) -> float:
        """What the panels could give at a simulated time, W."""
        day = self._weather.day(time_s)
        if day is not self._day:
            self._day = day
            self._dc_w = np.sum([string.dc_w(day) for string in self._strings], axis=0).tolist()
        index, part = self._weather.place(time_s)
        here = self._dc_w[index]
        return here + (self._dc_w[index + 1] - here) * part
