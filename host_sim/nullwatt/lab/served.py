"""A site as `nullwatt.serve` shows it: the status object and the commands of its HTTP interface."""

import math
from collections.abc import Callable
from typing import Any

from nullwatt.home import PacedClock

from .site import Site


class ServedSite:
    """Adapts a `Site` to `nullwatt.serve.Simulation`. `on_shutdown` is called when a client asks for the end."""

    def __init__(self, site: Site, on_shutdown: Callable[[], None]) -> None:
        self._site = site
        self._on_shutdown = on_shutdown

    @property
    def clock(self) -> PacedClock:
        """Simulated time."""
        return self._site.clock

    def grid_w(self) -> tuple[float, float, float]:
        """True grid power per phase now, W; 0 for phases the house does not have."""
        a, b, c = (*self._site.house.grid_w(), 0.0, 0.0)[:3]
        return a, b, c

    def status(self) -> dict[str, Any]:
        """The status object: grid, loads, solar, automatic mode, batteries."""
        site = self._site
        grid_w = [round(watts, 1) for watts in self.grid_w()]
        sun = site.house.sun.config
        loads = [
            {
                "name": load.name,
                "power": load.rated_w,
                "phase": load.phase,
                "active": load.active,
            }
            for load in site.house.loads
        ]
        batteries = [
            {
                "mac": battery.mac,
                "phase": battery.phase,
                "power": round(battery.power_w, 1),
                "target": round(battery.target_w, 1),
                "applied_target": round(battery.applied_target_w, 1),
                "power_update_delay_ticks": battery.config.command_delay_ticks,
                "soc": round(battery.soc, 4),
                "max_charge": battery.max_charge_w,
                "max_discharge": battery.max_discharge_w,
                "max_dc_input": battery.config.max_dc_input_w,
                "dc_input": battery.dc_input_w,
            }
            for battery in site.batteries
        ]
        return {
            "grid": dict(zip(("phase_a", "phase_b", "phase_c"), grid_w, strict=True))
            | {"total": round(sum(grid_w), 1)},
            "loads": loads,
            "solar": {"current": round(site.house.solar_w, 1), "max": sun.max_w, "phases": list(sun.phases)},
            "auto_mode": site.auto.enabled,
            "batteries": batteries,
        }

    def toggle_load(self, index: int) -> None:
        """Switch the index-th load (from 0); IndexError if there is none."""
        self._site.toggle_load(index)

    def set_solar(self, power_w: float) -> None:
        """Fix the solar power, clamped to what the house has."""
        most_w = self._site.house.sun.config.max_w
        self._site.house.set_solar(min(power_w, most_w) if math.isinf(power_w) else power_w)

    def set_soc(self, mac: str, soc: float) -> None:
        """State of charge, 0..1."""
        self._site.battery(mac).soc = soc

    def set_limits(self, mac: str, charge_w: float | None, discharge_w: float | None) -> None:
        """Power limits; None keeps one."""
        self._site.battery(mac).set_limits(charge_w, discharge_w)

    def set_dc_input(self, mac: str, power_w: float) -> None:
        """PV power at the battery; ValueError if it has no such input or a smaller one."""
        battery = self._site.battery(mac)
        most_w = battery.config.max_dc_input_w
        if most_w <= 0:
            raise ValueError(f"battery {battery.mac} has no DC input")
        if power_w > most_w:
            raise ValueError(f"watts: {power_w:g} must be within 0 and {most_w:g}")
        battery.dc_input_w = power_w

    def set_auto(self, enabled: bool) -> None:
        """Random switching on or off."""
        self._site.auto.enable(enabled)

    def shut_down(self) -> None:
        """End the simulation soon."""
        self._on_shutdown()
