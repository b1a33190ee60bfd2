"""Watts out of what meters say: numbers, texts with a unit, places in a JSON document."""

from nullwatt.keys import ConfigError, show

UNITS = {"W": 1.0, "kW": 1000.0, "mW": 0.001, "MW": 1000000.0}
_OF_NUMBERS = "0123456789+-.eE"
_MISSING = object()


class NoValueError(Exception):
    """The meter answered, but not with a power; `str()` says what instead."""


def watts(value, unit="W", what="the power"):
    """A number, or a text such as "123", "123 W", "0.4 kW", in W. A unit in the text beats `unit`. NoValueError."""
    if isinstance(value, str):
        value, found = _cut(value, what)
        unit = found or unit
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NoValueError(f"{what} is {_shown(value)}, must be a number")
    if unit not in UNITS:
        raise NoValueError(f"{what} has the unit {unit[:16]}, must be one of W, kW, mW, MW")
    value = finite(value, what)
    return value if unit == "W" else value * UNITS[unit]


def finite(value, what):
    """A number as float; NoValueError for NaN and infinity."""
    try:
        value = float(value)
    except OverflowError:
        value = float("inf")
    if value - value != 0.0:
        raise NoValueError(f"{what} is {value}, must be a finite number")
    return value


def place(path):
    """Steps of a path such as `data.0.power` or `a.b[2]`; ConfigError."""
    steps = path.replace("[", ".").replace("]", "").split(".")
    if "" in steps:
        raise ConfigError(f'{show(path)}: must be names and numbers with dots, such as "data.0.power" or "a.b[2]"')
    return steps


def find(document, steps):
    """What stands there; NoValueError if nothing does."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step, _MISSING)
        elif isinstance(document, list):
            document = document[int(step)] if step.isdigit() and int(step) < len(document) else _MISSING
        else:
            document = _MISSING
        if document is _MISSING:
            raise NoValueError("there is no {} in the answer".format(".".join(steps)))
    return document


def texts(options, key, least=1, most=3):
    """The texts in a list of the options; ConfigError for other things, or for more or fewer."""
    found = options[key]
    for text in found:
        if not isinstance(text, str) or not text:
            raise ConfigError(f"meter.{key}: {show(text)} must be a text")
    if not least <= len(found) <= most:
        raise ConfigError(f"meter.{key} has {len(found)} entries: must be {least} to {most}")
    return found


def pairs(options, key, key_out):
    """Two lists of texts: what flows in and, if there are any, as many for what flows out; ConfigError."""
    ins, outs = texts(options, key), texts(options, key_out, 0)
    if outs and len(outs) != len(ins):
        raise ConfigError(f"meter.{key_out} has {len(outs)} entries: must be {len(ins)}, as meter.{key}, or none")
    return ins, outs


def balance(ins, outs):
    """In - out per phase; without outs the ins."""
    return [ins[i] - outs[i] for i in range(len(ins))] if outs else ins


def _cut(text, what):
    """(number, unit or "") of a text."""
    stripped = text.strip()
    end = 0
    while end < len(stripped) and stripped[end] in _OF_NUMBERS:
        end += 1
    try:
        return float(stripped[:end]), stripped[end:].strip()
    except ValueError:
        raise NoValueError(f'{what} is "{stripped[:24]}", must be a number') from None


def _shown(value):
    """For an error text; long things are not built only to be cut."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return show(value)
