"""How two processes share the tests: what builds the same program stays together, what takes long comes first."""

import os
from collections import defaultdict
from typing import Any

import pytest

#: Files whose tests need the same slow build.
_TOGETHER = {
    "tests/component/test_component_dash.py": "tests/component/test_component_entities.py",
    "tests/component/test_component_tidy.py": "tests/component/test_component_entities.py",
}
_SLOW = 15.0
_OTHER = {"tests/system": 1.0}  # each starts a process
_USUAL = 0.1


def _group(nodeid: str) -> str:
    file = nodeid.split("::", 1)[0]
    return _TOGETHER.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As --dist loadfile, but for groups of files."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False  # the order below
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A slow group that comes last is waited for by one process alone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    weight: dict[str, float] = defaultdict(float)
    for item in items:
        group = _group(item.nodeid)
        usual = next((each for folder, each in _OTHER.items() if group.startswith(folder)), _USUAL)
        weight[group] += _SLOW if item.get_closest_marker("slow") else usual
    # Stable: the tests of a file stay in their order, and those of a group together.
    items.sort(key=lambda item: (-weight[_group(item.nodeid)], _group(item.nodeid)))
