"""A MicroPython board: the real interpreter as a process, on a littlefs of its own in a file, that can lose power."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPLICATION = ROOT / "micropython"
BLOCK = 4096
RESET, WATCHDOG, POWER = signal.SIGUSR1, signal.SIGUSR2, signal.SIGKILL

#: Runs on the interpreter. Its disk is a file; at operation number `cut` half a write is done and the power is gone.
DRIVER = """
import os, sys, vfs

command, image, cut, host = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]

class Disk:
    def __init__(self):
        self.file = open(image, "r+b")
        self.blocks = os.stat(image)[6] // %(block)d
        self.count = 0

    def power(self):
        self.count += 1
        if self.count == cut:
            os.system("kill -9 $PPID")

    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * %(block)d + offset)
        self.file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        half = len(buffer) // 2
        self.file.seek(block * %(block)d + offset)
        self.file.write(memoryview(buffer)[:half])
        self.power()
        self.file.write(memoryview(buffer)[half:])

    def ioctl(self, op, argument):
        if op == 4:
            return self.blocks
        if op == 5:
            return %(block)d
        if op == 6:
            self.power()
            self.file.seek(argument * %(block)d)
            self.file.write(b"\\xff" * %(block)d)
            return 0

disk = Disk()
if command == "make":
    vfs.VfsLfs2.mkfs(disk, progsize=256)
    board = vfs.VfsLfs2(disk, progsize=256)
    vfs.mount(board, "/board")
else:
    posix = vfs.VfsPosix(host)
    vfs.umount("/")
    vfs.mount(vfs.VfsLfs2(disk, progsize=256), "/")
    vfs.mount(posix, "/host")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib", "/host"]

def copy(source, target):
    for entry in os.ilistdir(source):
        a, b = source + "/" + entry[0], target + "/" + entry[0]
        if entry[1] == 0x4000:
            try:
                os.mkdir(b)
            except OSError:
                pass
            copy(a, b)
        else:
            with open(a, "rb") as i, open(b, "wb") as o:
                o.write(i.read())

if command == "make":
    copy(host, "/board")
elif command == "main":
    with open("/main.py") as file:
        text = file.read()
    exec(text, {"__name__": "__main__"})
else:
    exec(command, {"__name__": "__main__", "copy": copy})
print("operations", disk.count)
""" % {"block": BLOCK}  # noqa: UP031

#: What a board has in `machine` and this interpreter has not. A watchdog that is not fed ends the process.
MACHINE = """
import os, time, _thread

PWRON_RESET, WDT_RESET = 1, 3

def ends(cause):
    with open("/host/cause", "w") as file:
        file.write(str(cause))

def reset_cause():
    try:
        with open("/host/cause") as file:
            return int(file.read())
    except OSError:
        return PWRON_RESET

def reset():
    ends(2)
    os.system("kill -USR1 $PPID")
    while True:
        pass

class WDT:
    def __init__(self, id=0, timeout=5000):
        if timeout > %(longest)d:
            raise ValueError("timeout exceeds")
        print("watchdog", timeout)
        self.timeout = timeout
        self.fed = time.ticks_ms()
        _thread.start_new_thread(self.watch, ())

    def feed(self):
        self.fed = time.ticks_ms()

    def watch(self):
        while time.ticks_diff(time.ticks_ms(), self.fed) < self.timeout:
            time.sleep_ms(20)
        ends(WDT_RESET)
        os.system("kill -USR2 $PPID")

class Timer:
    def __init__(self, id):
        pass

    def init(self, period, callback):
        def every():
            while True:
                time.sleep_ms(period // 20)
                callback(self)
        _thread.start_new_thread(every, ())
"""

METER = """
from nullwatt.meters import Meter

class MyMeter(Meter):
    async def read(self):
        return [100.0]
"""

#: Seconds that a test cannot wait for.
QUICK = {
    "guard.py": {
        "HEALTHY_S = 60": "HEALTHY_S = 1",
        "TRIAL_S = 600": "TRIAL_S = 4",
        "LASTED_S = 180": "LASTED_S = 2",
        "_LOOK_MS = 1000": "_LOOK_MS = 50",
        "_LATE_MS = 3000": "_LATE_MS = 600",
        "_SHORTEST_MS = 5000": "_SHORTEST_MS = 500",
    },
    "app.py": {"TICK_MS = 1000": "TICK_MS = 50"},
    "launch.py": {"time.sleep(2)": "time.sleep(0.05)"},
    "update.py": {"FILE_S = 60": "FILE_S = 2"},
    "updates.py": {"FIRST_S = 60": "FIRST_S = 0.2", "asyncio.sleep(2)": "asyncio.sleep(0)"},
}


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_package(folder: Path, version: str, changes: dict[str, dict[str, str]] | None = None) -> Path:
    """The application in a folder, as another version and with other texts; the folder."""
    package = folder / "nullwatt"
    shutil.copytree(APPLICATION / "nullwatt", package)
    init = package / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', init.read_text()))
    for source in (QUICK, changes or {}):
        for name, texts in source.items():
            text = (package / name).read_text()
            for old, new in texts.items():
                assert old in text, f"{name}: {old}"
                text = text.replace(old, new)
            (package / name).write_text(text)
    return folder


class Board:
    """One board. `start` runs it until a line comes or it ends."""

    def __init__(self, interpreter: Path, folder: Path, blocks: int = 300, longest_watchdog: int = 100000) -> None:
        self.interpreter = interpreter
        self.folder = folder
        self.image = folder / "disk"
        self.host = folder / "host"
        self.host.mkdir(parents=True)
        (folder / "driver.py").write_text(DRIVER)
        (self.host / "machine.py").write_text(MACHINE % {"longest": longest_watchdog})
        self.image.write_bytes(b"\xff" * BLOCK * blocks)
        self.ended: int | None = None

    def fill(self, tree: Path) -> None:
        """Format the disk and copy a tree onto it."""
        self._finish(self._process("make", 0, tree))

    def do(self, code: str, cut: int = 0) -> str:
        """What a piece of code prints on this board."""
        return self._finish(self._process(code, cut, self.host), allowed=(0, -POWER) if cut else (0,))

    def start(self, until: str = "", cut: int = 0, seconds: float = 30.0) -> str:
        """Power on; what is printed up to the line that holds `until` (then the power is cut) or to its end."""
        process = self._process("main", cut, self.host)
        lines: list[str] = []
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        found = not until
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if until and re.search(until, line):
                found = True
                process.kill()
                break
        process.kill() if found and until else None
        process.stdout.close()
        self.ended = process.wait()
        late = not timer.is_alive()
        timer.cancel()
        text = "".join(lines)
        assert not late, f"no end, or no {until!r}, within {seconds} s:\n{text}"
        return text

    def live(self, until: str, seconds: float = 60.0) -> str:
        """Power on, and again after each reset, up to the line that holds `until`."""
        text, end = "", time.monotonic() + seconds
        while time.monotonic() < end:
            text += self.start(until)
            if re.search(until, text):
                return text
            assert self.ended in (-RESET, -WATCHDOG), f"ended with {self.ended}:\n{text}"
            text += f"-- {signal.Signals(-self.ended).name}\n"
        raise AssertionError(f"no {until!r}:\n{text}")

    def _process(self, command: str, cut: int, host: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.interpreter, self.folder / "driver.py", command, self.image, str(cut), host],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def _finish(self, process: subprocess.Popen[str], allowed: tuple[int, ...] = (0,)) -> str:
        text, _ = process.communicate(timeout=60)
        self.ended = process.returncode
        assert self.ended in allowed, f"ended with {self.ended}:\n{text}"
        return text


def make_board(
    interpreter: Path, folder: Path, port: int, config: dict[str, object], version: str = "0.1.0", **more: object
) -> Board:
    """A board with a version in /lib, a meter that always works, and main.py."""
    tree = folder / "tree"
    copy_package(tree / "lib", version, more.pop("changes", None))  # type: ignore[arg-type]
    shutil.copy(APPLICATION / "main.py", tree / "main.py")
    (tree / "my_meter.py").write_text(METER)
    document = {"meter": {"type": "my_meter:MyMeter", "interval": 0.1}, "ct002": {}, "web": {"port": 0}, **config}
    (tree / "config.json").write_text(json.dumps(document))
    board = Board(interpreter, folder / "board", **more)  # type: ignore[arg-type]
    board.fill(tree)
    return board


type MakeBoard = Callable[..., Board]
