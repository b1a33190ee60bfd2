"""The UDP socket that the batteries poll."""

import asyncio
import errno
import socket

from nullwatt import log

#: Answered on end before anything else gets a turn.
_MOST_AT_ONCE = 16
_BYTES = 1024


class Server:
    """Answers polls from an emulator; `polls` counts datagrams, `replies` answers."""

    def __init__(self, emulator, port, host="0.0.0.0"):
        """port: UDP, 0 = a free one. OSError if it cannot be had."""
        self.polls = 0
        self.replies = 0
        self._emulator = emulator
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(socket.getaddrinfo(host, port)[0][-1])

    async def run(self):
        """For ever."""
        while True:
            await readable(self._socket)
            for _ in range(_MOST_AT_ONCE):
                if not self._answer_one():
                    break
            # A flood must not keep the rest of the program waiting.
            await asyncio.sleep_ms(0)

    def _answer_one(self):
        try:
            datagram, address = self._socket.recvfrom(_BYTES)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNREFUSED):
                log.warning("udp: %s", error)
            return False
        self.polls += 1
        reply = self._emulator.handle(datagram, source=name_of(address))
        if reply is not None:
            try:
                self._socket.sendto(reply, address)
                self.replies += 1
            except OSError as error:  # the battery is gone; its silence is dealt with by the core
                log.debug("udp: %s", error)
        else:
            log.debug("udp: no reply to %s: %s", name_of(address), self._emulator.last_drop)
        return True

    def close(self):
        """Free the port."""
        self._socket.close()


async def readable(stream):
    """Until something can be read from a socket."""
    yield asyncio.core._io_queue.queue_read(stream)


def name_of(address):
    """ip:port of an address, which some ports of MicroPython hand out packed."""
    if isinstance(address, tuple):
        return "%s:%d" % (address[0], address[1])
    family, host, port = socket.sockaddr(address)[:3]
    return "%s:%d" % (socket.inet_ntop(family, host), port)
