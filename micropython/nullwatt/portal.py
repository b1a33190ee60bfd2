"""Captive portal: while the network for setting up is open, every name leads to the board."""

import asyncio
import socket

from nullwatt.server import readable

_BYTES = 512
_MOST_AT_ONCE = 8
_LOOK_MS = 500
#: s for which an answer may be remembered.
_TTL = 10
_QUERY_FLAGS = 0x8000 | 0x7800  # an answer, or another kind of question
#: What phones and computers ask for to find out whether they are in the internet.
PROBES = (
    "/generate_204",
    "/gen_204",
    "/hotspot-detect.html",
    "/library/test/success.html",
    "/ncsi.txt",
    "/connecttest.txt",
    "/redirect",
    "/canonical.html",
    "/success.txt",
    "/check_network_status.txt",
)


class Portal:
    """Answers DNS queries while wifi.setup_address is set; `queries` counts answers."""

    def __init__(self, wifi, port=53):
        self.queries = 0
        self._wifi = wifi
        self._port = port

    async def run(self):
        """For ever."""
        while True:
            while not self._wifi.setup_address:
                await asyncio.sleep_ms(_LOOK_MS)
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                opened.setblocking(False)
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                opened.bind(socket.getaddrinfo("0.0.0.0", self._port)[0][-1])
                await self._serve(opened)
            finally:
                opened.close()

    async def _serve(self, opened):
        while self._wifi.setup_address:
            try:
                await asyncio.wait_for_ms(readable(opened), _LOOK_MS)
            except asyncio.TimeoutError:
                continue
            own = bytes(int(part) for part in (self._wifi.setup_address or "0.0.0.0").split("."))
            for _ in range(_MOST_AT_ONCE):
                try:
                    packet, sender = opened.recvfrom(_BYTES)
                    reply = answer(packet, own)
                    if reply is not None:
                        opened.sendto(reply, sender)
                        self.queries += 1
                except OSError:
                    break  # no more, or the phone is gone
            await asyncio.sleep_ms(0)


def answer(packet, own):
    """The reply to a DNS query: own (4 bytes) for an address, nothing for the rest; None for what is no query."""
    if len(packet) < 17 or int.from_bytes(packet[2:4], "big") & _QUERY_FLAGS:
        return None
    if packet[4:6] != b"\x00\x01" or packet[6:10] != b"\x00\x00\x00\x00":
        return None
    end = 12
    while end < len(packet) and packet[end]:
        if packet[end] > 63:  # a question has nothing to point back to
            return None
        end += packet[end] + 1
    end += 1
    if end - 12 > 255 or end + 4 > len(packet):
        return None
    is_address = packet[end : end + 4] == b"\x00\x01\x00\x01"
    head = packet[:2] + bytes((0x84 | packet[2] & 1, 0x80, 0, 1, 0, 1 if is_address else 0, 0, 0, 0, 0))
    reply = head + packet[12 : end + 4]
    if is_address:
        reply += b"\xc0\x0c\x00\x01\x00\x01" + _TTL.to_bytes(4, "big") + b"\x00\x04" + own
    return reply
