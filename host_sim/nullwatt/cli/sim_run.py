"""The simulation in the foreground: house file or quick house, batteries, HTTP."""

import asyncio
import logging
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nullwatt.cli.errors import fail
from nullwatt.cli.sim_source import HouseSource
from nullwatt.cli.sim_terminal import LastLine, obstacle
from nullwatt.core import Emulator
from nullwatt.home import ConfigError, HouseFile, load_house_file, parse_house
from nullwatt.lab import AddressInUseError, BatterySpec, ServedSite, Site, specs_of
from nullwatt.serve import PortInUseError, Server, application

_LOG = logging.getLogger("nullwatt.sim")
_LEAVE_S = 5.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Quick:
    """A house without a file. None = the default."""

    batteries: int | None
    phases: int | None
    base_load: str | None
    soc: float | None

    @property
    def given(self) -> list[str]:
        """Options that were given, as they are written."""
        values = {"--batteries": self.batteries, "--phases": self.phases}
        values |= {"--base-load": self.base_load, "--soc": self.soc}  # type: ignore[dict-item]
        return [option for option, value in values.items() if value is not None]

    def document(self) -> dict[str, Any]:
        """The house file it stands for."""
        phases = self.phases or 1
        letters = "ABC"[:phases]
        second = "B" if phases == 3 else "A"
        loads = [
            ("LED lights", 30, "A"),
            ("TV + entertainment", 80, second),
            ("Router + NAS", 40, "A"),
            ("Microwave", 800, "A"),
            ("Washing machine", 400, second),
        ]
        soc = _given({"initial_soc": self.soc})
        batteries = [
            {"mac": f"02B25{index + 1:07X}", "phase": letters[index % phases], **soc}
            for index in range(self.batteries or 1)
        ]
        return {
            "powermeter": {
                "phases": phases,
                **_given({"base_load": self.base_w(phases)}),
                "loads": [{"name": name, "power": power, "phase": phase} for name, power, phase in loads],
                "solar_phases": list(letters),
            },
            "batteries": batteries,
        }

    def base_w(self, phases: int) -> list[float] | None:
        """Base load per phase, W; None = a house's usual one."""
        if self.base_load is None:
            return None
        try:
            watts = [float(part) for part in self.base_load.split(",")]
        except ValueError:
            fail(f"--base-load {self.base_load}: must be watts per phase, such as 100,50,80")
        if len(watts) > phases:
            fail(f"--base-load {self.base_load}: {len(watts)} values for {phases} phase{'s' if phases > 1 else ''}")
        return watts


@dataclass(frozen=True)
class Changes:
    """Options that overrule the file. None = as there."""

    ct_host: str | None
    ct_port: int | None
    http_port: int | None
    time_scale: float | None
    power_update_delay: int | None

    def applied(self, file: HouseFile) -> HouseFile:
        """The file with these options."""
        ct = {"host": self.ct_host, "port": self.ct_port}
        http = {"port": self.http_port}
        top = {"time_scale": self.time_scale, "power_update_delay_ticks": self.power_update_delay}
        batteries = list(file.batteries)
        if self.power_update_delay is not None:
            delay = {"power_update_delay_ticks": self.power_update_delay}
            batteries = [battery.model_copy(update=delay) for battery in batteries]
        return file.model_copy(
            update={
                **_given(top),
                "ct": file.ct.model_copy(update=_given(ct)),
                "http": file.http.model_copy(update=_given(http)),
                "batteries": batteries,
            }
        )


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def run(config: Path | None, quick: Quick, changes: Changes, emulator: bool, no_tui: bool, verbose: bool) -> int:
    """Run until stopped; emulator: with one in this process. Exit code."""
    hindrance = None if no_tui else obstacle()
    last_line = None if no_tui or hindrance else LastLine()
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO if last_line is None else logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
        handlers=[last_line or logging.StreamHandler(sys.stdout)],
    )
    if hindrance:
        _LOG.info("printing lines: %s", hindrance)
    for noisy in ("asyncio", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        if config is None:
            file = parse_house(quick.document())
        else:
            file = load_house_file(config)
            if quick.given:
                _LOG.warning("%s: without effect, %s decides", ", ".join(quick.given), config)
        file = changes.applied(file)
        specs = specs_of(file, str(config or "house"))
    except ConfigError as error:
        fail(str(error))
    try:
        return asyncio.run(_run(file, specs, Emulator() if emulator else None, last_line))
    except (PortInUseError, AddressInUseError) as error:
        fail(str(error))


async def _run(
    file: HouseFile, specs: tuple[BatterySpec, ...], emulator: Emulator | None, last_line: LastLine | None
) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    shortest_s, longest_s = file.auto_interval
    site = Site(file.house_config(), specs, (shortest_s, longest_s), emulator, (file.ct.host, file.ct.port))
    site.auto.enable(file.auto_mode)
    where = f"udp://{file.ct.host}:{file.ct.port if site.ct is None else site.ct.port}"
    served = ServedSite(site, stop.set, where=where, ct_mac=file.ct.mac)
    server = Server(application(served), file.http.host, file.http.port)
    _LOG.info("serving http://%s:%d", file.http.host, server.port)
    _LOG.info("batteries poll %s", where)
    lines = _StatusLines(site, file.log_interval)

    def on_second() -> None:
        served.record()
        lines.second()

    scale = max(file.time_scale, 0.1)
    world = asyncio.create_task(site.play(file.ct.host, file.ct.port, scale, on_second=on_second))
    http = asyncio.create_task(server.run())
    stopped = asyncio.create_task(stop.wait())
    tasks: list[asyncio.Task[Any]] = [world, http, stopped]
    view = None
    if last_line is not None:
        from nullwatt.cli.sim_view import SimView  # only here: textual may be missing

        view = SimView(HouseSource(served, f"http://{file.http.host}:{server.port} -> {where}"), last_line)
        tasks.append(asyncio.create_task(view.run_async(mouse=False)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if view is not None:  # it gives the terminal back before anything is written there
            view.exit()
            await asyncio.wait(tasks[-1:], timeout=_LEAVE_S)
        for task in done:
            try:
                task.result()
            except socket.gaierror as error:
                fail(f"ct.host {file.ct.host}: {error.strerror}")
        return 0 if view is None else view.return_code or 0
    finally:
        server.stop()
        for task in tasks:
            if task is not http:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _StatusLines:
    """A line of the log every so many simulated seconds."""

    def __init__(self, site: Site, interval_s: float) -> None:
        self._site = site
        self._interval_s = interval_s
        self._next_s = 0.0

    def second(self) -> None:
        """Called once a simulated second."""
        now_s = self._site.house.now_s
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._interval_s
        grid = " ".join(f"{watts:+.0f}" for watts in self._site.house.grid_w())
        batteries = " ".join(
            f"{battery.mac[-4:]} {battery.phase} {battery.power_w:+.0f} W {battery.soc:.0%}"
            for battery in self._site.batteries
        )
        _LOG.info("grid %s W | %s", grid, batteries)
