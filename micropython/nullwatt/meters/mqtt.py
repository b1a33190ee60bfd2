"""MQTT: numbers or JSON in one to three topics."""

import time

from nullwatt import strict_json
from nullwatt.keys import REQUIRED, ConfigError, Key
from nullwatt.meters.pushed import Pushed
from nullwatt.meters.values import UNITS, NoValueError, find, place, texts, watts


class Mqtt(Pushed):
    keys = {
        "host": Key(str, REQUIRED, 1, help="address of the broker"),
        "port": Key(int, 1883, 1, 65535),
        "user": Key(str, ""),
        "password": Key(str, "", secret=True),
        "topics": Key(list, REQUIRED, 1, 3, help="of the power, a phase each; or one for all of `paths`"),
        "paths": Key(
            list, [], 0, 3, help='places in JSON, a phase each or one for all topics; [] = a plain "123" or "0.4 kW"'
        ),
        "unit": Key(str, "W", choices=tuple(UNITS)),
    }
    keys.update(Pushed.keys)

    def __init__(self, options):
        super().__init__(options)
        topics = texts(options, "topics")
        places = [place(path) for path in texts(options, "paths", 0)] or [[]]
        count = max(len(topics), len(places))
        if len(topics) not in (1, count) or len(places) not in (1, count):
            raise ConfigError(
                f"meter.topics has {len(topics)} entries, meter.paths {len(places)}: must be as many, or one of either"
            )
        for topic in topics:
            if "#" in topic or "+" in topic:
                raise ConfigError(f"meter.topics: {topic[:40]} must not hold + or #")
        if len(dict.fromkeys(topics)) < len(topics):
            raise ConfigError("meter.topics: the same topic twice")
        self._topics = topics
        #: per phase: its topic, its place
        self._phases = [(topics[i % len(topics)], places[i % len(places)]) for i in range(count)]
        self._values = [None] * count
        self._times = [0] * count
        self._new = 0  # a bit for each phase that has come since the latest reading
        self._take = None

    async def listen(self, take):
        from nullwatt.mqtt_client import MqttClient

        self._take = take
        options = self.options
        client = MqttClient(options["host"], options["port"], options["user"], options["password"], _own_id())
        for topic in self._topics:
            await client.subscribe(topic, self.message)
        await client.run()

    def message(self, topic, payload):
        """What the broker sends."""
        document = None
        for i, (of_topic, steps) in enumerate(self._phases):
            if of_topic != topic:
                continue
            try:
                if document is None:
                    document = _content(payload, steps)
                self._values[i] = watts(find(document, steps), self.options["unit"], topic)
            except Exception as error:  # whatever is sent, the next message is listened to
                self.failed(self._take, error)
                return
            self._times[i] = time.ticks_ms()
            self._new |= 1 << i
        if self._new == (1 << len(self._phases)) - 1:
            self.look(self._take)

    def look(self, take):
        """Hand over what is new, once every phase is there and none is too old."""
        if not self._new or None in self._values:
            return
        now = time.ticks_ms()
        oldest = max([time.ticks_diff(now, since) for since in self._times])
        if oldest > self.options["age"] * 1000:
            return
        self._new = 0
        self.got(take, self._values, time.ticks_add(now, -oldest))


def _content(payload, steps):
    try:
        return strict_json.loads(payload) if steps else str(payload, "utf-8")
    except (ValueError, RuntimeError):  # UnicodeError is a ValueError
        raise NoValueError("the message is no text" if not steps else "the message is not JSON") from None


def _own_id():
    """A name that no other client of the broker has."""
    import binascii
    import os

    try:
        from machine import unique_id

        own = unique_id()
    except ImportError:
        own = os.urandom(6)
    return "nullwatt-meter-" + binascii.hexlify(own).decode()
