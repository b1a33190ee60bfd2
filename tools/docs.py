"""Writes the generated parts of docs/. Run by `make docs`; a test compares them with what is committed."""

import importlib.util
import sys
from itertools import groupby
from pathlib import Path
from types import ModuleType

from nullwatt.core import Option, options

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "options.md"

HEAD = """# Options

Generated from `esphome_component/ct002_core/options.h` by `make docs`.

Names are the same in `--set key=value` of `nullwatt emulator` and as arguments of `nullwatt.core.Config`. In ESPHome
an option stands in the block of its heading; where its key differs there, the table says how it is written. Times carry
a unit in ESPHome (`30s`) and are seconds elsewhere. Where the description ends in *needless*, the value is accepted but
has no effect and never will: it tuned a control law that nullwatt does not have, and setting it gives a warning.
"""
FILTERS = """
In ESPHome the block of a filter switches it on: `hampel: {}` has a window of 7, `smoothing` needs its `alpha`,
`deadband` its `deadband`. A filter without a block is not in the firmware.
"""


def yaml_table() -> ModuleType:
    """The part of the component that knows where an option stands in the YAML."""
    path = ROOT / "esphome_component" / "ct002_core" / "options.py"
    spec = importlib.util.spec_from_file_location("ct002_core_options", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def shown(value: object, unit: str = "") -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = f"{value:.10g}"
    return f"`{value}`{' ' + unit if unit else ''}" if value != "" else "empty"


def allowed(option: Option) -> str:
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    if option.kind == "text":
        return "empty or a MAC"
    if option.kind == "bool":
        return "true, false"
    if option.low is None:
        return "any"
    low = f"{option.low:.10g}"
    return f"{low} to {option.high:.10g}" if option.high is not None else f"{low} or more"


def row(option: Option, key: str) -> str:
    meaning = option.help.replace("(needless)", "*(needless)*")
    return f"| {key} | {shown(option.default, option.unit)} | {allowed(option)} | {meaning} |"


def render() -> str:
    paths = {option.key: option.path for option in yaml_table().load()}
    parts = [HEAD]
    for group, rows in groupby(options().values(), key=lambda option: option.group):
        parts.append(f"\n## {f'`{group}`' if group else 'Top level'}\n")
        if group == "filters":
            parts.append(FILTERS.lstrip())
        written = {option.key: " ".join(f"{part}:" for part in paths[option.key][1:]) for option in options().values()}
        table = list(rows)
        differs = group != "" and any(written[option.key] != f"{option.key}:" for option in table)
        column = "| Key | In ESPHome " if differs else "| Key "
        parts.append(f"{column}| Default | Allowed | Meaning |\n|---{'|---' if differs else ''}|---|---|---|")
        for option in table:
            key = f"`{option.key}` | `{written[option.key]}`" if differs else f"`{option.key}`"
            parts.append(row(option, key))
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render())
