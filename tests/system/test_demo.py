"""`nullwatt demo` as a user runs it: real processes, real UDP, real time."""

import json
import math
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nullwatt.battery import Battery, BatteryConfig
from nullwatt.cli.demo_run import Held, status_line
from nullwatt.home import House, HouseConfig

COMMAND = [sys.executable, "-m", "nullwatt", "demo"]
GRID_LINE = re.compile(r" +\d+ s  grid W  A +[-+][\d.]+  B +[-+][\d.]+  C +[-+][\d.]+  total +[-+][\d.]+ \| ")
RESULT_LINE = re.compile(r"result: mean \|grid total\| over the last 20 s: ([\d.]+) W, (NOT held|held)")


def run(*arguments: str, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout_s, check=False)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int, within_s: float = 3.0) -> bool:
    end = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A headless demo that has started, and the process id of its emulator."""
    process = subprocess.Popen(
        [*COMMAND, "--headless", "--duration", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.match(r"emulator pid (\d+), udp://127\.0\.0\.1:\d+", first)
    assert found, first or process.communicate()[1]
    pid = int(found[1])
    yield process, pid
    for number in (process.pid, pid):
        if alive(number):
            os.kill(number, signal.SIGKILL)
    process.communicate()


def assert_refused(result: subprocess.CompletedProcess[str], *messages: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("nullwatt: ")
    for message in messages:
        assert message in result.stderr


# --- the real thing


@pytest.mark.slow
def test_four_batteries_hold_the_grid() -> None:
    result = run("--headless", "--duration", "45", "--seed", "1", timeout_s=80)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert [int(line.split()[0]) for line in lines[1:-1]] == list(range(5, 46, 5))
    assert all(GRID_LINE.match(line) for line in lines[1:-1])
    verdict = RESULT_LINE.match(lines[-1])
    assert verdict and verdict[2] == "held" and float(verdict[1]) < 40
    (pid,) = re.findall(r"emulator pid (\d+)", lines[0])
    assert gone(int(pid))


@pytest.mark.slow
def test_a_pool_that_cannot_hold_the_grid_is_told(tmp_path: Path) -> None:
    small = {
        "mac": "02B250000001",
        "phase": "A",
        "max_discharge_power": 100,
    }
    path = tmp_path / "weak.json"
    path.write_text(json.dumps({"powermeter": {"base_load": [900]}, "batteries": [small], "time_scale": 4}))
    result = run("--headless", "--duration", "21", "--house", str(path))
    assert result.returncode == 1
    verdict = RESULT_LINE.match(result.stdout.splitlines()[-1])
    assert verdict and verdict[2] == "NOT held" and float(verdict[1]) > 700


@pytest.mark.slow
def test_a_killed_emulator_ends_the_demo_with_one_line(running: tuple[subprocess.Popen[str], int]) -> None:
    process, emulator_pid = running
    time.sleep(3)
    os.kill(emulator_pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert re.match(rf"nullwatt: the emulator \(pid {emulator_pid}\) ended by SIGKILL.* after \d+ s\n", errors)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_it(running: tuple[subprocess.Popen[str], int], number: signal.Signals) -> None:
    process, emulator_pid = running
    time.sleep(1.5)
    process.send_signal(number)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert output.endswith("stopped\n") and errors == ""
    assert gone(emulator_pid)


@pytest.mark.slow
def test_live_view_on_a_terminal_until_ctrl_c() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="110", LINES="40")
        os.execv(sys.executable, [*COMMAND, "--tui"])
    shown, start_s, asked = b"", time.monotonic(), False
    while time.monotonic() - start_s < 20:
        if not asked and time.monotonic() - start_s > 5:
            os.write(terminal, b"\x03")
            asked = True
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # how Linux reports that the other end is closed
                break
            shown += chunk
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode())
    assert code == 0, text
    for word in ("02B250000002", "kettle", "SoC", "total", "udp://127.0.0.1:", "stopped"):
        assert word in text
    assert "Traceback" not in text


def test_the_page_is_served_and_the_verdict_told() -> None:
    pytest.importorskip("nicegui", reason="nicegui is not installed")
    result = run("--no-browser", "--http-port", "0", "--duration", "45", "--time-scale", "10", timeout_s=60)
    assert result.returncode == 0, result.stdout + result.stderr
    page, emulator, _, verdict = result.stdout.splitlines()
    assert re.fullmatch(r"the house: http://127\.0\.0\.1:\d+", page)
    assert re.fullmatch(r"its emulator: udp://127\.0\.0\.1:\d+", emulator)
    assert RESULT_LINE.match(verdict)


def test_a_taken_http_port_is_told_or_gone_around() -> None:
    pytest.importorskip("nicegui", reason="nicegui is not installed")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("--no-browser", "--http-port", str(port))
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert f"cannot serve HTTP on 127.0.0.1:{port}: Address already in use" in result.stderr


# --- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--duration", "abc"), "--duration"),
        (("--duration", "20"), "--duration 20: must be a number above 20"),
        (("--duration", "nan"), "--duration nan"),
        (("--duration", "0"), "--duration 0"),
        (("--time-scale", "0"), "--time-scale 0"),
        (("--port", "70000"), "--port 70000"),
        (("--seed", "1.5"), "--seed"),
        (("--house", "/does/not/exist.json"), "/does/not/exist.json: cannot be read"),
        (("--frobnicate",), "--frobnicate"),
    ],
)
def test_malformed_arguments_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert_refused(run("--headless", *arguments), message)


def test_occupied_port_is_one_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert_refused(run("--headless", "--port", str(port)), str(port))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pase": "A"}, 'batteries[0].pase = "A": unknown key, did you mean "phase"?'),
        ({"law": "rampp"}, "did you mean 'ramp'?"),
    ],
)
def test_house_file_with_a_typo_is_one_line(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = tmp_path / "house.json"
    path.write_text(json.dumps({"batteries": [{"mac": "02B250000001", "phase": "A", **change}]}))
    assert_refused(run("--headless", "--house", str(path)), f"{path}: ", message)


# --- what is shown


@pytest.fixture
def house() -> House:
    batteries = [Battery(BatteryConfig(mac="02B250000001", initial_power_w=100.0, initial_soc=0.75))]
    house = House(HouseConfig(base_load_w=(300.0, 50.0), noise_w=0.0), batteries)
    house.advance_to(5.0)
    return house


def test_status_line_has_grid_and_batteries(house: House) -> None:
    batteries = [Battery(BatteryConfig(mac="02B250000001", initial_power_w=100.0, initial_soc=0.75))]
    assert status_line(house, batteries) == (
        "   5 s  grid W  A  +200.0  B   +50.0  C    +0.0  total  +250.0 | 0001 A  +100 W  75%"
    )


def test_the_verdict_is_over_the_latest_seconds(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    held = Held()
    assert math.isnan(held.mean_abs_w)
    assert held.judge() == 1
    for _ in range(20):
        held.record(house)
    assert held.mean_abs_w == 250 and held.judge() == 1
    house.set_solar(250.0)
    for _ in range(20):
        held.record(house)
    assert held.mean_abs_w == 0 and held.judge() == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "result: mean |grid total| over the last 20 s: 250.0 W, NOT held (limit 40 W)",
        "result: mean |grid total| over the last 20 s: 0.0 W, held (limit 40 W)",
    ]
