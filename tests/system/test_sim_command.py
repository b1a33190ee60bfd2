"""`nullwatt sim` as people type it: verbs, exit codes, the house in the background."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Shell:
    """Runs verbs in a home of its own, and ends what it left behind."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "nullwatt", "sim", *map(str, arguments)],
            cwd=self.home,
            env={**os.environ, "HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def client(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return self.run(*arguments, "--http-port", self.port)

    @property
    def pid_file(self) -> Path:
        return self.home / ".nullwatt-sim.pid"

    @property
    def pid(self) -> int:
        pid: int = json.loads(self.pid_file.read_text())["pid"]
        return pid

    def start(self, *arguments: object) -> int:
        done = self.run("start", "--http-port", self.port, *arguments)
        assert done.returncode == 0, done.stderr
        return self.pid


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    if made.pid_file.exists():
        made.client("stop")


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def one_line(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stderr.startswith("nullwatt: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# -- the house in the background -------------------------------------------------------------------


def test_verbs_on_a_house_in_the_background(shell: Shell) -> None:
    pid = shell.start()
    assert alive(pid)
    status = json.loads(shell.client("status").stdout)
    assert [battery["mac"] for battery in status["batteries"]] == ["02B250000001"]
    assert [load["name"] for load in status["loads"]][3:] == ["Microwave", "Washing machine"]
    assert json.loads(shell.client("load", "toggle", 4).stdout)["loads"][3]["active"] is True
    assert json.loads(shell.client("solar", "set", "max").stdout)["solar"]["current"] == 2000
    assert json.loads(shell.client("solar", "set", 120).stdout)["solar"]["current"] == 120
    assert json.loads(shell.client("battery", "02b250000001", "soc", 0.9).stdout)["batteries"][0]["soc"] == 0.9
    limits = json.loads(shell.client("battery", "02b250000001", "max-power", 100, 200).stdout)["batteries"][0]
    assert (limits["max_charge"], limits["max_discharge"]) == (100, 200)
    assert json.loads(shell.client("auto", "on").stdout)["auto_mode"] is True
    assert "out of range" in one_line(shell.client("load", "toggle", 9), 1)
    assert "battery not found" in one_line(shell.client("battery", "02B2500000FF", "soc", 0.5), 1)
    assert "usage: nullwatt sim battery MAC soc X" in one_line(shell.client("battery", "02B250000001", "soc", 1, 2), 1)
    assert "must be within 0 and 1" in one_line(shell.client("battery", "02B250000001", "soc", 1.5), 1)
    assert f"already running (pid {pid}" in one_line(shell.run("start"), 1)
    stopped = shell.client("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "simulation stopped\n")
    assert not alive(pid) and not shell.pid_file.exists()
    assert "no simulation is running" in one_line(shell.client("stop"), 1)


@pytest.mark.parametrize(
    "arguments", [("status",), ("attach",), ("load", "toggle", 1), ("solar", "set", 1), ("auto", "on")]
)
def test_nothing_to_reach(shell: Shell, arguments: tuple[object, ...]) -> None:
    assert f"no simulation on port {shell.port}" in one_line(shell.client(*arguments), 1)


def test_killed_house_is_no_obstacle(shell: Shell) -> None:
    pid = shell.start()
    os.kill(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.02)
    assert "no simulation is running" in one_line(shell.client("stop"), 1)
    assert alive(shell.start())


def test_stale_pid_file_names_somebody_else(shell: Shell) -> None:
    """The PID belongs to another process by now: it must not be ended, and not be in the way."""
    with subprocess.Popen(["sleep", "60"]) as other:
        shell.pid_file.write_text(json.dumps({"pid": other.pid, "began": "1", "port": shell.port}))
        assert "no simulation is running" in one_line(shell.client("stop"), 1)
        assert other.poll() is None
        shell.pid_file.write_text("12345\n")
        shell.start()
        assert other.poll() is None
        other.kill()


def test_house_that_does_not_answer_is_ended(shell: Shell) -> None:
    pid = shell.start()
    # On another port nobody answers; the PID file knows better.
    assert shell.run("stop", "--http-port", free_port()).returncode == 0
    assert not alive(pid)


def test_house_that_cannot_start_says_why(shell: Shell) -> None:
    file = shell.home / "house.json"
    file.write_text('{"batteries": [{"mac": "02B250000001", "phase": "E"}]}')
    line = one_line(shell.run("start", "-c", file), 1)
    assert "did not start" in line and "batteries[0].phase" in line
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = one_line(shell.run("start", "--http-port", port), 1)
        assert f"cannot serve HTTP on 127.0.0.1:{port}: Address already in use" in line
    assert not shell.pid_file.exists()


# -- in the foreground -----------------------------------------------------------------------------


def test_quick_house_runs_until_interrupted() -> None:
    options = "--no-tui --http-port 0 --batteries 3 --phases 3 --base-load 10,20,30 --soc 0.75 --time-scale 50"
    command = [sys.executable, "-m", "nullwatt", "sim", "run", *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert "serving http://127.0.0.1:" in lines[0]
    assert "batteries poll udp://127.0.0.1:12345" in lines[1]
    assert re.search(r"grid \+\d+ \+\d+ \+\d+ W \| 0001 A \+0 W 75% 0002 B \+0 W 75% 0003 C", lines[2])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--phases", 2), "--phases 2: must be 1 or 3"),
        (("--soc", 1.5), "--soc"),
        (("--batteries", 0), "--batteries"),
        (("--base-load", "a"), "--base-load a: must be watts per phase"),
        (("--base-load", "1,2"), "--base-load 1,2: 2 values for 1 phase"),
        (("--time-scale", 0), "--time-scale 0: must be a number above 0"),
        (("--http-port", 70000), "--http-port"),
        (("-c", "missing.json"), "missing.json: cannot be read"),
        (("--colour",), "No such option"),
    ],
)
def test_bad_options(shell: Shell, arguments: tuple[Any, ...], words: str) -> None:
    assert words in one_line(shell.run("run", "--no-tui", *arguments), 2)


def test_quick_options_beside_a_file_are_told(shell: Shell) -> None:
    file = shell.home / "house.json"
    file.write_text('{"batteries": [{"mac": "02B250000001", "phase": "A"}], "http": {"port": 0}}')
    process = subprocess.Popen(
        [sys.executable, "-m", "nullwatt", "sim", "run", "--no-tui", "-c", str(file), "--batteries", "4", "--soc", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.kill()
    process.wait()
    assert f"--batteries, --soc: without effect, {file} decides" in line


# -- configurations for emulators --------------------------------------------------------------------


def test_configuration_for_astrameter(shell: Shell) -> None:
    text = shell.run("config", "--http-port", 8081, "--ct-port", 12346).stdout
    assert "DEVICE_TYPE = ct002" in text and "UDP_PORT = 12346" in text
    assert "URL = http://localhost:8081/power" in text
    assert "JSON_PATHS = $.phase_a, $.phase_b, $.phase_c" in text
    assert "JSON_PATHS = $.phase_a\n" in shell.run("config", "--phases", 1).stdout


def test_other_configurations(shell: Shell) -> None:
    esphome = shell.run("config", "--for", "esphome").stdout
    assert "meter-http-json-3phase.yaml" in esphome and 'power_l3: number(root["phase_c"])' in esphome
    assert "nullwatt emulator --port 12345" in shell.run("config", "--for", "nullwatt").stdout
    assert "--for x: must be one of astrameter, esphome, nullwatt" in one_line(shell.run("config", "--for", "x"), 2)


def test_a_taken_port_of_the_emulator_inside_is_one_line(shell: Shell) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        done = shell.run("run", "--no-tui", "--no-web", "--emulator", "--ct-port", port, "--http-port", "0")
    assert done.returncode == 2
    assert done.stderr == f"nullwatt: cannot listen on udp://127.0.0.1:{port}: Address already in use\n"


def test_a_free_port_is_only_for_the_emulator_inside(shell: Shell) -> None:
    done = shell.run("run", "--no-tui", "--ct-port", "0")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "--ct-port 0: a free port is only for an emulator in here" in done.stderr
