"""The energy management system of the test bench: reads the frequency, writes a setpoint, both as Modbus requests.

It stands in for the one under test where a storage has no frequency response of its own, so that a scenario can be
played without one. It is no product of nullwatt's and steers nothing but simulated sites.
"""

import math
from dataclasses import dataclass

from .droop import Droop
from .master import Master, ModbusRefusedError


@dataclass(frozen=True, slots=True)
class DroopController:
    """What it does. frequency, setpoint: names of registers of the asset. period_s: between two looks."""

    asset: str
    droop: Droop
    frequency: str = "grid_frequency"
    setpoint: str = "on_grid_power_setpoint"
    period_s: float = 1.0


class RunningController:
    """It at work. requests: sent. refused: of them, and the last reason."""

    def __init__(self, controller: DroopController, master: Master) -> None:
        self._controller = controller
        self._master = master
        self._frequency = master.registers[controller.frequency]
        self._setpoint = next(
            each for each in master.registers if each.name == controller.setpoint and each.direction == "write"
        )
        self._next_s = 0.0
        self.requests = self.refused = 0
        self.reason = ""

    def work(self, now_s: float) -> None:
        """Read and write, if it is time to."""
        if now_s < self._next_s:
            return
        period_s = self._controller.period_s
        self._next_s = (math.floor(now_s / period_s + 1e-9) + 1) * period_s - 1e-9 * period_s
        self.requests += 2
        try:
            wanted = self._controller.droop.power(self._master.read(self._frequency))
            self._master.set(self._setpoint, wanted)
        except ModbusRefusedError as error:
            self.refused += 1
            self.reason = str(error)
