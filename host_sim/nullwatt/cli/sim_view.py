"""The live view of `nullwatt sim`: a house in the terminal, with a key for everything that can be changed."""

import asyncio
import math
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.widget import Widget

from nullwatt.cli import sim_panels as panels
from nullwatt.cli.sim_remote import RemoteSource
from nullwatt.cli.sim_source import GoneError, RefusedError, Source, Status
from nullwatt.cli.sim_terminal import LastLine

SOC_STEP = 0.1
POWER_STEP_W = 100.0
#: Simulated seconds per second to choose from.
SCALES = (1.0, 10.0, 60.0, 100.0, 1000.0)


@dataclass(frozen=True)
class Key:
    """One entry of the key help. bound: textual's name of each key, and what it does."""

    shown: str
    does: str
    bound: tuple[tuple[str, str], ...]


KEYS = (
    Key("1-8", "switch load", tuple((str(n), f"switch({n - 1})") for n in range(1, panels.NUMBER_KEYS + 1))),
    Key("Tab/Shift+Tab", "next/previous load", (("tab", "next_load(1)"), ("shift+tab", "next_load(-1)"))),
    Key("Enter/Space", "switch it", (("enter", "switch"), ("space", "switch"))),
    Key("↑/↓", "solar ±100 W", (("up", "solar_by(1)"), ("down", "solar_by(-1)"))),
    Key("s/S", "solar max/off", (("s", "solar(True)"), ("S", "solar(False)"))),
    Key("b", "next battery", (("b", "next_battery"),)),
    Key("←/→", "SoC ∓10 %", (("left", "soc_by(-1)"), ("right", "soc_by(1)"))),
    Key("9/0", "SoC 100/0 %", (("9", "soc(1.0)"), ("0", "soc(0.0)"))),
    Key("p/P", "limits ∓100 W", (("p", "limits_by(-1)"), ("P", "limits_by(1)"))),
    Key("a", "auto mode", (("a", "auto"),)),
    Key(".", "pause/go on", (("full_stop", "pause"),)),
    Key("</>", "slower/faster", (("less_than_sign", "scale(-1)"), ("greater_than_sign", "scale(1)"))),
)
QUIT = (("q", "quit"), ("ctrl+c", "quit"))


class Area(Widget):
    """A part of the screen, drawn anew at every refresh. rows: its height, unless the style sheet says."""

    def __init__(self, name: str, draw: Callable[[Size], RenderableType], rows: Callable[[int], int]) -> None:
        super().__init__(id=name)
        self._draw = draw
        self._rows = rows

    def render(self) -> RenderableType:
        """See Widget."""
        return self._draw(self.content_size)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """See Widget."""
        return self._rows(width)


class SimView(App[None]):
    """Shows a source and gives it the orders of the keyboard."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; overflow: hidden; }
    Area { width: 100%; height: auto; padding: 0 1; }
    #banner { background: $error; color: $text; text-style: bold; display: none; }
    #graph { height: 2fr; min-height: 3; max-height: 14; }
    #batteries { max-height: 25%; }
    #loads { height: 3fr; min-height: 2; }
    #log { color: $warning; }
    .gone #grid, .gone #graph, .gone #batteries, .gone #loads, .gone #solar { opacity: 50%; }
    """
    # Before the screen's own: there the tabulator moves a focus that nothing here has.
    BINDINGS: ClassVar = [
        Binding(key, action, priority=True, show=False)
        for key, action in (*(bound for entry in KEYS for bound in entry.bound), *QUIT)
    ]

    def __init__(self, source: Source, last_line: LastLine) -> None:
        super().__init__()
        self.scene = panels.Scene()
        self._source = source
        self._last_line = last_line
        self._gone_s: float | None = None
        self._orders = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """See App."""
        scene = self.scene

        def known(draw: Callable[[Status, Size], RenderableType]) -> Callable[[Size], RenderableType]:
            return lambda size: "" if scene.status is None else draw(scene.status, size)

        def one(width: int) -> int:
            return 1

        yield Area("title", lambda size: panels.title(scene.status, scene.time, self._source.where), one)
        yield Area("banner", lambda size: self._banner(), one)
        yield Area("grid", known(lambda status, size: panels.grid(status)), lambda width: 2)
        yield Area("graph", known(lambda status, size: panels.graph(scene.totals_w, size.width, size.height)), one)
        count = self._battery_count
        yield Area("batteries", known(lambda status, size: panels.batteries(scene, size.height)), lambda _: 1 + count())
        yield Area("loads", known(lambda status, size: panels.loads(scene, size.width, size.height)), one)
        yield Area("solar", known(lambda status, size: panels.solar(status)), one)
        yield Area("log", lambda size: Text(panels.fitted(panels.plain(self._last_line.text), size.width)), one)
        yield Area("help", lambda size: Text("\n").join(self._help(size.width)), lambda width: len(self._help(width)))

    def on_mount(self) -> None:
        """See App."""
        self.run_worker(self._source.watch(self._seen))
        self.set_interval(1.0, self._redraw)

    def _battery_count(self) -> int:
        return 1 if self.scene.status is None else len(self.scene.status["batteries"])

    def _help(self, width: int) -> list[Text]:
        keys = [(key.shown, key.does) for key in KEYS]
        return panels.help_lines([*keys, ("q", self._source.leaving)], width)

    def _banner(self) -> str:
        since_s = time.monotonic() - (self._gone_s or 0.0)
        return f"The simulation does not answer, for {since_s:.0f} s now. Trying again; q leaves."

    def _seen(self, status: Status | None) -> None:
        """The source has something new: a status, or that it is gone."""
        if status is None:
            if self._gone_s is None:
                self._gone_s = time.monotonic()
                self.scene.totals_w.append(math.nan)
        else:
            self._gone_s = None
            self.scene.see(status)
            self.scene.totals_w.append(status["grid"]["total"])
        self._redraw(layout=True)

    def _redraw(self, layout: bool = False) -> None:
        if not self.is_running:  # being closed: the widgets are gone before the worker that watches the source
            return
        gone = self._gone_s is not None
        self.screen.set_class(gone, "gone")
        self.query_one("#banner").display = gone
        for area in self.query(Area):
            area.refresh(layout=layout)

    # --- orders: each is worked out from the status that the one before has left

    def _order(self, work_out: Callable[[Status], Awaitable[Status]]) -> None:
        self.run_worker(self._carry_out(work_out))

    async def _carry_out(self, work_out: Callable[[Status], Awaitable[Status]]) -> None:
        async with self._orders:
            try:
                if self.scene.status is None:
                    raise GoneError
                self.scene.see(await work_out(self.scene.status))
            except RefusedError as error:
                self._last_line.say(str(error))
            except GoneError:
                self._last_line.say("the simulation does not answer; the key had no effect")
        self._redraw()

    def _battery_order(self, work_out: Callable[[Status], Awaitable[Status]]) -> None:
        """work_out gets the chosen battery's part of the status."""
        index = self.scene.battery

        async def of_status(status: Status) -> Status:
            if index >= len(status["batteries"]):
                raise RefusedError("there is no battery")
            return await work_out(status["batteries"][index])

        self._order(of_status)

    def action_switch(self, index: int | None = None) -> None:
        """Switch a load, None = that under the cursor; the cursor follows."""
        load = self.scene.load if index is None else index

        async def switch(status: Status) -> Status:
            if load >= len(status["loads"]):
                raise RefusedError(f"there is no load {load + 1}")
            self.scene.load = load
            return await self._source.toggle_load(load)

        self._order(switch)

    def action_next_load(self, step: int) -> None:
        """Move the cursor, around the ends."""
        if self.scene.status is not None and (count := len(self.scene.status["loads"])):
            self.scene.load = (self.scene.load + step) % count
            self._redraw()

    def action_next_battery(self) -> None:
        """Choose the next battery, around the end."""
        if self.scene.status is not None and (count := len(self.scene.status["batteries"])):
            self.scene.battery = (self.scene.battery + 1) % count
            self._redraw()

    def action_solar(self, most: bool) -> None:
        """All of the sun, or none."""
        self._order(lambda status: self._source.set_solar(math.inf if most else 0.0))

    def action_solar_by(self, steps: int) -> None:
        """More or less sun."""
        self._order(lambda status: self._source.set_solar(status["solar"]["current"] + steps * POWER_STEP_W))

    def action_soc(self, soc: float) -> None:
        """State of charge of the chosen battery."""
        self._battery_order(lambda battery: self._source.set_soc(battery["mac"], soc))

    def action_soc_by(self, steps: int) -> None:
        """More or less in the chosen battery."""

        async def change(battery: Status) -> Status:
            soc = max(0.0, min(1.0, round(battery["soc"] + steps * SOC_STEP, 4)))
            return await self._source.set_soc(battery["mac"], soc)

        self._battery_order(change)

    def action_limits_by(self, steps: int) -> None:
        """Both power limits of the chosen battery."""

        async def change(battery: Status) -> Status:
            limits_w = [max(0.0, battery[key] + steps * POWER_STEP_W) for key in ("max_charge", "max_discharge")]
            return await self._source.set_limits(battery["mac"], *limits_w)

        self._battery_order(change)

    def action_auto(self) -> None:
        """Automatic mode on or off."""
        self._order(lambda status: self._source.set_auto(not status["auto_mode"]))

    def action_pause(self) -> None:
        """Let simulated time stand or go on."""

        async def pause(status: Status) -> Status:
            return await self._source.set_paused(not self._time()["paused"])

        self._order(pause)

    def action_scale(self, steps: int) -> None:
        """Slower or faster."""

        async def change(status: Status) -> Status:
            now = self._time()["scale"]
            faster = [scale for scale in SCALES if scale > now]
            slower = [scale for scale in SCALES if scale < now]
            nearest = faster[:1] if steps > 0 else slower[-1:]
            return await self._source.set_scale(nearest[0] if nearest else now)

        self._order(change)

    def _time(self) -> Status:
        if self.scene.time is None:
            raise RefusedError("this simulation has no time to control")
        return self.scene.time


def attach(port: int) -> int:
    """Show the simulation on this port until the user leaves. Exit code."""
    return asyncio.run(_attach(SimView(RemoteSource(port), LastLine())))


async def _attach(view: SimView) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, view.exit)
    await view.run_async(mouse=False)
    return view.return_code or 0
