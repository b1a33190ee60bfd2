"""Writes the tables of docs/micropython-meters.md from the `keys` of the meters. Run by `make docs`.

The package for MicroPython has the name of this project's, so it is loaded by a Python that knows only the former.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "micropython-meters.md"
BEGIN, END = "<!-- keys: from the sources, by `make docs` -->\n", "<!-- end of keys -->\n"
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from nullwatt.keys import REQUIRED
from nullwatt.meters import TYPES, Meter

def told(keys):
    return {
        name: {
            "kind": key.kind.__name__,
            "default": None if key.default is REQUIRED else key.default,
            "required": key.default is REQUIRED,
            "low": key.low,
            "high": key.high,
            "choices": key.choices,
            "help": key.help,
        }
        for name, key in keys.items()
    }

found = {"": {"about": "", "keys": told(Meter.keys)}}
for name, (module, kind) in TYPES.items():
    loaded = __import__("nullwatt.meters." + module, None, None, (kind,))
    found[name] = {"about": loaded.__doc__.split("\\n")[0], "keys": told(getattr(loaded, kind).keys)}
print(json.dumps(found))
"""
KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true, false",
    "list": "list",
    "dict": "object",
}


def tables() -> str:
    """The generated part of the page."""
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", ASK, ROOT / "micropython"], stdout=subprocess.PIPE, check=True
    ).stdout
    parts = []
    for name, meter in json.loads(told).items():
        parts.append(f"### {name}\n\n{meter['about']}\n\n" if name else "### All\n\n")
        parts.append("| Key | Allowed | Default | |\n|---|---|---|---|\n")
        parts += [row(key, about) for key, about in meter["keys"].items()]
        parts.append("\n")
    return "".join(parts)


def row(name: str, key: dict[str, object]) -> str:
    """One line of a table."""
    default = "" if key["required"] or key["default"] in (None, "") else f"`{json.dumps(key['default'])}`"
    shown = f"**{name}**" if key["required"] else name
    return f"| {shown} | {allowed(key)} | {default} | {key['help']} |\n"


def allowed(key: dict[str, object]) -> str:
    """What a key may be."""
    low, high, choices = key["low"], key["high"], key["choices"]
    if isinstance(choices, list) and choices:
        return ", ".join(f"`{choice}`" for choice in choices if choice)
    kind = KINDS[str(key["kind"])]
    if low is None or high is None or kind == "text":
        return kind
    if kind == "list":
        return f"list of {low} to {high}"
    return f"{low:g} to {high:g}" if isinstance(low, float) else f"{low} to {high}"


def page() -> str:
    """The whole page as it should be."""
    text = PAGE.read_text()
    return text[: text.index(BEGIN) + len(BEGIN)] + "\n" + tables() + text[text.index(END) :]


if __name__ == "__main__":
    PAGE.write_text(page())
