"""Orders to a site that is being served: a socket of this machine, one line of JSON there and one back.

The socket is called after the site file, so that whoever knows the file finds the program that serves it.
"""

import asyncio
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_LONGEST = 1_000_000  # bytes of a line
_WAIT_S = 30.0
_OWN = "nullwatt"

#: Carries out an order; what was done, line by line. Raises ValueError with one line for what cannot be.
Obey = Callable[[dict[str, Any]], Awaitable[list[str]]]


def socket_of(site_file: Path) -> Path:
    """The socket of whoever serves this file, in a folder that is this user's own."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime, _OWN) if runtime else Path(tempfile.gettempdir(), f"{_OWN}-{os.getuid()}")
    return folder / f"{hashlib.sha256(os.fsencode(site_file.resolve())).hexdigest()[:16]}.sock"


class Control:
    """The side of the program that serves."""

    def __init__(self, path: Path, obey: Obey) -> None:
        self._path = path
        self._obey = obey
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen to orders. OSError (its `strerror` is for people) if that cannot be."""
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid() and folder.name.startswith(_OWN):
            raise OSError(None, "the folder is somebody else's")
        with socket.socket(socket.AF_UNIX) as other, suppress(ConnectionRefusedError, FileNotFoundError):
            other.connect(str(self._path))
            raise OSError(None, "another program listens there")
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._answer, str(self._path), limit=_LONGEST)
        finally:
            os.umask(before)

    def close(self) -> None:
        """Listen to nobody any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            try:
                order = json.loads(await reader.readline())
                reply: dict[str, Any] = {"done": await self._obey(order if isinstance(order, dict) else {})}
            except ValueError as error:
                reply = {"error": str(error)}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
            writer.close()


def ask(path: Path, order: dict[str, Any]) -> list[str]:
    """What the program behind a socket did. ValueError with its one line, OSError if there is none."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(_WAIT_S)
        wire.connect(str(path))
        wire.sendall(json.dumps(order).encode() + b"\n")
        with wire.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise ConnectionResetError(None, "it ended without an answer")
    reply = json.loads(line)
    if "error" in reply:
        raise ValueError(reply["error"])
    done: list[str] = reply["done"]
    return done
