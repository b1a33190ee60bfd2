"""What the running house shows the outside: HTTP, and its history in a file."""

from .app import application, board_application
from .compat import Simulation
from .history import HISTORY_S, History
from .recorded import Recorded, RecordedMoment, RecordedRun, means
from .server import PortInUseError, Server
from .state import (
    BatteryState,
    CommandState,
    ControllerState,
    DeviceState,
    EmulatorInfo,
    GridState,
    LinkState,
    LoadState,
    Moment,
    ScenarioState,
    SolarState,
    State,
    SteeredState,
    TimeState,
)
from .store import HistoryError, HistoryStore
from .timing import TimeControl
from .watched import ControllerControl, HomeFiles, HouseControl, ServedHouse, Watched

__all__ = [
    "HISTORY_S",
    "BatteryState",
    "CommandState",
    "ControllerControl",
    "ControllerState",
    "DeviceState",
    "EmulatorInfo",
    "GridState",
    "History",
    "HistoryError",
    "HistoryStore",
    "HomeFiles",
    "HouseControl",
    "LinkState",
    "LoadState",
    "Moment",
    "PortInUseError",
    "Recorded",
    "RecordedMoment",
    "RecordedRun",
    "ScenarioState",
    "ServedHouse",
    "Server",
    "Simulation",
    "SolarState",
    "State",
    "SteeredState",
    "TimeControl",
    "TimeState",
    "Watched",
    "application",
    "board_application",
    "means",
]
