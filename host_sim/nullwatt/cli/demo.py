"""`nullwatt demo`: four simulated batteries hold a simulated three-phase house at zero, over real UDP."""

import math
from pathlib import Path
from typing import Annotated

import typer

from nullwatt.cli.errors import fail
from nullwatt.cli.mqtt_options import BaseTopic, DeviceId, Told, Uri

_LINES_S = 60.0


def demo(
    tui: Annotated[bool, typer.Option("--tui", help="A live view in the terminal instead of the web page.")] = False,
    headless: Annotated[
        bool, typer.Option("--headless", help="Lines instead of anything to look at; the emulator is a process apart.")
    ] = False,
    duration: Annotated[
        float | None,
        typer.Option(help="Simulated seconds, more than 20; 0 = until Ctrl-C. [0, with --headless 60 and never 0]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the noise. Default: the house file's, or 1.")] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Simulated seconds per second. Default: the house file's, or 1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="UDP port of the emulator, 0 = a free one. Default: the house file's, or 0.")
    ] = None,
    http_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="TCP port of the page, 0 = a free one. [8080, or a free one]"),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print where the page is.")] = False,
    mqtt: Uri = None,
    mqtt_base_topic: BaseTopic = None,
    mqtt_device_id: DeviceId = None,
    house: Annotated[Path | None, typer.Option(help="House file (JSON or YAML) instead of the built-in house.")] = None,
) -> None:
    """Watch simulated batteries hold a simulated house at zero, on a web page.

    With a duration, exit code 0: mean |grid total| of the last 20 s below 40 W. 1: not held, or the emulator
    ended. 2: bad input. 130: stopped before the end.
    """
    if duration is None:
        duration = _LINES_S if headless else 0.0
    if not (20 < duration < math.inf or (duration == 0 and not headless)):
        fail(f"--duration {duration:g}: must be a number above 20 (seconds)")
    if time_scale is not None and not 0 < time_scale < 1e6:
        fail(f"--time-scale {time_scale:g}: must be a number above 0")
    if port is not None and not 0 <= port <= 65535:
        fail(f"--port {port}: must be within 0 and 65535")
    if tui and headless:
        fail("--tui and --headless: choose one")
    # Only here: the other verbs need not wait for the simulation to load.
    from nullwatt.cli import demo_run

    told = Told(mqtt, mqtt_base_topic, mqtt_device_id)
    wanted = demo_run.Wanted(house, duration, seed, time_scale, port, told)
    if headless:
        raise typer.Exit(demo_run.print_lines(wanted))
    raise typer.Exit(demo_run.show(wanted, tui, http_port, not no_browser))
