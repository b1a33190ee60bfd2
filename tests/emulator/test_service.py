"""The emulator as a process of its own: real UDP, real signals, a meter on standard input."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from nullwatt.core import decode_frame, encode_frame

type Start = Callable[..., tuple[subprocess.Popen[str], int]]

COMMAND = [sys.executable, "-m", "nullwatt", "emulator", "--host", "127.0.0.1"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the emulator on a free port; gives the process and the port."""
    processes = []

    def launch(*options: str) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [*COMMAND, "--port", "0", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("nullwatt emulator: listening on udp://127.0.0.1:")
        return process, int(line.rsplit(":", 1)[1])

    yield launch
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def ask(port: int, power: int = 0, phase: str = "A") -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as battery:
        battery.settimeout(2.0)
        battery.sendto(encode_frame(["HMG-50", "60F1A2B3C401", "HME-4", "", phase, str(power)]), ("127.0.0.1", port))
        return decode_frame(battery.recv(512))


def meter(process: subprocess.Popen[str], sample: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(sample) + "\n")
    process.stdin.flush()


def eventually(check: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False


def test_battery_reads_what_the_meter_wrote(start: Start) -> None:
    process, port = start("--set", "active_control=false")
    assert ask(port)[4:8] == ["0", "0", "0", "0"]
    meter(process, [120.5, -30, 10])
    assert eventually(lambda: ask(port)[4:8] == ["120", "-30", "10", "100"])
    meter(process, None)
    assert eventually(lambda: ask(port)[4:8] == ["0", "0", "0", "0"])


def test_battery_is_steered(start: Start) -> None:
    process, port = start("--set", "wifi_rssi=-61")
    meter(process, [0, 400, 0])
    assert eventually(lambda: int(ask(port, phase="B")[5]) > 0)
    assert ask(port, phase="B")[12] == "-61"


def test_end_of_the_meter_holds_the_batteries_and_is_logged(start: Start) -> None:
    process, port = start()
    meter(process, 500)
    assert eventually(lambda: int(ask(port)[4]) > 0)
    assert process.stdin is not None
    process.stdin.close()
    assert eventually(lambda: ask(port)[4] == "0")
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert process.stderr is not None
    log = process.stderr.read()
    assert "the stream of samples has ended" in log
    assert "battery 60f1a2b3c401: HMG-50 on phase A" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(start: Start, stop: signal.Signals) -> None:
    process, _ = start()
    process.send_signal(stop)
    assert process.wait(5) == 0


def fails(*options: str) -> str:
    done = subprocess.run([*COMMAND, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_occupied_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert f"udp 127.0.0.1:{port} cannot be opened: Address already in use" in fails("--port", str(port))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "balance_gian=1"], "unknown option 'balance_gian'; the closest is 'balance_gain'"),
        (["--set", "balance_gain=2"], "option balance_gain: 2.0 is out of range; allowed: 0 to 1"),
        (["--set", "balance_gain=much"], "option balance_gain: 'much' is not a float value"),
        (["--set", "balance_gain"], "write it as key=value"),
        (["--port", "70000"], "--port 70000 is out of range; allowed: 0 to 65535"),
        (["--port", "many"], "Invalid value 'many' for '--port'"),
        (["--prot", "1"], "--port"),
        (["--meter", "modbus"], "--meter 'modbus' is not known; allowed: stdin"),
        (["--host", "999.1.1.1", "--port", "0"], "udp 999.1.1.1:0 cannot be opened"),
    ],
)
def test_mistake_in_the_command_gives_one_line_and_code_2(options: list[str], message: str) -> None:
    assert message in fails(*options)


def test_option_without_effect_is_named_once_in_the_log(start: Start) -> None:
    process, _ = start("--set", "osc_damp_max=0.5")
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert process.stderr is not None
    log = process.stderr.read()
    assert log.count("option osc_damp_max has no effect") == 1
