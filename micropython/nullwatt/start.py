"""From a configuration to a running application."""

import asyncio
import gc

import machine

from nullwatt import log
from nullwatt.app import App
from nullwatt.config import Settings, load
from nullwatt.guard import Guard, forgive
from nullwatt.keys import ConfigError, check
from nullwatt.meters import Meter, build
from nullwatt.option_rows import Rows
from nullwatt.server import Server
from nullwatt.setup import SetupMode, attach, is_wanted
from nullwatt.store import exists


def start(path, safe=""):
    """Serve until the board is reset. A configuration that cannot be used is one line on the REPL.

    safe: why only network, page and updates shall run; "" = everything.
    """
    while True:
        try:
            app = application_for(path, safe)
        except ConfigError as error:
            print(f"nullwatt: {error}")
            return
        guard = Guard(app)
        app.parts["guard"] = guard.run
        try:
            asyncio.run(app.run())  # ends when the page asks for a restart
        finally:
            guard.release()
        forgive()
        if hasattr(machine, "reset"):
            machine.reset()
        app = guard = None  # or there would have to be room for two
        safe = ""
        asyncio.new_event_loop()
        gc.collect()


def application_for(path, safe):
    """What is to run, with all its parts but the guard; ConfigError."""
    if safe:
        app = safe_application(path, safe)
    elif is_wanted(path):
        app = SetupMode(blank(path))
    else:
        app = application(path)
    try:
        attach(app, path)
    except ConfigError as error:
        if not safe:
            raise
        log.error("safe mode without a page: %s", error)
    if safe:
        app.parts.pop("mqtt", None)
    if app.settings.update["url"] and app.emulator is not None:
        from nullwatt.updates import Updates

        app.parts["update"] = Updates(app).run
    return app


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


def safe_application(path, why):
    """The application without meter and batteries; a configuration is taken as far as it can be used."""
    from nullwatt.guard import NoServer, sections

    settings = Settings(sections(path), Rows())
    log.set_level(settings.log["level"])
    return App(settings, Meter(check({}, Meter.keys, "meter")), NoServer, why)
