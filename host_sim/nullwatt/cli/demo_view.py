"""The demo on screen: a line of text now and then, or a live table, and the verdict.

Signs: battery + = discharge, grid + = import.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nullwatt.battery import Battery
from nullwatt.cli.errors import fail
from nullwatt.home import PHASES, ConfigError, House, HouseFile, load_house_file
from nullwatt.lab import EmulatorProcess, LiveError, LiveRun, demo_house, specs_of

HELD_LIMIT_W = 40.0
HELD_WINDOW_S = 20
INTERRUPTED = 130  # what a shell reports after Ctrl-C

_REDRAW_S = 0.2  # real time, the least between two drawings
_BARS = "▁▂▃▄▅▆▇█"
_FULL_BAR_W = 200.0  # a quiet grid stays low instead of being blown up to full height
_HISTORY_S = 60


@dataclass
class DemoState:
    """Everything on show. totals_w: true grid total, one entry per simulated second, the newest last.

    duration_s: 0 = until stopped.
    """

    house: House
    batteries: Sequence[Battery]
    endpoint: str
    duration_s: float
    totals_w: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY_S))

    def record(self) -> None:
        """Append the grid of this second."""
        self.totals_w.append(sum(self.house.grid_w()))

    def mean_abs_w(self, seconds: int) -> float:
        """Mean |grid total| over the last so many seconds (at most 60); NaN before the first."""
        recent = list(self.totals_w)[-seconds:]
        return sum(map(abs, recent)) / len(recent) if recent else math.nan


def show(
    path: Path | None,
    headless: bool,
    duration_s: float,
    seed: int | None,
    time_scale: float | None,
    port: int | None,
) -> int:
    """Run the demo and return its exit code; None takes the house file's value. Bad input ends the program."""
    try:
        file = demo_house(duration_s) if path is None else load_house_file(path)
        if port is None:
            port = file.ct.port if "port" in file.ct.model_fields_set else 0
        screen = _Screen(file, str(path), headless, duration_s, seed, time_scale or file.time_scale)
        finished = screen.play(port)
    except ConfigError as error:
        fail(str(error))
    except LiveError as error:
        fail(str(error), error.code)
    if not finished:
        print("stopped", flush=True)
        # Without a terminal view to leave, being stopped means that nothing was proven.
        return INTERRUPTED if headless else 0
    return _judge(screen.state)


class _Screen:
    """A live run and what is drawn of it."""

    def __init__(
        self, file: HouseFile, name: str, headless: bool, duration_s: float, seed: int | None, time_scale: float
    ) -> None:
        self._run = LiveRun(file.house_config(seed), specs_of(file, name), time_scale, self._on_ready, self._on_second)
        self.state = DemoState(self._run.house, self._run.batteries, "", duration_s)
        # No refresh thread: it would read the state while it changes.
        self._live = None if headless else Live(get_renderable=lambda: live_table(self.state), auto_refresh=False)
        self._drawn_s = 0.0
        self._log_interval_s = self._next_log_s = file.log_interval

    def play(self, port: int) -> bool:
        """Run to the end; False if stopped from outside."""
        try:
            return asyncio.run(self._run.run(self.state.duration_s, port))
        finally:
            if self._live is not None:
                self._live.stop()

    def _on_ready(self, emulator: EmulatorProcess) -> None:
        self.state.endpoint = emulator.endpoint
        if self._live is None:
            print(f"emulator pid {emulator.pid}, {emulator.endpoint}", flush=True)
        else:
            self._live.start()

    def _on_second(self) -> None:
        self.state.record()
        if self._live is not None:
            if time.monotonic() - self._drawn_s >= _REDRAW_S:
                self._drawn_s = time.monotonic()
                self._live.refresh()
        elif self.state.house.now_s >= self._next_log_s:
            self._next_log_s += self._log_interval_s
            print(status_line(self.state), flush=True)


def _judge(state: DemoState) -> int:
    mean_w = state.mean_abs_w(HELD_WINDOW_S)
    held = mean_w < HELD_LIMIT_W
    print(
        f"result: mean |grid total| over the last {HELD_WINDOW_S} s: {mean_w:.1f} W, "
        f"{'held' if held else 'NOT held'} (limit {HELD_LIMIT_W:g} W)",
        flush=True,
    )
    return 0 if held else 1


def status_line(state: DemoState) -> str:
    """One line: time, grid per phase and total, then per battery its last four MAC digits, phase, W and SoC."""
    grid_w = state.house.grid_w()
    phases = "  ".join(f"{name} {watts:+7.1f}" for name, watts in zip(PHASES, grid_w, strict=False))
    batteries = "  ".join(f"{b.mac[-4:]} {b.phase} {b.power_w:+5.0f} W {b.soc:4.0%}" for b in state.batteries)
    return f"{state.house.now_s:4.0f} s  grid W  {phases}  total {sum(grid_w):+7.1f} | {batteries}"


def live_table(state: DemoState) -> RenderableType:
    """The whole screen: grid, batteries, running loads, and the last minute as a sparkline."""
    length = f" of {state.duration_s:.0f} s" if state.duration_s else " s, Ctrl-C stops"
    head = Text.assemble(("nullwatt", "bold"), f"  {state.house.now_s:.0f}{length}  real UDP polls to {state.endpoint}")
    running = ", ".join(f"{load.name} ({load.config.phase})" for load in state.house.loads if load.running)
    loads = Text(f"running: {running or 'nothing'}", style="dim")
    return Group(head, _grid_table(state), _battery_table(state), sparkline(state.totals_w), loads)


def _grid_table(state: DemoState) -> Table:
    grid_w = state.house.grid_w()
    table = Table(title="grid, W (+ import, - export)", title_justify="left")
    for name in (*PHASES[: len(grid_w)], "total", "mean |total| 20 s"):
        table.add_column(name, justify="right", min_width=9)
    cells = [_watts(value) for value in (*grid_w, sum(grid_w))]
    table.add_row(*cells, Text(f"{state.mean_abs_w(20):.1f}", style="bold"))
    return table


def _battery_table(state: DemoState) -> Table:
    table = Table(title="batteries, W (+ discharge, - charge)", title_justify="left")
    table.add_column("type")
    table.add_column("law")
    table.add_column("phase")
    for name in ("power", "target", "SoC"):
        table.add_column(name, justify="right", min_width=7)
    for battery in state.batteries:
        table.add_row(
            battery.config.device_type,
            battery.law_name,
            battery.phase,
            f"{battery.power_w:+.0f}",
            f"{battery.target_w:+.0f}",
            f"{battery.soc:.1%}",
        )
    return table


def sparkline(totals_w: Sequence[float]) -> Text:
    """|Grid total| per second as bars, import red, export cyan; the tallest is at least 200 W."""
    top_w = max(_FULL_BAR_W, *map(abs, totals_w)) if totals_w else _FULL_BAR_W
    line = Text("total  ")
    for watts in totals_w:
        bar = _BARS[min(len(_BARS) - 1, int(abs(watts) / top_w * len(_BARS)))]
        line.append(bar, style="red" if watts > 0 else "cyan")
    return line.append(f"  (full bar {top_w:.0f} W)", style="dim")


def _watts(value: float) -> Text:
    return Text(f"{value:+.1f}", style="red" if value > 0 else "cyan")
