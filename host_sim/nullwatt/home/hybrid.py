"""A hybrid inverter: panels, battery and power stage on one DC bus, as one device of the house.

    taken from the panels + given by the battery = AC power + losses, at every instant

In each step it decides an AC power from the balance of the connection in the step before (its own share taken out),
keeps it within what panels, battery and limits allow, and lets the bus settle: what is too much for house, battery and
grid is left in the panels. The connection is the sum over all phases, as balancing meters count.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from .device import FLAGS, NO_ENERGY, Command, EnergyTerms, Quantity, Surroundings, Value, check_command
from .hybrid_config import NO_LIMIT_W, SETTINGS, WINDOWS, HybridConfig, HybridSettings
from .inverter import PowerStage
from .phases import phase_parts
from .pv_array import PvArray
from .weather import Weather

_J_PER_WH = 3600.0
_HELD = ("charge", "hold")


def _told(command: Command) -> str:
    """The text of a setting; where it is a word, a number stands for it."""
    words = [str(choice) for choice in command.choices if isinstance(choice, str)]
    return f"{command.text}: {', '.join(f'{i} = {word}' for i, word in enumerate(words))}" if words else command.text


class _Reach(NamedTuple):
    """What the DC side can do in a step, W on the bus; panels_w: what the panels give for pv_w."""

    panels_w: float
    pv_w: float
    charge_w: float
    discharge_w: float


class Hybrid:
    """The running inverter; a `Device`. settings: the present ones, by the names of `SETTINGS`."""

    quantities: ClassVar[Mapping[str, Quantity]] = {
        "power_w": Quantity("W", "AC power, + = into the house"),
        "pv_w": Quantity("W", "taken from the panels"),
        "available_w": Quantity("W", "what the trackers could take from the panels"),
        "battery_w": Quantity("W", "battery on the DC bus, + = discharge"),
        "soc": Quantity("", "state of charge, 0 ... 1"),
        "loss_w": Quantity("W", "lost in trackers, power stage and battery"),
        "export_limit_w": Quantity("W", "what the connection may give away; 100000 = no limit"),
        "window": Quantity("", "number of the window at work, 0 = none"),
        "fault": Quantity("", "it has a fault"),
        "islanded": Quantity("", "keeps its phase alive without mains"),
        **{name: Quantity(command.unit, _told(command)) for name, command in SETTINGS.items()},
    }
    commands: ClassVar[Mapping[str, Command]] = {
        **SETTINGS,
        "soc": Command("", "state of charge, set by hand", 0.0, 1.0),
        "fault": Command("", "1 is a fault of the inverter, which gives nothing until 0", choices=FLAGS),
    }

    def __init__(self, config: HybridConfig, weather: Weather | None, surroundings: Surroundings) -> None:
        """Raise ValueError if there are panels and no weather."""
        if weather is None and config.mppts:
            raise ValueError(f"{config.name}: panels need weather")
        self.config = config
        self.name = config.name
        self.phase = config.phase
        self.power_w = 0.0
        self.settings = _present(config.settings)
        self._surroundings = surroundings
        self._arrays = [(PvArray(mppt.strings, weather), mppt) for mppt in config.mppts if weather is not None]
        self._peak_w = math.fsum(array.rated_w for array, _ in self._arrays)
        standby_w = 0.006 * config.ac_max_w if config.standby_w is None else config.standby_w
        self._stage = PowerStage(standby_w, config.loss_linear, config.loss_square, config.ac_max_w)
        ac_charge_max_w = config.ac_max_w if config.ac_charge_max_w is None else config.ac_charge_max_w
        self._least_w = -min(ac_charge_max_w, config.ac_max_w)
        self._capacity_j = config.battery.capacity_wh * _J_PER_WH
        self._stored_j = config.battery.initial_soc * self._capacity_j
        self._step_s = 1.0  # the latest step
        self._wait_s = 0.0  # before it works on the mains again
        self._restart_s = 0.0  # before it tries an island again
        self._flows = (0.0, 0.0, 0.0, 0.0)  # panels, available, battery, losses, W
        self._window = 0
        self._islanded = False
        self._fault = False
        self._books = [0.0] * 5  # source, stored, loss, bus, adjusted

    @property
    def soc(self) -> float:
        """State of charge, 0 ... 1; 0 without a battery."""
        return self._stored_j / self._capacity_j if self._capacity_j else 0.0

    @property
    def export_limit_w(self) -> float:
        """What the connection may give away, W; NO_LIMIT_W = no limit."""
        settings = self.settings
        if settings["zero_export"]:
            return 0.0
        limit_w, percent = float(settings["feed_in_limit_w"]), float(settings["feed_in_limit_percent"])
        return limit_w if percent >= 100.0 else min(limit_w, percent / 100.0 * self._peak_w)

    def advance(self, dt_s: float) -> None:
        """Decide, and let the bus settle."""
        around, settings = self._surroundings, self.settings
        mains = around.mains
        self._step_s = dt_s
        if not mains:
            self._wait_s = self.config.reconnect_s
        self._islanded, self._window = False, 0
        if self._fault:
            self._wait_s = self.config.reconnect_s
        if not settings["on"] or self._fault:
            self._rest()
            return
        floor = float(settings["min_soc"])
        reach = self._reach(max(floor, float(settings["reserve_soc"])) if mains else floor, dt_s)
        if not mains and around.islands:
            self._settle(reach, None, dt_s)
        elif not mains:
            self._island(reach, dt_s)
        elif self._wait_s > 0.0:
            self._settle(reach, None, dt_s)
        else:
            self._on_mains(reach, dt_s)
        self._wait_s = max(0.0, self._wait_s - dt_s) if mains else self._wait_s

    # -- asked by a house whose mains fail: see Islanding

    @property
    def island_ready(self) -> bool:
        """Whether it could keep its phase alive now."""
        able = self.config.island and bool(self.settings["on"]) and not self._fault
        return able and self.island_max_w > 0.0

    @property
    def island_max_w(self) -> float:
        """The most it could give there, W."""
        return self._bounds(self._reach(float(self.settings["min_soc"]), self._step_s))[1]

    def carry(self, power_w: float, dt_s: float) -> None:
        """Give exactly this mean power, + = into the house, even if it is more than it has."""
        self._step_s, self._wait_s = dt_s, self.config.reconnect_s
        self._islanded, self._window = True, 0
        self._settle(self._reach(float(self.settings["min_soc"]), dt_s), power_w, dt_s)
        over_j = (power_w - self.power_w) * dt_s
        self._books[3] += over_j
        self._books[4] += over_j
        self.power_w = power_w

    def telemetry(self) -> Mapping[str, float]:
        """Present values, settings too."""
        pv_w, available_w, battery_w, loss_w = self._flows
        state = (self.export_limit_w, float(self._window), float(self._fault), float(self._islanded))
        told = (_number(command, self.settings[name]) for name, command in SETTINGS.items())
        values = (self.power_w, pv_w, available_w, battery_w, self.soc, loss_w, *state, *told)
        return dict(zip(self.quantities, values, strict=True))

    def command(self, name: str, value: Value) -> None:
        """Change a setting, as from the next raster step; or the state of charge at once."""
        checked = check_command(self.name, self.commands, name, value)
        if name == "soc":
            before_j, self._stored_j = self._stored_j, float(checked) * self._capacity_j
            self._books[1] += self._stored_j - before_j
            self._books[4] += self._stored_j - before_j
        elif name == "fault":
            self._fault = bool(checked)
        else:
            self.settings[name] = checked

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        books = self._books
        if not any(books):
            return NO_ENERGY
        self._books = [0.0] * 5
        source_j, stored_j, loss_j, bus_j, adjusted_j = books
        return EnergyTerms(source_j, 0.0, stored_j, loss_j, bus_j, adjusted_j)

    # -- what it can do

    def _reach(self, floor: float, dt_s: float) -> _Reach:
        panels_w, pv_w, time_s = 0.0, 0.0, max(0.0, self._surroundings.time_s - 0.5 * dt_s)
        for array, mppt in self._arrays:
            available_w = array.dc_w(time_s)
            if available_w > mppt.min_w:
                taken_w = min(available_w, mppt.max_w or available_w)
                panels_w += taken_w
                pv_w += taken_w * mppt.efficiency
        settings = self.settings
        charge_w = min(float(settings["charge_max_w"]), self._room_w(float(settings["max_soc"]), dt_s))
        discharge_w = min(float(settings["discharge_max_w"]), self._left_w(floor, dt_s))
        return _Reach(panels_w, pv_w, charge_w, discharge_w)

    def _room_w(self, soc: float, dt_s: float) -> float:
        """Power that fills the cells up to `soc` within the step."""
        room_j = soc * self._capacity_j - self._stored_j
        return max(0.0, room_j) / (self.config.battery.charge_efficiency * dt_s)

    def _left_w(self, soc: float, dt_s: float) -> float:
        """Power that empties them down to `soc` within the step."""
        left_j = self._stored_j - soc * self._capacity_j
        return max(0.0, left_j) * self.config.battery.discharge_efficiency / dt_s

    # -- what it does

    def _on_mains(self, reach: _Reach, dt_s: float) -> None:
        around, settings, stage = self._surroundings, self.settings, self._stage
        _, pv_w, charge_w, discharge_w = reach
        need_w = sum(around.grid_w) + self.power_w  # of the house without it
        wanted_w = need_w - float(settings["grid_target_w"])
        action, battery_w = self._task(reach, dt_s)
        alone_w = stage.ac_of(pv_w)  # the battery at rest
        if settings["priority"] == "house":
            target_w = min(max(wanted_w, stage.ac_of(pv_w - charge_w)), stage.ac_of(pv_w + discharge_w))
        elif settings["priority"] == "battery" and pv_w > 0.0:
            target_w = stage.ac_of(pv_w - min(charge_w, max(0.0, pv_w - stage.standby_w)))
        else:
            target_w = max(alone_w, min(wanted_w, stage.ac_of(pv_w + discharge_w)))
        if action == "discharge":
            target_w = max(target_w, stage.ac_of(pv_w + battery_w))
        elif action in _HELD:
            from_grid_w = stage.ac_of(pv_w - battery_w)
            if not settings["grid_charge"]:
                from_grid_w = max(from_grid_w, min(0.0, wanted_w, alone_w))
            target_w = min(target_w, from_grid_w)
        if pv_w <= 0.0 and discharge_w <= 0.0 and (charge_w <= 0.0 or target_w >= alone_w):
            self._sleep(reach, dt_s)
            return
        limit_w = self.export_limit_w
        if limit_w < NO_LIMIT_W:
            target_w = min(target_w, need_w + limit_w)
        response_s = self.config.response_s
        if response_s > 0.0:
            target_w = self.power_w + (target_w - self.power_w) * -math.expm1(-dt_s / response_s)
        most_w = self.config.ac_max_w * float(settings["power_limit_percent"]) / 100.0
        self._settle(reach, min(target_w, most_w), dt_s)

    def _task(self, reach: _Reach, dt_s: float) -> tuple[str, float]:
        """What mode and windows ask of the battery: an action, and the power on the bus that goes with it."""
        settings = self.settings
        if settings["mode"] == "backup":
            return "charge", reach.charge_w if settings["grid_charge"] else 0.0
        if settings["mode"] == "time_of_use":
            hour = self._surroundings.hour
            for number in range(1, WINDOWS + 1):
                window = f"window_{number}_"
                action = str(settings[window + "action"])
                if action == "off":
                    continue
                start_h, end_h = float(settings[window + "from_h"]), float(settings[window + "to_h"])
                inside = start_h <= hour < end_h if start_h < end_h else hour >= start_h or hour < end_h
                if inside:
                    self._window = number
                    power_w, soc = float(settings[window + "power_w"]), float(settings[window + "soc"])
                    if action == "charge":
                        return action, min(power_w, reach.charge_w, self._room_w(soc, dt_s))
                    if action == "discharge":
                        return action, min(power_w, reach.discharge_w, self._left_w(soc, dt_s))
                    return action, 0.0
        return "", 0.0

    def _island(self, reach: _Reach, dt_s: float) -> None:
        """Carry exactly what its own phases need, or nothing."""
        grid_w = self._surroundings.grid_w
        need_w = self.power_w + sum(
            power_w for power_w, part in zip(grid_w, phase_parts(self.phase, len(grid_w) or 1), strict=False) if part
        )
        self._restart_s = max(0.0, self._restart_s - dt_s)
        low_w, high_w = self._bounds(reach)
        if self.config.island and self._restart_s <= 0.0:
            if low_w <= need_w <= high_w:
                self._islanded = True
                self._settle(reach, need_w, dt_s)
                return
            self._restart_s = self.config.restart_s
        self._settle(reach, None, dt_s)

    def _bounds(self, reach: _Reach) -> tuple[float, float]:
        """Least and largest AC power, the panels throttled as far as need be."""
        stage = self._stage
        high_w = min(stage.ac_of(reach.pv_w + reach.discharge_w), self.config.ac_max_w)
        return min(max(stage.ac_of(-reach.charge_w), self._least_w), high_w), high_w

    def _rest(self) -> None:
        self.power_w = 0.0
        self._flows = (0.0, 0.0, 0.0, 0.0)

    def _sleep(self, reach: _Reach, dt_s: float) -> None:
        """Nothing to do: the house carries what is left of its consumption."""
        self.power_w = -self.config.night_w
        self._book(reach, 0.0, 0.0, self.config.night_w, dt_s)

    def _settle(self, reach: _Reach, ac_w: float | None, dt_s: float) -> None:
        """Give an AC power as far as possible, and find what panels and battery do for it; None: off the wires."""
        if ac_w is None:
            self.power_w = 0.0
            need_w = stage_loss_w = self.config.night_w
            if need_w > reach.pv_w + reach.discharge_w:
                self._rest()
                return
        else:
            low_w, high_w = self._bounds(reach)
            self.power_w = min(max(ac_w, low_w), high_w)
            stage_loss_w = self._stage.loss_w(self.power_w)
            need_w = self.power_w + stage_loss_w
        # What the battery cannot take stays in the panels.
        pv_w = min(reach.pv_w, max(0.0, need_w + reach.charge_w))
        self._book(reach, pv_w, need_w - pv_w, stage_loss_w, dt_s)

    def _book(self, reach: _Reach, pv_w: float, battery_w: float, loss_w: float, dt_s: float) -> None:
        """Move the cells and write down where the energy went. pv_w, battery_w: on the bus."""
        cells = self.config.battery
        panels_w = reach.panels_w * (pv_w / reach.pv_w) if pv_w else 0.0
        drawn_w = battery_w / cells.discharge_efficiency if battery_w > 0.0 else battery_w * cells.charge_efficiency
        loss_w += (panels_w - pv_w) + (drawn_w - battery_w)
        stored_j = self._stored_j - drawn_w * dt_s
        kept_j = min(max(stored_j, 0.0), self._capacity_j)  # rounding at the ends
        gain_j = kept_j - self._stored_j
        self._stored_j = kept_j
        self._flows = (panels_w, reach.panels_w, battery_w, loss_w)
        for index, energy_j in enumerate(
            (panels_w * dt_s, gain_j, loss_w * dt_s, self.power_w * dt_s, kept_j - stored_j)
        ):
            self._books[index] += energy_j


def _number(command: Command, value: Value) -> float:
    """A setting as a number: a word by its place among the choices."""
    return float(command.choices.index(value) if isinstance(value, str) else value)


def _present(settings: HybridSettings) -> dict[str, Value]:
    """The settings flat, free windows off."""
    values: dict[str, Value] = dict(settings.model_dump(exclude={"windows"}))
    for number in range(1, WINDOWS + 1):
        taken = settings.windows[number - 1] if number <= len(settings.windows) else None
        free: dict[str, Value] = {"action": "off", "from_h": 0.0, "to_h": 0.0, "power_w": 0.0, "soc": 1.0}
        for key, value in (free if taken is None else taken.model_dump()).items():
            values[f"window_{number}_{key}"] = value
    return values
