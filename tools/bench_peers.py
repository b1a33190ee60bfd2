"""Speed beside the installed dertwin package, in one run: python tools/bench_peers.py [--write]. By `make bench-peers`.

dertwin is used as a black box, by its command line, its README and the names it documents; its source was not read.

Both sides have the same site file, the same register maps, the same pymodbus and the same client, and take turns. Steps
are timed in CPU seconds of the process, reads in seconds, and in CPU seconds of the server. Figures are medians, ratios
medians of the ratios of each round; above 1 nullwatt is faster.
"""

import argparse
import asyncio
import json
import logging
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pymodbus.client import AsyncModbusTcpClient

from nullwatt.home.der import DerSite, parse_site
from nullwatt.serve.modbus import SHIPPED, DeviceContext, Endpoints, shipped_register_map

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- peers: written by make bench-peers ARGS=--write -->", "<!-- end of peers -->"
THEIRS, OURS = "dertwin", "nullwatt"
PEERS = (THEIRS, OURS)

STEPS = 12_000
LONG = 30_000  # steps: a demand window of 15 minutes has 9,000
FLAT = 0.15
ROUNDS = 5
READ_S = 2.0  # seconds of reading per round
#: Address and count: its state, its power, its cells.
SPANS = ((10050, 1), (10059, 2), (32000, 3))

NOISY = {
    "power": {"base_load_w": 8000},
    "irradiance": {"peak": 900},
    "grid_frequency": {"noise_std": 0.01, "drift_std": 0.001, "seed": 1},
    "grid_voltage": {"noise_std": 0.5, "drift_std": 0.05, "seed": 2},
}
SITES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "one": ({}, ("bess",)),
    "full": (NOISY, ("bess", "bess", "inverter", "chp", "energy_meter")),
}


class Row(NamedTuple):
    """A line of the table. goal: what was wanted, and whether it is so."""

    what: str
    theirs: str
    ours: str
    ratio: float
    goal: str = ""


# -- the same site for both ------------------------------------------------------------------------


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in held]


def write_maps(folder: Path) -> None:
    """Register maps with every key, as dertwin wants them."""
    for kind, file in SHIPPED.items():
        registers = [
            {
                "name": each.name,
                "internal_name": each.internal_name,
                "address": each.address,
                "func": each.func,
                "direction": each.direction,
                "type": each.codec.kind,
                "count": each.count,
                "scale": each.codec.scale,
                "endian": each.codec.endian,
            }
            for each in shipped_register_map(kind)
        ]
        (folder / file).write_text(yaml.safe_dump({"registers": registers}))


def document(which: str, folder: Path, real_time: bool) -> dict[str, Any]:
    models, kinds = SITES[which]
    assets = [
        {
            "type": kind,
            "protocols": [
                {"kind": "modbus_tcp", "ip": "127.0.0.1", "port": port, "unit_id": 1, "register_map": SHIPPED[kind]}
            ],
        }
        for kind, port in zip(kinds, free_ports(len(kinds)), strict=True)
    ]
    return {
        "site_name": which,
        "step": 0.1,
        "real_time": real_time,
        "start_time_h": 9.0,
        "register_map_root": str(folder),
        "external_models": models,
        "assets": assets,
    }


# -- steps, in a process of their own --------------------------------------------------------------


async def set_going(site: dict[str, Any], step: Callable[[], Awaitable[None]]) -> None:
    """Let batteries give 8 kW and the CHP start, over Modbus. One order at a time: dertwin wants them so."""
    orders = {"bess": ((10055, [1]), (10126, [0, 80])), "chp": ((41001, [1]), (41025, [600]))}
    for asset in site["assets"]:
        client = AsyncModbusTcpClient("127.0.0.1", port=asset["protocols"][0]["port"])
        assert await client.connect()
        for address, words in orders.get(asset["type"], ()):
            write = client.write_register if len(words) == 1 else client.write_registers
            reply = await write(address, words if len(words) > 1 else words[0])  # type: ignore[arg-type]
            assert not reply.isError(), reply
            await step()
        client.close()


async def check(site: dict[str, Any], steps: int) -> None:
    """The registers show what the steps did: a battery of 100 kWh at 50 % that gives 8 kW."""
    client = AsyncModbusTcpClient("127.0.0.1", port=site["assets"][0]["protocols"][0]["port"])
    assert await client.connect()
    power = (await client.read_input_registers(10059, count=2)).registers
    (soc,) = (await client.read_input_registers(32002, count=1)).registers
    client.close()
    given = 8 * steps * site["step"] / 3600
    assert power == [0, 80] and given * 0.9 - 0.2 < 50 - soc / 10 < given * 1.1 + 0.2, (power, soc)


async def timed(steps: int, step: Callable[[], Awaitable[None]]) -> list[float]:
    """CPU seconds of each tenth of the steps."""
    tenths = []
    for _ in range(10):
        start_s = time.process_time()
        for _ in range(steps // 10):
            await step()
        tenths.append(time.process_time() - start_s)
    return tenths


async def their_steps(site: dict[str, Any], steps: int, read: bool) -> list[float]:
    from dertwin.controllers.site_controller import SiteController

    logging.disable(logging.INFO)
    controller = SiteController(site)
    controller.build()
    await controller.start()  # with real_time false only its ports are opened
    await asyncio.sleep(0.5)
    step = controller.engine.step_once
    await set_going(site, step)
    tenths = await timed(steps, step)
    await check(site, steps)
    await controller.stop()
    return tenths


async def our_steps(site: dict[str, Any], steps: int, read: bool) -> list[float]:
    """read: encode every register of every asset after each step."""
    running = DerSite(parse_site(site))
    endpoints = Endpoints(running)
    await endpoints.update()
    units = []
    for asset in running.assets.values():
        registers = shipped_register_map(asset.kind)
        unit = DeviceContext(asset, registers, lambda: running.ticks)
        units += [(unit, each) for each in registers if each.direction == "read"]

    async def step() -> None:
        running.step()

    async def step_and_read() -> None:
        running.step()
        for unit, register in units:
            if register.table == 2:
                unit.bits(register.address, 1)
            else:
                unit.words(register.table, register.address, register.count)

    await set_going(site, step)
    tenths = await timed(steps, step_and_read if read else step)
    await check(site, steps)
    endpoints.close()
    return tenths


def worker(peer: str, which: str, steps: int, read: bool, folder: Path) -> None:
    run = their_steps if peer == THEIRS else our_steps
    print(json.dumps(asyncio.run(run(document(which, folder, real_time=False), steps, read))))


def stepped(peer: str, which: str, steps: int, folder: Path, read: bool = False) -> list[float]:
    """CPU seconds of each tenth of a fresh run."""
    more = ["--read"] if read else []
    command = [sys.executable, __file__, "--worker", peer, which, str(steps), str(folder), *more]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    tenths: list[float] = json.loads(told)
    return tenths


def steps_rows(folder: Path, rounds: int) -> list[Row]:
    rows = []
    cases = (
        ("one BESS, its registers readable at every step", "one", False, 5.0, 10.0),
        ("the same, and nullwatt encodes all of them at every step", "one", True, None, None),
        ("full site: two BESS, PV, CHP, meter", "full", False, 10.0, 20.0),
    )
    for what, which, read, goal, aim in cases:
        taken: dict[str, list[float]] = {peer: [] for peer in PEERS}
        for _ in range(rounds):
            for peer in PEERS:
                taken[peer].append(sum(stepped(peer, which, STEPS, folder, read and peer == OURS)))
        theirs, ours = (f"{STEPS / statistics.median(taken[peer]):,.0f} steps/s" for peer in PEERS)
        ratio = median_ratio(taken[THEIRS], taken[OURS])
        wanted = f"at least {goal:g}, aim {aim:g}: {met(ratio >= goal)}" if goal and aim else ""
        rows.append(Row(what, theirs, ours, ratio, wanted))
        show(rows[-1])
    kept: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for _ in range(max(1, rounds // 2)):
        for peer in PEERS:
            tenths = stepped(peer, "full", LONG, folder)
            kept[peer].append(tenths[0] / tenths[-1])
    theirs, ours = (f"{statistics.median(kept[peer]):.0%}" for peer in PEERS)
    what = f"full site, {LONG:,} steps: speed in the last tenth, of that in the first"
    flat = f"ours flat within {FLAT:.0%}: {met(abs(statistics.median(kept[OURS]) - 1) <= FLAT)}"
    rows.append(Row(what, theirs, ours, median_ratio(kept[OURS], kept[THEIRS]), flat))
    show(rows[-1])
    return rows


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


# -- reads over TCP --------------------------------------------------------------------------------


class RawMaster(asyncio.Protocol):
    """Asks again as soon as it has an answer; costs next to nothing, so that the server is what is measured."""

    def __init__(self, end_s: float, done: asyncio.Future[int]) -> None:
        self._end_s = end_s
        self._done = done
        self._reads = 0
        self._buffer = b""
        self._requests = [
            b"\0\1\0\0\0\6\1\4" + address.to_bytes(2, "big") + count.to_bytes(2, "big") for address, count in SPANS
        ]

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._requests[0])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        count = SPANS[self._reads % len(SPANS)][1]
        if len(self._buffer) < 9 + 2 * count:
            return
        assert self._buffer[7:9] == bytes((4, 2 * count)), self._buffer
        self._buffer = b""
        self._reads += 1
        if time.perf_counter() < self._end_s:
            self._transport.write(self._requests[self._reads % len(SPANS)])
        elif not self._done.done():
            self._done.set_result(self._reads)
            self._transport.close()


async def raw_reads(port: int, connections: int, seconds: float) -> int:
    loop = asyncio.get_running_loop()
    end_s = time.perf_counter() + seconds
    counted = [loop.create_future() for _ in range(connections)]
    for done in counted:
        await loop.create_connection(lambda done=done: RawMaster(end_s, done), "127.0.0.1", port)  # type: ignore[misc]
    return sum(await asyncio.gather(*counted))


async def pymodbus_reads(port: int, connections: int, seconds: float) -> int:
    end_s = time.perf_counter() + seconds

    async def master() -> int:
        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        assert await client.connect()
        reads = 0
        while time.perf_counter() < end_s:
            address, count = SPANS[reads % len(SPANS)]
            reply = await client.read_input_registers(address, count=count)
            assert len(reply.registers) == count
            reads += 1
        client.close()
        return reads

    return sum(await asyncio.gather(*(master() for _ in range(connections))))


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def serve(peer: str, site: dict[str, Any], folder: Path, stack: ExitStack) -> subprocess.Popen[bytes]:
    """The program of that peer with this site; ends with the stack."""
    path = folder / f"{peer}.json"
    path.write_text(json.dumps(site))
    command = {
        THEIRS: [str(Path(sys.executable).parent / "dertwin"), "-c", str(path)],
        OURS: [sys.executable, "-m", "nullwatt", "twin", "serve", "-c", str(path)],
    }[peer]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end() -> None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)
    address = ("127.0.0.1", site["assets"][0]["protocols"][0]["port"])
    end_s = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(address).close()
            return process
        except OSError:
            assert time.monotonic() < end_s and process.poll() is None, f"{peer} does not start"
            time.sleep(0.1)


def reads_rows(folder: Path, rounds: int) -> list[Row]:
    rows = []
    with ExitStack() as stack:
        sites = {peer: document("one", folder, real_time=True) for peer in PEERS}
        servers = {peer: serve(peer, sites[peer], folder, stack) for peer in PEERS}
        for name, reads in (("pymodbus's client", pymodbus_reads), ("raw sockets", raw_reads)):
            for connections in (1, 16):
                rate: dict[str, list[float]] = {peer: [] for peer in PEERS}
                cost: dict[str, list[float]] = {peer: [] for peer in PEERS}
                for _ in range(rounds):
                    for peer in PEERS:
                        port = sites[peer]["assets"][0]["protocols"][0]["port"]
                        before_s = cpu_s(servers[peer].pid)
                        count = asyncio.run(reads(port, connections, READ_S))
                        cost[peer].append((cpu_s(servers[peer].pid) - before_s) / count)
                        rate[peer].append(count / READ_S)
                what = f"Modbus TCP, {name}, {connections} connection{'s' if connections > 1 else ''}"
                theirs, ours = (f"{statistics.median(rate[peer]):,.0f} reads/s" for peer in PEERS)
                ratio = median_ratio(rate[OURS], rate[THEIRS])
                rows.append(Row(what, theirs, ours, ratio, f"at least 1: {met(ratio >= 1)}"))
                show(rows[-1])
        theirs, ours = (f"{statistics.median(cost[peer]) * 1e6:.0f} µs" for peer in PEERS)
        what = "CPU time of the server per read, in the last of these"
        rows.append(Row(what, theirs, ours, median_ratio(cost[THEIRS], cost[OURS])))
        show(rows[-1])
    return rows


# -- the table -------------------------------------------------------------------------------------


def met(goal: bool) -> str:
    return "ok" if goal else "MISS"


def show(row: Row) -> None:
    print(f"{row.what:72} {row.theirs:>16} {row.ours:>16} {row.ratio:7.2f}  {row.goal}", flush=True)


def table(rows: Sequence[Row]) -> str:
    lines = [f"| | {THEIRS} {version(THEIRS)} | nullwatt | Ratio | Goal |", "|---|---|---|---|---|"]
    lines += [f"| {r.what} | {r.theirs} | {r.ours} | {r.ratio:.3g} | {r.goal} |" for r in rows]
    return "\n".join(lines)


def write_table(rows: Sequence[Row]) -> None:
    text = PAGE.read_text()
    found = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    assert found.search(text), f"{PAGE}: {BEGIN} is missing"
    PAGE.write_text(found.sub(lambda _: f"{BEGIN}\n{table(rows)}\n{END}", text))


def main() -> None:
    parser = argparse.ArgumentParser(description="speed beside the installed dertwin package")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--worker", nargs=4, metavar=("PEER", "SITE", "STEPS", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        peer, which, steps, folder = options.worker
        worker(peer, which, int(steps), options.read, Path(folder))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_maps(folder)
        rows = steps_rows(folder, options.rounds) + reads_rows(folder, options.rounds)
    if options.write:
        write_table(rows)


if __name__ == "__main__":
    main()
