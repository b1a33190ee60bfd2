"""While there is no meter to read: only what it takes to set one up."""

import asyncio
import gc

from nullwatt import log, store
from nullwatt.app import TICK_MS, keep
from nullwatt.keys import ConfigError

#: Where the page is when no port is set: on a computer the first belongs to the administrator.
PORTS = (80, 8080, 8081, 8082, 8083, 8084)


class SetupMode:
    """Stands in for the application: its page, its networks, nothing to steer."""

    def __init__(self, settings):
        self.settings = settings
        self.emulator = None
        self.meter = None
        self.server = None
        self.parts = {}
        self.ticks = 0
        self.readings = 0
        self.down = set()
        self.safe = ""
        self.ending = False

    async def run(self):
        """Until the page asks for a restart."""
        tasks = [asyncio.create_task(keep(name, part, self.down)) for name, part in self.parts.items()]
        try:
            while not self.ending:
                await asyncio.sleep_ms(TICK_MS)
                self.ticks += 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.sleep_ms(100)  # let them close what they hold


def is_wanted(path):
    """Whether nothing is set up: no file, or no meter in it."""
    try:
        return not store.exists(path) or store.read(path).get("meter") is None
    except ConfigError:
        return False  # there is something, and somebody should know what is wrong with it


def attach(app, path):
    """Add the parts that connect an application with its network and its people, as far as they are set."""
    settings = app.settings
    wifi = mqtt = None
    try:
        import network
    except ImportError:
        network = None  # a computer, which sees to its network itself
    if network is not None and hasattr(network, "WLAN"):
        from nullwatt.portal import Portal
        from nullwatt.wifi import Wifi

        wifi = Wifi(settings.wifi, network, protect=settings.web["password"])
        app.parts["wifi"] = wifi.run
        app.parts["portal"] = Portal(wifi).run
    if settings.mqtt["host"]:
        from nullwatt.publish import Publisher

        gc.collect()  # what importing left behind lies between what stays
        publisher = Publisher(app)
        mqtt = publisher.client
        app.parts["mqtt"] = publisher.run
    is_setup = app.emulator is None
    if settings.web["port"] or is_setup:
        from nullwatt.web import Web

        asks = "port" in store.read(path).get("web", {}) and settings.web["port"]
        app.parts["web"] = Web(app, path, wifi, mqtt, PORTS if is_setup and not asks else None).run
    if is_setup:
        log.info("setup: there is no meter yet, open the page to set one up")
