"""A house file while it is being edited: plain dicts, lists and scalars, right or wrong, and how it is changed.

Every function returns a new document and leaves the one it was given as it is. Whatever a document holds, nothing
here raises; what may be in a house file is for `house_mistakes` to say.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import yaml

from nullwatt.home import BASE_LOAD, PHASES, SPREAD, SUN

from .schema import DEVICE_LISTS, Node, Path, node_at, step

Document = dict[str, Any]

#: Parts that every house has: their name, and the keys of `powermeter` that describe them.
FIXED = {BASE_LOAD: ("base_load", "base_noise", "noise_tau"), SUN: ("solar_max", "solar_phases", "sun")}

_FIRST_MAC = 0x02B250000001
#: What required keys begin with; others with their least value, or the first of their choices.
_STARTS: dict[str, Any] = {
    "power": 500,
    "strings": [{"peak_w": 5000}],
    "time": 60,
    "duration": 30,
    "duration_s": 600,
    "delta": 0,
    "price": 25,
    "from_h": 1,
    "to_h": 5,
    "latitude": 52.5,
    "longitude": 13.4,
}
#: What a new entry or section holds besides, by the key of its list or its own.
_BESIDES: dict[str, dict[str, Any]] = {
    "hybrid": {"mppts": [{"strings": [{"peak_w": 6000}]}]},
    "strings": {"peak_w": 5000},
    "weather": {"timezone": "Europe/Berlin"},
}
_CLOCK = {"from": "18:00", "to": "20:00"}
_SECONDS = {"from": 600, "to": 900}


def empty() -> Document:
    """A home without anything."""
    return {"batteries": []}


# -- reading


def get(document: object, path: Path) -> Any:
    """What stands there; None = nothing."""
    for part in path:
        document = step(document, part)
    return document


def entries(document: object, path: Path) -> list[Any]:
    """The entries of a list; [] where there is none."""
    found = get(document, path)
    return found if isinstance(found, list) else []


def phases(document: object) -> tuple[str, ...]:
    """The phases of the house."""
    return PHASES[:1] if get(document, ("powermeter", "phases")) == 1 else PHASES


def names(document: object) -> dict[Path, str]:
    """What each device in the lists is called, by its path. Those without a name are left out."""
    found: dict[Path, str] = {}
    for one in DEVICE_LISTS.values():
        for place, entry in enumerate(entries(document, one.path)):
            name = step(entry, one.name_key)
            if isinstance(name, str):
                found[*one.path, place] = name
    return found


# -- changing


def put(document: Document, path: Path, value: Any) -> Document:
    """With a value there; None, or what is the default, takes the key away. Sections on the way are made."""
    if value is not None and not _is_default(document, path, value):
        return _put(document, path, value)
    without = _put(document, path, None)
    parent = path[:-1]
    node = node_at(without, parent)
    # A section of which nothing is left is not written, unless its being there says something.
    said = node is None or node.optional or node.required
    if parent and isinstance(parent[-1], str) and not said and get(without, parent) == {}:
        return put(without, parent, None)
    return without


def _is_default(document: Document, path: Path, value: Any) -> bool:
    node = node_at(document, path)
    if node is None or node.required:
        return False
    return value == node.default and isinstance(value, bool) == isinstance(node.default, bool)


def _put(document: Document, path: Path, value: Any) -> Document:
    changed = copy.deepcopy(document)
    at: Any = changed
    for part in path[:-1]:
        inner = step(at, part)
        if not isinstance(inner, dict | list):
            if value is None or not isinstance(part, str) or not isinstance(at, dict):
                return changed
            inner = at[part] = {}
        at = inner
    last = path[-1]
    if isinstance(at, dict) and isinstance(last, str):
        if value is None:
            at.pop(last, None)
        else:
            at[last] = copy.deepcopy(value)
    elif isinstance(at, list) and isinstance(last, int) and 0 <= last < len(at):
        if value is None:
            del at[last]
        else:
            at[last] = copy.deepcopy(value)
    return changed


def append(document: Document, path: Path, entry: Any) -> Document:
    """With one more entry at the end of a list."""
    return _put(document, path, [*entries(document, path), entry])


def set_property(document: Document, path: Path, value: Any) -> Document:
    """As `put`; what refers to a device by its name follows when that changes."""
    before = names(document).get(path[:-1])
    changed = put(document, path, value)
    after = names(changed).get(path[:-1])
    if before is None or after is None or before == after or before in names(changed).values():
        return changed
    layout = step(changed, "layout")
    if isinstance(layout, dict) and before in layout:
        changed["layout"] = {after if name == before else name: place for name, place in layout.items()}
    for event in entries(changed, ("powermeter", "events")):
        if step(event, "load") == before and path[0] == "powermeter":
            event["load"] = after
    return changed


def add(document: Document, list_name: str, kind: str = "") -> tuple[Document, Path]:
    """With one more device, which the lists of `DEVICE_LISTS` name; and where it stands. LookupError.

    Panels come with a place on earth if the home has none yet.
    """
    one = DEVICE_LISTS[list_name]
    node = node_at(document, one.path)
    entry_node = None if node is None else node.entry(kind or None)
    if entry_node is None:
        raise LookupError(f"{list_name}: there is no {kind}")
    entry = start(entry_node, str(one.path[-1]), document)
    wish = (kind or str(one.path[-1]).removesuffix("s")).replace("_", " ")
    called = free_mac(document) if one.name_key == "mac" else _free_name(document, wish)
    first = {one.name_key: called, **({"kind": kind} if kind else {})}
    entry = {**first, **{key: value for key, value in entry.items() if key not in first}}
    changed = append(document, one.path, entry)
    if {"strings", "mppts"} & entry.keys() and step(changed, "weather") is None:
        changed = add_section(changed, ("weather",))
    return changed, (*one.path, len(entries(changed, one.path)) - 1)


def add_section(document: Document, path: Path) -> Document:
    """With a section that may be left out."""
    node = node_at(document, path)
    return document if node is None else _put(document, path, start(node, str(path[-1]), document))


def add_entry(document: Document, path: Path) -> Document:
    """With one more entry in a list of sections."""
    node = node_at(document, path)
    entry = None if node is None else node.entry()
    return document if entry is None else append(document, path, start(entry, str(path[-1]), document))


def start(node: Node, key: str, document: object = None) -> Any:
    """What a new section begins with: its required keys, and what it would be of no use without."""
    section: dict[str, Any] = {}
    for name in node.keys:
        inner = node.child(name)
        if inner is not None and inner.required:
            section[name] = _start_of(name, inner, document)
    return {**section, **copy.deepcopy(_BESIDES.get(key, {}))}


def _start_of(key: str, node: Node, document: object) -> Any:
    schema = node.schema
    if "enum" in schema:
        return schema["enum"][0]
    if node.type == "boolean":
        return True
    if node.type in ("number", "integer"):
        return _SECONDS.get(key, _STARTS.get(key, schema.get("minimum", 1)))
    if node.type == "array":
        return copy.deepcopy(_STARTS.get(key, []))
    if key == "load":
        loads = (step(entry, "name") for entry in entries(document, ("powermeter", "loads")))
        return next((name for name in loads if isinstance(name, str)), "")
    return _CLOCK.get(key, "")


def free_mac(document: object) -> str:
    """A MAC that no battery has."""
    taken = {name.upper() for name in names(document).values()}
    number = _FIRST_MAC
    while f"{number:012X}" in taken:
        number += 1
    return f"{number:012X}"


def _free_name(document: object, wish: str) -> str:
    taken = set(names(document).values())
    number, name = 1, wish
    while name in taken:
        number += 1
        name = f"{wish} {number}"
    return name


def remove(document: Document, path: Path) -> Document:
    """Without an entry; of a device that is gone, its place in the drawing and its events go too."""
    name = names(document).get(path)
    changed = _put(document, path, None)
    node = node_at(changed, path[:-1])
    if isinstance(path[-1], int) and node is not None and not node.required and not entries(changed, path[:-1]):
        changed = put(changed, path[:-1], None)
    if name is None or name in names(changed).values():
        return changed
    changed = put(changed, ("layout", name), None)
    events = entries(changed, ("powermeter", "events"))
    if path[0] == "powermeter" and any(step(event, "load") == name for event in events):
        left = [event for event in events if step(event, "load") != name]
        changed = put(changed, ("powermeter", "events"), left or None)
    return changed


def connections(document: object, device: Path | str) -> list[str]:
    """What a device can be connected to: phases of the house, D for all of them. device: a path, or a name of FIXED."""
    usable = phases(document)
    if device == SUN:
        return [*usable, *((SPREAD,) if len(usable) > 1 else ())]
    node = None if isinstance(device, str) else node_at(document, (*device, "phase"))
    allowed = () if node is None else node.schema.get("enum", ())
    return [phase for phase in allowed if phase in usable or (phase == SPREAD and len(usable) > 1)]


def connected(document: object, device: Path | str) -> list[str]:
    """The phases a device is on."""
    usable = list(phases(document))
    if device == BASE_LOAD:
        return usable
    if device == SUN:
        wished = get(document, ("powermeter", "solar_phases"))
        return [phase for phase in usable if phase in (wished if isinstance(wished, list) else ["A"])]
    if isinstance(device, str):
        return []
    phase = get(document, (*device, "phase"))
    if phase is None:
        node = node_at(document, (*device, "phase"))
        phase = None if node is None else node.default
    return usable if phase == SPREAD else [phase] if phase in usable else []


def connect(document: Document, device: Path | str, phase: str) -> Document:
    """With the device on that phase, or on all (D); as it was where that cannot be."""
    if phase not in connections(document, device):
        return document
    if device == SUN:
        return put(document, ("powermeter", "solar_phases"), list(phases(document)) if phase == SPREAD else [phase])
    return document if isinstance(device, str) else put(document, (*device, "phase"), phase)


def place(document: Document, name: str, x: float, y: float) -> Document:
    """With what is called so drawn there, in whole pixels."""
    layout = step(document, "layout")
    spots = layout if isinstance(layout, dict) else {}
    return {**document, "layout": {**spots, name: [max(0, round(x)), max(0, round(y))]}}


# -- undo


@dataclass(frozen=True)
class History:
    """A document with what it was before and after. mark: changes of the same mark in a row count as one."""

    now: Document
    before: tuple[Document, ...] = ()
    after: tuple[Document, ...] = ()
    mark: str = ""

    _MOST = 200

    def then(self, document: Document, mark: str = "") -> "History":
        """After a change."""
        if document == self.now:
            return self
        before = self.before if mark and mark == self.mark else (*self.before, self.now)[-self._MOST :]
        return History(document, before, (), mark)

    def undone(self) -> "History":
        """One change back, if there is one."""
        if not self.before:
            return self
        return replace(self, now=self.before[-1], before=self.before[:-1], after=(self.now, *self.after), mark="")

    def redone(self) -> "History":
        """One change on, if one was undone."""
        if not self.after:
            return self
        return replace(self, now=self.after[0], before=(*self.before, self.now), after=self.after[1:], mark="")


# -- YAML


class _Dumper(yaml.SafeDumper):
    """As people write it: small lists and sections in one line, no anchors, quotes around what begins like a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if re.match(r"[-+.\d]", text) or not text.isprintable() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(document: Mapping[str, Any]) -> str:
    """The file, to be read with `read_document`."""
    return yaml.dump(
        _tidy(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110
    )


def _tidy(value: Any) -> Any:
    """Whole numbers without a point; nothing but what YAML has."""
    if isinstance(value, Mapping):
        return {key: _tidy(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value if isinstance(value, str | int | float | date | None) else str(value)


def is_document(value: object) -> bool:
    """Whether it can be edited at all: a section at the top, and nothing that holds itself."""
    try:
        yaml.dump(value, Dumper=_Dumper)
    except (yaml.YAMLError, RecursionError, ValueError):
        return False
    return isinstance(value, dict)
