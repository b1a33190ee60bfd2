"""What a run leaves behind: everything on a fixed raster of one second, whatever the batteries' poll cadence.

Signs: battery + = discharge, grid + = import. Row k stands for the second from k to k + 1.
"""

import hashlib
from array import array
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from nullwatt.battery import Battery
from nullwatt.home import House

Floats = npt.NDArray[np.float64]

RASTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """Arrays of one run with n seconds, p phases and b batteries.

    time_s (n). grid_w (n, p): true grid per phase. demand_w (n): house without batteries, loads + noise - AC solar.
    power_w, target_w, soc, dc_w (n, b): battery output, latest request, state of charge 0 ... 1, DC input.
    """

    time_s: Floats
    grid_w: Floats
    demand_w: Floats
    power_w: Floats
    target_w: Floats
    soc: Floats
    dc_w: Floats

    @property
    def grid_total_w(self) -> Floats:
        """True grid, all phases together (n)."""
        total: Floats = self.grid_w.sum(axis=1)
        return total

    @property
    def sha256(self) -> str:
        """Hash of every number in it, bit for bit: the same means that the same happened."""
        digest = hashlib.sha256()
        for item in fields(self):
            values: Floats = getattr(self, item.name)
            digest.update(f"{item.name}{values.shape}".encode())
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()


class Recorder:
    """Collects rows cheaply while the loop runs."""

    def __init__(self, house: House, batteries: list[Battery]) -> None:
        self._house = house
        self._batteries = batteries
        self._rows = 0
        self._grid = array("d")
        self._demand = array("d")
        self._states = array("d")

    def sample(self) -> None:
        """Append the present state as the next row."""
        house, states = self._house, self._states
        self._rows += 1
        self._grid.extend(house.grid_w())
        self._demand.append(sum(house.demand_w))
        for battery in self._batteries:
            plant = battery.plant
            states.append(plant.power_w)
            states.append(battery.target_w)
            states.append(plant.soc)
            states.append(plant.dc_input_w)

    def result(self) -> Recording:
        """All rows so far as arrays."""
        states = np.array(self._states).reshape(self._rows, len(self._batteries), 4)
        power, target, soc, dc = (np.ascontiguousarray(states[:, :, k]) for k in range(4))
        return Recording(
            time_s=np.arange(self._rows, dtype=np.float64) * RASTER_S,
            grid_w=np.array(self._grid).reshape(self._rows, self._house.phases),
            demand_w=np.array(self._demand),
            power_w=power,
            target_w=target,
            soc=soc,
            dc_w=dc,
        )
