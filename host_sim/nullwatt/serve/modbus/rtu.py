"""Modbus RTU: one serial line with all units on it."""

import asyncio
import logging

from pymodbus.framer import FramerType
from pymodbus.transport import CommParams, CommType

from .listener import EndpointError, Listener, Units

_LOG = logging.getLogger("nullwatt.modbus")
_RETRY_S = 1.0


class RtuEndpoint(Listener):
    """Listens on a serial device. A line that breaks later is opened again when it is back.

    device: a path, or socket://IP:PORT for RTU frames over TCP.
    """

    def __init__(
        self, device: str, baudrate: int, bytesize: int, parity: str, stopbits: float, timeout_s: float, units: Units
    ) -> None:
        params = CommParams(
            comm_name="modbus",
            comm_type=CommType.SERIAL,
            source_address=(device, 0),
            baudrate=baudrate,
            bytesize=bytesize,
            parity=parity,
            stopbits=stopbits,  # type: ignore[arg-type]  # pyserial takes 1.5 as well
            timeout_connect=timeout_s,
        )
        super().__init__(params, FramerType.RTU, units)
        self.device = device
        self._again: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start to listen. Raises EndpointError."""
        try:
            await super().open()
        except (OSError, ValueError, RuntimeError) as error:
            raise EndpointError(f"cannot open {self.device}: {_reason(error)}") from None

    def lost(self, exc: Exception | None) -> None:
        """Wait until the line is back."""
        serial = self.comm_params.comm_type == CommType.SERIAL  # of a bridge, a master hung up
        if serial and not self.is_closing and self._again is None:
            _LOG.warning("%s is gone: %s", self.device, exc)
            self._again = asyncio.get_running_loop().create_task(self._reopen())

    async def _reopen(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                await self.open()
            except EndpointError:
                continue
            self._again = None
            _LOG.warning("%s is back", self.device)
            return

    def close(self, reconnect: bool = False) -> None:
        """Stop listening."""
        if self._again is not None:
            self._again.cancel()
        super().close(reconnect)

    def __str__(self) -> str:
        return self.device


def _reason(error: Exception) -> str:
    """What the operating system says, without what pyserial wraps around it."""
    number = getattr(error, "errno", None)
    inner = error.__context__
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return str(error) if number is None else str(error).rpartition("] ")[2]
