"""The portable core of the CT002 emulator: sources only, nothing to configure.

`ct002` loads it; users never name it. It is a component of its own because ESPHome copies only
the files that lie directly in a component's folder.
"""

from collections.abc import Mapping

import esphome.config_validation as cv
from esphome.core import CORE

from .parts import DOORS, SERVICE_FILES, SERVICES

CODEOWNERS: list[str] = []

CONFIG_SCHEMA = cv.Schema({})


def not_asked_for(files: Mapping[str, str]) -> list[str]:
    """Those files (file -> define) whose define is not set. ESPHome has the same, but not since 2026.6."""
    defines = {define.name for define in CORE.defines}
    return [file for file, define in files.items() if define not in defines]


def of_no_service() -> list[str]:
    """Codecs of services that are not configured."""
    left = set(not_asked_for(SERVICES))
    return [file for file, services in SERVICE_FILES.items() if left.issuperset(services)]


def left_out(stage: str) -> str:
    """Build flag that leaves a part out of the core. A flag and not a define, because the core reads no header of
    ESPHome."""
    return f"-DCT002_NO_{stage.upper()}"


def FILTER_SOURCE_FILES() -> list[str]:  # noqa: N802
    parts = [part for part in ("hampel", "smoothing", "pid", "efficiency") if left_out(part) in CORE.build_flags]
    return [*not_asked_for(DOORS), *of_no_service(), *(f"{part}.cpp" for part in parts)]
