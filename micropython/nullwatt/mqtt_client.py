"""A small MQTT 3.1.1 client: connects, keeps alive, connects again; packets of a broker are bounded."""

import asyncio
import errno
import socket
import time

from nullwatt import log

#: A longer message is skipped; one longer than _SKIPPED ends the connection.
LONGEST = 4096
_SKIPPED = 262144
_APART = 512
#: s for a connection, and for the rest of a packet that has begun.
_TIMEOUT = 10
_BACK_OFF_MS = (1000, 60000)
#: A connection that lasted this long starts the back-off anew.
_STABLE_MS = 20000
_REFUSALS = (
    "",
    "the protocol version",
    "the client id",
    "because it is not ready",
    "the user or password",
    "the user or password",
)


class MqttError(Exception):
    """What a broker sent is no MQTT, or a refusal."""


class MqttClient:
    """One connection to a broker.

    Attributes:
        connected: The broker has accepted us.
        sessions: Counts connections.
        error: Why there is none; empty while there is one.
        retained: Whether the broker had kept the message that on_message is called with.
    """

    def __init__(self, host, port=1883, user="", password="", client_id="", keepalive=30, will=None):
        """will: (topic, payload, retain) that the broker publishes when we are gone, or None."""
        self.connected = False
        self.sessions = 0
        self.error = ""
        self.retained = False
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._client_id = client_id
        self._keepalive = keepalive
        self._will = will
        self._wanted = {}  # topic filter -> on_message
        self._stream = None
        self._lock = asyncio.Lock()
        self._broken = None  # what ended the connection while somebody sent
        self._sent_ms = 0
        self._told_drop = False
        self._id = 0
        self._acked = None  # id of the latest acknowledgement
        self._ack = asyncio.Event()
        self._publishing = asyncio.Lock()

    # -- what a program uses

    async def run(self):
        """Stay connected, for ever."""
        pause_ms, longest_ms = _BACK_OFF_MS
        said = None
        while True:
            began = time.ticks_ms()
            try:
                await self._session()
            except (OSError, EOFError, MqttError, asyncio.TimeoutError) as error:
                self.error = self._reason(error)
            finally:
                had = self.connected
                self._close()
            if self.error != said or had:
                said = self.error
                log.warning("mqtt: %s:%d: %s", self._host, self._port, self.error)
            if had and time.ticks_diff(time.ticks_ms(), began) >= _STABLE_MS:
                pause_ms = _BACK_OFF_MS[0]
            await asyncio.sleep_ms(pause_ms)
            pause_ms = min(pause_ms * 2, longest_ms)

    async def publish(self, topic, payload, retain=False, qos=0):
        """True once it is sent (QoS 1: once the broker has it); False if it is lost, which nobody makes up for."""
        if not self.connected:
            if not self._told_drop:
                self._told_drop = True
                log.warning("mqtt: not connected, what is published until then is dropped")
            return False
        topic = topic.encode() if isinstance(topic, str) else topic
        payload = payload.encode() if isinstance(payload, str) else payload
        head = len(topic).to_bytes(2, "big") + topic
        kind = 0x30 | (1 if retain else 0)
        if not qos:
            return await self._send(kind, head, payload)
        async with self._publishing:  # one at a time: there is one acknowledgement to wait for
            number = self._next_id()
            self._ack.clear()
            if not await self._send(kind | 2, head + number.to_bytes(2, "big"), payload):
                return False
            end = time.ticks_add(time.ticks_ms(), _TIMEOUT * 1000)
            while self._acked != number:
                left = time.ticks_diff(end, time.ticks_ms())
                if left <= 0 or not self.connected:
                    return False
                try:
                    await asyncio.wait_for_ms(self._ack.wait(), min(left, 1000))
                    self._ack.clear()
                except asyncio.TimeoutError:
                    pass
            return True

    async def subscribe(self, topic, on_message):
        """Have on_message(topic: str, payload: bytes) called for every message, over all connections to come.

        topic: may hold + and #. What on_message raises is logged and goes no further.
        """
        self._wanted[topic] = on_message
        if self.connected:
            await self._subscribe(topic)

    # -- one connection

    async def _session(self):
        self._broken = None
        self._stream = await connect(self._host, self._port)
        await self._open()
        self.connected = True
        self.sessions += 1
        self.error = ""
        self._told_drop = False
        log.info("mqtt: connected to %s:%d", self._host, self._port)
        for topic in list(self._wanted):
            await self._subscribe(topic)
        heard_ms, pinged_ms = time.ticks_ms(), None
        while True:
            try:
                first = await asyncio.wait_for(self._stream.read(1), 1)
            except asyncio.TimeoutError:
                first = None
            if self._broken is not None:
                raise self._broken
            if first is not None:
                if not first:
                    raise EOFError
                await asyncio.wait_for(self._packet(first[0]), _TIMEOUT)
                heard_ms = time.ticks_ms()
                pinged_ms = None
            now, half_ms = time.ticks_ms(), self._keepalive * 500
            if pinged_ms is not None:
                if time.ticks_diff(now, pinged_ms) >= half_ms:
                    raise MqttError("does not answer")
            elif time.ticks_diff(now, self._sent_ms) >= half_ms or time.ticks_diff(now, heard_ms) >= half_ms:
                pinged_ms = now
                await self._send(0xC0)

    async def _open(self):
        flags = 2  # a clean session
        parts = [_text(self._client_id)]
        if self._will:
            topic, payload, retain = self._will
            flags |= 4 | (0x20 if retain else 0)
            parts += [_text(topic), _text(payload)]
        if self._user:
            flags |= 0x80
            parts.append(_text(self._user))
            if self._password:
                flags |= 0x40
                parts.append(_text(self._password))
        head = b"\x00\x04MQTT\x04" + bytes((flags,)) + self._keepalive.to_bytes(2, "big")
        if not await self._send(0x10, head, b"".join(parts)):
            raise self._broken
        answer = await asyncio.wait_for(self._stream.readexactly(4), _TIMEOUT)
        if answer[:2] != b"\x20\x02":
            raise MqttError("is no MQTT broker")
        if answer[3]:
            raise MqttError(f"refuses {_REFUSALS[answer[3]] if answer[3] < len(_REFUSALS) else answer[3]}")

    async def _packet(self, kind):
        size = await self._length()
        kind_of = kind >> 4
        if kind_of == 3:
            await self._message(kind, size)
            return
        if size > LONGEST:
            raise MqttError("sends a control packet of %d bytes" % size)
        body = await self._stream.readexactly(size)
        if kind_of == 4 and size == 2:
            self._acked = int.from_bytes(body, "big")
            self._ack.set()
        elif kind_of == 9 and size > 2:
            if body[2] == 0x80:
                log.warning("mqtt: the broker refuses a subscription")
        elif kind_of != 13:
            raise MqttError("sends a packet of the unexpected kind %d" % kind_of)

    async def _message(self, kind, size):
        if size > LONGEST:
            if size > _SKIPPED:
                raise MqttError("sends a message of %d bytes" % size)
            log.warning("mqtt: a message of %d bytes is skipped, at most %d are read", size, LONGEST)
            while size:
                size -= len(await self._stream.readexactly(min(size, 512)))
            return
        body = await self._stream.readexactly(size)
        if size < 2:
            raise MqttError("sends a message without a topic")
        start = 2 + int.from_bytes(body[:2], "big")
        qos = kind >> 1 & 3
        number = body[start : start + 2]
        if qos:
            if qos == 3 or len(number) < 2:
                raise MqttError("sends a malformed message")
            start += 2
        if start > size:
            raise MqttError("sends a malformed message")
        try:
            topic = str(body[2 : start - (2 if qos else 0)], "utf-8")
        except UnicodeError:
            raise MqttError("sends a topic that is no text") from None
        if qos:
            await self._send(0x40, number)
        self.retained = kind & 1 == 1
        for wanted, on_message in list(self._wanted.items()):
            if matches(wanted, topic):
                try:
                    on_message(topic, body[start:])
                except Exception as error:
                    log.warning("mqtt: %s: %s: %s", topic, type(error).__name__, error)

    async def _length(self):
        size = 0
        for shift in (0, 7, 14, 21):
            byte = (await self._stream.readexactly(1))[0]
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                return size
        raise MqttError("sends a length that is none")

    async def _subscribe(self, topic):
        await self._send(0x82, self._next_id().to_bytes(2, "big"), _text(topic) + b"\x00")

    def _next_id(self):
        self._id = self._id % 65535 + 1
        return self._id

    async def _send(self, kind, head=b"", body=b""):
        """False if the connection is lost; whoever reads finds it in _broken."""
        size = len(head) + len(body)
        packet = bytearray((kind,))
        while True:
            packet.append(size & 0x7F | (0x80 if size > 0x7F else 0))
            size >>= 7
            if not size:
                break
        packet.extend(head)
        # A long body is not copied: a board may not have the memory twice.
        apart = len(body) > _APART
        if not apart:
            packet.extend(body)
        async with self._lock:
            stream = self._stream
            if stream is None or self._broken is not None:
                return False
            try:
                stream.write(packet)
                if apart:
                    stream.write(body)
                await asyncio.wait_for(stream.drain(), _TIMEOUT)
            except (OSError, asyncio.TimeoutError) as error:
                self._broken = error
                return False
            self._sent_ms = time.ticks_ms()
            return True

    def _close(self):
        self.connected = False
        self._ack.set()
        if self._stream is not None:
            self._stream.s.close()
            self._stream = None

    def _reason(self, error):
        if isinstance(error, asyncio.TimeoutError):
            return "no answer in time"
        if isinstance(error, EOFError):
            return "the broker has closed the connection"
        if isinstance(error, OSError):
            if error.errno == errno.ECONNREFUSED:
                return "nothing listens there"
            return f"cannot be reached (error {error.errno})"
        return f"the broker {error}"


async def connect(host, port, timeout=_TIMEOUT):
    """A stream to a TCP port; OSError, asyncio.TimeoutError. The socket is closed if there is none."""
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    made = socket.socket(address[0], address[1], address[2])
    stream = asyncio.StreamWriter(made)
    try:
        made.setblocking(False)
        try:
            made.connect(address[-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        await asyncio.wait_for(_writable(made), timeout)
        made.write(b"")  # tells of a connection that was refused, where the port can
    except BaseException:
        made.close()
        raise
    return stream


async def _writable(made):
    yield asyncio.core._io_queue.queue_write(made)


def matches(wanted, topic):
    """Whether a topic falls under a topic filter."""
    asked, given = wanted.split("/"), topic.split("/")
    for index, level in enumerate(asked):
        if level == "#":
            return True
        if index >= len(given) or level not in ("+", given[index]):
            return False
    return len(asked) == len(given)


def _text(value):
    if isinstance(value, str):
        value = value.encode()
    return len(value).to_bytes(2, "big") + value
