"""The portable core of the CT002 emulator: sources only, nothing to configure.

`ct002` loads it; users never name it. It is a component of its own because ESPHome copies only
the files that lie directly in a component's folder.
"""

import esphome.config_validation as cv
from esphome.config_helpers import filter_source_files_from_defines
from esphome.core import CORE

CODEOWNERS: list[str] = []

CONFIG_SCHEMA = cv.Schema({})

# Doors for other hosts. The ESPHome build sets its options at compile time, so it has no use
# for access by name; only the test channel does. No define ever asks for the C door.
doors_without_use = filter_source_files_from_defines(
    {
        "config_access.cpp": "USE_CT002_TEST_CONTROL",
        "c_api.cpp": "USE_CT002_C_API",
    }
)


def left_out(stage: str) -> str:
    """Build flag that leaves a part out of the core. A flag and not a define, because the core reads no header of
    ESPHome."""
    return f"-DCT002_NO_{stage.upper()}"


def FILTER_SOURCE_FILES() -> list[str]:  # noqa: N802
    parts = [part for part in ("hampel", "smoothing", "pid", "efficiency") if left_out(part) in CORE.build_flags]
    return [*doors_without_use(), *(f"{part}.cpp" for part in parts)]
