"""From a configuration to a running application."""

import asyncio

from nullwatt import log
from nullwatt.app import App
from nullwatt.config import Settings, load
from nullwatt.core import options
from nullwatt.guard import Guard
from nullwatt.keys import ConfigError, check
from nullwatt.meters import Meter, build
from nullwatt.server import Server


def start(path, safe=""):
    """Serve until the board is reset. A configuration that cannot be used is one line on the REPL.

    safe: why only network, page and updates shall run; "" = everything.
    """
    try:
        app = safe_application(path, safe) if safe else application(path)
    except ConfigError as error:
        print(f"nullwatt: {error}")
        return
    guard = Guard(app)
    app.parts["guard"] = guard.run
    if app.settings.update["url"]:
        from nullwatt.updates import Updates

        app.parts["update"] = Updates(app).run
    try:
        asyncio.run(app.run())
    finally:
        guard.release()


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


def safe_application(path, why):
    """The application without meter and batteries; a configuration is taken as far as it can be used."""
    from nullwatt.guard import NoServer, sections

    settings = Settings(sections(path), options())
    log.set_level(settings.log["level"])
    return App(settings, Meter(check({}, Meter.keys, "meter")), NoServer, why)
