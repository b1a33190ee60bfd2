"""What the running house shows the outside: HTTP."""

from .compat import Simulation, application
from .server import PortInUseError, Server

__all__ = ["PortInUseError", "Server", "Simulation", "application"]
