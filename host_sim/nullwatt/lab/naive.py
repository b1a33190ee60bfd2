"""The naive controller: every battery is sent its equal part of the meter's reading, poll after poll.

What anyone would write first, and the scale everything better is measured on: no model, no memory, no limits. Has the
core's door. Reading = last meter total / batteries in the pool, on the requester's own phase, W, + = import.
"""

from collections.abc import Sequence

from nullwatt.battery import decode_frame, encode_frame

_FORGET_S = 30.0  # a battery silent for so long has left the pool


class NaiveController:
    """The controller. Batteries that take part are in the pool as soon as they name their phase."""

    def __init__(self) -> None:
        self._total_w: float | None = None
        self._seen_s: dict[str, float] = {}
        self._index = 0

    def update_grid(self, power_w: Sequence[float], /, at: float) -> None:
        """A fresh meter sample, W per phase, + = import."""
        self._total_w = sum(power_w)

    def invalidate_grid(self, at: float) -> None:
        """The meter is gone: batteries get no answer and hold."""
        self._total_w = None

    def tick(self, at: float) -> None:
        """Forget batteries that went silent."""
        self._seen_s = {mac: seen_s for mac, seen_s in self._seen_s.items() if at - seen_s < _FORGET_S}

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        """Answer one request; None for anything else and while there is no meter."""
        fields = decode_frame(datagram)
        if fields is None or len(fields) < 6 or self._total_w is None:
            return None
        device, mac, ct, ct_mac, phase = (field.decode() for field in fields[:5])
        reading = 0
        if phase in ("A", "B", "C", "D") and len(fields) == 6:
            self._seen_s[mac] = at
            reading = round(self._total_w / len(self._seen_s))
        self._index = (self._index + 1) % 256
        readings = [reading if phase == name else 0 for name in "ABC"]
        numbers = [*readings, reading, 1, 1, 1, 1, -50, self._index, *[0] * 10]
        return encode_frame([ct, ct_mac, device, mac, *map(str, numbers)])
