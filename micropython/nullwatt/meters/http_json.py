"""Any device that answers a GET with JSON."""

from nullwatt.http import Client, HttpError
from nullwatt.keys import REQUIRED, ConfigError, Key
from nullwatt.meters.meter import Meter
from nullwatt.meters.values import UNITS, balance, find, pairs, place, watts


class HttpJson(Meter):
    keys = {
        "url": Key(str, REQUIRED, 1, help="such as http://192.168.1.50/power.json"),
        "paths": Key(list, REQUIRED, 1, 3, help='places of the power, a phase each: "data.0.power", "a.b[2]"'),
        "paths_out": Key(list, [], 0, 3, help="places of what is fed in, taken off"),
        "unit": Key(str, "W", choices=tuple(UNITS), help='of plain numbers; texts may have theirs: "0.4 kW"'),
        "user": Key(str, ""),
        "password": Key(str, "", secret=True, help="basic and digest log-in"),
        "headers": Key(dict, {}, secret=True, help='sent with the request: {"X-Key": "..."}'),
    }

    def __init__(self, options):
        super().__init__(options)
        ins, outs = pairs(options, "paths", "paths_out")
        self._in, self._out = [place(path) for path in ins], [place(path) for path in outs]
        try:
            self._http = Client(options["url"], options["user"], options["password"], options["headers"])
        except HttpError as error:
            raise ConfigError(f"meter.url, meter.headers: {error}") from None

    async def read(self):
        document = await self._http.get_json()
        return balance(self._values(document, self._in), self._values(document, self._out))

    def _values(self, document, places):
        return [watts(find(document, steps), self.options["unit"], ".".join(steps)) for steps in places]
