"""Writes the generated parts of docs/. Run by `make docs`; a test compares them with what is committed."""

import importlib.util
import sys
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from nullwatt.core import Option, options

ROOT = Path(__file__).parents[1]
OPTIONS = ROOT / "docs" / "options.md"
ENTITIES = ROOT / "docs" / "entities.md"

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


ENTITIES_HEAD = """# Entities

Generated from `esphome_component/ct002/entity_table.py` by `make docs`. How to declare them:
[esphome.md](esphome.md#entities).

All are optional; what is not declared is not in the firmware. Each takes what ESPHome gives every entity of its kind
(`name`, `icon`, `id`, `filters`, `on_value` ...); numbers take `min_value`, `max_value` and `step` besides. Signs:
battery power + = discharge, grid + = import. Sensors are sent when their value changes, at most once a second; one with
`filters` every second, because filters that average need every value. Sensors of a battery that is not there are
unknown.

What numbers, switches and the select are set to survives restarts. It is handed to ESPHome's preferences 5 seconds
after the last change, and at the latest 10 minutes after the first; ESPHome writes them to flash once a minute
(`preferences: flash_write_interval:`) and when it restarts. A power cut after that loses nothing. When you change an
option of the house in the YAML, the YAML wins over what was stored.
"""
PLATFORMS = {
    "sensor": "Sensors",
    "binary_sensor": "Binary sensors",
    "text_sensor": "Text sensors",
    "select": "Select",
    "switch": "Switches",
    "number": "Numbers",
    "button": "Buttons",
}


def table(name: str, *path: str) -> ModuleType:
    """A table of the components, which are no packages of ours."""
    spec = importlib.util.spec_from_file_location(name, ROOT.joinpath("esphome_component", *path))
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


def render_options() -> str:
    paths = {option.key: option.path for option in table("ct002_core_options", "ct002_core", "options.py").load()}
    parts = [HEAD]
    for group, rows in groupby(options().values(), key=lambda option: option.group):
        parts.append(f"\n## {f'`{group}`' if group else 'Top level'}\n")
        if group == "filters":
            parts.append(FILTERS.lstrip())
        written = {option.key: " ".join(f"{part}:" for part in paths[option.key][1:]) for option in options().values()}
        listed = list(rows)
        differs = group != "" and any(written[option.key] != f"{option.key}:" for option in listed)
        column = "| Key | In ESPHome " if differs else "| Key "
        parts.append(f"{column}| Default | Allowed | Meaning |\n|---{'|---' if differs else ''}|---|---|---|")
        for option in listed:
            key = f"`{option.key}` | `{written[option.key]}`" if differs else f"`{option.key}`"
            parts.append(row(option, key))
    return "\n".join(parts) + "\n"


def bounds(entity: Any) -> str:
    if entity.platform != "number":
        return ""
    high = entity.high if entity.slider_high is None else entity.slider_high
    low = max(entity.low, -high)
    unit = f" {entity.unit}" if entity.unit else ""
    widest = f", `max_value` up to {entity.high:g}" if high != entity.high else ""
    return f"; {low:g} to {high:g}{unit}, steps of {entity.step:g}{widest}"


def entity_rows(rows: list[Any]) -> list[str]:
    settings = any(row.default for row in rows)
    head = (
        ("| Key | Name | Unit | Until changed | |", "|---|---|---|---|---|")
        if settings
        else ("| Key | Name | Unit | |",)
    )
    lines = [head[0], head[1] if settings else "|---|---|---|---|"]
    for row in rows:
        until = f" {row.default} |" if settings else ""
        lines.append(f"| `{row.key}` | {row.name} | {row.unit} |{until} {row.help}{bounds(row)} |")
    return lines


def render_entities() -> str:
    entities = table("ct002_entity_table", "ct002", "entity_table.py").ENTITIES
    parts = [ENTITIES_HEAD]
    for of_battery, heading in ((False, "Of the meter and the house"), (True, "Of a battery")):
        parts.append(f"\n## {heading}\n")
        for platform, title in PLATFORMS.items():
            rows = [entity for entity in entities if entity.of_battery == of_battery and entity.platform == platform]
            if rows:
                parts += [f"### {title} (`{platform}`)\n", *entity_rows(rows), ""]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    OPTIONS.write_text(render_options())
    ENTITIES.write_text(render_entities())
