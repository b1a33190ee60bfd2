"""The house of `nullwatt demo`: three phases, four battery models with their own laws, and loads that switch."""

import math

from nullwatt.home import HouseFile, parse_house

QUIET_S = 30.0  # no load is switched so shortly before the end: the pool gets time to settle
_BUSY_S = 10.0  # the least time worth switching loads in
_ENDLESS_CYCLE_S = 60.0
_ENDLESS_CYCLES = 24 * 60

# When in the busy part of the run (0 ... 1) which load goes on or off.
_SWITCHINGS = ((0.2, "kettle", True), (0.45, "oven", True), (0.7, "kettle", False), (1.0, "television", True))
# From the second round on, what the last one left running goes off first.
_CLEAN_UP = ((0.0, "oven", False), (0.0, "television", False))


def demo_house(duration_s: float) -> HouseFile:
    """The house for a run of `duration_s` seconds; 0 = endless: the pattern repeats every minute, for a day.

    A run too short to settle after a switching has none.
    """
    battery = {"capacity_wh": 2560, "initial_soc": 0.6}
    b2500 = {"capacity_wh": 2240, "initial_soc": 0.5, "max_dc_input": 1000, "dc_input_power": 200}
    return parse_house(
        {
            "powermeter": {
                "base_load": [240, 200, 160],
                "base_noise": 5,
                "loads": [
                    {"name": "kettle", "power": 1800, "phase": "B"},
                    {"name": "oven", "power": 900, "phase": "C"},
                    {"name": "television", "power": 150, "phase": "A"},
                ],
                "events": _events(duration_s),
                "solar_phases": ["C"],
                "sun": {"power": 300},
            },
            "batteries": [
                {"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50", "law": "ramp", **battery},
                {"mac": "02B250000002", "phase": "B", "meter_dev_type": "VNSE3-0", **battery},
                {"mac": "02B250000003", "phase": "C", "meter_dev_type": "VNSD-0", **battery},
                {"mac": "02B250000004", "phase": "A", "meter_dev_type": "HMJ-2", **b2500},
            ],
        }
    )


def _events(duration_s: float) -> list[dict[str, object]]:
    cycle_s, cycles = duration_s, 1
    if duration_s == 0:
        cycle_s, cycles = _ENDLESS_CYCLE_S, _ENDLESS_CYCLES
    busy_s = cycle_s - QUIET_S
    if not _BUSY_S <= busy_s < math.inf:
        return []
    return [
        {"time": cycle * cycle_s + share * busy_s, "load": load, "active": active}
        for cycle in range(cycles)
        for share, load, active in (*(_CLEAN_UP if cycle else ()), *_SWITCHINGS)
    ]
