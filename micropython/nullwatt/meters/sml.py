"""SML: what German meters send through an infrared head, here at a UART."""

import asyncio

from nullwatt.keys import Key
from nullwatt.meters.pushed import Pushed
from nullwatt.meters.values import NoValueError

_ESCAPE = b"\x1b\x1b\x1b\x1b"
_START = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
#: Bytes of a frame; meters send 200 to 700.
_LONGEST = 2048
_UNIT_W = 27
_TOTAL = (b"\x01\x00\x10\x07\x00\xff",)
_PHASES = (b"\x01\x00\x24\x07\x00\xff", b"\x01\x00\x38\x07\x00\xff", b"\x01\x00\x4c\x07\x00\xff")
_SIGNED, _UNSIGNED, _LIST = 0x50, 0x60, 0x70
_CRC = (0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387)
_CRC += (0x8408, 0x9489, 0xA50A, 0xB58B, 0xC60C, 0xD68D, 0xE70E, 0xF78F)


class Sml(Pushed):
    keys = {
        "uart": Key(int, 1, 0, 5, help="number of the UART"),
        "rx": Key(int, None, 0, 60, help="pin that the head's TX is at; left out = the board's usual one"),
        "tx": Key(int, None, 0, 60, help="a free pin, for boards whose usual one is taken"),
        "baud_rate": Key(int, 9600, 300, 921600),
        "phases": Key(bool, False, help="36.7.0, 56.7.0, 76.7.0 instead of the total 16.7.0"),
    }
    keys.update(Pushed.keys)

    def open(self):
        """The stream of bytes: something that asyncio can wait for and that has `readinto`."""
        from machine import UART, Pin

        wanted = {"rxbuf": 1024}
        for name in ("rx", "tx"):
            if self.options[name] is not None:
                wanted[name] = Pin(self.options[name])
        return UART(self.options["uart"], self.options["baud_rate"], **wanted)

    async def listen(self, take):
        opened = self.open()
        stream = asyncio.StreamReader(opened)
        frames = Frames()
        wanted = _PHASES if self.options["phases"] else _TOTAL
        try:
            while True:
                data = await stream.read(64)
                if not data:  # nothing there, or the other end is gone
                    await asyncio.sleep_ms(50)
                    continue
                for byte in data:
                    body = frames.feed(byte)
                    if body is None:
                        continue
                    try:
                        values = powers(body, wanted)
                    except NoValueError as error:
                        self.failed(take, error)
                        continue
                    self.got(take, values)
        finally:
            close = getattr(opened, "close", None) or getattr(opened, "deinit", None)
            if close:
                close()


class Frames:
    """Cuts a stream of bytes into whole frames. Never holds more than one; a spoilt one costs no other.

    Attributes:
        spoilt: Frames so far that were cut off, too long, or had a wrong checksum.
    """

    def __init__(self):
        self.spoilt = 0
        self._body = None  # while inside of a frame
        self._block = b""  # escape sequences begin at a multiple of four bytes
        self._escaped = False
        self._begun = 0  # so many bytes of a start, which may be anywhere
        self._crc = 0
        self._kermit = 0

    def feed(self, byte):
        """The next byte; returns what is in the frame that it ends, else None."""
        if self._starts(byte):
            if self._body is not None:
                self.spoilt += 1
            self._body = bytearray()
            self._block = b""
            self._escaped = False
            self._crc = crc(_START, 0xFFFF)
            self._kermit = crc(_START, 0)
            return None
        if self._body is None:
            return None
        block = self._block + bytes((byte,))
        if len(block) < 4:
            self._block = block
            return None
        self._block = b""
        if self._escaped and block[0] == 0x1A:
            return self._end(block)
        self._crc = crc(block, self._crc)
        self._kermit = crc(block, self._kermit)
        if self._escaped:
            self._escaped = False
            if block != _ESCAPE:  # else the four bytes stand for themselves
                return self._drop()
        elif block == _ESCAPE:
            self._escaped = True
            return None
        self._body.extend(block)
        return self._drop() if len(self._body) > _LONGEST else None

    def _starts(self, byte):
        begun = self._begun
        if byte == _START[begun]:
            begun += 1
        elif byte == 0x1B:
            begun = 4 if begun == 4 else 1
        else:
            begun = 0
        self._begun = begun % len(_START)
        return begun == len(_START)

    def _end(self, block):
        body, fill = self._body, block[1]
        sums = crc(block[:2], self._crc) ^ 0xFFFF, crc(block[:2], self._kermit)
        # CRC-16/X.25, low byte first; Holley meters send CRC-16/KERMIT, high byte first
        good = sums[0] == block[2] | block[3] << 8 or sums[1] == block[2] << 8 | block[3]
        if not good or fill > 3 or fill > len(body):
            return self._drop()
        self._body = None
        return bytes(body[: len(body) - fill])

    def _drop(self):
        self.spoilt += 1
        self._body = None


def crc(data, value):
    """CRC with the polynomial 0x8408, bits reversed, four at a time."""
    for byte in data:
        value = value >> 4 ^ _CRC[(value ^ byte) & 15]
        value = value >> 4 ^ _CRC[(value ^ byte >> 4) & 15]
    return value


def powers(body, wanted):
    """W of the wanted OBIS codes in a frame; NoValueError unless all are there."""
    found = {}
    at = 0
    while at < len(body):
        kind, size, start = _head(body, at)
        if kind == _LIST and size == 7:
            code, value = _entry(body, start, wanted)
            if code is not None:
                found[code] = value
        at = start if kind == _LIST else start + size
    values = [found.get(code) for code in wanted]
    if None in values:
        code = wanted[values.index(None)]
        raise NoValueError("the meter does not send %d.%d.0; is its PIN entered, and INF on?" % (code[2], code[3]))
    return values


def _entry(body, at, wanted):
    """(OBIS code, W) of a list of seven if its code is wanted: name, status, time, unit, scaler, value, signature."""
    elements = []
    for _ in range(6):
        kind, size, start = _head(body, at)
        elements.append((kind, body[start : start + size] if kind != _LIST else b""))
        at = _after(body, at)
        if len(elements) == 1 and elements[0][1] not in wanted:
            return None, 0
    code, unit, scaler, value = elements[0][1], elements[3], elements[4], elements[5]
    if unit[0] != _UNSIGNED or unit[1] != bytes((_UNIT_W,)):
        raise NoValueError("the power is not in W")
    if value[0] not in (_SIGNED, _UNSIGNED) or not 1 <= len(value[1]) <= 8:
        raise NoValueError("the power is not a number")
    exponent = _number(scaler[1], True) if scaler[0] == _SIGNED and len(scaler[1]) == 1 else 0
    if not -6 <= exponent <= 6:
        raise NoValueError(f"the power has the scaler {exponent}")
    return code, _number(value[1], value[0] == _SIGNED) * 10.0**exponent


def _after(body, at):
    """Where the element behind this one begins, which may be a list of lists."""
    left = 1
    while left:
        kind, size, start = _head(body, at)
        left -= 1
        if kind == _LIST:
            left += size
            at = start
        else:
            at = start + size
    return at


def _head(body, at):
    """(kind, size, start of what it holds) of an element: bytes, or elements of a list. NoValueError past the end."""
    head = 0
    size = 0
    kind = None
    while True:
        if at + head >= len(body) or head > 3:
            raise NoValueError("the frame ends within a value")
        byte = body[at + head]
        kind = byte & 0x70 if kind is None else kind
        size = size << 4 | byte & 15
        head += 1
        if not byte & 0x80:
            break
    if kind != _LIST:
        size = max(size - head, 0)  # a size counts its head, but for 0: the end of a message
        if at + head + size > len(body):
            raise NoValueError("the frame ends within a value")
    return kind, size, at + head


def _number(data, signed):
    value = 0
    for byte in data:
        value = value << 8 | byte
    return value - (1 << 8 * len(data)) if signed and data[0] & 0x80 else value
