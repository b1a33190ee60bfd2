"""`nullwatt mqtt-check`: what Home Assistant would see on a broker."""

import asyncio
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nullwatt.cli.errors import fail

if TYPE_CHECKING:
    from nullwatt.emulator.discovered import Device, Discovered

_WIDTH = 200  # where there is no terminal
_LONGEST_S = 3600.0
_WORDS = {True: "online", False: "offline", None: "availability unknown"}


def mqtt_check(
    broker: Annotated[str, typer.Option(metavar="URI", envvar="NULLWATT_MQTT", help="mqtt://user:password@host:port")],
    prefix: Annotated[str, typer.Option(help="Home Assistant's discovery prefix.")] = "homeassistant",
    base_topic: Annotated[str, typer.Option(help="Root of the topics.")] = "astrameter",
    seconds: Annotated[float, typer.Option(help="How long to listen.")] = 3.0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what Home Assistant sees of nullwatt on a broker.

    Exit code 0: all is well. 1: there are problems. 2: bad input, or the broker cannot be reached.
    """
    if not 0 < seconds <= _LONGEST_S or math.isnan(seconds):
        fail(f"--seconds {seconds:g}: must be above 0 and at most {_LONGEST_S:g}")
    for option, topic in (("--prefix", prefix), ("--base-topic", base_topic)):
        if not topic or not topic.isprintable() or set(topic) & set("+#"):
            fail(f"{option} {topic!r}: must be a topic without the wildcards + and #")
    # Only here: the other verbs need neither.
    from nullwatt.cli.mqtt import address_of, need_library

    address = address_of("--broker", broker)
    need_library()
    from nullwatt.emulator.discovered import examine
    from nullwatt.emulator.mqtt_read import UnreachableError, read_retained

    topics = [f"{prefix}/device/#", f"{base_topic}/#"]
    try:
        found = examine(asyncio.run(read_retained(address, topics, seconds)), base_topic, prefix)
    except UnreachableError as error:
        fail(str(error))
    if json_:
        print(json.dumps({"broker": str(address), **asdict(found)}, indent=2))
    else:
        _show(found)
    raise typer.Exit(1 if found.problems else 0)


def _show(found: "Discovered") -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for device in found.devices:
        console.print(_table(device))
    for problem in found.problems:
        console.print(_plain(f"problem: {problem}"), soft_wrap=True)
    entities = sum(len(device.entities) for device in found.devices)
    console.print(f"{len(found.devices)} devices, {entities} entities, {len(found.problems)} problems")


def _table(device: "Device") -> Table:
    via = f", via {device.via_device}" if device.via_device else ""
    title = _plain(f"{device.name} ({device.node}): {_WORDS[device.available]}{via}")
    table = Table(
        "entity", "unique id", "class", "value", "command topic", title=title, title_justify="left", box=SIMPLE
    )
    for entity in device.entities:
        kind = f"{entity.platform} {entity.device_class or ''}".rstrip()
        value = "" if entity.value is None else f"{entity.value} {entity.unit or ''}".rstrip()
        value = "unknown" if entity.value == "unknown" else value
        if entity.available is False and entity.platform != "button":
            value = f"unavailable ({value})"
        cells = (entity.name or "(the device)", entity.unique_id, kind, value, entity.command_topic or "")
        table.add_row(*map(_plain, cells))
    return table


def _plain(text: str) -> Text:
    """Text from a broker: no markup, no control characters."""
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))
