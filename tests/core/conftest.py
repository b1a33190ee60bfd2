"""Shared by the core's tests: a battery that polls an emulator by hand."""

from collections.abc import Callable

import pytest

from nullwatt.core import Emulator, decode_frame, encode_frame

MAC = "60F1A2B3C401"

type Poll = Callable[..., list[str] | None]


@pytest.fixture
def poll() -> Poll:
    """Polls once and returns the fields of the reply, None if there is none."""

    def send(
        emulator: Emulator,
        at: float,
        power: int = 0,
        *,
        mac: str = MAC,
        phase: str = "A",
        kind: str = "HMG-50",
        ct_mac: str = "5cce1b7a90d4",
        extra: tuple[str, ...] = (),
    ) -> list[str] | None:
        request = encode_frame([kind, mac, "HME-4", ct_mac, phase, str(power), *extra])
        reply = emulator.handle(request, source="192.0.2.21:22222", at=at)
        return None if reply is None else decode_frame(reply)

    return send
