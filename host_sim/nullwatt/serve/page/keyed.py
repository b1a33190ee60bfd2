"""Elements that come and go with what they show."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any


class Keyed:
    """One element in a container for each key."""

    def __init__(self, container: Any, build: Callable[[Any], Any]) -> None:
        """build(item) makes and returns the element."""
        self._container = container
        self._build = build
        self._elements: dict[Hashable, Any] = {}

    def match(self, items: Mapping[Hashable, Any]) -> None:
        """Make what is missing, take away what is gone. The others are not touched."""
        for key in self._elements.keys() - items.keys():
            self._elements.pop(key).delete()
        with self._container:
            for place, (key, item) in enumerate(items.items()):
                if key not in self._elements:
                    element = self._elements[key] = self._build(item)
                    element.move(target_index=place)
