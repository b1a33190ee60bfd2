"""Both ends of a wire: a device that does nothing by itself, its endpoint, and masters that speak or stammer."""

import asyncio
import os
import shutil
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pymodbus.framer import FramerRTU

from nullwatt.home import Command
from nullwatt.serve.modbus import DeviceContext, RegisterMap, RtuEndpoint, TcpEndpoint, shipped_register_map


def missing(line: str) -> NoReturn:
    """A line instead of a test; with CI=true a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


class StandIn:
    """Shows what it was given and follows what it is told, from the next step on and within limits."""

    asset_id = "stand-in"

    def __init__(self, values: Mapping[str, float], commands: Iterable[str] = (), limit: float = 1e9) -> None:
        self.values = dict(values)
        self.commands = dict.fromkeys(commands, Command("", "", 0, 66) if limit == 66 else Command("", ""))
        self.told: list[tuple[str, float]] = []
        self.limit = limit
        self.steps = 0
        self._queued: dict[str, float] = {}
        self._applied: dict[str, float] = {}

    @property
    def device(self) -> Any:
        return self

    def telemetry(self, name: str) -> float:
        return self.values[name]

    def command(self, name: str, value: float) -> None:
        self.told.append((name, value))
        self._queued[name] = value

    def applied(self) -> Mapping[str, float]:
        return self._applied

    def step(self) -> None:
        self.steps += 1
        self._applied |= {name: max(-self.limit, min(self.limit, value)) for name, value in self._queued.items()}
        self._queued.clear()


def sample_values(registers: RegisterMap) -> dict[str, float]:
    """A different value for each register, that its type can show exactly; negative where that is possible."""
    values = {}
    for number, register in enumerate((each for each in registers if each.direction == "read"), 1):
        codec = register.codec
        raw = number % 2 if register.func == 2 else 1000 + 7 * number
        if codec.kind.endswith("32"):
            raw += 0x30000
        if codec.kind.startswith("int"):
            raw = -raw
        words = [raw >> 16 & 0xFFFF, raw & 0xFFFF] if register.count == 2 else [raw & 0xFFFF]
        values[register.name] = codec.decode(words if codec.endian == "big" else words[::-1])
    return values


def unit_of(kind: str = "bess", limit: float = 1e9) -> tuple[StandIn, DeviceContext]:
    registers = shipped_register_map(kind)
    commands = [each.internal_name for each in registers if each.direction == "write"]
    asset = StandIn(sample_values(registers), commands, limit)
    return asset, DeviceContext(asset, registers, lambda: asset.steps)


# -- TCP -----------------------------------------------------------------------------------------


def tcp_frame(request: bytes, transaction: int = 1, unit: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(request) + 1, unit) + request


class RawMaster:
    """Sends bytes, hears bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, int, bytes]:
        """Transaction, unit and answer of the next frame."""
        async with asyncio.timeout(5):
            transaction, protocol, length, unit = struct.unpack(">HHHB", await self.reader.readexactly(7))
            assert protocol == 0
            return transaction, unit, await self.reader.readexactly(length - 1)

    async def ask(self, request: bytes, transaction: int = 1, unit: int = 1) -> bytes:
        self.send(tcp_frame(request, transaction, unit))
        heard = await self.answer()
        assert heard[:2] == (transaction, unit)
        return heard[2]

    async def ended(self) -> bytes:
        """What still comes until the other side closes."""
        async with asyncio.timeout(5):
            return await self.reader.read()


@asynccontextmanager
async def tcp(units: dict[int, DeviceContext]) -> AsyncIterator[tuple[TcpEndpoint, RawMaster]]:
    endpoint = TcpEndpoint("127.0.0.1", 0, units)
    await endpoint.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    try:
        yield endpoint, RawMaster(reader, writer)
    finally:
        writer.close()
        endpoint.close()


# -- RTU -----------------------------------------------------------------------------------------


def rtu_frame(request: bytes, unit: int = 1) -> bytes:
    frame = bytes((unit,)) + request
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


@contextmanager
def serial_cable(folder: Path, number: int = 0) -> Iterator[tuple[str, str]]:
    """Two serial devices joined by a cable."""
    socat = shutil.which("socat") or missing("socat is missing: install the package socat")
    ends = [str(folder / f"tty{number}{end}") for end in "ab"]
    process = subprocess.Popen(
        [socat, *(f"pty,raw,echo=0,link={end}" for end in ends)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end_s = time.monotonic() + 10
        while not all(Path(end).exists() for end in ends):
            assert time.monotonic() < end_s and process.poll() is None, "socat makes no serial devices"
            time.sleep(0.005)
        yield ends[0], ends[1]
    finally:
        process.terminate()
        process.wait()


class SerialMaster:
    """Sends bytes to a serial device, hears bytes."""

    def __init__(self, device: str) -> None:
        self._file = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._heard = bytearray()

    def send(self, data: bytes) -> None:
        os.write(self._file, data)

    async def hear(self, count: int, patience_s: float = 5.0) -> bytes:
        """The next bytes; fewer if no more come."""
        end_s = time.monotonic() + patience_s
        while len(self._heard) < count and time.monotonic() < end_s:
            if not self._more():
                await asyncio.sleep(0.002)
        heard = bytes(self._heard[:count])
        del self._heard[:count]
        return heard

    def _more(self) -> bool:
        try:
            data = os.read(self._file, 1024)
        except BlockingIOError:
            return False
        self._heard += data
        return bool(data)

    def close(self) -> None:
        os.close(self._file)


@asynccontextmanager
async def rtu(folder: Path, units: dict[int, DeviceContext]) -> AsyncIterator[SerialMaster]:
    with serial_cable(folder) as (ours, theirs):
        endpoint = RtuEndpoint(ours, 115200, 8, "N", 1, 1.0, units)
        await endpoint.open()
        master = SerialMaster(theirs)
        try:
            yield master
        finally:
            master.close()
            endpoint.close()
