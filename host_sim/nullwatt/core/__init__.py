"""The control core, compiled from `esphome_component/ct002_core` and wrapped, nothing else.

Signs: battery power + = discharge, grid and reading + = import. Times are seconds.
"""

from nullwatt.core.config import Config, Option, options
from nullwatt.core.emulator import (
    MAX_BATTERIES,
    MAX_DATAGRAM,
    ConsumerState,
    Emulator,
    EmulatorState,
    TableFullError,
)
from nullwatt.core.filters import Filters
from nullwatt.core.frame import FrameError, decode_frame, encode_frame
from nullwatt.core.insights import Insights, Message

__all__ = [
    "MAX_BATTERIES",
    "MAX_DATAGRAM",
    "Config",
    "ConsumerState",
    "Emulator",
    "EmulatorState",
    "Filters",
    "FrameError",
    "Insights",
    "Message",
    "Option",
    "TableFullError",
    "decode_frame",
    "encode_frame",
    "options",
]
