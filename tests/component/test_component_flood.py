"""A minute of 10,000 strange datagrams per second on loopback, beside four batteries that want to be steered."""

import asyncio
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nullwatt.battery import Battery, BatteryConfig, ClientConfig, Ct002Client, UdpLink

FLOOD_S = 60
RATE = 10_000
# Memory is compared between this moment of the flood and its end.
WARM_S = 15
BATTERIES = 4

YAML = """
sensor:
  - platform: template
    id: grid
    unit_of_measurement: W
    update_interval: 1s
    lambda: return 300;
ct002:
  power_sensor_l1: grid
  consumer_ttl: 3s
"""


@pytest.fixture(scope="module")
def program(compile_node: Callable[..., Path], plain_port: int) -> Path:
    # The level ESPHome takes when it is told none.
    return compile_node("flooded-node", f"{YAML}  udp_port: {plain_port}\n", log_level="DEBUG")


@dataclass
class CountedLink:
    """A link that counts the replies to each poll."""

    link: UdpLink
    on_datagram: Callable[[bytes], None] = print
    replies: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.link.on_datagram = self._received

    def send(self, datagram: bytes) -> None:
        self.replies.append(0)
        self.link.send(datagram)

    def _received(self, datagram: bytes) -> None:
        self.replies[-1] += 1
        self.on_datagram(datagram)


@dataclass(frozen=True)
class Memory:
    """Of a process, in KiB."""

    resident: int
    data: int

    @classmethod
    def of(cls, pid: int) -> "Memory":
        status = Path(f"/proc/{pid}/status").read_text()
        return cls(*(int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) for key in ("VmRSS", "VmData")))  # type: ignore[index]


async def polling(port: int) -> tuple[list[CountedLink], list["asyncio.Task[None]"]]:
    links, runs = [], []
    for i in range(BATTERIES):
        link = CountedLink(await UdpLink.open("127.0.0.1", port))
        battery = Battery(BatteryConfig(mac=f"02b25000000{i}", phase="A", capacity_wh=0.0, poll_interval_s=1.0))
        start_s = time.monotonic() + 0.25 * i
        client = Ct002Client(battery, link, ClientConfig(), random.Random(i), start_s)
        links.append(link)
        runs.append(asyncio.create_task(client.run(time.monotonic, asyncio.sleep)))
    return links, runs


@pytest.mark.slow
async def test_flood(program: Path, run_node: Callable[..., Any], plain_port: int) -> None:
    with run_node(program, poll_port=plain_port) as node:
        links, runs = await polling(plain_port)
        while node.log.count("polls from") < BATTERIES:
            await asyncio.sleep(0.1)
        quiet = len(node.log.splitlines())
        script = Path(__file__).with_name("flood.py")
        flood = await asyncio.create_subprocess_exec(
            sys.executable, script, str(plain_port), str(RATE), str(FLOOD_S), stdout=asyncio.subprocess.PIPE
        )
        await asyncio.sleep(WARM_S)
        warm = Memory.of(node.pid)
        sent, _ = await flood.communicate()
        end = Memory.of(node.pid)
        await asyncio.sleep(0.5)  # for the last replies
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        lines = node.log.splitlines()[quiet:]

    assert int(sent) > 0.9 * RATE * FLOOD_S, "this machine cannot send the flood"
    for link in links:
        assert len(link.replies) > 0.9 * FLOOD_S
        assert max(link.replies) == 1, "a poll was answered twice"
        assert link.replies.count(1) >= 0.9 * len(link.replies)
    assert end.resident - warm.resident < 256, (warm, end)
    assert end.data - warm.data < 64, (warm, end)
    # Strangers come and go all the time, but the log names no more than a full table of them per ten seconds.
    told = [line for line in lines if "polls from" in line or "is silent" in line]
    assert 16 < len(told) <= 16 * (FLOOD_S / 10 + 1), "\n".join(lines)
    assert len([line for line in lines if "more batteries came" in line]) >= FLOOD_S / 10 - 1
    # The rest: one line per 30 s about the full table.
    assert len(lines) - len(told) < 2 * FLOOD_S / 10, "\n".join(lines)
