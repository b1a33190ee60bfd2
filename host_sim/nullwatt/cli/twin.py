"""`nullwatt twin`: a site of batteries, PV, CHP and meter behind Modbus, from a site file of dertwin's format."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nullwatt.cli.errors import fail
from nullwatt.cli.twin_bus import asyncapi, conduct, kubernetes

if TYPE_CHECKING:
    from nullwatt.home.der import SiteConfig

twin = typer.Typer(no_args_is_help=True, help="A site of DER devices behind Modbus, and a house spread over processes.")
for verb in (conduct, asyncapi, kubernetes):
    twin.command()(verb)

_SiteFile = Annotated[Path, typer.Option("--config", "-c", help="Site file, JSON or YAML.")]
_MODULES = {"pymodbus": "pymodbus", "serial": "pyserial"}


@twin.callback()
def _twin() -> None:
    """A site of DER devices behind Modbus, and a house spread over processes."""


@twin.command()
def serve(
    config: _SiteFile,
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
) -> None:
    """Run a site until Ctrl-C, in real time.

    A file with `real_time: false` runs as fast as it can with --duration, and otherwise step by step.
    """
    for option, value in (("--duration", duration), ("--speed", speed)):
        if value is not None and not 0 < value < 1e9:
            fail(f"{option} {value:g}: must be a number above 0")
    if step and (speed is not None or duration is not None):
        fail("--step: time stands, so there is no --speed and no --duration")
    for module, package in _MODULES.items():
        if find_spec(module) is None:
            fail(f"Modbus needs the package {package}; install nullwatt[modbus]")
    from nullwatt.cli import twin_run  # only here: the packages may be missing
    from nullwatt.cli.twin_compose import bridge_ports

    site = _load(config)
    bridges = {} if rtu_over_tcp is None else bridge_ports(site, rtu_over_tcp)
    where = twin_run.Where(keep_going, ip, bridges)
    raise typer.Exit(twin_run.run(site, twin_run.pace(site, duration, speed, step), where))


@twin.command()
def compose(
    config: _SiteFile,
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
