"""The application: everything that runs, each part on its own; one that fails is started again."""

import asyncio

from nullwatt import log
from nullwatt.core import Config, Emulator
from nullwatt.meters.meter import reason

TICK_MS = 1000
#: Pause before a part that failed is started again: doubles from the first to the second, ms.
_BACK_OFF_MS = (1000, 60000)


class App:
    """The emulator between a meter and the batteries.

    Attributes:
        settings: The checked configuration.
        emulator: The core.
        meter: Where readings come from.
        server: The UDP socket.
        parts: Further coroutine functions to run beside, by name; add before `run`.
        ticks: Counts up once a second for as long as the application lives.
        readings: Readings that the meter has given.
        down: Names of the parts that have failed and wait to be started again.
        safe: Why neither meter nor batteries are served (safe mode); "" = they are.
        ending: True ends `run`.
    """

    def __init__(self, settings, meter, server_of, safe=""):
        """server_of: makes the UDP socket of an emulator. ValueError, TypeError for options that cannot be used."""
        self.settings = settings
        self.emulator = Emulator(Config(**settings.ct002))
        self.meter = meter
        self.server = server_of(self.emulator)
        self.parts = {}
        self.ticks = 0
        self.readings = 0
        self.down = set()
        self.safe = safe
        self.ending = False

    async def run(self):
        """Until `ending`."""
        parts = {} if self.safe else {"udp": self.server.run, "meter": lambda: self.meter.run(self.take)}
        parts.update(self.parts)
        tasks = [asyncio.create_task(keep(name, part, self.down)) for name, part in parts.items()]
        try:
            while not self.ending:
                await asyncio.sleep_ms(TICK_MS)
                self.emulator.tick()
                self.ticks += 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.sleep_ms(100)  # let them close what they hold
            self.server.close()

    def take(self, values):
        """A reading, W per phase, or None: the meter is unavailable."""
        if values is None:
            self.emulator.invalidate_grid()
        else:
            self.emulator.update_grid(values)
            self.readings += 1


async def keep(name, part, down):
    """Run a part for ever; when it ends or fails, say so and start it again after a pause. down: names that pause."""
    pause_ms, longest_ms = _BACK_OFF_MS
    while True:
        down.discard(name)
        try:
            await part()
            log.warning("%s: ended, starts again", name)
        except Exception as error:
            log.error("%s: %s, starts again in %d s", name, reason(error), pause_ms // 1000)
        down.add(name)
        await asyncio.sleep_ms(pause_ms)
        pause_ms = min(pause_ms * 2, longest_ms)
