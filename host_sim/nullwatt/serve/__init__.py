"""What the running house shows the outside: HTTP."""

from .app import application
from .compat import Simulation
from .history import HISTORY_S, History
from .server import PortInUseError, Server
from .state import (
    BatteryState,
    CommandState,
    ControllerState,
    DeviceState,
    EmulatorInfo,
    GridState,
    LoadState,
    Moment,
    ScenarioState,
    SolarState,
    State,
    SteeredState,
    TimeState,
)
from .timing import TimeControl
from .watched import ControllerControl, HouseControl, ServedHouse, Watched

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
    "HouseControl",
    "LoadState",
    "Moment",
    "PortInUseError",
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
]
