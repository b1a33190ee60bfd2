"""Options that the conductor and the nodes of a spread house share."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nullwatt.cli.errors import fail

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from nullwatt.home import BrokerAddress, HouseFile
    from nullwatt.home.bus_messages import Topics

BusUri = Annotated[
    str | None,
    typer.Option("--bus", metavar="URI", envvar="NULLWATT_BUS", help="MQTT broker, mqtt://user:password@host:port."),
]
BaseTopic = Annotated[str, typer.Option("--topic", help="Topic below which the house talks.")]
House = Annotated[Path, typer.Option("--config", "-c", help="House file, JSON or YAML.")]
MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="TCP port of Prometheus metrics, 0 = a free one. Default: none.")
]

BASE_TOPIC = "nullwatt/home"


def house_of(config: Path) -> "HouseFile":
    """The house file; what is none ends the program."""
    from nullwatt.home import ConfigError, load_house_file

    try:
        return load_house_file(config)
    except ConfigError as error:
        fail(str(error))


def bus_of(uri: str | None, topic: str) -> "tuple[BrokerAddress, Topics]":
    """Broker and topics of the command line; what cannot be ends the program."""
    from nullwatt.cli.mqtt import address_of
    from nullwatt.home.bus_messages import Topics

    if uri is None:
        fail("--bus is missing: the MQTT broker, mqtt://host:port")
    if find_spec("aiomqtt") is None:
        fail("the bus needs the package aiomqtt; install nullwatt[services]")
    try:
        return address_of("--bus", uri), Topics(topic)
    except ValueError as error:
        fail(f"--topic {topic}: {error}")


def serve_metrics(port: int | None, registry: "CollectorRegistry", say: Callable[[str], None]) -> None:
    """Serve metrics to Prometheus in a thread of its own, if a port is given; one that is taken ends the program."""
    if port is None:
        return
    from prometheus_client import start_http_server

    try:
        server, _ = start_http_server(port, registry=registry)
    except OSError as error:
        fail(f"--metrics-port {port}: {error.strerror or error}")
    say(f"metrics on port {server.server_port}")
