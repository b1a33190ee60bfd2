"""From a configuration to a running application."""

import asyncio

from nullwatt import log
from nullwatt.app import App
from nullwatt.config import load
from nullwatt.core import options
from nullwatt.keys import ConfigError
from nullwatt.meters import build
from nullwatt.server import Server


def start(path):
    """Serve until the board is reset. A configuration that cannot be used is one line on the REPL."""
    try:
        app = application(path)
    except ConfigError as error:
        print(f"nullwatt: {error}")
        return
    asyncio.run(app.run())


def application(path):
    """The application that a configuration describes, not yet running; ConfigError."""
    settings = load(path, options())
    log.set_level(settings.log["level"])
    meter = build(settings.meter)
    try:
        return App(settings, meter, lambda emulator: Server(emulator, int(settings.ct002.get("udp_port", 12345))))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: ct002: {error}") from None
    except OSError as error:
        port = settings.ct002.get("udp_port", 12345)
        raise ConfigError(f"udp port {port} cannot be had (error {error.errno})") from None
