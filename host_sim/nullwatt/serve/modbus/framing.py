"""Where a request begins and ends on the wire: pymodbus's framers, for a server that must not lose its place.

pymodbus's own take the whole buffer for one frame, and wait for ever behind what can never become one. These take
exactly one frame, so that what follows in the same segment is a request as well, and know what is no frame.
"""

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket

#: device id, transaction id, request from its function code on
Frame = tuple[int, int, bytes]


class LostError(Exception):
    """What came is no Modbus, and where the next request begins cannot be known."""


class TcpFraming(FramerSocket):
    """Modbus TCP. A stream whose header is wrong is lost: behind it, anything could look like a write."""

    _MOST = 254  # unit id and request

    def take(self, buffer: bytearray) -> Frame | None:
        """Remove and return the first request; None if more bytes are needed. Raises LostError."""
        header = buffer[:6]
        if any(header[2:4]) or (len(header) == 6 and not 2 <= int.from_bytes(header[4:6], "big") <= self._MOST):
            raise LostError(f"no Modbus TCP header: {bytes(header).hex(' ')}")
        size = 6 + int.from_bytes(header[4:6], "big")
        if len(header) < 6 or len(buffer) < size:
            return None
        _, unit, transaction, request = self.decode(bytes(buffer[:size]))
        del buffer[:size]
        return unit, transaction, request


class RtuFraming(FramerRTU):
    """Modbus RTU: the first bytes with the length of a request and a right checksum are one, wherever they begin."""

    #: Longest frame, and so the longest time a wrong beginning can hold up a right request.
    LONGEST = 256
    _SHORTEST = 4

    def take(self, buffer: bytearray) -> Frame | None:
        """Remove and return the first request and what was before it; None if more bytes are needed."""
        if len(buffer) > 2 * self.LONGEST:
            del buffer[: -self.LONGEST]  # noise
        for start in range(len(buffer) - self._SHORTEST + 1):
            view = bytes(buffer[start : start + self.LONGEST])
            if end := self._end(view, first=start == 0):
                del buffer[: start + end]
                return view[0], 0, view[1 : end - 2]
        return None

    def _end(self, view: bytes, first: bool) -> int:
        """The length of the request at the beginning of this; 0 if there is none."""
        size = self._expected(view)
        if size is not None:
            return size if self._SHORTEST <= size <= len(view) and self._right(view[:size]) else 0
        # Nobody knows how long an unknown request is; its checksum says where it ends.
        ends = range(self._SHORTEST, len(view) + 1) if first else ()
        return next((end for end in ends if self._right(view[:end])), 0)

    def _expected(self, view: bytes) -> int | None:
        """The length of a request that begins so, 0 if that takes more bytes, None if its function is unknown."""
        try:
            kind = self.decoder.lookupPduClass(view)
            return None if kind is None else kind.calculateRtuFrameSize(view)
        except IndexError:
            return 0
        except ModbusException:
            return None

    def _right(self, frame: bytes) -> bool:
        return self.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))
