"""Tells a broker the state of the emulator. What it tells is in payload.py."""

import asyncio
import json

from nullwatt import payload
from nullwatt.mqtt_client import MqttClient

_LOOK_MS = 200


class Publisher:
    """Publishes the state of an application: at once after connecting, then every `mqtt.interval` s."""

    def __init__(self, app):
        mqtt = app.settings.mqtt
        self._app = app
        self._topic = mqtt["topic"]
        self._interval_ms = int(mqtt["interval"] * 1000)
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
        task = asyncio.create_task(self.client.run())
        try:
            session = 0
            waited_ms = 0
            while True:
                if self.client.connected and (session != self.client.sessions or waited_ms >= self._interval_ms):
                    if session != self.client.sessions:
                        session = self.client.sessions
                        await self.client.publish(self._topic + "/status", "online", retain=True, qos=1)
                    waited_ms = 0
                    await self._tell()
                await asyncio.sleep_ms(_LOOK_MS)
                waited_ms += _LOOK_MS
        finally:
            task.cancel()

    async def _tell(self):
        await self.client.publish(self._topic + "/state", json.dumps(payload.state(self._app)))
        for battery in payload.batteries(self._app):
            topic = f"{self._topic}/battery/{payload.topic_of(battery['mac'])}"
            await self.client.publish(topic, json.dumps(battery))


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
