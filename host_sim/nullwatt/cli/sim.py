"""`nullwatt sim`: a simulated house with batteries that polls any CT002 emulator, and is watched and changed over HTTP.

Verbs, options, files and the HTTP interface are those of astra-sim; what is better here is in docs/simulator.md.
"""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from nullwatt.cli import sim_daemon
from nullwatt.cli.errors import fail
from nullwatt.cli.mqtt_options import BaseTopic, DeviceId, Told
from nullwatt.cli.sim_client import SimClient
from nullwatt.cli.sim_export import export, runs
from nullwatt.cli.sim_terminal import obstacle

HTTP_PORT = 8080
CT_PORT = 12345

sim = typer.Typer(no_args_is_help=False, help="A simulated house with batteries, for any CT002 emulator.")
load_verbs = typer.Typer(help="Switch loads.")
solar_verbs = typer.Typer(help="Set the solar power.")
sim.add_typer(load_verbs, name="load")
sim.add_typer(solar_verbs, name="solar")
sim.command()(export)
sim.command()(runs)

ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="House file, JSON or YAML.")]
HttpPort = Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port of the HTTP interface.")]
ClientPort = Annotated[int, typer.Option("--http-port", min=1, max=65535, help="TCP port of the running simulation.")]
CtPort = Annotated[int | None, typer.Option(min=1, max=65535, help="UDP port of the emulator.")]
CtHost = Annotated[str | None, typer.Option(help="Address of the emulator.")]
Delay = Annotated[
    int | None,
    typer.Option("--power-update-delay", min=0, help="Own polls until a battery follows a new target."),
]
HistoryFile = Annotated[Path | None, typer.Option(help="Add the history of this run to an SQLite file.")]


@sim.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Without a verb: `run` with its defaults."""
    if context.invoked_subcommand is None:
        run()


@sim.command()
def run(
    config: ConfigFile = None,
    batteries: Annotated[int | None, typer.Option(min=1, max=255, help="Without a file: how many. [1]")] = None,
    phases: Annotated[int | None, typer.Option(help="Without a file: 1 or 3. [1]")] = None,
    base_load: Annotated[str | None, typer.Option(help="Without a file: W per phase, such as 100,50,80.")] = None,
    soc: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Without a file: state of charge. [0.5]")] = None,
    ct_host: CtHost = None,
    ct_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="UDP port of the emulator; with --emulator 0 = a free one.")
    ] = None,
    http_port: HttpPort = None,
    emulator: Annotated[
        bool, typer.Option("--emulator", help="Run the emulator in here as well, on --ct-host and --ct-port.")
    ] = False,
    mqtt: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="With --emulator: tell an MQTT broker (mqtt://user:password@host:port) of the batteries.",
        ),
    ] = None,
    mqtt_base_topic: BaseTopic = None,
    mqtt_device_id: DeviceId = None,
    no_tui: Annotated[bool, typer.Option("--no-tui", help="Print lines instead of a live view.")] = False,
    web: Annotated[
        bool | None, typer.Option("--web/--no-web", help="Serve the web page. Default: where NiceGUI is installed.")
    ] = None,
    time_scale: Annotated[float | None, typer.Option(help="Simulated seconds per second. [1]")] = None,
    power_update_delay: Delay = None,
    history: HistoryFile = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log everything.")] = False,
) -> None:
    """Run a house in the foreground until Ctrl-C."""
    if phases not in (None, 1, 3):
        fail(f"--phases {phases}: must be 1 or 3")
    if time_scale is not None and not 0 < time_scale < 1e6:
        fail(f"--time-scale {time_scale:g}: must be a number above 0")
    if ct_port == 0 and not emulator:
        fail("--ct-port 0: a free port is only for an emulator in here (--emulator); otherwise 1 to 65535")
    # Only here: the other verbs need nothing of the simulation.
    from nullwatt.cli import sim_run

    quick = sim_run.Quick(batteries, phases, base_load, soc)
    changes = sim_run.Changes(ct_host, ct_port, http_port, time_scale, power_update_delay)
    how = sim_run.How(emulator, no_tui, web, verbose, history, Told(mqtt, mqtt_base_topic, mqtt_device_id))
    raise typer.Exit(sim_run.run(config, quick, changes, how))


@sim.command()
def start(
    config: ConfigFile = None,
    http_port: HttpPort = None,
    ct_port: CtPort = None,
    power_update_delay: Delay = None,
    history: HistoryFile = None,
) -> None:
    """Run a house in the background."""
    options = {"--config": config, "--http-port": http_port, "--ct-port": ct_port}
    options |= {"--power-update-delay": power_update_delay, "--history": history}
    arguments = [f"{option}={value}" for option, value in options.items() if value is not None]
    raise typer.Exit(sim_daemon.start(arguments, HTTP_PORT if http_port is None else http_port))


@sim.command()
def stop(http_port: ClientPort = HTTP_PORT) -> None:
    """End the house in the background."""
    raise typer.Exit(sim_daemon.stop(SimClient(http_port)))


@sim.command()
def attach(http_port: ClientPort = HTTP_PORT) -> None:
    """Watch a running house in the terminal."""
    SimClient(http_port).status()  # a clear line if there is nothing to watch
    if hindrance := obstacle():
        fail(hindrance, 1)
    from nullwatt.cli import sim_view  # only here: textual may be missing

    raise typer.Exit(sim_view.attach(http_port))


@sim.command()
def status(http_port: ClientPort = HTTP_PORT) -> None:
    """Print what a running house is doing, as JSON."""
    show(SimClient(http_port).status())


@load_verbs.command("toggle")
def load_toggle(
    n: Annotated[int, typer.Argument(min=1, help="Number of the load, from 1.")], http_port: ClientPort = HTTP_PORT
) -> None:
    """Switch a load over."""
    show(SimClient(http_port).post(f"/loads/{n}/toggle"))


@solar_verbs.command("set")
def solar_set(
    value: Annotated[str, typer.Argument(help="Watts, off or max.")], http_port: ClientPort = HTTP_PORT
) -> None:
    """Fix the solar power."""
    watts: float | str = value
    if value not in ("off", "max"):
        try:
            watts = float(value)
        except ValueError:
            fail(f"solar set {value}: must be a number of watts, off or max")
    show(SimClient(http_port).post("/solar", {"watts": watts}))


@sim.command()
def battery(
    mac: Annotated[str, typer.Argument(help="MAC of the battery.")],
    what: Annotated[str, typer.Argument(help="soc or max-power.")],
    values: Annotated[list[float], typer.Argument(help="soc: 0..1. max-power: charge and discharge, W.")],
    http_port: ClientPort = HTTP_PORT,
) -> None:
    """Set a battery's state of charge or power limits."""
    wanted = {"soc": 1, "max-power": 2}
    if what not in wanted or len(values) != wanted[what]:
        fail("usage: nullwatt sim battery MAC soc X | battery MAC max-power CHARGE DISCHARGE", 1)
    client = SimClient(http_port)
    if what == "soc":
        show(client.post(f"/batteries/{quote(mac, safe='')}/soc", {"soc": values[0]}))
    else:
        show(client.post(f"/batteries/{quote(mac, safe='')}/max_power", {"charge": values[0], "discharge": values[1]}))


@sim.command()
def auto(state: Annotated[str, typer.Argument(help="on or off.")], http_port: ClientPort = HTTP_PORT) -> None:
    """Switch loads and sun at random, or stop doing so."""
    if state not in ("on", "off"):
        fail(f"auto {state}: must be on or off")
    show(SimClient(http_port).post("/auto", {"enabled": state == "on"}))


@sim.command("config")
def config_(
    http_port: ClientPort = HTTP_PORT,
    ct_port: Annotated[int, typer.Option(min=1, max=65535, help="UDP port of the emulator.")] = CT_PORT,
    phases: Annotated[int, typer.Option(help="1 or 3.")] = 3,
    for_: Annotated[
        str, typer.Option("--for", help="astrameter, esphome or nullwatt: whose configuration to print.")
    ] = "astrameter",
) -> None:
    """Print what an emulator needs to read this house's meter."""
    from nullwatt.cli.sim_snippets import SNIPPETS

    if phases not in (1, 3):
        fail(f"--phases {phases}: must be 1 or 3")
    if for_ not in SNIPPETS:
        fail(f"--for {for_}: must be one of {', '.join(SNIPPETS)}")
    print(SNIPPETS[for_](http_port, ct_port, phases), end="")


@sim.command()
def schema() -> None:
    """Print the JSON Schema of a house file, for editors."""
    from nullwatt.home import house_schema

    print(json.dumps(house_schema(), indent=2))


@sim.command()
def grafana() -> None:
    """Print a dashboard for Grafana that shows what /metrics tells Prometheus."""
    from nullwatt.serve import dashboard

    print(json.dumps(dashboard(), indent=2))


def show(status: dict[str, Any]) -> None:
    """Print a status object for people and pipes."""
    print(json.dumps(status, indent=2))
