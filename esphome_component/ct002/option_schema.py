"""The part of the schema that comes from the option table of the core (ct002_core/options.h).

A row of the table becomes a key at the top level of `ct002:` or in one of its blocks, with the validator of its
kind. Where a key stands is said in one place, `Option.path`.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import esphome.config_validation as cv
from esphome.components.ct002_core import options
from esphome.core import TimePeriod
from esphome.types import ConfigType

from .names import ON_FIRST_PAGE

Validator = Callable[[Any], Any]

OPTIONS = options.load_yaml()
# Stages of the filter chain: each has a block of its own, and exists in the firmware only if the block does.
FILTER_STAGES = tuple(dict.fromkeys(option.path[1] for option in OPTIONS if option.group == "filters"))
# Times that take milliseconds; the others are whole seconds.
MILLISECOND_KEYS = frozenset({"max_sensor_age", "dedupe_window"})
# What a user may well want to change; the rest is for those who know why.
EVERYDAY_KEYS = frozenset(
    {
        "ct_type",
        "active_control",
        "max_sensor_age",
        "steering",
        "grid_target",
        "peak_shaving_threshold",
        "min_efficient_power",
        "efficiency_rotation_interval",
        "min_dc_output",
    }
)
# What stands for infinity in generated code, which has no word for it. NULLWATT_NO_LIMIT of the table.
LARGEST_FLOAT = 3.4e38
# Blocks of other versions and products that are not built yet.
LATER_BLOCKS = ("dashboard",)


MAC_DIGITS = 12


def spelt_mac(text: str) -> str | None:
    """A MAC as the core writes it, whatever separators `text` has; None if it is none."""
    mac = text.replace(":", "").replace("-", "").lower()
    return mac if len(mac) == MAC_DIGITS and set(mac) <= set("0123456789abcdef") else None


def validate_mac(value: Any) -> str:
    expected = "'ct_mac' must be empty or a 12-hex-char MAC address (optionally separated by ':' or '-')"
    if not isinstance(value, str):
        # YAML reads bare digits as a number and drops what a number does not need.
        raise cv.Invalid(f'{expected}. Put it in quotes, for example ct_mac: "112233445566"')
    mac = spelt_mac(value) if value else ""
    if mac is None:
        raise cv.Invalid(expected)
    return mac


def validate_number(value: Any) -> float:
    number = float(cv.float_(value))
    if math.isnan(number):
        raise cv.Invalid("expected a number, got nan")
    return number


def option_validator(option: options.Option) -> Validator:
    """Validator of one row of the option table."""
    low, high = option.low, option.high
    if option.kind == "TEXT":
        if option.choices == ("<mac>",):
            return validate_mac
        return cv.one_of(*option.choices, upper=option.choices[0].isupper(), lower=option.choices[0].islower())
    if option.kind == "BOOL":
        return cv.boolean
    if option.kind == "INT":
        return cv.int_range(min=None if low is None else int(low), max=None if high is None else int(high))
    if option.kind == "FLOAT":
        return validate_number if low is None and high is None else cv.float_range(min=low, max=high)
    period = cv.positive_time_period_milliseconds if option.key in MILLISECOND_KEYS else cv.positive_time_period_seconds
    return period if high is None else cv.All(period, cv.Range(max=TimePeriod(seconds=int(high))))


def option_key(option: options.Option) -> cv.Optional:
    key = option.path[-1]
    if option.required:
        return cv.Required(key)
    visibility = visibility_of(option)
    if option.default is None:
        return cv.Optional(key, visibility=visibility)
    default = as_time(option.default) if option.kind == "SECONDS" else option.default
    return cv.Optional(key, default=default, visibility=visibility)


def visibility_of(option: options.Option) -> cv.Visibility | None:
    """Where visual editors show an option; ESPHome itself does not care."""
    if option.needless:
        return cv.Visibility.YAML_ONLY
    return ON_FIRST_PAGE if option.key in EVERYDAY_KEYS else cv.Visibility.ADVANCED


def as_time(seconds: float) -> str:
    """As people write it: 90s, but 15min."""
    return f"{seconds / 60:g}min" if seconds > 60 and seconds % 60 == 0 else f"{seconds:g}s"


def spelled(path: tuple[str, ...]) -> str:
    """How a key is written in the YAML: `filters: hampel: window:`."""
    return " ".join(f"{key}:" for key in path)


def misplaced(block: tuple[str, ...]) -> Validator:
    """Tells whoever wrote a known key in the wrong place, or by its name outside YAML, where it belongs."""

    def refuse(key: str, hint: str) -> cv.Invalid:
        return cv.Invalid(f"[{key}] is an invalid option for [{('ct002', *block)[-1]}]. {hint}", path=[key])

    known = list(dict.fromkeys(option.path[len(block)] for option in OPTIONS if option.path[: len(block)] == block))

    def validate(config: Any) -> Any:
        if not isinstance(config, dict):
            if len(known) == 1 and isinstance(config, (int, float)):
                raise cv.Invalid(f"expected a dictionary, write {block[-1]}: {{{known[0]}: {config}}}")
            return config  # for the schema to refuse
        for key in config:
            if key in known:
                continue
            if not block and key in LATER_BLOCKS:
                raise refuse(key, "nullwatt has not built it yet: remove it")
            homes = [option.path for option in OPTIONS if key in (option.key, option.path[-1])]
            if homes:
                raise refuse(key, f"It is written {' or '.join(map(spelled, homes))}")
        return config

    return validate


def block_schema(block: tuple[str, ...] = ()) -> dict[cv.Optional, Any]:
    """Keys and blocks that stand directly in `block`, in the order of the table."""
    depth = len(block)
    schema: dict[cv.Optional, Any] = {}
    blocks: list[str] = []
    for option in OPTIONS:
        if option.path[:depth] != block:
            continue
        if len(option.path) == depth + 1:
            schema[option_key(option)] = option_validator(option)
        elif option.path[depth] not in blocks:
            name = option.path[depth]
            blocks.append(name)
            inner = (*block, name)
            schema[cv.Optional(name)] = cv.All(misplaced(inner), cv.Schema(block_schema(inner)))
    return schema


def chosen(config: ConfigType) -> Iterator[tuple[options.Option, Any]]:
    """Every option that a validated configuration holds, with its value."""
    for option in OPTIONS:
        value: Any = config
        for key in option.path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            yield option, value


def as_number(option: options.Option, value: Any) -> Any:
    """A validated value in the unit of the table."""
    return value.total_milliseconds / 1000 if option.kind == "SECONDS" else value


def as_member(option: options.Option, value: Any) -> Any:
    """A validated value as the core keeps it: 32 bit wide."""
    if option.kind == "SECONDS":
        # A time beyond 24 days is as good as the longest one.
        return min(int(value.total_milliseconds), 2**31 - 1)
    if option.kind == "FLOAT":
        return max(-LARGEST_FLOAT, min(value, LARGEST_FLOAT))
    return value
