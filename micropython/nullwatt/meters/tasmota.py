"""Tasmota: what `status 10` tells."""

from nullwatt.http import Client, HttpError, quote
from nullwatt.keys import REQUIRED, ConfigError, Key
from nullwatt.meters.meter import Meter
from nullwatt.meters.values import UNITS, NoValueError, balance, find, pairs, watts


class Tasmota(Meter):
    keys = {
        "host": Key(str, REQUIRED, 1, help="address of the device"),
        "prefix": Key(str, "ENERGY", 1, help="name of the meter, such as SML"),
        "labels": Key(list, ["Power"], 1, 3, help="names of the power there, a phase each"),
        "labels_out": Key(list, [], 0, 3, help="names of what is fed in, taken off"),
        "unit": Key(str, "W", choices=tuple(UNITS)),
        "user": Key(str, "admin"),
        "password": Key(str, "", secret=True, help="of its page, if it has one"),
    }

    def __init__(self, options):
        super().__init__(options)
        self._in, self._out = pairs(options, "labels", "labels_out")
        self._path = "/cm?cmnd=status%2010"
        if options["password"]:
            self._path += "&user={}&password={}".format(quote(options["user"]), quote(options["password"]))
        try:
            self._http = Client("http://" + options["host"])
        except HttpError as error:
            raise ConfigError(f"meter.host: {error}") from None

    async def read(self):
        found = await self._http.get_json(self._path)
        if isinstance(found, dict) and "WARNING" in found:
            raise NoValueError("the device wants user and password, or they are wrong")
        found = find(found, ["StatusSNS", self.options["prefix"]])
        unit = self.options["unit"]
        if self._in == ["Power"] and not self._out:
            several = find(found, self._in)  # a list on devices with channels
            if isinstance(several, list):
                return [watts(value, unit, "Power") for value in several]
        ins, outs = ([watts(find(found, [label]), unit, label) for label in labels] for labels in (self._in, self._out))
        return balance(ins, outs)
