"""Shared by the tests of the MicroPython application: the MicroPython program that runs it."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))
import micropython_build as tool


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The unix port of MicroPython with the core; MICROPYTHON in the environment names another one than is built."""
    if named := os.environ.get("MICROPYTHON"):
        return Path(named)
    try:
        return tool.port("module-x64")
    except tool.MissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
