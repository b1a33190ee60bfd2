"""A simulation behind its HTTP interface on this machine, as the live view sees it: lost and found again.

urllib cannot be cancelled while it waits, and a view must close at once; hence a little HTTP on asyncio's streams.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from nullwatt.cli.sim_source import INTERVAL_S, GoneError, RefusedError, Status

_HOST = "127.0.0.1"
_BROKEN = (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError)


class RemoteSource:
    """The simulation on one port. See `sim_source.Source`."""

    leaving = "leave the view"

    def __init__(self, port: int, silence_s: float = 5.0, retry_s: float = 1.0) -> None:
        """silence_s: without a word for that long it is gone; retry_s: between two attempts to find it again."""
        self.where = f"http://{_HOST}:{port}"
        self._port = port
        self._silence_s = silence_s
        self._retry_s = retry_s

    async def watch(self, seen: Callable[[Status | None], None]) -> None:
        """See Source."""
        while True:
            try:
                seen(await self._ask("GET", "/status"))
                async for status in self._states():
                    seen(status)
            except (GoneError, RefusedError):
                pass
            seen(None)
            await asyncio.sleep(self._retry_s)

    async def toggle_load(self, index: int) -> Status:
        """See Source."""
        return await self._ask("POST", f"/loads/{index + 1}/toggle", {})

    async def set_solar(self, power_w: float) -> Status:
        """See Source."""
        return await self._ask("POST", "/solar", {"watts": "max" if math.isinf(power_w) else power_w})

    async def set_soc(self, mac: str, soc: float) -> Status:
        """See Source."""
        return await self._ask("POST", f"/batteries/{mac}/soc", {"soc": soc})

    async def set_limits(self, mac: str, charge_w: float, discharge_w: float) -> Status:
        """See Source."""
        return await self._ask("POST", f"/batteries/{mac}/max_power", {"charge": charge_w, "discharge": discharge_w})

    async def set_auto(self, enabled: bool) -> Status:
        """See Source."""
        return await self._ask("POST", "/auto", {"enabled": enabled})

    async def set_paused(self, paused: bool) -> Status:
        """See Source."""
        return await self._ask("POST", f"/api/v1/time/{'pause' if paused else 'resume'}")

    async def set_scale(self, scale: float) -> Status:
        """See Source."""
        return await self._ask("POST", "/api/v1/time/scale", {"scale": scale})

    async def _states(self) -> AsyncIterator[Status]:
        """With the time from a house of ours, without from any other."""
        with suppress(RefusedError):
            while "time" in (status := await self._ask("GET", "/api/v1/state")):
                yield status
                await asyncio.sleep(INTERVAL_S)
        async for status in self._events():
            yield status

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Status:
        try:
            async with asyncio.timeout(self._silence_s), _exchange(self._port, method, path, body) as reply:
                text = b"".join([part async for part in reply.parts()])
            if reply.code != 200:
                raise RefusedError(_reason(text))
            return _status(text)
        except _BROKEN as error:
            raise GoneError from error

    async def _events(self) -> AsyncIterator[Status]:
        try:
            async with _exchange(self._port, "GET", "/events") as reply:
                if reply.code != 200:
                    raise GoneError
                parts, rest = reply.parts(), b""
                while True:
                    async with asyncio.timeout(self._silence_s):
                        part = await anext(parts, b"")
                    if not part:
                        return
                    rest += part
                    *lines, rest = rest.split(b"\n")
                    for line in lines:
                        if line.startswith(b"data:"):
                            yield _status(line[5:])
        except _BROKEN as error:
            raise GoneError from error


class _Reply:
    """The answer to one request, its body in the pieces it comes in."""

    def __init__(self, head: str, reader: asyncio.StreamReader) -> None:
        self.code = int(head.split(maxsplit=2)[1])
        self._chunked = "\r\ntransfer-encoding: chunked\r\n" in head.lower()
        self._reader = reader

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, until its end or that of the connection."""
        if self._chunked:
            while size := int((await self._reader.readline()).partition(b";")[0], 16):
                yield (await self._reader.readexactly(size + 2))[:-2]
        else:
            while part := await self._reader.read(65536):
                yield part


@asynccontextmanager
async def _exchange(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> AsyncIterator[_Reply]:
    data = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", f"Host: {_HOST}:{port}", "Connection: close"]
    head += ["Content-Type: application/json", f"Content-Length: {len(data)}"] if body is not None else []
    reader, writer = await asyncio.open_connection(_HOST, port)
    try:
        writer.write("\r\n".join([*head, "", ""]).encode() + data)
        yield _Reply((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"), reader)
    finally:
        writer.close()


def _status(text: bytes) -> Status:
    """ValueError for what is no status object: somebody else may have the port by now."""
    status = json.loads(text)
    if not isinstance(status, dict) or not {"grid", "loads", "solar", "auto_mode", "batteries"} <= status.keys():
        raise ValueError("not a status object")
    return status


def _reason(text: bytes) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")
