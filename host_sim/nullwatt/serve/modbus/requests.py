"""Answers to Modbus requests: bytes in, bytes out, beginning with the function code and without any framing.

An error is answered with the first that applies, in the order of the Modbus specification: the function is unknown
(1), a count or a length is wrong (3), an address is not there (2), a value is not taken (3).
"""

import struct
from collections.abc import Callable, Mapping

from .device_context import AddressError, DeviceContext, RefusedError
from .register_map import HOLDING, INPUT

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
#: Nobody answers to this unit id here.
NO_SUCH_UNIT = 11

_MOST_READ_BITS = 2000
_MOST_READ_WORDS = 125
_MOST_WRITTEN_BITS = 1968
_MOST_WRITTEN_WORDS = 123
_MOST_EXCHANGED_WORDS = 121
_COIL_VALUES = (0x0000, 0xFF00)


class _BadRequest(Exception):  # noqa: N818  (a request that is wrong, not an error of ours)
    """A count, a length or a value that no request may have."""


def exception(function: int, code: int) -> bytes:
    """The answer that says why not."""
    return bytes((function | 0x80, code))


def answer(unit: DeviceContext, request: bytes) -> bytes:
    """Carry out a request of at least one byte."""
    function = request[0]
    handler = _FUNCTIONS.get(function)
    if handler is None:
        return exception(function, ILLEGAL_FUNCTION)
    try:
        return bytes((function,)) + handler(unit, request[1:])
    except AddressError:
        return exception(function, ILLEGAL_ADDRESS)
    except (_BadRequest, RefusedError, struct.error):
        return exception(function, ILLEGAL_VALUE)


def _counted(body: bytes, most: int) -> tuple[int, int]:
    """Address and count of a request that consists of them."""
    address, count = struct.unpack(">HH", body)
    if not 1 <= count <= most:
        raise _BadRequest
    return address, count


def _with_data(body: bytes, most: int, bytes_of: Callable[[int], int]) -> tuple[int, int, bytes]:
    """Address, count and data of a request that ends in them."""
    address, count, length = struct.unpack(">HHB", body[:5])
    if not 1 <= count <= most or length != bytes_of(count) or len(body) != 5 + length:
        raise _BadRequest
    return address, count, body[5:]


def _words(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(data) // 2}H", data)


def _packed_words(words: list[int]) -> bytes:
    return struct.pack(f">B{len(words)}H", 2 * len(words), *words)


def _read_coils(unit: DeviceContext, body: bytes) -> bytes:
    _counted(body, _MOST_READ_BITS)
    raise AddressError  # no register map has coils


def _read_discrete_inputs(unit: DeviceContext, body: bytes) -> bytes:
    bits = unit.bits(*_counted(body, _MOST_READ_BITS))
    length = (len(bits) + 7) // 8
    packed = sum(1 << index for index, bit in enumerate(bits) if bit)
    return bytes((length,)) + packed.to_bytes(length, "little")


def _read_holding_registers(unit: DeviceContext, body: bytes) -> bytes:
    return _packed_words(unit.words(HOLDING, *_counted(body, _MOST_READ_WORDS)))


def _read_input_registers(unit: DeviceContext, body: bytes) -> bytes:
    return _packed_words(unit.words(INPUT, *_counted(body, _MOST_READ_WORDS)))


def _write_coil(unit: DeviceContext, body: bytes) -> bytes:
    if struct.unpack(">HH", body)[1] not in _COIL_VALUES:
        raise _BadRequest
    raise AddressError


def _write_register(unit: DeviceContext, body: bytes) -> bytes:
    address, word = struct.unpack(">HH", body)
    unit.write(address, (word,))
    return body


def _write_coils(unit: DeviceContext, body: bytes) -> bytes:
    _with_data(body, _MOST_WRITTEN_BITS, lambda count: (count + 7) // 8)
    raise AddressError


def _write_registers(unit: DeviceContext, body: bytes) -> bytes:
    address, _, data = _with_data(body, _MOST_WRITTEN_WORDS, lambda count: 2 * count)
    unit.write(address, _words(data))
    return body[:4]


def _mask_write_register(unit: DeviceContext, body: bytes) -> bytes:
    address, keep, put = struct.unpack(">HHH", body)
    (word,) = unit.words(HOLDING, address, 1)
    unit.write(address, (word & keep | put & ~keep & 0xFFFF,))
    return body


def _exchange_registers(unit: DeviceContext, body: bytes) -> bytes:
    read = _counted(body[:4], _MOST_READ_WORDS)
    address, _, data = _with_data(body[4:], _MOST_EXCHANGED_WORDS, lambda count: 2 * count)
    unit.words(HOLDING, *read)  # refused before anything is written
    unit.write(address, _words(data))
    return _packed_words(unit.words(HOLDING, *read))


_FUNCTIONS: Mapping[int, Callable[[DeviceContext, bytes], bytes]] = {
    1: _read_coils,
    2: _read_discrete_inputs,
    3: _read_holding_registers,
    4: _read_input_registers,
    5: _write_coil,
    6: _write_register,
    15: _write_coils,
    16: _write_registers,
    22: _mask_write_register,
    23: _exchange_registers,
}
