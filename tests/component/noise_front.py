"""The encryption of ESPHome's API in front of a node that was built without it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from cryptography.exceptions import InvalidTag
from noise.backends.default import DefaultNoiseBackend
from noise.connection import NoiseConnection

type Reader = asyncio.StreamReader
type Writer = asyncio.StreamWriter


@asynccontextmanager
async def noise_front(key: str, upstream: int) -> AsyncIterator[int]:
    """Listens on a port, which it yields, and lets those through to the port `upstream` who have the key."""

    async def serve(reader: Reader, writer: Writer) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await _serve(reader, writer, key, upstream)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _serve(reader: Reader, writer: Writer, key: str, upstream: int) -> None:
    noise = NoiseConnection.from_name(b"Noise_NNpsk0_25519_ChaChaPoly_SHA256", backend=DefaultNoiseBackend())
    noise.set_as_responder()
    noise.set_psks(base64.b64decode(key))
    noise.set_prologue(b"NoiseAPIInit\0\0")
    noise.start_handshake()
    if await reader.readexactly(1) != b"\x01":
        _write_frame(writer, b"\x01Bad indicator byte")
        return
    await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
    _write_frame(writer, b"\x01front\x00020000000001\0")
    try:
        noise.read_message((await _read_frame(reader))[1:])
    except InvalidTag:
        _write_frame(writer, b"\x01Handshake MAC failure")
        return
    _write_frame(writer, b"\0" + bytes(noise.write_message()))
    node_reader, node_writer = await asyncio.open_connection("127.0.0.1", upstream)

    async def to_node() -> None:
        message = bytes(noise.decrypt(await _read_frame(reader)))
        kind, data = int.from_bytes(message[:2]), message[4:]
        node_writer.write(b"\0" + _varint(len(data)) + _varint(kind) + data)

    async def from_node() -> None:
        await node_reader.readexactly(1)
        size, kind = await _read_varint(node_reader), await _read_varint(node_reader)
        data = await node_reader.readexactly(size)
        _write_frame(writer, bytes(noise.encrypt(kind.to_bytes(2) + size.to_bytes(2) + data)))

    ways = [asyncio.ensure_future(_for_ever(way)) for way in (to_node, from_node)]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)
    node_writer.close()


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await step()


async def _read_frame(reader: Reader) -> bytes:
    return await reader.readexactly(int.from_bytes((await reader.readexactly(3))[1:]))


def _write_frame(writer: Writer, payload: bytes) -> None:
    writer.write(b"\x01" + len(payload).to_bytes(2) + payload)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*parts, number))


async def _read_varint(reader: Reader) -> int:
    number = shift = 0
    while True:
        part = (await reader.readexactly(1))[0]
        number |= (part & 0x7F) << shift
        shift += 7
        if part < 0x80:
            return number
