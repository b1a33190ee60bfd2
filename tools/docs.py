"""Writes the generated parts of docs/. Run by `make docs`; a test compares them with what is committed."""

from itertools import groupby
from pathlib import Path

from nullwatt.core import Option, options

TARGET = Path(__file__).parents[1] / "docs" / "options.md"

HEAD = """# Options

Generated from `esphome_component/ct002_core/options.h` by `make docs`.

Names are the same everywhere: as keys of `ct002:` in ESPHome, as `--set key=value` of `nullwatt emulator`, as
arguments of `nullwatt.core.Config`. Times carry a unit in ESPHome (`30s`) and are seconds elsewhere. Where the
description ends in *needless*, the value is accepted but has no effect and never will: it tuned a control law that
nullwatt does not have, and setting it gives a warning.
"""


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


def render() -> str:
    parts = [HEAD]
    for group, rows in groupby(options().values(), key=lambda option: option.group):
        parts.append(f"\n## {f'`{group}`' if group else 'Top level'}\n")
        parts.append("| Key | Default | Allowed | Meaning |\n|---|---|---|---|")
        for row in rows:
            meaning = row.help.replace("(needless)", "*(needless)*")
            parts.append(f"| `{row.key}` | {shown(row.default, row.unit)} | {allowed(row)} | {meaning} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render())
