"""Simulated batteries of every firmware law, steered by the compiled node over UDP."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import pytest

from nullwatt.battery import Battery, BatteryConfig, ClientConfig, Ct002Client, UdpLink

METER_INTERVAL_S = 1.0
# Mean of |grid| once settled: each battery rests inside a band of its own around its target.
SETTLED_W = 50.0


class House:
    """Three phases with a constant load, some batteries, and the meter in between."""

    def __init__(self, node: Any, load_w: Sequence[float], clients: list[Ct002Client]) -> None:
        self.node = node
        self.load_w = load_w
        self.clients = clients

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
    """Runs as fast as the node answers, on its mock clock; returns the grid total once a second."""
    totals: list[float] = []
    next_sample_s = 0.0
    while True:
        due = min(house.clients, key=lambda client: client.next_poll_s)
        now_s = min(due.next_poll_s, next_sample_s)
        if now_s > seconds:
            return totals
        house.node.command(f"clock_set {1000 + now_s:.3f}")
        for client in house.clients:
            client.advance_to(now_s)
        if next_sample_s <= now_s:
            totals.append(house.measure())
            next_sample_s += METER_INTERVAL_S
        if due.next_poll_s <= now_s:
            await poll(due, now_s)


FLEETS = {
    "ramp": [("HMG-50", "ramp", "A")],
    "integrator": [("VNSD-0", "integrator", "B")],
    "integrator-2": [("VNSE3-0", "integrator-2", "C")],
    "dc-regulator": [("HMA-1", "dc-regulator", "A")],
    "combined": [("VNSE3-0", "integrator-2", "D")],
    "phases": [
        ("HMG-50", "ramp", "A"),
        ("VNSD-0", "integrator", "B"),
        ("VNSE3-0", "integrator-2", "C"),
    ],
    "mixed": [
        ("HMG-50", "ramp", "A"),
        ("VNSD-0", "integrator", "B"),
        ("VNSE3-0", "integrator-2", "C"),
        ("HMA-1", "dc-regulator", "A"),
    ],
}


def fleet(name: str) -> list[BatteryConfig]:
    return [
        BatteryConfig(mac=f"02b25000000{i}", device_type=kind, law=law, phase=phase, capacity_wh=0.0)
        for i, (kind, law, phase) in enumerate(FLEETS[name])
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", FLEETS)
async def test_grid_goes_to_zero(node: Any, name: str) -> None:
    clients = await connect(node, fleet(name))
    house = House(node, [150.0, 150.0, 120.0], clients)
    totals = await run_mocked(house, 180.0)
    assert totals[0] == 420.0
    last = totals[-30:]
    assert sum(map(abs, last)) / len(last) < SETTLED_W, totals


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ramp", "integrator", "integrator-2"])
async def test_surplus_is_stored(node: Any, name: str) -> None:
    clients = await connect(node, fleet(name))
    house = House(node, [-500.0, 0.0, 0.0], clients)
    totals = await run_mocked(house, 180.0)
    assert clients[0].battery.power_w == pytest.approx(-500.0, abs=60.0)
    last = totals[-30:]
    assert sum(map(abs, last)) / len(last) < SETTLED_W, totals


@pytest.mark.slow
async def test_in_real_time(node: Any) -> None:
    """The same without the mock clock, the batteries polling on their own."""
    clients = await connect(node, fleet("phases"), poll_interval_s=0.3)
    house = House(node, [150.0, 150.0, 120.0], clients)
    runs = [asyncio.create_task(client.run(time.monotonic, asyncio.sleep)) for client in clients]
    for client in clients:
        client.next_poll_s += time.monotonic()
    totals: list[float] = []
    end = time.monotonic() + 12.0
    while time.monotonic() < end:
        for client in clients:
            client.advance_to(time.monotonic())
        totals.append(house.measure())
        await asyncio.sleep(0.25)
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    # A busy machine may answer one poll late.
    assert sum(client.timeouts for client in clients) <= 2
    last = totals[-12:]
    assert sum(map(abs, last)) / len(last) < SETTLED_W, totals
    for client in clients:
        node.wait_for_log(f"Battery {client.battery.mac.lower()} (")
