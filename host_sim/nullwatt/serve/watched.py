"""What the page watches and gives orders to: a simulated house, or a real board.

Orders raise LookupError for what is not there and ValueError for what is not allowed; `str()` of both is one line
for people. Powers W, battery + = discharge.
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol

from .simulation import Simulation
from .state import DeviceState, Moment, State
from .timing import TimeControl
from .what_if import Comparing


class HomeFiles(Protocol):
    """House files: that of the running house, and others that are being written.

    Attributes:
        restarts: Another house can take the place of the one that runs.
    """

    @property
    def restarts(self) -> bool:
        """See above."""

    def running(self) -> dict[str, Any]:
        """The file of the running house, as it was written; without the password of a broker."""

    def mistakes(self, document: object) -> list[str]:
        """What is wrong with a parsed file, a line each, as `nullwatt sim run -c` says it; [] = it can be run."""

    async def use(self, document: object) -> None:
        """Let this house run instead of the present one, from its second 0. ValueError for what cannot be run."""


class HouseControl(Simulation, Protocol):
    """A simulated house that is changed while it runs.

    Attributes:
        files: House files to work on; None = it was not made from one.
    """

    @property
    def files(self) -> HomeFiles | None:
        """See above."""

    @property
    def comparing(self) -> Comparing | None:
        """Homes compared over a year; None = not here."""

    def load_kinds(self) -> Mapping[str, float | None]:
        """Kinds of loads that can be added, with their usual power, W; None = it is not to be chosen."""

    def battery_types(self) -> Mapping[str, str]:
        """Types of batteries that can be added, such as HMG-50, with what people call them."""

    def switch_load(self, name: str, active: bool) -> None:
        """Switch a load by its name."""

    def add_load(self, document: Mapping[str, Any]) -> None:
        """Add a load or an appliance, written as in a house file: `name`, `phase`, `kind` or `power`, ..."""

    def remove_load(self, name: str) -> None:
        """Take a load away."""

    def add_battery(self, document: Mapping[str, Any]) -> str:
        """Add a battery, written as in a house file; without `mac` it gets the next free one. Returns its MAC."""

    def remove_battery(self, mac: str) -> None:
        """Take a battery away; it falls silent."""

    def set_clouds(self, clouds: float) -> None:
        """How much clouds may cover the sun, 0..1."""

    def follow_sun(self) -> None:
        """Let the sun follow its course over the day instead of a fixed power."""

    def cut_mains(self, duration_s: float = math.inf) -> None:
        """Take the mains away now, for so long; inf = until `restore_mains`. They change with the next step."""

    def restore_mains(self) -> None:
        """Give back mains that were cut by hand; ValueError if only an outage of the house file keeps them off."""

    def command(self, device: str, name: str, value: float | bool | str) -> None:
        """Tell a device something of its table of commands (`GET /api/v1/devices`)."""

    def scenarios(self) -> list[str]:
        """Names of the scenarios that come with nullwatt."""

    def start_scenario(self, scenario: str | Mapping[str, Any]) -> None:
        """Let the events of a scenario, by its name or as a document with `events`, happen from now on."""

    def stop_scenario(self) -> None:
        """Forget what is still to come; nothing is undone."""


class ControllerControl(Protocol):
    """Settings of the controller."""

    def set_override(self, mac: str, name: str, value: float | bool) -> None:
        """Change a setting of one battery: active, manual, manual_target, weight, max_charge, max_discharge, ..."""

    def set_active_control(self, active: bool) -> None:
        """Steer, or relay the measured values."""

    def force_rotation(self) -> None:
        """Hand over to the next battery."""


class Watched(Protocol):
    """What a page shows.

    Attributes:
        title: A few words for the head of the page.
        where: How to reach it, and what it talks to; one line.
        house: Orders to the house; None = not a simulated one, or it may only be watched.
        controller: Orders to the controller; None = it may only be watched, or is not known.
        clock: Time that can be moved; None = real time.
    """

    @property
    def title(self) -> str:
        """See above."""

    @property
    def where(self) -> str:
        """See above."""

    @property
    def house(self) -> HouseControl | None:
        """See above."""

    @property
    def controller(self) -> ControllerControl | None:
        """See above."""

    @property
    def clock(self) -> TimeControl | None:
        """See above."""

    def state(self) -> State:
        """Everything now. Cheap; a page calls it about once a second."""

    def history(self, seconds: float) -> list[Moment]:
        """The last so many seconds, oldest first, at most an hour."""


class ServedHouse(HouseControl, Protocol):
    """A simulated house behind HTTP."""

    @property
    def controller(self) -> ControllerControl | None:
        """Its controller; None = elsewhere."""

    @property
    def clock(self) -> TimeControl:
        """Its time."""

    def state(self) -> State:
        """Everything now."""

    def history(self, seconds: float) -> list[Moment]:
        """The last so many simulated seconds, oldest first, at most an hour."""

    def devices(self) -> list[DeviceState]:
        """Everything on the wires: what it shows, and what it can be told."""
