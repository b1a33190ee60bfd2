"""The devices of a site over Modbus TCP and RTU, as registers. Needs the extra `modbus`.

A request goes from the listener (a TCP port or a serial line) through the framing (where does it begin and end) to
`requests` (what does it ask) and the registers of one unit (`DeviceContext`), which ask the device.
"""

from .codec import Codec
from .device_context import AddressError, Controlled, DeviceContext, RefusedError
from .endpoints import Endpoints, Served
from .listener import EndpointError
from .register_map import (
    SHIPPED,
    SHIPPED_FOLDER,
    Register,
    RegisterMap,
    RegisterMapError,
    find_register_map,
    load_register_map,
    parse_register_map,
    shipped_register_map,
)
from .requests import answer
from .roster import Change, Roster
from .rtu import RtuEndpoint
from .tcp import TcpEndpoint

__all__ = [
    "SHIPPED",
    "SHIPPED_FOLDER",
    "AddressError",
    "Change",
    "Codec",
    "Controlled",
    "DeviceContext",
    "EndpointError",
    "Endpoints",
    "RefusedError",
    "Register",
    "RegisterMap",
    "RegisterMapError",
    "Roster",
    "RtuEndpoint",
    "Served",
    "TcpEndpoint",
    "answer",
    "find_register_map",
    "load_register_map",
    "parse_register_map",
    "shipped_register_map",
]
