"""Modbus RTU on a serial cable (two pseudo terminals joined by socat)."""

import asyncio
import random
import struct
from pathlib import Path

import pytest
from modbus_wire import SerialMaster, rtu, rtu_frame, serial_cable, unit_of
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.pdu import DecodePDU
from test_wire_tcp import read

from nullwatt.serve.modbus import SHIPPED, DeviceContext, EndpointError, RtuEndpoint
from nullwatt.serve.modbus.framing import RtuFraming

READ_SOC = struct.pack(">BHH", 4, 32002, 1)
SOC_ANSWER = 7  # bytes


async def test_every_register_of_every_shipped_map(tmp_path: Path) -> None:
    units = {number: unit_of(kind) for number, kind in enumerate(SHIPPED, 1)}
    with serial_cable(tmp_path) as (ours, theirs):
        endpoint = RtuEndpoint(ours, 115200, 8, "N", 1, 1.0, {number: unit for number, (_, unit) in units.items()})
        await endpoint.open()
        client = AsyncModbusSerialClient(theirs, baudrate=115200)
        assert await client.connect()
        try:
            for number, (asset, unit) in units.items():
                for register in unit.registers:
                    if register.direction == "read":
                        shown = await read(client, register, number)
                        assert shown == pytest.approx(asset.values[register.name]), register.name
            asset, _ = units[1]
            words = list(struct.unpack(">HH", struct.pack(">i", -205)))
            assert not (await client.write_registers(10126, words, device_id=1)).isError()
            assert asset.told == [("active_power_setpoint", -20.5)]
        finally:
            client.close()
            endpoint.close()


async def test_another_unit_is_silent(tmp_path: Path) -> None:
    asset, unit = unit_of()
    async with rtu(tmp_path, {1: unit}) as master:
        master.send(rtu_frame(READ_SOC, 2) + rtu_frame(struct.pack(">BHH", 6, 10055, 1), 9) + rtu_frame(READ_SOC, 1))
        # Answers keep the order of requests: the first is that to the last request, and it is the only one.
        assert (await master.hear(SOC_ANSWER))[:2] == b"\1\4"
        assert await master.hear(1, patience_s=0.2) == b""
        assert asset.told == []


async def test_a_broadcast_is_silent_and_carried_out_by_all(tmp_path: Path) -> None:
    (first, one), (second, two) = unit_of(), unit_of()
    async with rtu(tmp_path, {1: one, 2: two}) as master:
        master.send(rtu_frame(struct.pack(">BHH", 6, 10055, 3), 0) + rtu_frame(READ_SOC, 0) + rtu_frame(READ_SOC, 2))
        # Answers keep the order of requests: the first is that to the last request, and it is the only one.
        assert (await master.hear(SOC_ANSWER))[:2] == b"\2\4"
        assert await master.hear(1, patience_s=0.2) == b""
        assert first.told == second.told == [("start_stop_standby", 3)]


async def check_still_there(folder: Path, noise: bytes, answers: int = 1) -> bytes:
    units: dict[int, DeviceContext] = {1: unit_of()[1]}
    async with rtu(folder, units) as master:
        master.send(noise)
        master.send(rtu_frame(READ_SOC))
        heard = await master.hear(answers * SOC_ANSWER)
        assert heard[-SOC_ANSWER:][:3] == b"\1\4\2"
        return heard


@pytest.mark.parametrize(
    "noise",
    [
        b"\xff\x00\x55",
        b"\1\4\x7d",  # the beginning of a request
        b"\1\x10\0\0\0\x7b\xf6",  # one that would be long
        rtu_frame(READ_SOC)[:-1] + b"\0",  # a wrong checksum
        bytes(range(256)) * 3,
        rtu_frame(b"\4\2\1\xf4", 9),  # what another unit answered
        rtu_frame(b"\x84\2", 9),
    ],
)
async def test_garbage_then_a_request(tmp_path: Path, noise: bytes) -> None:
    assert len(await check_still_there(tmp_path, noise)) == SOC_ANSWER


async def test_requests_in_one_lump_are_all_answered(tmp_path: Path) -> None:
    heard = await check_still_there(tmp_path, rtu_frame(READ_SOC) * 4, 5)
    assert heard[:SOC_ANSWER] * 5 == heard


async def test_exceptions(tmp_path: Path) -> None:
    async with rtu(tmp_path, {1: unit_of()[1]}) as master:
        for request, code in (
            (b"\x41\1\2\3", 1),  # a function of nobody, so of unknown length
            (struct.pack(">BHH", 8, 0, 1), 1),
            (struct.pack(">BHH", 4, 32002, 0), 3),
            (struct.pack(">BHH", 4, 32002, 126), 3),
            (struct.pack(">BHH", 4, 32003, 1), 2),
        ):
            master.send(rtu_frame(request))
            assert await master.hear(5) == rtu_frame(bytes((request[0] | 0x80, code)))


async def test_a_serial_device_that_is_not_there() -> None:
    with pytest.raises(EndpointError, match=r"^cannot open /dev/no-such-tty: No such file or directory$"):
        await RtuEndpoint("/dev/no-such-tty", 9600, 8, "N", 1, 1.0, {}).open()


def test_a_request_is_found_behind_any_noise_in_any_pieces() -> None:
    dice = random.Random(1)
    for _ in range(300):
        noise = dice.randbytes(dice.randrange(40))
        wire = noise + rtu_frame(READ_SOC)
        framing, buffer, found = RtuFraming(DecodePDU(True)), bytearray(), []
        while wire:
            size = dice.randrange(1, 12)
            buffer += wire[:size]
            wire = wire[size:]
            while frame := framing.take(buffer):
                found.append(frame)
        assert found == [(1, 0, READ_SOC)], noise.hex()
        assert not buffer


def test_noise_without_end_is_not_kept() -> None:
    dice, framing, buffer = random.Random(2), RtuFraming(DecodePDU(True)), bytearray()
    for _ in range(40):
        buffer += dice.randbytes(100)
        framing.take(buffer)
        assert len(buffer) <= 2 * RtuFraming.LONGEST


async def test_a_line_that_was_gone_is_served_again(tmp_path: Path) -> None:
    _, unit = unit_of()
    with serial_cable(tmp_path) as (ours, _):
        endpoint = RtuEndpoint(ours, 115200, 8, "N", 1, 1.0, {1: unit})
        await endpoint.open()
        await asyncio.sleep(0.05)
    with serial_cable(tmp_path) as (_, theirs):
        master = SerialMaster(theirs)
        try:
            for _ in range(20):
                master.send(rtu_frame(READ_SOC))
                if heard := await master.hear(SOC_ANSWER, patience_s=0.5):
                    break
            assert heard[:3] == b"\1\4\2"
        finally:
            master.close()
            endpoint.close()
