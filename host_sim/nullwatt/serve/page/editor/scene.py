"""What the browser draws: devices with their places and wires, the chosen one with its form, and what is wrong."""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from nullwatt.home import BASE_LOAD, SUN

from .document import FIXED, Document, connected, connections, entries, get, names, phases
from .form import Field, fields, text_of
from .schema import DEVICE_LISTS, ROOT, Path, node_at, read_path, written

#: Everything that has no card of its own; each a part of the home that can be chosen.
HOME, MAINS, METER = "home", "mains", "meter"
_SETTINGS: dict[str, tuple[str, list[Path]]] = {
    MAINS: ("Mains and tariff", [("grid",), ("tariff",)]),
    METER: ("Grid meter", [("meter",)]),
    HOME: ("The home", []),
}
_TITLES = {
    "batteries": "Battery",
    "powermeter.loads": "Load",
    "powermeter.appliances": "Appliance",
    "pv": "PV plant",
    "hybrid": "Hybrid inverter",
    BASE_LOAD: "Base load",
    SUN: "Sun",
}
#: What a card says of its device, with the unit.
_TOLD = {"meter_dev_type": "", "kind": "", "power": " W", "capacity_wh": " Wh", "ac_max_w": " W"}
_ROLES = {"batteries": "battery", "pv": "sun", "hybrid": "battery", SUN: "sun"}

# The raster on which devices are put that nobody has moved, px.
_FIRST_X, _FIRST_Y, _STEP_X, _STEP_Y, _COLUMNS = 20, 230, 140, 100, 4
#: Size of a card with some air, px.
_WIDTH, _HEIGHT = 130, 80
#: So much further right in each row, so that no wire hides another, px.
_SHIFT = 20
#: As a house file may say.
FARTHEST = 10000

Spot = tuple[float, float]


def title(list_name: str) -> str:
    """What a device of that list is called."""
    return _TITLES.get(list_name) or list_name.rpartition(".")[2].replace("_", " ").capitalize()


def scene(
    document: Document, chosen: str, mistakes: Sequence[str], places: Mapping[str, Spot] | None = None
) -> dict[str, Any]:
    """Everything to draw. chosen: a device or one of the parts of the home. places: see `spots`."""
    devices = _devices(document, mistakes, places or {})
    if chosen not in _SETTINGS and all(device["id"] != chosen for device in devices):
        chosen = HOME
    return {
        "phases": list(phases(document)),
        "devices": devices,
        "parts": [
            {"id": key, "title": words, "bad": _bad_part(document, key, mistakes)}
            for key, (words, _) in _SETTINGS.items()
        ],
        "chosen": chosen,
        "form": _form(document, chosen, mistakes),
        "mistakes": list(mistakes),
    }


def path_of(document: object, chosen: str) -> Path | None:
    """Where a device of the lists stands; None = it is none of them."""
    try:
        path = read_path(chosen)
    except ValueError:
        return None
    one = DEVICE_LISTS.get(written(path[:-1]))
    known = one is not None and isinstance(path[-1], int) and path[-1] < len(entries(document, one.path))
    return path if known else None


def spots(document: object, before: Mapping[str, Spot]) -> dict[str, Spot]:
    """Where each device is drawn, by its id: as its layout says, where it was before, on a free spot of the raster.

    before: by name; devices that nobody moved stay where they are while others come and go.
    """
    named = names(document)
    everything: dict[str, str] = {name: name for name in FIXED}
    for list_name, one in DEVICE_LISTS.items():
        for index in range(len(entries(document, one.path))):
            everything[f"{list_name}[{index}]"] = named.get((*one.path, index), "")
    drawn: dict[str, Spot] = {}
    for identity, name in everything.items():
        spot = _spot(get(document, ("layout",)), name) or before.get(name)
        if spot is not None:
            drawn[identity] = spot
    raster = map(_on_raster, count())
    for identity in everything:
        while identity not in drawn:
            spot = next(raster)
            if all(abs(spot[0] - x) >= _WIDTH or abs(spot[1] - y) >= _HEIGHT for x, y in drawn.values()):
                drawn[identity] = spot
    return {identity: drawn[identity] for identity in everything}


def _on_raster(number: int) -> Spot:
    row, column = divmod(number, _COLUMNS)
    return _FIRST_X + _STEP_X * column + _SHIFT * (row % _COLUMNS), _FIRST_Y + _STEP_Y * row


def _spot(layout: object, name: str) -> Spot | None:
    place = layout.get(name) if isinstance(layout, dict) else None
    if not isinstance(place, list) or len(place) != 2:
        return None
    x, y = place
    return (x, y) if all(type(one) in (int, float) and 0 <= one <= FARTHEST for one in place) else None


def tells_of(mistake: str, path: str) -> bool:
    """Whether a line of `house_mistakes` is about that place, or one inside of it."""
    return mistake.startswith(path) and not re.match(r"\w", mistake[len(path) :])


def own_mistakes(mistakes: Sequence[str], path: str) -> list[str]:
    """The lines about exactly that place."""
    return [line for line in mistakes if line.startswith((f"{path} = ", f"{path}: "))]


def _devices(document: Document, mistakes: Sequence[str], places: Mapping[str, Spot]) -> list[dict[str, Any]]:
    named = names(document)
    drawn: list[dict[str, Any]] = []
    for identity, (x, y) in spots(document, places).items():
        fixed = identity in FIXED
        path = () if fixed else read_path(identity)
        list_name = identity if fixed else written(path[:-1])
        device: Path | str = identity if fixed else path
        paths = [f"powermeter.{key}" for key in FIXED[identity]] if fixed else [identity]
        name = "" if fixed else named.get(path, "")
        drawn.append(
            {
                "id": identity,
                "role": _ROLES.get(list_name, "house"),
                "title": title(list_name),
                "name": name,
                "about": _about(document, device),
                "phases": connected(document, device),
                "connections": connections(document, device),
                "x": x,
                "y": y,
                "fixed": fixed,
                "bad": any(tells_of(line, path_) for line in mistakes for path_ in paths),
            }
        )
    return drawn


def _about(document: Document, device: Path | str) -> str:
    """What matters most of a device, in a few words."""
    if isinstance(device, str):
        part = ("powermeter", "base_load" if device == BASE_LOAD else "solar_max")
        watts, node = get(document, part), node_at(document, part)
        text = text_of(watts if watts is not None else node and node.default)[:20]
        return f"{text or 'usual'} W" if device == BASE_LOAD else f"up to {text} W"
    shown: list[str] = []
    for key, unit in _TOLD.items():
        node, value = node_at(document, (*device, key)), get(document, (*device, key))
        value = node.default if value is None and node is not None else value
        if isinstance(value, str | int | float):
            shown.append(f"{text_of(value).replace('_', ' ')}{unit}")
    peaks = [get(entry, ("peak_w",)) for entry in entries(document, (*device, "strings"))]
    peak_w = sum(float(peak) for peak in peaks if isinstance(peak, int | float))
    if peak_w:
        shown.append(f"{text_of(peak_w)} W peak")
    return " \N{MIDDLE DOT} ".join(shown[:2])[:40]


def _home_paths(document: Document) -> list[Path]:
    """What no device, mains or meter shows: the rest of the file."""
    taken = {path for _, paths in _SETTINGS.values() for path in paths} | {("layout",), ("batteries",)}
    taken |= {one.path for one in DEVICE_LISTS.values()}
    taken |= {("powermeter", key) for keys in FIXED.values() for key in keys}
    power = node_at(document, ("powermeter",))
    inside: list[Path] = [("powermeter", key) for key in (power.keys if power is not None else [])]
    top: list[Path] = [(key,) for key in ROOT.keys if key != "powermeter"]
    return [path for path in (*inside, *top) if path not in taken]


def _fields_of(document: Document, chosen: str) -> list[Field]:
    path = path_of(document, chosen)
    if path is not None:
        return fields(document, path)
    if chosen in FIXED:
        return fields(document, ("powermeter",), FIXED[chosen])
    _, paths = _SETTINGS[chosen]
    if chosen == METER:
        return fields(document, ("meter",))
    shown: list[Field] = []
    for one in paths or _home_paths(document):
        shown += fields(document, one[:-1], [str(one[-1])])
    return shown


def _form(document: Document, chosen: str, mistakes: Sequence[str]) -> dict[str, Any]:
    path = path_of(document, chosen)
    shown = _with_mistakes(_fields_of(document, chosen), mistakes)
    told = {line for field in _all(shown) for line in field["mistakes"]}
    if path is not None or chosen == METER:
        own = [line for line in mistakes if tells_of(line, chosen) and line not in told]
    else:
        own = [line for line in mistakes if chosen == HOME and line not in told and not _is_elsewhere(document, line)]
    heading = _SETTINGS[chosen][0] if chosen in _SETTINGS else title(chosen if path is None else written(path[:-1]))
    return {
        "title": heading,
        "name": names(document).get(path, "") if path is not None else "",
        "removable": path is not None,
        "fields": shown,
        # What is wrong with what has no field, such as a key nobody knows.
        "mistakes": own,
    }


def _is_elsewhere(document: Document, line: str) -> bool:
    """Whether a mistake is told with a device, the mains or the meter."""
    places = [f"powermeter.{key}" for keys in FIXED.values() for key in keys] + ["grid", "tariff", "meter"]
    for list_name, one in DEVICE_LISTS.items():
        places += [f"{list_name}[{index}]" for index in range(len(entries(document, one.path)))]
    return any(tells_of(line, place) for place in places)


def _with_mistakes(shown: list[Field], mistakes: Sequence[str]) -> list[Field]:
    for field in shown:
        path, inner = field["path"], _with_mistakes(field.get("fields", []), mistakes)
        told = {line for one in _all(inner) for line in one["mistakes"]}
        for entry in field.get("entries", []):
            beside = {line for one in _all(_with_mistakes(entry["fields"], mistakes)) for line in one["mistakes"]}
            entry["mistakes"] = [line for line in mistakes if tells_of(line, entry["path"]) and line not in beside]
            told |= {line for line in mistakes if tells_of(line, entry["path"])}
        whole = field["kind"] in ("section", "sections", "list", "several")
        about = [line for line in mistakes if tells_of(line, path)] if whole else own_mistakes(mistakes, path)
        field["mistakes"] = [line for line in about if line not in told]
    return shown


def _all(shown: list[Field]) -> list[Field]:
    """Fields and those inside of them."""
    found: list[Field] = []
    for field in shown:
        found += [field, *_all(field.get("fields", []))]
        for entry in field.get("entries", []):
            found += _all(entry["fields"])
    return found


def _bad_part(document: Document, part: str, mistakes: Sequence[str]) -> bool:
    _, paths = _SETTINGS[part]
    return any(tells_of(line, written(path)) for line in mistakes for path in paths or _home_paths(document))
