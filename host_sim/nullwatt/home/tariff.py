"""What electricity costs: flat, by the clock, or by a price list; and the bill that comes of it.

Money is in hundredths of the currency (ct), as floats; prices are ct per kWh. What is fed in earns.
"""

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, FiniteFloat, PrivateAttr, ValidationInfo, field_validator, model_validator

from .device import NO_ENERGY, Command, EnergyTerms, Quantity, Value, check_command
from .section import Name, NotNegative, Number, Section
from .wall_clock import DailyWindow, WallClock

BILL = "house: bill"
#: Demand is charged by the mean over so long, s.
PEAK_WINDOW_S = 900.0
_J_PER_KWH = 3.6e6
_DELIMITERS = ",;\t"
#: Headers of price lists, as exchanges, grid operators and home automations write them; in lower case.
_TIME_HEADERS = (
    *("time", "timestamp", "datetime", "date", "start", "from", "begin", "start_time", "starts_at", "startsat"),
    *("zeit", "zeitpunkt", "datum", "datum von", "von", "mtu", "hour", "time_start"),
)
_PRICE_HEADERS = (
    *("price", "preis", "total", "value", "marketprice", "spot", "spot price", "spotmarktpreis", "day-ahead price"),
    *("deutschland/luxemburg", "energy"),
)
#: ct per kWh of one of these.
_UNITS = {"ct/kWh": 1.0, "EUR/kWh": 100.0, "EUR/MWh": 0.1}
_UNIT_PATTERNS = (
    (re.compile(r"(eur|€|currency)[\s/_]*(per[\s_]*)?mwh", re.IGNORECASE), "EUR/MWh"),
    (re.compile(r"(eur|€)[\s/_]*(per[\s_]*)?kwh", re.IGNORECASE), "EUR/kWh"),
    (re.compile(r"(ct|cent)[\s/_]*(per[\s_]*)?kwh", re.IGNORECASE), "ct/kWh"),
)
_GERMAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})[ T]+(\d{1,2}:\d{2})")


class PriceWindow(DailyWindow):
    """A price within a window of the day, ct/kWh."""

    price: Number


class TariffSection(Section):
    """What the grid's energy costs.

    kind: `flat`: always `price`. `day_night`: `price`, and in a window that of the first that is on. `dynamic`: a CSV
    `file` with a time and a price per row. price: ct/kWh. feed_in: ct/kWh, negative = feeding in costs. standing: ct
    per day, from midnight to midnight, a begun day counts. demand: ct per month for each kW of its highest 15-minute
    mean import.
    markup: ct/kWh on top of each price of the list. tax: percent on top of both. unit: of the list; None = as its
    header says, else ct/kWh. time_column, price_column: None = the first header that is known. phases: `net`: as most
    meters do, import on one phase is set off against export on another at the same time; `apart`: it is not.
    """

    kind: Literal["flat", "day_night", "dynamic"] = "flat"
    price: Number = 30.0
    windows: list[PriceWindow] = Field(default=[])
    file: Name | None = None
    time_column: Name | None = None
    price_column: Name | None = None
    unit: Literal["ct/kWh", "EUR/kWh", "EUR/MWh"] | None = None
    markup: Number = 0.0
    tax: Annotated[FiniteFloat, Field(ge=0, le=100)] = 0.0
    feed_in: Number = 8.0
    standing: NotNegative = 0.0
    demand: NotNegative = 0.0
    phases: Literal["net", "apart"] = "net"

    _list: "PriceList | None" = PrivateAttr(default=None)

    @field_validator("file")
    @classmethod
    def _beside_the_house_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get("folder")
        return str(Path(folder) / value) if folder is not None and value is not None else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "day_night") != bool(self.windows):
            raise ValueError("windows: are for kind day_night, which needs at least one")
        if (self.kind == "dynamic") != (self.file is not None):
            raise ValueError("file: is for kind dynamic, which needs one")
        if self.file is not None:
            self._list = read_prices(self.file, self.time_column, self.price_column, self.unit)
        return self

    def price_at(self, when: datetime) -> float:
        """Price of import at that local time, ct/kWh."""
        if self._list is not None:
            return (self._list.at(when) + self.markup) * (1.0 + self.tax / 100.0)
        for window in self.windows:
            if window.covers(when):
                return window.price
        return self.price


class PriceList:
    """Prices over time, ct/kWh. Each holds until the next. Outside of its time the list repeats itself."""

    def __init__(self, times: Sequence[datetime], prices: Sequence[float]) -> None:
        """times: rising, at least two; the last price holds as long as the one before it."""
        self._times = times
        self._prices = prices
        self.begin = times[0]
        self.span = times[-1] - times[0] + (times[-1] - times[-2])

    def at(self, when: datetime) -> float:
        """The price at that local time."""
        inside = self.begin + (when - self.begin) % self.span
        return self._prices[bisect_right(self._times, inside) - 1]


def read_prices(file: str, time_column: str | None, price_column: str | None, unit: str | None) -> PriceList:
    """Read a price list with a header; separator comma, semicolon or tab; decimal point or comma.

    Times as ISO 8601, `31.12.2026 00:00`, or `... - ...` of either (the first counts); a time zone is cut off, the
    clock of the list is the clock of the house. Rows whose time repeats (the end of daylight saving) are left out.

    Raises:
        ValueError: Key of the section first, one line that names file and line.
    """
    lines = [line for line in _text(file).splitlines() if line.strip()]
    if len(lines) < 3:
        raise ValueError("file: needs a header and at least two rows")
    delimiter = max(_DELIMITERS, key=lines[0].count)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"file: is not CSV: {error}") from None
    names = [name.strip() for name in rows[0]]
    at = _place(names, "time_column", time_column, _TIME_HEADERS)
    price = _place(names, "price_column", price_column, _PRICE_HEADERS)
    scale = _UNITS[unit or _unit_of(names[price])]
    entries: list[tuple[datetime, float]] = []
    for number, row in enumerate(rows[1:], start=2):
        when, value = _when(_cell(row, at), number), _price(_cell(row, price), number) * scale
        if entries and when == entries[-1][0]:
            continue
        if entries and when < entries[-1][0]:
            if entries[-1][0] - when <= timedelta(hours=1):  # the hour that comes twice
                continue
            raise ValueError(f"file: line {number}: the time must be later than in the row before")
        entries.append((when, value))
    if len(entries) < 2:
        raise ValueError("file: needs at least two rows with different times")
    return PriceList(*map(list, zip(*entries, strict=True)))


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"file: cannot be read: {error.strerror or error}") from None
    except ValueError:  # not UTF-8, or a name no file can have
        raise ValueError("file: cannot be read: is not UTF-8 text") from None


def _place(names: list[str], key: str, wanted: str | None, known: Sequence[str]) -> int:
    if wanted is not None:
        if wanted in names:
            return names.index(wanted)
        raise ValueError(f'{key}: the file has no column "{wanted}" (it has: {", ".join(names)})'[:200])
    bare = [_bare(name) for name in names]
    for header in known:
        if header in bare:
            return bare.index(header)
    raise ValueError(f"{key}: say which column it is (the file has: {', '.join(names)})"[:200])


def _bare(name: str) -> str:
    """A header without its unit or zone: "Price [EUR/MWh]", "MTU (CET/CEST)", "price_ct_kwh"."""
    name = re.sub(r"[\[(].*", "", name.lower())
    for pattern, _ in _UNIT_PATTERNS:
        name = pattern.sub("", name)
    return re.sub(r"\s+in\s*$", "", name).strip(" _")


def _unit_of(name: str) -> str:
    return next((unit for pattern, unit in _UNIT_PATTERNS if pattern.search(name)), "ct/kWh")


def _cell(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _when(text: str, number: int) -> datetime:
    first = text.split(" - ")[0].strip()
    try:
        german = _GERMAN_DATE.match(first)
        if german:
            day, month, year, clock = german.groups()
            first = f"{year}-{int(month):02}-{int(day):02}T{clock:0>5}"
        return datetime.fromisoformat(first).replace(tzinfo=None)
    except ValueError:
        raise ValueError(f"file: line {number}: {text[:40]!r} is not a time") from None


def _price(text: str, number: int) -> float:
    try:
        value = float(text if "." in text else text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not abs(value) <= 1e9:  # nor not a number
        raise ValueError(f"file: line {number}: {text[:40]!r} is not a price")
    return value


@dataclass(slots=True)
class DayBill:
    """What a day costs, kWh and ct; the highest demand of a month is not in it."""

    import_kwh: float = 0.0
    export_kwh: float = 0.0
    energy_ct: float = 0.0
    earned_ct: float = 0.0
    standing_ct: float = 0.0

    @property
    def total_ct(self) -> float:
        """Cost less earnings, ct."""
        return self.energy_ct + self.standing_ct - self.earned_ct


class Bill:
    """The bill of a house, tick by tick.

    Attributes:
        tariff: What it charges by.
        import_kwh, export_kwh: Energy, by its way of counting phases.
        energy_ct: For import, ct. earned_ct: for export, ct. standing_ct: for the days so far, ct.
        price_ct_kwh: Of the latest tick.
        days: The same by date, of the days so far.
        peak_by_day_w, peak_by_month_w: Highest 15-minute means of import, W, by date and by (year, month).
    """

    def __init__(self, tariff: TariffSection, clock: WallClock) -> None:
        self.tariff = tariff
        self.import_kwh = 0.0
        self.export_kwh = 0.0
        self.energy_ct = 0.0
        self.earned_ct = 0.0
        self.standing_ct = 0.0
        self.peak_by_day_w: dict[date, float] = {}
        self.peak_by_month_w: dict[tuple[int, int], float] = {}
        self.days: dict[date, DayBill] = {}
        self._clock = clock
        self._today = DayBill()
        self._today_is: date | None = None
        self._window: datetime | None = None  # its beginning
        self._window_j = 0.0
        self._window_s = 0.0
        self.price_ct_kwh = tariff.price_at(clock.at(0.0))

    def book(self, begin_s: float, dt_s: float, grid_j: Sequence[float]) -> None:
        """Enter a tick of dt_s > 0 seconds: grid energy per phase, J, + = import. It counts where it begins."""
        net_j = [sum(grid_j)] if self.tariff.phases == "net" else grid_j
        import_j = sum(energy_j for energy_j in net_j if energy_j > 0.0)
        export_j = -sum(energy_j for energy_j in net_j if energy_j < 0.0)
        when = self._clock.at(begin_s)
        self.price_ct_kwh = self.tariff.price_at(when)
        import_kwh, export_kwh = import_j / _J_PER_KWH, export_j / _J_PER_KWH
        energy_ct, earned_ct = import_kwh * self.price_ct_kwh, export_kwh * self.tariff.feed_in
        self.import_kwh += import_kwh
        self.export_kwh += export_kwh
        self.energy_ct += energy_ct
        self.earned_ct += earned_ct
        if when.date() != self._today_is:
            self._today_is = when.date()
            self._today = self.days[self._today_is] = DayBill(standing_ct=self.tariff.standing)
            self.standing_ct += self.tariff.standing
        today = self._today
        today.import_kwh += import_kwh
        today.export_kwh += export_kwh
        today.energy_ct += energy_ct
        today.earned_ct += earned_ct
        self._measure(when, dt_s, import_j)

    def _measure(self, when: datetime, dt_s: float, import_j: float) -> None:
        """Add to the quarter of an hour; those that are not over, or began before the house did, do not count."""
        window = when.replace(minute=when.minute // 15 * 15, second=0, microsecond=0)
        if window != self._window:
            self._close()
            self._window, self._window_j, self._window_s = window, 0.0, 0.0
        self._window_j += import_j
        self._window_s += dt_s
        if self._window_s >= PEAK_WINDOW_S:
            self._close()

    @property
    def month_peak_w(self) -> float:
        """Highest 15-minute mean of import of the present month, W; 0 before the first is over."""
        return self.peak_by_month_w.get((self._today_is.year, self._today_is.month), 0.0) if self._today_is else 0.0

    def _close(self) -> None:
        window = self._window
        # Ticks that do not divide it leave it a little shorter or longer.
        if window is None or self._window_s < 0.9 * PEAK_WINDOW_S:
            return
        mean_w = self._window_j / self._window_s
        day, month = window.date(), (window.year, window.month)
        self.peak_by_day_w[day] = max(self.peak_by_day_w.get(day, 0.0), mean_w)
        self.peak_by_month_w[month] = max(self.peak_by_month_w.get(month, 0.0), mean_w)

    @property
    def peak_w(self) -> float:
        """Highest 15-minute mean of import of all months, W; 0 before the first is over."""
        return max(self.peak_by_month_w.values(), default=0.0)

    @property
    def demand_ct(self) -> float:
        """For the peaks of the months, ct."""
        return sum(self.peak_by_month_w.values()) / 1000.0 * self.tariff.demand

    @property
    def cost_ct(self) -> float:
        """Everything that is to be paid, earnings not deducted, ct."""
        return self.energy_ct + self.standing_ct + self.demand_ct

    @property
    def total_ct(self) -> float:
        """Cost less earnings, ct."""
        return self.cost_ct - self.earned_ct


class BillDevice:
    """The bill as a device, to be looked at; it takes and gives nothing."""

    name = BILL
    phase = "D"
    power_w = 0.0
    commands: ClassVar[Mapping[str, Command]] = {}
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "price_ct_kwh": Quantity("ct/kWh", "present price of import"),
        "import_kwh": Quantity("kWh", "energy from the grid"),
        "export_kwh": Quantity("kWh", "energy into the grid"),
        "energy_ct": Quantity("ct", "for energy from the grid"),
        "earned_ct": Quantity("ct", "for energy into the grid"),
        "standing_ct": Quantity("ct", "standing charge so far"),
        "demand_ct": Quantity("ct", "for the highest demand of each month"),
        "cost_ct": Quantity("ct", "energy, standing charge and demand"),
        "total_ct": Quantity("ct", "cost less earnings"),
        "peak_w": Quantity("W", "highest 15-minute mean of import"),
    }

    def __init__(self, bill: Bill) -> None:
        self.bill = bill

    def advance(self, dt_s: float) -> None:
        """Nothing moves."""

    def telemetry(self) -> Mapping[str, float]:
        """The bill so far."""
        return {name: getattr(self.bill, name) for name in self.quantities}

    def command(self, name: str, value: Value) -> None:
        """Refuse: a bill takes no commands."""
        check_command(self.name, self.commands, name, value)

    def take_energy(self) -> EnergyTerms:
        """None."""
        return NO_ENERGY
