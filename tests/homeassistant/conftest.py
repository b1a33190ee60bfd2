"""Collected only where it is named: `make test-homeassistant`. A Home Assistant takes its time."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if any("homeassistant" in str(argument) for argument in config.args) else True
