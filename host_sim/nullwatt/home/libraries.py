"""Libraries of the extra `weather`, loaded only where a house has weather."""

import importlib
import importlib.util
from typing import Any

MISSING = "needs the package pvlib; install nullwatt[weather]"


def weather_works() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("pvlib") is not None


def pvlib_part(name: str) -> Any:
    """A module of pvlib. ModuleNotFoundError, one line that names the extra, without it."""
    if not weather_works():
        raise ModuleNotFoundError(f"weather {MISSING}")
    return importlib.import_module(f"pvlib.{name}")


def scipy_part(name: str) -> Any:
    """A module of scipy, on which pvlib rests. ModuleNotFoundError as above."""
    if not weather_works():
        raise ModuleNotFoundError(f"weather {MISSING}")
    return importlib.import_module(f"scipy.{name}")
