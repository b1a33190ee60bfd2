"""Scenarios of a site, as data: what happens to it, who controls it, and what must hold.

Signs: power of a device + = into the site, grid + = import. Times are simulated s from the start.
"""

from dataclasses import dataclass
from typing import Literal

from nullwatt.home.der import SiteConfig

from .controller import DroopController
from .expectations import Bounds, DroopBand, Response, Settling
from .frequency_response import FrequencyResponse
from .subject import Subject

type AnyExpectation = Bounds | Response | Settling | DroopBand | FrequencyResponse

#: What a scenario moves, and the unit.
Signal = Literal["frequency", "voltage", "irradiance", "ambient", "base_load"]
UNITS: dict[Signal, str] = {"frequency": "Hz", "voltage": "V", "irradiance": "W/m2", "ambient": "C", "base_load": "W"}


@dataclass(frozen=True, slots=True)
class ModbusWrite:
    """Words written to the holding registers of an asset. shown: what they mean."""

    asset: str
    address: int
    words: tuple[int, ...]
    shown: str

    def __str__(self) -> str:
        return f"{self.asset}: {self.shown}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the table of a device."""

    asset: str
    name: str
    value: float

    def __str__(self) -> str:
        return f"{self.asset}: {self.name} = {self.value:g}"


@dataclass(frozen=True, slots=True)
class Level:
    """A quantity goes to a value over so many s and stays for hold_s."""

    signal: Signal
    value: float
    over_s: float
    hold_s: float

    def __str__(self) -> str:
        over = f" over {self.over_s:g} s" if self.over_s else ""
        return f"{self.signal} {self.value:g} {UNITS[self.signal]}{over}"


@dataclass(frozen=True, slots=True)
class Deviation:
    """Frequency or voltage differs by delta, in its unit, on top of whatever else it does."""

    signal: Literal["frequency", "voltage"]
    delta: float
    duration_s: float
    shape: Literal["step", "ramp"]

    def __str__(self) -> str:
        return f"{self.signal} {self.delta:+g} {UNITS[self.signal]} for {self.duration_s:g} s"


@dataclass(frozen=True, slots=True)
class Series:
    """A quantity follows a recording. times_s: from its start."""

    signal: Signal
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    file: str

    def __str__(self) -> str:
        return f"{self.signal} from {self.file}"


type Action = ModbusWrite | Command | Level | Deviation | Series


@dataclass(frozen=True, slots=True)
class SiteEvent:
    """Something that happens at a time."""

    at_s: float
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteCondition:
    """Holds when everything given holds; looked at before every step. See `Condition` of a house."""

    subject: Subject | None = None
    above: float | None = None
    below: float | None = None
    time_of_day_h: float | None = None
    after_s: float = 0.0
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SiteTrigger:
    """What happens when a condition comes to hold; repeat: each time it does again."""

    condition: SiteCondition
    actions: tuple[Action, ...]
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class SiteScenario:
    """One test of a site. controller: the stand-in for an energy management system; None = nobody, or somebody else."""

    name: str
    site: SiteConfig
    duration_s: float
    title: str = ""
    events: tuple[SiteEvent, ...] = ()
    triggers: tuple[SiteTrigger, ...] = ()
    controller: DroopController | None = None
    expectations: tuple[AnyExpectation, ...] = ()
