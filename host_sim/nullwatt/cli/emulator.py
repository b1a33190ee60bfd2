"""`nullwatt emulator`: the smart meter as a service."""

import asyncio
import contextlib
import logging
import signal
import sys
import time
import warnings
from typing import TYPE_CHECKING, Annotated

import typer

import nullwatt
from nullwatt.cli.errors import fail
from nullwatt.cli.mqtt_options import BaseTopic, DeviceId, Told, Uri
from nullwatt.core import Config, Emulator, options
from nullwatt.emulator import EmulatorService, PortInUseError
from nullwatt.meters import LineMeter

if TYPE_CHECKING:
    from nullwatt.emulator.mqtt import InsightsService

_METERS = ("stdin",)
_MAX_PORT = 65535
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


def parse_setting(text: str) -> tuple[str, str | bool | int | float | None]:
    """Key and value of a `key=value` argument, the value in the kind its option has.

    Raises:
        ValueError: No `=`, or a value that is not of that kind.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise ValueError(f"--set {text!r} has no value; write it as key=value, for example --set wifi_rssi=-60")
    option = options().get(key)
    if option is None or option.kind == "text":
        return key, value
    if value.lower() in ("none", "") and option.default is None:
        return key, None
    if option.kind == "bool" and value.lower() in _TRUE | _FALSE:
        return key, value.lower() in _TRUE
    with contextlib.suppress(ValueError):
        return key, int(value) if option.kind == "int" else float(value)
    return key, value


def _config(settings: list[str]) -> Config:
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            config = Config(**dict(parse_setting(setting) for setting in settings))
    except (TypeError, ValueError) as error:
        fail(str(error))
    for warning in caught:
        logging.warning("%s", warning.message)
    return config


async def _serve(service: EmulatorService, host: str, insights: "InsightsService | None") -> None:
    task = asyncio.create_task(service.run())
    side = None if insights is None else asyncio.create_task(insights.run())
    if side is not None:
        side.add_done_callback(lambda done: task.cancel())  # it never ends by itself, but for a bug to see
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop, task.cancel)
    ready = asyncio.create_task(service.ready.wait())
    await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
    if service.ready.is_set():
        print(f"nullwatt emulator: listening on udp://{host}:{service.port}", flush=True)
    ready.cancel()
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        if side is not None:
            side.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await side


def _insights(wanted: Told, emulator: Emulator, service: EmulatorService) -> "InsightsService | None":
    if wanted.uri is None:
        wanted.need_broker()
        return None
    from nullwatt.cli.mqtt import address_of, need_library  # only here: the others need neither

    address = address_of("--mqtt", wanted.uri)
    need_library()
    from nullwatt.emulator.marstek_app import MarstekApp
    from nullwatt.emulator.mqtt import InsightsService
    from nullwatt.home import MqttInsightsSection

    section = MqttInsightsSection().model_copy(update=wanted.changes)
    insights = InsightsService(emulator, address, time.monotonic, section, nullwatt.__version__)
    if ct_mac := str(emulator.config.ct_mac):
        insights.extensions.append(MarstekApp(emulator, ct_mac, lambda: service.measured_w, time.monotonic))
    return insights


def emulator(
    host: Annotated[str, typer.Option(help="IPv4 address to listen on.")] = "0.0.0.0",
    port: Annotated[
        int | None, typer.Option(help="UDP port, 0..65535; 0 = any free one. Default: option udp_port.")
    ] = None,
    meter: Annotated[str, typer.Option(help="Where grid readings come from: stdin = JSON lines.")] = "stdin",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set an option; may be repeated.")
    ] = None,
    mqtt: Uri = None,
    mqtt_base_topic: BaseTopic = None,
    mqtt_device_id: DeviceId = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every dropped datagram.")] = False,
) -> None:
    """Serve batteries on UDP, steered by a grid meter.

    With --meter stdin each line of standard input is one sample: a JSON list of watts per
    phase (+ = import), a number, or null when the meter is unavailable.
    """
    if meter not in _METERS:
        fail(f"--meter {meter!r} is not known; allowed: {', '.join(_METERS)}")
    if port is not None and not 0 <= port <= _MAX_PORT:
        fail(f"--port {port} is out of range; allowed: 0 to {_MAX_PORT}, 0 = any free one")
    told = Told(mqtt, mqtt_base_topic, mqtt_device_id)
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    config = _config(set_ or [])
    core = Emulator(config)
    service = EmulatorService(
        core, LineMeter(sys.stdin), host, int(config.compiled("udp_port")) if port is None else port
    )
    insights = _insights(told, core, service)
    try:
        asyncio.run(_serve(service, host, insights))
    except PortInUseError as error:
        fail(str(error))
