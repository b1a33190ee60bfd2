"""The control core under MicroPython, with the names of CPython's `nullwatt.core`.

Signs: battery power + = discharge, grid and reading + = import. `at` is the host's time in seconds, from any origin;
floats of single precision cannot tell milliseconds apart for long, so `at_ms` takes them as an int, which may wrap.
Without either the board's own counter is used. An emulator belongs to one thread.
"""

from collections import OrderedDict

import _ct002

MAX_BATTERIES, MAX_DATAGRAM = _ct002.limits()

#: Options that `Emulator.tune()` changes.
TUNABLE = (
    "grid_target",
    "peak_shaving_threshold",
    "min_efficient_power",
    "min_efficient_charge",
    "min_efficient_discharge",
)
_NO_LIMIT = 3.3e38
_NEEDLESS = "(needless)"
_MAX_FRAME = 9999
# The names under which errors list the settings of a battery, in their order.
_SETTINGS = (
    ("active", "active"),
    ("manual", "manual"),
    ("manual_target", "manual_target_w"),
    ("weight", "weight"),
    ("window_weight", "window_weight"),
    ("min_dc_output", "min_dc_output_w"),
    ("max_charge", "max_charge_w"),
    ("max_discharge", "max_discharge_w"),
    ("start_power", "start_power_w"),
    ("charge_order", "charge_order"),
    ("discharge_order", "discharge_order"),
)


class TableFullError(RuntimeError):
    """There is no room for the settings of another battery."""


class FrameError(ValueError):
    """A datagram is not a valid frame, or fields do not make one. One line says why."""


class _Record:
    """Named values; a class with a slot for each would cost more memory than a board has to spare."""

    def __init__(self, values):
        self._values = values

    def __getattr__(self, name):
        if name == "_values" or name not in self._values:
            raise AttributeError(f"no attribute {name!r}")
        return self._values[name]

    def __eq__(self, other):
        return isinstance(other, type(self)) and self._values == other._values

    def __repr__(self):
        given = ", ".join(f"{name}={value!r}" for name, value in sorted(self._values.items()))
        return f"{type(self).__name__}({given})"


class ConsumerState(_Record):
    """One battery as the core sees it; the names are those of CPython's ConsumerState."""


class EmulatorState(_Record):
    """The emulator as a whole; the names are those of CPython's EmulatorState."""


class Option:
    """One row of the option table: group, key, kind, unit, default, low, high, choices, help."""

    def __init__(self, row):
        self.group, self.key, self.kind, self.unit, default, low, high, listed, self.help = row
        self.low = None if low < -_NO_LIMIT else _short(low)
        self.high = None if high > _NO_LIMIT else _short(high)
        self.choices = ()
        if self.kind == "text":
            self.low = self.high = None
            self.choices = () if listed.startswith("<") else tuple(listed.split("|"))
        elif self.kind == "bool":
            self.low = self.high = None
            default = bool(default)
        elif self.kind == "int":
            default = int(default)
        else:
            default = None if default < low else _short(default)
        self.default = default

    @property
    def needless(self):
        """Accepted for the sake of existing files; the battery model does what it was for."""
        return self.help.endswith(_NEEDLESS)


def _short(value):
    # Options are 32-bit floats in the core: enough digits to name any of them exactly as written.
    return float(f"{value:.7g}")


def _keys():
    index = 0
    while (row := _ct002.option(index)) is not None:
        yield row[1]
        index += 1


def options():
    """The option table, by key, in table order. It takes memory: ask for it only to show it."""
    return OrderedDict((key, Option(_ct002.option(key))) for key in _keys())


def _allowed(option):
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


def _matching(left, right):
    """Characters two words share, by their longest common pieces: what CPython's difflib counts."""
    best = at = there = 0
    for i in range(len(left)):
        for j in range(len(right)):
            size = 0
            while i + size < len(left) and j + size < len(right) and left[i + size] == right[j + size]:
                size += 1
            if size > best:
                best, at, there = size, i, j
    if best == 0:
        return 0
    return best + _matching(left[:at], right[:there]) + _matching(left[at + best :], right[there + best :])


def _closest(word):
    return max((2 * _matching(key, word) / (len(key) + len(word)), key) for key in _keys())[1]


class Config:
    """A checked set of options, given by their YAML names; the rest have their defaults.

    Times are seconds. `consumer_ttl=None` means adaptive. An option that has no effect any more is accepted, and a line
    on the console says so. TypeError: an option does not exist; ValueError: a value has the wrong kind or lies outside
    its range.
    """

    def __init__(self, **values):
        self._given = {}
        for key, value in values.items():
            self._set(key, value)

    def _set(self, key, value):
        row = _ct002.option(key)
        if row is None:
            raise TypeError(f"unknown option {key!r}; the closest is {_closest(key)!r}")
        option = Option(row)
        is_text = option.kind == "text"
        if is_text:
            if not isinstance(value, str):
                hint = "; put it in quotes" if isinstance(value, int) and not isinstance(value, bool) else ""
                raise ValueError(f"option {key}: {value!r} is not a text{hint}; {_allowed(option)}")
        elif value is not None or option.default is not None:
            # MicroPython's bool is no kind of int, CPython's is.
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            fits = isinstance(value, bool) if option.kind == "bool" else number
            if not fits or value != value:
                raise ValueError(f"option {key}: {value!r} is not a {option.kind} value; {_allowed(option)}")
            # "Not set" is spelt None here; a value below the range is a mistake.
            if option.default is None and option.low is not None and value < option.low:
                raise ValueError(f"option {key}: {value!r} is out of range; {_allowed(option)}")
        if _ct002.check(key, value) != 0:
            problem = "is not known" if is_text else "is out of range"
            raise ValueError(f"option {key}: {value!r} {problem}; {_allowed(option)}")
        self._given[key] = value
        if option.needless and value != option.default:
            print(f"option {key} has no effect: it tuned a control law that nullwatt does not have; remove it")

    def __getattr__(self, key):
        if key != "_given":
            if key in self._given:
                return self._given[key]
            row = _ct002.option(key)
            if row is not None:
                return Option(row).default
        raise AttributeError(f"'Config' object has no attribute {key!r}")

    def __iter__(self):
        return ((key, getattr(self, key)) for key in _keys())

    def __eq__(self, other):
        return isinstance(other, Config) and all(value == getattr(other, key) for key, value in self)

    def __repr__(self):
        changed = (f"{key}={value!r}" for key, value in self if value != Option(_ct002.option(key)).default)
        return f"Config({', '.join(changed)})"


class Emulator(_ct002.Emulator):
    """One emulated CT002/CT003 with everything it knows.

    Of the core itself: handle(datagram, source="", at=None, at_ms=None), handle_into(datagram, source, now_ms, reply),
    last_drop, memory, update_grid(power_w, at, at_ms), invalidate_grid(at, at_ms), unassign_grid(), tick(at, at_ms),
    force_rotation() and set_active_control(active).
    """

    def __init__(self, config=None):
        self._config = config or Config()
        super().__init__(self._config._given)

    @property
    def config(self):
        """The options in force."""
        return self._config

    def update_grid_phase(self, phase, count, power_w, at=None, *, at_ms=None):
        """One phase (0..2) of a meter with `count` phases whose values arrive one by one."""
        if not 0 <= phase < count <= 3:
            raise ValueError(f"phase {phase} of {count}; allowed: phase 0..2 of a meter with 1..3 phases")
        super().update_grid_phase(phase, count, power_w, at, at_ms=at_ms)

    def set_override(
        self,
        mac,
        *,
        active=None,
        manual=None,
        manual_target=None,
        weight=None,
        window_weight=None,
        min_dc_output=None,
        max_charge=None,
        max_discharge=None,
        start_power=None,
        charge_order=None,
        discharge_order=None,
    ):
        """Changes settings of a battery, known or not yet; None leaves one as it is.

        ValueError: a value is out of range, nothing was changed. TableFullError: no room for the settings of another.
        """
        given = {
            "active": active,
            "manual": manual,
            "manual_target": manual_target,
            "weight": weight,
            "window_weight": window_weight,
            "min_dc_output": min_dc_output,
            "max_charge": max_charge,
            "max_discharge": max_discharge,
            "start_power": start_power,
            "charge_order": charge_order,
            "discharge_order": discharge_order,
        }
        try:
            super().set_override(mac, **given)
        except ValueError:
            told = ", ".join(f"{name}={given[key]!r}" for key, name in _SETTINGS if given[key] is not None)
            raise ValueError(
                f"battery {mac}: {told} is out of range; allowed: manual_target_w -100000..100000, "
                "weight 0..10, window_weight 0..1, orders 0..15, the other powers 0..100000 or -1"
            ) from None
        except RuntimeError:
            raise TableFullError(f"battery {mac}: settings of {2 * MAX_BATTERIES} batteries are held already") from None

    def tune(self, **options):
        """Changes options while control goes on: those of `TUNABLE`, in their units."""
        for key in options:
            if key not in TUNABLE and _ct002.option(key) is not None:
                raise TypeError(f"option {key!r} cannot change while running; these can: {', '.join(TUNABLE)}")
        changed = Config(**options)
        merged = Config()
        merged._given = dict(self._config._given)
        merged._given.update(changed._given)
        super().tune(**options)
        self._config = merged

    def consumers(self):
        """The batteries in the table, as of the last call that carried a time."""
        return [ConsumerState(values) for values in super().consumers()]

    def state(self):
        """The whole, as of the last call that carried a time."""
        return EmulatorState(super().state())


def encode_frame(fields):
    """Frame with the given fields, at most 9999 bytes."""
    parts = list(fields)
    for part in parts:
        if "|" in part or any(ord(character) > 127 for character in part):
            raise FrameError(f"field {part!r} holds a character that cannot be sent")
    body = "|".join(parts)
    frame = _ct002.encode_frame(body)
    if frame is None:
        raise FrameError(f"{len(body)} bytes of fields do not fit a frame of {_MAX_FRAME} bytes")
    return frame


def decode_frame(frame):
    """Fields of a frame of any size."""
    try:
        return _ct002.decode_frame(frame).split("|")
    except ValueError as error:
        raise FrameError(str(error)) from None
