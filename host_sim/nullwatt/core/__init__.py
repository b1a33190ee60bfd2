"""The control core, compiled from `esphome_component/ct002_core` and wrapped, nothing else.

Signs: battery power + = discharge, grid and reading + = import. Times are seconds.
"""

from nullwatt.core.ble import (
    BleAction,
    BleBattery,
    BleContext,
    BleCtSelection,
    BleFrameError,
    BleIdChange,
    BleIdSource,
    BleOutcome,
    BlePairing,
    WifiFacts,
    WifiStep,
    WifiVerdict,
    ble_address,
    ble_battery_list,
    ble_ct_code,
    ble_id_change,
    ble_identity,
    ble_name,
    decode_ble_frame,
    encode_ble_frame,
)
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
    "BleAction",
    "BleBattery",
    "BleContext",
    "BleCtSelection",
    "BleFrameError",
    "BleIdChange",
    "BleIdSource",
    "BleOutcome",
    "BlePairing",
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
    "WifiFacts",
    "WifiStep",
    "WifiVerdict",
    "ble_address",
    "ble_battery_list",
    "ble_ct_code",
    "ble_id_change",
    "ble_identity",
    "ble_name",
    "decode_ble_frame",
    "decode_frame",
    "encode_ble_frame",
    "encode_frame",
    "options",
]
