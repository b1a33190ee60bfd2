"""A real Home Assistant beside a real broker and our emulator: what it shows, and what a click in it does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hass import PROGRAM, HomeAssistant
from mqtt_broker import Broker, Ear, missing

from nullwatt.core import Config, ConsumerState, Emulator
from nullwatt.emulator.mqtt import InsightsService
from nullwatt.home import MqttInsightsSection, parse_broker, parse_house
from nullwatt.lab import Site, specs_of

#: Simulated seconds per second: an hour's patience with a battery that fell silent is none of a test's.
TIME_SCALE = 40
HOUSE = {
    "powermeter": {"phases": 1, "base_load": [150], "base_noise": 2, "solar_max": 0},
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "VNSE3-0"},
        {"mac": "02B250000002", "phase": "A", "meter_dev_type": "VNSE3-0"},
        {"mac": "02B250000003", "phase": "A", "meter_dev_type": "HMJ-2"},
    ],
}
MAC = "02b250000001"
METER = "astrameter_ct002_device-1"
BATTERY = f"{METER}_{MAC}"
WAIT_S = 30.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if not PROGRAM.exists():
        missing("Home Assistant is missing: make .venv-homeassistant/.installed, which needs Python 3.13")
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ear(broker: Broker) -> Iterator[Ear]:
    made = Ear(broker.port)
    yield made
    made.close()


@pytest.fixture(scope="module")
def hass(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    made = HomeAssistant(tmp_path_factory.mktemp("homeassistant"), broker.port)
    try:
        made.start()
        yield made
    finally:
        made.stop()


class House:
    """A house at work whose emulator tells the broker of itself."""

    def __init__(self, broker: Broker) -> None:
        file = parse_house(HOUSE)
        self.emulator = Emulator(Config(min_efficient_power=300.0))
        self.site = Site(file.house_config(), specs_of(file), emulator=self.emulator)
        settings = MqttInsightsSection(state_interval=TIME_SCALE / 2)
        self.service = InsightsService(
            self.emulator, parse_broker(broker.uri), lambda: self.site.loop.now_s, settings, "1.2.3"
        )

    def consumer(self, mac: str = MAC) -> ConsumerState:
        (found,) = (consumer for consumer in self.emulator.consumers() if consumer.mac == mac)
        return found

    def parked(self) -> set[str]:
        return {consumer.mac for consumer in self.emulator.consumers() if consumer.parked}

    async def later(self, seconds: float) -> None:
        """Wait for so long, simulated time."""
        end_s = self.site.loop.now_s + seconds
        await until(lambda: self.site.loop.now_s >= end_s, "time stands")


@asynccontextmanager
async def played(broker: Broker) -> AsyncIterator[House]:
    house = House(broker)
    tasks = [asyncio.create_task(house.site.play(time_scale=TIME_SCALE)), asyncio.create_task(house.service.run())]
    try:
        yield house
        assert not any(task.done() for task in tasks), tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until[T](what: Callable[[], T], words: str) -> T:
    clock = asyncio.get_running_loop().time
    end_s = clock() + WAIT_S
    while not (found := what()):
        assert clock() < end_s, words
        await asyncio.sleep(0.05)
    return found


async def shown(hass: HomeAssistant, unique_id: str, is_right: Callable[[str], bool], words: str) -> None:
    """Wait until Home Assistant shows a right state; the house goes on meanwhile."""
    clock = asyncio.get_running_loop().time
    end_s = clock() + WAIT_S
    while True:
        entity_id = (await asyncio.to_thread(hass.entity_ids)).get(unique_id)
        states = await asyncio.to_thread(hass.states)
        state = states[entity_id]["state"] if entity_id in states else "missing"
        if is_right(state):
            return
        assert clock() < end_s, f"{words}: {unique_id} is {state}"
        await asyncio.sleep(0.2)


def is_there(state: str) -> bool:
    return state not in ("missing", "unavailable", "unknown")


async def all_shown(hass: HomeAssistant) -> None:
    for battery in HOUSE["batteries"]:
        node = f"{METER}_{battery['mac'].lower()}"  # type: ignore[index]
        await shown(hass, f"{node}_reported_power", is_there, "no battery")


async def test_every_entity_with_its_device_unit_and_class(hass: HomeAssistant, broker: Broker, ear: Ear) -> None:
    def components() -> list[dict[str, Any]]:
        texts = [text for topic, text in list(ear.latest.items()) if topic.startswith("homeassistant/device/")]
        return [each for text in texts for each in json.loads(text)["components"].values()]

    async with played(broker):
        await all_shown(hass)
        for component in components():
            await shown(
                hass, component["unique_id"], lambda state: state not in ("missing", "unavailable"), "not there"
            )
        entities, devices = await asyncio.to_thread(hass.registry, "entity"), hass.registry("device")
        states = hass.states()
    by_id = {entity["unique_id"]: entity for entity in entities if entity["platform"] == "mqtt"}
    of_device = {device["id"]: device for device in devices}
    by_identifier = {each[1]: device for device in devices for each in device["identifiers"] if each[0] == "mqtt"}
    documents = [json.loads(text) for topic, text in ear.latest.items() if topic.startswith("homeassistant/device/")]
    assert len(documents) == 5
    announced = set()
    for document in documents:
        told = document["device"]
        identifiers = [told["identifiers"]] if isinstance(told["identifiers"], str) else told["identifiers"]
        for component in document["components"].values():
            where = component["unique_id"]
            announced.add(where)
            entity = by_id[where]
            state = states[entity["entity_id"]]
            assert entity["entity_id"].startswith(component["platform"] + "."), where
            assert entity["original_name"] == component["name"], where
            assert entity["entity_category"] == component.get("entity_category"), where
            assert state["attributes"].get("device_class") == component.get("device_class"), where
            assert state["attributes"].get("unit_of_measurement") == component.get("unit_of_measurement"), where
            assert state["state"] != "unavailable", where
            device = of_device[entity["device_id"]]
            assert {each[1] for each in device["identifiers"]} == set(identifiers), where
            assert device["name"] == told["name"] and device["manufacturer"] == told["manufacturer"], where
            if "via_device" in told:
                assert device["via_device_id"] == by_identifier[told["via_device"]]["id"], where
    assert set(by_id) == announced and len(announced) == 3 + 4 + 23 + 23 + 24
    wrong = [line for line in hass.log.splitlines() if "mqtt" in line and (" ERROR " in line or " WARNING " in line)]
    assert not wrong, wrong


async def test_a_click_reaches_the_emulator(hass: HomeAssistant, broker: Broker) -> None:
    async with played(broker) as house:
        await all_shown(hass)
        ids = await asyncio.to_thread(hass.entity_ids)
        await house.later(120)  # the batteries have found their turns

        await asyncio.to_thread(hass.call, ids[f"{BATTERY}_max_charge"], "set_value", value=640)
        await until(lambda: house.consumer().max_charge_w == 640, "the number was not set")
        await shown(hass, f"{BATTERY}_max_charge", lambda state: state in ("640", "640.0"), "not shown")

        before = house.parked()
        assert before
        await asyncio.to_thread(hass.call, ids[f"{METER}_force_rotation"], "press")
        await until(lambda: house.parked() not in (before, set()), "the button did not rotate")

        await asyncio.to_thread(hass.call, ids[f"{BATTERY}_active"], "turn_off")
        await until(lambda: not house.consumer().active, "the switch did not pause it")
        await shown(hass, f"{BATTERY}_active", lambda state: state == "off", "not shown")
        await asyncio.to_thread(hass.call, ids[f"{BATTERY}_active"], "turn_on")
        await until(lambda: house.consumer().active, "the switch did not resume it")

        for service, active in (("turn_off", False), ("turn_on", True)):
            await asyncio.to_thread(hass.call, ids[f"{METER}_active_control"], service)
            await until(lambda: house.emulator.state().active_control is active, "active control")  # noqa: B023


async def test_a_battery_that_left_is_unavailable_until_it_is_back(hass: HomeAssistant, broker: Broker) -> None:
    async with played(broker) as house:
        await all_shown(hass)
        house.site.remove_battery(MAC.upper())
        await shown(hass, f"{BATTERY}_reported_power", lambda state: state == "unavailable", "still there")
        await shown(hass, f"{METER}_02b250000002_reported_power", is_there, "the others went, too")
        house.site.add_battery(specs_of(parse_house(HOUSE))[0])
        await shown(hass, f"{BATTERY}_reported_power", is_there, "not back")
        # The number of the test before was retained: it holds after all that, and for an emulator that is new.
        assert house.consumer().max_charge_w == 640


async def test_nothing_is_there_twice_after_restarts(hass: HomeAssistant, broker: Broker) -> None:
    before = hass.entity_ids()
    await shown(hass, f"{BATTERY}_reported_power", lambda state: state == "unavailable", "there without an emulator")
    async with played(broker):  # ours, once more
        await all_shown(hass)
        assert await asyncio.to_thread(hass.entity_ids) == before
        await asyncio.to_thread(hass.stop)
        await asyncio.to_thread(hass.start)
        await all_shown(hass)
        assert await asyncio.to_thread(hass.entity_ids) == before
