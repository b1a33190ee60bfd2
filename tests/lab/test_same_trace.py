"""Same seed, same trace: the closed loop with everything random in it, in one process after the other."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from nullwatt.core import Emulator
from nullwatt.home import Appliance, parse_house
from nullwatt.lab import Event, Loop, Scenario, specs_of

NETWORK = {"jitter": 0.2, "request_loss": 0.05, "reply_loss": 0.05, "duplicate": 0.05}
HOUSE = {
    "seed": 7,
    "powermeter": {
        "base_load": [250, 180, 120],
        "base_noise": 25,
        "noise_tau": 4,
        "loads": [{"name": "pump", "power": 300, "phase": "B", "on_s": 7.3, "off_s": 11.9, "active": True}],
        "appliances": [
            {"name": "cold", "kind": "fridge", "phase": "A", "on_s": 50, "off_s": 70, "spread": 0.3, "active": True},
            {"name": "tea", "kind": "kettle", "phase": "B", "duration_s": 60, "spread": 0.3},
            {"name": "hob", "kind": "induction_hob", "phase": "C", "level": 4, "active": True},
            {"name": "film", "kind": "television", "phase": "A", "interval_s": 5, "spread": 0.3, "active": True},
            {"name": "heat", "kind": "heat_pump", "phase": "D", "power": 1500, "min_power": 500, "active": True},
        ],
        "events": [{"time": 40, "load": "tea", "active": True}, {"time": 300, "load": "tea", "active": True}],
        "solar_phases": ["A", "C"],
        "sun": {"mode": "clear_sky", "start": 9, "clouds": 0.9},
    },
    "meter": {"noise": 3},
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50", "law": "ramp", **NETWORK},
        {"mac": "02B250000002", "phase": "B", "meter_dev_type": "VNSE3-0", **NETWORK},
        {"mac": "02B250000003", "phase": "D", "meter_dev_type": "VNSD-0", "law": "integrator", **NETWORK},
        {"mac": "02B250000004", "phase": "C", "meter_dev_type": "HMJ-2", "max_dc_input": 600, "dc_input_power": 300}
        | NETWORK,
    ],
}


def scenario(seed: int) -> Scenario:
    file = parse_house(HOUSE)
    events = (Event(200.0, "meter_fail"), Event(215.0, "meter_restore"), Event(400.0, "soc", 0.0, battery=1))
    return Scenario("busy", file.house_config(seed), specs_of(file), duration_s=600, seed=seed, events=events)


def trace(seed: int = 7) -> str:
    """SHA-256 of every number of every row."""
    return Loop(scenario(seed), Emulator()).run().sha256


def test_three_processes_see_the_same_trace() -> None:
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_same_trace as t; "
    command = [sys.executable, "-c", program + "print(t.trace())"]
    seen = set()
    for hash_seed in ("0", "1", "4242"):  # the order of sets and of what hangs on them differs
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        seen.add(done.stdout.strip())
    assert seen == {trace()}


def test_every_source_of_chance_is_in_that_trace() -> None:
    """Each one changes the trace when it is left out; otherwise the test above would prove little."""
    whole = scenario(7)
    loop = Loop(whole, Emulator())
    hashes = [loop.run().sha256, trace(8)]
    assert all(client.timeouts > 5 for client in loop.clients)
    house = whole.house
    loads = tuple(
        load.model_copy(update={"spread": 0.0}) if isinstance(load, Appliance) else load for load in house.loads
    )
    houses = (
        replace(house, noise_w=0.0),
        replace(house, loads=loads),
        replace(house, sun=replace(house.sun, clouds=0.0)),
        replace(house, meter=replace(house.meter, noise_w=0.0)),
    )
    hashes += [Loop(replace(whole, house=house), Emulator()).run().sha256 for house in houses]
    for calm in ("jitter_s", "request_loss", "reply_loss", "duplicate"):
        pool = tuple(replace(spec, client=replace(spec.client, **{calm: 0.0})) for spec in whole.batteries)
        hashes.append(Loop(replace(whole, batteries=pool), Emulator()).run().sha256)
    assert len(set(hashes)) == len(hashes) == 10
