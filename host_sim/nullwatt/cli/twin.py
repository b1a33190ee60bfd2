"""`nullwatt twin`: a site of batteries, PV, CHP and meter behind Modbus, from a site file of dertwin's format."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nullwatt.cli.errors import fail
from nullwatt.cli.twin_bus import asyncapi, conduct, kubernetes
from nullwatt.cli.twin_control import socket_of
from nullwatt.cli.twin_modbus import require_modbus
from nullwatt.cli.twin_scenario import changed, loaded, run
from nullwatt.cli.twin_tell import ControlSocket, SiteFile, add, reload, remove

if TYPE_CHECKING:
    from nullwatt.home.der import SiteConfig

twin = typer.Typer(no_args_is_help=True, help="A site of DER devices behind Modbus, and a house spread over processes.")
for verb in (run, add, remove, reload, conduct, asyncapi, kubernetes):
    twin.command()(verb)


@twin.callback()
def _twin() -> None:
    """A site of DER devices behind Modbus, and a house spread over processes."""


@twin.command()
def serve(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Site file, JSON or YAML; or that of the scenario.")
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="Play this scenario meanwhile, to its end, and judge it; see `twin run`.")
    ] = None,
    no_controller: Annotated[
        bool, typer.Option("--no-controller", help="Without the scenario's stand-in: yours is connected.")
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the site of the scenario: ASSET.KEY=VALUE (repeatable).")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="End after this many simulated seconds, with a summary.")
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Simulated seconds per second. [1]")] = None,
    step: Annotated[
        bool, typer.Option("--step", help="Time stands; a line n on standard input makes n steps, q ends.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Serve the rest where an address or a serial device is not to be had.")
    ] = False,
    ip: Annotated[str | None, typer.Option(help="Listen on this address instead of those in the file.")] = None,
    rtu_over_tcp: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="PORT",
            help="Serve each serial device as RTU over TCP instead, on ports from this one up.",
        ),
    ] = None,
    control: ControlSocket = None,
) -> None:
    """Run a site until Ctrl-C, in real time.

    A file with `real_time: false` runs as fast as it can with --duration, and otherwise step by step.
    """
    for option, value in (("--duration", duration), ("--speed", speed)):
        if value is not None and not 0 < value < 1e9:
            fail(f"{option} {value:g}: must be a number above 0")
    if step and (speed is not None or duration is not None):
        fail("--step: time stands, so there is no --speed and no --duration")
    if scenario is not None and (step or duration is not None):
        fail("--scenario: it says how long it takes, so there is no --duration and no --step")
    if scenario is not None and control is not None:
        fail("--control: while a scenario is played there are no orders")
    if scenario is None and (no_controller or settings):
        fail(f"{'--no-controller' if no_controller else '--set'}: only together with --scenario")
    if scenario is None and config is None:
        fail("--config: which site? give a site file, or a --scenario that has one")
    require_modbus()
    from nullwatt.cli import twin_run  # only here: the packages may be missing

    played = None if scenario is None else loaded(scenario, config, changed(settings))
    site = played.site if played is not None else _load(config or Path())
    if played is not None:
        duration = played.duration_s
    file = config or Path()
    # A scenario is about the assets it names: none of them goes meanwhile.
    orders = (control or socket_of(file)) if played is None else None
    where = twin_run.Where(keep_going, ip, rtu_over_tcp, file, orders)
    play = None if played is None else twin_run.Play(played, not no_controller)
    raise typer.Exit(twin_run.run(site, twin_run.pace(site, duration, speed, step), where, play))


@twin.command()
def schema() -> None:
    """Print the JSON Schema of a scenario file of a site, for editors."""
    require_modbus()
    from nullwatt.lab.twin import site_scenario_schema

    print(json.dumps(site_scenario_schema(), indent=2))


@twin.command()
def compose(
    config: SiteFile,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
) -> None:
    """Print a Docker Compose file that serves a site."""
    from nullwatt.cli.twin_compose import compose_file

    text = compose_file(_load(config), config)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text)
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror or error}")


def _load(path: Path) -> "SiteConfig":
    from nullwatt.home.der import SiteConfigError, load_site

    try:
        return load_site(path)
    except SiteConfigError as error:
        fail(str(error))
