"""The control core, compiled from `esphome_component/ct002_core` and wrapped, nothing else.

Signs: battery power + = discharge, grid and reading + = import. Times are seconds.
"""

from nullwatt.core.cloud import (
    AppPacer,
    AppPoll,
    AppSlave,
    CloudReport,
    CloudRequest,
    HttpFailure,
    Registration,
    RegistrationRecord,
    RegistrationStage,
    RegistrationStep,
    ReportSchedule,
    ReportStep,
    Sums,
    app_answer_topics,
    app_poll_topics,
    is_app_poll,
    normalize_ct_mac,
    parse_app_poll,
    registration_reasons,
    runtime_frame,
    slave_list,
    sums_of,
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

__all__ = [
    "MAX_BATTERIES",
    "MAX_DATAGRAM",
    "AppPacer",
    "AppPoll",
    "AppSlave",
    "CloudReport",
    "CloudRequest",
    "Config",
    "ConsumerState",
    "Emulator",
    "EmulatorState",
    "Filters",
    "FrameError",
    "HttpFailure",
    "Option",
    "Registration",
    "RegistrationRecord",
    "RegistrationStage",
    "RegistrationStep",
    "ReportSchedule",
    "ReportStep",
    "Sums",
    "TableFullError",
    "app_answer_topics",
    "app_poll_topics",
    "decode_frame",
    "encode_frame",
    "is_app_poll",
    "normalize_ct_mac",
    "options",
    "parse_app_poll",
    "registration_reasons",
    "runtime_frame",
    "slave_list",
    "sums_of",
]
