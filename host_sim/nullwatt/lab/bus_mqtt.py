"""The bus over MQTT: the conductor's exchange, and the life of a node. Needs aiomqtt.

The house is not asynchronous, so the exchange keeps its connection in a thread of its own. Whatever is lost, is lost
for a moment: both sides connect again, a tick is sent again to who did not answer it, and a node answers a repeated
tick without moving again.
"""

import asyncio
import concurrent.futures
import hashlib
import logging
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

import aiomqtt
from pydantic import TypeAdapter, ValidationError

from nullwatt.home import BrokerAddress
from nullwatt.home.bus_messages import Books, BusMessage, Command, Hello, Joules, Presence, Setting, Tick, Topics

from .bus import News
from .node import Node

_LOG = logging.getLogger("nullwatt.bus")
_PRESENCE: TypeAdapter[Presence] = TypeAdapter(Presence)
_KEEPALIVE_S = 10
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5.0
#: A tick is sent again after so much of the patience.
_AGAIN = 0.4
#: Ticks are small and somebody waits for each.
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


def _client(broker: BrokerAddress, name: str, will: aiomqtt.Will | None = None) -> aiomqtt.Client:
    """name: a second connection of that name ends the first, and lets its last will come before the second's hello."""
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier="nullwatt" + hashlib.sha256(name.encode()).hexdigest()[:15],
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        keepalive=_KEEPALIVE_S,
        will=will,
        socket_options=_NO_DELAY,
        tls_context=ssl.create_default_context() if broker.tls else None,
    )


def _bytes(message: aiomqtt.Message) -> bytes:
    return message.payload if isinstance(message.payload, bytes) else b""


class MqttExchange:
    """The conductor's way to its nodes.

    Attributes:
        round_trips: Ticks that were answered by everybody.
    """

    def __init__(self, broker: BrokerAddress, topics: Topics, patience_s: float = 1.0) -> None:
        """patience_s: real time that is waited for the answers to a tick, s."""
        self.round_trips = 0
        self._broker = broker
        self._topics = topics
        self._patience_s = patience_s
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._connected = threading.Event()
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._client: aiomqtt.Client | None = None
        self._main: asyncio.Task[None] | None = None
        self._telling: set[concurrent.futures.Future[None]] = set()
        self._waiting: set[str] = set()
        self._run = ""
        self._latest: dict[str, int] = {}  # tick of the latest answer, by device
        self._told: set[str] = set()  # devices that are here: their joules are our own
        self._answers: dict[str, Joules] = {}
        self._tick: Tick | None = None
        self._all = asyncio.Event()
        self._thread = threading.Thread(target=self._live, name="bus", daemon=True)

    # -- from the thread of the house

    def open(self, timeout_s: float = 3.0) -> None:
        """Connect; ConnectionError if there is no broker by then."""
        self._thread.start()
        if not self._connected.wait(timeout_s):
            self.close()
            raise ConnectionError(f"{self._broker}: cannot be reached")

    def close(self) -> None:
        """Disconnect, once everything is told."""
        concurrent.futures.wait(list(self._telling), 2.0)
        self._closing = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join(5.0)

    def gather(self, names: Sequence[str], timeout_s: float) -> list[str]:
        """Wait until all of these nodes are there, or so long; return who is missing."""
        missing, kept = list(names), []
        with suppress(queue.Empty):
            end_s = self._loop.time() + timeout_s
            while missing and (left_s := end_s - self._loop.time()) > 0:
                news = self._news.get(timeout=left_s)
                kept.append(news)
                if news.present and news.device in missing:
                    missing.remove(news.device)
                elif news.present is False and news.device in names and news.device not in missing:
                    missing.append(news.device)
        for news in kept:
            self._news.put(news)
        return missing

    def exchange(self, tick: Tick) -> dict[str, Joules]:
        """Send a tick and wait for the answers; stands still while there is no broker."""
        return asyncio.run_coroutine_threadsafe(self._exchange(tick), self._loop).result()

    def news(self) -> Sequence[News]:
        """What came in since the last call."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._news.get_nowait())
        return found

    def tell(self, message: Books | Joules) -> None:
        """Publish something of the conductor's own, if there is a broker."""
        if isinstance(message, Books):
            topic = self._topics.books
        else:
            topic = self._topics.of("joules", message.device)
            self._told.add(message.device)
        told = asyncio.run_coroutine_threadsafe(self._publish(topic, message), self._loop)
        self._telling.add(told)
        told.add_done_callback(self._telling.discard)

    # -- in the thread of the connection

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._stay())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    async def _stay(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._closing:
            try:
                async with _client(self._broker, self._topics.tick) as client:
                    filters = [self._topics.every(channel) for channel in ("joules", "presence", "command")]
                    await client.subscribe([(each, 1) for each in filters])
                    self._client, wait_s = client, _FIRST_WAIT_S
                    self._connected.set()
                    async for message in client.messages:
                        self._receive(message)
            except aiomqtt.MqttError as error:
                _LOG.warning("%s: %s; trying again", self._broker, error)
            finally:
                self._client = None
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _exchange(self, tick: Tick) -> dict[str, Joules]:
        self._tick, self._answers, self._waiting = tick, {}, set(tick.orders)
        self._run = tick.run  # one per exchange
        self._all.clear()
        clock = self._loop.time
        end_s = clock() + self._patience_s
        again_s = 0.0
        while self._waiting:
            if self._client is None:
                await asyncio.sleep(0.05)
                end_s = clock() + self._patience_s  # nodes are not to blame for the broker
                continue
            if (now_s := clock()) >= end_s:
                break
            if now_s >= again_s:
                rest = {name: order for name, order in tick.orders.items() if name in self._waiting}
                await self._publish(self._topics.tick, tick.model_copy(update={"orders": rest}))
                again_s = now_s + _AGAIN * self._patience_s
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all.wait(), max(0.001, min(end_s, again_s) - clock()))
        self._tick = None
        self.round_trips += not self._waiting
        return self._answers

    def _receive(self, message: aiomqtt.Message) -> None:
        channel, device = self._topics.split(message.topic.value)
        try:
            if channel == "joules":
                self._take(Joules.model_validate_json(_bytes(message)))
            elif channel == "presence" and message.payload:
                presence = _PRESENCE.validate_json(_bytes(message))
                there = isinstance(presence, Hello)
                self._news.put(News(presence.device, there))
                if not there:  # nobody waits for it any more
                    self._answered(presence.device)
            elif channel == "command" and not message.retain:
                command = Command.model_validate_json(_bytes(message))
                self._news.put(News(device, setting=Setting(name=command.name, value=command.value)))
        except ValidationError as error:
            first = error.errors()[0]
            _LOG.warning("%s: %s: %s", message.topic.value[:80], ".".join(map(str, first["loc"])), first["msg"])

    def _take(self, answer: Joules) -> None:
        if answer.run != self._run or answer.device in self._told:
            return
        if answer.tick <= self._latest.get(answer.device, 0):  # to a tick that was sent twice
            return
        self._latest[answer.device] = answer.tick
        if self._tick is not None and answer.tick == self._tick.number and answer.device in self._waiting:
            self._answers[answer.device] = answer
            self._answered(answer.device)
        else:
            self._news.put(News(answer.device, late=answer))

    def _answered(self, device: str) -> None:
        self._waiting.discard(device)
        if not self._waiting:
            self._all.set()

    async def _publish(self, topic: str, message: BusMessage) -> None:
        if self._client is not None:
            with suppress(aiomqtt.MqttError):
                await self._client.publish(topic, message.to_json())


async def run_node(
    build: Callable[[], Node],
    broker: BrokerAddress,
    topics: Topics,
    on_event: Callable[[Literal["connected", "lost", "tick"], str], None] = lambda event, text: None,
) -> None:
    """Be a node until cancelled; then say goodbye. on_event: what happens, and more about it."""
    node = build()
    presence = topics.of("presence", node.name)
    wait_s = _FIRST_WAIT_S
    while True:
        will = aiomqtt.Will(presence, node.bye().to_json(), qos=1, retain=True)
        try:
            async with _client(broker, presence, will) as client:
                await client.subscribe(topics.tick)
                await client.publish(presence, node.hello().to_json(), qos=1, retain=True)
                on_event("connected", str(broker))
                wait_s = _FIRST_WAIT_S
                try:
                    async for message in client.messages:
                        await _answer(node, client, topics, _bytes(message), on_event)
                except asyncio.CancelledError:
                    client.timeout = 1.0
                    await client.publish(presence, node.bye().to_json(), qos=1, retain=True)
                    raise
        except aiomqtt.MqttError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from None
            on_event("lost", str(error))
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


async def _answer(
    node: Node,
    client: aiomqtt.Client,
    topics: Topics,
    payload: bytes,
    on_event: Callable[[Literal["connected", "lost", "tick"], str], None],
) -> None:
    try:
        tick = Tick.model_validate_json(payload)
    except ValidationError as error:
        _LOG.warning("tick: %s", error.errors()[0]["msg"])
        return
    joules = node.handle(tick)
    if joules is None:
        return
    await client.publish(topics.of("joules", node.name), joules.to_json())
    on_event("tick", f"{tick.number} at {tick.time_s:g} s")
    shown = node.telemetry(tick)
    if shown is not None:
        await client.publish(topics.of("telemetry", node.name), shown.to_json(), retain=True)
