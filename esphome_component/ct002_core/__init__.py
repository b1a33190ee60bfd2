"""The portable core of the CT002 emulator: sources only, nothing to configure.

`ct002` loads it; users never name it. It is a component of its own because ESPHome copies only
the files that lie directly in a component's folder.
"""

import esphome.config_validation as cv
from esphome.core import CORE

CODEOWNERS: list[str] = []

CONFIG_SCHEMA = cv.Schema({})

# Doors for other hosts. The ESPHome build sets its options at compile time, so it has no use
# for access by name; only the test channel does. No define ever asks for the C door.
DOORS = {
    "config_access.cpp": "USE_CT002_TEST_CONTROL",
    "c_api.cpp": "USE_CT002_C_API",
}


def not_asked_for(files: dict[str, str]) -> list[str]:
    """Those files (file -> define) whose define is not set. ESPHome has the same, but not since 2026.6."""
    defines = {define.name for define in CORE.defines}
    return [file for file, define in files.items() if define not in defines]


def left_out(stage: str) -> str:
    """Build flag that leaves a part out of the core. A flag and not a define, because the core reads no header of
    ESPHome."""
    return f"-DCT002_NO_{stage.upper()}"


def FILTER_SOURCE_FILES() -> list[str]:  # noqa: N802
    parts = [part for part in ("hampel", "smoothing", "pid", "efficiency") if left_out(part) in CORE.build_flags]
    return [*not_asked_for(DOORS), *(f"{part}.cpp" for part in parts)]
