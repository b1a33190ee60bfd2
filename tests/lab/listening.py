"""The core with every answer written down, for closed-loop tests that look at the wire and at what the core thinks."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nullwatt.battery import Reply, decode_frame, parse_reply
from nullwatt.core import Config, Emulator
from nullwatt.lab import LabResult, Scenario, run_against


class Heard(NamedTuple):
    """A poll and its answer; phase and power_w as the battery sent them."""

    at: float
    position: int
    phase: str
    power_w: int
    reply: Reply


class Listener:
    """The core, with every answer written down. `script` is called once a second and may turn its knobs."""

    def __init__(self, config: Config, script: Callable[[float, Emulator], None] | None = None) -> None:
        self.emulator = Emulator(config)
        self.heard: list[Heard] = []
        self._script = script

    def update_grid(self, values: Sequence[float], at: float) -> None:
        self.emulator.update_grid(values, at=at)

    def invalidate_grid(self, at: float) -> None:
        self.emulator.invalidate_grid(at=at)

    def tick(self, at: float) -> None:
        self.emulator.tick(at=at)
        if self._script is not None:
            self._script(at, self.emulator)

    def set_override(self, mac: str, **settings: Any) -> None:
        self.emulator.set_override(mac, **settings)

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        answer = self.emulator.handle(datagram, source=source, at=at)
        fields = decode_frame(datagram)
        assert answer is not None and fields is not None
        reply = parse_reply(answer)
        assert reply is not None
        self._check_discharge(reply)
        mac, phase, power_w = fields[1].decode(), fields[4].decode(), int(fields[5])
        self.heard.append(Heard(at, int(mac[-2:], 16), phase, power_w, reply))
        return answer

    def _check_discharge(self, reply: Reply) -> None:
        """While the pool charges, nobody may be told that anybody discharges: it would stop charging (#376)."""
        state = self.emulator.state()
        charges = state.demand_w is not None and state.demand_w < -50
        if charges and state.active_control and state.pool_size == state.consumers:
            assert max(reply.discharge_w) <= 0, reply


def listen(
    scenario: Scenario, script: Callable[[float, Emulator], None] | None = None
) -> tuple[LabResult, list[Heard], Emulator]:
    listener = Listener(Config(**scenario.options), script)
    return run_against(scenario, listener), listener.heard, listener.emulator


def grid(result: LabResult, start_s: float, end_s: float | None = None) -> "np.typing.NDArray[np.float64]":
    """Magnitude of the grid per second of [start, end), W."""
    return np.abs(result.recording.grid_total_w[round(start_s) : None if end_s is None else round(end_s)])


def power(result: LabResult, start_s: float, end_s: float | None = None) -> "np.typing.NDArray[np.float64]":
    """Mean output of each battery over [start, end), W."""
    rows: np.typing.NDArray[np.float64] = result.recording.power_w[
        round(start_s) : None if end_s is None else round(end_s)
    ]
    return rows.mean(axis=0)
