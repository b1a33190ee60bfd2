"""The demo: on the page or in the terminal with the emulator inside, or as lines with the emulator a process apart.

Signs: battery + = discharge, grid + = import.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nullwatt.battery import Battery
from nullwatt.cli.errors import fail
from nullwatt.cli.house_server import STOPPED, Show, log_to, serve
from nullwatt.cli.mqtt import with_broker
from nullwatt.cli.mqtt_options import Told
from nullwatt.cli.sim_terminal import LastLine, obstacle, page_obstacle
from nullwatt.core import Emulator
from nullwatt.home import PHASES, ConfigError, House, HouseFile, load_house_file
from nullwatt.lab import BatterySpec, EmulatorProcess, LiveError, LiveRun, demo_house, specs_of

HELD_LIMIT_W = 40.0
HELD_WINDOW_S = 20
_ROUND_S = 60.0


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for. None = as the house file says. duration_s: 0 = until stopped."""

    path: Path | None
    duration_s: float
    seed: int | None
    time_scale: float | None
    port: int | None
    mqtt: Told = field(default_factory=Told)

    def read(self) -> HouseFile:
        """The house file as it is written. Raises ConfigError."""
        return demo_house(self.duration_s) if self.path is None else load_house_file(self.path)

    def load(self, emulator_here: bool) -> tuple[HouseFile, tuple[BatterySpec, ...]]:
        """The house and its batteries; bad input ends the program. emulator_here: in this process."""
        try:
            file = self.read()
            specs = specs_of(file, str(self.path))
        except ConfigError as error:
            fail(str(error))
        port = self.port
        if port is None:
            port = file.ct.port if "port" in file.ct.model_fields_set else 0
        changed: dict[str, object] = {"ct": file.ct.model_copy(update={"host": "127.0.0.1", "port": port})}
        if self.seed is not None:
            changed["seed"] = self.seed
        if self.time_scale is not None:
            changed["time_scale"] = self.time_scale
        cure = None if emulator_here else "leave out --headless"
        file = with_broker(file.model_copy(update=changed), str(self.path), self.mqtt, cure)
        return file, specs


class Held:
    """How well the grid was held: the true grid total of the latest seconds."""

    def __init__(self) -> None:
        self._totals_w: deque[float] = deque(maxlen=HELD_WINDOW_S)

    def record(self, house: House) -> None:
        """Add the grid of this second."""
        self._totals_w.append(sum(house.grid_w()))

    @property
    def mean_abs_w(self) -> float:
        """Mean |grid total|; NaN before the first second."""
        return sum(map(abs, self._totals_w)) / len(self._totals_w) if self._totals_w else math.nan

    def judge(self) -> int:
        """Print the verdict; exit code."""
        mean_w = self.mean_abs_w
        held = mean_w < HELD_LIMIT_W
        print(
            f"result: mean |grid total| over the last {HELD_WINDOW_S} s: {mean_w:.1f} W, "
            f"{'held' if held else 'NOT held'} (limit {HELD_LIMIT_W:g} W)",
            flush=True,
        )
        return 0 if held else 1


def show(wanted: Wanted, tui: bool, http_port: int | None, browser: bool) -> int:
    """The page, or the live view in the terminal. Exit code."""
    hindrance = obstacle() if tui else page_obstacle()
    if hindrance:
        fail(f"{hindrance} (or look at lines: --headless)", 1)
    file, specs = wanted.load(True)
    if http_port is not None:
        file = file.model_copy(update={"http": file.http.model_copy(update={"port": http_port})})
    last_line, held = LastLine() if tui else None, Held()
    log_to(last_line, logging.WARNING)
    # For the editor one round of an endless pattern is enough.
    own = demo_house(_ROUND_S) if wanted.path is None else wanted.read()
    folder = None if wanted.path is None else wanted.path.parent
    pictured = Show(
        last_line, not tui, browser=browser and not tui, other_port=http_port is None, own=own, folder=folder
    )

    def ready(url: str, where: str) -> None:
        if not tui:
            print(f"the house: {url}\nits emulator: {where}\nCtrl-C stops both", flush=True)

    end_s = wanted.duration_s or math.inf
    code = serve(file, specs, Emulator(), pictured, "nullwatt demo", end_s, lambda site: held.record(site.house), ready)
    if code != STOPPED and wanted.duration_s:
        return held.judge()
    print("stopped", flush=True)
    return code  # with a duration nothing was proven


def print_lines(wanted: Wanted) -> int:
    """A line now and then, and the verdict. Exit code."""
    file, specs = wanted.load(False)
    held, next_s = Held(), file.log_interval

    def ready(emulator: EmulatorProcess) -> None:
        print(f"emulator pid {emulator.pid}, {emulator.endpoint}", flush=True)

    def second() -> None:
        nonlocal next_s
        held.record(run.house)
        if run.house.now_s >= next_s:
            next_s += file.log_interval
            print(status_line(run.house, run.batteries), flush=True)

    run = LiveRun(file.house_config(), specs, file.time_scale, ready, second)
    try:
        finished = asyncio.run(run.run(wanted.duration_s, file.ct.port))
    except LiveError as error:
        fail(str(error), error.code)
    if finished:
        return held.judge()
    print("stopped", flush=True)
    return STOPPED  # nothing was proven


def status_line(house: House, batteries: Sequence[Battery]) -> str:
    """One line: time, grid per phase and total, then per battery its last four MAC digits, phase, W and SoC."""
    grid_w = house.grid_w()
    phases = "  ".join(f"{name} {watts:+7.1f}" for name, watts in zip(PHASES, grid_w, strict=False))
    each = "  ".join(f"{b.mac[-4:]} {b.phase} {b.power_w:+5.0f} W {b.soc:4.0%}" for b in batteries)
    return f"{house.now_s:4.0f} s  grid W  {phases}  total {sum(grid_w):+7.1f} | {each}"
