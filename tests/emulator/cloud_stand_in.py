"""A stand-in for the Marstek cloud, written from the description of its three requests, that can fail in every way.

It creates what it is asked to create, whatever becomes of the reply, and may take its time to list it.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAILBOX = "jane.doe+x@example.org"
PASSWORD = "Pa ss%w0rd"
PASSWORD_MD5 = hashlib.md5(PASSWORD.encode()).hexdigest()
TOKEN = "tok+en/1"
SALT = "s41t"
#: What must never be seen outside of a request.
SECRETS = (
    MAILBOX,
    "jane.doe",
    PASSWORD,
    PASSWORD_MD5,
    TOKEN,
    "jane.doe%2Bx%40example.org",
    "Pa%20ss%25w0rd",
    "tok%2Ben%2F1",
)
HTML = b"<!doctype html><html><body>Please try again later</body></html>"


class Fault(Enum):
    """What becomes of one request."""

    NONE = "answered"
    REFUSED = "no connection"
    TIMED_OUT = "lost on the way there, no reply"
    REPLY_LOST = "acted upon, no reply"
    STATUS_500 = "not acted upon, status 500"
    STATUS_500_AFTER = "acted upon, status 500"
    REDIRECT = "status 302"
    HTML = "acted upon, HTML instead of JSON"
    EMPTY = "acted upon, empty body"
    CUT_OFF = "acted upon, connection broken amid the body"
    TRUNCATED = "acted upon, half of the JSON"
    OVERSIZE = "acted upon, far too long"
    NOT_AN_OBJECT = "acted upon, JSON of another kind"
    NO_CODE = "acted upon, JSON without a code"
    CODE_0 = "not acted upon, refused in JSON"


#: After these the host knows that there was no reply, or not all of it.
NO_REPLY = {Fault.REFUSED, Fault.TIMED_OUT, Fault.REPLY_LOST, Fault.CUT_OFF}
NOT_ACTED_UPON = {Fault.REFUSED, Fault.TIMED_OUT, Fault.STATUS_500, Fault.REDIRECT, Fault.CODE_0}


@dataclass
class Cloud:
    """The account and what was done with it.

    Attributes:
        devices: As the first list tells them.
        more_devices: Only in the second list.
        faults: One for each request; afterwards all goes well.
        lag: Looks at the first list before a created device is in it.
        password: That of the account.
        created: Ids of the devices that were created, each once.
        added: Parameters of each request to create one that was acted upon.
        requests: Path of each request.
        times: When it came.
    """

    devices: list[dict[str, Any]] = field(default_factory=list)
    more_devices: list[dict[str, Any]] = field(default_factory=list)
    faults: Iterable[Fault] = ()
    lag: int = 0
    password: str = PASSWORD
    token: str = TOKEN
    empty: Any = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    added: list[dict[str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    looks_left: int = 0
    pending: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._faults: Iterator[Fault] = iter(self.faults)

    def handle(self, url: str, headers: dict[str, str], at: float = 0.0) -> tuple[Fault, int, bytes]:
        """Fault, status and body; of a fault without a reply the latter two mean nothing."""
        parts = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.requests.append(parts.path)
        self.urls.append(f"{parts.path}?{parts.query}")
        self.headers.append(headers)
        self.times.append(at)
        fault = next(self._faults, Fault.NONE)
        if fault in NOT_ACTED_UPON:
            refusal = json.dumps({"code": 0, "msg": "no"}).encode()
            status = {Fault.REDIRECT: 302, Fault.STATUS_500: 500}.get(fault, 200)
            return fault, status, refusal if fault is Fault.CODE_0 else HTML
        status, body = self._act(parts.path, query, headers)
        if fault is Fault.STATUS_500_AFTER:
            return fault, 500, body
        changed = {
            Fault.HTML: HTML,
            Fault.EMPTY: b"",
            Fault.TRUNCATED: body[: len(body) // 2],
            Fault.OVERSIZE: body[:-1] + b" " * 200_000 + body[-1:],
            Fault.NOT_AN_OBJECT: b"[1]",
            Fault.NO_CODE: b'{"msg": "maybe"}',
        }
        return fault, status, changed.get(fault, body)

    def _act(self, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, bytes]:
        handlers = {
            "/app/Solar/v2_get_device.php": self._token,
            "/ems/api/v1/getDeviceList": self._list,
            "/app/Solar/v2_add_device.php": self._add,
        }
        if path not in handlers:
            return 404, HTML
        assert query["mailbox"] == MAILBOX, "every request names the account"
        return 200, json.dumps(handlers[path](query, headers), ensure_ascii=False).encode()

    def _token(self, query: dict[str, str], headers: dict[str, str]) -> Any:
        if query["pwd"] != hashlib.md5(self.password.encode()).hexdigest():
            return {"code": 4, "msg": "密码错误", "token": "", "data": []}
        if self.pending:
            if self.looks_left == 0:
                self.devices += self.pending
                self.pending = []
            self.looks_left -= 1
        return {"code": "2", "msg": "ok", "token": self.token, "data": self.devices or self.empty}

    def _list(self, query: dict[str, str], headers: dict[str, str]) -> Any:
        assert query["token"] == self.token
        return {"data": [{**device, "version": 121, "salt": SALT} for device in self.devices + self.more_devices]}

    def _add(self, query: dict[str, str], headers: dict[str, str]) -> Any:
        assert query["token"] == self.token == headers["token"]
        self.added.append(query)
        if query["devid"] not in self.created:
            self.created.append(query["devid"])
            self.pending.append({key: query[key] for key in ("devid", "mac", "type", "name")})
            self.looks_left = self.lag
        return {"code": 1, "msg": "ok"}


class CloudServer:
    """The stand-in behind a real socket, one connection per request."""

    def __init__(self, cloud: Cloud, *, silence_s: float = 5.0, port: int = 0) -> None:
        self.cloud = cloud
        self._silence_s = silence_s
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "CloudServer":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        # Wakes accept().
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            connection, _ = self._socket.accept()
            if not self._closing.is_set():
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
            else:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(2.0)
            raw = b""
            while b"\r\n\r\n" not in raw:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                raw += chunk
            first, *lines = raw.decode().split("\r\n\r\n")[0].split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            fault, status, body = self.cloud.handle(first.split(" ")[1], headers, time.monotonic())
            if fault is Fault.REFUSED:
                return  # closed without a word
            if fault in (Fault.TIMED_OUT, Fault.REPLY_LOST):
                self._closing.wait(self._silence_s)
                return
            head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nLocation: /\r\nConnection: close\r\n\r\n"
            if fault is Fault.CUT_OFF:
                body = body[: len(body) // 2]
            connection.sendall(head.encode() + body)
