"""A site in this process, served over Modbus: in real time, as fast as it goes, or step by step."""

import asyncio
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from nullwatt.cli.errors import fail
from nullwatt.cli.twin_compose import bridge_ports
from nullwatt.cli.twin_control import Control
from nullwatt.cli.twin_orders import Orders
from nullwatt.cli.twin_scenario import tell
from nullwatt.home import Clock, PacedClock, SteppedClock, drive
from nullwatt.home.der import Asset, DerSite, SiteConfig, SiteConfigError
from nullwatt.serve.modbus import EndpointError, Endpoints, RegisterMapError

if TYPE_CHECKING:
    from nullwatt.lab.twin import SitePlayer, SiteScenario

_LOG = logging.getLogger("nullwatt.twin")

#: Exit code of a run that was to end by itself and was stopped: what a shell reports after Ctrl-C.
STOPPED = 130
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WIDTH = 120  # of output that goes to a file or a pipe
_MOST_STEPS = 10**9
#: What the table shows of each type of asset beside its power.
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "bess": ("system_soc", "working_status", "fault_code"),
    "inverter": ("inverter_status", "today_output_energy", "fault_code"),
    "chp": ("unit_state", "heat_power_kw", "engine_speed_rpm"),
    "energy_meter": ("total_active_power", "total_import_energy", "total_export_energy"),
}


@dataclass(frozen=True)
class Pace:
    """How time passes.

    end_s: simulated; inf = until it is stopped. factor: simulated seconds per second, inf = as fast as it goes,
    0 = only as told. until_input_ends: with factor 0: no more input is the end.
    """

    end_s: float
    factor: float
    until_input_ends: bool = False


@dataclass(frozen=True)
class Where:
    """What is listened on; see `Endpoints`.

    first_bridge: port of the first serial device that is served as RTU over TCP; None = serial devices are opened.
    file: of the site, to be read again on request. control: socket for orders; None = there are none.
    """

    keep_going: bool
    ip: str | None
    first_bridge: int | None
    file: Path
    control: Path | None


@dataclass(frozen=True)
class Play:
    """A scenario to play on the site. controller: with its stand-in."""

    scenario: "SiteScenario"
    controller: bool


def pace(site: SiteConfig, duration_s: float | None, speed: float | None, step: bool) -> Pace:
    """What options and file ask for together; None = not given."""
    if step or (not site.real_time and duration_s is None and speed is None):
        return Pace(math.inf, 0.0, until_input_ends=step)
    factor = speed or (1.0 if site.real_time else math.inf)
    return Pace(math.inf if duration_s is None else duration_s, factor)


def run(config: SiteConfig, how: Pace, where: Where, play: Play | None = None) -> int:
    """Serve a site until it is stopped or at its end. Exit code; what cannot be served ends the program.

    play: meanwhile; the exit code then says what became of it.
    """
    logging.basicConfig(level=logging.WARNING, format="nullwatt: %(message)s", stream=sys.stderr)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_run(config, how, where, play))
    except (EndpointError, RegisterMapError, SiteConfigError) as error:
        fail(str(error))


async def _run(config: SiteConfig, how: Pace, where: Where, play: Play | None) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    site = DerSite(config)
    player = None if play is None else _player(play, site)
    bridges = {} if where.first_bridge is None else bridge_ports(config, where.first_bridge)
    endpoints = Endpoints(site, where.keep_going, where.ip, bridges)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, soft_wrap=True)
    orders = Orders(site, endpoints, where.file, bridges, where.first_bridge, console)
    control = None if where.control is None else Control(where.control, orders.obey)
    try:
        await endpoints.update()
        if control is not None:
            try:
                await control.open()
            except OSError as error:
                _LOG.warning("%s: no orders: %s", where.control, error.strerror or error)
        for line in orders.served(site.assets):
            console.print(line, markup=False)
        console.print(_how(how, site), markup=False)
        sys.stdout.flush()
        started_s = time.monotonic()
        work = _stepped(site, console, how) if how.factor == 0 else _timed(site, how, player)
        finished = await _unless(stop, work)
    finally:
        if control is not None:
            control.close()
        endpoints.close()
    took_s = time.monotonic() - started_s
    if math.isfinite(how.end_s):
        _show(site, console)
        console.print(f"{site.ticks} steps in {took_s:.2f} s", markup=False)
        if not finished:
            return STOPPED  # half a scenario is not judged
        return 0 if player is None else tell(player.result())
    return 0


def _player(play: Play, site: DerSite) -> "SitePlayer":
    from nullwatt.lab.twin import SitePlayer  # only here: most sites have no scenario, and the lab takes its time

    return SitePlayer(play.scenario, site, play.controller)


def _how(how: Pace, site: DerSite) -> str:
    if how.factor == 0:
        return f"time stands: a line n makes n steps of {site.step_s:g} s"
    rate = "as fast as it goes" if math.isinf(how.factor) else f"{how.factor:g} s per second"
    end = "until Ctrl-C" if math.isinf(how.end_s) else f"for {how.end_s:g} s"
    return f"running {end}, {rate}"


async def _unless(stop: asyncio.Event, work: asyncio.Task[None]) -> bool:
    """Wait for the work; False if it was stopped before its end."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
    finished = work.done()
    for task in (work, waiting):
        task.cancel()
    for result in await asyncio.gather(work, waiting, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    return finished


def _timed(site: DerSite, how: Pace, player: "SitePlayer | None") -> asyncio.Task[None]:
    clock: Clock = SteppedClock()
    if math.isfinite(how.factor):
        clock = PacedClock(how.factor)
    else:
        assert isinstance(clock, SteppedClock)
        clock.advance_to(math.inf)
    # A hair more: whether the last step ends at the end is not for rounding to decide.
    end_s = how.end_s + site.step_s * 1e-6
    if player is None:
        return asyncio.create_task(drive(site, clock, end_s))
    return asyncio.create_task(drive(site, clock, end_s, lambda now_s: player.before(), player.after))


def _stepped(site: DerSite, console: Console, how: Pace) -> asyncio.Task[None]:
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    # Reading cannot be interrupted; it must not keep the program from ending.
    threading.Thread(target=read, daemon=True).start()
    return asyncio.create_task(_obey(site, console, lines, how.until_input_ends))


async def _obey(site: DerSite, console: Console, lines: asyncio.Queue[str | None], until_input_ends: bool) -> None:
    while True:
        line = await lines.get()
        if line is None:
            if until_input_ends:
                return
            await asyncio.Event().wait()  # for ever
            continue
        word = line.strip()
        if word == "q":
            return
        steps = int(word or 1) if (word or "1").isascii() and (word or "1").isdecimal() else 0
        if not 1 <= steps <= _MOST_STEPS:
            console.print(f"{word[:40]}: must be a number of steps, 1 to {_MOST_STEPS}, or q", markup=False)
        else:
            end_s = (site.ticks + steps + 0.5) * site.step_s
            clock = SteppedClock()
            clock.advance_to(math.inf)
            await drive(site, clock, end_s)
            _show(site, console)
        sys.stdout.flush()


def _show(site: DerSite, console: Console) -> None:
    console.print(f"time {site.now_s:.10g} s, grid {site.grid_w / 1e3:.3f} kW", markup=False)
    table = Table("asset", "type", "power kW", "state")
    for asset in site.assets.values():
        table.add_row(asset.asset_id, asset.kind, f"{asset.device.power_w / 1e3:.3f}", _state(asset))
    console.print(table)


def _state(asset: Asset) -> str:
    quantities = asset.device.quantities
    shown = ((name, asset.telemetry(name), quantities[name].unit) for name in _SHOWN[asset.kind])
    # Three decimals, but no zeros at the end.
    return ", ".join(
        f"{name} {value:.3f}".rstrip("0").rstrip(".") + (unit and f" {unit}") for name, value, unit in shown
    )
