"""What every grid meter is, and all that one of yours has to be:

    from nullwatt.meters import Meter

    class MyMeter(Meter):
        async def read(self):
            return [await my_total_power()]     # W per phase, one to three values, + = import

and in config.json `"meter": {"type": "my_meter:MyMeter"}`.
"""

import asyncio

from nullwatt import log
from nullwatt.keys import Key
from nullwatt.meters.values import NoValueError, finite

#: So many failures on end make the meter unavailable; fewer are noise of the network.
PATIENCE = 3
#: No house has more; what says so is not the power, W.
_MOST_W = 1e6


class Meter:
    """Reads itself every `interval` s. Its `keys` are checked before it is made; `options` has their values.

    A meter that is pushed to (MQTT, a serial line) is a `nullwatt.meters.pushed.Pushed`.
    """

    keys = {
        "interval": Key(float, 1.0, 0.1, 60.0, help="s between two readings"),
        "timeout": Key(float, 3.0, 0.1, 60.0, help="s to wait for one"),
        "factor": Key(float, 1.0, help="to multiply readings by, such as -1 or 1000"),
    }

    def __init__(self, options):
        self.options = options
        self.failures = 0  # on end
        self.error = ""  # the latest

    async def read(self):
        """Power per phase, W, one to three values, + = import. Raise anything if there is none."""
        raise NotImplementedError

    async def run(self, take):
        """Call `take` with every reading, a list of W per phase, or None once it is unavailable; for ever."""
        interval_ms = int(self.options["interval"] * 1000)
        while True:
            try:
                values = await asyncio.wait_for(self.read(), self.options["timeout"])
                self.succeeded(take, values)
            except Exception as error:  # whatever a meter does, the batteries are answered
                self.failed(take, error)
            await asyncio.sleep_ms(interval_ms)

    def succeeded(self, take, values):
        """A reading has come. NoValueError for one that cannot be: then it has not, see `failed`."""
        take(checked(values, self.options["factor"]))
        if self.failures >= PATIENCE:
            log.info("meter: back")
        self.failures = 0
        self.error = ""

    def failed(self, take, error):
        """No reading has come, because of this."""
        self.failures += 1
        self.error = "no answer in time" if isinstance(error, asyncio.TimeoutError) else reason(error)
        if self.failures == PATIENCE:
            log.warning("meter: unavailable, the batteries hold: %s", self.error)
            take(None)
        elif self.failures < PATIENCE:
            log.debug("meter: %s", self.error)


def checked(values, factor):
    """W per phase times the factor; NoValueError unless they are one to three numbers that a house can have."""
    if not isinstance(values, (list, tuple)) or not 1 <= len(values) <= 3:
        raise NoValueError("a meter must return a list of one to three numbers, W")
    found = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise NoValueError(f"a meter must return numbers, not {type(value).__name__}")
        value = finite(value, "the power") * factor
        if not -_MOST_W <= value <= _MOST_W:
            raise NoValueError(f"the power is {value:g} W, more than any house has")
        found.append(value)
    return found


def reason(error):
    """An exception as a few words."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
