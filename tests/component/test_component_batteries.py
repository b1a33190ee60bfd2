"""Simulated batteries of every firmware law, steered by the compiled node over UDP."""

import asyncio
import time
from typing import Any

import pytest
from closed_loop import House, connect, run_mocked

from nullwatt.battery import BatteryConfig

# Mean of |grid| once settled: each battery rests inside a band of its own around its target.
SETTLED_W = 50.0

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
