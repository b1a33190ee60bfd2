"""Homes over a year, to be compared: what each takes from the grid, gives it, and pays.

    from nullwatt.lab import Home, what_if
    now, planned = what_if([Home.of("home.yaml"), Home.of("planned.yaml")], days=365)
    print(now.import_kwh - planned.import_kwh)

Every home moves at steps of a minute in a process of its own. Hybrid inverters carry their own control; batteries that
poll a meter are ideal here, see `ideal_storage`. Nothing of a run depends on the others or on the machine.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path

from nullwatt.home import (
    EnergyTerms,
    House,
    HouseConfig,
    HouseFile,
    Hybrid,
    Ledger,
    MeterConfig,
    PvPlant,
    load_house_file,
)
from nullwatt.home.parts import SUN
from nullwatt.serve import HomeMonth, HomeResult

from .batteries import BatterySpec, specs_of
from .devices import BatteryDevice
from .ideal_storage import IdealStorage

STEP_S = 60.0
YEAR_DAYS = 365
MOST_DAYS = 3660
_J_PER_KWH = 3.6e6
_LISTEN_S = 0.2
_STOP_S = 3.0
#: Read once, not by every process.
_PRELOADED = ["nullwatt.lab.what_if", "nullwatt.home.weather", "pvlib"]
#: Behind whatever serves a house meanwhile.
_NICE = 5

IDEAL_NOTE = "batteries that poll a meter are ideal: at once, exactly and together they hold the grid at zero"


class WhatIfError(Exception):
    """A comparison that gave no result. `str()` is one line."""


@dataclass(frozen=True)
class Home:
    """A home to simulate. notes: what of its file has no effect, one line each."""

    name: str
    house: HouseConfig
    batteries: tuple[BatterySpec, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: HouseFile | Path | str, name: str = "") -> "Home":
        """The home of a house file; ConfigError, one line that begins with `name`."""
        if not isinstance(file, HouseFile):
            name = name or str(file)
            file = load_house_file(file)
        notes = [IDEAL_NOTE]
        if file.auto_mode:
            notes.append("auto_mode is left out")
        return cls(name, file.house_config(), specs_of(file, name), tuple(notes))


class _Books(Ledger):
    """A ledger that also adds up what goes through the connection as the tariff counts it, and what left each store."""

    def __init__(self, apart: bool) -> None:
        super().__init__()
        self.bought_j = 0.0
        self.sold_j = 0.0
        self.drawn_j = 0.0
        self._apart = apart

    def book(self, grid_j: Sequence[float], terms: Iterable[tuple[str, EnergyTerms]]) -> float:
        """Enter one tick."""
        entries = list(terms)
        for energy_j in grid_j if self._apart else (sum(grid_j),):
            if energy_j > 0.0:
                self.bought_j += energy_j
            else:
                self.sold_j -= energy_j
        for _, entry in entries:
            if entry.stored_j < 0.0:
                self.drawn_j -= entry.stored_j
        return super().book(grid_j, entries)


@dataclass(frozen=True)
class _Sums:
    """What counts so far, kWh and ct."""

    import_kwh: float
    export_kwh: float
    sun_kwh: float
    used_kwh: float
    money_ct: float


def simulate(home: Home, days: int = YEAR_DAYS, progress: Callable[[float], None] = lambda done: None) -> HomeResult:
    """Simulate a home in this process. progress is called with 0..1 after each day."""
    meter = MeterConfig(refresh_s=3600.0, latency_s=0.0)  # nobody reads it
    config = replace(home.house, step_s=STEP_S, meter=meter)
    books = _Books(config.tariff is not None and config.tariff.phases == "apart")
    storage = IdealStorage(home.batteries)
    house = House(config, [BatteryDevice(battery) for battery in storage.batteries], books, storage.follow)
    storage.house = house
    bill, months = house.bill, list[HomeMonth]()
    sources = {SUN, *(battery.mac for battery in storage.batteries)}
    sources |= {device.name for device in house.devices if isinstance(device, PvPlant | Hybrid)}
    sinks = {device.name for device in house.devices} - sources

    def sums() -> _Sums:
        terms = books.devices
        sun_j = sum(entry.source_j for name, entry in terms.items() if name in sources)
        used_j = sum(entry.sink_j for name, entry in terms.items() if name in sinks)
        money_ct = 0.0 if bill is None else bill.energy_ct + bill.standing_ct - bill.earned_ct
        import_kwh, export_kwh = books.bought_j / _J_PER_KWH, books.sold_j / _J_PER_KWH
        return _Sums(import_kwh, export_kwh, sun_j / _J_PER_KWH, used_j / _J_PER_KWH, money_ct)

    end_s, now_s, month = days * 86400.0, 0.0, ""
    before = sums()
    while now_s < end_s:
        begin = house.clock.at(now_s)
        midnight = datetime.combine(begin.date(), time.min) + timedelta(days=1)
        now_s = min(end_s, now_s + (midnight - begin).total_seconds())
        house.advance_to(now_s)
        house.close_tick()
        after = sums()
        if f"{begin:%Y-%m}" != month:
            month = f"{begin:%Y-%m}"
            months.append(HomeMonth(month=month, import_kwh=0, export_kwh=0, sun_kwh=0, used_kwh=0))
        _add(months[-1], before, after)
        before = after
        progress(now_s / end_s)
    if bill is not None:
        by_month = {f"{year}-{number:02}": peak_w for (year, number), peak_w in bill.peak_by_month_w.items()}
        for each in months:
            each.total_ct = (each.total_ct or 0.0) + by_month.get(each.month, 0.0) / 1000.0 * bill.tariff.demand
    return _result(home, days, house, books, before, months)


def _add(month: HomeMonth, before: _Sums, after: _Sums) -> None:
    month.import_kwh += after.import_kwh - before.import_kwh
    month.export_kwh += after.export_kwh - before.export_kwh
    month.sun_kwh += after.sun_kwh - before.sun_kwh
    month.used_kwh += after.used_kwh - before.used_kwh
    month.total_ct = (month.total_ct or 0.0) + after.money_ct - before.money_ct


def _result(home: Home, days: int, house: House, books: _Books, sums: _Sums, months: list[HomeMonth]) -> HomeResult:
    bill = house.bill
    hybrids = [device.config for device in house.devices if isinstance(device, Hybrid)]
    capacity_kwh = sum(spec.config.capacity_wh for spec in home.batteries) / 1000.0
    capacity_kwh += sum(hybrid.battery.capacity_wh for hybrid in hybrids) / 1000.0
    result = HomeResult(
        name=home.name,
        days=days,
        import_kwh=sums.import_kwh,
        export_kwh=sums.export_kwh,
        sun_kwh=sums.sun_kwh,
        used_kwh=sums.used_kwh,
        self_consumption=_share(sums.sun_kwh - sums.export_kwh, sums.sun_kwh),
        self_sufficiency=_share(sums.used_kwh - sums.import_kwh, sums.used_kwh),
        leak_kwh=books.leak_j / _J_PER_KWH,
        months=months,
        notes=list(home.notes),
    )
    if capacity_kwh:
        result.stored_kwh = books.total.stored_j / _J_PER_KWH
        result.battery_kwh = books.drawn_j / _J_PER_KWH
        result.battery_cycles = result.battery_kwh / capacity_kwh
    if bill is None:
        for month in months:
            month.total_ct = None
    else:
        result.energy_ct, result.earned_ct, result.standing_ct = bill.energy_ct, bill.earned_ct, bill.standing_ct
        result.demand_ct, result.total_ct, result.peak_w = bill.demand_ct, bill.total_ct, bill.peak_w
    return result


def _share(part: float, whole: float) -> float | None:
    return max(0.0, min(1.0, part / whole)) if whole > 0.0 else None


def what_if(
    homes: Sequence[Home],
    days: int = YEAR_DAYS,
    progress: Callable[[float], None] = lambda done: None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[HomeResult]:
    """Simulate homes side by side, each in a process; results in their order.

    All get the seed of the first, so that weather and noise are the same where their files are. progress is called
    with 0..1 now and then; stopped is asked now and then whether to give up.

    Raises:
        WhatIfError: It was stopped, or a home cannot be simulated.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    seed = homes[0].house.seed
    running: dict[Connection, int] = {}
    processes = []
    results: list[HomeResult | None] = [None] * len(homes)
    done = [0.0] * len(homes)
    try:
        for place, home in enumerate(homes):
            reader, writer = context.Pipe(duplex=False)
            fair = replace(home, house=replace(home.house, seed=seed))
            process = context.Process(target=_work, args=(fair, days, writer), daemon=True, name=f"what-if {place}")
            process.start()
            processes.append(process)
            writer.close()  # the process has its own
            running[reader] = place
        while running:
            if stopped():
                raise WhatIfError("stopped")
            ready = wait(list(running), _LISTEN_S)
            for reader in [reader for reader in running if reader in ready]:
                place = running[reader]
                try:
                    news = reader.recv()
                except EOFError:
                    raise WhatIfError(f"{homes[place].name}: its simulation ended unexpectedly") from None
                if isinstance(news, HomeResult):
                    results[place] = news
                    del running[reader]
                    reader.close()
                elif isinstance(news, str):
                    raise WhatIfError(f"{homes[place].name}: {news}")
                else:
                    done[place] = news
            progress(sum(done) / len(done))
    finally:
        for reader in running:
            reader.close()
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(_STOP_S)
    return [result for result in results if result is not None]


def _work(home: Home, days: int, writer: Connection) -> None:
    """One home in a process: shares 0..1, then the result, or the text of an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for the parent
    os.nice(_NICE)
    with suppress(BrokenPipeError):  # whoever asked is gone
        try:
            writer.send(simulate(home, days, writer.send))
        except ValueError as error:
            writer.send(str(error))
