"""The simulation in the background: one per user, found again by a PID file.

The file holds the PID, when that process began (a PID alone may by now be somebody else's) and its HTTP port.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from nullwatt.cli.errors import fail
from nullwatt.cli.sim_client import SimClient

_READY_S = 20.0
_GONE_S = 10.0


def pid_file() -> Path:
    """Where the running daemon is noted."""
    return Path.home() / ".nullwatt-sim.pid"


def log_file() -> Path:
    """Where it writes what it has to say."""
    return Path.home() / ".nullwatt-sim.log"


@dataclass(frozen=True)
class Noted:
    """A daemon as its PID file tells. began: start time of the process in clock ticks since boot, as text."""

    pid: int
    began: str
    port: int

    @property
    def alive(self) -> bool:
        """That very process is still there."""
        return began_at(self.pid) == self.began


def began_at(pid: int) -> str:
    """When a process began, empty if there is none (or only its remains)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]


def noted() -> Noted | None:
    """What the PID file says, None without a usable one."""
    try:
        return Noted(**json.loads(pid_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def start(arguments: list[str], port: int) -> int:
    """Start it and wait until it answers. Exit code."""
    old = noted()
    if old is not None and old.alive:
        fail(f"a simulation is already running (pid {old.pid}, port {old.port})", 1)
    with log_file().open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "nullwatt", "sim", "run", "--no-tui", "--verbose", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path.cwd(),
        )
    port = wait_until_ready(process, begin)
    pid_file().write_text(json.dumps(asdict(Noted(process.pid, began_at(process.pid), port))))
    print(f"simulation started: pid {process.pid}, http://127.0.0.1:{port}")
    return 0


def wait_until_ready(process: "subprocess.Popen[bytes]", begin: int) -> int:
    """Its HTTP port, once it answers there. Ends the program with its own last words if it does not."""
    end = time.monotonic() + _READY_S
    while time.monotonic() < end:
        said = log_file().read_bytes()[begin:].decode(errors="replace").splitlines()
        ports = [line.rpartition(":")[2] for line in said if "serving http://" in line]
        if ports and SimClient(int(ports[0])).answers():
            return int(ports[0])
        if process.poll() is not None:
            words = said[-1].removeprefix("nullwatt: ") if said else "no reason given"
            fail(f"the simulation did not start: {words}", 1)
        time.sleep(0.05)
    process.terminate()
    return fail(f"the simulation did not answer within {_READY_S:g} s; see {log_file()}", 1)


def stop(client: SimClient) -> int:
    """End the daemon: politely over HTTP, else by signal if the process is ours. Exit code."""
    daemon = noted()
    asked = client.try_post("/shutdown")
    if daemon is None or not daemon.alive:
        pid_file().unlink(missing_ok=True)
        if asked:
            print("simulation stopped")
            return 0
        fail("no simulation is running", 1)
    if not asked and not SimClient(daemon.port).try_post("/shutdown"):
        with suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGTERM)
    end = time.monotonic() + _GONE_S
    while daemon.alive and time.monotonic() < end:
        time.sleep(0.05)
    if daemon.alive:
        with suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGKILL)
    pid_file().unlink(missing_ok=True)
    print("simulation stopped")
    return 0
