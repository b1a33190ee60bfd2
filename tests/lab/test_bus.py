"""A house spread over nodes, without a broker: the same trace, the same books, and who is gone or late."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from island import Hybrid

from nullwatt.home import (
    EnergyTerms,
    GridSection,
    House,
    HouseConfig,
    HouseFile,
    Islanding,
    Ledger,
    Surroundings,
    parse_house,
)
from nullwatt.home.bus_messages import Books, Hello, Joules, Order, Setting, Terms, Tick, Topics
from nullwatt.home.hybrid_config import SETTINGS
from nullwatt.lab.bus import PATIENCE, Bus, News, RemoteIsland
from nullwatt.lab.conductor import Conductor
from nullwatt.lab.node import Node
from nullwatt.lab.solo import Solo, find_solo, solos

ONE, TWO, SUN = "02B250000001", "02B250000002", "house: sun"
HOUSE: dict[str, Any] = {
    "seed": 7,
    "powermeter": {
        "base_load": [300, 150, 80],
        "loads": [{"name": "pump", "power": 900, "phase": "B", "active": True, "on_s": 20, "off_s": 40}],
        "appliances": [{"name": "fridge", "kind": "fridge", "phase": "A", "active": True}],
        "events": [{"time": 45, "load": "pump", "active": False}],
        "sun": {"mode": "clear_sky", "clouds": 0.6, "start": 11},
        "solar_phases": ["A", "C"],
    },
    "meter": {"refresh_s": 0.7, "latency_s": 0.45},
    "batteries": [
        {"mac": ONE, "phase": "A", "meter_dev_type": "VNSE3-0", "jitter": 0.2, "charge_efficiency": 0.9},
        {"mac": TWO, "phase": "B", "meter_dev_type": "HMG-50", "law": "ramp", "power_update_delay_ticks": 1},
    ],
}


SKY: dict[str, Any] = {
    "powermeter": {**HOUSE["powermeter"], "sun": {"mode": "clear_sky", "clouds": 0.6}},
    "weather": {"latitude": 48, "longitude": 11, "start": "2026-06-21T11:00", "clouds": 0.5, "cloud_s": 30},
    "pv": [{"name": "garage", "strings": [{"tilt": 20, "azimuth": 90, "peak_w": 1800}], "reconnect_s": 10}],
    "hybrid": [
        {
            "name": "cellar",
            "ac_max_w": 8000,
            "mppts": [{"strings": [{"tilt": 35, "azimuth": 180, "peak_w": 600}]}],
            "battery": {"capacity_wh": 2000, "initial_soc": 0.5},
            "island": True,
        },
        {"name": "shed", "phase": "B", "ac_max_w": 800, "battery": {"capacity_wh": 500, "initial_soc": 0.9}},
    ],
}


def house(**more: Any) -> HouseFile:
    return parse_house({**HOUSE, **more})


class Wire:
    """Nodes in this process; everything goes through the JSON of the messages."""

    def __init__(self, file: HouseFile, names: Sequence[str]) -> None:
        known = solos(file)
        self.nodes = {name: Node(known[name]) for name in names}
        self.dead: set[str] = set()
        self.slow: set[str] = set()
        self.ticks: list[Tick] = []
        self.joules: list[Joules] = []
        self.told: list[Books | Joules] = []
        self.pending = [News(name, True) for name in names]
        self.at: dict[int, Callable[[], None]] = {}

    def exchange(self, tick: Tick) -> dict[str, Joules]:
        again = Tick.model_validate_json(tick.to_json())
        assert again == tick
        self.ticks.append(again)
        self.at.pop(tick.number, lambda: None)()
        answers = {}
        for name, node in self.nodes.items():
            answer = node.handle(again) if name not in self.dead else None
            if answer is not None:
                answer = Joules.model_validate_json(answer.to_json())
                self.joules.append(answer)
                if name in self.slow:
                    self.pending.append(News(name, late=answer))
                else:
                    answers[name] = answer
        return answers

    def news(self) -> Sequence[News]:
        pending, self.pending = self.pending, []
        return pending

    def tell(self, message: Books | Joules) -> None:
        self.told.append(type(message).model_validate_json(message.to_json()))


def spread(file: HouseFile, names: Sequence[str], end_s: float = 120.0, **at: Any) -> tuple[Conductor, Wire]:
    wire = Wire(file, names)
    conductor = Conductor(file, exchange=wire, nodes=names, trace=True)
    conductor.run(end_s)
    return conductor, wire


def alone(file: HouseFile, end_s: float = 120.0) -> Conductor:
    conductor = Conductor(file, trace=True)
    conductor.run(end_s)
    return conductor


@pytest.mark.parametrize("names", [[ONE], [SUN], [ONE, SUN], [ONE, TWO, SUN]])
def test_batteries_and_sun_on_the_bus_give_the_trace_of_one_process_bit_for_bit(names: list[str]) -> None:
    one, (conductor, wire) = alone(house()), spread(house(), names)
    assert conductor.trace == one.trace and one.trace is not None and len(one.trace) == 121
    assert any(abs(row[-1]) > 50 for row in one.trace) and len({row[4] for row in one.trace}) > 100
    assert conductor.ledger.devices[ONE] == one.ledger.devices[ONE] or conductor.ledger.devices[ONE] == pytest.approx(
        one.ledger.devices[ONE], rel=1e-12
    )
    for name, entry in one.ledger.devices.items():
        assert conductor.ledger.devices[name] == pytest.approx(entry, rel=1e-9, abs=1e-6)
    assert conductor.ledger.leak_j < 1e-9 * conductor.ledger.throughput_j
    assert [tick.number for tick in wire.ticks] == list(range(1, len(wire.ticks) + 1))


@pytest.mark.parametrize("names", [["garage"], ["cellar"], [ONE, SUN, "garage", "cellar", "shed"]])
@pytest.mark.parametrize("outages", [[], [{"from": 30, "to": 50}]])
def test_plants_and_hybrids_on_the_bus_give_the_trace_of_one_process_bit_for_bit(
    names: list[str], outages: list[dict[str, int]]
) -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    file = house(**SKY, grid={"outages": outages, "reconnect": 5})
    one, (conductor, wire) = alone(file), spread(file, names)
    assert conductor.trace == one.trace and one.trace is not None
    assert conductor.ledger.devices["garage"].source_j > 10_000.0 < conductor.ledger.devices["cellar"].source_j
    for name, entry in one.ledger.devices.items():
        assert conductor.ledger.devices[name] == pytest.approx(entry, rel=1e-9, abs=1e-6)
    assert set(names) == set(wire.ticks[-1].orders)
    hybrid = conductor.loop.house.device("cellar")
    assert hybrid.telemetry() == one.loop.house.device("cellar").telemetry()
    if outages and "cellar" in names:
        carried = [tick.orders["cellar"].carry_w for tick in wire.ticks if "cellar" in tick.orders]
        assert sum(each is not None for each in carried) >= 15


def test_a_hybrid_elsewhere_is_told_its_settings() -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed")
    conductor, wire = spread(house(**SKY), ["cellar"], 5.0)
    wire.pending.append(News("cellar", setting=Setting(name="mode", value="backup")))
    wire.pending.append(News("cellar", setting=Setting(name="mode", value="sideways")))
    conductor.run(10.0)
    modes = SETTINGS["mode"].choices
    assert modes[int(conductor.loop.house.device("cellar").telemetry()["mode"])] == "backup"
    assert conductor.bus is not None and "mode = 'sideways': must be one of" in conductor.bus.log[-1][1]


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_house_gives_the_same_trace_on_the_bus(data: st.DataObject) -> None:
    draw = data.draw
    batteries = [
        {
            "mac": mac,
            "phase": draw(st.sampled_from("ABCD")),
            "meter_dev_type": draw(st.sampled_from(["HMG-50", "VNSE3-0", "HMJ-2", "HMN-1"])),
            "poll_interval": draw(st.floats(0.3, 3.0)),
            "jitter": draw(st.floats(0, 0.2)),
            "request_loss": draw(st.sampled_from([0.0, 0.3])),
            "duplicate": draw(st.sampled_from([0.0, 0.3])),
            "initial_soc": draw(st.sampled_from([0.0, 0.5, 1.0])),
            "standby": 5.0,
        }
        for mac in (ONE, TWO)
    ]
    file = house(
        seed=draw(st.integers(0, 999)),
        batteries=batteries,
        meter={"refresh_s": draw(st.floats(0.3, 3.0)), "latency_s": draw(st.floats(0, 2.0))},
        grid={"outages": [{"from": 11, "to": draw(st.floats(11, 19))}], "reconnect": 2},
    )
    names = draw(st.lists(st.sampled_from([ONE, TWO, SUN]), min_size=1, unique=True))
    one, (conductor, _) = alone(file, 30.0), spread(file, names, 30.0)
    assert conductor.trace == one.trace
    assert conductor.ledger.leak_j <= 1e-9 * conductor.ledger.throughput_j


def test_a_device_elsewhere_carries_an_island_as_one_here_does() -> None:
    config = HouseConfig(noise_w=30.0, grid=GridSection.model_validate({"outages": [{"from": 3, "to": 9}]}))
    houses: list[House] = []
    here = House(config, ledger=Ledger())
    here.add_device(Hybrid())
    wire = Wire(house(), [])
    wire.nodes["hybrid"] = Node(lambda: Solo(Hybrid(), Surroundings()))
    wire.pending = [News("hybrid", True)]
    bus = Bus(wire, ["hybrid"], "r", lambda: houses[0].now_s)
    houses.append(House(config, ledger=Ledger()))
    remote = RemoteIsland(Hybrid(), bus)
    assert isinstance(remote, Islanding)
    houses[0].add_device(remote)
    for second in range(1, 15):
        for each in (here, *houses):
            each.advance_to(float(second))
        assert houses[0].grid_w() == here.grid_w() and houses[0].lit == here.lit
        assert houses[0].device("hybrid").power_w == here.device("hybrid").power_w
    assert here.ledger is not None and houses[0].ledger is not None
    assert houses[0].ledger.devices == here.ledger.devices and here.ledger.devices["hybrid"].bus_j > 1000.0


def test_through_an_outage_too() -> None:
    file = house(grid={"outages": [{"from": 30, "to": 50}], "reconnect": 10})
    one, (conductor, _) = alone(file), spread(file, [ONE, TWO, SUN])
    assert conductor.trace == one.trace and one.trace is not None
    assert one.trace[40][1:] == (0.0,) * 6


@pytest.mark.parametrize("names", [[SUN], [ONE, TWO, SUN]])
def test_everybody_says_its_joules_each_second_and_they_net_to_the_books(names: list[str]) -> None:
    conductor, wire = spread(house(), names, 60.0)
    ledger = conductor.ledger
    books = [message for message in wire.told if isinstance(message, Books)]
    assert len(books) == 60 and books[-1].import_j == ledger.import_j
    said: dict[str, list[EnergyTerms]] = {}
    for message in [*wire.joules, *wire.told]:
        if isinstance(message, Joules) and message.terms is not None:
            said.setdefault(message.device, []).append(message.terms.entry)
    assert set(said) == {ONE, TWO, SUN, "house: base load", "pump", "fridge"}
    assert all(len(entries) >= 60 for entries in said.values())
    net_j = sum(entry.bus_j for entries in said.values() for entry in entries)
    assert net_j == pytest.approx(ledger.export_j - ledger.import_j, rel=1e-9)


def test_loads_as_nodes_give_their_exact_energy() -> None:
    one, (conductor, _) = alone(house()), spread(house(), [ONE, TWO, SUN, "pump", "fridge"])
    for name in ("pump", "fridge"):
        assert conductor.ledger.devices[name] == pytest.approx(one.ledger.devices[name], rel=1e-9)
    assert conductor.ledger.leak_j < 1e-9 * conductor.ledger.throughput_j


@pytest.mark.parametrize("name", [ONE, SUN, "pump"])
def test_a_node_that_dies_is_gone_within_three_ticks_and_the_house_goes_on(name: str) -> None:
    file = house()
    names = [ONE, TWO, SUN, "pump"]
    wire = Wire(file, names)
    conductor = Conductor(file, exchange=wire, nodes=names, trace=True)
    conductor.run(15.0)
    wire.dead.add(name)
    first = len(wire.ticks)
    conductor.run(60.0)
    assert conductor.bus is not None and name not in conductor.bus.present
    assert sum(name in tick.orders for tick in wire.ticks[first:]) == PATIENCE
    assert conductor.bus.log[-1][1] == f"{name} is gone: missed {PATIENCE} ticks"
    assert conductor.bus.log[-1][0] <= 18.0
    ledger, trace = conductor.ledger, conductor.trace
    assert trace is not None and trace[-1][0] == 60.0
    assert ledger.leak_j < 1e-9 * ledger.throughput_j
    if name == SUN:
        assert trace[-1][4] == 0.0
    if name == ONE:
        assert trace[-1][5] == 0.0 and abs(sum(trace[-1][1:4])) < 2000.0
    # It comes back with a hello, and takes part from the next tick on.
    wire.dead.clear()
    wire.nodes[name] = Node(solos(file)[name])
    wire.pending.append(News(name, True))
    before = len(wire.ticks)
    conductor.run(100.0)
    assert name in wire.ticks[before].orders and name in conductor.bus.present
    assert ledger.leak_j < 1e-9 * ledger.throughput_j


def test_a_last_will_counts_at_once() -> None:
    file = house()
    wire = Wire(file, [ONE, SUN])
    conductor = Conductor(file, exchange=wire, nodes=[ONE, SUN])
    conductor.run(10.0)
    wire.dead.add(SUN)
    wire.pending.append(News(SUN, False))
    before = len(wire.ticks)
    conductor.run(20.0)
    assert not any(SUN in tick.orders for tick in wire.ticks[before:])


def test_joules_that_come_late_are_booked_late_and_bring_the_node_back() -> None:
    file = house()
    one = alone(file, 90.0)
    wire = Wire(file, [SUN, ONE])
    conductor = Conductor(file, exchange=wire, nodes=[SUN, ONE])
    conductor.run(10.0)
    wire.slow.add(ONE)
    conductor.run(13.0)
    wire.slow.clear()
    conductor.run(90.0)
    assert conductor.bus is not None and ONE in conductor.bus.present
    said = [m.terms.entry for m in wire.joules if m.device == ONE and m.terms is not None]
    total = [sum(column) for column in zip(*said, strict=True)]
    assert list(conductor.ledger.devices[ONE]) == pytest.approx(total, abs=1e-6)
    assert one.ledger.devices[ONE] != conductor.ledger.devices[ONE]


def test_who_comes_late_takes_part_and_nobody_at_all_is_a_house_without_devices() -> None:
    file = house()
    wire = Wire(file, [ONE, TWO, SUN])
    late, wire.pending = wire.pending, []
    conductor = Conductor(file, exchange=wire, nodes=[ONE, TWO, SUN], trace=True)
    conductor.run(20.0)
    assert conductor.trace is not None and not any(any(row[4:]) for row in conductor.trace[1:]) and not wire.ticks
    wire.pending = late
    conductor.run(60.0)
    assert any(conductor.trace[-1][4:])


def test_a_command_reaches_its_device_with_the_next_tick() -> None:
    file = house()
    wire = Wire(file, [ONE, SUN])
    conductor = Conductor(file, exchange=wire, nodes=[ONE, SUN], trace=True)
    conductor.run(10.0)
    wire.pending.append(News(SUN, setting=Setting(name="power_w", value=123.0)))
    wire.pending.append(News(ONE, setting=Setting(name="soc", value=0.9)))
    wire.pending.append(News(ONE, setting=Setting(name="soc", value=9.0)))
    conductor.run(12.0)
    assert conductor.trace is not None and conductor.trace[-1][4] == 123.0
    assert conductor.loop.batteries[0].soc == pytest.approx(0.9, abs=0.01)
    assert conductor.bus is not None and "soc = 9.0: must be within 0 and 1" in conductor.bus.log[-1][1]


def test_a_repeated_tick_is_answered_again_and_moves_nothing() -> None:
    node = Node(solos(house())[ONE])
    tick = Tick(
        run="r", number=5, time_s=1.0, dt_s=1.0, surroundings=Surroundings(), orders={ONE: Order(dt_s=1.0, book=True)}
    )
    answer = node.handle(tick)
    assert answer is not None and node.handle(tick) is answer
    assert node.handle(tick.model_copy(update={"number": 4})) is None
    assert node.handle(tick.model_copy(update={"orders": {}})) is None
    fresh = node.handle(tick.model_copy(update={"run": "another", "number": 1}))
    assert fresh is not None and fresh.power_w == answer.power_w


def test_messages_say_what_is_wrong_with_them_and_pass_over_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="version"):
        Hello.model_validate_json('{"version": 2, "type": "hello", "device": "a", "phase": "A"}')
    assert Hello.model_validate_json('{"device": "a", "phase": "A", "new": 1}').device == "a"
    with pytest.raises(ValueError):
        Order.model_validate_json('{"replies": ["0g"]}')


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6))
def test_numbers_cross_the_bus_bit_for_bit(values: list[float]) -> None:
    terms = Terms.of(EnergyTerms(*values))
    joules = Joules(run="r", device="d", tick=1, power_w=values[0], terms=terms)
    again = Joules.model_validate_json(joules.to_json())
    assert again.terms is not None and [x.hex() for x in again.terms.entry] == [x.hex() for x in values]


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_any_name_is_one_level_of_a_topic(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    topics = Topics("a/b")
    topic = topics.of("joules", name)
    assert topics.split(topic) == ("joules", name) and topic.count("/") == 3 and not set("+#") & set(topic)


def test_devices_are_found_by_their_names() -> None:
    known = solos(house())
    assert list(known) == [ONE, TWO, SUN, "pump", "fridge"]
    assert [find_solo(known, name) for name in ("sun", ONE.lower(), "pump")] == [SUN, ONE, "pump"]
    assert list(solos(house(**SKY)))[-3:] == ["garage", "cellar", "shed"]
    with pytest.raises(LookupError, match="no device 'pv1'; there are"):
        find_solo(known, "pv1")
