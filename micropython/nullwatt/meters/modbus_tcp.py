"""Modbus TCP. The connection stays; one that broke is made anew."""

import struct

from nullwatt import tcp
from nullwatt.keys import REQUIRED, ConfigError, Key
from nullwatt.meters.meter import Meter

_FORMATS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}
_FUNCTIONS = {"holding": 3, "input": 4}
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, later",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "device behind the gateway does not answer",
}


class ModbusError(Exception):
    """No reply that can be used; `str()` says why."""


class ModbusTcp(Meter):
    keys = {
        "host": Key(str, REQUIRED, 1, help="address of the device or gateway"),
        "port": Key(int, 502, 1, 65535),
        "unit": Key(int, 1, 0, 255, help="number of the device"),
        "registers": Key(list, REQUIRED, 1, 3, help="addresses of the power, a phase each, from 0"),
        "register_type": Key(str, "holding", choices=("holding", "input"), help="function 3 or 4"),
        "value_type": Key(str, "int16", choices=("int16", "uint16", "int32", "uint32", "float32")),
        "word_order": Key(str, "big", choices=("big", "little"), help="of the two registers of a 32-bit value"),
    }

    def __init__(self, options):
        super().__init__(options)
        for register in options["registers"]:
            if isinstance(register, bool) or not isinstance(register, int) or not 0 <= register <= 65535:
                raise ConfigError("meter.registers: must be whole numbers within 0 and 65535")
        self._format = _FORMATS[options["value_type"]]
        self._count = struct.calcsize(self._format) // 2
        self._stream = None
        self._transaction = 0

    async def read(self):
        kept = self._stream is not None
        try:
            try:
                return await self._read_all()
            except (OSError, EOFError):
                if not kept:
                    raise
                # the device may close what it finds idle: that is no failure
                self._close()
                return await self._read_all()
        except OSError as error:
            self._close()
            raise ModbusError(f"{self.options['host']}: {tcp.words(error)}") from None
        except EOFError:
            self._close()
            raise ModbusError(f"{self.options['host']}: connection closed") from None
        except RefusedError:
            raise  # a whole answer: the connection is in step
        except BaseException:
            self._close()
            raise

    def _close(self):
        tcp.close(self._stream)
        self._stream = None

    async def _read_all(self):
        if self._stream is None:
            self._stream = await tcp.connect(self.options["host"], self.options["port"])
        values = []
        for register in self.options["registers"]:
            values.append(await self._value(register))
        return values

    async def _value(self, register):
        function = _FUNCTIONS[self.options["register_type"]]
        unit = self.options["unit"]
        self._transaction = (self._transaction + 1) & 0xFFFF
        self._stream.write(struct.pack(">HHHBBHH", self._transaction, 0, 6, unit, function, register, self._count))
        await self._stream.drain()
        header = await self._stream.readexactly(8)
        transaction, protocol, length, _, answered = struct.unpack(">HHHBB", header)
        if protocol != 0 or not 3 <= length <= 254:
            raise ModbusError("the answer is not Modbus")
        rest = await self._stream.readexactly(length - 2)
        if transaction != self._transaction:
            raise ModbusError(f"answer to request {transaction} instead of {self._transaction}")
        if answered == function | 0x80:
            code = rest[0]
            raise RefusedError("register %d: %s" % (register, _EXCEPTIONS.get(code) or "exception %d" % code))
        if answered != function or rest[0] != 2 * self._count or len(rest) != 1 + rest[0]:
            raise ModbusError(f"register {register}: an answer to something else")
        data = rest[1:]
        if self._count == 2 and self.options["word_order"] == "little":
            data = data[2:] + data[:2]
        return struct.unpack(self._format, data)[0]


class RefusedError(ModbusError):
    """The device answered with a Modbus exception."""
