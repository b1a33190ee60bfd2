"""MQTT insights: what is to be published when, and what messages ask for. The host has the connection.

Topics and Home Assistant's discovery are those of AstraMeter; docs/mqtt.md lists them.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nullwatt.core._core import ffi, lib
from nullwatt.core.emulator import Emulator, _ms

#: Longest base topic, device id and discovery prefix, bytes.
MAX_NAME = 63


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish.

    Attributes:
        topic: Where to.
        payload: UTF-8 text, JSON but for availabilities; empty = nothing to publish any more.
        retain: The broker is to keep it.
        qos: 0 or 1.
    """

    topic: str
    payload: bytes
    retain: bool
    qos: int


class Insights:
    """What one emulator tells a broker and takes from it. Belongs to the thread of its emulator."""

    def __init__(
        self,
        emulator: Emulator,
        *,
        base_topic: str = "astrameter",
        device_id: str = "device-1",
        discovery_prefix: str = "homeassistant",
        discovery: bool = True,
        hub: bool = False,
        state_interval_s: float = 0.0,
        version: str = "",
    ) -> None:
        """See docs/mqtt.md for what the topics carry.

        Args:
            emulator: Whose state it is, and whom commands change.
            base_topic: Root of all topics.
            device_id: Name of the emulator in topics and ids.
            discovery_prefix: Home Assistant's.
            discovery: Tell Home Assistant of the devices.
            hub: Tell it of the program itself, too.
            state_interval_s: At most one state per battery in this time, s; 0 = with every poll.
            version: Of the program, for people.

        Raises:
            ValueError: A name is no part of a topic, or too long.
        """
        names = {"base_topic": base_topic, "device_id": device_id, "discovery_prefix": discovery_prefix}
        for what, name in names.items():
            if "\0" in name or not lib.ct002_insights_is_topic(name.encode()):
                raise ValueError(
                    f"{what} {name!r}: must be 1 to {MAX_NAME} bytes without the wildcards + and # and without "
                    "control characters"
                )
        if not 0 <= state_interval_s <= 86400:
            raise ValueError(f"state_interval_s {state_interval_s:g}: must be within 0 and 86400 s")
        self._emulator = emulator
        config = ffi.new("ct002_insights_config *")
        # The core keeps pointers to these.
        self._texts = [ffi.new("char[]", text.encode()) for text in (*names.values(), version, "")]
        config.base_topic, config.device_id, config.discovery_prefix, config.version, config.node_topic = self._texts
        config.state_interval_ms = int(state_interval_s * 1000)
        config.discovery, config.hub, config.tells_retained = discovery, hub, True
        options = emulator.config
        switches = ("min_efficient_power", "min_efficient_charge", "min_efficient_discharge")
        config.rotation = any((getattr(options, key) or 0) > 0 for key in switches)
        self._memory = ffi.new("uint64_t[]", (lib.ct002_insights_size() + 7) // 8)
        self._insights = lib.ct002_insights_init(self._memory, ffi.sizeof(self._memory), config)
        self._message = ffi.new("ct002_insights_message *")
        self._reason = ffi.new("const char **")
        self._text = ffi.new("char[]", 16384)

    @property
    def status_topic(self) -> str:
        """Topic of the last will: payload "offline", retained, QoS 1."""
        return self._written(lib.ct002_insights_status_topic, self._insights).decode()

    @property
    def subscriptions(self) -> list[str]:
        """Topics to subscribe to, QoS 1."""
        found: list[str] = []
        while text := self._written(lib.ct002_insights_subscription, self._insights, len(found)):
            found.append(text.decode())
        return found

    def connected(self, at: float | None = None) -> None:
        """A connection is there; everything is told anew."""
        lib.ct002_insights_connected(self._insights, _ms(at))

    def disconnected(self) -> None:
        """The connection is lost."""
        lib.ct002_insights_disconnected(self._insights)

    def due(self, at: float | None = None) -> Iterator[Message]:
        """What is to be published now, one by one: asking for the next one says that this one was published."""
        message = self._message
        while lib.ct002_insights_next(self._insights, self._emulator._core, _ms(at), message):
            topic = self._written(lib.ct002_insights_topic, self._insights, message).decode()
            emulator = self._emulator._core
            unix_s = int(time.time())
            payload = self._written(lib.ct002_insights_payload, self._insights, emulator, message, unix_s)
            taken = ffi.new("ct002_insights_message *", message[0])
            yield Message(topic, payload, bool(message.retain), message.qos)
            lib.ct002_insights_sent(self._insights, _ms(at), taken)

    def received(self, topic: str, payload: bytes, retained: bool = False, at: float | None = None) -> str | None:
        """Carry out what a message asks for. Returns why it is refused, None if it is not."""
        name = topic.encode(errors="replace")
        insights, emulator = self._insights, self._emulator._core
        result = lib.ct002_insights_received(
            insights, emulator, name, len(name), payload, len(payload), retained, _ms(at), self._reason
        )
        reason = ffi.string(self._reason[0]).decode()
        return reason if result == lib.CT002_REFUSED or reason else None

    def _written(self, write: Any, *arguments: Any) -> bytes:
        """A text of the core, however long it is."""
        size = write(*arguments, self._text, len(self._text))
        if size > len(self._text):
            self._text = ffi.new("char[]", size)
            size = write(*arguments, self._text, size)
        return bytes(ffi.buffer(self._text, size))
