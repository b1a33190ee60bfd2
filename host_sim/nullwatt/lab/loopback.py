"""An emulator on a real UDP socket that answers in step with simulated time.

The batteries of the same process poll it through the loopback interface, and get their answer before the simulation
goes on: real datagrams, yet the same run every time and at any pace. Whoever else polls the socket is answered too.
"""

import select
import socket
from collections.abc import Callable
from contextlib import suppress

from nullwatt.battery import Link

from .loop import EmulatorDoor

#: The kernel hands over loopback datagrams at once; should it ever not, this is how long it is waited for.
_HANDOVER_MS = 50
_MOST_BYTES = 2048
#: Answered on end before somebody else gets a turn.
_MOST_AT_ONCE = 64


class AddressInUseError(Exception):
    """The UDP address cannot be listened on. `str()` is one line."""


class LoopbackCt:
    """Serves one emulator.

    Attributes:
        host, port: Address it listens on.
    """

    def __init__(self, emulator: EmulatorDoor, host: str, port: int, now: Callable[[], float]) -> None:
        """port: 0 = a free one. now: gives simulated seconds.

        Raises:
            AddressInUseError: The address is taken or not this machine's.
        """
        self._emulator = emulator
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise AddressInUseError(f"cannot listen on udp://{host}:{port}: {error.strerror or error}") from None
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._now = now
        self._links: set[_LoopbackLink] = set()

    def link(self) -> Link:
        """A way to it, on a socket of its own."""
        link = _LoopbackLink(self, "127.0.0.1" if self.host == "0.0.0.0" else self.host)
        self._links.add(link)
        return link

    def fileno(self) -> int:
        """Of its socket, for an event loop that calls `answer` when somebody polls."""
        return self._socket.fileno()

    def answer(self) -> set[tuple[str, int]]:
        """Answer what has arrived; who got an answer."""
        answered = set()
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram, address = self._socket.recvfrom(_MOST_BYTES)
            except BlockingIOError:
                break
            except OSError:  # an earlier answer found nobody
                continue
            reply = self._emulator.handle(datagram, source=f"{address[0]}:{address[1]}", at=self._now())
            if reply is not None:
                with suppress(OSError):  # an address nothing can be sent to, or too much at once: a reply that is lost
                    self._socket.sendto(reply, address)
                    answered.add(address)
        return answered

    def wait(self) -> None:
        """Until a datagram has arrived, but not for long."""
        _arrived(self._socket)

    def forget(self, link: "_LoopbackLink") -> None:
        """It was closed."""
        self._links.discard(link)

    def close(self) -> None:
        """Close every socket."""
        self._socket.close()
        for link in list(self._links):
            link.close()


class _LoopbackLink:
    """See `nullwatt.battery.Link`."""

    def __init__(self, ct: LoopbackCt, host: str) -> None:
        self.on_datagram: Callable[[bytes], None] = _ignore
        self._ct = ct
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect((host, ct.port))
        self._address = self._socket.getsockname()

    def send(self, datagram: bytes) -> None:
        """Send it and deliver what is answered, before returning."""
        if self._socket.fileno() < 0:
            return
        try:
            self._socket.send(datagram)
        except OSError:
            return
        self._ct.wait()
        answered = self._address in self._ct.answer()
        if answered and not _arrived(self._socket):
            return
        while True:
            try:
                self.on_datagram(self._socket.recv(_MOST_BYTES))
            except OSError:
                return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        self._ct.forget(self)


def _arrived(of: socket.socket) -> bool:
    """Whether a datagram is there, after waiting for it a moment."""
    waiting = select.poll()  # unlike select it takes any descriptor
    waiting.register(of, select.POLLIN)
    return bool(waiting.poll(_HANDOVER_MS))


def _ignore(datagram: bytes) -> None:
    """Receiver of a link nobody listens to."""
