"""The battery as a CT002 client: when it polls, over which link, and what gets lost on the way.

Time is in seconds of whatever clock the caller uses (virtual, real or scaled); datagrams are bytes. Same seed, same
calls: same bytes, for links that answer at once.

Late and repeated replies: the frame carries no request number, so a battery cannot tell which poll a reply belongs to.
Real units take every reply they hear and add its correction again (observed when a CT answered queued polls one by
one); only one that repeats the last index is dropped. So does this client: every valid reply steers, also a late one
after a newer request, until reply_timeout_s after the latest request; then the battery stops listening until it
polls again. Polling follows the battery's timer and never waits for a reply.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from .battery import Battery

MIN_POLL_S = 0.05


def _ignore(datagram: bytes) -> None:
    """Receiver of a link nobody listens to."""


class Link(Protocol):
    """A way to the CT. Replies arrive through `on_datagram`, which the client sets."""

    on_datagram: Callable[[bytes], None]

    def send(self, datagram: bytes) -> None:
        """Send one datagram; losing it is not an error."""

    def close(self) -> None:
        """Send nothing any more."""


class InProcessLink:
    """A CT in the same process: answers at once, deterministically."""

    def __init__(
        self, handler: Callable[[bytes, str, float], bytes | None], source: str, clock: Callable[[], float]
    ) -> None:
        """Connect.

        Args:
            handler: The CT: (datagram, source, seconds) -> reply or None.
            source: This battery's address as the CT sees it, "ip:port".
            clock: Present time in s.
        """
        self.on_datagram: Callable[[bytes], None] = _ignore
        self._handler = handler
        self._closed = False
        self._source = source
        self._clock = clock

    def send(self, datagram: bytes) -> None:
        """Hand the datagram to the CT and deliver its reply, if any, before returning."""
        reply = None if self._closed else self._handler(datagram, self._source, self._clock())
        if reply is not None:
            self.on_datagram(reply)

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True


class UdpLink(asyncio.DatagramProtocol):
    """A CT behind a UDP socket of its own, connected to one address: datagrams from others never arrive."""

    def __init__(self) -> None:
        """Nothing is sent before `connect`."""
        self.on_datagram: Callable[[bytes], None] = _ignore
        self.errors = 0  # refused or unreachable, counted only: a battery polls on
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = False

    @classmethod
    async def open(cls, host: str, port: int) -> "UdpLink":
        """Return a connected link; OSError if the host does not resolve."""
        link = cls()
        await link.connect(host, port)
        return link

    async def connect(self, host: str, port: int) -> None:
        """Open the socket; OSError if the host does not resolve."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=(host, port))

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Keep the transport (asyncio callback), unless nobody wants it any more."""
        self._transport = transport
        if self._closed:
            transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Pass a datagram on (asyncio callback)."""
        self.on_datagram(data)

    def error_received(self, exc: Exception) -> None:
        """Count a network error (asyncio callback)."""
        self.errors += 1

    def send(self, datagram: bytes) -> None:
        """Send one datagram; nothing happens on a closed link."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram)

    def close(self) -> None:
        """Close the socket."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """How a battery polls and how bad its network is.

    Attributes:
        poll_interval_s: Time between polls, at least 0.05; None takes the battery's.
        jitter_s: Each interval varies by up to this much, uniformly, both ways.
        request_loss: Probability that a request never reaches the CT, 0..1.
        reply_loss: Probability that a reply never reaches the battery, 0..1.
        duplicate: Probability that a request reaches the CT twice, 0..1.
        reply_timeout_s: How long after a request the battery listens, > 0.

    Raises:
        ValueError: A field is out of its range; one line.
    """

    poll_interval_s: float | None = None
    jitter_s: float = 0.0
    request_loss: float = 0.0
    reply_loss: float = 0.0
    duplicate: float = 0.0
    reply_timeout_s: float = 2.0

    def __post_init__(self) -> None:
        """Check every field."""
        if self.poll_interval_s is not None and not _number_from(self.poll_interval_s, MIN_POLL_S):
            raise ValueError(f"poll_interval_s: {self.poll_interval_s!r} is not a number of at least {MIN_POLL_S}")
        if not _number_from(self.jitter_s, 0.0):
            raise ValueError(f"jitter_s: {self.jitter_s!r} is not a number of at least 0")
        if not _number_from(self.reply_timeout_s, 0.0) or self.reply_timeout_s == 0:
            raise ValueError(f"reply_timeout_s: {self.reply_timeout_s!r} is not a number above 0")
        for name in ("request_loss", "reply_loss", "duplicate"):
            value = getattr(self, name)
            if not _number_from(value, 0.0) or value > 1:
                raise ValueError(f"{name}: {value!r} is not a number in 0..1")


def _number_from(value: object, low: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= low


class Ct002Client:
    """Drives one battery: its plant along the clock, its polls on their schedule.

    Attributes:
        battery: The battery.
        link: Its way to the CT.
        next_poll_s: When the next poll is due, in the clock's seconds.
        polls_sent: Requests the battery sent, lost ones included.
        replies: Datagrams that reached the listening battery.
        steered: Replies that made the steering law run.
        timeouts: Requests with no reply until the next request or the timeout, whichever came first.
        last_reply_s: Time of the last reply, None before the first.
    """

    def __init__(
        self, battery: Battery, link: Link, config: ClientConfig, rng: random.Random, first_poll_s: float
    ) -> None:
        """Join them; nothing is sent yet.

        Args:
            battery: The battery to drive.
            link: Its way to the CT; the client becomes its receiver.
            config: Cadence and losses.
            rng: Source of jitter and losses, this client's own. Drawn per poll in the order jitter, request loss,
                duplicate, reply loss per reply; an effect that is off draws nothing.
            first_poll_s: Absolute time of the first poll.
        """
        self.battery = battery
        self.next_poll_s = first_poll_s
        self.polls_sent = 0
        self.replies = 0
        self.steered = 0
        self.timeouts = 0
        self.last_reply_s: float | None = None
        self.link = link
        self._config = config
        self._rng = rng
        self._interval_s = battery.poll_interval_s if config.poll_interval_s is None else config.poll_interval_s
        self._advanced_s: float | None = None
        self._sent_s = 0.0
        self._awaiting = False
        self._clock: Callable[[], float] | None = None
        link.on_datagram = self._on_datagram

    def advance_to(self, now_s: float) -> None:
        """Integrate the plant up to now_s. The first call (or poll) sets the start; going back does nothing."""
        if self._advanced_s is None:
            self._advanced_s = now_s
        elif now_s > self._advanced_s:
            self.battery.advance(now_s - self._advanced_s)
            self._advanced_s = now_s
        if self._awaiting and now_s - self._sent_s > self._config.reply_timeout_s:
            self._awaiting = False
            self.timeouts += 1

    def poll(self, now_s: float) -> None:
        """Integrate up to now_s, send a request and schedule the next poll. A reply may arrive before this returns."""
        self.advance_to(now_s)
        config = self._config
        rng = self._rng
        wait_s = self._interval_s
        if config.jitter_s:
            wait_s += rng.uniform(-config.jitter_s, config.jitter_s)
        self.next_poll_s = now_s + max(MIN_POLL_S, wait_s)
        lost = config.request_loss > 0.0 and rng.random() < config.request_loss
        twice = config.duplicate > 0.0 and rng.random() < config.duplicate
        if self._awaiting:
            self.timeouts += 1
        self._sent_s = now_s
        self._awaiting = True
        self.polls_sent += 1
        datagram = self.battery.request()
        if not lost:
            self.link.send(datagram)
            if twice:
                self.link.send(datagram)

    def listen(self, now: Callable[[], float]) -> None:
        """Take the time of replies from here: they come when they come. Without it they count as immediate."""
        self._clock = now

    async def run(self, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        """Poll until cancelled.

        Args:
            now: Present time in s.
            sleep: Waits that many seconds of the same clock; may return early or late.
        """
        self._clock = now
        self.advance_to(now())
        try:
            while True:
                await sleep(max(0.0, self.next_poll_s - now()))
                if (now_s := now()) >= self.next_poll_s:
                    self.poll(now_s)
        finally:
            self._clock = None

    def _on_datagram(self, datagram: bytes) -> None:
        now_s = self._sent_s if self._clock is None else self._clock()
        config = self._config
        if self.polls_sent == 0 or now_s - self._sent_s > config.reply_timeout_s:
            return
        if config.reply_loss > 0.0 and self._rng.random() < config.reply_loss:
            return
        self._awaiting = False
        self.replies += 1
        self.last_reply_s = now_s
        self.steered += self.battery.accept(datagram)
