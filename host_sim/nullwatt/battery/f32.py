"""Rounding to IEEE-754 single precision, the number format of the firmware's control laws.

Signs and units: none, a plain number. Round after each arithmetic operation: for +, -, *, / and square root a
double result rounded once to single equals the single result, so this reproduces the firmware bit for bit.
"""

import struct

_SINGLE = struct.Struct("f")
_pack = _SINGLE.pack
_unpack = _SINGLE.unpack


def f32(value: float) -> float:
    """Return value rounded to the nearest single; OverflowError beyond the single range (about 3.4e38)."""
    rounded: float = _unpack(_pack(value))[0]
    return rounded
