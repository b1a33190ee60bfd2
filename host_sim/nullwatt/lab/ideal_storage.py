"""Batteries that take up at once and exactly what a home leaves, for runs at steps of a minute.

Real control laws poll once a second; over a year that takes hours. These obey: together they hold the connection (the
sum over its phases) at zero, each in proportion to what it can do. Kept from the real ones are limits, capacity,
losses, stand-by, DC input and the wait after an outage; ramps, start-up, minimum power and the controller's dynamics
are not there. Signs: + = discharge and import.
"""

from collections.abc import Sequence
from dataclasses import replace

from nullwatt.battery import Battery, BatteryConfig
from nullwatt.home import House

from .batteries import BatterySpec
from .reference import ideal

_J_PER_WH = 3600.0
_AT_ONCE_W_S = 1e9


class IdealStorage:
    """The batteries of a home. `house` must be set before it moves.

    Attributes:
        batteries: In the order of their specs.
    """

    def __init__(self, specs: Sequence[BatterySpec]) -> None:
        self.batteries = [Battery(_obedient(spec)) for spec in specs]
        self.house: House | None = None
        self._away_until_s = 0.0
        self._tripped = False

    def follow(self, balance_w: float, dt_s: float) -> None:
        """Move them over a step of dt_s seconds; balance_w: of the home without them, W, + = import."""
        if self._stands():
            balance_w = 0.0
        reach_w = _discharge_w if balance_w > 0.0 else _charge_w
        able_w = [reach_w(battery, dt_s) for battery in self.batteries]
        most_w = sum(able_w)
        share = max(-1.0, min(1.0, balance_w / most_w)) if most_w > 0.0 else 0.0
        for battery, each_w in zip(self.batteries, able_w, strict=True):
            battery.plant.target_w = each_w * share
            battery.advance(dt_s)

    def _stands(self) -> bool:
        """Whether there are no mains, or were none until a moment ago."""
        house = self.house
        if house is None:
            return False
        if house.mains == self._tripped:
            self._tripped = not house.mains
            for battery in self.batteries:
                if self._tripped:
                    battery.trip()
                else:
                    battery.reconnect()
        if not house.mains:
            self._away_until_s = house.now_s + house.grid.section.reconnect
        return house.now_s <= self._away_until_s


def _obedient(spec: BatterySpec) -> BatteryConfig:
    config = ideal(spec).config
    return replace(config, ramp_rate_w_s=_AT_ONCE_W_S, min_power_w=0.0, startup_delay_s=0.0, command_delay_ticks=0)


def _discharge_w(battery: Battery, dt_s: float) -> float:
    """The most it can give over a step without running empty, W."""
    plant = battery.plant
    if plant.capacity_wh <= 0.0:
        return plant.max_discharge_w
    left_w = plant.soc * plant.capacity_wh * _J_PER_WH / dt_s + plant.dc_input_w - plant.standby_w
    return max(0.0, min(plant.max_discharge_w, left_w * plant.discharge_efficiency))


def _charge_w(battery: Battery, dt_s: float) -> float:
    """The most it can take over a step without running over, W."""
    plant = battery.plant
    if plant.capacity_wh <= 0.0:
        return plant.max_charge_w
    room_w = (1.0 - plant.soc) * plant.capacity_wh * _J_PER_WH / dt_s - plant.dc_input_w + plant.standby_w
    return max(0.0, min(plant.max_charge_w, room_w / plant.charge_efficiency))
