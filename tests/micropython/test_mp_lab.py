"""The lab's scenarios against MicroPython over UDP: the run is CPython's, and a day of it takes no memory."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from nullwatt.core import Config, Emulator
from nullwatt.lab import SCENARIOS, Loop, Scenario
from nullwatt.lab import battery as a_battery

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[2]
DAY_S = 24 * 3600


class UdpDoor:
    """The emulator in another program; the clock is that of the lab."""

    def __init__(self, program: Path, heap: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(30)
        port = self._socket.getsockname()[1]
        self._process = subprocess.Popen(
            [program, "-X", f"heapsize={heap}", HERE / "lab_door.py", str(port)],
            env={**os.environ, "MICROPYPATH": str(ROOT / "micropython")},
        )
        ready, there = self._socket.recvfrom(16)
        assert ready == b"ready"
        self._socket.connect(there)

    def _ask(self, what: str, at: float, more: bytes = b"") -> bytes:
        at_ms = int(at * 1000.0 + 0.5) & 0xFFFFFFFF
        self._socket.send(f"{what}{at_ms:08x}".encode() + more)
        return self._socket.recv(2048)

    def update_grid(self, power_w: Sequence[float], /, at: float) -> None:
        self._ask("G", at, " ".join(map(repr, power_w)).encode())

    def invalidate_grid(self, at: float) -> None:
        self._ask("X", at)

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        return self._ask("P", at, source.encode() + b"\n" + datagram) or None

    def tick(self, at: float) -> None:
        self._ask("T", at)

    @property
    def memory(self) -> int:
        """Bytes of its heap that are taken, after a collection."""
        return int(self._ask("M", 0.0))

    def close(self) -> None:
        self._socket.send(b"Q00000000")
        self._socket.close()
        self._process.wait(10)


@pytest.fixture
def door(micropython_32: Path) -> Iterator[Callable[[], UdpDoor]]:
    """Opens doors to MicroPythons with pointers of 32 bits and 100 kB of heap."""
    opened: list[UdpDoor] = []

    def open_() -> UdpDoor:
        opened.append(UdpDoor(micropython_32, "100k"))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.mark.parametrize("name", ["appliance_steps", "steps_ramp", "mixed_pollers"])
def test_a_scenario_is_the_same_run_bit_for_bit(name: str, door: Callable[[], UdpDoor]) -> None:
    scenario = SCENARIOS[name]
    assert not scenario.options and not scenario.events
    there = Loop(scenario, door()).run()
    here = Loop(scenario, Emulator(Config())).run()
    assert there.sha256 == here.sha256
    assert there.power_w.any()


@pytest.mark.slow
def test_a_day_takes_no_memory(door: Callable[[], UdpDoor]) -> None:
    specs = tuple(
        a_battery(n, phase, kind) for n, (phase, kind) in enumerate((("A", "HMG-50"), ("B", "HMJ-2")), start=1)
    )
    house = SCENARIOS["appliance_steps"].house
    day = Scenario("day", house, specs, duration_s=DAY_S)
    emulator, taken = door(), []

    def watch(loop: Loop) -> None:
        if round(loop.now_s) % 3600 == 60:
            taken.append(emulator.memory)

    loop = Loop(day, emulator, watch, record=False)
    loop.advance_to(DAY_S)
    assert len(taken) == 24
    assert len(set(taken)) == 1, taken
    assert sum(client.steered for client in loop.clients) > 2 * DAY_S * 0.9
