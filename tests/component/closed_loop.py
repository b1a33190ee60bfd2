"""A house around a compiled node: simulated batteries, a load, and the meter in between."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from nullwatt.battery import Battery, BatteryConfig, ClientConfig, Ct002Client, UdpLink

METER_INTERVAL_S = 1.0


class House:
    """Three phases with a constant load, some batteries, and the meter in between."""

    def __init__(self, node: Any, load_w: Sequence[float], clients: list[Ct002Client]) -> None:
        self.node = node
        self.load_w = load_w
        self.clients = clients
        self.next_sample_s = 0.0

    def grid_w(self) -> list[float]:
        grid_w = list(self.load_w)
        for client in self.clients:
            # A combined battery is wired to some phase; only the total matters to it.
            grid_w["ABCD".index(client.battery.phase) % 3] -= client.battery.power_w
        return grid_w

    def measure(self) -> float:
        """The meter publishes; returns the total."""
        grid_w = self.grid_w()
        assert self.node.command("grid " + " ".join(f"{power:.1f}" for power in grid_w)).startswith("ok grid")
        return sum(grid_w)


async def connect(node: Any, configs: list[BatteryConfig], **client: float) -> list[Ct002Client]:
    clients = []
    for i, config in enumerate(configs):
        link = await UdpLink.open("127.0.0.1", node.poll_port)
        settings = ClientConfig(**client)
        clients.append(Ct002Client(Battery(config), link, settings, random.Random(i), first_poll_s=0.2 * i))
    return clients


async def poll(client: Ct002Client, now_s: float) -> None:
    """One poll and its reply."""
    before = client.replies
    client.poll(now_s)
    give_up = time.monotonic() + 1.0
    while client.replies == before:
        assert time.monotonic() < give_up, "no reply"
        await asyncio.sleep(0)


async def run_mocked(house: House, seconds: float) -> list[float]:
    """Runs up to `seconds` as fast as the node answers, on its mock clock; returns the grid total once a second."""
    totals: list[float] = []
    while True:
        due = min(house.clients, key=lambda client: client.next_poll_s)
        now_s = min(due.next_poll_s, house.next_sample_s)
        if now_s > seconds:
            return totals
        house.node.command(f"clock_set {1000 + now_s:.3f}")
        for client in house.clients:
            client.advance_to(now_s)
        if house.next_sample_s <= now_s:
            totals.append(house.measure())
            house.next_sample_s += METER_INTERVAL_S
        if due.next_poll_s <= now_s:
            await poll(due, now_s)
