"""Home Assistant: the states of entities."""

from nullwatt.http import Client, HttpError, quote
from nullwatt.keys import REQUIRED, ConfigError, Key
from nullwatt.meters.meter import Meter
from nullwatt.meters.values import NoValueError, balance, find, pairs, watts


class HomeAssistant(Meter):
    keys = {
        "url": Key(str, REQUIRED, 1, help="such as http://192.168.1.20:8123"),
        "token": Key(str, REQUIRED, 1, secret=True, help="long-lived access token, from your profile"),
        "entities": Key(list, REQUIRED, 1, 3, help="of the power, a phase each"),
        "entities_out": Key(list, [], 0, 3, help="of what is fed in, taken off"),
    }

    def __init__(self, options):
        super().__init__(options)
        self._in, self._out = pairs(options, "entities", "entities_out")
        try:
            self._http = Client(options["url"], headers={"Authorization": "Bearer " + options["token"]})
        except HttpError as error:
            raise ConfigError(f"meter.url, meter.token: {error}") from None
        self._base = self._http.path.rstrip("/") + "/api/states/"

    async def read(self):
        return balance(await self._powers(self._in), await self._powers(self._out))

    async def _powers(self, entities):
        found = []
        for entity in entities:
            found.append(await self._power(entity))
        return found

    async def _power(self, entity):
        found = await self._http.get_json(self._base + quote(entity))
        state = find(found, ["state"])
        if state in ("unavailable", "unknown"):
            raise NoValueError(f"{entity} is {state}")
        attributes = found.get("attributes")
        unit = attributes.get("unit_of_measurement") if isinstance(attributes, dict) else None
        return watts(state, unit if isinstance(unit, str) and unit else "W", entity)
