"""How tests share the machine's cores: `make pytest` runs two workers."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent


def pytest_itemcollected(item: pytest.Item) -> None:
    """Files stay together, because what a file prepares is prepared per worker.

    So do all tests of the component: their programs have fixed ports.
    """
    path = item.path.relative_to(ROOT)
    item.add_marker(pytest.mark.xdist_group("component" if path.parts[0] == "component" else str(path)))
