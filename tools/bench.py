"""Speed of the core, its Python door, loopback UDP, the lab and the house. Run by `make bench`.

Absolute figures belong to the machine they were taken on; the ratios travel better.
"""

import asyncio
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from nullwatt.core import Config, Emulator, encode_frame
from nullwatt.emulator import EmulatorService
from nullwatt.lab.bench import (
    CHARGE_GOAL,
    HOUSE_GOAL,
    YEAR_GOAL,
    charge_speed,
    house_speed,
    simulated_hours_per_second,
    year_speed,
)
from nullwatt.meters import SampleSink

ROOT = Path(__file__).parents[1]
CORE = ROOT / "esphome_component" / "ct002_core"
SOURCE = "192.0.2.1:22222"


def requests() -> list[bytes]:
    return [
        encode_frame(["HMG-50", f"60F1A2B3C40{i}", "HME-4", "5cce1b7a90d4", "ABC"[i % 3], "-217"]) for i in range(4)
    ]


def compile_native(folder: Path) -> Path:
    """The poll benchmark, compiled as the core is for the binding."""
    program = folder / "poll_bench"
    sources = [str(path) for path in sorted(CORE.glob("*.cpp"))]
    command = ["g++", "-std=c++17", "-O2", f"-I{CORE}", str(ROOT / "tools" / "poll_bench.cpp"), *sources]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def native_ns(program: Path) -> float:
    """Nanoseconds per poll through the C door."""
    runs = [float(subprocess.run([program], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    return sorted(runs)[1]


def native_instructions(program: Path, polls: int = 40_000) -> float | None:
    """Instructions per poll through the C door, as callgrind counts them; None without valgrind."""
    if shutil.which("valgrind") is None:
        return None

    def counted(polls: int) -> int:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), str(polls)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        match = re.search(r"Collected : (\d+)", text)
        assert match is not None, text
        return int(match[1])

    # The second half of a run: start-up and first acquaintance cancel.
    return (counted(polls) - counted(polls // 2)) / (polls - polls // 2)


def python_ns(polls: int = 200_000) -> float:
    emulator = Emulator(Config())
    datagrams = requests()
    start = time.perf_counter()
    for poll in range(polls):
        i = poll % 4
        at = poll / 4
        if i == 0:
            emulator.update_grid((poll % 600 - 300.0, 40.0, -20.0), at=at)
        emulator.handle(datagrams[i], source=SOURCE, at=at)
    return (time.perf_counter() - start) / polls * 1e9


class ConstantMeter:
    """A house that draws the same power for ever."""

    def __init__(self, power_w: Sequence[float]) -> None:
        self._power_w = power_w

    async def run(self, sink: SampleSink) -> None:
        while True:
            sink(self._power_w)
            await asyncio.sleep(1.0)


def udp_polls_per_s(seconds: float = 2.0) -> float:
    """Polls answered by the service over loopback, one at a time from one client."""
    service = EmulatorService(Emulator(Config()), ConstantMeter([100.0]), "127.0.0.1", 0)
    loop = asyncio.new_event_loop()
    task = loop.create_task(service.run())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
    thread.start()
    while not service.ready.is_set():
        time.sleep(0.01)
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1.0)
        client.connect(("127.0.0.1", service.port))
        datagrams = requests()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            client.send(datagrams[answered % 4])
            client.recv(512)
            answered += 1
    loop.call_soon_threadsafe(task.cancel)
    thread.join()
    return answered / seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = compile_native(Path(folder))
        native, instructions = native_ns(program), native_instructions(program)
    print(f"core, C door:        {native:8.0f} ns/poll   {1e9 / native:12,.0f} polls/s", flush=True)
    counted = "not counted, valgrind is missing" if instructions is None else f"{instructions:8,.0f} instructions/poll"
    print(f"core, callgrind:     {counted}", flush=True)
    python = python_ns()
    print(f"core, Python door:   {python:8.0f} ns/poll   {1e9 / python:12,.0f} polls/s   {python / native:.1f} x C")
    udp = udp_polls_per_s()
    print(f"service, UDP:        {1e9 / udp:8.0f} ns/poll   {udp:12,.0f} polls/s   {1e9 / udp / python:.1f} x Python")
    sys.stdout.flush()
    one, four = (simulated_hours_per_second(batteries) for batteries in (1, 4))
    print(f"lab, 1 battery:      {one:8.2f} simulated hours/s   {one * 3600:8,.0f} x real time")
    print(f"lab, 4 batteries:    {four:8.2f} simulated hours/s   {four * 3600:8,.0f} x real time   1/{one / four:.1f}")
    sys.stdout.flush()
    print(f"house, 4 batteries:  {house_speed():8,.0f} x real time   goal {HOUSE_GOAL:8,.0f}", flush=True)
    print(f"house, 0.1 s charge: {charge_speed():8,.0f} x real time   goal {CHARGE_GOAL:8,.0f}", flush=True)
    print(f"house, 1 min, year:  {year_speed():8,.0f} x real time   goal {YEAR_GOAL:8,.0f}")


if __name__ == "__main__":
    main()
