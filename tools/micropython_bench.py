"""How long the MicroPython application takes to answer a poll, on the unix port. Run by `make micropython-bench`.

50 polls a second from four batteries over loopback UDP, with a meter that reads once a second; the rest of the
application (page, tick, log) runs beside. The figures belong to the machine they were taken on.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nullwatt.core import encode_frame

ROOT = Path(__file__).parents[1]
PER_S = 50
METER = """
from nullwatt.meters import Meter
class Flat(Meter):
    async def read(self):
        return [300.0, -20.0, 45.5]
"""


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def measured(program: Path, heap: str, seconds: float) -> list[float]:
    """Milliseconds from poll to reply, sorted."""
    udp, web = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flat.py").write_text(METER)
        config = {"meter": {"type": "flat:Flat"}, "ct002": {"udp_port": udp}, "web": {"port": web}}
        Path(folder, "config.json").write_text(json.dumps(config))
        process = subprocess.Popen(
            [program, "-X", f"heapsize={heap}", "-c", "import nullwatt; nullwatt.run()"],
            cwd=folder,
            env={**os.environ, "MICROPYPATH": f".:{ROOT / 'micropython'}:.frozen"},
            stdout=subprocess.DEVNULL,
        )
        try:
            return sorted(polled(udp, seconds))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def polled(port: int, seconds: float) -> list[float]:
    polls = [encode_frame(["HMG-50", f"60f1a2b3c40{n}", "HME-4", "", "ABC"[n % 3], "-217"]) for n in range(4)]
    taken = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.2)
        for _ in range(100):  # until it is there
            try:
                client.send(polls[0])
                client.recv(1024)
                break
            except OSError:
                time.sleep(0.05)
        client.settimeout(2.0)
        start, number = time.perf_counter(), 0
        while (now := time.perf_counter()) < start + seconds:
            client.send(polls[number % 4])
            client.recv(1024)
            taken.append((time.perf_counter() - now) * 1000)
            number += 1
            time.sleep(max(0.0, start + number / PER_S - time.perf_counter()))
    return taken


def main() -> None:
    program, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    for heap in ("256k", "1m"):
        taken = measured(program.absolute(), heap, seconds)
        p99 = taken[int(len(taken) * 0.99)]
        print(
            f"heap {heap:>5}: {len(taken)} polls, median {statistics.median(taken):.2f} ms, p99 {p99:.2f} ms, "
            f"most {taken[-1]:.2f} ms   goal p99 2 ms"
        )


if __name__ == "__main__":
    main()
