"""A file of measured or typical weather: CSV with the column names people meet, or EPW.

Rows are read as UTC instants; times without a zone are local ones of the place, whole numbers are seconds after the
start. A file that spans a year (a typical meteorological year has months of different years) is used by month, day and
hour in any year; a shorter one at its own dates, and after its end its last day again and again.
"""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .libraries import pvlib_part
from .replay import file_text

Array = npt.NDArray[np.float64]

#: What the weather needs, by the column names of pvlib, PVGIS, Open-Meteo, NSRDB and Solcast; compared in lower case.
COLUMNS: dict[str, tuple[str, ...]] = {
    "ghi": ("ghi", "g(h)", "shortwave_radiation", "global_horizontal_irradiance"),
    "dni": ("dni", "gb(n)", "direct_normal_irradiance"),
    "dhi": ("dhi", "gd(h)", "diffuse_radiation", "diffuse_horizontal_irradiance"),
    "temp_air": ("temp_air", "t2m", "temperature_2m", "temperature", "air_temp"),
    "wind_speed": ("wind_speed", "ws10m", "wind_speed_10m"),
}
TIMES = ("time", "time(utc)", "timestamp", "datetime", "date", "utc_timestamp", "period_mid")
_PARTS = ("year", "month", "day", "hour", "minute")
#: Physical limits, W/m2, degrees C, m/s: what lies outside is a mark for "missing" (-999, 9999).
_RANGES = {
    "ghi": (-20.0, 2000.0),
    "dni": (-20.0, 2000.0),
    "dhi": (-20.0, 2000.0),
    "temp_air": (-90.0, 70.0),
    "wind_speed": (0.0, 120.0),
}

_DAY_S = 86400.0
YEAR_S = 365 * _DAY_S
_A_YEAR_S = (364 * _DAY_S, 366.5 * _DAY_S)
_PREAMBLE = 60  # lines that may stand before the header


@dataclass(frozen=True, slots=True)
class WeatherSeries:
    """Columns over time. time_s: UTC, s since 1970, or since the start of a year without a leap day if `yearly`."""

    time_s: Array
    columns: dict[str, Array]
    yearly: bool

    def at(self, name: str, time_s: Array) -> Array:
        """A column at these instants (UTC, s since 1970), straight lines between its rows."""
        if self.yearly:
            return np.interp(_of_year(time_s), self.time_s, self.columns[name], period=YEAR_S)
        beyond: Array = np.ceil(np.maximum(0.0, time_s - self.time_s[-1]) / _DAY_S)
        return np.interp(time_s - beyond * _DAY_S, self.time_s, self.columns[name])


def _of_year(time_s: Array) -> Array:
    """Seconds since New Year, the 29th of February being played as the 28th."""
    moment = time_s.astype("datetime64[s]")
    year = moment.astype("datetime64[Y]")
    seconds = (time_s - year.astype("datetime64[s]").astype(np.float64)).astype(np.float64)
    number = year.astype(int) + 1970
    leap = (number % 4 == 0) & ((number % 100 != 0) | (number % 400 == 0))
    place: Array = np.where(leap & (seconds >= 59 * _DAY_S), seconds - _DAY_S, seconds)
    return place


def read_weather(file: str, zone: tzinfo, start_s: float) -> WeatherSeries:
    """Read a weather file; EPW if its name ends in .epw, else CSV. start_s: start of the simulation, UTC.

    Raises ValueError: `file: ...`, one line that names line and column.
    """
    series = _read_epw(file) if file.lower().endswith(".epw") else _read_csv(file, zone, start_s)
    if "ghi" not in series.columns and not {"dni", "dhi"} <= set(series.columns):
        raise ValueError("file: needs a column ghi, or dni and dhi" + _known())
    first_s, last_s = float(series.time_s[0]), float(series.time_s[-1])
    if not series.yearly and not first_s <= start_s <= last_s:
        raise ValueError(f"file: covers {_day(first_s)} to {_day(last_s)} UTC, the start {_day(start_s)} is not in it")
    return series


def _day(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M}"


def _known() -> str:
    return f" (known: time, {', '.join(name for names in COLUMNS.values() for name in names[:2])}, ...)"


def _read_csv(file: str, zone: tzinfo, start_s: float) -> WeatherSeries:
    lines = file_text(file).splitlines()
    header, delimiter, names = _header(lines)
    moment = _moments(names, zone, start_s)
    places = {
        key: names.index(known)
        for key, choices in COLUMNS.items()
        for known in [next((choice for choice in choices if choice in names), None)]
        if known is not None
    }
    times: list[float] = []
    values: dict[str, list[float]] = {key: [] for key in places}
    numbers: list[int] = []
    try:
        for number, row in enumerate(csv.reader(lines[header + 1 :], delimiter=delimiter), start=header + 2):
            if not row or not row[0].strip():
                if times:
                    break  # PVGIS explains its columns after an empty line
                continue
            times.append(moment(number, row))
            numbers.append(number)
            for key, place in places.items():
                values[key].append(_value(number, row, place, names[place], _RANGES[key]))
    except csv.Error as error:
        raise ValueError(f"file: is not CSV: {error}") from None
    if len(times) < 2:
        raise ValueError("file: needs a header and at least two rows")
    columns = {key: np.array(column) for key, column in values.items()}
    return _series(np.array(times), columns, numbers)


def _header(lines: Sequence[str]) -> tuple[int, str, list[str]]:
    """Number of the header line (from 0), its delimiter and its names in lower case."""
    known = {name for names in COLUMNS.values() for name in names}
    for index, line in enumerate(lines[:_PREAMBLE]):
        delimiter = max(",;\t", key=line.count)
        names = [name.strip().strip('"').strip().lower() for name in line.split(delimiter)]
        # Units may stand behind a name: "shortwave_radiation (W/m2)".
        names = [name if name in known or name in TIMES else name.split(" (")[0] for name in names]
        if len(names) > 1 and known & set(names):
            return index, delimiter, names
    raise ValueError("file: no header line with the name of a weather column" + _known())


def _moments(names: list[str], zone: tzinfo, start_s: float) -> Callable[[int, list[str]], float]:
    """How a row says when it is, UTC."""
    column = next((name for name in TIMES if name in names), None)
    if column is not None:
        place = names.index(column)
        local = UTC if "utc" in column else zone

        def whole(number: int, row: list[str]) -> float:
            text = row[place].strip() if place < len(row) else ""
            try:
                time_s = _time(text, local, start_s)
            except (ValueError, OverflowError):
                time_s = math.nan
            if not math.isfinite(time_s):
                raise ValueError(f"file: line {number}: {column}: {text[:40]!r} is not a time")
            return time_s

        return whole
    if not set(_PARTS[:4]) <= set(names):
        raise ValueError("file: no column with the time (known: " + ", ".join((*TIMES, "year, month, day, hour")) + ")")
    places = [(part, names.index(part)) for part in _PARTS if part in names]

    def parts(number: int, row: list[str]) -> float:
        cells = {part: row[place].strip() if place < len(row) else "" for part, place in places}
        try:
            number_of = {part: int(cell) for part, cell in cells.items()}
            date = [number_of.get(part, 0) for part in _PARTS]
            return datetime(date[0], date[1], date[2], date[3], date[4], tzinfo=zone).timestamp()
        except (ValueError, OverflowError):
            raise ValueError(f"file: line {number}: year ... minute: {cells} is not a time"[:160]) from None

    return parts


def _time(text: str, zone: tzinfo, start_s: float) -> float:
    try:
        if len(text) == 13 and text[8] == ":":  # PVGIS, UTC
            return datetime.strptime(text, "%Y%m%d:%H%M").replace(tzinfo=UTC).timestamp()
        return start_s + float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _value(number: int, row: list[str], place: int, name: str, allowed: tuple[float, float]) -> float:
    text = row[place].strip() if place < len(row) else ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not allowed[0] <= value <= allowed[1]:
        rule = f"is not a number within {allowed[0]:g} and {allowed[1]:g}"
        raise ValueError(f"file: line {number}: {name}: {text[:40]!r} {rule}")
    return value


def _read_epw(file: str) -> WeatherSeries:
    if not Path(file).is_file():
        raise ValueError("file: cannot be read: no such file")
    try:
        table: Any = pvlib_part("iotools").read_epw(file)[0]
        columns = {key: table[key].to_numpy(np.float64) for key in COLUMNS}
        times = np.array([stamp.timestamp() for stamp in table.index], dtype=np.float64)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # whatever a parser stumbles over
        raise ValueError(f"file: is not an EPW file: {' '.join(str(error).split())[:80]}") from None
    # The values are those of the hour that begins there.
    return _series(times + 1800.0, columns, list(range(9, 9 + len(times))))


def _series(times: Array, columns: dict[str, Array], numbers: list[int]) -> WeatherSeries:
    """In order of time; a year by month, day and hour."""
    of_year = _of_year(times)
    if _A_YEAR_S[0] <= len(times) * float(np.median(np.diff(times))) <= _A_YEAR_S[1]:
        _, first = np.unique(of_year, return_index=True)
        return WeatherSeries(of_year[first], {key: column[first] for key, column in columns.items()}, True)
    for (before, here), number in zip(pairwise(times.tolist()), numbers[1:], strict=True):
        if here <= before:
            raise ValueError(f"file: line {number}: time: must be later than in the row before")
    return WeatherSeries(times, columns, False)
