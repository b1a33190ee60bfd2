"""Shared by the tests on MicroPython: the interpreter and its compiler."""

import os
import shutil
from pathlib import Path

import pytest


def tool(variable: str, name: str) -> Path:
    found = os.environ.get(variable) or shutil.which(name)
    if not found:
        line = f"{name} is missing: name it in the environment variable {variable}"
        if os.environ.get("CI") == "true":
            pytest.fail(line, pytrace=False)
        pytest.skip(line)
    return Path(found)


@pytest.fixture(scope="session")
def micropython() -> Path:
    return tool("MICROPYTHON", "micropython")


@pytest.fixture(scope="session")
def mpy_cross() -> Path:
    return tool("MPY_CROSS", "mpy-cross")


@pytest.fixture(scope="session")
def micropython_source() -> Path:
    found = Path(os.environ.get("MICROPYTHON_SOURCE", "/none"))
    if not (found / "ports" / "unix").is_dir():
        line = "the source of MicroPython is missing: name its folder in the environment variable MICROPYTHON_SOURCE"
        if os.environ.get("CI") == "true":
            pytest.fail(line, pytrace=False)
        pytest.skip(line)
    return found
