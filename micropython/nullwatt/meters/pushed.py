"""A meter that sends by itself. What it said counts until it is too old."""

import asyncio
import time

from nullwatt import log
from nullwatt.keys import Key
from nullwatt.meters.meter import PATIENCE, Meter, reason

_LOOK_MS = 200
_AGAIN_MS = 5000


class Pushed(Meter):
    """`listen` for ever and hand what comes to `got` or `failed`; `age` watches over it."""

    keys = {"age": Key(float, 30.0, 1.0, 3600.0, help="s until a value no longer counts")}

    def __init__(self, options):
        super().__init__(options)
        self._latest = time.ticks_ms()
        self._lost = False

    async def listen(self, take):
        """Whatever brings values; started again if it ends or fails."""
        raise NotImplementedError

    def look(self, take):
        """Called a few times a second."""

    async def run(self, take):
        """See `Meter.run`."""
        task = asyncio.create_task(self._keep_listening(take))
        try:
            while True:
                await asyncio.sleep_ms(_LOOK_MS)
                self.look(take)
                age_ms = int(self.options["age"] * 1000)
                if not self._lost and time.ticks_diff(time.ticks_ms(), self._latest) > age_ms:
                    self._lost = True
                    self.error = f"no value for {self.options['age']:g} s" + (self.error and ", " + self.error)
                    if self.failures < PATIENCE:
                        self.failures = PATIENCE
                        log.warning("meter: unavailable, the batteries hold: %s", self.error)
                        take(None)
        finally:
            task.cancel()

    def got(self, take, values, since=None):
        """A reading has come, at the time `since` (ticks, ms) if not now; one that cannot be is a failure."""
        try:
            self.succeeded(take, values)
        except Exception as error:  # whatever a meter sends, listening goes on
            self.failed(take, error)
            return
        self._latest = time.ticks_ms() if since is None else since
        self._lost = False

    async def _keep_listening(self, take):
        while True:
            try:
                await self.listen(take)
            except Exception as error:  # the batteries are answered whatever becomes of the meter
                if self.error != reason(error):
                    log.warning("meter: %s", reason(error))
                self.error = reason(error)
            await asyncio.sleep_ms(_AGAIN_MS)
