"""Native entities, seen the way Home Assistant sees them: through ESPHome's API, on a node in a closed loop."""

import asyncio
import math
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aioesphomeapi
import pytest
from closed_loop import House, connect, run_mocked
from entities_node import ENTITIES, KNOWN_MAC, node

from nullwatt.battery import BatteryConfig, encode_frame

BATTERIES = [BatteryConfig(mac=f"02b25000000{i}", device_type="VNSE3-0", capacity_wh=0.0) for i in range(2)]
#: A published value is at most a tick and its way old.
PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def program(compile_node: Callable[[str, str], Path], test_ports: tuple[int, int], api_port: int) -> Path:
    return compile_node("entities-node", node(test_ports, api_port, "grid_target: 0"))


class Home:
    """What Home Assistant knows of a node: its entities by device and name, and their latest states."""

    def __init__(self, client: aioesphomeapi.APIClient) -> None:
        self.client = client
        self.devices: dict[str, int] = {}
        self.entities: dict[tuple[str, str], Any] = {}
        self._states: dict[tuple[int, int, type], Any] = {}

    async def load(self) -> None:
        info = await self.client.device_info()
        self.devices = {"": 0} | {device.name: device.device_id for device in info.devices}
        names = {number: name for name, number in self.devices.items()}
        entities, _ = await self.client.list_entities_services()
        self.entities = {(names[entity.device_id], entity.object_id): entity for entity in entities}
        self.client.subscribe_states(self._keep)

    def _keep(self, state: Any) -> None:
        self._states[state.device_id, state.key, type(state)] = state

    def state(self, device: str, name: str) -> Any:
        """The latest value; None if there is none yet."""
        entity = self.entities[device, name]
        for (device_id, key, kind), state in self._states.items():
            # SensorInfo belongs to SensorState
            same_kind = kind.__name__.removesuffix("State") == type(entity).__name__.removesuffix("Info")
            if (device_id, key) == (entity.device_id, entity.key) and same_kind:
                return state.state
        return None

    async def wait_for(self, device: str, name: str, wanted: Callable[[Any], bool] | Any) -> Any:
        fits = wanted if callable(wanted) else lambda value: value == wanted
        for _ in range(int(PATIENCE_S / 0.02)):
            value = self.state(device, name)
            if value is not None and fits(value):
                return value
            await asyncio.sleep(0.02)
        raise AssertionError(f"{device} {name} is {self.state(device, name)!r}")

    def set_number(self, device: str, name: str, value: float) -> None:
        entity = self.entities[device, name]
        self.client.number_command(entity.key, value, device_id=entity.device_id)

    def set_switch(self, device: str, name: str, on: bool) -> None:
        entity = self.entities[device, name]
        self.client.switch_command(entity.key, on, device_id=entity.device_id)

    def select(self, device: str, name: str, option: str) -> None:
        entity = self.entities[device, name]
        self.client.select_command(entity.key, option, device_id=entity.device_id)

    def press(self, device: str, name: str) -> None:
        entity = self.entities[device, name]
        self.client.button_command(entity.key, device_id=entity.device_id)


@asynccontextmanager
async def at_home(port: int) -> AsyncIterator[Home]:
    client = aioesphomeapi.APIClient("127.0.0.1", port, None)
    await client.connect(login=True)
    home = Home(client)
    await home.load()
    try:
        yield home
    finally:
        await client.disconnect()


type Run = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
async def started(program: Path, run_node: Run, api_port: int) -> AsyncIterator[tuple[Any, Home]]:
    with run_node(program) as running:
        async with at_home(api_port) as home:
            yield running, home


async def poll_times(running: Any, mac: str, times: int, power_w: int = 0, phase: str = "A") -> None:
    for _ in range(times):
        frame = encode_frame(["VNSE3-0", mac.upper(), "HME-4", "", phase, str(power_w)])
        assert await asyncio.to_thread(running.ask, frame, mac)


# -- what there is -------------------------------------------------------------------------------


@pytest.mark.slow
async def test_every_entity_is_there_on_its_device(started: tuple[Any, Home]) -> None:
    _, home = started
    assert set(home.devices) == {"", "First", "Second", "Known"}
    expected = set()
    for row in ENTITIES:
        name = row.name.lower().replace(" ", "_")
        for device in ("First", "Second", "Known") if row.of_battery else ("",):
            expected.add((device, name))
            entity = home.entities[device, name]
            assert entity.name == row.name
            assert type(entity).__name__.removesuffix("Info").lower() == row.platform.replace("_", "")
            assert getattr(entity, "unit_of_measurement", "") == row.unit
            assert ("", "config", "diagnostic")[entity.entity_category] == row.category, row.key
            if hasattr(entity, "device_class"):
                assert entity.device_class == row.device_class
    assert set(home.entities) == expected


@pytest.mark.slow
async def test_before_the_first_value_nothing_is_claimed(started: tuple[Any, Home]) -> None:
    _, home = started
    await home.wait_for("", "meter_available", False)
    await home.wait_for("First", "online", False)
    for device, name in (("", "grid_power"), ("", "demand"), ("First", "power"), ("First", "target")):
        assert math.isnan(await home.wait_for(device, name, lambda value: True)), name
    assert await home.wait_for("Known", "mac", lambda value: True) == KNOWN_MAC
    assert await home.wait_for("First", "mac", lambda value: True) == ""
    # Nothing is set: as good as no bound.
    assert await home.wait_for("First", "max_charge", lambda value: True) == 2500.0


# -- in the closed loop --------------------------------------------------------------------------


async def in_closed_loop(running: Any, home: Home) -> House:
    house = House(running, [600.0, 0.0, 0.0], await connect(running, BATTERIES))
    await run_mocked(house, 90.0)
    # Simulated time runs faster than that of the entities.
    for config, device in zip(BATTERIES, ("First", "Second"), strict=True):
        await home.wait_for(device, "mac", config.mac)
    return house


@pytest.mark.slow
async def test_states_follow_the_closed_loop(started: tuple[Any, Home]) -> None:
    running, home = started
    house = await in_closed_loop(running, home)
    await home.wait_for("", "batteries", 2.0)
    await home.wait_for("", "meter_available", True)
    assert abs(await home.wait_for("", "grid_power", lambda value: not math.isnan(value))) < 50.0
    assert await home.wait_for("", "demand", lambda value: value > 0) == pytest.approx(600.0, abs=50.0)
    assert abs(await home.wait_for("", "control_value", lambda value: not math.isnan(value))) < 50.0
    total_w = sum(client.battery.power_w for client in house.clients)
    assert await home.wait_for("", "battery_power", lambda value: value > 0) == pytest.approx(total_w, abs=5.0)
    for client, device in zip(house.clients, ("First", "Second"), strict=True):
        power_w = client.battery.power_w
        assert await home.wait_for(device, "power", lambda value: value > 0) == pytest.approx(power_w, abs=3.0)
        assert await home.wait_for(device, "target", lambda value: value > 0) == pytest.approx(300.0, abs=40.0)
        assert await home.wait_for(device, "share", lambda value: value > 0) == pytest.approx(50.0, abs=6.0)
        assert await home.wait_for(device, "poll_interval", lambda value: value > 0) == pytest.approx(0.45, abs=0.1)
        await home.wait_for(device, "online", True)
        await home.wait_for(device, "saturated", False)
        await home.wait_for(device, "saturation_discharging", lambda value: value < 40.0)
        await home.wait_for(device, "phase", "A")
        await home.wait_for(device, "model", "VNSE3-0")
        await home.wait_for(device, "address", "127.0.0.1")
    assert home.state("Known", "online") is False


@pytest.mark.slow
async def test_battery_that_cannot_deliver_shows(started: tuple[Any, Home]) -> None:
    running, home = started
    house = await in_closed_loop(running, home)
    house.clients[0].battery.set_limits(max_discharge_w=0.0)
    await run_mocked(house, 180.0)
    await home.wait_for("First", "saturated", True)
    await home.wait_for("First", "saturation_discharging", lambda value: value >= 40.0)
    await home.wait_for("First", "saturation_charging", lambda value: value < 20.0)
    running.wait_for_log("saturated 02b250000000 1")
    await home.wait_for("Second", "saturated", False)


@pytest.mark.slow
async def test_battery_that_leaves_and_meter_that_fails(started: tuple[Any, Home]) -> None:
    running, home = started
    await in_closed_loop(running, home)
    await home.wait_for("First", "online", True)
    running.command("clock_advance 100")
    running.command("evict")
    await home.wait_for("First", "online", False)
    await home.wait_for("First", "power", math.isnan)
    await home.wait_for("", "batteries", 0.0)
    # Whose place it is stays known.
    assert home.state("First", "mac") == "02b250000000"
    running.command("sensor_stale")
    await home.wait_for("", "meter_available", False)
    await home.wait_for("", "grid_power", math.isnan)


@pytest.mark.slow
async def test_combined_battery_has_its_entities_536(started: tuple[Any, Home]) -> None:
    running, home = started
    await poll_times(running, "02b250000000", 6, power_w=-70, phase="D")
    await home.wait_for("First", "phase", "D")
    await home.wait_for("First", "power", -70.0)
    await home.wait_for("First", "online", True)


@pytest.mark.slow
async def test_last_drop_reason(started: tuple[Any, Home]) -> None:
    running, home = started
    await home.wait_for("", "last_drop_reason", "")
    assert await asyncio.to_thread(running.ask, b"nonsense", "x", 0.2) is None
    await home.wait_for("", "last_drop_reason", lambda value: value != "")


# -- settings ------------------------------------------------------------------------------------


def shares_w(house: House) -> list[float]:
    return [client.battery.power_w for client in house.clients]


@pytest.mark.slow
async def test_settings_act_in_the_closed_loop(started: tuple[Any, Home]) -> None:
    running, home = started
    house = await in_closed_loop(running, home)
    seconds = 90.0

    async def after(*device_and_name: str, wanted: Any) -> list[float]:
        nonlocal seconds
        await home.wait_for(*device_and_name, wanted)
        seconds += 60.0
        await run_mocked(house, seconds)
        return shares_w(house)

    assert shares_w(house) == pytest.approx([300.0, 300.0], abs=30.0)
    home.set_number("First", "weight", 2.0)
    assert await after("First", "weight", wanted=2.0) == pytest.approx([400.0, 200.0], abs=30.0)
    home.set_number("First", "max_discharge", 100.0)
    assert await after("First", "max_discharge", wanted=100.0) == pytest.approx([100.0, 500.0], abs=30.0)
    home.select("First", "mode", "Charge only")
    assert await after("First", "mode", wanted="Charge only") == pytest.approx([0.0, 600.0], abs=30.0)
    # The bound is still there behind the mode.
    home.select("First", "mode", "Automatic")
    assert await after("First", "mode", wanted="Automatic") == pytest.approx([100.0, 500.0], abs=30.0)
    home.set_number("First", "manual_target", -200.0)
    home.set_switch("First", "automatic", False)
    assert await after("First", "mode", wanted="Manual") == pytest.approx([-200.0, 800.0], abs=30.0)
    home.set_switch("First", "active", False)
    assert await after("First", "mode", wanted="Off") == pytest.approx([0.0, 600.0], abs=30.0)
    home.set_number("", "grid_target", 150.0)
    assert await after("", "grid_target", wanted=150.0) == pytest.approx([0.0, 450.0], abs=30.0)
    home.set_number("", "grid_target", 0.0)
    home.set_number("", "peak_shaving_threshold", 200.0)
    assert await after("", "peak_shaving_threshold", wanted=200.0) == pytest.approx([0.0, 400.0], abs=30.0)
    home.set_switch("", "active_control", False)
    await home.wait_for("", "active_control", False)
    assert running.command("get active_control") == "ok get active_control 0"


@pytest.mark.slow
async def test_efficiency_mode_and_its_button(started: tuple[Any, Home]) -> None:
    running, home = started
    house = await in_closed_loop(running, home)
    home.press("", "force_rotation")
    await asyncio.to_thread(running.wait_for_log, "No rotation: efficiency mode parks no battery now")
    home.set_number("", "min_efficient_power", 400.0)
    await home.wait_for("", "min_efficient_power", 400.0)
    await run_mocked(house, 400.0)
    before = [power_w > 300.0 for power_w in shares_w(house)]
    assert sorted(before) == [False, True]
    home.press("", "force_rotation")
    await asyncio.sleep(0.2)
    await run_mocked(house, 700.0)
    assert [power_w > 300.0 for power_w in shares_w(house)] == [not working for working in before]


CHANGES: dict[str, tuple[str, float | bool | str]] = {
    "weight": ("number", 2.5),
    "window_weight": ("number", 40.0),
    "manual_target": ("number", -321.0),
    "min_dc_output": ("number", 45.0),
    "max_charge": ("number", 1200.0),
    "max_discharge": ("number", 800.0),
    "charge_order": ("number", 3.0),
    "discharge_order": ("number", 2.0),
    "automatic": ("switch", False),
}
HOUSE_CHANGES: dict[str, tuple[str, float | bool | str]] = {
    "grid_target": ("number", 25.0),
    "peak_shaving_threshold": ("number", 3000.0),
    "min_efficient_power": ("number", 150.0),
    "active_control": ("switch", False),
}


async def change_everything(home: Home) -> None:
    for device, changes in (("First", CHANGES), ("Known", CHANGES), ("", HOUSE_CHANGES)):
        for name, (kind, value) in changes.items():
            if kind == "number":
                home.set_number(device, name, float(value))
            else:
                home.set_switch(device, name, bool(value))
            await home.wait_for(device, name, value)


async def expect_everything(home: Home) -> None:
    for device, changes in (("First", CHANGES), ("Known", CHANGES), ("", HOUSE_CHANGES)):
        for name, (_, value) in changes.items():
            assert await home.wait_for(device, name, lambda value: True) == value, (device, name)


def test_every_setting_is_among_the_changes() -> None:
    settings = {row.key for row in ENTITIES if row.platform in ("number", "switch")}
    assert settings == CHANGES.keys() | HOUSE_CHANGES.keys() | {"active"}  # `active` is told by the mode


@pytest.mark.slow
async def test_settings_survive_a_restart(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program) as running:
        await poll_times(running, "02b250000000", 6)
        async with at_home(api_port) as home:
            await home.wait_for("First", "mac", "02b250000000")
            await change_everything(home)
        running.stop(signal.SIGTERM)
    with run_node(program) as running:
        async with at_home(api_port) as home:
            await expect_everything(home)
            assert home.state("First", "mac") == "02b250000000"
            assert home.state("First", "mode") == "Manual"
            assert home.state("Second", "weight") == 1.0
        # They reach the core, before the battery does.
        assert running.command("get grid_target") == "ok get grid_target 25"
        await poll_times(running, "02b250000000", 1)
        assert "02b250000000,A," in running.command("dump")
        assert running.command("dump").endswith("-321.0")


@pytest.mark.slow
async def test_settings_survive_a_power_cut_and_are_written_once(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program) as running:
        async with at_home(api_port) as home:
            for i in range(40):
                home.set_number("Known", "manual_target", float(i))
                await asyncio.sleep(0.05)
            await home.wait_for("Known", "manual_target", 39.0)
            saved = f"Settings of battery {KNOWN_MAC} saved"
            assert saved not in running.log
            await asyncio.to_thread(running.wait_for_log, saved, 8.0)
            # The same once more changes nothing.
            home.set_number("Known", "manual_target", 39.0)
            await asyncio.sleep(7.0)
            assert running.log.count(saved) == 1
        running.stop(signal.SIGKILL)
    with run_node(program):
        async with at_home(api_port) as home:
            assert await home.wait_for("Known", "manual_target", lambda value: True) == 39.0


@pytest.mark.slow
async def test_changed_configuration_overrules_what_is_stored(
    program: Path, run_node: Run, api_port: int, compile_node: Callable[[str, str], Path], test_ports: tuple[int, int]
) -> None:
    changed = compile_node("entities-node-changed", node(test_ports, api_port, "grid_target: 60"))
    with run_node(program) as running:
        async with at_home(api_port) as home:
            home.set_number("", "grid_target", 25.0)
            home.set_number("", "peak_shaving_threshold", 3000.0)
            await home.wait_for("", "peak_shaving_threshold", 3000.0)
        running.stop(signal.SIGTERM)
        prefs = running.folder / ".esphome" / "prefs"
        (prefs / "entities-node.prefs").rename(prefs / "entities-node-changed.prefs")
    with run_node(changed) as running:
        async with at_home(api_port) as home:
            assert await home.wait_for("", "grid_target", lambda value: True) == 60.0
            assert await home.wait_for("", "peak_shaving_threshold", lambda value: True) == 3000.0
        running.stop(signal.SIGTERM)
    (prefs / "entities-node-changed.prefs").rename(prefs / "entities-node.prefs")
    with run_node(program):
        async with at_home(api_port) as home:
            # What was overruled does not come back.
            assert await home.wait_for("", "grid_target", lambda value: True) == 0.0


# -- places --------------------------------------------------------------------------------------

A, B, C = "02b25000000a", "02b25000000b", "02b25000000c"


@pytest.mark.slow
async def test_who_has_a_place_keeps_it(program: Path, run_node: Run, api_port: int) -> None:
    with run_node(program) as running:
        async with at_home(api_port) as home:
            # Four polls are an accident, and a battery with a declared MAC needs no place.
            await poll_times(running, C, 4)
            await poll_times(running, KNOWN_MAC, 6)
            await poll_times(running, B, 6)
            await home.wait_for("First", "mac", B)
            await home.wait_for("Known", "online", True)
            await poll_times(running, A, 6)
            await home.wait_for("Second", "mac", A)
            await poll_times(running, C, 2)
            line = await asyncio.to_thread(running.wait_for_log, f"Battery {C} has no entities")
            assert "all 2 places are taken" in line
        running.stop(signal.SIGTERM)
    with run_node(program) as running:
        async with at_home(api_port) as home:
            await poll_times(running, A, 6)
            await poll_times(running, B, 6)
            await home.wait_for("First", "mac", B)
            await home.wait_for("Second", "mac", A)
            # A battery that was sold makes room.
            running.command("clock_advance 3600")
            running.command("evict")
            await home.wait_for("First", "online", False)
            home.set_number("First", "weight", 3.0)
            await home.wait_for("First", "weight", 3.0)
            home.press("First", "forget")
            await home.wait_for("First", "mac", "")
            await home.wait_for("First", "weight", 1.0)
            await poll_times(running, C, 6)
            await home.wait_for("First", "mac", C)


@pytest.mark.slow
async def test_mac_in_another_spelling_takes_no_place(started: tuple[Any, Home]) -> None:
    """Settings are keyed by what the battery sends: a sender with separators would be a new one every second."""
    running, home = started
    await poll_times(running, "60:f1:a2:b3:c4:02", 6)
    await poll_times(running, B, 6)
    await home.wait_for("First", "mac", B)
    await asyncio.sleep(2.2)
    assert home.state("Second", "mac") == ""


@pytest.mark.slow
async def test_mode_says_what_the_core_does(started: tuple[Any, Home]) -> None:
    running, home = started
    house = await in_closed_loop(running, home)
    home.select("First", "mode", "Charge only")
    await home.wait_for("First", "mode", "Charge only")
    home.set_switch("First", "automatic", False)
    await home.wait_for("First", "mode", "Manual")
    home.select("First", "mode", "Manual")  # says the same, but lifts the lock behind it
    await asyncio.sleep(0.2)
    home.set_switch("First", "automatic", True)
    await home.wait_for("First", "mode", "Automatic")
    await run_mocked(house, 180.0)
    assert shares_w(house) == pytest.approx([300.0, 300.0], abs=30.0)


@pytest.mark.slow
async def test_percent_comes_back_as_it_went(started: tuple[Any, Home]) -> None:
    _, home = started
    for percent in (15.0, 30.0, 60.0, 85.0):
        home.set_number("First", "window_weight", percent)
        await home.wait_for("First", "window_weight", percent)


# -- automations ---------------------------------------------------------------------------------

AUTOMATIONS = """
packages:
  boot:
    esphome:
      on_boot:
        - ct002.set_grid_target: 77
        - ct002.set_max_charge: {{battery: 1, power: 444}}
api: {{port: {api_port}}}
sensor:
  - {{platform: template, id: l1, unit_of_measurement: W}}
number:
  - {{platform: ct002, grid_target: }}
  - {{platform: ct002, battery: 1, manual_target: {{name: Target}}, weight: {{name: Weight}},
      max_charge: {{name: Max charge}}, max_discharge: {{name: Max discharge}}}}
select:
  - {{platform: ct002, battery: 1, mode: {{name: Mode}}}}
switch:
  - {{platform: ct002, active_control: }}
button:
  - platform: template
    name: Constants
    on_press:
      - ct002.set_grid_target: 11
      - ct002.set_manual_target: {{battery: 1, target: -12}}
      - ct002.set_weight: {{battery: 1, weight: 1.3}}
      - ct002.set_mode: {{battery: 1, mode: discharge_only}}
      - ct002.set_max_charge: {{battery: 1, power: 140}}
      - ct002.set_max_discharge: {{battery: 1, power: 150}}
      - ct002.force_rotation:
  - platform: template
    name: Lambdas
    on_press:
      - ct002.set_grid_target: !lambda return 21;
      - ct002.set_manual_target: {{battery: !lambda return "1";, target: !lambda return -22;}}
      - ct002.set_weight: {{battery: !lambda return "02:B2:50:00:00:0A";, weight: 2.3}}
      - ct002.set_weight: {{battery: !lambda return "02b25000000f";, weight: 2.4}}
      - ct002.set_weight: {{battery: !lambda return "nobody";, weight: 2.5}}
      - ct002.set_weight: {{battery: 1, weight: !lambda return 11;}}
  - platform: template
    name: "Off"
    on_press:
      - ct002.disable_battery: {{battery: !lambda return "02b25000000a";}}
  - platform: template
    name: "On"
    on_press:
      - ct002.enable_battery: 1
  - platform: template
    name: Conditions
    on_press:
      - if: {{condition: ct002.meter_available, then: [logger.log: "meter yes"], else: [logger.log: "meter no"]}}
      - if:
          condition: {{ct002.battery_online: 1}}
          then: [logger.log: "online yes"]
          else: [logger.log: "online no"]
      - if:
          condition: {{ct002.battery_saturated: {{battery: !lambda return "1";}}}}
          then: [logger.log: "saturated yes"]
          else: [logger.log: "saturated no"]
      - if: {{condition: ct002.active_control, then: [logger.log: "control yes"], else: [logger.log: "control no"]}}
ct002:
  power_sensor_l1: l1
  udp_port: {ports[0]}
  test_control_port: {ports[1]}
  on_battery_appeared:
    - logger.log: {{format: "appeared %s as %u", args: [mac.c_str(), battery]}}
  on_battery_lost:
    - if:
        condition: {{ct002.battery_online: !lambda return mac;}}
        then: [logger.log: "lost and online"]
    - delay: 100ms
    - logger.log: {{format: "lost %s as %u", args: [mac.c_str(), battery]}}
  on_meter_lost:
    - logger.log: the meter is lost
  on_meter_back:
    - logger.log: the meter is back
"""


@pytest.fixture(scope="module")
def automations(compile_node: Callable[[str, str], Path], test_ports: tuple[int, int], api_port: int) -> Path:
    return compile_node("automations-node", AUTOMATIONS.format(ports=test_ports, api_port=api_port))


type Log = Callable[[str], Coroutine[Any, Any, str]]


@pytest.fixture
async def automated(automations: Path, run_node: Run, api_port: int) -> AsyncIterator[tuple[Any, Home, Log]]:
    with run_node(automations) as running:

        async def log(words: str) -> str:
            return await asyncio.to_thread(running.wait_for_log, words)

        async with at_home(api_port) as home:
            yield running, home, log


@pytest.mark.slow
async def test_actions(automated: tuple[Any, Home, Log]) -> None:
    running, home, log = automated
    await poll_times(running, A, 6)
    await log(f"Battery {A} is battery 1 from now on")
    home.press("", "constants")
    await home.wait_for("", "grid_target", 11.0)
    await home.wait_for("", "target", -12.0)
    await home.wait_for("", "weight", lambda value: value == pytest.approx(1.3))
    await home.wait_for("", "max_charge", 140.0)
    await home.wait_for("", "max_discharge", 150.0)
    await home.wait_for("", "mode", "Discharge only")
    await log("No rotation")
    home.press("", "lambdas")
    await home.wait_for("", "grid_target", 21.0)
    await home.wait_for("", "target", -22.0)
    # Of a battery without entities nothing is stored, but it has its weight.
    await home.wait_for("", "weight", lambda value: value == pytest.approx(2.3))
    await log("Setting of battery 'nobody' not changed: no such battery")
    await log("Setting not changed: 11 is out of range")
    home.press("", "off")
    await home.wait_for("", "mode", "Off")
    home.press("", "on")
    await home.wait_for("", "mode", "Discharge only")


@pytest.mark.slow
async def test_triggers(automated: tuple[Any, Home, Log]) -> None:
    running, _, log = automated
    running.command("grid 100")
    await asyncio.sleep(1.2)
    running.command("sensor_stale")
    await log("the meter is lost")
    running.command("grid 100")
    await log("the meter is back")
    running.command("clock_set 1000")
    await poll_times(running, A, 1)
    await log(f"appeared {A} as 0")
    await poll_times(running, A, 6)
    await log(f"Battery {A} is battery 1 from now on")
    running.command("clock_advance 100")
    running.command("evict")
    await log(f"lost {A} as 1")
    assert "lost and online" not in running.log
    await poll_times(running, A, 1)
    await log(f"appeared {A} as 1")
    assert running.log.count("the meter is lost") == running.log.count("the meter is back") == 1


@pytest.mark.slow
async def test_actions_at_boot_are_not_lost(automated: tuple[Any, Home, Log]) -> None:
    running, home, _ = automated
    await home.wait_for("", "max_charge", 444.0)
    assert running.command("get grid_target") == "ok get grid_target 77"


@pytest.mark.slow
async def test_conditions(automated: tuple[Any, Home, Log]) -> None:
    running, home, log = automated
    home.press("", "conditions")
    for line in ("meter no", "online no", "saturated no", "control yes"):
        await log(line)
    running.command("grid 100")
    await poll_times(running, A, 6)
    home.set_switch("", "active_control", False)
    await log(f"Battery {A} is battery 1 from now on")
    await asyncio.sleep(1.2)
    home.press("", "conditions")
    for line in ("meter yes", "online yes", "control no"):
        await log(line)
