"""Which law does a battery run? Every true law under every declaration, right, wrong and unknown.

Household units of 800 W and steps they can follow: the first two minutes are lively, then life goes on more slowly.
"""

from dataclasses import dataclass

from nullwatt.home import HouseConfig, LoadConfig, LoadEvent

from ..scenario import Scenario
from .building import NO_SUN, TYPE_OF_LAW, unit

LEARNING_S = 120.0
_BASE_W = 200.0
_STEPS_W = (250.0, 400.0, 550.0)
_LIVELY_S, _CALM_S = 20.0, 40.0
_DURATION_S = 380
_LIMIT_W = 800.0


@dataclass(frozen=True, slots=True)
class Truth:
    """A law and its loop gain in percent; `device_type` is the right declaration."""

    law: str
    ratio: int = 100

    @property
    def device_type(self) -> str:
        """The type that is known to run this law."""
        return TYPE_OF_LAW[self.law]


TRUTHS = (
    Truth("ramp"),
    Truth("integrator"),
    Truth("integrator", 50),
    Truth("integrator-2"),
    Truth("integrator-2", 50),
    Truth("dc-regulator"),
)
#: What a battery may say it is; the last one is in no table.
DECLARED = ("HMG-50", "VNSD-0", "VNSE3-0", "HMJ-2", "XYZ-1")


def identification(truth: Truth, declared: str) -> Scenario:
    """The scenario of one battery that runs `truth` and says it is a `declared`."""
    name = f"identify_{truth.law}_{truth.ratio}_{declared.partition('-')[0]}"
    loads = tuple(LoadConfig(f"step {watts:g} W", watts) for watts in _STEPS_W)
    house = HouseConfig(phases=1, base_load_w=(_BASE_W,), noise_w=0.0, loads=loads, events=_events(loads), sun=NO_SUN)
    spec = unit(
        1,
        truth.law,
        device_type=declared,
        ratio=truth.ratio,
        max_charge_w=_LIMIT_W,
        max_discharge_w=_LIMIT_W,
        capacity_wh=5120.0,
        initial_soc=0.6,
    )
    title = f"{truth.law} law at {truth.ratio} %, declared as {declared}"
    return Scenario(name, house, (spec,), duration_s=_DURATION_S, title=title)


def _events(loads: tuple[LoadConfig, ...]) -> tuple[LoadEvent, ...]:
    events: list[LoadEvent] = []
    time_s = _LIVELY_S
    while time_s < _DURATION_S - _LIVELY_S:
        load = loads[len(events) // 2 % len(loads)]
        events.append(LoadEvent(time_s, load.name, len(events) % 2 == 0))
        time_s += _LIVELY_S if time_s < LEARNING_S else _CALM_S
    return tuple(events)
