"""MQTT insights over a connection: tells a broker of the emulator and hands its commands to it.

The core decides what is to be published when and what a message asks for (`nullwatt.core.Insights`). This is the
connection: it is lost and comes back, and neither batteries nor the event loop ever wait for it.
"""

import asyncio
import hashlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

import aiomqtt

from nullwatt.core import Emulator, Insights, Message
from nullwatt.emulator.mqtt_read import why
from nullwatt.home import BrokerAddress, MqttInsightsSection

_LOG = logging.getLogger("nullwatt.mqtt")
_KEEPALIVE_S = 60
#: How often it is looked what is due, real time.
_PERIOD_S = 0.1
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
#: Connections that are lost so soon, so many in a row: somebody else has the same client id, and each ends the other.
_QUICK_S = 10.0
_QUICK_LOSSES = 3
_LONGEST_FIGHT_WAIT_S = 120.0
#: A broker that does not take the farewell by then will send the last will instead.
_LEAVE_S = 1.0
_SHOWN = 80  # characters of a topic or a payload in the log


class Extension(Protocol):
    """Further topics on the same connection."""

    @property
    def subscriptions(self) -> Sequence[str]:
        """Topics to subscribe to after each connection, QoS 1."""

    def connected(self) -> None:
        """A connection is there; nothing was published on it yet."""

    def received(self, topic: str, payload: bytes) -> Iterable[Message]:
        """A message came in, maybe one for somebody else. What is to be published because of it."""

    def due(self) -> Iterable[Message]:
        """Called about ten times a second while connected. What is to be published now."""


class InsightsService:
    """One emulator and one broker.

    Attributes:
        extensions: Further topics; add them before `run`.
        connected: Whether the broker is there.
    """

    def __init__(
        self,
        emulator: Emulator,
        broker: BrokerAddress,
        now: Callable[[], float],
        settings: MqttInsightsSection | None = None,
        version: str = "",
    ) -> None:
        """now: the clock that drives the emulator, s. settings: topics; None = the usual ones.

        Raises:
            ValueError: A name is no part of a topic.
        """
        settings = settings or MqttInsightsSection()
        self.extensions: list[Extension] = []
        self.connected = False
        self._broker = broker
        self._now = now
        self._insights = Insights(
            emulator,
            base_topic=settings.base_topic,
            device_id=settings.device_id,
            discovery_prefix=settings.ha_discovery_prefix,
            discovery=settings.ha_discovery,
            hub=True,
            state_interval_s=settings.state_interval,
            version=version,
        )
        self._identifier = _client_id(settings.base_topic, settings.device_id)
        self._names = f"base_topic {printable(settings.base_topic)} and device_id {printable(settings.device_id)}"
        self._tls: ssl.SSLContext | None = None
        self._quick_losses = 0  # in a row
        self._told = ""  # the latest trouble that was logged
        self._failed: set[tuple[str, str]] = set()  # extensions, and with what

    async def run(self) -> None:
        """Stay connected until cancelled; then say goodbye."""
        wait_s = _FIRST_WAIT_S
        clock = asyncio.get_running_loop().time
        if self._broker.tls:
            # Reads hundreds of certificates.
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        while True:
            since_s: float | None = None
            fought = False
            try:
                async with self._client() as client:
                    since_s = clock()
                    await self._session(client)
            except aiomqtt.MqttError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():  # the farewell failed: the last will stands for it
                    raise asyncio.CancelledError from None
                held_s = None if since_s is None else clock() - since_s
                fought = self._fought(held_s)
                self._lost(error, fought)
                if held_s is not None and held_s > _LONGEST_WAIT_S and not fought:
                    wait_s = _FIRST_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_FIGHT_WAIT_S if fought else _LONGEST_WAIT_S)

    def _fought(self, held_s: float | None) -> bool:
        """Whether somebody else seems to end our connections. held_s: how long the last one was; None = there was none.

        Once it is so, it is until one lasts longer than the other would wait.
        """
        fought = self._quick_losses >= _QUICK_LOSSES
        if held_s is None or held_s > (2 * _LONGEST_FIGHT_WAIT_S if fought else _QUICK_S):
            self._quick_losses = 0
        else:
            self._quick_losses += 1
        return self._quick_losses >= _QUICK_LOSSES

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=self._identifier,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=_KEEPALIVE_S,
            will=aiomqtt.Will(self._insights.status_topic, b"offline", qos=1, retain=True),
            tls_context=self._tls,
        )

    async def _session(self, client: aiomqtt.Client) -> None:
        """All that happens on one connection."""
        self._insights.connected(at=self._now())
        for extension in self.extensions:
            with self._surviving(extension):
                extension.connected()
        self.connected = True
        if self._quick_losses < _QUICK_LOSSES:
            self._told = ""
        _LOG.info("connected to %s", self._broker)
        # What the broker remembers is read before anything is told.
        tasks = [asyncio.create_task(self._receive(client)), asyncio.create_task(self._tell(client))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            await _end(tasks)
            await self._leave(client)
            raise
        finally:
            self.connected = False
            self._insights.disconnected()
            await _end(tasks)

    async def _receive(self, client: aiomqtt.Client) -> None:
        await self._subscribe(client, self._insights.subscriptions)
        for extension in self.extensions:
            with self._surviving(extension):
                await self._subscribe(client, extension.subscriptions)
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            await self._take(client, message.topic.value, payload, message.retain)

    async def _subscribe(self, client: aiomqtt.Client, topics: Sequence[str]) -> None:
        if not topics:
            return
        granted = await client.subscribe([(topic, 1) for topic in topics])
        for topic, code in zip(topics, granted, strict=False):
            if getattr(code, "is_failure", False):
                _LOG.warning("%s does not let us read %s", self._broker, printable(topic))

    async def _take(self, client: aiomqtt.Client, topic: str, payload: bytes, retained: bool) -> None:
        reason = self._insights.received(topic, payload, retained, at=self._now())
        if reason is not None:
            _LOG.warning("%s = %s: %s", printable(topic), printable(payload), reason)
        for extension in self.extensions:
            with self._surviving(extension):
                for message in extension.received(topic, payload):
                    await _publish(client, message)

    async def _tell(self, client: aiomqtt.Client) -> None:
        while True:
            await asyncio.sleep(_PERIOD_S)
            # Asking for the next message says that this one was taken; one that was not is asked for again.
            for message in self._insights.due(at=self._now()):
                await _publish(client, message)
            for extension in self.extensions:
                with self._surviving(extension):
                    for message in extension.due():
                        await _publish(client, message)

    async def _leave(self, client: aiomqtt.Client) -> None:
        client.timeout = _LEAVE_S
        with suppress(aiomqtt.MqttError):
            await client.publish(self._insights.status_topic, b"offline", qos=1, retain=True)

    @contextmanager
    def _surviving(self, extension: Extension) -> Iterator[None]:
        """Log what goes wrong with an extension, once for each kind, and go on; a lost connection is not its fault."""
        try:
            yield
        except aiomqtt.MqttError:
            raise
        except Exception as error:
            name, kind = type(extension).__name__, type(error).__name__
            _LOG.debug("%s", name, exc_info=True)
            if (name, kind) not in self._failed:
                self._failed.add((name, kind))
                _LOG.error("%s: %s: %s; going on without what it had to say", name, kind, printable(str(error)))

    def _lost(self, error: aiomqtt.MqttError, fought: bool) -> None:
        """Log it, once for as long as it is the same."""
        reason = printable(why(error))
        if fought:
            reason = f"lost right after connecting, again and again: is another nullwatt connected with {self._names}?"
        if reason != self._told:
            _LOG.warning("%s: %s; trying again%s", self._broker, reason, " less and less often" if fought else "")
        self._told = reason


async def _publish(client: aiomqtt.Client, message: Message) -> None:
    await client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def printable(text: str | bytes) -> str:
    """The text, or what is readable of it, on one line and cut."""
    if isinstance(text, bytes):
        text = repr(text[: 4 * _SHOWN].decode(errors="backslashreplace"))
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _client_id(*names: str) -> str:
    """The same for the same emulator: a broker then ends what is left of a broken connection when the next comes.

    At most 23 letters and digits, which every broker takes; an empty one some refuse.
    """
    text = "\0".join((socket.gethostname(), *names))
    return "nullwatt" + hashlib.sha256(text.encode()).hexdigest()[:15]
