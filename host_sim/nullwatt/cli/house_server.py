"""A house in this process, served over HTTP and shown on a page, in the terminal or as lines, until it is stopped."""

import asyncio
import logging
import math
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nullwatt.cli.errors import fail
from nullwatt.cli.mqtt import tell
from nullwatt.cli.sim_source import HouseSource
from nullwatt.cli.sim_terminal import LastLine
from nullwatt.core import Emulator
from nullwatt.home import House, HouseFile
from nullwatt.lab import AddressInUseError, BatterySpec, HomeComparing, HouseFiles, ServedSite, Site
from nullwatt.serve import HistoryError, HistoryStore, PortInUseError, Server, application

_LOG = logging.getLogger("nullwatt.sim")
#: Exit code of a run that was to end by itself and was stopped: what a shell reports after Ctrl-C.
STOPPED = 130
_LEAVE_S = 5.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Show:
    """How a house is shown.

    last_line: of the log, for a view in the terminal; None = no such view. page: with the web page. lines: of the log,
    now and then. browser: open it there. other_port: take a free port where the wanted one is taken. history: file
    that keeps it. note: one more line for the log. own: the house file as it was written, for the editor of the page;
    None = as it runs. folder: where that file is.
    """

    last_line: LastLine | None = None
    page: bool = False
    lines: bool = False
    browser: bool = False
    other_port: bool = False
    history: Path | None = None
    note: str | None = None
    own: HouseFile | None = None
    folder: Path | None = None


def log_to(last_line: LastLine | None, level: int) -> None:
    """Lines of this level or above on standard output, or the last of them on a view."""
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
        handlers=[last_line or logging.StreamHandler(sys.stdout)],
    )
    for noisy in ("asyncio", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def serve(
    file: HouseFile,
    specs: tuple[BatterySpec, ...],
    emulator: Emulator | None,
    show: Show,
    title: str = "nullwatt sim",
    end_s: float = math.inf,
    on_second: Callable[[Site], None] = lambda site: None,
    on_ready: Callable[[str, str], None] = lambda url, where: None,
) -> int:
    """Run a house until it is stopped, or to `end_s` simulated seconds. Exit code; 130 if it was stopped before.

    emulator: in this process, on the file's `ct` address; None: it is elsewhere, there. on_ready is called with the
    URL of the HTTP interface and the address of the emulator. What cannot be listened on ends the program.
    """
    try:
        return asyncio.run(_serve(file, specs, emulator, show, title, end_s, on_second, on_ready))
    except (PortInUseError, AddressInUseError, HistoryError) as error:
        fail(str(error))


async def _serve(
    file: HouseFile,
    specs: tuple[BatterySpec, ...],
    emulator: Emulator | None,
    show: Show,
    title: str,
    end_s: float,
    on_second: Callable[[Site], None],
    on_ready: Callable[[str, str], None],
) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    world = _World(file, specs, emulator)
    files = HouseFiles(show.own or file, show.folder, world.change_to if end_s == math.inf else None)
    where, comparing = world.where, HomeComparing(files)
    served = ServedSite(
        world.site, stop.set, title, where, file.ct.mac, file.power_update_delay_ticks, files, comparing
    )
    app = application(served)
    if show.page:
        from nullwatt.serve.page import mount  # only here: nicegui may be missing

        mount(app, served)
    server = _open(app, file, show)
    store = HistoryStore(show.history, title) if show.history else None
    url = f"http://{file.http.host}:{server.port}"
    _LOG.info("serving %s", url)
    _LOG.info("batteries poll %s", where)
    if show.note:
        _LOG.info("%s", show.note)
    lines = _StatusLines(world.site, file.log_interval)

    def second() -> None:
        moment = served.record()
        if store is not None:
            store.record(moment)
        if show.lines:
            lines.second()
        on_second(world.site)

    def moved_in(file: HouseFile) -> None:
        nonlocal store, lines
        served.move_in(world.site, file.ct.mac, file.power_update_delay_ticks)
        lines = _StatusLines(world.site, file.log_interval)
        if store is not None and show.history is not None:
            store.close()
            store = HistoryStore(show.history, title)
        _LOG.info("another house runs, from its second 0")

    playing = asyncio.create_task(world.play(max(file.time_scale, 0.1), end_s, second, moved_in))
    http = asyncio.create_task(server.run())
    stopped = asyncio.create_task(stop.wait())
    tasks: list[asyncio.Task[Any]] = [playing, http, stopped]
    view = None
    if show.last_line is not None:
        from nullwatt.cli.sim_view import SimView  # only here: textual may be missing

        view = SimView(HouseSource(served, f"{url} -> {where}"), show.last_line)
        tasks.append(asyncio.create_task(view.run_async(mouse=False)))
    on_ready(url, where)
    if show.browser and has_screen():
        open_browser(url)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if view is not None:  # it gives the terminal back before anything is written there
            view.exit()
            await asyncio.wait(tasks[-1:], timeout=_LEAVE_S)
        for task in done:
            try:
                task.result()
            except (OSError, UnicodeError) as error:
                if task is not playing:
                    raise
                fail(f"ct.host {file.ct.host}: {getattr(error, 'strerror', None) or error}")
        if end_s < math.inf and playing not in done:
            return STOPPED
        return 0 if view is None else view.return_code or 0
    finally:
        server.stop()
        for task in tasks:
            if task is not http:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        comparing.close()
        if store is not None:
            store.close()


class _World:
    """A site that plays, with what goes along with it, and another one in its place on demand.

    Attributes:
        site: The present one.
    """

    def __init__(self, file: HouseFile, specs: tuple[BatterySpec, ...], emulator: Emulator | None) -> None:
        self._file = file
        self._own_emulator = emulator is not None
        self._wanted: asyncio.Queue[tuple[HouseFile, tuple[BatterySpec, ...], asyncio.Future[None]]] = asyncio.Queue()
        self.site = self._build(file, specs, emulator)

    @property
    def where(self) -> str:
        """The address of the emulator."""
        ct = self._file.ct
        return f"udp://{ct.host}:{ct.port if self.site.ct is None else self.site.ct.port}"

    async def change_to(self, file: HouseFile, specs: tuple[BatterySpec, ...]) -> None:
        """Let that house play instead; addresses, ports and broker stay as they are. Returns once it does.

        Raises ValueError for one that cannot be built.
        """
        House(file.house_config())
        ct = self._file.ct
        if self.site.ct is not None:  # it was any free one; the next must be found there as well
            ct = ct.model_copy(update={"port": self.site.ct.port})
        kept = {"ct": ct, "http": self._file.http, "mqtt_insights": self._file.mqtt_insights}
        done = asyncio.get_running_loop().create_future()
        self._wanted.put_nowait((file.model_copy(update=kept), specs, done))
        await done

    async def play(
        self, scale: float, end_s: float, on_second: Callable[[], None], on_moved: Callable[[HouseFile], None]
    ) -> None:
        """Play until `end_s`, or cancelled. on_moved: called when another house has taken the place of the first.

        Raises OSError, UnicodeError: `ct.host` does not resolve. AddressInUseError.
        """
        while True:
            ct = self._file.ct
            tasks = [asyncio.create_task(self.site.play(ct.host, ct.port, scale, end_s, on_second=on_second))]
            if self.site.emulator is not None and self._file.mqtt_insights is not None:
                tasks.append(asyncio.create_task(tell(self.site, self._file.mqtt_insights, ct.mac)))
            wanted = asyncio.create_task(self._wanted.get())
            try:
                over, _ = await asyncio.wait((*tasks, wanted), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*tasks, wanted):
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            if wanted not in over:
                for task in over:
                    task.result()
                return
            self._file, specs, done = wanted.result()
            scale = self.site.clock.factor
            self.site = self._build(self._file, specs, Emulator() if self._own_emulator else None)
            on_moved(self._file)
            done.set_result(None)

    @staticmethod
    def _build(file: HouseFile, specs: tuple[BatterySpec, ...], emulator: Emulator | None) -> Site:
        shortest_s, longest_s = file.auto_interval
        site = Site(file.house_config(), specs, (shortest_s, longest_s), emulator, (file.ct.host, file.ct.port))
        site.auto.enable(file.auto_mode)
        return site


def _open(app: Any, file: HouseFile, show: Show) -> Server:
    try:
        return Server(app, file.http.host, file.http.port)
    except PortInUseError:
        if not show.other_port:
            raise
        return Server(app, file.http.host, 0)


def open_browser(url: str) -> None:
    """Show it there. Some browsers keep who opened them waiting; the house does not wait."""
    threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()


def has_screen() -> bool:
    """Whether a browser window can be opened; without one, some systems start one inside the terminal."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


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
