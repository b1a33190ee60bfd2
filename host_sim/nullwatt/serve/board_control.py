"""Orders to a real board, through its own switches, numbers and buttons."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aioesphomeapi.core import APIConnectionError

from .board_entities import BATTERY, BoardEntity
from .board_state import identity
from .compat import is_finite

if TYPE_CHECKING:
    from .board import Board

#: What the setting of a name is called on the board, where that differs: the switch says the opposite.
_OPPOSITE = {"manual": "automatic"}
#: On the board in percent, here 0..1.
_IN_PERCENT = "window_weight"
_SETTABLE = {key: platform for platform, key, _ in BATTERY if platform in ("switch", "number")}
_NAMES = sorted({*_SETTABLE, *_OPPOSITE} - set(_OPPOSITE.values()))


class BoardControl:
    """Settings of the controller on a board; see `ControllerControl`."""

    def __init__(self, board: "Board") -> None:
        self._board = board

    def set_override(self, mac: str, name: str, value: float | bool) -> None:
        """Change a setting of one battery; LookupError, ValueError."""
        key = _OPPOSITE.get(name, name)
        if name not in _NAMES:
            raise ValueError(f"{name}: no setting of a battery; there are {', '.join(_NAMES)}")
        battery = self._entities(mac)
        entity = battery.get(key)
        if entity is None:
            of = f"{_SETTABLE[key]} for {name}"
            raise ValueError(f"this board has no {of}; add `{key}:` to its YAML, see docs/esphome.md, Entities")
        client, device = self._board.client, entity.device
        if _SETTABLE[key] == "switch":
            on = _flag(name, value) != (name in _OPPOSITE)
            self._send(lambda: client.switch_command(entity.key, on, device_id=device))
            return
        scale = 100.0 if name == _IN_PERCENT else 1.0
        wanted = _number(name, value, entity.low / scale, entity.high / scale) * scale
        self._send(lambda: client.number_command(entity.key, wanted, device_id=device))

    def set_active_control(self, active: bool) -> None:
        """Steer, or relay the measured values; ValueError."""
        entity, client = self._of_meter("switch", "active_control"), self._board.client
        self._send(lambda: client.switch_command(entity.key, active, device_id=entity.device))

    def force_rotation(self) -> None:
        """Hand over to the next battery; ValueError."""
        entity, client = self._of_meter("button", "force_rotation"), self._board.client
        self._send(lambda: client.button_command(entity.key, device_id=entity.device))

    def _entities(self, mac: str) -> Mapping[str, BoardEntity]:
        named = {identity(one, self._board.values): one for one in self._board.recognised.batteries}
        for known, battery in named.items():
            if known is not None and known.lower() == mac.lower():
                return battery.entities
        if not self._board.connected:
            raise ValueError("the board is not connected; nothing was changed")
        there = ", ".join(known for known in named if known is not None)
        raise LookupError(f"this board has no battery {mac!r}; there {'are ' + there if there else 'is none'}")

    def _of_meter(self, platform: str, key: str) -> BoardEntity:
        entity = self._board.recognised.meter.get(key)
        if entity is None and self._board.connected:
            raise ValueError(f"this board has no {platform} for {key}; add `{key}:` to its YAML, see docs/esphome.md")
        # Without a connection it is not known what there is; sending will say so.
        return entity or BoardEntity(platform, key, 0)

    def _send(self, command: Callable[[], None]) -> None:
        if not self._board.connected:
            raise ValueError("the board is not connected; nothing was changed")
        try:
            command()
        except APIConnectionError:
            raise ValueError("the connection to the board is lost; nothing was changed") from None


def _flag(name: str, value: float | bool) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{name}: {value!r} is neither true nor false")
    return bool(value)


def _number(name: str, value: float | bool, low: float, high: float) -> float:
    if isinstance(value, bool) or not is_finite(value):
        raise ValueError(f"{name}: {str(value)[:40]} is not a number")
    if not low <= value <= high:
        raise ValueError(f"{name}: {value:g} must be within {low:g} and {high:g}, the bounds on this board")
    return float(value)
