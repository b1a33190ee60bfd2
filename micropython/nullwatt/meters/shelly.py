"""Shelly of every generation. Without `component` the device is asked what it is."""

from nullwatt.http import Client, HttpError
from nullwatt.keys import REQUIRED, ConfigError, Key
from nullwatt.meters.meter import Meter
from nullwatt.meters.values import NoValueError, find, watts

_GEN1 = ("emeter", "meter")
_GEN2 = ("EM", "EM1", "PM1", "Switch")
_PHASES = ("a_act_power", "b_act_power", "c_act_power")


class Shelly(Meter):
    keys = {
        "host": Key(str, REQUIRED, 1, help="address of the Shelly"),
        "component": Key(
            str,
            "",
            choices=("", "emeter", "meter", "EM", "EM1", "PM1", "Switch"),
            help="what measures: emeter, meter (Gen1), EM, EM1, PM1, Switch (Gen2 and newer); empty = asked for",
        ),
        "channels": Key(
            list, None, 1, 3, help="numbers, a phase each; left out = all of a three-phase meter, else [0]"
        ),
        "total": Key(bool, False, help="the sum instead of each phase"),
        "user": Key(str, "admin"),
        "password": Key(str, "", secret=True, help="of the Shelly, if it has one"),
    }

    def __init__(self, options):
        super().__init__(options)
        for channel in options["channels"] or ():
            if isinstance(channel, bool) or not isinstance(channel, int) or not 0 <= channel <= 255:
                raise ConfigError("meter.channels: must be whole numbers from 0, such as [0]")
        try:
            user = options["user"] if options["password"] else ""
            self._http = Client("http://" + options["host"], user, options["password"])
        except HttpError as error:
            raise ConfigError(f"meter.host: {error}") from None
        self._component = options["component"]
        self._to_try = ()  # components that it may have, while that is not known

    async def read(self):
        if not self._component:
            await self._ask()
        if self._component in _GEN1:
            values = await self._read_gen1()
        elif self._component == "EM":
            return await self._read_em()
        else:
            values = []
            for channel in self._channels([0]):
                values.append(await self._read_gen2(channel))
        return [sum(values)] if self.options["total"] else values

    def _channels(self, default):
        return self.options["channels"] or default

    async def _ask(self):
        """Which component it has. Goes on where it was when time ran out."""
        if not self._to_try:
            about = await self._http.get_json("/shelly", 4096)
            if not isinstance(about, dict):
                raise NoValueError("this is no Shelly")
            generation = about.get("gen", 1)
            if not isinstance(generation, int) or ("gen" not in about and "type" not in about):
                raise NoValueError("this is no Shelly")
            self._to_try = _GEN2 if generation >= 2 else _GEN1
        while self._to_try:
            name = self._to_try[0]
            first = self._channels([0])[0]
            path = f"/rpc/{name}.GetStatus?id={first}" if name in _GEN2 else f"/{name}/{first}"
            reply = await self._http.get(path, 4096)
            if reply.status == 200:
                self._component, self._to_try = name, ()
                return
            if reply.status == 401:
                given = self.options["password"]
                raise NoValueError("the password of the Shelly is wrong" if given else "the Shelly wants its password")
            self._to_try = self._to_try[1:]  # 404 or 500: it has none of these
        raise NoValueError(f"this Shelly has nothing that measures at channel {first}")

    async def _read_gen1(self):
        name = self._component
        channels = self.options["channels"]
        if channels and len(channels) == 1:
            return [_gen1(await self._http.get_json(f"/{name}/{channels[0]}", 4096))]
        found = find(await self._http.get_json("/status"), [name + "s"])
        if not isinstance(found, list):
            raise NoValueError(f"{name}s is not a list")
        if not channels:
            channels = [0, 1, 2] if len(found) == 3 and name == "emeter" else [0]
        return [_gen1(find(found, [str(channel)])) for channel in channels]

    async def _read_em(self):
        sums = [0.0, 0.0, 0.0]
        for channel in self._channels([0]):
            found = await self._http.get_json(f"/rpc/EM.GetStatus?id={channel}")
            if self.options["total"]:
                sums[0] += watts(find(found, ["total_act_power"]), "W", "total_act_power")
                continue
            for i, phase in enumerate(_PHASES):
                sums[i] += watts(find(found, [phase]), "W", phase)
        return sums[:1] if self.options["total"] else sums

    async def _read_gen2(self, channel):
        found = await self._http.get_json(f"/rpc/{self._component}.GetStatus?id={channel}", 4096)
        name = "act_power" if self._component == "EM1" else "apower"
        return watts(find(found, [name]), "W", name)


def _gen1(found):
    if isinstance(found, dict) and found.get("is_valid") is False:
        raise NoValueError("the Shelly calls its value not valid")
    return watts(find(found, ["power"]))
