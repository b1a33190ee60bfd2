"""A house played along a clock: with a controller of its own it is the same run at any pace."""

import asyncio
import hashlib
import socket
import struct
from dataclasses import replace
from typing import Any

import pytest

from nullwatt.core import Config, Emulator, TableFullError, encode_frame
from nullwatt.home import SteppedClock, drive, parse_house
from nullwatt.lab import Event, Loop, Scenario, Site, UnknownBatteryError, specs_of
from nullwatt.lab.loopback import AddressInUseError

HOUSE: dict[str, Any] = {
    "seed": 5,
    "powermeter": {
        "base_load": [200, 100, 150],
        "loads": [{"name": "oven", "power": 900, "phase": "C"}],
        "appliances": [
            {"name": "fridge", "kind": "fridge", "phase": "A", "active": True},
            {"name": "hob", "kind": "induction_hob", "phase": "B", "active": True},
        ],
        "sun": {"mode": "clear_sky", "clouds": 0.6},
        "solar_max": 900,
        "events": [{"time": 15, "load": "oven", "active": True}],
    },
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50", "law": "ramp", "jitter": 0.2},
        {"mac": "02B250000002", "phase": "B", "meter_dev_type": "VNSE3-0", "reply_loss": 0.1},
        {"mac": "02B250000003", "phase": "C", "meter_dev_type": "VNSD-0", "duplicate": 0.1},
        {"mac": "02B250000004", "phase": "A", "meter_dev_type": "HMJ-2", "max_dc_input": 800, "dc_input_power": 200},
    ],
}
END_S = 90


def house(**changes: Any) -> tuple[Any, Any]:
    file = parse_house(HOUSE | changes)
    return file.house_config(), specs_of(file)


def calm_house() -> tuple[Any, Any]:
    """Nothing in it that bursts."""
    return house(powermeter={key: value for key, value in HOUSE["powermeter"].items() if key != "appliances"})


class Trace:
    """Everything that can be seen of a loop, second by second, hashed bit for bit."""

    def __init__(self) -> None:
        self.digest, self.rows = hashlib.sha256(), 0

    def __call__(self, loop: Loop) -> None:
        self.rows += 1
        batteries = [(b.power_w, b.target_w, b.soc) for b in loop.batteries]
        numbers = [loop.now_s, *loop.house.grid_w(), *(value for row in batteries for value in row)]
        self.digest.update(struct.pack(f"{len(numbers)}d", *numbers))

    @property
    def result(self) -> tuple[int, str]:
        return self.rows, self.digest.hexdigest()


def stepped_trace(chunk_s: float) -> tuple[int, str]:
    """In process, a clock that is moved by hand."""
    config, specs = house()
    trace, clock = Trace(), SteppedClock()
    loop = Loop(Scenario("t", config, specs, seed=config.seed), Emulator(Config()), trace, record=False)

    async def run() -> None:
        task = asyncio.create_task(drive(loop, clock, END_S - 0.5))
        while not task.done():
            clock.advance(chunk_s)
            for _ in range(3):
                await asyncio.sleep(0)

    asyncio.run(run())
    return trace.result


def recorded_trace() -> tuple[int, str]:
    config, specs = house()
    trace = Trace()
    Loop(Scenario("t", config, specs, duration_s=END_S, seed=config.seed), Emulator(Config()), trace).run()
    return trace.result


def scaled_trace(scale: float) -> tuple[int, str]:
    """Real UDP datagrams, a clock that follows real time."""
    config, specs = house()
    trace = Trace()
    site = Site(config, specs, emulator=Emulator(Config()))
    asyncio.run(site.play(time_scale=scale, end_s=END_S - 0.5, on_second=lambda: trace(site.loop)))
    return trace.result


def test_same_trace_stepped_and_scaled() -> None:
    expected = recorded_trace()
    assert expected[0] == END_S
    assert stepped_trace(0.3) == stepped_trace(11.0) == expected
    assert scaled_trace(60.0) == scaled_trace(100_000.0) == expected


def test_other_seed_other_trace() -> None:
    def trace_of(seed: int) -> tuple[int, str]:
        config, specs = house(seed=seed)
        trace = Trace()
        Loop(Scenario("t", config, specs, duration_s=30, seed=seed), Emulator(Config()), trace).run()
        return trace.result

    assert trace_of(5) != trace_of(6)


async def test_own_controller_holds_the_grid_and_answers_others() -> None:
    config, specs = calm_house()
    site = Site(config, specs, emulator=Emulator(Config()))
    assert site.ct is not None
    port = site.ct.port
    playing = asyncio.create_task(site.play(time_scale=200.0))
    while site.loop.now_s < 80.0:
        await asyncio.sleep(0.01)
    assert abs(sum(site.house.grid_w())) < 100.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.connect(("127.0.0.1", port))
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(stranger, encode_frame(["HMG-50", "60f1a2b3c499", "HME-4", "", "A", "0"]))
        assert await asyncio.wait_for(loop.sock_recv(stranger, 512), 5.0)
    assert site.emulator is not None
    assert "60f1a2b3c499" in {consumer.mac for consumer in site.emulator.consumers()}
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_paused_time_stands_and_a_step_is_carried_out() -> None:
    config, specs = calm_house()
    site = Site(config, specs, emulator=Emulator(Config()))
    playing = asyncio.create_task(site.play(time_scale=100.0))
    while site.loop.now_s < 5.0:
        await asyncio.sleep(0.01)
    site.clock.pause()
    await asyncio.sleep(0.05)
    before_s = site.loop.now_s
    await asyncio.sleep(0.1)
    assert site.loop.now_s == before_s
    site.clock.step(600.0)
    while site.loop.now_s < before_s + 599.0:
        await asyncio.sleep(0.01)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_batteries_come_and_go() -> None:
    config, specs = calm_house()
    site = Site(config, specs[:1], emulator=Emulator(Config()))
    assert site.emulator is not None
    playing = asyncio.create_task(site.play(time_scale=200.0))
    while site.loop.now_s < 20.0:
        await asyncio.sleep(0.01)
    joined = site.add_battery(specs[1])
    with pytest.raises(ValueError, match="there is a battery 02B250000002 already"):
        site.add_battery(specs[1])
    since_s = site.loop.now_s
    while site.loop.now_s < since_s + 40.0:
        await asyncio.sleep(0.01)
    assert joined.mac.lower() in {consumer.mac for consumer in site.emulator.consumers()}
    assert joined.power_w != 0.0
    assert sum(site.house.demand_w) - sum(site.house.grid_w()) == pytest.approx(
        sum(battery.power_w for battery in site.batteries)
    )
    site.remove_battery("02b250000001")
    assert [battery.mac for battery in site.batteries] == ["02B250000002"]
    with pytest.raises(UnknownBatteryError):
        site.remove_battery("02B250000001")
    since_s = site.loop.now_s
    while site.loop.now_s < since_s + 40.0:
        await asyncio.sleep(0.01)
    # The one that stays takes over what the other did, as far as it can.
    assert abs(sum(site.house.grid_w())) < 100.0 or joined.power_w == joined.max_discharge_w
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_a_battery_joins_an_emulator_elsewhere() -> None:
    config, specs = calm_house()
    polls: set[tuple[str, int]] = set()

    class Elsewhere(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            polls.add(addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Elsewhere, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    site = Site(config, specs[:1])
    playing = asyncio.create_task(site.play("127.0.0.1", port, time_scale=20.0))
    while not polls:
        await asyncio.sleep(0.01)
    site.add_battery(specs[1])
    while len(polls) < 2:
        await asyncio.sleep(0.01)
    site.remove_battery(specs[0].config.mac)
    await asyncio.sleep(0.2)
    polls.clear()
    while not polls:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert len(polls) == 1, "the one that was removed is silent"
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    transport.close()


def test_address_in_use() -> None:
    config, specs = calm_house()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUseError, match=rf"cannot listen on udp://127.0.0.1:{port}: "):
            Site(config, specs, emulator=Emulator(Config()), address=("127.0.0.1", port))


async def test_a_long_step_leaves_no_battery_behind_when_the_emulator_is_elsewhere() -> None:
    config, specs = calm_house()
    polls: list[float] = []

    class Elsewhere(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            polls.append(site.loop.now_s)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Elsewhere, local_addr=("127.0.0.1", 0))
    site = Site(config, specs[:1])
    port = transport.get_extra_info("sockname")[1]
    playing = asyncio.create_task(site.play("127.0.0.1", port, time_scale=20.0))
    while not polls:
        await asyncio.sleep(0.01)
    site.clock.pause()
    site.clock.step(3600.0)
    site.clock.resume()  # with most of the step still to come: the clock falls back
    since_s = site.loop.now_s
    await asyncio.sleep(0.5)
    polls.clear()
    while site.loop.now_s < since_s + 5:
        await asyncio.sleep(0.01)
    assert all(client.next_poll_s < site.loop.now_s + 2.0 for client in site.clients)
    while not polls:
        await asyncio.sleep(0.01)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    transport.close()


async def test_a_battery_that_cannot_join_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    config, specs = calm_house()
    site = Site(config, specs[:1], emulator=Emulator(Config()))
    assert site.ct is not None

    def full(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(site.ct, "link", full)
    with pytest.raises(ValueError, match="there is no socket for a further battery: Too many open files"):
        site.add_battery(specs[1])
    assert len(site.batteries) == len(site.clients) == len(site.loop.scenario.batteries) == 1
    site.close()


async def test_batteries_that_left_are_forgotten() -> None:
    config, specs = calm_house()
    site = Site(config, specs[:1], emulator=Emulator(Config()))
    assert site.ct is not None
    for _ in range(20):
        site.remove_battery(site.add_battery(specs[1]).mac)
    assert len(site.ct._links) == 1
    for number in range(2, 256):
        site.add_battery(replace(specs[1], config=replace(specs[1].config, mac=f"02B25100{number:04X}")))
    with pytest.raises(ValueError, match="there are 255 batteries, the most that a house has"):
        site.add_battery(specs[2])
    site.close()


def test_settings_that_do_not_fit_any_more_end_no_run() -> None:
    config, specs = calm_house()
    emulator = Emulator(Config())
    for number in range(200):
        try:
            emulator.set_override(f"02B25200{number:04X}", weight=2.0)
        except TableFullError:
            break
    events = (Event(5.0, "override", 0.5, 0, "weight"),)
    loop = Loop(Scenario("t", config, specs[:1], seed=1, events=events), emulator, record=False)
    loop.advance_to(10.0)
    assert "settings of 32 batteries are held already" in loop.latest[-1][1]
