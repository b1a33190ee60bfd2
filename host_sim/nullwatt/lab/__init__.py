"""The closed loop of core, batteries and house: scenarios under virtual time, recording, metrics, report.

    from nullwatt.lab import SCENARIOS, run
    result = run(SCENARIOS["appliance_steps"], seed=3)
    result.metrics.settle_mean_s, result.recording.grid_total_w

`LiveRun` plays a house in real time instead, with the emulator as a process of its own and real UDP.
Signs: battery + = discharge, grid + = import.
"""

from .batteries import BatteryFacts, BatterySpec, specs_of
from .demo_house import demo_house
from .live import EmulatorProcess, LiveError, LiveRun
from .loop import EmulatorDoor, Loop
from .metrics import Context, Metrics, evaluate
from .recording import Recording
from .report import LabResult, table
from .runner import run, run_against
from .scenario import SCENARIOS, Event, Scenario, battery

__all__ = [
    "SCENARIOS",
    "BatteryFacts",
    "BatterySpec",
    "Context",
    "EmulatorDoor",
    "EmulatorProcess",
    "Event",
    "LabResult",
    "LiveError",
    "LiveRun",
    "Loop",
    "Metrics",
    "Recording",
    "Scenario",
    "battery",
    "demo_house",
    "evaluate",
    "run",
    "run_against",
    "specs_of",
    "table",
]
