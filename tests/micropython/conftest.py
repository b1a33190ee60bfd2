"""Shared by the tests of the MicroPython application: the MicroPython program that runs it."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The unix port of MicroPython."""
    found = os.environ.get("MICROPYTHON") or shutil.which("micropython")
    if not found:
        line = "micropython is missing: install it, or name it in the environment variable MICROPYTHON"
        if os.environ.get("CI") == "true":
            pytest.fail(line, pytrace=False)
        pytest.skip(line)
    return Path(found)
