"""Shared by the tests of the MicroPython application: the MicroPython programs, their compiler and their source."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))
import micropython_build as build


def built[T](make: Callable[[], T]) -> T:
    """What is built; skips with one line if it cannot be, on CI fails."""
    try:
        return make()
    except build.MissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The unix port of MicroPython with the core; MICROPYTHON in the environment names another one than is built."""
    if named := os.environ.get("MICROPYTHON"):
        return Path(named)
    return built(lambda: build.port("module-x64"))


@pytest.fixture(scope="session")
def micropython_32() -> Path:
    """The same with pointers as long as a board's."""
    return built(lambda: build.port("module-x86"))


@pytest.fixture(scope="session")
def micropython_source() -> Path:
    return built(build.source)


@pytest.fixture(scope="session")
def mpy_cross(micropython_source: Path) -> Path:
    return micropython_source / "mpy-cross" / "build" / "mpy-cross"
