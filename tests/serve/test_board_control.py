"""Orders to a board whose YAML declares only some entities."""

from typing import Any

import pytest

from nullwatt.serve.board_control import BoardControl
from nullwatt.serve.board_entities import BoardEntity, recognise


class Client:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    def number_command(self, key: int, state: float, device_id: int) -> None:
        self.sent.append((key, state, device_id))

    def switch_command(self, key: int, state: bool, device_id: int) -> None:
        self.sent.append((key, state, device_id))


class Board:
    def __init__(self, *entities: BoardEntity) -> None:
        self.recognised = recognise(entities, {7: "Garage"})
        self.values: dict[BoardEntity, Any] = {}
        self.client = Client()
        self.connected = True


def control(*entities: BoardEntity) -> tuple[BoardControl, list[Any]]:
    board = Board(*entities)
    return BoardControl(board), board.client.sent  # type: ignore[arg-type]


TARGET = BoardEntity("sensor", "Target", 1, 7, "W")


def test_goes_to_the_entity_of_that_device() -> None:
    orders, sent = control(
        TARGET,
        BoardEntity("number", "Manual target", 2, 7, "W", low=-800.0, high=800.0),
        BoardEntity("switch", "Automatic", 3, 7),
        BoardEntity("number", "Window weight", 4, 7, "%", low=0.0, high=100.0),
    )
    orders.set_override("garage", "manual_target", -500.0)
    orders.set_override("Garage", "manual", True)
    orders.set_override("Garage", "window_weight", 0.5)
    assert sent == [(2, -500.0, 7), (3, False, 7), (4, 50.0, 7)]
    with pytest.raises(ValueError, match="manual_target: 900 must be within -800 and 800, the bounds on this board"):
        orders.set_override("Garage", "manual_target", 900.0)
    with pytest.raises(ValueError, match="manual_target: True is not a number"):
        orders.set_override("Garage", "manual_target", True)


def test_says_what_the_yaml_lacks() -> None:
    orders, sent = control(TARGET)
    with pytest.raises(ValueError, match="this board has no number for weight; add `weight:` to its YAML"):
        orders.set_override("Garage", "weight", 2.0)
    with pytest.raises(ValueError, match="this board has no switch for manual; add `automatic:` to its YAML"):
        orders.set_override("Garage", "manual", True)
    with pytest.raises(ValueError, match="this board has no switch for active_control; add `active_control:`"):
        orders.set_active_control(False)
    with pytest.raises(ValueError, match="this board has no button for force_rotation"):
        orders.force_rotation()
    with pytest.raises(LookupError, match="this board has no battery 'Cellar'; there are Garage"):
        orders.set_override("Cellar", "weight", 2.0)
    assert not sent
