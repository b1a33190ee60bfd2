"""`nullwatt node`: one device of a house in a process of its own, on the bus of that house."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from nullwatt.cli.bus_options import BASE_TOPIC, BaseTopic, BusUri, House, MetricsPort, bus_of, house_of, serve_metrics
from nullwatt.cli.errors import fail


def node(
    device: Annotated[str, typer.Option(help="Its name in the house file: a MAC, the name of a load, or sun.")],
    bus: BusUri = None,
    config: House = Path("home.yaml"),
    topic: BaseTopic = BASE_TOPIC,
    metrics_port: MetricsPort = None,
) -> None:
    """Run one device of a house file on the bus until Ctrl-C; `nullwatt twin conduct` runs the house."""
    broker, topics = bus_of(bus, topic)
    from prometheus_client import CollectorRegistry, Counter, Gauge

    from nullwatt.home import ConfigError
    from nullwatt.lab.bus_mqtt import run_node  # only here: aiomqtt may be missing
    from nullwatt.lab.node import Node
    from nullwatt.lab.solo import find_solo, solos

    try:
        known = solos(house_of(config), str(config))
        name = find_solo(known, device)
    except (ConfigError, LookupError) as error:
        fail(f"--device {device}: {error.args[0]}" if isinstance(error, LookupError) else str(error))
    registry = CollectorRegistry()
    ticks = Counter("nullwatt_node_ticks", "Ticks this node took part in", registry=registry)
    connected = Gauge("nullwatt_node_connected", "1 while the bus is there", registry=registry)

    def say(text: str) -> None:
        print(f"nullwatt node {name}: {text}", file=sys.stderr, flush=True)

    def happened(event: str, text: str) -> None:
        if event == "tick":
            ticks.inc()
            return
        connected.set(event == "connected")
        say(f"on {text}" if event == "connected" else f"{broker}: {text}; trying again")

    async def live() -> None:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await run_node(lambda: Node(known[name]), broker, topics, happened)

    serve_metrics(metrics_port, registry, say)
    asyncio.run(live())
