"""The meter at the grid connection: what the grid carries per phase, energies, power factor and demand.

Signs: + = import. It reads the balance that the step before left, and moves no energy itself.
"""

import math
from array import array
from collections.abc import Mapping
from random import Random
from typing import ClassVar

from ..device import NO_ENERGY, Command, EnergyTerms, Surroundings
from .device import J_PER_KWH, SQRT3, DerDevice, Reading

_START_PF = 0.99
_LOWEST_PF = 0.95
_PF_GAIN = 0.05  # of the way, per step


def _per_phase(name: str, unit: str, text: str, method: str) -> dict[str, Reading]:
    return {
        f"{name}_{letter}": Reading(unit, text, lambda d, i=index: getattr(d, method)(i))  # type: ignore[misc]
        for index, letter in enumerate("abc")
    }


class DemandWindow:
    """Mean of the last n values, and the largest such mean; the same small work for each value, however long n is.

    mean: of what there is until n values are there.
    """

    __slots__ = ("_count", "_fresh", "_next", "_sum", "_values", "largest", "mean")

    def __init__(self, n: int) -> None:
        """n: from 1 on."""
        self._values = array("d", bytes(8 * n))
        self._next = self._count = 0
        self._sum = self._fresh = 0.0
        self.mean = self.largest = 0.0

    def add(self, value: float) -> None:
        """The next value."""
        values, index = self._values, self._next
        self._sum += value - values[index]
        self._fresh += value
        values[index] = value
        index += 1
        if self._count < index:
            self._count = index
        if index == len(values):
            # Once around: the sum of what was added since replaces the one that was also subtracted from.
            self._sum, self._fresh = self._fresh, 0.0
            index = 0
        self._next = index
        self.mean = mean = self._sum / self._count
        if mean > self.largest:
            self.largest = mean


class EnergyMeter(DerDevice):
    """The meter at the grid connection. power_factor: wanders between 0.95 and 1, from the seed."""

    __slots__ = ("_demand", "_export_j", "_import_j", "_random", "_total_export_j", "_total_import_j", "power_factor")

    COMMANDS: ClassVar[Mapping[str, Command]] = {
        "current_transformer_ratio": Command("", "kept, without effect: all values are primary", 0.0, 1e9),
        "voltage_transformer_ratio": Command("", "kept, without effect: all values are primary", 0.0, 1e9),
        "interval_time": Command("min", "length of the demand window; a change begins a new one", 1.0, 60.0),
    }

    READINGS: ClassVar[Mapping[str, Reading]] = {
        "total_active_power": Reading("kW", "+ = import", lambda d: d.grid_w / 1e3),
        "total_reactive_power": Reading("kvar", "", lambda d: d.grid_w * d.tan_phi / 1e3),
        "total_power_factor": Reading("", "", lambda d: d.power_factor),
        "grid_frequency": Reading("Hz", "", lambda d: d._around.frequency_hz),
        "total_import_energy": Reading("kWh", "of all phases together", lambda d: d._total_import_j / J_PER_KWH),
        "total_export_energy": Reading("kWh", "of all phases together", lambda d: d._total_export_j / J_PER_KWH),
        "current_demand_kw": Reading("kW", "mean |power| of the last interval", lambda d: d._demand.mean / 1e3),
        "max_demand_kw": Reading("kW", "its largest value", lambda d: d._demand.largest / 1e3),
        **_per_phase("phase_voltage", "V", "line to neutral", "voltage_v"),
        **_per_phase("phase_current", "A", "", "current_a"),
        **_per_phase("phase_active_power", "kW", "+ = import", "active_kw"),
        **_per_phase("phase_apparent_power", "kVA", "", "apparent_kva"),
        **_per_phase("phase_reactive_power", "kvar", "", "reactive_kvar"),
        **_per_phase("phase_import_energy", "kWh", "", "import_kwh"),
        **_per_phase("phase_export_energy", "kWh", "", "export_kwh"),
    }

    ALIASES: ClassVar[Mapping[str, str]] = {
        f"{kind}_power_{letter}": f"phase_{kind}_power_{letter}"
        for kind in ("apparent", "reactive")
        for letter in "abc"
    }

    def __init__(self, name: str, surroundings: Surroundings, seed: int = 1) -> None:
        ratios = {"current_transformer_ratio": 1.0, "voltage_transformer_ratio": 1.0, "interval_time": 15.0}
        super().__init__(name, surroundings, ratios)
        self._random = Random(f"power factor.{name}.{seed}")
        self.power_factor = _START_PF
        self._import_j = [0.0, 0.0, 0.0]
        self._export_j = [0.0, 0.0, 0.0]
        self._total_import_j = self._total_export_j = 0.0
        self._demand = DemandWindow(1)

    @property
    def grid_w(self) -> float:
        """Power of all phases together, W."""
        return sum(self._around.grid_w)

    @property
    def tan_phi(self) -> float:
        """Reactive to active power."""
        return math.tan(math.acos(self.power_factor))

    def _phase_w(self, index: int) -> float:
        grid_w = self._around.grid_w
        return grid_w[index] if index < len(grid_w) else 0.0

    def voltage_v(self, index: int) -> float:
        """Line to neutral, V."""
        return self._around.voltage_ll_v / SQRT3

    def active_kw(self, index: int) -> float:
        """Active power of a phase, kW."""
        return self._phase_w(index) / 1e3

    def apparent_kva(self, index: int) -> float:
        """Apparent power of a phase, kVA."""
        return abs(self._phase_w(index)) / self.power_factor / 1e3

    def reactive_kvar(self, index: int) -> float:
        """Reactive power of a phase, kvar."""
        return self._phase_w(index) * self.tan_phi / 1e3

    def current_a(self, index: int) -> float:
        """Current of a phase, A."""
        volts = self.voltage_v(index)
        return self.apparent_kva(index) * 1e3 / volts if volts > 0.0 else 0.0

    def import_kwh(self, index: int) -> float:
        """Imported on a phase, kWh."""
        return self._import_j[index] / J_PER_KWH

    def export_kwh(self, index: int) -> float:
        """Exported on a phase, kWh."""
        return self._export_j[index] / J_PER_KWH

    def _apply(self, name: str, value: float) -> None:
        if name == "interval_time":
            self._new_window()

    def _new_window(self) -> None:
        largest = self._demand.largest
        if self._dt_s > 0.0:
            slots = round(self.settings["interval_time"] * 60.0 / self._dt_s)
            self._demand = DemandWindow(max(1, slots))
        self._demand.largest = largest

    def advance(self, dt_s: float) -> None:
        """Let dt_s > 0 seconds pass."""
        if dt_s != self._dt_s:
            self._dt_s = dt_s
            self._new_window()
        self.power_factor += _PF_GAIN * (_LOWEST_PF + (1.0 - _LOWEST_PF) * self._random.random() - self.power_factor)
        total_j = 0.0
        for index, power_w in enumerate(self._around.grid_w):
            energy_j = power_w * dt_s
            total_j += energy_j
            if energy_j > 0.0:
                self._import_j[index] += energy_j
            else:
                self._export_j[index] -= energy_j
        if total_j > 0.0:
            self._total_import_j += total_j
            self._demand.add(total_j / dt_s)
        else:
            self._total_export_j -= total_j
            self._demand.add(-total_j / dt_s)

    def take_energy(self) -> EnergyTerms:
        """Nothing: it only looks."""
        return NO_ENERGY
