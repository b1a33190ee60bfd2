"""Physical values as 16-bit words and back: physical = raw * scale.

1. Encoding rounds half to even and saturates: a value that does not fit shows the nearest that does, it never wraps.
2. Inside a word the high byte comes first, as on any Modbus wire; `endian` is the order of the words of 32-bit values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

RegisterType = Literal["uint16", "int16", "uint32", "int32"]
Endian = Literal["big", "little"]

#: Smallest raw value, largest raw value, words.
_TYPES: dict[RegisterType, tuple[int, int, int]] = {
    "uint16": (0, 2**16 - 1, 1),
    "int16": (-(2**15), 2**15 - 1, 1),
    "uint32": (0, 2**32 - 1, 2),
    "int32": (-(2**31), 2**31 - 1, 2),
}


def words_of(kind: RegisterType) -> int:
    """How many words a value of this type takes."""
    return _TYPES[kind][2]


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to write a number. scale: finite and not 0."""

    kind: RegisterType = "uint16"
    scale: float = 1.0
    endian: Endian = "big"

    def raw(self, value: float) -> int:
        """The raw number of a physical value; not a number is 0."""
        lowest, highest, _ = _TYPES[self.kind]
        exact = value / self.scale
        if exact >= highest:
            return highest
        if exact <= lowest:
            return lowest
        return 0 if math.isnan(exact) else round(exact)

    def encode(self, value: float) -> tuple[int, ...]:
        """The words of a physical value, 0 ... 65535 each."""
        raw = self.raw(value)
        if _TYPES[self.kind][2] == 1:
            return (raw & 0xFFFF,)
        high, low = raw >> 16 & 0xFFFF, raw & 0xFFFF
        return (high, low) if self.endian == "big" else (low, high)

    def decode(self, words: Sequence[int]) -> float:
        """The physical value of as many words as the type has."""
        raw = words[0]
        if _TYPES[self.kind][2] == 2:
            high, low = words if self.endian == "big" else reversed(words)
            raw = high << 16 | low
        if raw > _TYPES[self.kind][1]:
            raw -= 2 ** (16 * _TYPES[self.kind][2])
        return _physical(raw, self.scale)


def _physical(raw: int, scale: float) -> float:
    """The product, but 123 * 0.1 is 12.3 and not 12.300000000000001."""
    inverse = 1.0 / scale
    whole = round(inverse)
    return raw / whole if whole and abs(inverse - whole) < 1e-9 * abs(inverse) else raw * scale
