"""The other side of the MicroPython application in its tests: programs that run it, and servers that it asks."""

import json
import queue
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
APPLICATION = HERE.parents[1] / "micropython"
LONGEST_WAIT_S = 15.0


class Program:
    """A script under MicroPython, and the lines it prints."""

    def __init__(self, micropython: Path, script: str, *arguments: str, folder: Path) -> None:
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        # half of it for pointers of 64 bits: about the 100 kB of a small board
        self._process = subprocess.Popen(
            [micropython, "-X", "heapsize=192k", HERE / script, APPLICATION, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def line(self) -> str:
        """The next one."""
        found = self._queue.get(timeout=LONGEST_WAIT_S)
        assert found is not None, "it ended:\n" + "\n".join(self.lines)
        self.lines.append(found)
        return found

    def wait_for(self, words: str) -> str:
        """The next line that holds the words."""
        end = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < end:
            line = self.line()
            if words in line:
                return line
        raise AssertionError(f"no {words!r} in:\n" + "\n".join(self.lines[-30:]))

    def take(self) -> Any:
        """What the meter hands over next: a list of W per phase, or None."""
        return json.loads(self.wait_for("take ").removeprefix("take "))

    def ask(self, **case: Any) -> dict[str, Any]:
        """One case for run_http.py."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        found = json.loads(self.line())
        assert isinstance(found, dict)
        return found

    def end(self) -> tuple[int, str]:
        """Exit code and output of a program that ends by itself."""
        code = self._process.wait(LONGEST_WAIT_S)
        self._reader.join()
        while (line := self._queue.get()) is not None:
            self.lines.append(line)
        return code, "\n".join(self.lines)

    def sockets(self) -> int:
        """Open ones."""
        count = 0
        for entry in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with suppress(OSError):
                count += str(entry.readlink()).startswith("socket:")
        return count

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()


@contextmanager
def program(micropython: Path, script: str, *arguments: str, folder: Path) -> Iterator[Program]:
    started = Program(micropython, script, *arguments, folder=folder)
    try:
        yield started
    finally:
        started.close()


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class Tcp:
    """A server on a free port of this machine; `serve` has each connection in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                made, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            made.settimeout(LONGEST_WAIT_S)
            self._open.append(made)
            threading.Thread(target=self._run, args=(made,), daemon=True).start()

    def _run(self, made: socket.socket) -> None:
        with made, suppress(OSError, EOFError):
            self._serve(made)

    def drop(self) -> None:
        """Close what is connected."""
        for made in self._open:
            with suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.drop()


type Answer = bytes | Callable[[socket.socket], None]


@dataclass
class Web:
    """An HTTP server that answers what it is told, right or wrong.

    Attributes:
        answer: Makes the answer to a request: bytes, or a function that does what it likes with the connection.
        requests: What was asked.
    """

    answer: Callable[[Request], Answer]
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tcp = Tcp(self._serve)
        self.host = f"127.0.0.1:{self._tcp.port}"
        self.url = f"http://{self.host}"

    def _serve(self, made: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            got = made.recv(4096)
            if not got:
                return
            data += got
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, version = first.split(" ")
        assert version == "HTTP/1.1"
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += made.recv(4096)
        request = Request(method, path, headers, body)
        self.requests.append(request)
        answer = self.answer(request)
        if callable(answer):
            answer(made)
            return
        made.sendall(answer)
        made.shutdown(socket.SHUT_WR)
        # like a server that is in no hurry to close
        made.recv(1)

    def close(self) -> None:
        self._tcp.close()


@contextmanager
def web(answer: Callable[[Request], Answer]) -> Iterator[Web]:
    served = Web(answer)
    try:
        yield served
    finally:
        served.close()


def reply(body: bytes | str, status: int = 200, headers: str = "") -> bytes:
    """With its length."""
    data = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status} So\r\n{headers}Content-Length: {len(data)}\r\n\r\n".encode() + data


def document(value: Any, status: int = 200) -> bytes:
    return reply(json.dumps(value), status, "Content-Type: application/json\r\n")


def reset(made: socket.socket) -> None:
    """Ends a connection with RST."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    made.close()


def silence(made: socket.socket) -> None:
    """Says nothing until the other side gives up."""
    made.recv(1)


def endless(made: socket.socket) -> None:
    """A body without end."""
    made.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        made.sendall(b"[" * 4096)


def endless_headers(made: socket.socket) -> None:
    made.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        made.sendall(b"X: " + b"y" * 500 + b"\r\n")


def endless_interim(made: socket.socket) -> None:
    while True:
        made.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def drop_by_drop(made: socket.socket) -> None:
    """Slower than anybody waits."""
    made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
    while True:
        made.sendall(b"[")
        time.sleep(0.05)
