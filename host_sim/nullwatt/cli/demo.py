"""`nullwatt demo`: four simulated batteries hold a simulated three-phase house at zero, over real UDP."""

import math
from pathlib import Path
from typing import Annotated

import typer

from nullwatt.cli.errors import fail


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Print lines instead of a live table.")] = False,
    duration: Annotated[
        float, typer.Option(help="Simulated seconds, more than 20; 0 = until Ctrl-C (not with --headless).")
    ] = 60.0,
    seed: Annotated[int | None, typer.Option(help="Seed of the noise. Default: the house file's, or 1.")] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Simulated seconds per second. Default: the house file's, or 1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="UDP port of the emulator, 0 = a free one. Default: the house file's, or 0.")
    ] = None,
    house: Annotated[Path | None, typer.Option(help="House file (JSON or YAML) instead of the built-in house.")] = None,
) -> None:
    """Watch simulated batteries hold a simulated house at zero through the real emulator.

    Exit code 0: mean |grid total| of the last 20 s below 40 W. 1: not held, or the emulator
    ended. 2: bad input.
    """
    if not (20 < duration < math.inf or (duration == 0 and not headless)):
        fail(f"--duration {duration:g}: must be a number above 20 (seconds)")
    if time_scale is not None and not 0 < time_scale < math.inf:
        fail(f"--time-scale {time_scale:g}: must be a number above 0")
    if port is not None and not 0 <= port <= 65535:
        fail(f"--port {port}: must be within 0 and 65535")
    # Only here: the other verbs need not wait for the simulation to load.
    from nullwatt.cli.demo_view import show

    raise typer.Exit(show(house, headless, duration, seed, time_scale, port))
