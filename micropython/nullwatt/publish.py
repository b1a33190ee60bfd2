"""Tells a broker the state of the board, and Home Assistant what there is; carries out its orders.

What is told of the meter and the batteries, and when, is the core's to decide. A firmware that has the core inside can
do this; `_ct002.mpy` only if it was built with INSIGHTS=1. Without, batteries are told as payload.py has it.
"""

import asyncio
import json
import time

import _ct002

from nullwatt import __version__, log, payload
from nullwatt.keys import ConfigError, show
from nullwatt.mqtt_client import MqttClient

_LOOK_MS = 200
#: s from 1970 to where a port begins to count.
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0


class Publisher:
    """Publishes the state of an application: at once after connecting, then every `mqtt.interval` s."""

    def __init__(self, app):
        """ConfigError for names that are no part of a topic."""
        mqtt = app.settings.mqtt
        self._app = app
        self._topic = mqtt["topic"]
        self._interval_ms = int(mqtt["interval"] * 1000)
        self._insights = None
        if app.emulator is not None and hasattr(_ct002, "insights"):
            self._insights = self._session(mqtt)
        elif mqtt["discovery"]:
            log.info("mqtt: this _ct002 was built without insights: Home Assistant finds no devices")
        self.client = MqttClient(
            mqtt["host"],
            mqtt["port"],
            mqtt["user"],
            mqtt["password"],
            client_id=_client_id(),
            will=(self._topic + "/status", "offline", True),
        )

    async def run(self):
        """For ever."""
        if self._insights is not None:
            for topic in _ct002.insights_topics(self._insights)[1:]:
                await self.client.subscribe(topic, self._received)
        task = asyncio.create_task(self.client.run())
        try:
            session = 0
            waited_ms = 0
            while True:
                if self.client.connected:
                    if session != self.client.sessions:
                        session = self.client.sessions
                        waited_ms = self._interval_ms
                        await self._greet()
                    if self._insights is not None:
                        await self._tell_insights()
                    if waited_ms >= self._interval_ms:
                        waited_ms = 0
                        await self._tell()
                await asyncio.sleep_ms(_LOOK_MS)
                waited_ms += _LOOK_MS
        finally:
            task.cancel()

    async def _greet(self):
        if self._insights is not None:
            _ct002.insights_connected(self._insights, True, time.ticks_ms())
        else:
            await self.client.publish(self._topic + "/status", "online", retain=True, qos=1)

    async def _tell(self):
        await self.client.publish(self._topic + "/state", json.dumps(payload.state(self._app)))
        if self._insights is None:
            for battery in payload.batteries(self._app):
                topic = f"{self._topic}/battery/{payload.topic_of(battery['mac'])}"
                await self.client.publish(topic, json.dumps(battery))

    # -- insights: ticks of a port wrap earlier than the core expects, which at worst says something once more

    def _session(self, mqtt):
        given = self._app.settings.ct002
        rotates = any((given.get("min_efficient_" + of) or 0) > 0 for of in ("power", "charge", "discharge"))
        names = self._topic, mqtt["device_id"], mqtt["discovery_prefix"]
        session = _ct002.insights(*names, __version__, mqtt["discovery"], rotates, self._interval_ms)
        if session is None:
            raise ConfigError(
                "mqtt: topic, device_id, discovery_prefix = %s: each must be 1 to 63 bytes without + # and control "
                "characters" % ", ".join(map(show, names))
            )
        return session

    async def _tell_insights(self):
        emulator = self._app.emulator
        while True:
            unix_s = int(time.time()) + _EPOCH
            due = emulator.insights_next(self._insights, time.ticks_ms(), unix_s)
            if due is None or (due[1] and not await self.client.publish(*due[:4])):
                return  # what the client did not take is due again
            emulator.insights_sent(self._insights, time.ticks_ms(), due[4], due[5])

    def _received(self, topic, text):
        reason = self._app.emulator.insights_received(
            self._insights, topic, text, self.client.retained, time.ticks_ms()
        )
        if reason is not None:
            log.warning("mqtt: %s: %s: %s", topic, show(str(text)[:60]), reason)


def _client_id():
    """Differs between boards and stays the same on one, where it can be had."""
    import binascii
    import os

    try:
        from machine import unique_id

        own = unique_id()[-4:]
    except ImportError:
        own = os.urandom(4)
    return "nullwatt-" + binascii.hexlify(own).decode()
