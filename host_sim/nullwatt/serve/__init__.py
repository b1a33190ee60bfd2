"""What the running house shows the outside: HTTP, and its history in a file."""

from .api import History, TimedSimulation
from .app import application
from .compat import Simulation
from .recorded import Recorded, RecordedMoment, RecordedRun, means
from .server import PortInUseError, Server
from .state import Moment, State
from .store import HistoryError, HistoryStore
from .timing import TimeControl
from .watched import ControllerControl, HouseControl, Watched

__all__ = [
    "ControllerControl",
    "History",
    "HistoryError",
    "HistoryStore",
    "HouseControl",
    "Moment",
    "PortInUseError",
    "Recorded",
    "RecordedMoment",
    "RecordedRun",
    "Server",
    "Simulation",
    "State",
    "TimeControl",
    "TimedSimulation",
    "Watched",
    "application",
    "means",
]
