"""The closed loop in real time: the emulator as a process of its own, the batteries on real UDP sockets.

The emulator is started exactly as a user would start it. House, meter and batteries run here; the meter goes to the
emulator's standard input as JSON lines, the batteries poll it through the loopback interface.
"""

import asyncio
import json
import math
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from nullwatt.home import HouseConfig

from .batteries import BatterySpec
from .site import Site

_HOST = "127.0.0.1"
_READY = re.compile(rf"nullwatt emulator: listening on (udp://{re.escape(_HOST)}:(\d+))")
_READY_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 3.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LiveError(Exception):
    """The emulator did not start or ended: `str()` is one line, `code` an exit code (2 = it refused its input)."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class EmulatorProcess:
    """The emulator as an operating-system process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Use `start` instead."""
        self.pid = process.pid
        self.endpoint = ""
        self.port = 0
        self._process = process
        self._tail = b""
        # Its log is read all the time: a full pipe would stop it.
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, port: int) -> "EmulatorProcess":
        """Start it on a UDP port of the loopback interface (0 = a free one) and wait until it listens.

        Raises LiveError, with its own last words, if it does not.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "nullwatt", "emulator"),
            *("--host", _HOST, "--port", str(port), "--meter", "stdin"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C goes to this process, which then stops the emulator itself
        )
        emulator = cls(process)
        try:
            await emulator._wait_until_ready()
        except BaseException:
            await emulator.stop()
            raise
        return emulator

    async def _wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        line = b""
        with suppress(TimeoutError):
            line = await asyncio.wait_for(self._process.stdout.readline(), _READY_TIMEOUT_S)
        ready = _READY.match(line.decode(errors="replace"))
        if ready:
            self.endpoint, self.port = ready[1], int(ready[2])
            return
        if line == b"" and await self._ended(_STOP_TIMEOUT_S):
            code = 2 if self._process.returncode == 2 else 1
            raise LiveError(await self._last_words() or "the emulator did not start", code)
        raise LiveError("the emulator did not report that it listens", 1)

    def feed(self, power_w: Sequence[float] | None) -> None:
        """Hand over what the meter reads per phase, W, None = unavailable. Nothing happens if the process is gone."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(json.dumps(None if power_w is None else list(power_w)).encode() + b"\n")

    async def died(self) -> str:
        """Return, once it has ended on its own, how: one line."""
        code = await self._process.wait()
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        words = await self._last_words()
        return f"the emulator (pid {self.pid}) {how}{': ' if words else ''}{words}"

    async def stop(self) -> None:
        """End it: politely, then firmly."""
        for ask in (self._process.terminate, self._process.kill):
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    ask()
                await self._ended(_STOP_TIMEOUT_S)
        self._listener.cancel()

    async def _ended(self, timeout_s: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), timeout_s)
        return self._process.returncode is not None

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(4096):
            self._tail = (self._tail + chunk)[-4096:]

    async def _last_words(self) -> str:
        """The last line of the ended process's standard error, or nothing."""
        await asyncio.wait({self._listener}, timeout=1.0)
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("nullwatt: ") if lines else ""


class LiveRun:
    """One house with its batteries, played along the real clock.

    `on_ready(emulator)` is called once the emulator listens, `on_second()` after each simulated second.
    """

    def __init__(
        self,
        house: HouseConfig,
        specs: Sequence[BatterySpec],
        time_scale: float = 1.0,
        on_ready: Callable[[EmulatorProcess], None] = lambda emulator: None,
        on_second: Callable[[], None] = lambda: None,
    ) -> None:
        """time_scale: simulated seconds per real second. The emulator's own time stays real.

        Raises ValueError for batteries on phases the house does not have.
        """
        self.site = Site(house, specs)
        self.batteries = self.site.batteries
        self.house = self.site.house
        self._time_scale = time_scale
        self._on_ready = on_ready
        self._on_second = on_second

    async def run(self, duration_s: float, port: int = 0) -> bool:
        """Play `duration_s` simulated seconds, 0 = until stopped. False if a signal (Ctrl-C) stopped it.

        The emulator is gone afterwards, however this ends. Raises LiveError if it does not start or ends midway.
        """
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, stop.set)
        try:
            emulator = await EmulatorProcess.start(port)
            try:
                self._on_ready(emulator)
                return await self._play(emulator, duration_s, stop)
            finally:
                await emulator.stop()
        finally:
            for number in _STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def _play(self, emulator: EmulatorProcess, duration_s: float, stop: asyncio.Event) -> bool:
        world = asyncio.create_task(
            self.site.play(
                _HOST, emulator.port, self._time_scale, duration_s or math.inf, emulator.feed, self._on_second
            )
        )
        death = asyncio.create_task(emulator.died())
        stopped = asyncio.create_task(stop.wait())
        tasks: tuple[asyncio.Task[object], ...] = (world, death, stopped)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a defect in here shows as what it is
            if death in done:
                raise LiveError(f"{death.result()} after {self.site.clock.now_s:.0f} s", 1)
            return world in done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
