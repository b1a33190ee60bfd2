"""The closed loop of core, batteries and house: scenarios under virtual time, recording, metrics, report.

    from nullwatt.lab import SCENARIOS, compare, run
    result = run(SCENARIOS["appliance_steps"], seed=3)
    result.metrics.settle_mean_s, result.recording.grid_total_w
    compare(SCENARIOS["steps_ramp"]).ideal.metrics  # the same house with actuators that obey

What must hold, and whether it does, is a door of its own: `nullwatt.lab.figures`.

`LiveRun` plays a house in real time instead, with the emulator as a process of its own and real UDP.
Signs: battery + = discharge, grid + = import.
"""

from .batteries import BatteryFacts, BatterySpec, specs_of
from .comparing import HomeComparing
from .demo_house import demo_house
from .devices import BatteryDevice
from .expectations import Expectation, Outcome
from .house_files import HouseFiles
from .live import EmulatorProcess, LiveError, LiveRun
from .loop import EmulatorDoor, Loop
from .loopback import AddressInUseError, LoopbackCt
from .metrics import Context, Metrics, evaluate
from .naive import NaiveController
from .page import render_comparison, render_page, require_plotly
from .recording import Recording
from .reference import Comparison, compare, foresee, idealised, run_naive
from .report import LabResult, table
from .runner import run, run_against
from .scenario import Condition, Event, Scenario, Trigger, battery
from .scenario_file import SUFFIXES, load_scenario, parse_scenario, scenario_schema, shipped
from .served import ServedSite
from .side_by_side import SideBySide, details_table, run_side_by_side, summary_table, to_play_s
from .site import AutoMode, Site, UnknownBatteryError
from .suite import COMBINATIONS, SCENARIOS, aligned, find
from .verdict import Change, Verdict, judge, verdict_table
from .what_if import YEAR_DAYS, Home, WhatIfError, simulate, what_if

__all__ = [
    "COMBINATIONS",
    "SCENARIOS",
    "SUFFIXES",
    "YEAR_DAYS",
    "AddressInUseError",
    "AutoMode",
    "BatteryDevice",
    "BatteryFacts",
    "BatterySpec",
    "Change",
    "Comparison",
    "Condition",
    "Context",
    "EmulatorDoor",
    "EmulatorProcess",
    "Event",
    "Expectation",
    "Home",
    "HomeComparing",
    "HouseFiles",
    "LabResult",
    "LiveError",
    "LiveRun",
    "Loop",
    "LoopbackCt",
    "Metrics",
    "NaiveController",
    "Outcome",
    "Recording",
    "Scenario",
    "ServedSite",
    "SideBySide",
    "Site",
    "Trigger",
    "UnknownBatteryError",
    "Verdict",
    "WhatIfError",
    "aligned",
    "battery",
    "compare",
    "demo_house",
    "details_table",
    "evaluate",
    "find",
    "foresee",
    "idealised",
    "judge",
    "load_scenario",
    "parse_scenario",
    "render_comparison",
    "render_page",
    "require_plotly",
    "run",
    "run_against",
    "run_naive",
    "run_side_by_side",
    "scenario_schema",
    "shipped",
    "simulate",
    "specs_of",
    "summary_table",
    "table",
    "to_play_s",
    "verdict_table",
    "what_if",
]
