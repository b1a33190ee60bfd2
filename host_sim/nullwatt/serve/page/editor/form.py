"""Forms for a part of a house file, made from its models: which fields, of which type, unit, range and default."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from .document import get
from .schema import Node, Path, node_at, written

Field = dict[str, Any]

_HUGE = 1e12
#: Of a list of sections no more are shown.
_MOST_ENTRIES = 40
#: Units by the end of a key, longest first.
SUFFIXES = {
    "_w_k": "W/K",
    "_w_s": "W/s",
    "_m_s": "m/s",
    "_percent": "%",
    "_ticks": "polls",
    "_wh": "Wh",
    "_m2": "m\N{SUPERSCRIPT TWO}",
    "_w": "W",
    "_s": "s",
    "_h": "h",
    "_c": "\N{DEGREE SIGN}C",
    "_k": "K",
    "_power": "W",
}
#: Units of keys that do not end with theirs. What is in neither table has none.
UNITS = {
    **dict.fromkeys(("power", "base_load", "base_noise", "solar_max", "resolution", "noise", "standby"), "W"),
    **dict.fromkeys(("max_dc_input",), "W"),
    "ramp_rate": "W/s",
    **dict.fromkeys(("startup_delay", "poll_interval", "jitter", "noise_tau", "log_interval", "auto_interval"), "s"),
    **dict.fromkeys(("reconnect", "time", "duration", "ramp", "from", "to"), "s"),
    **dict.fromkeys(("state_interval", "marstek_mqtt_interval"), "s"),
    **dict.fromkeys(("sunrise", "sunset", "start"), "h"),
    **dict.fromkeys(("latitude", "longitude", "tilt", "azimuth"), "\N{DEGREE SIGN}"),
    "altitude": "m",
    **dict.fromkeys(("ratio", "tax"), "%"),
    "voltage": "V",
    "frequency": "Hz",
    "delta": "V or Hz",
    **dict.fromkeys(("price", "feed_in", "markup"), "ct/kWh"),
    "standing": "ct/day",
    "demand": "ct/kW",
}
_ABBREVIATIONS = {"ac", "ct", "dc", "ha", "http", "mac", "mqtt", "pv", "soc", "cop"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")


def fields(document: object, path: Path, keys: Iterable[str] | None = None) -> list[Field]:
    """The fields of the section there; keys: only these. [] for what is no section."""
    node = node_at(document, path)
    if node is None:
        return []
    helps = _helps(node.words, node.keys)
    shown: list[Field] = []
    for key in node.keys if keys is None else keys:
        inner = node.child(key)
        if inner is not None and "const" not in inner.schema:
            shown.append(_field(document, (*path, key), inner, helps.get(key, "")))
    return shown


def _field(document: object, path: Path, node: Node, words: str) -> Field:
    key, value = str(path[-1]), get(document, path)
    number = node.type in ("number", "integer") or node.schema.get("items", {}).get("type") in ("number", "integer")
    field: Field = {
        "path": written(path),
        "key": key,
        "label": label(key, number),
        "unit": unit(key) if number else "",
        "help": words,
        "range": _range(node.schema) if number else "",
        "required": node.required,
        "written": value is not None,
    }
    if node.is_section:
        there = value is not None or not node.optional
        return field | {
            "kind": "section",
            "optional": node.optional,
            "there": there,
            "fields": fields(document, path) if there else [],
        }
    entry = node.entry() if not node.kinds else None
    if entry is not None and entry.is_section:
        count = len(value) if isinstance(value, list) else 0
        field |= {"hidden": max(0, count - _MOST_ENTRIES)}
        count = min(count, _MOST_ENTRIES)
        each = [{"path": written((*path, i)), "fields": fields(document, (*path, i))} for i in range(count)]
        return field | {"kind": "sections", "entries": each}
    field |= {"value": text_of(value), "usual": text_of(node.default)}
    if entry is not None and "enum" in entry.schema:
        return field | {"kind": "several", "choices": [text_of(choice) for choice in entry.schema["enum"]]}
    if node.type == "boolean":
        return field | {"kind": "choice", "choices": ["true", "false"]}
    if "enum" in node.schema:
        return field | {"kind": "choice", "choices": [text_of(choice) for choice in node.schema["enum"]]}
    return field | {"kind": "list" if node.type == "array" else node.type}


def label(key: str, number: bool = True) -> str:
    """A key for people, without its unit: capacity_wh is Capacity."""
    if number:
        suffix = next((end for end in SUFFIXES if key.endswith(end) and end != "_power"), "")
        key = key.removesuffix(suffix)
    words = [word.upper() if word in _ABBREVIATIONS else word for word in key.split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def unit(key: str) -> str:
    """The unit of a number under that key; "" = none."""
    return UNITS.get(key) or next((name for end, name in SUFFIXES.items() if key.endswith(end)), "")


def _range(schema: Mapping[str, Any]) -> str:
    schema = schema.get("items", schema)
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high = schema.get("maximum")
    most = high if high is not None and abs(high) < _HUGE else None
    least = f"above {above:g}" if above is not None else f"from {low:g}" if low is not None and abs(low) < _HUGE else ""
    if most is None:
        return least
    return f"{least} to {most:g}" if least else f"up to {most:g}"


def _helps(words: str, keys: Iterable[str]) -> dict[str, str]:
    """What the docstring of a section says of its keys, written there as `key, other_key: words.`"""
    text, known = " ".join(words.split()), set(keys)
    found = [
        (match, [name for name in match[1].split(", ") if name in known])
        for match in re.finditer(r"(?:^|(?<=[.;] ))((?:\w+, )*\w+)( None)?: ", text)
    ]
    found = [(match, names) for match, names in found if names]
    ends = [*(match.start() for match, _ in found), len(text)][1:]
    helps: dict[str, str] = {}
    for (match, names), end in zip(found, ends, strict=False):
        said = text[match.end() : end].strip().rstrip(";.").replace("`", "").replace("None", "empty")
        said = f"empty: {said}" if match[2] else said
        helps |= {name: said[:1].upper() + said[1:] + "." for name in names}
    return helps


# -- values as texts


def text_of(value: object) -> str:
    """A scalar, or a list of them, as it is shown; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(text_of(inner) for inner in value)
    return str(value)


def value_of(text: str, node: Node) -> Any:
    """What somebody wrote, as the house file has it; what cannot be of that type stays text. None = nothing."""
    if node.type == "array":
        entry = node.entry()
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [part if entry is None else value_of(part, entry) for part in parts] or None
    if node.type not in ("number", "integer", "boolean"):
        return text or None
    text = text.strip()
    if node.type == "boolean":
        return {"": None, "true": True, "false": False}.get(text, text)
    if not _NUMBER.fullmatch(text):
        return text or None
    return int(text) if re.fullmatch(r"[-+]?\d{1,300}", text) else float(text)
