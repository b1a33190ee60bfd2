"""An HTTP server inside a running event loop."""

import asyncio
import socket
from contextlib import nullcontext

import uvicorn
from fastapi import FastAPI


class PortInUseError(Exception):
    """The address cannot be listened on. `str()` is one line."""


class _QuietServer(uvicorn.Server):
    """Leaves signals to whoever owns the process."""

    def install_signal_handlers(self) -> None:
        """Install none."""

    def capture_signals(self):  # type: ignore[no-untyped-def]  # a context manager of uvicorn's
        """Capture none."""
        return nullcontext()


class Server:
    """Serves an application on one address until it is stopped.

    Attributes:
        port: The TCP port, once it was opened.
    """

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """port: 0 = a free one.

        Raises:
            PortInUseError: The address is taken or not this machine's.
        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            # From now on clients wait instead of being refused.
            self._socket.listen(128)
        except OSError as error:
            self._socket.close()
            raise PortInUseError(f"cannot serve HTTP on {host}:{port}: {error.strerror or error}") from None
        self.port: int = self._socket.getsockname()[1]
        # A client that does not read must not keep the server from ending.
        # What it logs goes where all logs go: handlers of its own would write into a live view.
        config = uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=1
        )
        self._server = _QuietServer(config)

    async def run(self) -> None:
        """Serve until `stop`, or cancelled."""
        try:
            await self._server.serve(sockets=[self._socket])
        except asyncio.CancelledError:
            self._server.should_exit = True
            raise
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Ask it to end; `run` returns soon."""
        self._server.should_exit = True
