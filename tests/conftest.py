"""How tests share the machine's cores: `make pytest` runs two workers."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the workers read the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files stay together, because what a file prepares is prepared per worker.

    So do all tests of the component: their programs have fixed ports.
    """
    for item in items:
        path = item.path.relative_to(ROOT)
        group = "component" if path.parts[0] == "component" else str(path)
        item.add_marker(pytest.mark.xdist_group(group))
