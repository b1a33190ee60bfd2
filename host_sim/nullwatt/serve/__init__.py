"""What the running house shows the outside: HTTP, and its history in a file.

What brings FastAPI along is loaded when it is asked for: Modbus and the nodes of a spread house do without.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .history import HISTORY_S, History
from .metrics import METRICS, dashboard, render_metrics
from .recorded import Recorded, RecordedMoment, RecordedRun, means
from .sides import Sides, sides, split, split_hybrid
from .simulation import Simulation
from .state import (
    BatteryState,
    CommandState,
    ControllerState,
    DayMoney,
    DeviceState,
    EmulatorInfo,
    GridState,
    HybridState,
    LinkState,
    LoadState,
    MainsState,
    Moment,
    MoneyState,
    PlantState,
    ScenarioState,
    SolarState,
    State,
    SteeredState,
    TimeState,
)
from .store import HistoryError, HistoryStore
from .timing import TimeControl
from .watched import ControllerControl, HomeFiles, HouseControl, ServedHouse, Watched
from .what_if import Comparing, Comparison, HomeMonth, HomeResult

if TYPE_CHECKING:
    from .app import application, board_application
    from .server import PortInUseError, Server

__all__ = [
    "HISTORY_S",
    "METRICS",
    "BatteryState",
    "CommandState",
    "Comparing",
    "Comparison",
    "ControllerControl",
    "ControllerState",
    "DayMoney",
    "DeviceState",
    "EmulatorInfo",
    "GridState",
    "History",
    "HistoryError",
    "HistoryStore",
    "HomeFiles",
    "HomeMonth",
    "HomeResult",
    "HouseControl",
    "HybridState",
    "LinkState",
    "LoadState",
    "MainsState",
    "Moment",
    "MoneyState",
    "PlantState",
    "PortInUseError",
    "Recorded",
    "RecordedMoment",
    "RecordedRun",
    "ScenarioState",
    "ServedHouse",
    "Server",
    "Sides",
    "Simulation",
    "SolarState",
    "State",
    "SteeredState",
    "TimeControl",
    "TimeState",
    "Watched",
    "application",
    "board_application",
    "dashboard",
    "means",
    "render_metrics",
    "sides",
    "split",
    "split_hybrid",
]

_HTTP = {"PortInUseError": "server", "Server": "server", "application": "app", "board_application": "app"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HTTP:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_HTTP[name]}", __name__), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
