"""A board's entities, recognised by name."""

import runpy
from pathlib import Path

import pytest

from nullwatt.serve import board_state
from nullwatt.serve.board_entities import BATTERY, METER, MODES, BoardEntity, Recognised, recognise

TABLE = runpy.run_path(str(Path(__file__).parents[2] / "esphome_component" / "ct002" / "entity_table.py"))


class Listed:
    """A board's list of entities, with a key for each."""

    def __init__(self) -> None:
        self.entities: list[BoardEntity] = []

    def add(self, platform: str, name: str, unit: str = "", device: int = 0, **more: object) -> BoardEntity:
        entity = BoardEntity(platform, name, len(self.entities) + 1, device, unit, **more)  # type: ignore[arg-type]
        self.entities.append(entity)
        return entity

    def battery(self, prefix: str = "", device: int = 0) -> None:
        """Everything of a battery."""
        for (platform, key, unit), name in BATTERY.items():
            options = MODES if key == "mode" else ()
            self.add(platform, f"{prefix} {name}".strip(), unit, device, options=options)

    def recognised(self, **devices: int) -> Recognised:
        return recognise(self.entities, {number: name for name, number in devices.items()})


@pytest.fixture
def board() -> Listed:
    return Listed()


def test_names_are_those_of_the_component() -> None:
    for of_battery, known in ((False, METER), (True, BATTERY)):
        rows = [row for row in TABLE["ENTITIES"] if row.of_battery == of_battery]
        assert known == {(row.platform, row.key, row.unit): row.name for row in rows}
        # What is asked for by key alone must be one thing.
        assert len({key for _, key, _ in known}) == len(known)
    assert TABLE["MODES"] == MODES


def test_every_entity_of_the_meter(board: Listed) -> None:
    for (platform, _, unit), name in METER.items():
        board.add(platform, name, unit)
    found = board.recognised()
    assert set(found.meter) == {key for _, key, _ in METER}
    assert not found.batteries and not found.left_out


@pytest.mark.parametrize("prefix", ["Battery 1", "Battery 3c01", "Garage", "Batterie im Keller"])
def test_batteries_without_devices(board: Listed, prefix: str) -> None:
    board.battery(prefix)
    board.battery("Battery 12")
    found = board.recognised()
    assert [battery.name for battery in found.batteries] == [prefix, "Battery 12"]
    for battery in found.batteries:
        assert set(battery.entities) == {key for _, key, _ in BATTERY}
        assert battery.entities["window_weight"].name.endswith("Window weight")
    assert not found.left_out


def test_batteries_on_devices_of_their_own(board: Listed) -> None:
    board.battery(device=7)
    board.battery(device=9)
    found = board.recognised(Cellar=7, Garage=9)
    assert [battery.name for battery in found.batteries] == ["Cellar", "Garage"]
    assert not found.left_out


def test_names_of_ones_own_on_one_device_are_one_battery(board: Listed) -> None:
    board.add("sensor", "Power", "W", 7)
    board.add("sensor", "garage_target", "W", 7)
    board.add("select", "Betriebsart", "", 7, options=MODES)
    (battery,) = board.recognised(Garage=7).batteries
    assert battery.name == "Garage" and set(battery.entities) == {"power", "target", "mode"}


def test_two_batteries_on_one_device(board: Listed) -> None:
    for name in ("Left", "Right"):
        board.add("sensor", f"{name} power", "W", 7)
        board.add("sensor", f"{name} target", "W", 7)
    assert [battery.name for battery in board.recognised(Cellar=7).batteries] == ["Left", "Right"]


def test_what_is_not_of_nullwatt_is_left_out(board: Listed) -> None:
    foreign = [
        board.add("sensor", "Washing machine Power", "W"),
        board.add("sensor", "Solar power", "W"),
        board.add("binary_sensor", "Router online"),
        board.add("sensor", "Power", "W", 3),
        board.add("sensor", "Grid power", "kW"),
        board.add("select", "Heating mode", options=("Automatic", "Off")),
        board.add("sensor", "Leistung", "W"),
    ]
    board.add("sensor", "Battery 2 Power", "W")
    found = board.recognised(Shed=3)
    assert not found.meter
    assert [battery.name for battery in found.batteries] == ["Battery 2"]
    assert list(found.left_out) == foreign


def test_entity_of_the_board_itself_comes_before_one_of_a_device(board: Listed) -> None:
    board.add("sensor", "Demand", "W", 3)
    own = board.add("sensor", "Demand", "W")
    assert board.recognised(Heating=3).meter["demand"] is own


def test_state_of_charge_on_the_battery_s_device(board: Listed) -> None:
    board.battery(device=7)
    soc = board.add("sensor", "Ladestand", "%", 7, device_class="battery")
    board.add("sensor", "Phone", "%", device_class="battery")
    found = board.recognised(Cellar=7)
    assert found.batteries[0].entities["soc"] is soc
    values = {
        found.batteries[0].entities["power"]: 120.0,
        found.batteries[0].entities["mac"]: "02b250000001",
        soc: 55.0,
    }
    (state,) = board_state.batteries(found, values)
    assert (state.mac, state.power, state.soc, state.phase) == ("02b250000001", 120.0, 0.55, "")


def test_grid_is_what_the_meter_tells(board: Listed) -> None:
    phases = [board.add("sensor", f"Grid power L{number}", "W") for number in (1, 2, 3)]
    found = board.recognised()
    two = dict.fromkeys(phases[:2], 100.0)
    # Whether there is a third phase is not known, so neither is the sum.
    assert board_state.grid(found, two) is None
    assert board_state.grid(found, two | {phases[2]: float("nan")}) is None
    whole = board_state.grid(found, two | {phases[2]: -50.0})
    assert whole is not None and whole.total == 150.0
    assert board_state.moment(1.0, found, two | {phases[2]: -50.0}).grid_w == [100.0, 100.0, -50.0]


def test_total_alone_is_no_phase(board: Listed) -> None:
    total = board.add("sensor", "Grid power", "W")
    found = board.recognised()
    known = board_state.grid(found, {total: 42.0})
    assert known is not None and (known.total, known.phase_a, known.phase_b) == (42.0, None, None)
    assert board_state.moment(1.0, found, {total: 42.0}).grid_w == [42.0]
    assert board_state.moment(1.0, found, {}).grid_w == []
    assert board_state.controller(found, {total: 42.0}).grid is None


def test_mode_says_what_switches_would(board: Listed) -> None:
    mode = board.add("select", "Battery 1 Mode", options=MODES)
    found = board.recognised()
    wanted = {"Automatic": (True, False), "Charge only": (True, False), "Manual": (True, True), "Off": (False, None)}
    for option, (active, manual) in wanted.items():
        (one,) = board_state.controller(found, {mode: option}).batteries
        assert (one.mac, one.active, one.manual) == ("Battery 1", active, manual)
        assert one.settings == {"mode": option}
