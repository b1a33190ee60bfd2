"""From a configuration to a running application."""

import asyncio
import gc

import machine

from nullwatt import log
from nullwatt.app import App
from nullwatt.config import Settings, load
from nullwatt.keys import ConfigError
from nullwatt.meters import build
from nullwatt.option_rows import Rows
from nullwatt.server import Server
from nullwatt.setup import SetupMode, attach, is_wanted
from nullwatt.store import exists


def start(path):
    """Serve until the board is reset. A configuration that cannot be used is one line on the REPL."""
    while True:
        try:
            app = SetupMode(blank(path)) if is_wanted(path) else application(path)
            attach(app, path)
        except ConfigError as error:
            print(f"nullwatt: {error}")
            return
        asyncio.run(app.run())  # ends when the page asks for a restart
        if hasattr(machine, "reset"):
            machine.reset()
        app = None  # or there would have to be room for two
        asyncio.new_event_loop()
        gc.collect()


def blank(path):
    """The settings of a board that has no meter yet; ConfigError."""
    settings = load(path, Rows()) if exists(path) else Settings({}, Rows())
    log.set_level(settings.log["level"])
    return settings


def application(path):
    """The application that a configuration describes, not yet running; ConfigError."""
    settings = load(path, Rows())
    log.set_level(settings.log["level"])
    meter = build(settings.meter)
    try:
        return App(settings, meter, lambda emulator: Server(emulator, int(settings.ct002.get("udp_port", 12345))))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: ct002: {error}") from None
    except OSError as error:
        port = settings.ct002.get("udp_port", 12345)
        raise ConfigError(f"udp port {port} cannot be had (error {error.errno})") from None
