"""The portable core of the CT002 emulator: sources only, nothing to configure.

`ct002` loads it; users never name it. It is a component of its own because ESPHome copies only
the files that lie directly in a component's folder.
"""

import esphome.config_validation as cv
from esphome.config_helpers import filter_source_files_from_defines

CODEOWNERS: list[str] = []

CONFIG_SCHEMA = cv.Schema({})

# Doors for other hosts. The ESPHome build sets its options at compile time, so it has no use
# for access by name; only the test channel does. No define ever asks for the C door.
FILTER_SOURCE_FILES = filter_source_files_from_defines(
    {
        "config_access.cpp": "USE_CT002_TEST_CONTROL",
        "c_api.cpp": "USE_CT002_C_API",
    }
)
