"""The option table, read from options.h.

The table is written once, in C++; everything in Python that speaks of an option (the ESPHome
schema, the reference in the docs, the tests) takes it from here. Standard library only, so that
this file can also be loaded by its path alone.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("options.h")

KINDS = ("TEXT", "BOOL", "INT", "FLOAT", "SECONDS")

# In the table an option of a filter stage says with its default that the stage is off. In the YAML the stage's
# block says whether it is on, so inside the block "off" is no value: such an option must be given, or has another
# default.
_INSIDE_BLOCK: dict[str, dict[str, Any]] = {
    "hampel_window": {"default": 7, "low": 1.0},
    "smoothing_alpha": {"default": None, "required": True},
    "deadband": {"default": None, "required": True},
}

_CONSTANT = re.compile(r"^#define\s+(NULLWATT_[A-Z_]+)\s+(-?[0-9][0-9.e+-]*)f?\s*$")
_TABLE_START = re.compile(r"^#define\s+NULLWATT_OPTIONS\(")
_ROW = re.compile(r"^([A-Z]+)\((.*)\)\s*\\?$")
# One argument: a string literal, or anything up to the next comma.
_ARGUMENT = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^",]+?)\s*(?:,|$)')


class TableError(ValueError):
    """A row of the option table cannot be read."""


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table.

    Attributes:
        kind: "TEXT", "BOOL", "INT", "FLOAT" or "SECONDS".
        group: Sub-block the key stands in; "" = the top level of `ct002:`.
        key: The key as users write it.
        default: Value when the user writes nothing; None = not set (adaptive).
        low: Smallest value, None = no bound. In seconds for SECONDS.
        high: Largest value, None = no bound.
        unit: Unit of the value, "" = none.
        help: One line for people.
        choices: TEXT only: the allowed values, or ("<mac>",) for a MAC.
        required: The user must write it, if its block is there.
    """

    kind: str
    group: str
    key: str
    default: str | bool | int | float | None
    low: float | None
    high: float | None
    unit: str
    help: str
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Where the option stands below `ct002:`: the keys of its blocks, then its own.

        A filter's name is its stage and its key (`hampel_window`); the deadband's only value is called like the
        stage. In `saturation` the key is what follows the name of the block.
        """
        if self.group == "filters":
            stage, _, key = self.key.partition("_")
            return (self.group, stage, key or stage)
        if self.group:
            return (self.group, self.key.removeprefix(f"{self.group}_"))
        return (self.key,)

    @property
    def needless(self) -> bool:
        """Accepted for the sake of existing files; no code acts on it."""
        return self.help.endswith("(needless)")


def load_yaml() -> tuple[Option, ...]:
    """The table with defaults and bounds as they hold in the YAML, where a block switches its filter on."""
    return tuple(replace(option, **_INSIDE_BLOCK.get(option.key, {})) for option in load())


def load(path: Path = TABLE) -> tuple[Option, ...]:
    """Read the table.

    Raises:
        TableError: A row does not parse; names the file, the line and the reason.
    """
    constants: dict[str, float] = {}
    options: list[Option] = []
    inside = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if constant := _CONSTANT.match(line):
            constants[constant[1]] = float(constant[2])
        elif _TABLE_START.match(line):
            inside = True
        elif inside:
            try:
                option = _parse_row(line, constants)
            except ValueError as err:
                raise TableError(f"{path.name}:{number}: {err}: {line.strip()}") from err
            if any(option.key == other.key for other in options):
                raise TableError(f"{path.name}:{number}: {option.key} stands in the table twice")
            options.append(option)
            inside = line.rstrip().endswith("\\")
    if not options:
        raise TableError(f"{path.name}: no option table found")
    return tuple(options)


def _parse_row(line: str, constants: dict[str, float]) -> Option:
    row = _ROW.match(line.strip())
    if row is None:
        raise ValueError("expected KIND(group, key, default, min, max, unit, help)")
    kind, arguments = row[1], _split(row[2])
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind}, expected one of {', '.join(KINDS)}")
    if len(arguments) != 7:
        raise ValueError(f"expected 7 arguments, got {len(arguments)}")
    group, key, default, low, high, unit, text = arguments
    name = _text(group), key, _text(unit), _text(text)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise ValueError(f"bad key {key!r}")
    if kind == "TEXT":
        return _option(kind, name, _text(default), None, None, tuple(_text(low).split("|")))
    no_limit = constants.get("NULLWATT_NO_LIMIT")
    bounds = [_number(bound, constants) for bound in (low, high)]
    lowest, highest = (None if no_limit is not None and abs(bound) >= no_limit else bound for bound in bounds)
    if kind == "BOOL":
        if default not in ("true", "false"):
            raise ValueError(f"default {default} is neither true nor false")
        return _option(kind, name, default == "true", lowest, highest)
    value = _number(default, constants)
    if default == "NULLWATT_NOT_SET":
        return _option(kind, name, None, lowest, highest)
    if (lowest is not None and value < lowest) or (highest is not None and value > highest):
        raise ValueError(f"default {default} is out of range")
    return _option(kind, name, int(value) if kind == "INT" else value, lowest, highest)


def _option(
    kind: str,
    name: tuple[str, str, str, str],
    default: str | bool | int | float | None,
    low: float | None,
    high: float | None,
    choices: tuple[str, ...] = (),
) -> Option:
    group, key, unit, text = name
    return Option(kind, group, key, default, low, high, unit, text, choices)


def _split(arguments: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(arguments):
        argument = _ARGUMENT.match(arguments, at)
        if argument is None:
            raise ValueError(f"cannot read argument {len(found) + 1}")
        found.append(argument[1])
        at = argument.end()
    return found


def _text(literal: str) -> str:
    if len(literal) < 2 or literal[0] != '"' or literal[-1] != '"':
        raise ValueError(f"expected a string in double quotes, got {literal}")
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def _number(literal: str, constants: dict[str, float]) -> float:
    sign, name = (-1.0, literal[1:]) if literal.startswith("-") else (1.0, literal)
    if name in constants:
        return sign * constants[name]
    try:
        return float(literal.removesuffix("f"))
    except ValueError:
        raise ValueError(f"expected a number or a NULLWATT_ constant, got {literal}") from None
