"""PV modules and their inverter: sun and cell temperature to AC, within rating and limit; trips on a bad grid.

Signs: power + = into the site. Inside: W, J, C; shown: kW, kWh.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from ..device import FLAGS, Command, EnergyTerms, Surroundings
from .config import InverterConfig
from .device import J_PER_KWH, SQRT3, DerDevice, Reading

_EFFICIENCY = 0.97  # of the inverter
_RAMP_W_PER_S = 2000.0
_CELL_K_PER_W_M2 = 25.0 / 800.0
_POWER_PER_K = 0.004
_HEAT_SHARE = 0.03
_COOLING_W_PER_K = 10.0
_HEAT_CAPACITY_J_PER_K = 20_000.0
_START_C, _HOTTEST_C = 30.0, 85.0
_LOWEST_V, _HIGHEST_V = 180.0 * SQRT3, 260.0 * SQRT3  # line to line
_LOWEST_HZ, _HIGHEST_HZ = 47.0, 53.0
_RUNNING_W = 10.0
_UNLIMITED = 255.0
_DAY_S = 86_400.0

VOLTAGE_FAULT, FREQUENCY_FAULT = 1, 2
RATES = (*map(float, range(101)), _UNLIMITED)


class Pv(DerDevice):
    """PV with its inverter. fault: 0, VOLTAGE_FAULT or FREQUENCY_FAULT; gone when the grid is good again."""

    __slots__ = (
        "_area_w",
        "_heat_gain",
        "_limit_w",
        "_midnight_s",
        "_output_j",
        "_rated_w",
        "_taken_j",
        "_tan_phi",
        "_today_j",
        "fault",
        "temperature_c",
    )

    COMMANDS: ClassVar[Mapping[str, Command]] = {
        "remote_on_off": Command("", "1 on, 0 off", choices=FLAGS),
        "active_power_rate": Command("%", "limit, 0 to 100 in percent of the rating; 255 = 100", choices=RATES),
        "reactive_power_rate": Command("", "kept, without effect", -65535.0, 65535.0),
        "power_factor_setpoint": Command("", "cos phi, its sign is that of the reactive power", -1.0, 1.0),
    }

    READINGS: ClassVar[Mapping[str, Reading]] = {
        "inverter_status": Reading("", "1 while it gives more than 10 W", lambda d: float(d.power_w > _RUNNING_W)),
        "total_input_power": Reading("kW", "DC, out of the modules", lambda d: d.power_w / _EFFICIENCY / 1e3),
        "total_active_power": Reading("kW", "AC", lambda d: d.power_w / 1e3),
        "total_reactive_power": Reading("kvar", "", lambda d: d.reactive_w / 1e3),
        "grid_frequency": Reading("Hz", "", lambda d: d._around.frequency_hz),
        "phase_neutral_voltage_1": Reading("V", "", lambda d: d._around.voltage_ll_v / SQRT3),
        "phase_neutral_voltage_2": Reading("V", "", lambda d: d._around.voltage_ll_v / SQRT3),
        "phase_neutral_voltage_3": Reading("V", "", lambda d: d._around.voltage_ll_v / SQRT3),
        "today_output_energy": Reading("kWh", "since midnight of the site", lambda d: d._today_j / J_PER_KWH),
        "lifetime_output_energy": Reading("kWh", "since the start", lambda d: d._output_j / J_PER_KWH),
        "temp_inverter": Reading("C", "", lambda d: d.temperature_c),
        "power_factor": Reading("", "as it is now", lambda d: d.power_factor),
        "fault_code": Reading("", "0, 1 voltage, 2 frequency", lambda d: d.fault),
        "active_power_rate_status": Reading("%", "limit in force", lambda d: d.rate_percent),
    }

    def __init__(self, name: str, config: InverterConfig, surroundings: Surroundings, start_h: float = 0.0) -> None:
        """start_h: hour of the day at time 0, for the energy of the day."""
        settings = {"remote_on_off": 1.0, "active_power_rate": 100.0, "reactive_power_rate": 0.0}
        super().__init__(name, surroundings, {**settings, "power_factor_setpoint": 1.0})
        self._rated_w = config.rated_kw * 1e3
        area_m2 = config.area_m2
        if area_m2 is None:
            area_m2 = self._rated_w / (1000.0 * config.module_efficiency)
        self._area_w = area_m2 * config.module_efficiency  # DC power per W/m2 at 25 C
        self._limit_w = self._rated_w
        self._tan_phi = self._heat_gain = 0.0
        self._midnight_s = _DAY_S - start_h % 24.0 * 3600.0
        self._output_j = self._today_j = self._taken_j = 0.0
        self.fault = 0
        self.temperature_c = _START_C

    @property
    def rate_percent(self) -> float:
        """Limit in force, percent of the rating."""
        return min(100.0, self.settings["active_power_rate"])

    @property
    def reactive_w(self) -> float:
        """Reactive power, var; what the rating leaves room for."""
        power_w = self.power_w
        room = math.sqrt(max(0.0, self._rated_w * self._rated_w - power_w * power_w))
        return max(-room, min(room, power_w * self._tan_phi)) if power_w else 0.0

    @property
    def power_factor(self) -> float:
        """Active to apparent power, negative for negative reactive power; as set while it gives nothing."""
        if not self.power_w:
            return self.settings["power_factor_setpoint"]
        reactive_w = self.reactive_w
        return math.copysign(self.power_w / math.hypot(self.power_w, reactive_w), reactive_w or 1.0)

    def _apply(self, name: str, value: float) -> None:
        settings = self.settings
        if name == "power_factor_setpoint":
            cos_phi = max(1e-6, abs(value))
            self._tan_phi = math.copysign(math.sqrt(1.0 - cos_phi * cos_phi) / cos_phi, value)
        elif name == "active_power_rate":
            settings[name] = self.rate_percent
        self._limit_w = self._rated_w * self.rate_percent / 100.0 if settings["remote_on_off"] else 0.0

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        if dt_s != self._dt_s:
            self._dt_s = dt_s
            self._heat_gain = -math.expm1(-_COOLING_W_PER_K * dt_s / _HEAT_CAPACITY_J_PER_K) / _COOLING_W_PER_K
        around, power_w = self._around, self.power_w
        sun, air_c = around.irradiance_w_m2, around.ambient_c
        if around.time_s > self._midnight_s:
            while around.time_s > self._midnight_s:
                self._midnight_s += _DAY_S
            self._today_j = 0.0
        if not (around.mains and _LOWEST_V <= around.voltage_ll_v <= _HIGHEST_V):
            self.fault = VOLTAGE_FAULT
            power_w = 0.0
        elif not _LOWEST_HZ <= around.frequency_hz <= _HIGHEST_HZ:
            self.fault = FREQUENCY_FAULT
            power_w = 0.0
        else:
            self.fault = 0
            there_w = 0.0
            if sun > 0.0:
                warm_k = air_c + _CELL_K_PER_W_M2 * sun - 25.0
                there_w = max(0.0, sun * self._area_w * (1.0 - _POWER_PER_K * warm_k) * _EFFICIENCY)
            target_w = min(there_w, self._limit_w)
            step_w = _RAMP_W_PER_S * dt_s
            if target_w > power_w + step_w:
                power_w += step_w
            else:
                # Down it ramps as well, but never gives more than the sun does.
                power_w = min(there_w, max(target_w, power_w - step_w))
        if power_w > 0.0:
            energy_j = power_w * dt_s
            self._output_j += energy_j
            self._today_j += energy_j
        self.power_w = power_w
        celsius = self.temperature_c
        heat_w = _HEAT_SHARE * power_w - _COOLING_W_PER_K * (celsius - air_c)
        celsius += heat_w * self._heat_gain  # exact for a constant power, however long the step is
        self.temperature_c = min(_HOTTEST_C, celsius) if celsius > air_c else air_c

    def take_energy(self) -> EnergyTerms:
        """The energies since the last call: what the modules gave, and what the inverter kept of it."""
        given_j = self._output_j - self._taken_j
        self._taken_j = self._output_j
        source_j = given_j / _EFFICIENCY
        return EnergyTerms(source_j=source_j, loss_j=source_j * (1.0 - _EFFICIENCY), bus_j=given_j)
