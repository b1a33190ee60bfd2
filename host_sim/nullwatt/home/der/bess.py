"""A battery storage: cells, their temperature, limits that fade out, an inverter that ramps.

    charging stores |P| * eta, discharging takes P / eta, with eta = sqrt(round-trip efficiency)

Signs: power + = discharge. Inside: W, J, C; shown: kW, kWh.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from ..device import Command, EnergyTerms, Surroundings
from .config import BessConfig
from .device import J_PER_KWH, DerDevice, Reading

RUN, OFF, STANDBY = 1, 2, 3
#: What `working_status` shows.
STOPPED, RUNNING, FAULT = 0, 1, 2
TOO_HOT, EMPTY = 1001, 2001
ON_GRID, OFF_GRID, VSG = 0xAA, 0x55, 0xBB

_TRIP_C = 75.0
_HOTTEST_C = 80.0
_NOMINAL_V = 700.0
_SOH_PER_CYCLE = 0.005  # percent
_REACTIVE = 0.1  # of the active power
_APPARENT = math.hypot(1.0, _REACTIVE)
_BIG_KW = 1e6

_KW = Command("kW", "wanted power, + = discharge; kept while it does not run", -_BIG_KW, _BIG_KW)
_SOC = "percent of the capacity"


def temperature_factor(celsius: float) -> float:
    """Share of the rating that cells of this temperature give and take."""
    if 10.0 < celsius <= 40.0:
        return 1.0
    if celsius <= 10.0:
        return 0.8 if celsius > 0.0 else 0.5
    if celsius <= 50.0:
        return 0.8
    return 0.5 if celsius <= 60.0 else 0.0


class Bess(DerDevice):
    """A battery storage.

    soc: percent of what the aged cells hold. temperature_c: of the cells. fault: 0, TOO_HOT or EMPTY; latched.
    """

    __slots__ = (
        "_adjusted_j",
        "_ambient_c",
        "_capacity_j",
        "_charge_fade",
        "_charged_ac_j",
        "_charged_j",
        "_conductance",
        "_config",
        "_discharge_fade",
        "_discharged_ac_j",
        "_discharged_j",
        "_empty_seen",
        "_eta",
        "_follow_ambient",
        "_full_j",
        "_heat_capacity",
        "_heat_per_step",
        "_lower_1",
        "_lower_2",
        "_max_charge_w",
        "_max_discharge_w",
        "_resistance",
        "_spilled_j",
        "_step_w",
        "_stored_j",
        "_taken",
        "_upper_1",
        "_upper_2",
        "_wanted_w",
        "fault",
        "soc",
        "temperature_c",
    )

    COMMANDS: ClassVar[Mapping[str, Command]] = {
        "start_stop_standby": Command("", "1 run, 2 off, 3 standby", choices=(RUN, OFF, STANDBY)),
        "active_power_setpoint": _KW,
        "soc_upper_limit_1": Command("%", "charge power begins to fade out", 0.0, 100.0),
        "soc_upper_limit_2": Command("%", "no charge from here on", 0.0, 100.0),
        "soc_lower_limit_1": Command("%", "discharge power begins to fade out", 0.0, 100.0),
        "soc_lower_limit_2": Command("%", "no discharge from here on", 0.0, 100.0),
        "fault_reset": Command("", "1 clears a fault whose cause is gone; back to 0 at once", 0.0, 65535.0),
        "local_remote_settings": Command("", "kept and shown, without effect", 0.0, 65535.0),
        "power_control_mode": Command("", "kept, without effect", 0.0, 65535.0),
        "working_mode": Command(
            "", "170 on grid, 85 off grid, 187 VSG; kept and shown", choices=(ON_GRID, OFF_GRID, VSG)
        ),
        "system_soc": Command("%", "sets the state of charge by hand", 0.0, 100.0),
        "fault": Command("", "1001 or 2001 trips it with that fault; back to 0 at once", choices=(0, TOO_HOT, EMPTY)),
    }

    READINGS: ClassVar[Mapping[str, Reading]] = {
        "working_status": Reading("", "0 stopped or standby, 1 running, 2 fault", lambda d: d.working_status),
        "active_power": Reading("kW", "AC power, + = discharge", lambda d: d.power_w / 1e3),
        "on_grid_power": Reading("kW", "the same", lambda d: d.power_w / 1e3),
        "reactive_power": Reading("kvar", "a tenth of the active power", lambda d: d.power_w * _REACTIVE / 1e3),
        "apparent_power": Reading("kVA", "", lambda d: abs(d.power_w) * _APPARENT / 1e3),
        "available_charging_power": Reading("kW", "what it may take now", lambda d: d.charge_limit_w() / 1e3),
        "available_discharging_power": Reading("kW", "what it may give now", lambda d: d.discharge_limit_w() / 1e3),
        "max_charge_power": Reading("kW", "rating", lambda d: d._max_charge_w / 1e3),
        "max_discharge_power": Reading("kW", "rating", lambda d: d._max_discharge_w / 1e3),
        "grid_frequency": Reading("Hz", "", lambda d: d._around.frequency_hz),
        "grid_voltage_ab": Reading("V", "line to line", lambda d: d._around.voltage_ll_v),
        "grid_voltage_bc": Reading("V", "line to line", lambda d: d._around.voltage_ll_v),
        "grid_voltage_ca": Reading("V", "line to line", lambda d: d._around.voltage_ll_v),
        "service_voltage": Reading("V", "of the cells", lambda d: d.cell_voltage_v),
        "service_current": Reading("A", "of the cells, + = discharge", lambda d: d.power_w / d.cell_voltage_v),
        "system_soc": Reading("%", "state of charge", lambda d: d.soc),
        "system_soh": Reading("%", "state of health: capacity left", lambda d: d.soh),
        "total_charge_energy": Reading("kWh", "taken on the AC side", lambda d: d._charged_ac_j / J_PER_KWH),
        "total_discharge_energy": Reading("kWh", "given on the AC side", lambda d: d._discharged_ac_j / J_PER_KWH),
        "charge_and_discharge_cycles": Reading("", "full cycles of the cells", lambda d: d.cycles),
        "fault_code": Reading("", "0, 1001 too hot, 2001 empty; latched", lambda d: d.fault),
        "battery_temperature": Reading("C", "of the cells", lambda d: d.temperature_c),
        "local_remote_mode": Reading("", "as last set", lambda d: d.settings["local_remote_settings"]),
        "working_mode": Reading("", "as last set", lambda d: d.settings["working_mode"]),
    }

    ALIASES: ClassVar[Mapping[str, str]] = {
        "a_b_line_voltage": "grid_voltage_ab",
        "b_c_line_voltage": "grid_voltage_bc",
        "c_a_line_voltage": "grid_voltage_ca",
    }

    def __init__(self, name: str, config: BessConfig, surroundings: Surroundings, follow_ambient: bool = False) -> None:
        """follow_ambient: the temperature of the surroundings counts, not config.ambient_temp_c."""
        limits = config.soc_limits
        super().__init__(
            name,
            surroundings,
            {
                "start_stop_standby": 0.0,
                "active_power_setpoint": 0.0,
                "soc_upper_limit_1": limits.upper_1,
                "soc_upper_limit_2": limits.upper_2,
                "soc_lower_limit_1": limits.lower_1,
                "soc_lower_limit_2": limits.lower_2,
                "fault_reset": 0.0,
                "local_remote_settings": 0.0,
                "power_control_mode": 0.0,
                "working_mode": float(ON_GRID),
                "fault": 0.0,
            },
        )
        self._config = config
        self._follow_ambient = follow_ambient
        self._ambient_c = config.ambient_temp_c
        size = config.capacity_kwh / 100.0
        self._resistance = _or(config.internal_resistance, 0.005 / size)
        self._heat_capacity = _or(config.thermal_capacity_j_per_k, 500e3 * size)
        self._conductance = _or(config.thermal_conductance_w_per_k, 200.0 * size)
        self._max_charge_w = config.max_charge_kw * 1e3
        self._max_discharge_w = config.max_discharge_kw * 1e3
        self._eta = math.sqrt(config.round_trip_eff)
        self._capacity_j = self._full_j = config.capacity_kwh * J_PER_KWH
        self.soc = config.initial_soc
        self._stored_j = self._capacity_j * config.initial_soc / 100.0
        self.temperature_c = surroundings.ambient_c if follow_ambient else config.ambient_temp_c
        self.fault = 0
        self._empty_seen = False
        self._wanted_w = 0.0
        self._heat_per_step = self._step_w = 0.0
        # Totals: on the AC side; into and out of the cells.
        self._charged_ac_j = self._discharged_ac_j = self._charged_j = self._discharged_j = 0.0
        self._adjusted_j = self._spilled_j = 0.0
        self._taken = (0.0, 0.0, 0.0, 0.0, self._stored_j)
        self._set_limits()

    # -- what it shows -------------------------------------------------------------------------

    @property
    def cycles(self) -> float:
        """Full cycles of the cells."""
        return (self._charged_j + self._discharged_j) / (2.0 * self._capacity_j)

    @property
    def soh(self) -> float:
        """State of health, percent: what the cells hold of what they held when new."""
        return 100.0 * self._full_j / self._capacity_j

    @property
    def cell_voltage_v(self) -> float:
        """Open-circuit voltage at the present state of charge."""
        return _NOMINAL_V * (1.0 + 0.1 * math.sin(math.pi * self.soc / 100.0))

    @property
    def working_status(self) -> int:
        """STOPPED, RUNNING or FAULT."""
        if self.fault:
            return FAULT
        return RUNNING if self.settings["start_stop_standby"] == RUN else STOPPED

    def charge_limit_w(self) -> float:
        """What it may take now, W."""
        return self._max_charge_w * min(temperature_factor(self.temperature_c), self._charge_factor())

    def discharge_limit_w(self) -> float:
        """What it may give now, W."""
        return self._max_discharge_w * min(temperature_factor(self.temperature_c), self._discharge_factor())

    def _discharge_factor(self) -> float:
        over = self.soc - self._lower_2
        return 0.0 if over <= 0.0 else min(1.0, over * self._discharge_fade)

    def _charge_factor(self) -> float:
        under = self._upper_2 - self.soc
        return 0.0 if under <= 0.0 else min(1.0, under * self._charge_fade)

    # -- what it is told -----------------------------------------------------------------------

    def _apply(self, name: str, value: float) -> None:
        settings = self.settings
        if name == "fault_reset":
            settings[name] = 0.0
            if value == 1.0:
                self._reset()
        elif name == "fault":
            settings[name] = 0.0
            if value:
                self._trip(int(value))
        elif name.startswith("soc_"):
            self._set_limits()
        elif name == "system_soc":
            del settings[name]
            stored_j = self._full_j * value / 100.0
            self._adjusted_j += stored_j - self._stored_j
            self._stored_j, self.soc = stored_j, value
        running = settings["start_stop_standby"] == RUN and not self.fault
        self._wanted_w = settings["active_power_setpoint"] * 1e3 if running else 0.0

    def _reset(self) -> None:
        if self.fault != TOO_HOT or self.temperature_c <= _TRIP_C:
            self.fault = 0

    def _set_limits(self) -> None:
        settings = self.settings
        self._lower_1, self._lower_2 = settings["soc_lower_limit_1"], settings["soc_lower_limit_2"]
        self._upper_1, self._upper_2 = settings["soc_upper_limit_1"], settings["soc_upper_limit_2"]
        # Limits that coincide or are crossed: all or nothing at the outer one.
        width = self._lower_1 - self._lower_2
        self._discharge_fade = 1.0 / width if width > 0.0 else math.inf
        width = self._upper_2 - self._upper_1
        self._charge_fade = 1.0 / width if width > 0.0 else math.inf

    # -- time ----------------------------------------------------------------------------------

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        if dt_s != self._dt_s:
            self._dt_s = dt_s
            self._step_w = self._config.ramp_rate_kw_per_s * 1e3 * dt_s
            # Exact for a constant current, however long the step is.
            cooling, capacity = self._conductance, self._heat_capacity
            self._heat_per_step = -math.expm1(-cooling * dt_s / capacity) / cooling if cooling else dt_s / capacity
        power_w, target_w = self.power_w, self._wanted_w
        if target_w > 0.0:
            target_w = min(target_w, self.discharge_limit_w())
        elif target_w < 0.0:
            target_w = max(target_w, -self.charge_limit_w())
        if power_w != target_w:
            step_w = self._step_w
            if self.fault:
                power_w = 0.0
            elif target_w > power_w + step_w:
                power_w += step_w
            elif target_w < power_w - step_w:
                power_w -= step_w
            else:
                power_w = target_w
        ambient_c = self._around.ambient_c if self._follow_ambient else self._ambient_c
        excess_k = self.temperature_c - ambient_c
        if power_w != 0.0:
            self.power_w = power_w = self._move(power_w, dt_s)
            current_a = power_w / (_NOMINAL_V * (1.0 + 0.1 * math.sin(math.pi * 0.01 * self.soc)))
            heat_w = current_a * current_a * self._resistance - self._conductance * excess_k
        else:
            self.power_w = 0.0
            if excess_k == 0.0 and self.soc > 0.0:
                self._empty_seen = False
                return
            heat_w = -self._conductance * excess_k
        excess_k += heat_w * self._heat_per_step
        celsius = ambient_c + (excess_k if excess_k > 0.0 else 0.0)
        self.temperature_c = celsius if celsius < _HOTTEST_C else _HOTTEST_C
        if celsius > _TRIP_C:
            self._trip(TOO_HOT)
        if self.soc > 0.0:
            self._empty_seen = False
        elif not self._empty_seen or self._wanted_w > 0.0:
            self._empty_seen = True
            self._trip(EMPTY)

    def _move(self, power_w: float, dt_s: float) -> float:
        """Move energy between wires and cells; return the power that this was possible at."""
        eta = self._eta
        if power_w > 0.0:
            given_j = power_w * dt_s
            cell_j = given_j / eta
            if cell_j >= self._stored_j:
                cell_j = self._stored_j
                given_j = cell_j * eta
                power_w = given_j / dt_s
                self._stored_j = 0.0
            else:
                self._stored_j -= cell_j
            self._discharged_ac_j += given_j
            self._discharged_j += cell_j
        else:
            taken_j = -power_w * dt_s
            cell_j = taken_j * eta
            room_j = self._full_j - self._stored_j
            if cell_j > room_j:
                cell_j = room_j
                taken_j = cell_j / eta
                power_w = -taken_j / dt_s
            self._stored_j += cell_j
            self._charged_ac_j += taken_j
            self._charged_j += cell_j
        # Ageing: 0.005 % of the capacity per cycle, a cycle being twice the capacity moved.
        aged = _SOH_PER_CYCLE / 200.0 * (self._charged_j + self._discharged_j) / self._capacity_j
        self._full_j = full_j = self._capacity_j * (1.0 - aged) if aged < 0.99 else self._capacity_j * 0.01
        if self._stored_j > full_j:
            self._spilled_j += self._stored_j - full_j
            self._stored_j = full_j
        self.soc = 100.0 * self._stored_j / full_j
        return power_w

    def _trip(self, fault: int) -> None:
        """Open the contactors: the power is gone with the next step. The first fault stays until it is reset."""
        if not self.fault:
            self.fault = fault
        self._wanted_w = 0.0

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call."""
        now = (self._charged_ac_j, self._charged_j, self._discharged_ac_j, self._discharged_j, self._stored_j)
        charged_ac_j, charged_j, discharged_ac_j, discharged_j, stored_j = map(float.__sub__, now, self._taken)
        adjusted_j, spilled_j = self._adjusted_j, self._spilled_j
        self._taken = now
        self._adjusted_j = self._spilled_j = 0.0
        return EnergyTerms(
            stored_j=stored_j,
            loss_j=(charged_ac_j - charged_j) + (discharged_j - discharged_ac_j) + spilled_j,
            bus_j=discharged_ac_j - charged_ac_j,
            adjusted_j=adjusted_j,
        )


def _or(value: float | None, automatic: float) -> float:
    return automatic if value is None else value
