"""What the running house shows the outside: HTTP."""

from .api import History, TimedSimulation
from .app import application
from .compat import Simulation
from .server import PortInUseError, Server
from .state import Moment, State
from .timing import TimeControl
from .watched import ControllerControl, HouseControl, Watched

__all__ = [
    "ControllerControl",
    "History",
    "HouseControl",
    "Moment",
    "PortInUseError",
    "Server",
    "Simulation",
    "State",
    "TimeControl",
    "TimedSimulation",
    "Watched",
    "application",
]
