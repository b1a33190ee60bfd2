"""Everything on the AC side as sun, batteries, grid and house, which add up: sun + batteries + grid = house.

A hybrid inverter is split: what its panels and its battery do for its AC power. What is lost on the way counts with
what caused it, and what inverters use for themselves with the house. Powers W; batteries + = discharge, grid + =
import.
"""

from dataclasses import dataclass

from .state import HybridState, State


@dataclass(frozen=True)
class Sides:
    """The powers of the four, W. hybrids: of the batteries, those in hybrid inverters by name."""

    sun_w: float
    batteries_w: float
    grid_w: float
    house_w: float
    hybrids: dict[str, float]


def split(power_w: float, pv_w: float, battery_w: float) -> tuple[float, float]:
    """What sun and battery of a hybrid give to its AC power, W; the rest is its own consumption.

    pv_w: taken from the panels. battery_w: on the DC bus, + = discharge.
    """
    if battery_w < 0.0:
        # Behind the inverter the panels fill it without ever being AC; what they lack comes through it.
        sun_w = max(0.0, power_w - battery_w) if pv_w > 0.0 else 0.0
        return sun_w, power_w - sun_w
    if power_w <= 0.0:
        return 0.0, 0.0
    given_w = pv_w + battery_w
    sun_w = power_w * pv_w / given_w if given_w > 0.0 else 0.0
    return sun_w, power_w - sun_w


def split_hybrid(hybrid: HybridState) -> tuple[float, float]:
    """Sun and battery of a hybrid, see `split`."""
    return split(hybrid.power, hybrid.pv, hybrid.battery)


def sides(state: State) -> Sides | None:
    """The four sides; None where grid or house are not known."""
    if state.grid is None or state.house_w is None:
        return None
    parts = {hybrid.name: split_hybrid(hybrid) for hybrid in state.hybrids or []}
    sun_w = 0.0 if state.solar is None else state.solar.current
    sun_w += sum(max(0.0, plant.power) for plant in state.plants or []) + sum(sun for sun, _ in parts.values())
    hybrids = {name: battery for name, (_, battery) in parts.items()}
    batteries_w = sum(battery.power for battery in state.batteries) + sum(hybrids.values())
    grid_w = state.grid.total
    return Sides(sun_w, batteries_w, grid_w, sun_w + batteries_w + grid_w, hybrids)
