"""A served house as a process, and a client of it."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

HOUSE = {
    "ct": {"mac": "112233445566", "host": "127.0.0.1", "port": 1},
    "http": {"host": "127.0.0.1", "port": 0},
    "powermeter": {
        "base_load": [100, 50, 80],
        "base_noise": 20,
        "loads": [
            {"name": "Kettle", "power": 2000, "phase": "B"},
            {"name": "TV", "power": 80, "phase": "A"},
        ],
        "solar_max": 1500,
        "solar_phases": ["A", "C"],
    },
    "power_update_delay_ticks": 2,
    "auto_mode": False,
    "auto_interval": [10, 30],
    "log_interval": 5,
    "time_scale": 1,
    "batteries": [
        {"mac": "02b250000001", "phase": "A", "meter_dev_type": "HMG-50", "initial_soc": 0.25},
        {"mac": "02B250000002", "phase": "D", "max_dc_input": 600, "dc_input_power": 100},
    ],
}


class Running:
    """A simulation in a process of its own."""

    def __init__(self, folder: Path, house: dict[str, Any], *arguments: str) -> None:
        path = folder / "house.json"
        path.write_text(json.dumps(house))
        command = [sys.executable, "-m", "nullwatt", "sim", "run", "--no-tui", "-c", str(path), *arguments]
        self.log = folder / "log"
        self.process = subprocess.Popen(command, stdout=self.log.open("wb"), stderr=subprocess.STDOUT)
        end = time.monotonic() + 20
        while not (found := re.search(r"serving (http://\S+)", self.log.read_text())):
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        self.client = httpx.Client(base_url=found[1], timeout=5.0)

    def status(self) -> dict[str, Any]:
        reply = self.client.get("/status")
        assert reply.status_code == 200
        status: dict[str, Any] = reply.json()
        return status

    def close(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
