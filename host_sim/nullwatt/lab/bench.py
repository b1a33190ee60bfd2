"""How fast lab and house run: `python -m nullwatt.lab.bench [simulated hours]` prints plain lines.

Speeds are simulated seconds per real second. What is timed is checked as well: who skips the work is not fast.
"""

import sys
import time
from dataclasses import dataclass, replace
from statistics import median

from nullwatt.battery import Battery, BatteryConfig
from nullwatt.core import Config, Emulator
from nullwatt.home import House, HouseConfig, Ledger, parse_house

from .devices import BatteryDevice
from .loop import Loop
from .runner import run
from .scenario import Scenario
from .suite import SCENARIOS

#: Least speeds of `house_speed`, `charge_speed` and `year_speed`; the last is a year in a minute.
HOUSE_GOAL = 8000.0
CHARGE_GOAL = 7500.0
YEAR_GOAL = 365 * 86400 / 60.0

_SECONDS_PER_HOUR = 3600
_CHARGE_S = 1200
_CHARGE_W = 800.0
_STEPS_PER_S = 10


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Speed with one pool size."""

    batteries: int
    simulated_h: float
    elapsed_s: float
    polls: int

    @property
    def ratio(self) -> float:
        """Simulated seconds per real second."""
        return self.simulated_h * _SECONDS_PER_HOUR / self.elapsed_s

    @property
    def hours_per_second(self) -> float:
        """Simulated hours per real second."""
        return self.simulated_h / self.elapsed_s


def benchmark(batteries: int, hours: float = 2.0) -> BenchResult:
    """Time a run, scoring included, of `hours` with the first `batteries` (1 ... 4) of the mixed three-phase pool."""
    mixed: Scenario = SCENARIOS["three_phase_mixed"]
    scenario = replace(
        mixed, batteries=mixed.batteries[:batteries], duration_s=max(1, round(hours * _SECONDS_PER_HOUR))
    )
    start_s = time.perf_counter()
    result = run(scenario)
    return BenchResult(batteries, scenario.duration_s / _SECONDS_PER_HOUR, time.perf_counter() - start_s, result.polls)


def simulated_hours_per_second(batteries: int, hours: float = 2.0) -> float:
    """Shortcut to `benchmark(...).hours_per_second`, after a short warm-up."""
    benchmark(batteries, 0.05)
    return benchmark(batteries, hours).hours_per_second


def house_speed(hours: float = 2.0, repeats: int = 3) -> float:
    """Median speed of a three-phase house with four batteries and the core in the closed loop, physics every second or
    finer, the recording on its raster of a second, nothing scored.

    Raises RuntimeError if the core did not hold the house, or the batteries' energy is not what they gave.
    """
    mixed = SCENARIOS["three_phase_mixed"]
    scenario = replace(mixed, duration_s=max(60, round(hours * _SECONDS_PER_HOUR)))
    return median(_timed_house(scenario) for _ in range(repeats))


def _timed_house(scenario: Scenario) -> float:
    loop = Loop(scenario, Emulator(Config(**scenario.options)))
    start_s = time.perf_counter()
    recording = loop.run()
    elapsed_s = time.perf_counter() - start_s
    given_ws = float(recording.power_w.sum())
    grid_w, demand_w = abs(recording.grid_total_w).mean(), abs(recording.demand_w).mean()
    capacity_ws = [battery.config.capacity_wh * _SECONDS_PER_HOUR for battery in loop.batteries]
    drawn_ws = float(((recording.soc[0] - recording.soc[-1]) * capacity_ws).sum() + recording.dc_w.sum())
    if len(recording.time_s) != scenario.duration_s or grid_w > 0.4 * demand_w:
        raise RuntimeError(f"the house was not held: {grid_w:.0f} W of {demand_w:.0f} W in {len(recording.time_s)} s")
    if abs(drawn_ws - given_ws) > 0.05 * float(abs(recording.power_w).sum()):
        raise RuntimeError(f"batteries gave {given_ws:.0f} J out of {drawn_ws:.0f} J")
    return scenario.duration_s / elapsed_s


def charge_speed(repeats: int = 5) -> float:
    """Median speed of a house in steps of 0.1 s while its one battery charges for 20 minutes; after each step its power
    and state of charge are read.

    Raises RuntimeError if the battery did not take the energy that charge is worth.
    """
    return median(_timed_charge() for _ in range(repeats))


def _timed_charge() -> float:
    config = BatteryConfig(mac="02B250000001", initial_soc=0.2, charge_efficiency=0.92)
    battery = Battery(config)
    battery.plant.target_w = -_CHARGE_W  # nobody steers it
    device = BatteryDevice(battery)
    house = House(HouseConfig(step_s=1.0 / _STEPS_PER_S))
    house.add_device(device)
    powers_w, socs = [], []
    start_s = time.perf_counter()
    for step in range(1, _CHARGE_S * _STEPS_PER_S + 1):
        house.advance_to(step / _STEPS_PER_S)
        powers_w.append(device.power_w)
        socs.append(battery.soc)
    elapsed_s = time.perf_counter() - start_s
    # Full power but for the start-up delay and half of the ramp.
    full_s = _CHARGE_S - config.startup_delay_s - 0.5 * _CHARGE_W / config.ramp_rate_w_s
    expected_j = _CHARGE_W * full_s
    stored_j = (socs[-1] - config.initial_soc) * config.capacity_wh * _SECONDS_PER_HOUR
    taken_j = -battery.take_energy().ac_j
    for found_j in (taken_j, -sum(powers_w) / _STEPS_PER_S, stored_j / config.charge_efficiency):
        if abs(found_j - expected_j) > 0.001 * expected_j:
            raise RuntimeError(f"the battery took {found_j:.0f} J instead of {expected_j:.0f} J")
    return _CHARGE_S / elapsed_s


#: A home in steps of a minute: weather, a plant, a hybrid with two trackers, loads.
_HOME = {
    "batteries": [{"mac": "02B250000001", "phase": "A"}],  # not simulated
    "step_s": 60,
    "meter": {"refresh_s": 60, "latency_s": 0},
    "weather": {"latitude": 52.5, "longitude": 13.4, "start": "2026-01-01", "clouds": 0.6},
    "powermeter": {
        "base_load": [150, 100, 80],
        "loads": [{"name": "pump", "power": 300, "phase": "B", "active": True, "on_s": 1200, "off_s": 2400}],
        "appliances": [
            {"name": "fridge", "kind": "fridge", "phase": "A", "active": True},
            {"name": "heat", "kind": "heat_pump", "phase": "D", "active": True},
        ],
    },
    "pv": [{"name": "garage", "phase": "A", "strings": [{"tilt": 20, "azimuth": 90, "peak_w": 2000}]}],
    "hybrid": [
        {
            "name": "cellar",
            "ac_max_w": 8000,
            "mppts": [{"strings": [{"peak_w": 6000}]}, {"strings": [{"peak_w": 4000, "azimuth": 270}]}],
        }
    ],
}


def year_speed(days: int = 365) -> float:
    """Speed of a home under the sky in steps of a minute, books included. Needs the extra `weather`.

    Raises RuntimeError if the books do not close, or the sun did not shine.
    """
    ledger = Ledger()
    house = House(parse_house(_HOME).house_config(), ledger=ledger)
    start_s = time.perf_counter()
    house.advance_to(days * 24.0 * _SECONDS_PER_HOUR)
    elapsed_s = time.perf_counter() - start_s
    if ledger.leak_j > 1e-9 * ledger.throughput_j or ledger.ticks != days * 1440:
        raise RuntimeError(f"{ledger.leak_j:g} J leaked in {ledger.ticks} steps: {ledger.worst}")
    if not ledger.devices["cellar"].source_j > 0.0 < ledger.devices["garage"].source_j:
        raise RuntimeError("the sun did not shine")
    return days * 24.0 * _SECONDS_PER_HOUR / elapsed_s


def main(arguments: list[str]) -> None:
    """Print one line per pool size, then the house's."""
    hours = float(arguments[0]) if arguments else 2.0
    benchmark(1, 0.05)  # warm up
    for batteries in (1, 4):
        result = benchmark(batteries, hours)
        print(
            f"lab {batteries} {'battery' if batteries == 1 else 'batteries'}: "
            f"{result.hours_per_second:.2f} simulated hours/s, {result.ratio:.0f} x real time, "
            f"{result.polls / result.elapsed_s:.0f} polls/s"
        )
    print(f"house, 4 batteries: {house_speed(hours):.0f} x real time, goal {HOUSE_GOAL:.0f}")
    print(f"house, charge in 0.1 s steps: {charge_speed():.0f} x real time, goal {CHARGE_GOAL:.0f}")
    print(f"house, a year in 1 min steps: {year_speed():.0f} x real time, goal {YEAR_GOAL:.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])
