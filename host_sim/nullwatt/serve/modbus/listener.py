"""What waits for masters, on a TCP port or a serial line, and one conversation with each of them.

The transports are pymodbus's; its request handler is not: it answers one request of a segment and drops the others,
calls a count of 0 an unknown function, gives an unknown function as 0, and only logs why it cannot listen.
"""

import asyncio
import logging
from collections.abc import Mapping

from pymodbus.framer import FramerType
from pymodbus.pdu import DecodePDU
from pymodbus.transport import CommParams, CommType, ModbusProtocol

from .device_context import DeviceContext
from .framing import LostError, RtuFraming, TcpFraming
from .requests import DEVICE_FAILURE, NO_SUCH_UNIT, answer, exception

_LOG = logging.getLogger("nullwatt.modbus")

Units = Mapping[int, DeviceContext]

#: What comes after such a pause does not belong to what came before, s; far more than 3.5 characters of any real
#: line, as adapters and operating systems deliver in lumps.
_SILENCE_S = 0.1
_BROADCAST = 0


class EndpointError(Exception):
    """Something cannot be listened on. `str()` is one line."""


class Listener(ModbusProtocol):
    """One TCP port or serial line and the units behind it. units: may change while it listens."""

    def __init__(self, params: CommParams, framing: FramerType, units: Units) -> None:
        super().__init__(params, is_server=True)
        self.framing = framing
        self.units = units
        self.is_listener = True

    async def open(self) -> None:
        """Start to listen. Raises OSError."""
        made = await self.call_create()
        self.transport = made[0] if isinstance(made, tuple) else made

    def callback_new_connection(self) -> ModbusProtocol:
        """Answer a master."""
        kind = TcpConversation if self.framing == FramerType.SOCKET else RtuConversation
        return kind(self.comm_params, self)

    def callback_connected(self) -> None:
        """Nothing: conversations do."""

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Nothing: conversations do."""

    def callback_data(self, data: bytes, addr: tuple[object, ...] | None = None) -> int:
        """Nothing: conversations do."""
        return len(data)

    def lost(self, exc: Exception | None) -> None:
        """A conversation ended, and not by closing this."""

    def hang_up(self) -> None:
        """End the conversations with all masters, and listen on; a serial line knows none."""
        if self.comm_params.comm_type == CommType.TCP:
            for conversation in list(self.active_connections.values()):
                conversation.close()


class _Conversation(ModbusProtocol):
    """One connection. Answers in order, all requests that have arrived at once."""

    def __init__(self, params: CommParams, owner: Listener) -> None:
        super().__init__(params, is_server=True)
        self.owner = owner
        self.buffer = bytearray()

    def callback_new_connection(self) -> ModbusProtocol:
        """Never: this listens to nobody."""
        raise NotImplementedError

    def callback_connected(self) -> None:
        """Nothing to do."""

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Tell the listener."""
        self.owner.lost(exc)

    def callback_data(self, data: bytes, addr: tuple[object, ...] | None = None) -> int:
        """Never: `data_received` keeps its own buffer."""
        raise NotImplementedError

    def pause_writing(self) -> None:
        """A master that does not read is not read either."""
        self.transport.pause_reading()  # type: ignore[attr-defined]

    def resume_writing(self) -> None:
        """It reads again."""
        self.transport.resume_reading()  # type: ignore[attr-defined]

    def write(self, answers: bytes | bytearray) -> None:
        """Send, if there is still somebody."""
        if answers and self.transport:
            self.transport.write(bytes(answers))  # type: ignore[attr-defined]


class TcpConversation(_Conversation):
    """Modbus TCP."""

    def __init__(self, params: CommParams, owner: Listener) -> None:
        super().__init__(params, owner)
        self._framing = TcpFraming(DecodePDU(True))

    def data_received(self, data: bytes) -> None:
        """Answer whatever is complete; a stream that is not Modbus is closed."""
        self.buffer += data
        answers = bytearray()
        try:
            while frame := self._framing.take(self.buffer):
                unit, transaction, request = frame
                context = self.owner.units.get(unit)
                reply = exception(request[0], NO_SUCH_UNIT) if context is None else carry_out(context, request)
                answers += self._framing.encode(reply, unit, transaction)
        except LostError as error:
            _LOG.info("closing a connection: %s", error)
            self.write(answers)
            self.close()
            return
        self.write(answers)


class RtuConversation(_Conversation):
    """Modbus RTU: other units' requests, broadcasts and noise stay without an answer."""

    def __init__(self, params: CommParams, owner: Listener) -> None:
        super().__init__(params, owner)
        self._framing = RtuFraming(DecodePDU(True))
        self._silence: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Answer whatever is complete."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        self.buffer += data
        answers = bytearray()
        while frame := self._framing.take(self.buffer):
            unit, transaction, request = frame
            if unit == _BROADCAST:
                for context in self.owner.units.values():
                    carry_out(context, request)
            elif unit in self.owner.units and not request[0] & 0x80:
                answers += self._framing.encode(carry_out(self.owner.units[unit], request), unit, transaction)
        self.write(answers)
        if self.buffer:
            self._silence = self.loop.call_later(_SILENCE_S, self.buffer.clear)


def carry_out(context: DeviceContext, request: bytes) -> bytes:
    """The answer of a unit; a mistake of ours is a failure of that device and of nothing else."""
    try:
        return answer(context, request)
    except Exception:
        _LOG.exception("a request failed: %s", request.hex(" "))
        return exception(request[0], DEVICE_FAILURE)
