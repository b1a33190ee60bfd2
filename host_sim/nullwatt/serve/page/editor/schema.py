"""What a house file may hold, read from its models: the JSON Schema of `HouseFile`, walked along a path.

A path is a tuple of keys and places in lists: ("batteries", 0, "mac") is `batteries[0].mac`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nullwatt.home import APPLIANCES, Appliance, house_schema

Path = tuple[str | int, ...]

_HOUSE = house_schema()
_DEFINITIONS: Mapping[str, Any] = _HOUSE["$defs"]
_APPLIANCES = {model.__name__: model for model in APPLIANCES.values()}
_KIND = "kind"


@dataclass(frozen=True)
class Node:
    """What may stand at one place.

    Attributes:
        schema: Its JSON Schema, without references and without null.
        required: It must be there.
        optional: Left out it is nothing at all, rather than a section or a list with its defaults.
        words: What the docstrings of its model say.
    """

    schema: Mapping[str, Any]
    required: bool = False
    optional: bool = False
    words: str = ""

    @property
    def type(self) -> str:
        """object, array, number, integer, boolean or string."""
        return str(self.schema.get("type", "object" if "properties" in self.schema else "string"))

    @property
    def default(self) -> Any:
        """What it is where it is not written; None = nothing, or it must be written."""
        return self.schema.get("default")

    @property
    def keys(self) -> list[str]:
        """Keys of a section."""
        return list(self.schema.get("properties", {}))

    @property
    def is_section(self) -> bool:
        """Keys of its own, each with a meaning."""
        return bool(self.keys)

    @property
    def kinds(self) -> list[str]:
        """Of a list whose entries are of several kinds: which."""
        return list(self.schema.get("items", {}).get("discriminator", {}).get("mapping", {}))

    def child(self, key: str) -> "Node | None":
        """What may stand under a key of this section."""
        inner = self.schema.get("properties", {}).get(key)
        return None if inner is None else _node(inner, key in self.schema.get("required", ()))

    def entry(self, kind: object = None) -> "Node | None":
        """What an entry of this list is; kind: its kind, where there are several."""
        items = self.schema.get("items")
        if items is None:
            return None
        if self.kinds:
            reference = items["discriminator"]["mapping"].get(kind) if isinstance(kind, str) else None
            return None if reference is None else _node({"$ref": reference})
        return _node(items)


def _node(schema: Mapping[str, Any], required: bool = False) -> Node:
    choices = schema.get("anyOf", ())
    optional = any(choice.get("type") == "null" for choice in choices)
    if optional:
        (inner,) = (choice for choice in choices if choice.get("type") != "null")
        schema = {**inner, "default": schema.get("default")}
    words = ""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = {**_DEFINITIONS[name], **schema}
        words = schema.get("description", "")
        if name in _APPLIANCES:
            behaviours = (model for model in _APPLIANCES[name].__mro__ if issubclass(model, Appliance))
            words = " ".join(model.__doc__ or "" for model in behaviours)
    return Node(schema, required, optional, words)


ROOT = Node(_HOUSE, words=_HOUSE.get("description", ""))


def node_at(document: object, path: Path) -> Node | None:
    """What may stand there; None = nothing. document: tells of which kind an entry is."""
    node: Node | None = ROOT
    for part in path:
        if node is None:
            return None
        document = step(document, part)
        if isinstance(part, int):
            node = node.entry(document.get(_KIND) if isinstance(document, dict) else None)
        else:
            node = node.child(part)
    return node


def step(document: object, part: str | int) -> object:
    """What a document holds there; None = nothing."""
    if isinstance(part, int):
        return document[part] if isinstance(document, list) and 0 <= part < len(document) else None
    return document.get(part) if isinstance(document, dict) else None


@dataclass(frozen=True)
class DeviceList:
    """A list of things that hang on wires. name_key: under which each is called something."""

    path: Path
    name_key: str
    kinds: list[str] = field(default_factory=list)


def _device_lists(node: Node, path: Path) -> Iterator[DeviceList]:
    for key in node.keys:
        inner = node.child(key)
        if inner is None or inner.optional:
            continue
        here = (*path, key)
        entry = inner.entry(inner.kinds[0] if inner.kinds else None)
        if entry is not None and "phase" in entry.keys:
            yield DeviceList(here, "mac" if "mac" in entry.keys else "name", inner.kinds)
        elif inner.is_section:
            yield from _device_lists(inner, here)


def written(path: Path) -> str:
    """A path as errors write it: batteries[0].mac."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


_PART = re.compile(r"(?:^|\.)(\w+)|\[(\d{1,6})\]")


def read_path(text: str) -> Path:
    """The path that is written so; ValueError."""
    parts = list(_PART.finditer(text))
    if "".join(part[0] for part in parts) != text:
        raise ValueError(f"{text!r} is no path")
    return tuple(part[1] if part[1] is not None else int(part[2]) for part in parts)


#: Every list of a house file whose entries have a phase, by its path as it is written.
DEVICE_LISTS = {written(one.path): one for one in _device_lists(ROOT, ())}
