"""Modbus TCP: every register through a real client, and the rules of the wire byte by byte."""

import struct
from typing import Any

import pytest
from modbus_wire import StandIn, tcp, tcp_frame, unit_of
from pymodbus.client import AsyncModbusTcpClient

from nullwatt.serve.modbus import (
    SHIPPED,
    DeviceContext,
    EndpointError,
    Register,
    TcpEndpoint,
    parse_register_map,
    shipped_register_map,
)

READ_SOC = struct.pack(">BHH", 4, 32002, 1)


async def read(client: Any, register: Register, unit: int = 1) -> float:
    """The physical value of a register, as an independent client finds it."""
    if register.table == 2:
        reply = await client.read_discrete_inputs(register.address, count=1, device_id=unit)
        return float(reply.bits[0])
    ask = client.read_input_registers if register.table == 4 else client.read_holding_registers
    reply = await ask(register.address, count=register.count, device_id=unit)
    assert not reply.isError(), (register.name, reply)
    kind = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i"}[register.codec.kind]
    words = reply.registers if register.codec.endian == "big" else reply.registers[::-1]
    raw: int = struct.unpack(kind, struct.pack(f">{len(words)}H", *words))[0]
    return raw * register.codec.scale


@pytest.mark.parametrize("kind", SHIPPED)
async def test_every_register_of_every_shipped_map(kind: str) -> None:
    asset, unit = unit_of(kind)
    async with tcp({1: unit}) as (endpoint, _), AsyncModbusTcpClient("127.0.0.1", port=endpoint.port) as client:
        for register in unit.registers:
            if register.direction == "read":
                assert await read(client, register) == pytest.approx(asset.values[register.name]), register.name


async def test_word_order_little() -> None:
    entry = {"name": "p", "address": 7, "func": 3, "direction": "read", "type": "int32", "count": 2}
    registers = parse_register_map({"registers": [{**entry, "scale": 0.1, "endian": "little"}]})
    unit = DeviceContext(StandIn({"p": -12345.6}), registers, lambda: 0)
    async with tcp({1: unit}) as (endpoint, master), AsyncModbusTcpClient("127.0.0.1", port=endpoint.port) as client:
        assert await read(client, registers["p"]) == pytest.approx(-12345.6)
        words = struct.unpack(">HH", struct.pack(">i", -123456))
        assert await master.ask(bytes((3, 0, 7, 0, 2))) == struct.pack(">BBHH", 3, 4, *reversed(words))


@pytest.mark.parametrize("kind", SHIPPED)
async def test_every_written_register_becomes_its_command(kind: str) -> None:
    asset, unit = unit_of(kind)
    async with tcp({1: unit}) as (endpoint, _), AsyncModbusTcpClient("127.0.0.1", port=endpoint.port) as client:
        for number, register in enumerate(each for each in unit.registers if each.direction == "write"):
            value = (number + 1) * register.codec.scale
            words = list(register.codec.encode(value))
            if register.count == 1 and register.func == 6:
                assert not (await client.write_register(register.address, words[0], device_id=1)).isError()
            else:
                assert not (await client.write_registers(register.address, words, device_id=1)).isError()
            assert asset.told[-1] == (register.internal_name, pytest.approx(value))


async def test_32_bits_in_two_single_writes_or_one_multiple_write() -> None:
    asset, unit = unit_of()
    low, high = struct.unpack(">HH", struct.pack(">i", -205))[::-1]
    async with tcp({1: unit}) as (_, master):
        await master.ask(struct.pack(">BHH", 6, 10126, high))
        assert asset.told == []
        await master.ask(struct.pack(">BHH", 6, 10127, low))
        assert asset.told == [("active_power_setpoint", -20.5)]
        await master.ask(struct.pack(">BHHBHH", 16, 10126, 2, 4, 0, 55))
        assert asset.told[1:] == [("active_power_setpoint", 5.5)]
        # Half a value and nothing more is no command, also not with half of an older one.
        await master.ask(struct.pack(">BHH", 6, 10127, 99))
        assert len(asset.told) == 2


async def test_written_registers_show_what_was_written_and_then_what_is_applied() -> None:
    asset, unit = unit_of(limit=50)
    async with tcp({1: unit}) as (_, master):
        assert await master.ask(struct.pack(">BHH", 3, 10325, 1)) == bytes((3, 2, 0, 0))
        echo = struct.pack(">BHH", 16, 10325, 1)
        assert await master.ask(echo + struct.pack(">BH", 2, 900)) == echo
        assert await master.ask(struct.pack(">BHH", 3, 10325, 1)) == struct.pack(">BBH", 3, 2, 900)
        asset.step()
        assert await master.ask(struct.pack(">BHH", 3, 10325, 1)) == struct.pack(">BBH", 3, 2, 500)


async def test_mask_write_and_exchange() -> None:
    asset, unit = unit_of()
    async with tcp({1: unit}) as (endpoint, _), AsyncModbusTcpClient("127.0.0.1", port=endpoint.port) as client:
        await client.write_register(10057, 0x12, device_id=1)
        reply = await client.mask_write_register(address=10057, and_mask=0xF2, or_mask=0x25, device_id=1)
        assert not reply.isError()
        assert asset.told[-1] == ("local_remote_settings", 0x17)  # the example of the specification
        exchanged = await client.readwrite_registers(
            read_address=10057, read_count=1, write_address=10057, values=[3], device_id=1
        )
        assert exchanged.registers == [3]
        assert asset.told[-1] == ("local_remote_settings", 3)


async def test_requests_coalesced_in_one_segment_are_all_answered_in_order() -> None:
    asset, unit = unit_of()
    async with tcp({1: unit}) as (_, master):
        master.send(b"".join(tcp_frame(READ_SOC, transaction) for transaction in range(100, 150)))
        for transaction in range(100, 150):
            heard = await master.answer()
            assert heard[0] == transaction
            assert struct.unpack(">H", heard[2][2:])[0] == round(asset.values["system_soc"] * 10)


async def test_a_request_in_single_bytes() -> None:
    _, unit = unit_of()
    async with tcp({1: unit}) as (_, master):
        for byte in tcp_frame(READ_SOC, 9) + tcp_frame(READ_SOC, 10):
            master.send(bytes((byte,)))
            await master.writer.drain()
        assert [(await master.answer())[0] for _ in range(2)] == [9, 10]


@pytest.mark.parametrize("function", [3, 4])
@pytest.mark.parametrize("count", [0, 126, 127, 65535])
async def test_count_of_registers(function: int, count: int) -> None:
    async with tcp({1: unit_of()[1]}) as (_, master):
        # Also where there is nothing: the count is looked at first.
        assert await master.ask(struct.pack(">BHH", function, 32002, count), 77) == bytes((function | 0x80, 3))


async def test_counts_of_everything_else() -> None:
    async with tcp({1: unit_of("chp")[1]}) as (_, master):
        for function, count in ((1, 0), (1, 2001), (2, 0), (2, 2001)):
            assert await master.ask(struct.pack(">BHH", function, 10001, count)) == bytes((function | 0x80, 3))
        for function, most in ((15, 1968), (16, 123)):
            for count, length in ((0, 0), (most + 1, 255), (2, 3), (1, 0)):
                request = struct.pack(">BHHB", function, 41001, count, length) + bytes(min(length, 246))
                assert await master.ask(request) == bytes((function | 0x80, 3)), (function, count)
        assert await master.ask(struct.pack(">BHHHHB", 23, 41001, 0, 41001, 1, 2) + bytes(2)) == bytes((0x97, 3))
        assert await master.ask(struct.pack(">BHHHHB", 23, 41001, 1, 41001, 122, 243) + bytes(243)) == bytes((0x97, 3))


@pytest.mark.parametrize("request_", [b"\x04", b"\x04\0\0\0", b"\x06\0\0", b"\x04\0\0\0\1\0", b"\x10", b"\x16\0\0"])
async def test_requests_of_a_wrong_length(request_: bytes) -> None:
    async with tcp({1: unit_of()[1]}) as (_, master):
        assert await master.ask(request_) == bytes((request_[0] | 0x80, 3))


@pytest.mark.parametrize(
    "request_",
    [
        struct.pack(">BHH", 4, 32003, 1),
        struct.pack(">BHH", 4, 32002, 2),  # 32003 is not there
        struct.pack(">BHH", 4, 65535, 2),
        struct.pack(">BHH", 3, 32002, 1),  # an input register
        struct.pack(">BHH", 1, 0, 1),
        struct.pack(">BHH", 2, 0, 1),
        struct.pack(">BHH", 5, 0, 0xFF00),
        struct.pack(">BHH", 6, 32002, 1),
        struct.pack(">BHHBB", 15, 0, 1, 1, 1),
        struct.pack(">BHHBHH", 16, 10055, 2, 4, 1, 1),  # 10056 is not there
        struct.pack(">BHHH", 22, 32002, 0, 0),
        struct.pack(">BHHHHBH", 23, 32002, 1, 10055, 1, 2, 1),
    ],
)
async def test_an_address_that_is_not_there(request_: bytes) -> None:
    asset, unit = unit_of()
    async with tcp({1: unit}) as (_, master):
        assert await master.ask(request_) == bytes((request_[0] | 0x80, 2))
        assert asset.told == []


async def test_a_value_the_device_does_not_take() -> None:
    asset, unit = unit_of(limit=66)
    async with tcp({1: unit}) as (_, master):
        assert await master.ask(struct.pack(">BHHBHH", 16, 10126, 2, 4, 0, 661)) == bytes((0x90, 3))
        assert asset.told == []
        assert await master.ask(struct.pack(">BHH", 5, 0, 1)) == bytes((0x85, 3))


@pytest.mark.parametrize("function", [0, 7, 8, 9, 24, 43, 65, 100, 127])
async def test_unknown_function_has_the_right_transaction(function: int) -> None:
    async with tcp({1: unit_of()[1]}) as (_, master):
        assert await master.ask(bytes((function, 0, 1, 0, 1)), 0xBEEF) == bytes((function | 0x80, 1))
        assert (await master.ask(READ_SOC, 0xBEF0))[0] == 4


async def test_several_units_and_one_that_is_not_there() -> None:
    (first, one), (second, two) = unit_of(), unit_of()
    first.values["system_soc"], second.values["system_soc"] = 11.0, 22.0
    async with tcp({1: one, 7: two}) as (_, master):
        assert await master.ask(READ_SOC, 1, 1) == bytes((4, 2, 0, 110))
        assert await master.ask(READ_SOC, 2, 7) == bytes((4, 2, 0, 220))
        for unit in (0, 2, 255):
            assert await master.ask(READ_SOC, 3, unit) == bytes((0x84, 11))


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 40, b"\0\1\0\0\0\0\1\4", b"\0\1\0\0\xff\xff\1\4"]
)
async def test_garbage_ends_the_connection_after_what_was_right(garbage: bytes) -> None:
    async with tcp({1: unit_of()[1]}) as (endpoint, master):
        master.send(tcp_frame(READ_SOC, 5) + garbage + tcp_frame(READ_SOC, 6))
        assert (await master.answer())[0] == 5
        assert await master.ended() == b""
        # The next connection is a new one.
        async with AsyncModbusTcpClient("127.0.0.1", port=endpoint.port) as client:
            assert not (await client.read_input_registers(32002, count=1, device_id=1)).isError()


async def test_a_device_that_fails_is_exception_4_and_no_more() -> None:
    asset, unit = unit_of()
    async with tcp({1: unit}) as (_, master):
        soc = asset.values.pop("system_soc")
        assert await master.ask(READ_SOC) == bytes((0x84, 4))
        asset.values["system_soc"] = soc
        assert (await master.ask(READ_SOC))[0] == 4


async def test_values_beyond_the_type_saturate() -> None:
    """The reference shows 1,000 kW as 344.64."""
    asset, unit = unit_of()
    asset.values["max_charge_power"] = 1000.0
    async with tcp({1: unit}) as (endpoint, _), AsyncModbusTcpClient("127.0.0.1", port=endpoint.port) as client:
        assert await read(client, shipped_register_map("bess")["max_charge_power"]) == pytest.approx(655.35)


async def test_a_register_the_device_knows_nothing_of_is_a_memory() -> None:
    asset = StandIn({"system_soc": 50.0, "grid_voltage_ab": 400.0}, ["fault_reset"])
    unit = DeviceContext(asset, shipped_register_map("bess"), lambda: asset.steps)
    assert {"active_power", "power_control_mode"} <= set(unit.unknown)
    assert not {"system_soc", "a_b_line_voltage", "fault_reset"} & set(unit.unknown)
    async with tcp({1: unit}) as (_, master):
        assert await master.ask(struct.pack(">BHH", 4, 10059, 2)) == bytes((4, 4, 0, 0, 0, 0))
        assert await master.ask(struct.pack(">BHH", 4, 10250, 1)) == struct.pack(">BBH", 4, 2, 4000)
        await master.ask(struct.pack(">BHH", 6, 10125, 7))
        asset.step()
        assert await master.ask(struct.pack(">BHH", 3, 10125, 1)) == struct.pack(">BBH", 3, 2, 7)
        assert asset.told == []


async def test_addresses_that_cannot_be_listened_on() -> None:
    async with tcp({}) as (endpoint, _):
        for ip, port, line in (
            ("127.0.0.1", endpoint.port, f"cannot listen on 127.0.0.1:{endpoint.port}: "),
            ("203.0.113.9", 5020, "cannot listen on 203.0.113.9:5020: "),
            ("no-such-host.invalid", 5020, "cannot listen on no-such-host.invalid:5020: "),
        ):
            with pytest.raises(EndpointError) as error:
                await TcpEndpoint(ip, port, {}).open()
            assert str(error.value).startswith(line) and "\n" not in str(error.value)
            assert "[Errno" not in str(error.value)


async def test_a_closed_endpoint_ends_its_connections_and_frees_its_port() -> None:
    async with tcp({1: unit_of()[1]}) as (endpoint, master):
        await master.ask(READ_SOC)
        endpoint.close()
        assert await master.ended() == b""
        again = TcpEndpoint("127.0.0.1", endpoint.port, {})
        await again.open()
        again.close()
