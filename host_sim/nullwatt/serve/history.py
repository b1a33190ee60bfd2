"""The last hour of a running house, a moment per simulated second."""

from collections import deque
from typing import Any, Protocol

from .state import Moment

HISTORY_S = 3600


class Recorded(Protocol):
    """What a history is made of."""

    @property
    def now_s(self) -> float:
        """Time of the present moment, s."""

    def status(self) -> dict[str, Any]:
        """The status object."""

    def under_the_sky_w(self) -> tuple[float, dict[str, float]]:
        """What plants and panels of hybrids give, and the batteries of hybrids by name; see `sides`."""


class Moments:
    """Keeps moments and forgets the oldest."""

    def __init__(self) -> None:
        self._moments: deque[Moment] = deque(maxlen=HISTORY_S)

    def keep(self, moment: Moment) -> None:
        """Add the newest."""
        self._moments.append(moment)

    def last(self, seconds: float) -> list[Moment]:
        """The moments of the last so many seconds before the newest, oldest first."""
        if not self._moments:
            return []
        since_s = self._moments[-1].time_s - seconds
        return [moment for moment in self._moments if moment.time_s > since_s]


class History(Moments):
    """Moments of a status object."""

    def __init__(self, recorded: Recorded) -> None:
        super().__init__()
        self._recorded = recorded

    def record(self) -> Moment:
        """Keep the present moment, and return it."""
        status = self._recorded.status()
        batteries = status["batteries"]
        plants_w, hybrids_w = self._recorded.under_the_sky_w()
        moment = Moment(
            time_s=round(self._recorded.now_s, 3),
            grid_w=[status["grid"][f"phase_{phase}"] for phase in "abc"],
            solar_w=status["solar"]["current"],
            sun_w=round(status["solar"]["current"] + plants_w, 1) if plants_w or hybrids_w else None,
            hybrids_w={name: round(watts, 1) for name, watts in hybrids_w.items()} or None,
            batteries_w={battery["mac"]: battery["power"] for battery in batteries},
            soc={battery["mac"]: battery["soc"] for battery in batteries},
        )
        self.keep(moment)
        return moment
