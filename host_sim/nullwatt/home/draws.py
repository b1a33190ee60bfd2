"""Random numbers as a pure function of (seed, stream, index).

A running generator would make the house depend on how often it is read or in which sub-steps it is advanced.
Here draw number k of a stream is always the same number, whoever asks and in whatever order (SplitMix64 with
random access).
"""

from zlib import crc32

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_TO_UNIT = 2.0**-53
_TO_SYMMETRIC = 2.0**-52


def _mix(value: int) -> int:
    """Finaliser of SplitMix64: every input bit reaches every output bit."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Draws:
    """One stream of uniform draws, addressed by index.

    seed: any int. stream: a name such as "noise.A"; streams of one seed are independent of each other.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int, stream: str) -> None:
        self._key = _mix((_mix((seed + _GOLDEN) & _MASK) + crc32(stream.encode()) * _GOLDEN) & _MASK)

    def unit(self, index: int) -> float:
        """Draw number `index` (>= 0), uniform in [0, 1)."""
        return (_mix((self._key + (index + 1) * _GOLDEN) & _MASK) >> 11) * _TO_UNIT

    def symmetric(self, index: int) -> float:
        """Draw number `index` (>= 0), uniform in [-1, 1)."""
        return (_mix((self._key + (index + 1) * _GOLDEN) & _MASK) >> 11) * _TO_SYMMETRIC - 1.0


class DrawSequence:
    """The draws of a stream one after the other, for what happens in an order of its own (cycles, sessions)."""

    __slots__ = ("_draws", "_next")

    def __init__(self, seed: int, stream: str) -> None:
        self._draws = Draws(seed, stream)
        self._next = 0

    def unit(self) -> float:
        """The next draw, uniform in [0, 1)."""
        self._next += 1
        return self._draws.unit(self._next - 1)

    def around(self, value: float, share: float) -> float:
        """A value uniform in `value` +- `share` of it; draws nothing if the share is 0."""
        return value * (1.0 + share * (2.0 * self.unit() - 1.0)) if share else value
