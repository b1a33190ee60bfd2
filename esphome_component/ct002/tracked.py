"""Batteries that entities and automations speak of, and what else the firmware must hold because of them.

Collected while code is generated, and written by `to_code_of_tracked` when all of it is known.
"""

from dataclasses import dataclass, field
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.core import CORE

from .option_schema import MAC_DIGITS, spelt_mac

DOMAIN = "ct002"
# Places are numbered up to the size of the core's table, as it is unless a build flag changes it.
MOST_BATTERIES = 16
# In the place of a battery's index: the house itself. HOUSE of setting.h.
HOUSE = 255


@dataclass
class Tracked:
    """What was asked for so far; batteries in the order of their indices."""

    batteries: list[str] = field(default_factory=list)
    watchers: int = 0
    changes: bool = False
    house_settings: set[str] = field(default_factory=set)


def tracked() -> Tracked:
    found: Tracked = CORE.data.setdefault(DOMAIN, Tracked())
    return found


def battery_name(value: Any) -> str:
    """Validates `battery:`, the number of a place or a MAC; both become text."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    mac = spelt_mac(value) if isinstance(value, str) else None
    if mac is not None:
        return mac
    if text.isdecimal() and 1 <= int(text) <= MOST_BATTERIES:
        return str(int(text))
    raise cv.Invalid(
        f"'{value}' names no battery; allowed: 1 to {MOST_BATTERIES}, for the first, second ... one that turns up, or "
        'its MAC in quotes, such as "60:f1:a2:b3:c4:01"'
    )


def battery_index(name: str) -> int:
    """The index by which generated code speaks of a battery."""
    batteries = tracked().batteries
    if name not in batteries:
        batteries.append(name)
    return batteries.index(name)


def to_code_of_tracked(var: cg.MockObj) -> None:
    """Runs when every entity and automation is generated."""
    places = [int(name) for name in tracked().batteries if len(name) < MAC_DIGITS]
    # Battery 2 is the second one, whether or not anybody asks for the first.
    for place in range(1, max(places, default=0)):
        battery_index(str(place))
    for name in tracked().batteries:
        cg.add(var.add_place(int(name)) if len(name) < MAC_DIGITS else var.add_mac(name))
    if tracked().batteries:
        cg.add_define("USE_CT002_BATTERIES")
        cg.add_define("CT002_TRACKED_BATTERIES", len(tracked().batteries))
    if tracked().watchers:
        cg.add_define("USE_CT002_WATCHERS")
        cg.add_define("CT002_WATCHERS", tracked().watchers)
    if tracked().house_settings:
        cg.add_define("USE_CT002_HOUSE_SETTINGS")
    if tracked().batteries or tracked().house_settings or tracked().changes:
        cg.add_define("USE_CT002_SETTINGS")
