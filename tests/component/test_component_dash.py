"""`nullwatt dash`: a real board, the host build of the component, watched through ESPHome's API."""

import asyncio
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from closed_loop import House, connect, run_mocked
from entities_node import KNOWN_MAC, node
from noise_front import noise_front

from nullwatt.battery import BatteryConfig
from nullwatt.serve import State
from nullwatt.serve.board import Board
from nullwatt.serve.board_address import BoardAddress, BoardError

KEY = "bm90IGEgc2VjcmV0OiBvbmx5IGZvciB0aGVzZSB0ZXM="
OTHER_KEY = "c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcjogMzIgYnk="
BATTERIES = [BatteryConfig(mac=f"02b25000000{i}", device_type="VNSE3-0", capacity_wh=0.0) for i in range(2)]
MACS = [config.mac for config in BATTERIES]
#: Long: a lost board is asked for again after 2, 3 and 6 s.
PATIENCE_S = 40.0

type Run = Callable[..., AbstractContextManager[Any]]

no_page = pytest.mark.skipif(
    find_spec("nicegui") is None or find_spec("nullwatt.serve.page") is None, reason="the page is not installed"
)


@pytest.fixture(scope="module")
def program(compile_node: Callable[[str, str], Path], test_ports: tuple[int, int], api_port: int) -> Path:
    return compile_node("entities-node", node(test_ports, api_port, "grid_target: 0"))


@pytest.fixture(scope="module")
def foreign(compile_node: Callable[[str, str], Path], api_port: int) -> Path:
    sensors = "sensor: [{platform: template, name: Outside}]"
    return compile_node("foreign-node", f"\napi: {{port: {api_port}}}\n{sensors}\n")


@asynccontextmanager
async def watching(
    port: int, key: str | None = None, control: bool = False, wait: bool = False
) -> AsyncIterator[Board]:
    board = Board(BoardAddress("127.0.0.1", port), key, control)
    try:
        await board.open(wait)
        yield board
    finally:
        await board.close()


async def until(board: Board, fits: Callable[[State], Any]) -> State:
    """The first state that fits."""
    for _ in range(int(PATIENCE_S / 0.02)):
        if fits(state := board.state()):
            return state
        await asyncio.sleep(0.02)
    raise AssertionError(board.state().model_dump_json(exclude_none=True, indent=1))


def steered(state: State, mac: str) -> Any:
    assert state.controller is not None
    return next((one for one in state.controller.batteries if one.mac == mac), None)


async def in_closed_loop(running: Any, board: Board) -> House:
    house = House(running, [600.0, 0.0, 0.0], await connect(running, BATTERIES))
    await run_mocked(house, 90.0)
    await until(board, lambda state: {one.mac for one in state.batteries} == set(MACS))
    return house


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# -- what it shows -------------------------------------------------------------------------------


@pytest.mark.slow
async def test_shows_what_the_batteries_do(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program) as running:
        async with watching(api_port) as board:
            house = await in_closed_loop(running, board)
            total_w = sum(house.grid_w())

            def settled(state: State) -> bool:
                near = state.grid is not None and abs(state.grid.total - total_w) < 40
                powers = {battery.mac: battery.power for battery in state.batteries}
                own = {client.battery.mac.lower(): client.battery.power_w for client in house.clients}
                return near and all(math.isclose(powers[mac], own[mac], abs_tol=3.0) for mac in MACS)

            state = await until(board, settled)
            assert state.link is not None and state.link.connected
            assert state.controller is not None and state.controller.active_control is True
            assert state.controller.demand == pytest.approx(600.0, abs=50.0)
            assert state.controller.options["grid_target"] == 0.0
            for battery, name in zip(state.batteries, ("First", "Second"), strict=True):
                assert (battery.name, battery.phase, battery.type) == (name, "A", "VNSE3-0")
                one = steered(state, battery.mac)
                assert one.online and one.active and not one.manual
                assert one.target == pytest.approx(300.0, abs=40.0)
                assert one.weight == 1.0
                assert one.settings["mode"] == "Automatic"
                assert 0.0 <= one.saturation_discharge < 0.4
            # Declared by its MAC, and not there: its power is not 0 but unknown.
            absent = steered(state, KNOWN_MAC)
            assert absent.online is False and absent.power is None
            for unknown in (state.time, state.house_w, state.solar, state.loads, state.batteries[0].soc):
                assert unknown is None
            moments = board.history(3600.0)
            while len(moments) < 2 or set(moments[-1].batteries_w) != set(MACS):
                await asyncio.sleep(0.1)
                moments = board.history(3600.0)
            assert moments[-1].grid_w and moments[-1].solar_w is None and moments[-1].soc == {}
            assert [one.time_s for one in moments] == sorted({one.time_s for one in moments})


@pytest.mark.slow
async def test_unknown_is_absent(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program):
        async with watching(api_port) as board:
            state = await until(board, lambda state: steered(state, KNOWN_MAC) is not None)
            assert state.grid is None and state.batteries == []
            # Nobody has the two places.
            assert state.controller is not None and [one.mac for one in state.controller.batteries] == [KNOWN_MAC]
            assert state.controller.demand is None
            while not (moments := board.history(60.0)):
                await asyncio.sleep(0.1)
            assert moments[0].grid_w == [] and moments[0].batteries_w == {}


# -- orders --------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_is_read_only_by_default(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program):
        async with watching(api_port) as board:
            assert board.controller is None and board.house is None and board.clock is None


@pytest.mark.slow
async def test_orders_reach_the_core(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program) as running:
        async with watching(api_port, control=True) as board:
            house = await in_closed_loop(running, board)
            control = board.controller
            assert control is not None
            first, second = MACS
            control.set_override(first, "weight", 2.0)
            await until(board, lambda state: steered(state, first).weight == 2.0)
            await run_mocked(house, 150.0)
            shares_w = [client.battery.power_w for client in house.clients]
            assert shares_w == pytest.approx([400.0, 200.0], abs=30.0)
            control.set_override(second.upper(), "manual_target", -200.0)
            control.set_override(second, "manual", True)
            await until(board, lambda state: steered(state, second).manual)
            await run_mocked(house, 210.0)
            assert house.clients[1].battery.power_w == pytest.approx(-200.0, abs=30.0)
            control.set_override(first, "active", False)
            await until(board, lambda state: steered(state, first).active is False)
            control.set_override(first, "window_weight", 0.6)
            await until(board, lambda state: steered(state, first).settings["window_weight"] == pytest.approx(0.6))
            control.set_active_control(False)
            await until(board, lambda state: state.controller and state.controller.active_control is False)
            assert running.command("get active_control") == "ok get active_control 0"
            control.force_rotation()
            await asyncio.to_thread(running.wait_for_log, "No rotation")


@pytest.mark.slow
async def test_refuses_what_the_board_does_not_take(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program) as running:
        async with watching(api_port, control=True) as board:
            await in_closed_loop(running, board)
            control, mac = board.controller, MACS[0]
            assert control is not None
            with pytest.raises(ValueError, match="weight: 11 must be within 0 and 10"):
                control.set_override(mac, "weight", 11.0)
            with pytest.raises(ValueError, match="weight: nan is not a number"):
                control.set_override(mac, "weight", math.nan)
            with pytest.raises(ValueError, match="active: 3 is neither true nor false"):
                control.set_override(mac, "active", 3)
            with pytest.raises(ValueError, match="colour: no setting of a battery; there are active, charge_order"):
                control.set_override(mac, "colour", 1.0)
            with pytest.raises(LookupError, match="this board has no battery 'abc'; there are 02b250000000"):
                control.set_override("abc", "weight", 1.0)
            running.stop(signal.SIGKILL)
            await until(board, lambda state: state.link and not state.link.connected)
            for order in (
                lambda: control.set_override(mac, "weight", 1.0),
                lambda: control.set_active_control(False),
                control.force_rotation,
            ):
                with pytest.raises(ValueError, match="the board is not connected; nothing was changed"):
                    order()


# -- a connection that ends ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_board_that_goes_away_and_comes_back(
    program: Path, run_node: Run, api_port: int, how: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with run_node(program) as running:
        async with watching(api_port) as board:
            await in_closed_loop(running, board)
            running.stop(how)
            state = await until(board, lambda state: state.link and not state.link.connected)
            assert state.link is not None and "trying again" in state.link.text
            # What was known is not known any more.
            assert state.grid is None and state.batteries == [] and state.controller is None
            await until(board, lambda state: state.link and "refused" in state.link.text)
            with run_node(program):
                state = await until(board, lambda state: state.link and state.link.connected)
                await until(board, lambda state: steered(state, KNOWN_MAC) is not None)
    # Said once, not each time.
    assert sum("recognised of the meter" in line for line in caplog.messages) == 1
    assert "Traceback" not in caplog.text


@pytest.mark.slow
async def test_waits_for_a_board_that_is_not_there_yet(program: Path, run_node: Run, api_port: int) -> None:
    async with watching(api_port, wait=True) as board:
        state = await until(board, lambda state: state.link and "refused" in state.link.text)
        assert state.link is not None and not state.link.connected
        with run_node(program):
            await until(board, lambda state: state.link and state.link.connected)


# -- what cannot be watched ----------------------------------------------------------------------


async def refused(port: int, key: str | None = None) -> str:
    with pytest.raises(BoardError) as caught:
        async with watching(port, key):
            pass
    line = str(caught.value)
    assert "\n" not in line
    for secret in (KEY, OTHER_KEY):
        assert secret not in line
    return line


async def test_port_on_which_nothing_listens() -> None:
    port = free_port()
    assert await refused(port) == f"127.0.0.1:{port}: refused: nothing listens on TCP port {port}"


async def test_port_of_something_else() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    async with server:
        line = await refused(server.sockets[0].getsockname()[1])
    assert "what answers is not ESPHome's native API" in line


async def test_something_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nullwatt.serve.board.FIRST_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        line = await refused(silent.getsockname()[1])
    assert line.endswith(": it does not answer")


async def test_name_that_does_not_resolve() -> None:
    board = Board(BoardAddress("no-such-board.invalid"))
    with pytest.raises(BoardError, match=r"^no-such-board.invalid:6053: the name does not resolve"):
        await board.open()
    await board.close()


@pytest.mark.slow
async def test_board_of_another_kind(foreign: Path, run_node: Run, api_port: int) -> None:
    with run_node(foreign):
        assert "foreign-node has no entity of nullwatt" in await refused(api_port)


@pytest.mark.slow
async def test_encryption_key(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program):
        assert "it does not encrypt: leave the encryption key away" in await refused(api_port, KEY)
        async with noise_front(KEY, api_port) as port:
            assert "the encryption key is wrong" in await refused(port, OTHER_KEY)
            assert "it wants an encryption key" in await refused(port)
            async with watching(port, KEY) as board:
                await until(board, lambda state: steered(state, KNOWN_MAC) is not None)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("board.local", "board.local", 6053), ("10.0.0.5:6054", "10.0.0.5", 6054), ("[fe80::1]:99", "fe80::1", 99)],
)
def test_address(text: str, host: str, port: int) -> None:
    assert BoardAddress.read(text) == BoardAddress(host, port)


@pytest.mark.parametrize("text", ["", ":6053", "a:b", "a:0", "a:65536", "a b", "http://board", "fe80::1"])
def test_text_that_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))} must be HOST or HOST:PORT"):
        BoardAddress.read(text)


# -- the command ---------------------------------------------------------------------------------


def dash(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "nullwatt", "dash", "--no-browser", "--http-port", "0", *map(str, arguments)]


async def failed(*arguments: object, code: int = 1, key: str = "") -> str:
    environment = {**os.environ, "NULLWATT_API_KEY": key}
    done = await asyncio.to_thread(
        subprocess.run, dash(*arguments), env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stderr.startswith("nullwatt: ") and done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stdout
    for secret in (KEY, OTHER_KEY, "c2hvcnQ="):
        assert secret not in done.stdout + done.stderr
    return done.stderr


async def test_command_names_a_bad_option() -> None:
    assert "--device 'a:b' must be HOST or HOST:PORT" in await failed("--device", "a:b", code=2)
    assert "must be 32 bytes in base64" in await failed("--device", "a", "--encryption-key", "c2hvcnQ=", code=2)
    assert "must be 32 bytes in base64" in await failed("--device", "a", code=2, key="c2hvcnQ=")


@no_page
@pytest.mark.slow
async def test_command_says_why_a_board_cannot_be_watched(program: Path, run_node: Run, api_port: int) -> None:
    here = f"127.0.0.1:{api_port}"
    assert f"nullwatt: {here}: refused" in await failed("--device", here)
    with run_node(program):
        async with noise_front(KEY, api_port) as port:
            assert "the encryption key is wrong" in await failed("--device", f"127.0.0.1:{port}", key=OTHER_KEY)


@no_page
@pytest.mark.slow
async def test_command_serves_the_board(program: Path, run_node: Run, api_port: int, tmp_path: Path) -> None:
    log = tmp_path / "dash.log"
    with run_node(program) as running:
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *dash("--device", f"127.0.0.1:{api_port}"), stdout=out, stderr=subprocess.STDOUT
            )
        try:
            for _ in range(int(PATIENCE_S / 0.02)):
                if found := re.search(r"serving (http://\S+)", log.read_text()):
                    break
                await asyncio.sleep(0.02)
            assert found, log.read_text()

            def fetch(path: str, body: bytes | None = None) -> str:
                with urllib.request.urlopen(f"{found[1]}{path}", body, timeout=10) as reply:
                    text: str = reply.read().decode()
                    return text

            async def state() -> Any:
                return json.loads(await asyncio.to_thread(fetch, "/api/v1/state"))

            house = House(running, [600.0, 0.0, 0.0], await connect(running, BATTERIES))
            await run_mocked(house, 90.0)
            while len((now := await state())["batteries"]) < 2 or "grid" not in now:
                await asyncio.sleep(0.1)
            assert now["link"]["connected"] is True
            assert "solar" not in now and "time" not in now
            while not json.loads(await asyncio.to_thread(fetch, "/api/v1/history")):
                await asyncio.sleep(0.1)
            metrics = await asyncio.to_thread(fetch, "/metrics")
            assert "nullwatt_board_connected 1.0" in metrics
            assert 'nullwatt_battery_power_watts{mac="02b250000000",phase="A"}' in metrics
            assert "solar" not in metrics and "soc_ratio{" not in metrics
            assert "entities-node" in await asyncio.to_thread(fetch, "/")
            with pytest.raises(urllib.error.HTTPError, match="400"):
                await asyncio.to_thread(fetch, "/api/v1/controller/active", b'{"active": false}')
            assert running.command("get active_control") == "ok get active_control 1"
            process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0, log.read_text()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()
