"""The grid meters of the MicroPython application, against real servers that answer right and wrong."""

import asyncio
import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import counterparts
import pytest
from counterparts import Answer, Program, Request, Tcp, Web, document, reply, web
from test_mp_http import Guard
from test_mp_net import Board, Broker, until

from nullwatt.core import decode_frame, encode_frame

sys.path.append(str(Path(__file__).parents[2] / "tools"))
from micropython_meters import PAGE, page

type Start = Callable[..., Program]
type Serve = Callable[..., Web]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def start(micropython: Path, tmp_path: Path, stack: ExitStack) -> Start:
    """Run a meter: start(type=..., ...), ten readings a second."""

    def run(**section: Any) -> Program:
        section = {"interval": 0.1, **section}
        started = counterparts.program(micropython, "run_meter.py", json.dumps(section), folder=tmp_path)
        return stack.enter_context(started)

    return run


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    """A server: serve({path: what it answers, a document or bytes}), 404 for others; or serve(function)."""

    def run(answers: dict[str, Any] | Callable[[Request], Answer]) -> Web:
        def answer(request: Request) -> Answer:
            assert isinstance(answers, dict)
            if request.path not in answers:
                return reply("no", 404)
            found = answers[request.path]
            return found if isinstance(found, bytes) or callable(found) else document(found)

        return stack.enter_context(web(answer if isinstance(answers, dict) else answers))

    return run


def refused(program: Program) -> str:
    """The one line of a configuration that cannot be used."""
    code, text = program.end()
    assert code == 2, text
    assert len(text.splitlines()) == 1
    return text.removeprefix("config: ")


# -- Shelly

EM = {
    "id": 0,
    "a_act_power": 100.5,
    "b_act_power": -20.25,
    "c_act_power": 3,
    "total_act_power": 83.3,
    "n_current": None,
}
NO_HANDLER = reply('{"code":404,"message":"No handler"}', 404)
NOT_FOUND = reply('{"code":-105,"message":"Argument id, value 0 not found!"}', 500)


def emeters(*powers: Any) -> dict[str, Any]:
    return {"emeters": [{"power": power, "is_valid": True} for power in powers], "meters": []}


@pytest.mark.parametrize(
    ("answers", "keys", "values"),
    [
        ({"/rpc/EM.GetStatus?id=0": EM}, {}, [100.5, -20.25, 3.0]),
        ({"/rpc/EM.GetStatus?id=0": EM}, {"total": True}, [83.3]),
        ({f"/rpc/EM1.GetStatus?id={i}": {"act_power": 10 * i - 5} for i in range(3)}, {}, [-5.0]),
        ({f"/rpc/EM1.GetStatus?id={i}": {"act_power": 10 * i - 5} for i in range(3)}, {"channels": [1]}, [5.0]),
        (
            {f"/rpc/EM1.GetStatus?id={i}": {"act_power": 10 * i - 5} for i in range(3)},
            {"channels": [0, 1, 2]},
            [-5.0, 5.0, 15.0],
        ),
        (
            {f"/rpc/EM1.GetStatus?id={i}": {"act_power": 10 * i - 5} for i in range(3)},
            {"channels": [0, 1, 2], "total": True},
            [15.0],
        ),
        ({"/rpc/PM1.GetStatus?id=0": {"apower": 7.5}}, {}, [7.5]),
        ({"/rpc/Switch.GetStatus?id=0": {"apower": -7.5}}, {}, [-7.5]),
        ({"/rpc/Switch.GetStatus?id=0": {"apower": -7.5}}, {"factor": -1}, [7.5]),
    ],
)
def test_shelly_of_the_second_generation(
    start: Start, serve: Serve, answers: dict[str, Any], keys: dict[str, Any], values: list[float]
) -> None:
    gone = {f"/rpc/{name}.GetStatus?id=0": NO_HANDLER for name in ("EM", "EM1", "PM1")}
    server = serve({"/shelly": {"id": "x", "gen": 2, "app": "y"}, **gone, **answers})
    meter = start(type="shelly", host=server.host, **keys)
    assert meter.take() == pytest.approx(values)
    assert meter.take() == pytest.approx(values)
    # asked for what it is only once
    assert [request.path for request in server.requests].count("/shelly") == 1


@pytest.mark.parametrize(
    ("answers", "keys", "values"),
    [
        ({"/status": emeters(1.5, 2, -3), "/emeter/0": {"power": 1.5}}, {}, [1.5, 2.0, -3.0]),
        ({"/status": emeters(1.5, 2, -3), "/emeter/0": {"power": 1.5}}, {"total": True}, [0.5]),
        ({"/status": emeters(1.5, 2), "/emeter/0": {"power": 1.5}}, {}, [1.5]),
        ({"/status": emeters(1.5, 2), "/emeter/1": {"power": 2, "is_valid": True}}, {"channels": [1]}, [2.0]),
        ({"/status": {"meters": [{"power": 60}]}, "/meter/0": {"power": 60}}, {}, [60.0]),
        ({"/status": {"meters": [{"power": 60}]}}, {"component": "meter"}, [60.0]),
    ],
)
def test_shelly_of_the_first_generation(
    start: Start, serve: Serve, answers: dict[str, Any], keys: dict[str, Any], values: list[float]
) -> None:
    server = serve({"/shelly": {"type": "SHEM", "auth": False}, **answers})
    assert start(type="shelly", host=server.host, **keys).take() == values


def test_shelly_named_is_not_asked_what_it_is(start: Start, serve: Serve) -> None:
    server = serve({"/rpc/EM.GetStatus?id=0": EM})
    assert start(type="shelly", host=server.host, component="EM").take() == [100.5, -20.25, 3.0]
    assert {request.path for request in server.requests} == {"/rpc/EM.GetStatus?id=0"}


def test_shelly_with_a_password(start: Start, serve: Serve) -> None:
    guard = Guard("SHA-256")

    def answer(request: Request) -> Answer:
        if request.path == "/shelly":  # open on every Shelly
            return document({"gen": 3, "auth_en": True})
        answered = guard(request)
        return document(EM) if answered.startswith(b"HTTP/1.1 200") else answered

    server = serve(answer)
    meter = start(type="shelly", host=server.host, password="geheim")
    assert meter.take() == [100.5, -20.25, 3.0]
    assert meter.take() == [100.5, -20.25, 3.0]
    for keys, words in (({"password": "falsch"}, "is wrong"), ({}, "wants its password")):
        wrong = start(type="shelly", host=server.host, **keys)
        assert words in wrong.wait_for("meter: ")
        assert wrong.take() is None
        assert "falsch" not in "".join(wrong.lines)


@pytest.mark.parametrize(
    ("about", "answers", "words"),
    [
        ({"name": "x"}, {}, "no Shelly"),
        ([1], {}, "no Shelly"),
        ({"gen": "2"}, {}, "no Shelly"),
        ({"gen": 2}, {"/rpc/EM.GetStatus?id=0": NOT_FOUND}, "nothing that measures"),
        ({"gen": 2}, {"/rpc/EM.GetStatus?id=0": {**EM, "b_act_power": None}}, "b_act_power is null"),
        ({"gen": 2}, {"/rpc/EM.GetStatus?id=0": {"a_act_power": 1}}, "no b_act_power"),
        ({"gen": 2}, {"/rpc/EM.GetStatus?id=0": 5}, "no a_act_power"),
        ({"type": "SHEM"}, {"/emeter/0": {}, "/status": {"emeters": [{"power": 5, "is_valid": False}]}}, "not valid"),
        ({"type": "SHEM"}, {"/emeter/0": {}, "/status": {"emeters": {"power": 5}}}, "not a list"),
        ({"type": "SHEM"}, {"/emeter/0": {}, "/status": {"emeters": []}}, "there is no 0"),
    ],
)
def test_shelly_that_tells_no_power(
    start: Start, serve: Serve, about: Any, answers: dict[str, Any], words: str
) -> None:
    meter = start(type="shelly", host=serve({"/shelly": about, **answers}).host)
    assert words in meter.wait_for("meter: ")
    assert meter.take() is None


# -- Tasmota


def tasmota(prefix: str, content: Any) -> dict[str, Any]:
    return {"/cm?cmnd=status%2010": {"StatusSNS": {"Time": "2026-01-01T00:00:00", prefix: content}}}


@pytest.mark.parametrize(
    ("answers", "keys", "values"),
    [
        (tasmota("ENERGY", {"Power": 312}), {}, [312.0]),
        (tasmota("ENERGY", {"Power": [1, 2, 3]}), {}, [1.0, 2.0, 3.0]),
        (tasmota("SML", {"Power_curr": -0.5}), {"prefix": "SML", "labels": ["Power_curr"]}, [-0.5]),
        (tasmota("M", {"a": 1, "b": 2, "c": 3}), {"prefix": "M", "labels": ["a", "b", "c"]}, [1.0, 2.0, 3.0]),
        (tasmota("M", {"i": 1, "o": 0.25}), {"prefix": "M", "labels": ["i"], "labels_out": ["o"], "unit": "kW"}, [750]),
    ],
)
def test_tasmota(start: Start, serve: Serve, answers: Any, keys: dict[str, Any], values: list[float]) -> None:
    assert start(type="tasmota", host=serve(answers).host, **keys).take() == values


def test_tasmota_with_a_password(start: Start, serve: Serve) -> None:
    server = serve(
        {
            "/cm?cmnd=status%2010&user=admin&password=a%26b%20%C3%A4": {"StatusSNS": {"ENERGY": {"Power": 5}}},
            "/cm?cmnd=status%2010": {"WARNING": "Need user=<username>&password=<password>"},
        }
    )
    assert start(type="tasmota", host=server.host, password="a&b ä").take() == [5.0]
    without = start(type="tasmota", host=server.host)
    assert "wants user and password" in without.wait_for("meter: ")


# -- JSON over HTTP

DEEP = {"data": [{"power": "123 W"}, {"power": "0.4kW"}], "a": {"b": [1, 2, {"c": -7.5}]}, "m": "12000 mW", "t": " 5 "}


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ({"paths": ["data.0.power"]}, [123.0]),
        ({"paths": ["data[0].power", "data.1.power", "a.b[2].c"]}, [123.0, 400.0, -7.5]),
        ({"paths": ["a.b[1]"], "paths_out": ["a.b[0]"], "unit": "kW"}, [1000.0]),
        ({"paths": ["data.0.power"], "unit": "kW"}, [123.0]),  # the text's own unit counts
        ({"paths": ["m", "t"]}, [12.0, 5.0]),
        ({"paths": ["t"], "factor": -2}, [-10.0]),
    ],
)
def test_json_over_http(start: Start, serve: Serve, keys: dict[str, Any], values: list[float]) -> None:
    server = serve({"/x?y=1": DEEP})
    meter = start(type="http", url=f"{server.url}/x?y=1", headers={"X-Key": "abc"}, **keys)
    assert meter.take() == pytest.approx(values)
    assert server.requests[0].headers["x-key"] == "abc"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (reply("oops", 500), "answers 500"),
        (reply("", 401, 'WWW-Authenticate: Basic realm="x"\r\n'), "401: user or password is wrong"),
        (reply("", 302, "Location: /\r\n"), "answers 302"),
        (reply("<html>Welcome</html>"), 'not JSON: "<html>Welcome</html>"'),
        (reply(""), "not JSON"),
        (reply(b"\xff\xfe\x00"), "not JSON"),
        (reply(b'"\xff"'), "not JSON"),
        (reply('{"power": NaN}'), "not JSON"),
        (reply("{" * 9000), ""),
        (reply("[" * 16000), ""),
        (reply('{"power": 5'), "not JSON"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"power": 5', "not JSON"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"power": 50}', "cut off"),
        (document({"power": None}), "power is null, must be a number"),
        (document({"power": True}), "power is true"),
        (document({"power": [5]}), "power is a list"),
        (document({"power": {"now": 5}}), "power is an object"),
        (document({"power": "unknown"}), 'power is "unknown"'),
        (document({"power": ""}), 'power is ""'),
        (document({"power": "nan"}), 'power is "nan"'),
        (document({"power": "1,5 W"}), "the unit ,5 W"),
        (document({"power": "5 kWh"}), "the unit kWh"),
        (reply('{"power": 1e999}'), "must be a finite number"),
        (reply('{"power": -1' + "0" * 60 + "}"), "more than any house has"),
        (reply('{"power": 1' + "0" * 15000 + "}"), "not JSON"),
        (reply('{"power": 2147483647}'), "more than any house has"),
        (document({"energy": 5}), "no power in the answer"),
        (document([5]), "no power in the answer"),
        (document(5), "no power in the answer"),
        (counterparts.reset, "connection reset"),
        (counterparts.endless, "longer than 16384 bytes"),
        (counterparts.silence, "no answer in time"),
        (counterparts.drop_by_drop, "no answer in time"),
    ],
)
def test_bad_answers_are_no_reading_and_three_make_the_meter_unavailable(
    start: Start, serve: Serve, bad: Answer, words: str
) -> None:
    now: Answer = document({"power": 50})
    meter = start(type="http", url=serve(lambda _: now).url, paths=["power"], timeout=0.3, user="me", password="geheim")
    assert meter.take() == [50.0]
    now = bad
    assert words in meter.wait_for("debug meter: ")
    assert words in meter.wait_for("warning meter: unavailable")
    assert meter.take() is None
    now = document({"power": 60})
    assert meter.take() == [60.0]
    takes = [line for line in meter.lines if line.startswith("take")]
    assert sorted(set(takes)) == ["take [50.0]", "take [60.0]", "take null"]
    assert takes.count("take null") == 1
    assert "geheim" not in "".join(meter.lines)
    assert meter.sockets() <= 1  # of the reading that may be under way


def test_two_failures_are_noise(start: Start, serve: Serve) -> None:
    count = 0

    def answer(_: Request) -> Answer:
        nonlocal count
        count += 1
        return reply("", 500) if count % 3 else document({"power": count})

    meter = start(type="http", url=serve(answer).url, paths=["power"])
    assert [meter.take() for _ in range(4)] == [[3.0], [6.0], [9.0], [12.0]]


# -- Home Assistant


def state(value: Any, unit: Any = "W") -> dict[str, Any]:
    return {"entity_id": "x", "state": value, "attributes": {"unit_of_measurement": unit}}


@pytest.mark.parametrize(
    ("states", "keys", "values"),
    [
        ([state("123.5")], {}, [123.5]),
        ([state("0.5", "kW"), state("2500", "mW"), {"state": "-3"}], {}, [500.0, 2.5, -3.0]),
        ([state("2"), state("0.5", "kW")], {"in_out": True}, [-498.0]),
    ],
)
def test_home_assistant(
    start: Start, serve: Serve, states: list[Any], keys: dict[str, Any], values: list[float]
) -> None:
    server = serve({f"/api/states/sensor.p{i}": one for i, one in enumerate(states)})
    names = [f"sensor.p{i}" for i in range(len(states))]
    lists = {"entities": names[:1], "entities_out": names[1:]} if keys else {"entities": names}
    meter = start(type="home_assistant", url=server.url, token="to.k-en", **lists)
    assert meter.take() == pytest.approx(values)
    assert server.requests[0].headers["authorization"] == "Bearer to.k-en"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (state("unavailable"), "sensor.p is unavailable"),
        (state("unknown"), "sensor.p is unknown"),
        (state("on", None), 'sensor.p is "on"'),
        (state("5", "kWh"), "the unit kWh"),
        (state(None), "sensor.p is null"),
        ({"attributes": {}}, "no state"),
        (reply('{"message":"Entity not found."}', 404), "answers 404: not found"),
        (reply("401: Unauthorized", 401), "answers 401"),
    ],
)
def test_home_assistant_without_a_power(start: Start, serve: Serve, answer: Any, words: str) -> None:
    server = serve({"/api/states/sensor.p": answer})
    meter = start(type="home_assistant", url=server.url, token="geheim", entities=["sensor.p"])
    assert words in meter.wait_for("meter: ")
    assert meter.take() is None
    assert "geheim" not in "".join(meter.lines)


# -- Modbus TCP


class ModbusServer:
    """pymodbus in a thread; device 7 with registers at 100 to 119 and nothing else."""

    def __init__(self, port: int = 0) -> None:
        from pymodbus.server import ModbusTcpServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        self.port = port or free_port()
        self.connections = 0
        words = [5, 0xFFFB, 0xFFFF, 0xFF9C, *struct.unpack(">HH", struct.pack(">f", -12.5)), 0x7FC0, 0, 0xFF9C, 0xFFFF]
        holding = [SimData(100, values=words, datatype=DataType.REGISTERS)]
        inputs = [SimData(100, values=[77], datatype=DataType.REGISTERS)]
        nothing = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        device = SimDevice(7, simdata=(nothing, nothing, holding, inputs))
        self._loop = asyncio.new_event_loop()

        def connected(is_there: bool) -> None:
            self.connections += is_there

        async def serve() -> None:
            self._server = ModbusTcpServer(device, address=("127.0.0.1", self.port), trace_connect=connected)
            await self._server.serve_forever(background=True)

        self._loop.run_until_complete(serve())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


@pytest.fixture
def modbus() -> Iterator[ModbusServer]:
    server = ModbusServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ({"registers": [100]}, [5.0]),
        ({"registers": [100, 101]}, [5.0, -5.0]),
        ({"registers": [101], "value_type": "uint16", "factor": 0.1}, [6553.1]),
        ({"registers": [102], "value_type": "int32"}, [-100.0]),
        ({"registers": [108], "value_type": "int32", "word_order": "little"}, [-100.0]),
        ({"registers": [100], "value_type": "uint32"}, [5 * 65536 + 0xFFFB]),
        ({"registers": [104], "value_type": "float32", "factor": -1}, [12.5]),
        ({"registers": [100], "register_type": "input"}, [77.0]),
    ],
)
def test_modbus(start: Start, modbus: ModbusServer, keys: dict[str, Any], values: list[float]) -> None:
    meter = start(type="modbus", host="127.0.0.1", port=modbus.port, unit=7, **keys)
    for _ in range(3):
        assert meter.take() == pytest.approx(values)
    assert modbus.connections == 1
    assert meter.sockets() == 1


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"registers": [500]}, "register 500: illegal data address"),
        ({"registers": [106], "value_type": "float32"}, "the power is nan, must be a finite number"),
    ],
)
def test_modbus_without_a_power(start: Start, modbus: ModbusServer, keys: dict[str, Any], words: str) -> None:
    meter = start(type="modbus", host="127.0.0.1", port=modbus.port, unit=7, **keys)
    assert words in meter.wait_for("meter: ")
    assert meter.take() is None
    assert modbus.connections == 1


def test_modbus_comes_back_with_its_server(start: Start) -> None:
    server = ModbusServer()
    meter = start(type="modbus", host="127.0.0.1", port=server.port, unit=7, registers=[100])
    assert meter.take() == [5.0]
    server.close()
    assert "connection refused" in meter.wait_for("unavailable")
    again = ModbusServer(server.port)
    assert meter.take() is None
    assert meter.take() == [5.0]
    again.close()


def modbus_reply(
    request: bytes,
    body: bytes = b"\x03\x02\x00\x05",
    transaction: int | None = None,
    protocol: int = 0,
    length: int = 0,
) -> bytes:
    number = int.from_bytes(request[:2]) if transaction is None else transaction
    return struct.pack(">HHHB", number, protocol, length or len(body) + 1, request[6]) + body


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda request: modbus_reply(request, transaction=999), "answer to request 999"),
        (lambda request: modbus_reply(request, protocol=1), "not Modbus"),
        (lambda request: modbus_reply(request, length=9999), "not Modbus"),
        (lambda request: modbus_reply(request, length=1), "not Modbus"),
        (lambda request: modbus_reply(request, b"\x04\x02\x00\x05"), "an answer to something else"),
        (lambda request: modbus_reply(request, b"\x03\x04\x00\x05\x00\x06"), "an answer to something else"),
        (lambda request: modbus_reply(request, b"\x03\x02\x00\x05\x00"), "an answer to something else"),
        (lambda request: modbus_reply(request, b"\x83\x06"), "register 3: device busy"),
        (lambda request: modbus_reply(request, b"\x83\x0b"), "behind the gateway does not answer"),
        (lambda request: modbus_reply(request, b"\x83\x63"), "exception 99"),
        (lambda request: b"HTTP/1.1 400 Bad Request\r\n\r\n", "not Modbus"),
        (lambda request: b"", "no answer in time"),
        (lambda request: modbus_reply(request)[:9], "no answer in time"),
        (lambda request: None, "connection closed"),
    ],
)
def test_modbus_devices_that_answer_wrong(
    start: Start, stack: ExitStack, bad: Callable[[bytes], bytes | None], words: str
) -> None:
    count = 0

    def answer(made: socket.socket) -> None:
        nonlocal count
        while request := made.recv(12, socket.MSG_WAITALL):
            count += 1
            assert request[2:] == bytes.fromhex("0000 0006 01 03 0003 0001")
            answered = bad(request) if 2 <= count <= 5 else modbus_reply(request)
            if answered is None:
                return
            made.sendall(answered)

    server = Tcp(answer)
    stack.callback(server.close)
    meter = start(type="modbus", host="127.0.0.1", port=server.port, registers=[3], timeout=0.3)
    assert meter.take() == [5.0]
    assert words in meter.wait_for("meter: ")
    assert meter.take() in (None, [5.0])
    assert meter.take() == [5.0]
    assert meter.sockets() == 1
    assert all(line in ("take [5.0]", "take null") for line in meter.lines if line.startswith("take"))


def test_modbus_that_closes_when_idle_is_no_failure(start: Start, stack: ExitStack) -> None:
    def answer(made: socket.socket) -> None:
        made.sendall(modbus_reply(made.recv(12, socket.MSG_WAITALL)))

    server = Tcp(answer)
    stack.callback(server.close)
    meter = start(type="modbus", host="127.0.0.1", port=server.port, registers=[3])
    for _ in range(5):
        assert meter.take() == [5.0]
    assert not [line for line in meter.lines if "meter:" in line]
    assert server.connections >= 5


# -- SML

PTY_METER = """
import io
from nullwatt.keys import Key
from nullwatt.meters.sml import Sml

class PtySml(Sml):
    keys = {"path": Key(str)}
    keys.update(Sml.keys)

    def open(self):
        return open(self.options["path"], "rb")
"""
TOTAL, L1, L2, L3 = (bytes.fromhex(f"0100{code:02x}0700ff") for code in (16, 36, 56, 76))
ENERGY = bytes.fromhex("0100010800ff")


def crc_x25(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return value ^ 0xFFFF


def entry(code: bytes, value: int, scaler: int = 0, unit: int = 27, size: int = 4, kind: int = 0x50) -> bytes:
    """A list entry: name, no status, a time that is a list, unit, scaler, value, no signature."""
    number = value.to_bytes(size, "big", signed=kind == 0x50)
    time = bytes.fromhex("72 62 01 65 00 01 02 03")
    return (
        b"\x77\x07"
        + code
        + b"\x01"
        + time
        + bytes((0x62, unit, 0x52, scaler & 255, kind | size + 1))
        + number
        + b"\x01"
    )


def frame(*entries: bytes, server: bytes = b"\x0a\x01ABC\x00\x01\x02\x03\x04") -> bytes:
    """A transport frame with one GetList response."""
    length = len(entries)
    head = bytes((0x70 | length,)) if length < 16 else bytes((0xF0 | length >> 4, length & 15))
    name = bytes((len(server) + 1,)) if len(server) < 15 else bytes((0x80 | len(server) + 2 >> 4, len(server) + 2 & 15))
    values = head + b"".join(entries)
    message = b"\x76\x05\x01\x02\x03\x04\x62\x00\x62\x00\x72\x63\x07\x01\x77\x01" + name + server + b"\x01\x01" + values
    return transport(message + b"\x01\x01\x63\x12\x34\x00")


def transport(message: bytes) -> bytes:
    fill = -len(message) % 4
    message += bytes(fill)
    blocks = [message[i : i + 4] for i in range(0, len(message), 4)]
    escape = b"\x1b" * 4
    whole = escape + b"\x01" * 4 + b"".join(block * 2 if block == escape else block for block in blocks)
    whole += escape + bytes((0x1A, fill))
    return whole + crc_x25(whole).to_bytes(2, "little")


class Line:
    """A serial line: what is sent comes out of `path`."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        self.path = os.ttyname(self._slave)
        mode = termios.tcgetattr(self._slave)
        mode[0] = mode[1] = mode[3] = 0
        mode[6][termios.VMIN] = mode[6][termios.VTIME] = 0  # hand out what there is, as a UART does
        termios.tcsetattr(self._slave, termios.TCSANOW, mode)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._master, data[:256]) :]

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def line() -> Iterator[Line]:
    opened = Line()
    yield opened
    opened.close()


@pytest.fixture
def sml(start: Start, line: Line, tmp_path: Path) -> Callable[..., Program]:
    (tmp_path / "pty_meter.py").write_text(PTY_METER)
    return lambda **keys: start(type="pty_meter:PtySml", path=line.path, **keys)


@pytest.mark.parametrize(
    ("entries", "keys", "values"),
    [
        ([entry(TOTAL, 1234)], {}, [1234.0]),
        ([entry(ENERGY, 99, unit=30, size=8), entry(TOTAL, -12345, scaler=-2)], {}, [-123.45]),
        ([entry(TOTAL, 3, scaler=2, size=1)], {}, [300.0]),
        ([entry(TOTAL, 60000, size=2, kind=0x60)], {}, [60000.0]),
        ([entry(TOTAL, -1, size=8)], {}, [-1.0]),
        ([entry(L3, 3), entry(TOTAL, 6), entry(L1, 1), entry(L2, 2)], {"phases": True}, [1.0, 2.0, 3.0]),
        ([entry(L3, 3), entry(TOTAL, 6), entry(L1, 1), entry(L2, 2)], {}, [6.0]),
        ([entry(ENERGY, i, unit=30) for i in range(40)] + [entry(TOTAL, 5)], {}, [5.0]),
        ([entry(TOTAL, 0x1B1B1B1B, scaler=-3)], {}, [454761.243]),
    ],
)
def test_sml(
    sml: Callable[..., Program], line: Line, entries: list[bytes], keys: dict[str, Any], values: list[float]
) -> None:
    meter = sml(**keys)
    # every alignment of what is escaped
    for size in range(8, 12):
        line.send(frame(*entries, server=b"\x1b" * size))
        assert meter.take() == pytest.approx(values)


def test_sml_of_a_holley_meter(sml: Callable[..., Program], line: Line) -> None:
    meter = sml()
    whole = frame(entry(TOTAL, 8))[:-2]
    value = 0
    for byte in whole:  # CRC-16/KERMIT
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    line.send(whole + value.to_bytes(2, "big"))
    assert meter.take() == [8.0]


def test_sml_goes_on_after_spoilt_frames(sml: Callable[..., Program], line: Line) -> None:
    meter = sml()
    good = frame(entry(ENERGY, 7, unit=30), entry(TOTAL, 100))
    spoilt = [
        good[: len(good) // 2],
        good[:-1],
        good[: len(good) // 2] + good[len(good) // 2 + 1 :],  # a byte lost
        good[:20] + b"\x00" + good[20:],  # a byte too many
        good[:-2] + bytes((good[-2] ^ 1, good[-1])),
        good[:-3] + b"\x07" + crc_x25(good[:-3] + b"\x07").to_bytes(2, "little"),  # more filling than there can be
        b"\x1b" * 7,
        b"\x1b" * 4 + b"\x01" * 3,
        b"\x1b" * 4 + b"\x01" * 4 + b"\x1b" * 4 + b"\x02" * 4,
        os.urandom(500),
        bytes(5000),
        b"\x1b" * 4 + b"\x01" * 4 + b"\x77" * 200_000,  # more than there is memory
    ]
    for at in range(8, len(good), 7):
        spoilt.append(good[:at] + bytes((good[at] ^ 0x40,)) + good[at + 1 :])
    for number, bad in enumerate(spoilt):
        # the zeros are the pause that a meter makes
        line.send(bad + bytes(3) + frame(entry(TOTAL, number)))
        assert meter.take() == [float(number)]
    assert not [one for one in meter.lines if "meter:" in one]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (frame(entry(ENERGY, 5, unit=30)), "does not send 16.7.0"),
        (frame(entry(TOTAL, 5, unit=30)), "not in W"),
        (frame(entry(TOTAL, 5, scaler=100)), "scaler 100"),
        (frame(entry(TOTAL, 2**62, size=8)), "more than any house has"),
        (frame(entry(TOTAL, 5)[:-1] + b"\x0f"), ""),
        (transport(entry(TOTAL, 5)[:12]), "ends within a value"),
        (transport(b"\xff" * 64), "ends within a value"),
        (transport(b"\x7f" * 800), "does not send"),
        (transport(b"\x77\x07" + TOTAL + b"\x7f" * 500), "ends within a value"),
        (transport(b"\x77\x07" + TOTAL + b"\x01\x01\x62\x1b\x52\x00\x04abc\x01"), "not a number"),
        (transport(b"\x00" * 400), "does not send"),
        (transport(b""), "does not send"),
    ],
)
def test_sml_frames_without_a_power(sml: Callable[..., Program], line: Line, data: bytes, words: str) -> None:
    meter = sml()
    for _ in range(2):
        line.send(data)
        if not words:
            continue
        assert words in meter.wait_for("debug meter: ")
    line.send(data)
    if words:
        assert words in meter.wait_for("unavailable")
        assert meter.take() is None
    line.send(frame(entry(TOTAL, 5)))
    while (found := meter.take()) != [5.0]:
        assert found is None


def test_sml_silence_makes_the_meter_unavailable(sml: Callable[..., Program], line: Line) -> None:
    meter = sml(age=1.0)
    line.send(frame(entry(TOTAL, 5)))
    assert meter.take() == [5.0]
    assert meter.take() is None
    assert any("no value for 1 s" in one for one in meter.lines)
    line.send(frame(entry(TOTAL, 6)))
    assert meter.take() == [6.0]
    assert meter.take() is None


# -- what is configured wrong


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"type": "shely"}, 'meter.type = "shely": no such meter, did you mean "shelly"?'),
        ({"type": "shelly"}, "meter: needs the key host: address of the Shelly"),
        ({"type": "shelly", "host": "a b"}, "meter.host: a URL must hold neither blanks"),
        ({"type": "shelly", "host": "a", "component": "EM2"}, 'did you mean "EM"?'),
        ({"type": "shelly", "host": "a", "channels": []}, "meter.channels = []: length must be within 1 and 3"),
        ({"type": "shelly", "host": "a", "channels": ["0"]}, "meter.channels: must be whole numbers from 0"),
        ({"type": "tasmota", "host": "a", "label": ["x"]}, 'unknown key, did you mean "labels"?'),
        ({"type": "tasmota", "host": "a", "labels": [1]}, "meter.labels: 1 must be a text"),
        ({"type": "http", "url": "192.168.1.5", "paths": ["a"]}, "must start with http:// or https://"),
        (
            {"type": "http", "url": "http://a", "paths": ["a..b"]},
            'must be names and numbers with dots, such as "data.0',
        ),
        ({"type": "http", "url": "http://a", "paths": ["a"], "paths_out": ["b", "c"]}, "meter.paths_out has 2 entries"),
        ({"type": "http", "url": "http://a", "paths": ["a"], "headers": {"X": 5}}, "headers must be texts"),
        ({"type": "http", "url": "http://a", "paths": ["a"], "unit": "kw"}, 'did you mean "kW"?'),
        ({"type": "home_assistant", "url": "http://a", "entities": ["x"]}, "meter: needs the key token"),
        ({"type": "modbus", "host": "a", "registers": [70000]}, "must be whole numbers within 0 and 65535"),
        ({"type": "modbus", "host": "a", "registers": [1], "value_type": "int64"}, 'did you mean "int16"?'),
        ({"type": "mqtt", "host": "a", "topics": ["a", "b"], "paths": ["c", "d", "e"]}, "as many, or one of either"),
        ({"type": "mqtt", "host": "a", "topics": ["a/#"]}, "must not hold + or #"),
        ({"type": "mqtt", "host": "a", "topics": ["a", "a"]}, "the same topic twice"),
        ({"type": "nothing:Here"}, "there is no file nothing.py on this board"),
        ({"type": "json:Meter"}, "json has no class Meter"),
    ],
)
def test_mistakes_are_one_line(start: Start, section: dict[str, Any], words: str) -> None:
    assert words in refused(start(**section))


def test_secrets_are_not_shown(start: Start) -> None:
    for section in (
        {"type": "tasmota", "host": "a", "password": 12345},
        {"type": "home_assistant", "url": "http://a", "entities": ["x"], "token": "12345\n"},
        {"type": "http", "url": "http://me:12345@a", "paths": ["x"]},
        {"type": "http", "url": "http://a", "paths": ["x"], "headers": {"K": "12345\n"}},
    ):
        assert "12345" not in refused(start(**section))


# -- MQTT


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("keys", "messages", "values"),
    [
        ({"topics": ["p"]}, [("p", "123.5")], [123.5]),
        ({"topics": ["p"], "unit": "kW"}, [("p", " -0.5 ")], [-500.0]),
        ({"topics": ["p"]}, [("p", "0.4 kW")], [400.0]),
        ({"topics": ["p"], "paths": ["a.b", "a.c"]}, [("p", '{"a": {"b": 1, "c": "2 kW"}}')], [1.0, 2000.0]),
        ({"topics": ["x", "y", "z"]}, [("z", "3"), ("other", "9"), ("x", "1"), ("y", "2")], [1.0, 2.0, 3.0]),
        ({"topics": ["x", "y"], "paths": ["v"]}, [("y", '{"v": 2}'), ("x", '{"v": 1}')], [1.0, 2.0]),
        ({"topics": ["x", "y"], "paths": ["v", "w"]}, [("y", '{"v": 9, "w": 2}'), ("x", '{"v": 1}')], [1.0, 2.0]),
    ],
)
def test_mqtt(
    start: Start, broker: Broker, keys: dict[str, Any], messages: list[tuple[str, str]], values: list[float]
) -> None:
    meter = start(type="mqtt", host="127.0.0.1", port=broker.port, **keys)
    # kept by the broker, as it is not known when the meter has subscribed
    for topic, payload in messages:
        broker.publish(topic, payload, "-r")
    assert meter.take() == values
    topic, payload = messages[-1]
    broker.publish(topic, payload)
    assert meter.take() == values


def test_mqtt_waits_for_every_phase(start: Start, broker: Broker) -> None:
    broker.publish("x", "1", "-r")
    meter = start(type="mqtt", host="127.0.0.1", port=broker.port, topics=["x", "y"], age=1.0)
    assert meter.take() is None  # one phase is not a reading
    assert any("no value for 1 s" in line for line in meter.lines)
    for _ in range(3):
        broker.publish("x", "3")
    broker.publish("y", "2")
    assert meter.take() == [3.0, 2.0]
    assert not [line for line in meter.lines if "NoValueError" in line]


def test_mqtt_gives_up_all_phases_when_one_is_silent(start: Start, broker: Broker) -> None:
    broker.publish("x", "1", "-r")
    meter = start(type="mqtt", host="127.0.0.1", port=broker.port, topics=["x", "y"], age=1.0)
    found: Any = []
    for number in range(100):
        broker.publish("y", str(number), "-r")
        found.append(meter.take())
        if found[-1] is None:
            break
    assert found[-1] is None
    assert {one[0] for one in found[:-1]} == {1.0}
    broker.publish("y", "200")
    time.sleep(0.5)  # it looks every 0.2 s whether something is to be handed over
    broker.publish("x", "300")
    assert meter.take() == [300.0, 200.0]


@pytest.mark.parametrize(
    ("keys", "payload", "words"),
    [
        ({}, "unavailable", 'p is "unavailable"'),
        ({}, "nan", 'p is "nan"'),
        ({}, "1e30", "more than any house"),
        ({}, "", 'p is ""'),
        ({}, "\xff", "must be a number"),
        ({"paths": ["a"]}, '{"b": 1}', "no a in the answer"),
        ({"paths": ["a"]}, '{"a": 5', "not JSON"),
        ({"paths": ["a"]}, '{"a": null}', "p is null"),
    ],
)
def test_mqtt_messages_without_a_power(
    start: Start, broker: Broker, keys: dict[str, Any], payload: str, words: str
) -> None:
    good = '{"a": 50}' if keys else "50"
    broker.publish("p", good, "-r")
    meter = start(type="mqtt", host="127.0.0.1", port=broker.port, topics=["p"], **keys)
    assert meter.take() == [50.0]
    for _ in range(2):
        broker.publish("p", payload)
        assert words in meter.wait_for("debug meter: ")
    broker.publish("p", payload)
    assert words in meter.wait_for("unavailable, the batteries hold")
    assert meter.take() is None
    broker.publish("p", good)
    assert meter.take() == [50.0]


def test_mqtt_comes_back_with_its_broker(start: Start, broker: Broker) -> None:
    broker.publish("p", "5", "-r")
    meter = start(type="mqtt", host="127.0.0.1", port=broker.port, topics=["p"], age=1.0)
    assert meter.take() == [5.0]
    broker.stop()
    assert meter.take() is None
    broker.start()
    broker.publish("p", "6", "-r")
    assert meter.take() == [6.0]


# -- what the page says


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_tables_of_the_page_are_those_of_the_meters() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_ten_lines_are_a_meter(start: Start, serve: Serve, tmp_path: Path) -> None:
    (own,) = blocks("python")
    assert len([line for line in own.splitlines() if line]) <= 10
    (tmp_path / "my_meter.py").write_text(own)
    (section,) = [json.loads(block) for block in blocks("json") if "my_meter" in block]
    now: Answer = document({"bought": 300, "sold": 20.5})
    server = serve(lambda _: now)
    meter = start(**{**section, "host": server.host})
    assert meter.take() == [279.5]
    assert server.requests[0].path == "/power"
    now = document({"bought": 300})
    assert "KeyError: sold" in meter.wait_for("unavailable")
    assert meter.take() is None
    assert "needs the key host: address of my device" in refused(start(type="my_meter:MyMeter"))


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("5", "must return a list of one to three numbers"),
        ("None", "must return a list"),
        ("[]", "must return a list"),
        ("[1, 2, 3, 4]", "must return a list"),
        ("['5']", "must return numbers, not str"),
        ("[True]", "must return numbers, not bool"),
        ("[1, float('nan')]", "the power is nan"),
        ("[-float('inf')]", "the power is -inf"),
        ("1 / 0", "ZeroDivisionError"),
        ("[bytearray(10 ** 9)]", "MemoryError"),
    ],
)
def test_own_meters_that_return_nonsense(start: Start, tmp_path: Path, returned: str, words: str) -> None:
    (tmp_path / "own.py").write_text(
        f"from nullwatt.meters import Meter\nclass Own(Meter):\n    async def read(self):\n        return {returned}\n"
    )
    meter = start(type="own:Own")
    assert words in meter.wait_for("unavailable")
    assert meter.take() is None


def test_every_section_of_the_page_can_be_used(micropython: Path, tmp_path: Path) -> None:
    sections = [block for block in blocks("json") if "my_meter" not in block]
    assert {json.loads(block)["type"] for block in sections} == set(
        re.findall(r"^### ([a-z_]+)$", PAGE.read_text(), re.MULTILINE)
    )
    script = f"""
import json, sys
sys.path.insert(0, {str(counterparts.APPLICATION)!r})
from nullwatt.meters import build
for section in {sections!r}:
    build(json.loads(section))
print("all of them")
"""
    done = subprocess.run([micropython, "-c", script], stdout=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    assert done.stdout.strip() == "all of them"


def test_the_application_steers_by_the_meter(micropython: Path, tmp_path: Path, serve: Serve) -> None:
    now = document({"a_act_power": 300, "b_act_power": -40, "c_act_power": 40})
    server = serve(lambda request: document({"gen": 2}) if request.path == "/shelly" else now)
    board = Board(micropython, tmp_path)
    board.configure(meter={"type": "shelly", "host": server.host, "interval": 0.2})
    asked: list[int] = []

    def is_asked_for_power() -> bool:
        # all that is imported, at the phase of the battery, give or take what the control law makes of it
        asked.append(int(decode_frame(board.poll() or encode_frame(["0"] * 5))[4]))
        return 250 <= asked[-1] <= 350

    try:
        board.start()
        until(is_asked_for_power, f"the battery is not asked for power: {asked}")
        now = reply("", 500)
        board.said("meter: unavailable, the batteries hold: HttpError: 127.0.0.1 answers 500")
        assert decode_frame(board.poll() or b"")[4] == "0"
    finally:
        board.stop()
