"""Options of the core: what there is (`options`), and a checked set of them (`Config`)."""

import difflib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from nullwatt.core._core import ffi, lib

type Value = str | bool | int | float | None

_KINDS = ("text", "bool", "int", "float", "seconds")
_NO_LIMIT = 3.3e38
_NEEDLESS = "(needless)"
# Options are 32-bit floats in the core: enough digits to name any of them exactly as written.
_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the option table.

    Attributes:
        group: Block of the YAML the key stands in; empty = top level of `ct002:`.
        key: Name, unique over all groups.
        kind: "text", "bool", "int", "float" or "seconds".
        unit: "W", "s", ... or empty.
        default: Default value; None = not set.
        low: Smallest value, None = no bound.
        high: Largest value, None = no bound.
        choices: Allowed texts; empty = see `help`.
        help: One line for people.
    """

    group: str
    key: str
    kind: str
    unit: str
    default: Value
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    help: str

    @property
    def needless(self) -> bool:
        """Accepted for the sake of existing files; the battery model does what it was for."""
        return self.help.endswith(_NEEDLESS)


def _text(pointer: Any) -> str:
    text: bytes = ffi.string(pointer)
    return text.decode()


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _option(index: int) -> Option:
    row = ffi.new("ct002_option *")
    lib.ct002_option_at(index, row)
    kind = _KINDS[row.kind]
    default: Value = _short(row.default_value)
    low: float | None = _short(row.low) if row.low > -_NO_LIMIT else None
    high: float | None = _short(row.high) if row.high < _NO_LIMIT else None
    choices: tuple[str, ...] = ()
    if kind == "text":
        default, low, high = _text(row.default_text), None, None
        listed = _text(row.choices)
        choices = () if listed.startswith("<") else tuple(listed.split("|"))
    elif kind == "bool":
        default, low, high = bool(row.default_value), None, None
    elif kind == "int":
        default = int(row.default_value)
    elif row.default_value < row.low:
        default = None
    return Option(_text(row.group), _text(row.key), kind, _text(row.unit), default, low, high, choices, _text(row.help))


@cache
def options() -> dict[str, Option]:
    """The option table of the compiled core, by key, in table order."""
    rows = (_option(index) for index in range(lib.ct002_option_count()))
    return {row.key: row for row in rows}


def _allowed(option: Option) -> str:
    if option.choices:
        return "allowed: " + ", ".join(option.choices)
    if option.kind == "text":
        return "allowed: empty, or 12 hex digits (separators : and - are fine)"
    if option.kind == "bool":
        return "allowed: True or False"
    unit = f" {option.unit}" if option.unit else ""
    low = "-inf" if option.low is None else f"{option.low:.10g}"
    bounds = f"{low} to {option.high:.10g}{unit}" if option.high is not None else f"at least {low}{unit}"
    if option.low is None and option.high is None:
        bounds = f"any number{unit}"
    whole = "whole numbers, " if option.kind == "int" else ""
    unset = ", or None for not set" if option.default is None else ""
    return f"allowed: {whole}{bounds}{unset}"


def _number(option: Option, value: Value) -> float:
    if value is None and option.default is None:
        return -1.0
    is_bool = isinstance(value, bool)
    if not isinstance(value, (int, float)) or is_bool != (option.kind == "bool") or math.isnan(value):
        raise ValueError(f"option {option.key}: {value!r} is not a {option.kind} value; {_allowed(option)}")
    # "Not set" is spelt None here; a value below the range is a mistake.
    if option.default is None and option.low is not None and value < option.low:
        raise ValueError(f"option {option.key}: {value!r} is out of range; {_allowed(option)}")
    return float(value)


class Config:
    """A checked set of options, given by their YAML names; the rest have their defaults.

    Times are seconds. `consumer_ttl=None` means adaptive. An option that has no effect any more is
    accepted with a warning.

    Raises:
        TypeError: An option does not exist; the message names the closest that does.
        ValueError: A value has the wrong kind or lies outside its range.
    """

    def __init__(self, **values: Value) -> None:
        self._memory = ffi.new("uint64_t[]", (lib.ct002_config_size() + 7) // 8)
        self._handle = lib.ct002_config_init(self._memory, ffi.sizeof(self._memory))
        self._values: dict[str, Value] = {key: option.default for key, option in options().items()}
        for key, value in values.items():
            self._set(key, value)

    def _set(self, key: str, value: Value) -> None:
        option = options().get(key)
        if option is None:
            close = difflib.get_close_matches(key, options(), n=1, cutoff=0.0)
            raise TypeError(f"unknown option {key!r}; the closest is {close[0]!r}")
        if option.kind == "text":
            if not isinstance(value, str):
                hint = "; put it in quotes" if isinstance(value, int) and not isinstance(value, bool) else ""
                raise ValueError(f"option {key}: {value!r} is not a text{hint}; {_allowed(option)}")
            status = lib.ct002_config_set_text(self._handle, key.encode(), value.encode(errors="replace"))
        else:
            status = lib.ct002_config_set_number(self._handle, key.encode(), _number(option, value))
        if status != lib.CT002_OK:
            problem = "is not known" if option.kind == "text" else "is out of range"
            raise ValueError(f"option {key}: {value!r} {problem}; {_allowed(option)}")
        self._values[key] = value
        if option.needless and value != option.default:
            warnings.warn(
                f"option {key} has no effect: it tuned a control law that nullwatt does not have; remove it",
                stacklevel=4,
            )

    def __getattr__(self, key: str) -> Value:
        values: dict[str, Value] = self.__dict__.get("_values", {})
        if key in values:
            return values[key]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return iter(self._values.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __repr__(self) -> str:
        changed = (f"{key}={value!r}" for key, value in self if value != options()[key].default)
        return f"Config({', '.join(changed)})"

    def compiled(self, key: str) -> float:
        """Value of a number as the core holds it; seconds for times, -1 = not set.

        Raises:
            KeyError: `key` is not a number among the options.
        """
        value = ffi.new("float *")
        if lib.ct002_config_get_number(self._handle, key.encode(), value) != lib.CT002_OK:
            raise KeyError(key)
        return float(value[0])
