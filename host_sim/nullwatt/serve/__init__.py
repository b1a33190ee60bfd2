"""What the running house shows the outside: HTTP."""

from .api import History, TimeControl, TimedSimulation
from .app import application
from .compat import Simulation
from .server import PortInUseError, Server

__all__ = [
    "History",
    "PortInUseError",
    "Server",
    "Simulation",
    "TimeControl",
    "TimedSimulation",
    "application",
]
