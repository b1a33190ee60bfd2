"""A master on the registers of one unit, without a wire between: the same requests, carried out by the same code.

Values are in engineering units, as the register map scales them.
"""

import struct
from collections.abc import Sequence

from nullwatt.home.der import Asset, DerSite
from nullwatt.serve.modbus import DeviceContext, Register, answer, find_register_map

_WRITE_ONE, _WRITE_MANY = 6, 16
_FAILED = 0x80


class ModbusRefusedError(Exception):
    """A request was answered with an exception; `str()` says which, in one line."""


class Master:
    """Talks to one asset of a site, through the map of its first protocol, or that of its type if it has none.

    registers: that map. unit: its registers as a server has them.
    """

    def __init__(self, site: DerSite, asset: Asset) -> None:
        """Raise RegisterMapError for a map that cannot be used."""
        protocol = asset.protocols[0] if asset.protocols else None
        written = None if protocol is None else protocol.register_map
        path = site.config.map_root if protocol is None else site.config.register_map_path(asset.kind, protocol)
        self.asset = asset
        self.registers = find_register_map(asset.kind, written, path)
        self.unit = DeviceContext(asset, self.registers, lambda: site.ticks)

    def read(self, register: Register) -> float:
        """The value of a register, as a master decodes it. Raises ModbusRefusedError."""
        reply = self._asked(struct.pack(">BHH", register.table, register.address, register.count))
        if register.table == 2:
            return float(reply[2] & 1)
        return register.codec.decode(struct.unpack(f">{register.count}H", reply[2:]))

    def write(self, address: int, words: Sequence[int]) -> None:
        """Write holding registers: one with function 06, several with function 16. Raises ModbusRefusedError."""
        if len(words) == 1:
            self._asked(struct.pack(">BHH", _WRITE_ONE, address, words[0]))
        else:
            head = struct.pack(">BHHB", _WRITE_MANY, address, len(words), 2 * len(words))
            self._asked(head + struct.pack(f">{len(words)}H", *words))

    def set(self, register: Register, value: float) -> None:
        """Write a value to a register. Raises ModbusRefusedError."""
        self.write(register.address, register.codec.encode(value))

    def _asked(self, request: bytes) -> bytes:
        reply = answer(self.unit, request)
        if reply[0] & _FAILED:
            (address,) = struct.unpack(">H", request[1:3])
            raise ModbusRefusedError(
                f"{self.asset.asset_id}: function {request[0]:02} at {address}: exception {reply[1]}"
            )
        return reply
