"""The polling client: cadence, jitter, losses, links."""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from nullwatt.battery import (
    Battery,
    BatteryConfig,
    ClientConfig,
    Ct002Client,
    InProcessLink,
    UdpLink,
    decode_frame,
    encode_frame,
)

MAC = "02B250000001"


class Ct:
    """A minimal CT: answers every request with a constant reading on phase A."""

    def __init__(self, grid_w: int = 100) -> None:
        self.grid_w = grid_w
        self.seen: list[tuple[float, str, bytes]] = []
        self.silent = False

    def handle(self, datagram: bytes, source: str, at_s: float) -> bytes | None:
        self.seen.append((at_s, source, datagram))
        fields = decode_frame(datagram)
        if fields is None or self.silent:
            return None
        numbers = [self.grid_w, 0, 0, self.grid_w, 1, 0, 0, 0, -50, len(self.seen) % 256, *([0] * 10)]
        names = [fields[2], fields[3], fields[0], fields[1]]
        return encode_frame([*(name.decode() for name in names), *map(str, numbers)])


class House:
    """One battery, one CT and a virtual clock."""

    def __init__(self, seed: int = 1, ct: Ct | None = None, **client: float) -> None:
        self.now_s = 0.0
        self.ct = ct or Ct()
        self.battery = Battery(BatteryConfig(mac=MAC, law="integrator"))
        link = InProcessLink(self.ct.handle, "192.168.1.7:22222", lambda: self.now_s)
        config = ClientConfig(**client)  # type: ignore[arg-type]
        self.client = Ct002Client(self.battery, link, config, random.Random(seed), first_poll_s=0.5)
        self.client.advance_to(0.0)

    def run(self, until_s: float) -> "House":
        while self.client.next_poll_s <= until_s:
            self.now_s = self.client.next_poll_s
            self.client.poll(self.now_s)
        return self


def test_exact_cadence_without_jitter() -> None:
    house = House().run(10.0)
    assert [at for at, _, _ in house.ct.seen] == pytest.approx([0.5 + k for k in range(10)])
    assert {source for _, source, _ in house.ct.seen} == {"192.168.1.7:22222"}
    client = house.client
    assert (client.polls_sent, client.replies, client.steered, client.timeouts) == (10, 10, 9, 0)
    assert client.last_reply_s == 9.5


def test_poll_interval_overrides_the_models() -> None:
    assert House(poll_interval_s=0.25).run(10.25).client.polls_sent == 40


def test_jitter_stays_in_its_bounds_and_differs() -> None:
    times = [at for at, _, _ in House(jitter_s=0.4).run(300).ct.seen]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 0.6 <= min(gaps) < 0.7
    assert 1.3 < max(gaps) <= 1.4
    wild = [at for at, _, _ in House(jitter_s=5.0).run(300).ct.seen]
    assert min(b - a for a, b in pairwise(wild)) == pytest.approx(0.05)


def test_same_seed_same_bytes_other_seed_other_times() -> None:
    noise = {"jitter_s": 0.3, "request_loss": 0.1, "reply_loss": 0.1, "duplicate": 0.1}
    first, again, other = (House(seed, **noise).run(200) for seed in (5, 5, 6))
    assert first.ct.seen == again.ct.seen
    assert first.battery.soc == again.battery.soc
    assert first.ct.seen != other.ct.seen


def test_losses_and_duplicates_happen_as_often_as_asked() -> None:
    lossy = House(request_loss=0.2).run(2000)
    assert lossy.client.polls_sent == 2000
    assert len(lossy.ct.seen) == pytest.approx(1600, abs=80)
    assert lossy.client.timeouts == pytest.approx(2000 - len(lossy.ct.seen), abs=1)
    deaf = House(reply_loss=0.2).run(2000)
    assert len(deaf.ct.seen) == 2000
    assert deaf.client.replies == pytest.approx(1600, abs=80)
    twice = House(duplicate=0.2).run(2000)
    assert len(twice.ct.seen) == pytest.approx(2400, abs=80)
    assert twice.client.timeouts == 0


def test_no_reply_keeps_the_target() -> None:
    house = House().run(5)
    target_w = house.battery.target_w
    house.ct.silent = True
    house.run(20)
    assert house.battery.target_w == target_w > 0
    assert house.client.timeouts == 14
    assert house.client.last_reply_s == 4.5


def test_advance_is_idempotent_and_never_goes_back() -> None:
    once, often = House(), House()
    for house in (once, often):
        house.battery.plant.target_w = 400.0
        house.battery.plant.startup_delay_s = 0.0
    once.client.advance_to(10.0)
    for at_s in (10.0, 10.0, 3.0, 10.0):
        often.client.advance_to(at_s)
    assert often.battery.soc == once.battery.soc < 0.5
    assert often.client.polls_sent == 0


class SlowLink:
    """Keeps the replies until the test delivers them."""

    def __init__(self) -> None:
        self.on_datagram: Callable[[bytes], None] = lambda datagram: None
        self.ct = Ct()
        self.queue: list[bytes] = []

    def send(self, datagram: bytes) -> None:
        reply = self.ct.handle(datagram, "", 0.0)
        assert reply is not None
        self.queue.append(reply)


def test_late_replies_steer() -> None:
    link = SlowLink()
    unit = Battery(BatteryConfig(mac=MAC, law="integrator", inspection_polls=0))
    client = Ct002Client(unit, link, ClientConfig(), random.Random(1), 0.0)
    client.poll(0.0)
    client.poll(1.0)
    link.on_datagram(link.queue[0])
    link.on_datagram(link.queue[1])
    assert unit.target_w == 190, "two queued replies add the correction twice, as real units do"
    link.on_datagram(link.queue[1])
    assert unit.target_w == 190, "a repeated index does not"
    assert (client.replies, client.steered, client.timeouts) == (3, 2, 1)


def test_after_the_timeout_the_battery_stops_listening() -> None:
    link = SlowLink()
    unit = Battery(BatteryConfig(mac=MAC, law="integrator", inspection_polls=0))
    client = Ct002Client(unit, link, ClientConfig(poll_interval_s=3.1), random.Random(1), 0.0)
    now_s = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now_s
        for at_s, index in ((2.5, 0), (5.0, 1)):  # 2.5 s after the first poll, 1.9 s after the second
            if now_s < at_s <= now_s + seconds:
                now_s, rest_s = at_s, now_s + seconds - at_s
                link.on_datagram(link.queue[index])
                seconds = rest_s
        now_s += seconds
        if client.polls_sent == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(client.run(lambda: now_s, sleep))
    assert (client.polls_sent, client.replies, client.steered, client.timeouts) == (3, 1, 1, 1)
    assert client.last_reply_s == 5.0


def test_run_follows_a_scaled_clock() -> None:
    house = House(jitter_s=0.2)

    async def sleep(seconds: float) -> None:
        house.now_s += seconds
        await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.create_task(house.client.run(lambda: house.now_s, sleep))
        while house.now_s < 100:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert house.client.polls_sent == pytest.approx(100, abs=5)
    assert house.ct.seen[-1][0] == house.client.last_reply_s


def test_udp_link_over_loopback() -> None:
    ct = Ct(grid_w=150)

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(b"noise", addr)  # type: ignore[attr-defined]
            self.transport.sendto(ct.handle(data, "", 0.0), addr)  # type: ignore[attr-defined]

    async def main() -> tuple[Battery, Ct002Client]:
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
        link = await UdpLink.open("127.0.0.1", server.get_extra_info("sockname")[1])
        unit = Battery(BatteryConfig(mac=MAC, law="integrator"))
        client = Ct002Client(unit, link, ClientConfig(poll_interval_s=0.05), random.Random(1), loop.time())
        task = asyncio.create_task(client.run(loop.time, asyncio.sleep))
        deadline_s = loop.time() + 5
        while client.steered < 3 and loop.time() < deadline_s:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        link.close()
        server.close()
        link.send(b"after close")
        return unit, client

    unit, client = asyncio.run(main())
    assert client.steered >= 3
    assert unit.target_w == min(145 * client.steered, 800)
    assert client.last_reply_s is not None


def test_udp_link_survives_a_ct_that_is_not_there() -> None:
    async def main() -> UdpLink:
        loop = asyncio.get_running_loop()
        placeholder, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        port = placeholder.get_extra_info("sockname")[1]
        placeholder.close()
        await asyncio.sleep(0)
        link = await UdpLink.open("127.0.0.1", port)
        deadline_s = loop.time() + 5
        while link.errors == 0 and loop.time() < deadline_s:
            link.send(b"hello")
            await asyncio.sleep(0.01)
        link.close()
        return link

    assert asyncio.run(main()).errors > 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("poll_interval_s", 0.01),
        ("jitter_s", -1),
        ("request_loss", 1.5),
        ("reply_loss", -0.1),
        ("duplicate", float("nan")),
        ("reply_timeout_s", 0),
    ],
)
def test_bad_client_configuration_is_one_clear_line(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{field}: [^\n]*$"):
        ClientConfig(**{field: value})  # type: ignore[arg-type]
