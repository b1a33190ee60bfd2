"""The simulated house: clock, loads, base load, sun, grid connection and its meter.

Knows nothing of the emulator core or of how batteries work; a battery is a phase and a power. Signs: grid + =
import, battery + = discharge. Same seed, same house, bit for bit.
"""

from .clock import Clock, PacedClock, RealClock, ScaledClock, SteppedClock
from .config import (
    BatterySection,
    ConfigError,
    CtSection,
    HouseFile,
    broken_rule,
    check_document,
    load_house_file,
    parse_house,
    read_document,
)
from .house import BatteryOutput, House, HouseConfig
from .loads import Load, LoadConfig, LoadEvent
from .meter import Meter, MeterConfig, MeterReading
from .phases import PHASES, SPREAD
from .sun import Sun, SunConfig

__all__ = [
    "PHASES",
    "SPREAD",
    "BatteryOutput",
    "BatterySection",
    "Clock",
    "ConfigError",
    "CtSection",
    "House",
    "HouseConfig",
    "HouseFile",
    "Load",
    "LoadConfig",
    "LoadEvent",
    "Meter",
    "MeterConfig",
    "MeterReading",
    "PacedClock",
    "RealClock",
    "ScaledClock",
    "SteppedClock",
    "Sun",
    "SunConfig",
    "broken_rule",
    "check_document",
    "load_house_file",
    "parse_house",
    "read_document",
]
