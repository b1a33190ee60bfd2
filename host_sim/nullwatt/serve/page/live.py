"""What stands on one browser's page and changes: values by name, sent only when they differ from what it has.

An element with `data-live="name"` shows the value of that name (see page.js). A value is a text, or an object of:
t text, s style properties, a attributes (None takes one away), v the value of an input.
"""

from collections.abc import Mapping
from typing import Any

Value = str | Mapping[str, Any]


class Shown:
    """The values that a browser has."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}

    def changes(self, wanted: Mapping[str, Value]) -> dict[str, Value]:
        """What it must be told to show `wanted`; from now on it counts as told."""
        changed = {name: value for name, value in wanted.items() if self._values.get(name) != value}
        self._values.update(changed)
        return changed


def attribute(**attributes: str | None) -> dict[str, Any]:
    """A value that sets attributes; `_` in their names stands for `-`."""
    return {"a": {name.replace("_", "-"): value for name, value in attributes.items()}}


def pressed(on: bool) -> dict[str, Any]:
    """The value of a switch."""
    return attribute(aria_checked="true" if on else "false")


def there(is_there: bool) -> dict[str, Any]:
    """Shown or not."""
    return attribute(hidden=None if is_there else "")
