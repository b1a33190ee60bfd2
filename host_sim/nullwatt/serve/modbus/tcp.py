"""Modbus TCP: one port with all units behind it."""

from pymodbus.framer import FramerType
from pymodbus.transport import CommParams, CommType

from .listener import EndpointError, Listener, Units


class TcpEndpoint(Listener):
    """Listens on an address of this machine.

    Attributes:
        port: Once it is open; of a wanted port 0, the free one that was found.
    """

    def __init__(self, ip: str, port: int, units: Units) -> None:
        params = CommParams(comm_name="modbus", comm_type=CommType.TCP, source_address=(ip, port))
        super().__init__(params, FramerType.SOCKET, units)
        self.ip = ip
        self.port = port

    async def open(self) -> None:
        """Start to listen. Raises EndpointError."""
        try:
            await super().open()
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no such address"
            raise EndpointError(f"cannot listen on {self}: {reason}") from None
        self.port = self.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"
