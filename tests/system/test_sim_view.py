"""The live view of `nullwatt sim`: keys, areas, a simulation that is lost and found, and a real terminal."""

import asyncio
import json
import logging
import math
import os
import pty
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from textual.pilot import Pilot

from nullwatt.cli.sim_client import SimClient
from nullwatt.cli.sim_panels import graph
from nullwatt.cli.sim_remote import RemoteSource
from nullwatt.cli.sim_source import HouseSource, Status
from nullwatt.cli.sim_terminal import LastLine
from nullwatt.cli.sim_view import SimView
from nullwatt.home import parse_house
from nullwatt.lab import ServedSite, Site, specs_of
from nullwatt.serve import Server, application

LOADS = 14  # more than keys, and more than fit on 24 lines
MACS = [f"02B25000000{n}" for n in range(1, 4)]
AREAS = ("title", "grid", "graph", "batteries", "loads", "solar", "log", "help")


def site(loads: int = LOADS, **of_batteries: Any) -> Site:
    file = parse_house(
        {
            "powermeter": {
                "base_load": [500, 100, 100],
                "base_noise": 0,
                "solar_max": 2000,
                "loads": [{"name": f"load {n}", "power": n, "phase": "A"} for n in range(1, loads + 1)],
            },
            "batteries": [
                {"mac": mac, "phase": phase, "initial_soc": 0.5, **of_batteries}
                for mac, phase in zip(MACS, "ABC", strict=True)
            ],
        }
    )
    house = Site(file.house_config(), specs_of(file, "house"))
    house.house.set_solar(1000)
    return house


def in_process(house: Site) -> HouseSource:
    return HouseSource(ServedSite(house, lambda: None), "here")


@asynccontextmanager
async def served(house: Site, port: int = 0) -> AsyncIterator[int]:
    simulation = ServedSite(house, lambda: None)
    server = Server(application(simulation), "127.0.0.1", port)
    running = asyncio.create_task(server.run())
    try:
        yield server.port
    finally:
        server.stop()
        await running


@dataclass
class Shown:
    """A view under test."""

    view: SimView
    pilot: Pilot[None]

    def text(self, area: str) -> str:
        widget = self.view.query_one(f"#{area}")
        if not widget.display:
            return ""
        return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))

    async def until(self, met: Callable[[], bool], within_s: float = 8.0) -> None:
        end = time.monotonic() + within_s
        while not met():
            assert time.monotonic() < end, "\n".join(self.text(area) for area in (*AREAS, "banner"))
            await self.pilot.pause(0.02)


@asynccontextmanager
async def shown(
    source: HouseSource | RemoteSource, size: tuple[int, int] = (100, 40), last_line: LastLine | None = None
) -> AsyncIterator[Shown]:
    view = SimView(source, last_line or LastLine())
    async with view.run_test(size=size) as pilot:
        see = Shown(view, pilot)
        await see.until(lambda: view.scene.status is not None)
        yield see


# --- keys

# as the help names them -> (pressed, what it then is of the site that begins as above)
Effect = Callable[[Site], bool]
KEYS: dict[str, list[tuple[list[str], Effect]]] = {
    "1-8": [([str(n)], lambda s, n=n: s.house.loads[n - 1].active) for n in range(1, 9)],  # type: ignore[misc]
    "Tab/Shift+Tab": [
        (["tab", "tab", "enter"], lambda s: s.house.loads[2].active),
        (["tab", "tab", "shift+tab", "enter"], lambda s: s.house.loads[1].active),
    ],
    "Enter/Space": [
        (["enter"], lambda s: s.house.loads[0].active),
        (["space"], lambda s: s.house.loads[0].active),
    ],
    "↑/↓": [
        (["up"], lambda s: s.house.solar_w == 1100),
        (["down"], lambda s: s.house.solar_w == 900),
        (["s", "up"], lambda s: s.house.solar_w == 2000),
    ],
    "s/S": [(["s"], lambda s: s.house.solar_w == 2000), (["S"], lambda s: s.house.solar_w == 0)],
    "b": [
        (["b", "9"], lambda s: [b.soc for b in s.batteries] == [0.5, 1, 0.5]),
        (["b", "b", "b", "9"], lambda s: [b.soc for b in s.batteries] == [1, 0.5, 0.5]),
    ],
    "←/→": [
        (["left"], lambda s: s.batteries[0].soc == 0.4),
        (["right"], lambda s: s.batteries[0].soc == 0.6),
        (["9", "right"], lambda s: s.batteries[0].soc == 1),
    ],
    "9/0": [(["9"], lambda s: s.batteries[0].soc == 1), (["0"], lambda s: s.batteries[0].soc == 0)],
    "p/P": [
        (["p"], lambda s: (s.batteries[0].max_charge_w, s.batteries[0].max_discharge_w) == (700, 700)),
        (["P"], lambda s: (s.batteries[0].max_charge_w, s.batteries[0].max_discharge_w) == (900, 900)),
    ],
    "a": [(["a"], lambda s: s.auto.enabled), (["a", "a", "1"], lambda s: not s.auto.enabled)],
    ".": [
        (["full_stop"], lambda s: not s.clock.paused),
        (["full_stop", "full_stop", "1"], lambda s: s.clock.paused and s.house.loads[0].active),
    ],
    "</>": [
        (["greater_than_sign", "greater_than_sign"], lambda s: s.clock.factor == 60),
        (["greater_than_sign"] * 7, lambda s: s.clock.factor == 1000),
        (["greater_than_sign", "greater_than_sign", "less_than_sign"], lambda s: s.clock.factor == 10),
    ],
}
PRESSES = [(keys, effect) for presses in KEYS.values() for keys, effect in presses]


@pytest.mark.parametrize(("keys", "effect"), PRESSES, ids=["+".join(keys) for keys, _ in PRESSES])
async def test_a_key_does_what_the_help_says(keys: list[str], effect: Effect) -> None:
    house = site()
    assert not effect(house) or keys == ["a", "a", "1"]
    async with shown(in_process(house)) as see:
        await see.pilot.press(*keys)
        await see.until(lambda: effect(house))


async def test_power_limits_end_at_zero() -> None:
    house = site(max_charge_power=50, max_discharge_power=150)
    async with shown(in_process(house)) as see:
        await see.pilot.press("p", "p", "P", "1")
        await see.until(lambda: house.house.loads[0].active)
        assert (house.batteries[0].max_charge_w, house.batteries[0].max_discharge_w) == (100, 100)


async def test_orders_over_http_arrive_in_the_order_of_the_keys() -> None:
    house = site()
    async with served(house) as port, shown(RemoteSource(port)) as see:
        await see.pilot.press("8", "S", "up", "up", "b", "right", "right", "right", "P", "a", "tab", "enter")
        await see.until(lambda: house.house.loads[8].active)
        assert [n for n, load in enumerate(house.house.loads, 1) if load.active] == [8, 9]
        assert house.house.solar_w == 200 and house.auto.enabled
        assert [battery.soc for battery in house.batteries] == [0.5, 0.8, 0.5]
        assert (house.batteries[1].max_charge_w, house.batteries[1].max_discharge_w) == (900, 900)
        await see.pilot.press("s", "1")
        await see.until(lambda: house.house.loads[0].active)
        assert house.house.solar_w == 2000
        for _ in range(5):  # faster than the answers come
            see.view.action_solar_by(-1)
        see.view.action_switch(1)
        await see.until(lambda: house.house.loads[1].active)
        assert house.house.solar_w == 1500


async def test_news_that_arrive_while_the_view_is_being_closed_are_dropped() -> None:
    class Restless(HouseSource):
        async def watch(self, seen: Callable[[Status | None], None]) -> None:
            while True:
                seen(self._status())
                await asyncio.sleep(0)

    async with shown(Restless(ServedSite(site(), lambda: None), "here")) as see:
        await see.until(lambda: len(see.view.scene.totals_w) > 3)


async def test_the_help_names_these_keys_and_no_others() -> None:
    async with shown(in_process(site())) as see:
        await see.until(lambda: see.text("help").endswith("simulation"))
        named = [item.split()[0] for line in see.text("help").splitlines() for item in line.split(" · ")]
    assert named == [*KEYS, "q"]


async def test_every_load_has_a_way_to_it_and_is_seen() -> None:
    house = site()
    async with shown(in_process(house), (80, 24)) as see:
        for n in range(1, LOADS + 1):
            await see.pilot.press("space")
            await see.until(lambda: house.house.loads[n - 1].active)  # noqa: B023
            row = re.compile(rf"▶ +{n if n <= 8 else ''} +A +on +{n}  load {n}\b")
            await see.until(lambda: row.search(see.text("loads")) is not None)  # noqa: B023
            await see.pilot.press("tab")
        assert see.view.scene.load == 0
        await see.pilot.press("shift+tab")
        assert see.view.scene.load == LOADS - 1


async def test_a_key_without_its_load_is_told() -> None:
    async with shown(in_process(site(loads=2))) as see:
        await see.pilot.press("7")
        await see.until(lambda: "there is no load 7" in see.text("log"))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_q_leaves_and_so_does_the_habit(key: str) -> None:
    async with shown(in_process(site())) as see:
        await see.pilot.press(key)
        await see.until(lambda: not see.view.is_running)
        assert see.view.return_code == 0


# --- areas


@pytest.mark.parametrize("size", [(80, 24), (140, 50)])
async def test_every_area_is_inside_the_screen(size: tuple[int, int]) -> None:
    async with shown(in_process(site()), size) as see:
        await see.until(lambda: see.text("batteries").count("-800/+800") == 3)
        for area in AREAS:
            region = see.view.query_one(f"#{area}").region
            assert region.height >= 1 and region.bottom <= size[1], area
            assert all(len(line) <= size[0] for line in see.text(area).splitlines())
        assert see.text("title") == "nullwatt sim  0:00:00  paused  auto mode off  here"
        assert see.text("grid").split()[-5:] == ["import", "-500.0", "+100.0", "+100.0", "-300.0"]
        assert "▶ 02B250000001 A " in see.text("batteries") and " 50% ████░░░░ " in see.text("batteries")
        assert "██████████░░░░░░░░░░ 1000 of 2000 W" in see.text("solar")
        assert see.text("help").endswith("q stop the simulation")
        await see.pilot.press("a")
        await see.until(lambda: "auto mode on" in see.text("title"))


async def test_a_tiny_terminal_is_no_reason_to_end() -> None:
    async with shown(in_process(site()), (12, 4)) as see:
        await see.pilot.press("b", "tab")
        await see.pilot.resize_terminal(100, 40)
        await see.until(lambda: f"load {LOADS}" in see.text("loads"))


async def test_the_chosen_battery_is_always_on_the_screen() -> None:
    file = {"batteries": [{"mac": f"02B2500000{n:02}", "phase": "A"} for n in range(8)]}
    parsed = parse_house(file)
    house = Site(parsed.house_config(), specs_of(parsed, "house"))
    async with shown(in_process(house), (80, 24)) as see:
        for n in range(9):
            await see.until(lambda: f"▶ 02B2500000{n % 8:02} " in see.text("batteries"))  # noqa: B023
            await see.pilot.press("b")


async def test_delayed_batteries_show_what_is_asked_and_what_is_followed() -> None:
    async with shown(in_process(site())) as see:
        await see.until(lambda: "target" in see.text("batteries"))
        assert "requested" not in see.text("batteries")
    async with shown(in_process(site(power_update_delay_ticks=2))) as see:
        await see.until(lambda: re.search("requested +applied", see.text("batteries")) is not None)


async def test_a_house_without_loads_and_batteries() -> None:
    house = site(loads=0)
    house.batteries.clear()
    async with shown(in_process(house)) as see:
        await see.pilot.press("tab", "enter", "b", "9")
        await see.until(lambda: "there is no battery" in see.text("log"))
        assert "no loads" in see.text("loads")


async def test_names_cannot_write_elsewhere_or_in_colour() -> None:
    house = site(loads=1)
    status = ServedSite(house, lambda: None).status()
    status["loads"][0]["name"] = "[red]a\x1b[2J\nb"
    async with shown(in_process(house)) as see:
        see.view.scene.see(status)
        see.view.refresh()
        see.view._redraw()
        await see.until(lambda: "[red]a?[2J?b" in see.text("loads"))


async def test_log_lines_have_a_place() -> None:
    last_line = LastLine()
    logger = logging.getLogger("test_sim_view")
    logger.addHandler(last_line)
    async with shown(in_process(site()), last_line=last_line) as see:
        logger.warning("a meter\x1b[2J of %s\nTraceback", "stone")
        await see.until(lambda: re.search(r"\d\d:\d\d:\d\d a meter\?\[2J of stone", see.text("log")) is not None)
        assert "Traceback" not in see.text("log")


def test_graph_has_the_newest_point_at_its_right_edge() -> None:
    lines = graph([0.0] * 60 + [1000.0] * 60, 69, 4).plain.splitlines()
    assert [line[:8].strip() for line in lines] == ["+1000 W", "", "", "0 W"]
    assert lines[0][9:39] == "⠀" * 30 and lines[0][40:] == "⠉" * 29


def test_graph_keeps_the_last_two_minutes_and_gaps() -> None:
    flat = graph([500.0] * 120, 69, 4).plain
    assert graph([-9e9] * 50 + [500.0] * 120, 69, 4).plain == flat
    assert graph([-9e9] * 50 + [500.0] * 120, 30, 4).plain.startswith("  +500 W ")
    assert "-9000 kW " in graph([-9e6] * 120, 30, 4).plain
    gap = graph([500.0] * 60 + [math.nan] * 2 + [500.0] * 58, 69, 4).plain
    assert gap.splitlines()[0].count("⠀") == flat.splitlines()[0].count("⠀") + 1


# --- attached


async def test_a_lost_simulation_is_told_and_found_again() -> None:
    async with AsyncExitStack() as first:
        port = await first.enter_async_context(served(site()))
        async with shown(RemoteSource(port, retry_s=0.1), (80, 24)) as see:
            await see.until(lambda: see.text("help").endswith("q leave the view"))
            assert see.text("banner") == ""
            await first.aclose()
            await see.until(lambda: "does not answer" in see.text("banner"))
            await see.until(lambda: see.view.query_one("#help").region.bottom == 24)
            await see.pilot.press("1")
            await see.until(lambda: "the key had no effect" in see.text("log"))
            other = site(loads=3)
            other.house.set_solar(0)
            async with served(other, port):
                await see.until(lambda: see.text("banner") == "" and " 0 of 2000 W" in see.text("solar"))
                await see.pilot.press("1")
                await see.until(lambda: other.house.loads[0].active)
                see.view.exit()


async def test_a_simulation_that_falls_silent_is_gone() -> None:
    status = json.dumps(ServedSite(site(), lambda: None).status()).encode()
    hold = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + (b"" if b"/events" in asked else status))
        if b"/events" in asked:
            await hold.wait()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        source = RemoteSource(server.sockets[0].getsockname()[1], silence_s=3.0, retry_s=60)
        try:
            async with shown(source) as see:
                assert see.text("banner") == ""
                await see.until(lambda: "does not answer" in see.text("banner"))
        finally:
            hold.set()  # or the server would wait for whom it keeps waiting


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n[" * 9, b"\0\n" * 50])
async def test_whoever_does_not_speak_like_a_simulation_is_none(words: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        if words:
            writer.close()
        else:
            silent.append(writer)

    silent: list[asyncio.StreamWriter] = []
    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    view = SimView(RemoteSource(other.sockets[0].getsockname()[1], silence_s=0.2, retry_s=0.1), LastLine())
    async with view.run_test() as pilot:
        see = Shown(view, pilot)
        await see.until(lambda: "does not answer" in see.text("banner"))
        await pilot.press("1")
        await see.until(lambda: "the key had no effect" in see.text("log"))
    for writer in silent:
        writer.close()
    other.close()


# --- a real terminal


class Terminal:
    """`nullwatt sim ...` on a terminal of its own. shown: everything that was written to it."""

    def __init__(self, *arguments: str, code: str = "") -> None:
        command = [sys.executable, *(["-c", code] if code else ["-m", "nullwatt"]), "sim", *arguments]
        self._terminal, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        self.shown = b""
        # Whoever does not read holds up whoever writes.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # how Linux reports that the other end is closed
            while part := os.read(self._terminal, 65536):
                self.shown += part

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", self.shown.decode(errors="replace"))

    def until(self, word: str, within_s: float = 15.0) -> None:
        end = time.monotonic() + within_s
        while word not in self.text:
            assert self._reader.is_alive() and time.monotonic() < end, self.text
            time.sleep(0.05)

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def ended(self, within_s: float = 15.0) -> int:
        """The exit code."""
        self._reader.join(within_s)
        assert not self._reader.is_alive(), self.text
        return self._process.wait(5)

    def terminate(self) -> None:
        self._process.terminate()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        os.close(self._terminal)


ALTERNATE_SCREEN, MAIN_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
WITHOUT_TEXTUAL = "import sys; sys.modules['textual'] = None; from nullwatt.cli.main import main; main()"


@pytest.fixture
def terminals() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str, code: str = "") -> Terminal:
        opened.append(Terminal(*arguments, code=code))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def left_cleanly(terminal: Terminal) -> bool:
    before, _, after = terminal.shown.rpartition(MAIN_SCREEN)
    return ALTERNATE_SCREEN in before and ALTERNATE_SCREEN not in after and "Traceback" not in terminal.text


@pytest.mark.slow
def test_run_and_attach_on_a_terminal(terminals: Callable[..., Terminal], port: int) -> None:
    house = terminals("run", "--http-port", str(port))
    house.until("q stop the simulation")
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"no HTTP at all\r\n\r\n")
        house.until("Invalid HTTP request")
    assert re.search(r"\d\d:\d\d:\d\d Invalid HTTP request", house.text)

    view = terminals("attach", "--http-port", str(port))
    view.until("Washing machine")
    view.press("4")
    client, end = SimClient(port), time.monotonic() + 5
    while not client.status()["loads"][3]["active"]:
        assert time.monotonic() < end
    view.press("q")
    assert view.ended() == 0 and left_cleanly(view)
    assert client.answers()

    watching = terminals("attach", "--http-port", str(port))
    watching.until("q leave the view")
    house.press("q")
    assert house.ended() == 0 and left_cleanly(house)
    assert not client.answers()
    watching.until("does not answer")
    watching.terminate()
    assert watching.ended() == 0 and left_cleanly(watching)


def test_a_signal_gives_the_terminal_back(terminals: Callable[..., Terminal], port: int) -> None:
    house = terminals("run", "--http-port", str(port))
    house.until("q stop the simulation")
    house.terminate()
    assert house.ended() == 0 and left_cleanly(house)


def test_without_textual_lines_are_printed(terminals: Callable[..., Terminal], port: int) -> None:
    house = terminals("run", "--http-port", str(port), code=WITHOUT_TEXTUAL)
    house.until("grid ")
    assert "printing lines: the live view needs the package textual; install nullwatt[sim]" in house.text
    view = terminals("attach", "--http-port", str(port), code=WITHOUT_TEXTUAL)
    assert view.ended() == 1
    assert view.text == "nullwatt: the live view needs the package textual; install nullwatt[sim]\r\n"


def test_without_a_terminal_lines_are_printed(port: int) -> None:
    command = [sys.executable, "-m", "nullwatt", "sim"]
    house = subprocess.Popen(
        [*command, "run", "--http-port", str(port)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        assert house.stdout is not None
        assert house.stdout.readline().endswith("printing lines: a live view needs a terminal\n")
        assert "serving" in house.stdout.readline()
        view = subprocess.run([*command, "attach", "--http-port", str(port)], capture_output=True, text=True)
        assert (view.returncode, view.stdout) == (1, "")
        assert view.stderr == "nullwatt: a live view needs a terminal\n"
    finally:
        house.terminate()
        house.communicate(timeout=10)


def test_attach_without_a_simulation_is_one_line(terminals: Callable[..., Terminal], port: int) -> None:
    view = terminals("attach", "--http-port", str(port))
    assert view.ended() == 1
    assert view.text == f"nullwatt: no simulation on port {port}; start one with nullwatt sim start\r\n"
