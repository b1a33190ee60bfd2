"""What the live view looks at and gives orders to: a house in this process, or one elsewhere (`sim_remote`)."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from nullwatt.serve import ServedHouse

#: The status object of the HTTP interface; of a house of ours with `time`: now_s, scale, paused.
Status = dict[str, Any]

INTERVAL_S = 1.0


class GoneError(Exception):
    """The simulation does not answer."""


class RefusedError(Exception):
    """An order cannot be carried out. `str()` is one line."""


class Source(Protocol):
    """A running simulation. Orders return the status after them, or raise GoneError or RefusedError.

    Attributes:
        where: How to reach it, for the title.
        leaving: What the end of the view does, for the key help.
    """

    where: str
    leaving: str

    async def watch(self, seen: Callable[[Status | None], None]) -> None:
        """Call `seen` every second, with None once when the simulation is gone, until cancelled."""

    async def toggle_load(self, index: int) -> Status:
        """Switch the index-th load, from 0."""

    async def set_solar(self, power_w: float) -> Status:
        """Fix the solar power, clamped to what there is; math.inf = all of it."""

    async def set_soc(self, mac: str, soc: float) -> Status:
        """State of charge, 0..1."""

    async def set_limits(self, mac: str, charge_w: float, discharge_w: float) -> Status:
        """Power limits, W, >= 0."""

    async def set_auto(self, enabled: bool) -> Status:
        """Random switching on or off."""

    async def set_paused(self, paused: bool) -> Status:
        """Let simulated time stand or go on."""

    async def set_scale(self, scale: float) -> Status:
        """Simulated seconds per second, above 0."""


class HouseSource:
    """A simulation in this process, which ends with the view."""

    leaving = "stop the simulation"

    def __init__(self, simulation: "ServedHouse", where: str) -> None:
        self.where = where
        self._simulation = simulation

    async def watch(self, seen: Callable[[Status | None], None]) -> None:
        """See Source."""
        while True:
            seen(self._status())
            await asyncio.sleep(INTERVAL_S)

    async def toggle_load(self, index: int) -> Status:
        """See Source."""
        return self._after(lambda: self._simulation.toggle_load(index))

    async def set_solar(self, power_w: float) -> Status:
        """See Source."""
        return self._after(lambda: self._simulation.set_solar(power_w))

    async def set_soc(self, mac: str, soc: float) -> Status:
        """See Source."""
        return self._after(lambda: self._simulation.set_soc(mac, soc))

    async def set_limits(self, mac: str, charge_w: float, discharge_w: float) -> Status:
        """See Source."""
        return self._after(lambda: self._simulation.set_limits(mac, charge_w, discharge_w))

    async def set_auto(self, enabled: bool) -> Status:
        """See Source."""
        return self._after(lambda: self._simulation.set_auto(enabled))

    async def set_paused(self, paused: bool) -> Status:
        """See Source."""
        clock = self._simulation.clock
        return self._after(clock.pause if paused else clock.resume)

    async def set_scale(self, scale: float) -> Status:
        """See Source."""
        return self._after(lambda: self._simulation.clock.set_factor(scale))

    def _status(self) -> Status:
        clock = self._simulation.clock
        time = {"now_s": clock.now_s, "scale": clock.factor, "paused": clock.paused}
        return self._simulation.status() | {"time": time}

    def _after(self, change: Callable[[], None]) -> Status:
        try:
            change()
        except (LookupError, ValueError) as error:
            raise RefusedError(str(error)) from None
        return self._status()
