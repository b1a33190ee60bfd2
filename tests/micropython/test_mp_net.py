"""What connects the MicroPython application with its network and its people: page, configuration, Wi-Fi, MQTT."""

import base64
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.core import decode_frame, encode_frame

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tools"))
import micropython_build as tool  # noqa: E402

PACKAGE = ROOT / "micropython"
LONGEST_WAIT_S = 20.0
SHOTS = os.environ.get("NULLWATT_SHOTS")
METER = """
from nullwatt.keys import Key
from nullwatt.meters import Meter


class Flat(Meter):
    keys = {
        "power": Key(float, 100.0, -5000.0, 5000.0, help="W that it reads"),
        "host": Key(str, ""),
        "token": Key(str, "", secret=True),
    }

    async def read(self):
        return [self.options["power"], -50.0, 20.0]
"""
RUN = "from nullwatt import run; run('config.json')"


def missing_tool(name: str, remedy: str) -> None:
    """Skips with one line that names the tool; on CI, where every tool must be there, fails."""
    line = f"{name} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing_tool(name, f"install the package {package}")
    assert found is not None
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with closing(socket.socket(socket.AF_INET, kind)) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def until[T](what: Callable[[], T], words: str) -> T:
    """The first true value of a function."""
    end = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(0.02)
    raise AssertionError(words)


class Board:
    """A MicroPython with a folder of its own for its flash."""

    def __init__(self, micropython: Path, folder: Path) -> None:
        self.folder = folder
        self.package = PACKAGE
        # Sources are compiled on the spot, and a restart here keeps the heap: more than a board needs.
        self.heap = "768k"
        self.udp_port = free_port(socket.SOCK_DGRAM)
        self.web_port = free_port()
        self.micropython = micropython
        self._running: list[subprocess.Popen[bytes]] = []
        self.log_file = folder / "log"
        self.log_file.touch()
        (folder / "flat.py").write_text(METER)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def config(self) -> Path:
        return self.folder / "config.json"

    def configure(self, **sections: Any) -> None:
        web = {"port": self.web_port} | sections.pop("web", {})
        whole = {"meter": {"type": "flat:Flat"}, "ct002": {"udp_port": self.udp_port}, "web": web} | sections
        self.config.write_text(json.dumps(whole))

    def start(self, script: str = RUN, **options: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "MICROPYPATH": f".:{self.package}:.frozen"} | options.pop("env", {})
        with self.log_file.open("ab") as out:
            started = subprocess.Popen(
                [self.micropython, "-X", f"heapsize={self.heap}", "-c", script],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                **options,
            )
        self._running.append(started)
        return started

    def said(self, words: str, times: int = 1) -> None:
        until(lambda: self.log.count(words) >= times, f"never said {words!r}")

    def serve(self, **options: Any) -> httpx.Client:
        """Starts the application and waits for its page."""
        self.start(**options)
        self.said("web: http://")
        return self.client()

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.web_port}", timeout=LONGEST_WAIT_S, **options)

    def poll(self, power: int = 0) -> bytes | None:
        """What a battery is answered."""
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as battery:
            battery.settimeout(1.0)
            battery.sendto(
                encode_frame(["HMG-50", "02B250000001", "HME-4", "", "A", str(power)]), ("127.0.0.1", self.udp_port)
            )
            try:
                return battery.recv(2048)
            except (TimeoutError, ConnectionRefusedError):
                return None

    def ask(self, request: bytes) -> bytes:
        """What the page answers to raw bytes."""
        with closing(socket.create_connection(("127.0.0.1", self.web_port), LONGEST_WAIT_S)) as stream:
            stream.sendall(request)
            answer = b""
            while piece := stream.recv(4096):
                answer += piece
            return answer

    def stop(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


@pytest.fixture
def board(micropython: Path, tmp_path: Path) -> Iterator[Board]:
    made = Board(micropython, tmp_path)
    try:
        yield made
    finally:
        made.stop()
    assert "Traceback" not in made.log, made.log


# -- the page


def test_from_nothing_to_a_battery_that_is_answered(board: Board) -> None:
    board.start()
    board.said("web: http://")
    found = re.search(r"web: http://0\.0\.0\.0:(\d+)", board.log)
    assert found
    free, board.web_port = board.web_port, int(found[1])
    with board.client() as page:
        assert page.get("/").headers["location"] == "/setup"
        assert page.get("/api/config").json()["setup"] is True
        whole = {
            "web": {"port": free},
            "meter": {"type": "flat:Flat", "power": 333},
            "ct002": {"udp_port": board.udp_port},
        }
        assert page.post("/api/config", json=whole).json()["saved"]
        page.post("/api/restart", json={})
    board.web_port = free
    board.said("web: http://", 2)
    assert json.loads(board.config.read_text()) == whole
    reply = until(board.poll, "no answer to a poll")
    assert decode_frame(reply)
    with board.client() as page:
        state = until(lambda: (s := page.get("/api/status").json()["state"]).get("grid") and s, "no reading")
        assert state["grid"] == [333, -50, 20]
        assert "<title>nullwatt" in page.get("/").text


def test_what_is_unknown_is_left_out_of_the_state(board: Board) -> None:
    (board.folder / "silent.py").write_text(
        METER.replace("return [", "raise ValueError('no \\\\n line')\n        return [")
    )
    board.configure(meter={"type": "silent:Flat", "interval": 0.1})
    with board.serve() as page:
        board.said("meter: unavailable")
        answer = page.get("/api/status").json()
    assert "ValueError" in answer["state"]["meter_error"]
    assert not {"grid", "grid_total", "demand", "grid_age"} & answer["state"].keys()
    assert answer["batteries"] == []


def test_secrets_do_not_leave_the_board(board: Board) -> None:
    secrets = {"wifi": "wifi-secret", "mqtt": "mqtt-secret", "meter": "meter-secret", "web": "page-secret"}
    board.configure(
        wifi={"ssid": "home", "password": secrets["wifi"]},
        mqtt={"host": "127.0.0.1", "port": free_port(), "password": secrets["mqtt"]},
        meter={"type": "flat:Flat", "token": secrets["meter"]},
        web={"password": secrets["web"]},
    )
    with board.serve() as page:
        page.auth = ("anybody", secrets["web"])
        said = "".join(
            page.get(path).text
            for path in ("/", "/setup", "/api/status", "/api/config", "/api/meter?type=flat:Flat", "/api/networks")
        )
        said += page.post("/api/config", json={"wifi": {"ssid": 5, "password": "typed-secret"}}).text
        said += page.post("/api/config", json={"wifi": {"password": "s" * 64}}).text
        shown = page.get("/api/config").json()
    assert set(shown["secrets"]) == {"wifi.password", "mqtt.password", "meter.token", "web.password"}
    assert shown["config"]["wifi"] == {"ssid": "home"}
    for secret in (*secrets.values(), "typed-secret", "s" * 64):
        assert secret not in said
        assert secret not in board.log


def test_a_meter_nobody_knows_is_all_secret(board: Board) -> None:
    board.config.write_text(
        json.dumps({"web": {"port": board.web_port}, "wifi": {"ssid": "a", "password": "hidden"}, "meter": None})
    )
    with board.serve() as page:
        board.config.write_text(json.dumps({"meter": {"type": "gone:Meter", "code": "hidden"}}))
        assert page.get("/api/config").json()["config"]["meter"] == {"type": "gone:Meter"}


def test_empty_keeps_a_secret_null_forgets_it(board: Board) -> None:
    board.configure(wifi={"ssid": "home", "password": "kept-secret"}, mqtt={"user": "a", "password": "kept-too"})

    def stored() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(board.config.read_text())
        return found

    with board.serve() as page:
        page.post("/api/config", json={"wifi": {"ssid": "home", "password": "", "country": "DE"}})
        assert stored()["wifi"] == {"ssid": "home", "password": "kept-secret", "country": "DE"}
        page.post("/api/config", json={"wifi": {"ssid": "home", "password": None}})
        assert stored()["wifi"] == {"ssid": "home"}
        # Nobody gets a secret sent to an address of his choice.
        answer = page.post("/api/config", json={"mqtt": {"user": "a", "host": "192.0.2.66"}}).json()
        assert answer["forgotten"] == ["mqtt.password"]
        assert stored()["mqtt"] == {"user": "a", "host": "192.0.2.66"}
        page.post("/api/config", json={"mqtt": None})
        assert "mqtt" not in stored()
        assert stored()["meter"] == {"type": "flat:Flat"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wfii": {}}, 'wfii: unknown section, did you mean "wifi"?'),
        ({"wifi": {"ssid": "x" * 33}}, "wifi.ssid"),
        ({"mqtt": {"port": 0}}, "mqtt.port = 0: must be within 1 and 65535"),
        ({"meter": {"type": "shely"}}, 'meter.type = "shely": no such meter, did you mean "shelly"?'),
        ({"meter": {"type": "flat:Flat", "power": "much"}}, 'meter.power = "much": must be a number'),
        ({"meter": {"type": "flat:Flat", "pwoer": 1}}, 'did you mean "power"?'),
        ({"meter": {"type": "../../etc/passwd:x"}}, "meter.type"),
        ({"meter": []}, "meter"),
        ({"ct002": {"balancer": {"grid_traget": 1}}}, "ct002.balancer.grid_traget"),
        ({"ct002": {"max_sensor_age": -4}}, "max_sensor_age"),
        ([1], "must be an object"),
        ("x", "must be an object"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(page: tuple[Board, httpx.Client], change: object, words: str) -> None:
    board, client = page
    before = board.config.read_bytes()
    answer = client.post("/api/config", json=change)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert words in error
    assert "\n" not in error
    assert board.config.read_bytes() == before
    assert not (board.folder / "config.json.new").exists()


@pytest.fixture(scope="module")
def page(micropython: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Board, httpx.Client]]:
    """A running board for tests that leave it as it is."""
    board = Board(micropython, tmp_path_factory.mktemp("board"))
    board.configure()
    try:
        with board.serve() as client:
            yield board, client
            assert client.get("/api/status").status_code == 200
    finally:
        board.stop()
    assert "Traceback" not in board.log, board.log


REQUESTS = {
    "no request": (b"hello\r\n\r\n", 400),
    "binary": (bytes(range(256)) + b"\r\n\r\n", 400),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + b"\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "absolute": (b"GET http://evil/ HTTP/1.1\r\n\r\n", 400),
    "long path": (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n\r\n", 400),
    "huge header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 50_000, 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000, 431),
    "space before the colon": (b"POST /api/config HTTP/1.1\r\nContent-Length : 3\r\n\r\n", 400),
    "folded": (b"GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", 400),
    "traversal": (b"GET /../config.json HTTP/1.1\r\n\r\n", 404),
    "encoded traversal": (b"GET /%2e%2e/config.json HTTP/1.1\r\n\r\n", 404),
    "file": (b"GET /config.json HTTP/1.1\r\n\r\n", 404),
    "method": (b"DELETE /api/config HTTP/1.1\r\n\r\n", 405),
    "restart by GET": (b"GET /api/restart HTTP/1.1\r\n\r\n", 405),
    "POST of a page": (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
    "odd escapes": (b"GET /api/meter?type=%zz%ff%0 HTTP/1.1\r\n\r\n", 404),
    "unsaved module": (b"GET /api/meter?type=os:system HTTP/1.1\r\n\r\n", 404),
}
POST = b"POST /api/config HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
REQUESTS |= {
    "no length": (POST + b"\r\n{}", 411),
    "chunked": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    "negative": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "too long": (POST + b"Content-Length: 20000\r\n\r\n" + b"x" * 20000, 413),
    "far too long": (POST + b"Content-Length: 999999999999\r\n\r\n", 400),
    "no JSON": (POST + b"Content-Length: 5\r\n\r\n{'a'}", 400),
    "deep JSON": (POST + b"Content-Length: 8000\r\n\r\n" + b"[" * 8000, 400),
    "no text": (POST + b"Content-Length: 2\r\n\r\n\xff\xfe", 400),
    "a form": (
        b"POST /api/config HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        415,
    ),
    "other origin": (POST + b"Origin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", 403),
    "no origin": (POST + b"Origin: null\r\nContent-Length: 2\r\n\r\n{}", 403),
    "other site": (POST + b"Sec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}", 403),
}
OTHER = POST.replace(b"127.0.0.1", b"%s") + b"Origin: http://%s\r\nContent-Length: 2\r\n\r\n{}"
REQUESTS |= {
    # A name that is given our address belongs to the same site, as far as a browser knows.
    "rebound": (OTHER % (b"evil.example", b"evil.example"), 403),
    "rebound like us": (OTHER % (b"nullwatt.evil.example", b"nullwatt.evil.example"), 403),
    "no host": (OTHER % (b"", b""), 403),
    "our name": (OTHER % (b"nullwatt.local:80", b"nullwatt.local:80"), 200),
    "our router's name": (OTHER % (b"nullwatt.fritz.box", b"nullwatt.fritz.box"), 200),
    "our address": (OTHER % (b"192.168.1.9:8080", b"192.168.1.9:8080"), 200),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_odd_requests_are_answered_in_one_line(page: tuple[Board, httpx.Client], name: str) -> None:
    request, status = REQUESTS[name]
    answer = page[0].ask(request)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert status == 200 or json.loads(body)["error"]


def test_whoever_is_slow_makes_room(page: tuple[Board, httpx.Client]) -> None:
    board, client = page
    slow = [socket.create_connection(("127.0.0.1", board.web_port)) for _ in range(12)]
    try:
        for stream in slow:
            stream.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(3):
            assert client.get("/api/status").status_code == 200
    finally:
        for stream in slow:
            stream.close()


def test_whoever_does_not_read_or_finish_makes_room(page: tuple[Board, httpx.Client]) -> None:
    board, client = page
    deaf = []
    try:
        for request in (b"GET /setup HTTP/1.1\r\n\r\n", POST + b"Content-Length: 100\r\n\r\n{") * 3:
            stream = socket.socket()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            stream.connect(("127.0.0.1", board.web_port))
            stream.sendall(request)
            deaf.append(stream)
        assert client.get("/api/status").status_code == 200
    finally:
        for stream in deaf:
            stream.close()


def test_a_password_guards_what_changes_something(board: Board) -> None:
    board.configure(web={"password": "p\u00e4ss:wort"})
    with board.serve() as page:
        assert page.get("/api/status").status_code == 200
        assert page.get("/").status_code == 200
        before = board.config.read_bytes()
        wrong = ["", "p", "p\u00e4ss:wort2", "p\u00e4ss:wor"]
        tokens = [None, "Basic", "Basic !!!", "Bearer x", "Basic " + base64.b64encode(b"nocolon").decode()]
        tokens += ["Basic " + base64.b64encode(f"a:{one}".encode()).decode() for one in wrong]
        for token in tokens:
            headers = {} if token is None else {"Authorization": token}
            answer = page.post("/api/config", json={"ct002": {}}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic")
        assert page.post("/api/restart", json={}).status_code == 401
        assert page.get("/setup").status_code == 401
        assert page.get("/api/config").status_code == 401
        assert board.config.read_bytes() == before
        right = {"Authorization": "Basic " + base64.b64encode("me:p\u00e4ss:wort".encode()).decode()}
        assert page.post("/api/config", json={"ct002": {"grid_target": 7}}, headers=right).status_code == 200
        assert json.loads(board.config.read_text())["ct002"] == {"grid_target": 7}


# -- the file


def test_a_full_disk_is_told_and_keeps_the_old_file(board: Board) -> None:
    board.configure()

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # What is printed goes to a file as well; it has had its room.
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    with board.serve(preexec_fn=small_disk, restore_signals=False) as page:
        before = board.config.read_bytes()
        answer = page.post("/api/config", json={"wifi": {"ssid": "home"}, "update": {"url": "x" * 5000}})
        assert answer.status_code == 507
        assert "no room left" in answer.json()["error"]
        assert board.config.read_bytes() == before
        assert not (board.folder / "config.json.new").exists()
        assert page.post("/api/config", json={"wifi": {"ssid": "home"}}).status_code == 200


WRITE = """
from nullwatt import store
store.write("config.json", {"wifi": {"ssid": "new", "password": "x" * 1500}, "meter": {"type": "flat:Flat"}})
"""


def test_a_power_cut_leaves_the_old_or_the_new_file(board: Board, tmp_path_factory: pytest.TempPathFactory) -> None:
    shim = tmp_path_factory.mktemp("shim") / "cut_power.so"
    compiler = program("gcc", "gcc")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, HERE / "cut_power.c", "-ldl"], check=True)
    old = {"wifi": {"ssid": "old"}}
    seen = []
    for count in range(1, 200):
        board.config.write_text(json.dumps(old))
        environment = {"LD_PRELOAD": str(shim), "CUT_FILE": "config.json", "CUT_AT": str(count)}
        process = board.start(WRITE, env=environment)
        process.wait()
        found = json.loads(board.config.read_text())
        seen.append(found["wifi"]["ssid"])
        assert found == old or found["wifi"]["password"] == "x" * 1500
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, board.log
    assert len(seen) > 10, "the cuts did not reach the file"
    assert seen == ["old"] * (len(seen) - 1) + ["new"]


def test_a_file_system_that_does_not_replace_files_is_recovered(board: Board) -> None:
    """FAT refuses to rename onto a file: the old one has to go first."""
    process = board.start(
        """
import json, os, vfs
class Ram:
    def __init__(self): self.data = bytearray(512 * 100)
    def readblocks(self, n, buf): buf[:] = self.data[n * 512:n * 512 + len(buf)]
    def writeblocks(self, n, buf): self.data[n * 512:n * 512 + len(buf)] = buf
    def ioctl(self, op, arg): return 100 if op == 4 else 512 if op == 5 else 0
ram = Ram()
vfs.VfsFat.mkfs(ram)
vfs.mount(ram, "/flash")
from nullwatt import store
path = "/flash/config.json"
assert not store.exists(path)
for number in range(3):
    store.write(path, {"number": number})
    assert store.read(path) == {"number": number}
assert os.listdir("/flash") == ["config.json"]
os.rename(path, path + store.NEW)   # the power went after the old one was gone
assert store.exists(path) and store.read(path) == {"number": 2}
os.remove(path)
with open(path + store.NEW, "w") as file: file.write('{"number"')
assert not store.exists(path)
print("all well")
"""
    )
    process.wait()
    assert "all well" in board.log, board.log


def test_a_broken_file_is_told_at_start(board: Board) -> None:
    board.config.write_text("{")
    process = board.start()
    process.wait(LONGEST_WAIT_S)
    assert board.log.strip() == "nullwatt: config.json: is not JSON"


# -- Wi-Fi


@pytest.fixture
def radio(board: Board) -> Callable[..., None]:
    """Gives the board a radio; then says what is in the air."""
    shutil.copy(HERE / "stand_in_network.py", board.folder / "network.py")

    def set_air(**what: object) -> None:
        made = board.folder / "air.new"
        made.write_text(json.dumps(what))
        made.rename(board.folder / "air")

    set_air()
    return set_air


LIFE = """
import asyncio, json, network
from nullwatt import wifi, log
log.set_level("debug")
wifi._ATTEMPT = 1
wifi._BACK_OFF_MS = (50, 200)
one = wifi.Wifi(json.loads(%r), network, protect=%r, setup_after=%r)
async def main():
    task = asyncio.create_task(one.run())
    was = None
    while True:
        now = (one.address, one.setup_address, one.rssi, one.connects)
        if now != was:
            was = now
            print("now", json.dumps(now))
        try:
            open("stop").close()
            break
        except OSError:
            pass
        await asyncio.sleep_ms(20)
    task.cancel()
    await asyncio.sleep_ms(50)
    print("ended", [one.on for one in network.WLAN._all.values()], network.named)
asyncio.run(main())
"""
OPTIONS = {"ssid": "home", "password": "right", "hostname": "nullwatt", "country": "DE", "setup": True}


def test_wifi_connects_loses_and_connects_again(board: Board, radio: Callable[..., None]) -> None:
    radio(up=True, password="right")
    board.start(LIFE % (json.dumps(OPTIONS), "", 300))
    board.said('now ["127.0.0.1", "", -61, 1]')
    assert "radio 0 [('pm', 0)]" in board.log
    radio(up=False)
    board.said("wifi: connection lost")
    board.said("no such network in reach")
    radio(up=True, password="other")
    board.said("wrong password")
    radio(error=True)
    board.said("cannot connect (error")
    radio(up=True, password="right")
    board.said('now ["127.0.0.1", "", -61, 2]')
    # it was connected once: nobody may take it over by jamming
    assert "to set up" not in board.log
    assert "'right'" not in board.log
    (board.folder / "stop").touch()
    board.said("ended")
    assert "'hostname': 'nullwatt'" in board.log


def test_wifi_that_never_connects_opens_a_network_and_closes_it(board: Board, radio: Callable[..., None]) -> None:
    radio(up=False, guests=1)
    board.start(LIFE % (json.dumps(OPTIONS), "longenough", 0.5))
    board.said("in the network nullwatt-BEEF to set up")
    assert "('key', 'longenough'), ('security', 3), ('ssid', 'nullwatt-BEEF')" in board.log
    radio(up=True, password="right", guests=0)  # the guest left, the router is back
    board.said('"", -61, 1]')
    board.said("the network for setting up is closed")
    (board.folder / "stop").touch()
    board.said("ended [True, False]")


def test_wifi_does_not_open_a_network_unless_it_may(board: Board, radio: Callable[..., None]) -> None:
    radio(up=False)
    board.start(LIFE % (json.dumps(OPTIONS | {"setup": False}), "", 0))
    board.said("no such network")
    radio(error=True)
    board.said("cannot connect")
    assert "to set up" not in board.log


def test_setting_up_over_the_access_point(board: Board, radio: Callable[..., None]) -> None:
    radio(up=True, password="right")
    board.config.write_text(json.dumps({"web": {"port": board.web_port}}))
    with board.serve() as page:
        board.said("to set up")
        assert "('security', 0), ('ssid', 'nullwatt-BEEF')" in board.log
        own = f"http://127.0.0.1:{board.web_port}/setup"
        for path in ("/generate_204", "/hotspot-detect.html", "/ncsi.txt", "/connecttest.txt", "/whatever?x=y"):
            answer = page.get(path, headers={"Host": "connectivitycheck.gstatic.com"})
            assert (answer.status_code, answer.headers["location"]) == (302, own)
        assert page.get("/generate_204").headers["location"] == own
        assert page.get("/setup").status_code == 200
        networks = page.get("/api/networks").json()
        assert networks == [["home", -61, False], ["<b>caf\u00e9 & co</b>", -75, True]]
        change = {
            "wifi": {"ssid": "home", "password": "right"},
            "meter": {"type": "flat:Flat"},
            "ct002": {"udp_port": board.udp_port},
        }
        assert page.post("/api/config", json=change).status_code == 200
        page.post("/api/restart", json={})
        board.said("wifi: connected to home")
        assert "the network for setting up is closed" in board.log
        until(board.poll, "no answer to a poll")
        board.said("web: http://", 2)
        assert page.get("/generate_204").status_code == 404


# -- names


def question(name: str, kind: int = 1, flags: int = 0x0100, number: int = 0x1234) -> bytes:
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split(".") if part)
    head = b"".join(value.to_bytes(2, "big") for value in (number, flags, 1, 0, 0, 0))
    return head + labels + b"\0" + kind.to_bytes(2, "big") + b"\0\1"


ANSWERS = """
import sys
from nullwatt.portal import answer
for line in sys.stdin:
    reply = answer(bytes.fromhex(line.strip()), b"\\x0a\\x01\\x02\\x03")
    print("none" if reply is None else reply.hex())
"""


def dns_answers(micropython: Path, packets: list[bytes]) -> list[bytes | None]:
    done = subprocess.run(
        [micropython, "-c", ANSWERS],
        input="\n".join(packet.hex() for packet in packets) + "\n",
        env={**os.environ, "MICROPYPATH": f"{PACKAGE}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(packets), done.stderr
    return [None if line == "none" else bytes.fromhex(line) for line in lines]


def test_names_lead_to_the_board(micropython: Path) -> None:
    asked = [question("connectivitycheck.gstatic.com"), question("a.b", kind=28), question("", kind=1)]
    address, other, root = dns_answers(micropython, asked)
    assert address is not None
    assert other is not None
    assert address[:2] == b"\x12\x34"
    assert address[2] & 0x81 == 0x81
    assert address[3] & 0x0F == 0
    assert address[4:12] == b"\0\1\0\1\0\0\0\0"
    assert address[12:].startswith(asked[0][12:])
    assert address.endswith(b"\x00\x04\x0a\x01\x02\x03")
    assert other[4:12] == b"\0\1\0\0\0\0\0\0"
    assert root is not None


def test_what_is_no_question_gets_no_answer(micropython: Path) -> None:
    whole = question("www.example.org")
    odd = [
        whole[:size]
        for size in range(1, len(whole))  # cut anywhere
    ]
    odd += [
        question("a.b", flags=0x8180),  # an answer: two boards must not talk for ever
        question("a.b", flags=0x2800),
        whole[:12] + b"\xc0\x0c\0\1\0\1",  # points to itself
        whole[:12] + b"\x3f" + b"a" * 10,
        whole[:4] + b"\0\0" + whole[6:],
        whole[:4] + b"\xff\xff" + whole[6:],
        whole[:12] + b"\x3fa" * 200,
        question(".".join(["a" * 60] * 6)),
    ]
    assert dns_answers(micropython, odd) == [None] * len(odd)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(min_size=1, max_size=512), st.tuples(st.binary(max_size=9), st.integers(0, 40))),
        min_size=200,
        max_size=300,
    )
)
def test_hostile_names_are_survived(micropython: Path, parts: list[bytes | tuple[bytes, int]]) -> None:
    whole = question("www.example.org")
    packets = [
        part if isinstance(part, bytes) else whole[: part[1]] + part[0] + whole[part[1] + len(part[0]) :]
        for part in parts
    ]
    for packet, reply in zip(packets, dns_answers(micropython, packets), strict=True):
        if reply is not None:
            assert reply[:2] == packet[:2]
            assert reply[2] & 0x80
            assert packet[2] & 0x80 == 0
            assert len(reply) <= len(packet) + 16


PORTAL = """
import asyncio
from nullwatt.portal import Portal
class Wifi: setup_address = ""
wifi = Wifi()
portal = Portal(wifi, %d)
async def main():
    asyncio.create_task(portal.run())
    while True:
        try:
            open("open").close()
            wifi.setup_address = "127.0.0.1"
        except OSError:
            wifi.setup_address = ""
        await asyncio.sleep_ms(50)
asyncio.run(main())
"""


def test_names_are_answered_only_while_there_is_something_to_set_up(board: Board) -> None:
    port = free_port(socket.SOCK_DGRAM)
    (board.folder / "open").touch()
    board.start(PORTAL % port)

    def resolve() -> bytes | None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as phone:
            phone.settimeout(0.3)
            phone.connect(("127.0.0.1", port))
            try:
                phone.send(b"\xff" * 600)
                phone.send(b"x")
                phone.send(question("example.org"))
                return phone.recv(600)
            except (TimeoutError, ConnectionRefusedError):
                return None

    reply = until(resolve, "no answer")
    assert reply.endswith(b"\x7f\0\0\1")
    (board.folder / "open").unlink()
    until(lambda: resolve() is None, "still answered")
    (board.folder / "open").touch()
    until(resolve, "no answer after it was opened again")


# -- MQTT


class Broker:
    """mosquitto on a port of its own."""

    def __init__(self, folder: Path, *, password: str = "") -> None:
        self.port = free_port()
        self.password = password
        self._program = program("mosquitto", "mosquitto")
        self._file = folder / "mosquitto.conf"
        text = f"listener {self.port} 127.0.0.1\npersistence false\nallow_anonymous {str(not password).lower()}\n"
        if password:
            passwords = folder / "passwords"
            subprocess.run(
                [program("mosquitto_passwd", "mosquitto"), "-b", "-c", passwords, "me", password], check=True
            )
            passwords.chmod(0o644)
            text += f"password_file {passwords}\n"
        if os.getuid() == 0:
            text += "user root\n"
        self._file.write_text(text)
        self._running: subprocess.Popen[bytes] | None = None
        self._listeners: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._running = subprocess.Popen(
            [self._program, "-c", self._file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._listens, "mosquitto does not listen")

    def _listens(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()

    def _login(self) -> list[str]:
        return ["-u", "me", "-P", self.password] if self.password else []

    def listen(self, file: Path) -> Callable[[], list[str]]:
        """What is published from now on, as lines of topic and payload."""
        command = [program("mosquitto_sub", "mosquitto-clients"), "-p", str(self.port), *self._login(), "-v", "-t", "#"]
        with file.open("wb") as out:
            self._listeners.append(subprocess.Popen(command, stdout=out))
        until(lambda: self.publish("ready", "1") or "ready" in file.read_text(), "mosquitto_sub does not listen")
        return lambda: file.read_text(errors="replace").splitlines()

    def publish(self, topic: str, payload: str, *more: str) -> None:
        command = [program("mosquitto_pub", "mosquitto-clients"), "-p", str(self.port), *self._login()]
        subprocess.run([*command, "-t", topic, "-m", payload, *more], check=True)

    def close(self) -> None:
        for one in self._listeners:
            one.kill()
            one.wait()
        self.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path, password="broker-secret")
    made.start()
    yield made
    made.close()


def payloads(lines: list[str], topic: str) -> list[str]:
    return [line.partition(" ")[2] for line in lines if line.startswith(topic + " ")]


def test_the_state_is_published_and_the_last_will_after_a_crash(board: Board, broker: Broker) -> None:
    heard = broker.listen(board.folder / "heard")
    login = {"host": "127.0.0.1", "port": broker.port, "user": "me", "password": "broker-secret"}
    board.configure(mqtt={**login, "topic": "home/meter", "interval": 1})
    process = board.start()
    until(lambda: payloads(heard(), "home/meter/status") == ["online"], "not online")
    until(lambda: board.poll(120), "no answer to a poll")
    topic = "home/meter/ct002/device-1/consumer/02b250000001"
    lines = until(lambda: payloads(heard(), topic), "no battery")
    battery = json.loads(lines[-1])
    assert battery["reported_power"] == 120 and battery["battery_ip"] == "127.0.0.1"
    assert battery["grid_power"] == {"l1": 100, "l2": -50, "l3": 20, "total": 70}
    seen = datetime.fromisoformat(battery["last_seen"])
    assert abs((datetime.now(UTC) - seen).total_seconds()) < 60
    until(lambda: payloads(heard(), f"{topic}/availability") == ["online"], "not available")
    state = json.loads(until(lambda: payloads(heard(), "home/meter/state"), "no state")[-1])
    assert state["grid"] == [100, -50, 20]
    assert {"grid_total", "demand", "replies", "heap_free", "uptime"} <= state.keys()
    retained = broker.listen(board.folder / "retained")
    until(lambda: payloads(retained(), "home/meter/status") == ["online"], "not retained")
    process.kill()
    until(lambda: payloads(heard(), "home/meter/status") == ["online", "offline"], "no last will")
    assert "broker-secret" not in board.log


def test_home_assistant_is_told_and_its_orders_are_carried_out(board: Board, broker: Broker) -> None:
    heard = broker.listen(board.folder / "heard")
    login = {"host": "127.0.0.1", "port": broker.port, "user": "me", "password": "broker-secret"}
    mqtt = {**login, "topic": "astrameter", "interval": 1, "device_id": "cellar", "discovery_prefix": "ha"}
    base = "astrameter/ct002/cellar"
    battery = f"{base}/consumer/02b250000001"
    # Kept by the broker from before: it is there before the battery is.
    broker.publish(f"{battery}/manual_target/set", "-250", "-r")
    broker.publish(f"{base}/consumer/02b250000099/availability", "online", "-r")
    broker.publish(f"{base}/set", '{"force_rotation": true}', "-r")
    board.configure(mqtt=mqtt)
    board.start()
    node = "astrameter_ct002_cellar_02b250000001"

    def told(topic: str) -> Any:
        lines = payloads(heard(), topic)
        return json.loads(lines[-1]) if lines else None

    until(lambda: told("ha/device/astrameter_ct002_cellar/config"), "the meter is not told")
    until(lambda: board.poll(120), "no answer to a poll")
    document = until(lambda: told(f"ha/device/{node}/config"), "the battery is not told")
    assert document["state_topic"] == battery
    assert all(entity["unique_id"] == f"{node}_{key}" for key, entity in document["components"].items())
    until(lambda: told(battery)["manual_target"] == -250, "what was kept is lost")
    board.said("it must not be retained")
    broker.publish(f"{battery}/active/set", "maybe")
    broker.publish(f"{battery}/active/set", "false")
    until(lambda: board.poll(120) and told(battery)["active"] is False, "not paused")
    broker.publish(f"{base}/set", '{"active_control": false}')
    until(lambda: told(f"{base}/status")["active_control"] is False, "still in control")
    for payload in ("{", "[1]"):
        broker.publish(f"{base}/set", payload)
    board.said("must be a JSON object", 2)
    assert board.log.count("must be true, on, 1, false, off or 0") == 1
    assert "Traceback" not in board.log


def test_names_that_are_no_topic_are_told_in_one_line(board: Board) -> None:
    board.configure(mqtt={"host": "127.0.0.1", "device_id": "device-1/#"})
    board.start()
    board.said('"device-1/#", "homeassistant": each must be 1 to 63 bytes without + # and control characters')
    assert "Traceback" not in board.log


TALK = """
import asyncio
from nullwatt import mqtt_client
from nullwatt.mqtt_client import MqttClient
mqtt_client._BACK_OFF_MS = (100, 300)
client = MqttClient("127.0.0.1", %d, client_id="talk", keepalive=2)
def take(topic, payload):
    print("got", topic, payload)
    if payload == b"fail": raise ValueError("of the program")
async def main():
    await client.subscribe("ask/+/power", take)
    await client.subscribe("deep/#", take)
    asyncio.create_task(client.run())
    n = 0
    while True:
        n += 1
        sent = await client.publish("told", str(n))
        sure = await client.publish("sure", str(n), qos=1)
        if client.connected and sure and n %% 5 == 0: print("sure", n)
        await asyncio.sleep_ms(50)
asyncio.run(main())
"""


def test_a_broker_that_restarts_is_found_again(board: Board, tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    board.start(TALK % broker.port)
    board.said("nothing listens there")
    board.said("is dropped")
    try:
        broker.start()
        board.said("sure")
        broker.publish("ask/one/power", "12")
        board.said("got ask/one/power b'12'")
        broker.publish("ask/one/other", "no")
        broker.publish("deep", "b")
        broker.publish("deep/x/y", "fail", "-q", "1")
        board.said("got deep b'b'")
        board.said("of the program")
        broker.publish("deep/long", "x" * 100_000)
        board.said("is skipped")
        for _ in range(2):
            # Closed by the broker, or reset while something was on its way.
            count, lost = board.log.count("mqtt: connected"), f"warning mqtt: 127.0.0.1:{broker.port}: "
            told = board.log.count(lost)
            broker.stop()
            board.said(lost, told + 1)
            broker.start()
            board.said("mqtt: connected", count + 1)
        heard = broker.listen(tmp_path / "heard")
        until(lambda: payloads(heard(), "told") and payloads(heard(), "sure"), "does not publish any more")
        broker.publish("ask/two/power", "34")
        board.said("got ask/two/power b'34'")
        assert "got ask/one/other" not in board.log
        assert board.log.count("is dropped") <= 3  # once per time without a connection
    finally:
        broker.close()


def test_a_wrong_password_is_told_once_and_stops_nothing(board: Board, broker: Broker) -> None:
    login = {"host": "127.0.0.1", "port": broker.port, "user": "me", "password": "not-the-secret"}
    board.configure(mqtt=login)
    with board.serve() as page:
        board.said("refuses the user or password")
        until(board.poll, "no answer to a poll")
        link = page.get("/api/status").json()["links"]["mqtt"]
        assert link == {"connected": False, "error": "the broker refuses the user or password"}
        time.sleep(1.5)  # a second attempt has been made
    assert board.log.count("refuses the user") == 1
    assert "not-the-secret" not in board.log


HOSTILE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x20\x02\x00\x63",
    b"\x20\x02\x00\x00" + b"\x30\xff\xff\xff\xff\x7f",  # a length of five bytes
    b"\x20\x02\x00\x00" + b"\x30\xff\xff\xff\x7f" + b"x" * 1000,  # 256 MB to come
    b"\x20\x02\x00\x00" + b"\x90\xff\xff\x7f",  # an acknowledgement of 2 MB
    b"\x20\x02\x00\x00" + b"\x30\x01\x00",
    b"\x20\x02\x00\x00" + b"\x30\x05\xff\xffabc",
    b"\x20\x02\x00\x00" + b"\x32\x04\x00\x02ab",
    b"\x20\x02\x00\x00" + b"\x36\x06\x00\x02ab\x00\x01",
    b"\x20\x02\x00\x00" + b"\x30\x06\x00\x02\xff\xfeab",
    b"\x20\x02\x00\x00" + b"\x00\x00",
    b"\x20\x02\x00\x00" + b"\xf0\x00",
    b"\x20\x02\x00\x00" + bytes(range(256)) * 20,
    b"",
]


def test_a_hostile_broker_is_left(board: Board) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(LONGEST_WAIT_S)
        board.start(TALK % server.getsockname()[1])
        for words in HOSTILE:
            stream, _ = server.accept()
            with closing(stream):
                stream.settimeout(LONGEST_WAIT_S)
                stream.recv(1000)
                stream.sendall(words)
                if words:
                    until(lambda stream=stream: _is_closed(stream), f"stays with a broker that says {words[:20]!r}")
        stream, _ = server.accept()  # and it still comes back
        stream.close()


def _is_closed(stream: socket.socket) -> bool:
    try:
        return not stream.recv(1000)
    except ConnectionError:
        return True


def test_a_broker_that_falls_silent_is_left(board: Board) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(LONGEST_WAIT_S)
        board.start(
            TALK.replace('publish("sure"', 'publish("quiet"').replace("qos=1", "qos=0") % server.getsockname()[1]
        )
        stream, _ = server.accept()
        thread = threading.Thread(
            target=lambda: [None for _ in iter(lambda: not _is_closed(stream), False)], daemon=True
        )
        stream.sendall(b"\x20\x02\x00\x00")
        thread.start()
        board.said("does not answer")
        stream.close()


# -- the pages, in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = None
    try:
        from playwright import sync_api
    except ImportError:
        missing_tool("playwright", "make .venv/.dev")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing_tool("chromium", "apt-get install chromium")
    assert sync_api is not None
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page of a board as a phone does. No page may complain, reach elsewhere or be wider than the screen."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_page(url: str, theme: str = "light", width: int = 390) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15000)
        page.on(
            "request",
            lambda request: (
                None
                if re.match(r"http://127\.0\.0\.1:|data:", request.url)
                else wrong.append(f"leaves this machine: {request.url}")
            ),
        )
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None)
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        return page

    open_page.wrong = wrong  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def finish(page: Any, shot: str) -> None:
    """No page scrolls sideways; its picture goes to the folder NULLWATT_SHOTS."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{shot}.png", full_page=True)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_status_page(board: Board, opened: Callable[..., Any], theme: str) -> None:
    board.configure(meter={"type": "flat:Flat", "power": 1234})
    with board.serve():
        for power in (100, 150, 200):
            until(lambda power=power: board.poll(power), "no answer to a poll")
        page = opened(f"http://127.0.0.1:{board.web_port}/", theme)
        page.wait_for_selector("[data-mac='02b250000001']")
        assert "1,204 W" in page.inner_text("#grid")
        assert "from the grid" in page.inner_text("#side")
        assert "web: http://" in page.inner_text("#log")
        finish(page, f"status-{theme}")
        board.stop()
        page.wait_for_selector("#gone:not([hidden])")
        opened.wrong[:] = [one for one in opened.wrong if "ERR_CONNECTION" not in one]  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_setup_page(board: Board, radio: Callable[..., None], opened: Callable[..., Any], theme: str) -> None:
    radio(up=True, password="right")
    board.config.write_text(json.dumps({"web": {"port": board.web_port}, "wifi": {"setup": True}}))
    with board.serve():
        board.said("to set up")
        board.config.write_text(json.dumps({"web": {"port": board.web_port}, "meter": {"type": "flat:Flat"}}))
        page = opened(f"http://127.0.0.1:{board.web_port}/setup", theme)
        page.click("#nets >> text=home")
        assert page.input_value("[data-path='wifi.ssid'] input") == "home"
        page.fill("[data-path='wifi.password'] input", "right")
        assert page.input_value("#type") == "flat:Flat"
        page.fill("[data-path='meter.power'] input", "99999")
        page.click("#control summary")
        page.fill("#ct002", json.dumps({"udp_port": board.udp_port}))
        finish(page, f"setup-{theme}")
        before = board.config.read_bytes()
        page.click("#save")
        page.wait_for_selector("[data-path='meter.power'] .error")
        assert "must be within -5000 and 5000" in page.inner_text("[data-path='meter.power']")
        assert page.input_value("[data-path='meter.power'] input") == "99999"
        finish(page, f"setup-mistake-{theme}")
        assert board.config.read_bytes() == before
        opened.wrong[:] = [one for one in opened.wrong if "400" not in one]  # type: ignore[attr-defined]
        page.fill("[data-path='meter.power'] input", "250")
        page.fill("#ct002", "{")
        page.click("#save")
        page.wait_for_selector("[data-path='ct002'] .error")
        page.fill("#ct002", json.dumps({"udp_port": board.udp_port}))
        page.click("#save")
        page.wait_for_url("**/", timeout=20000)
        board.said("wifi: connected to home")
        stored = json.loads(board.config.read_text())
        assert stored["wifi"] == {"ssid": "home", "password": "right"}
        assert stored["meter"] == {"type": "flat:Flat", "power": 250}
        page = opened(f"http://127.0.0.1:{board.web_port}/setup", theme)
        assert page.input_value("[data-path='wifi.password'] input") == ""
        assert page.get_attribute("[data-path='wifi.password'] input", "placeholder") == "kept as it is"
        page.click("#mqtt summary")
        page.fill("[data-path='mqtt.interval'] input", "2,5")
        finish(page, f"setup-again-{theme}")
        page.click("#save")
        page.wait_for_url("**/", timeout=20000)
        stored = json.loads(board.config.read_text())
        assert stored["mqtt"] == {"interval": 2.5}
        assert stored["wifi"] == {"ssid": "home", "password": "right"}
        # The page goes on asking while the board takes up what was saved, and when it stops.
        opened.wrong[:] = [one for one in opened.wrong if "ERR_CONNECTION" not in one]  # type: ignore[attr-defined]
        page.close()


def test_pages_are_small(page: tuple[Board, httpx.Client]) -> None:
    assert len(page[1].get("/").content) < 12_000
    assert len(page[1].get("/setup").content) < 16_000


def test_pages_leave_no_memory_behind(board: Board) -> None:
    board.configure()
    with board.serve() as client:

        def free(*paths: str) -> int:
            for path in paths:
                assert client.get(path).status_code == 200
            found: int = client.get("/api/status").json()["state"]["heap_free"]
            return found

        first = free("/api/status", "/api/config", "/api/meter?type=flat:Flat")
        for _ in range(3):
            assert free("/", "/setup") > first - 4000


def test_everything_fits_a_small_board(board: Board, micropython_32: Path) -> None:
    """Compiled beforehand, pointers of 32 bits and 128 kB of heap, as on a board."""
    try:
        compiler = tool.source() / "mpy-cross" / "build" / "mpy-cross"
    except tool.MissingError as error:
        missing_tool("mpy-cross", str(error))
    for source in (PACKAGE / "nullwatt").rglob("*.py"):
        target = board.folder / source.relative_to(PACKAGE).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-o", target, source], check=True)
    board.configure(mqtt={"host": "127.0.0.1", "port": free_port()})
    board.package, board.heap, board.micropython = board.folder, "128k", micropython_32
    with board.serve() as page:
        for _ in range(3):
            for path in ("/", "/setup", "/api/config", "/api/meter?type=flat:Flat"):
                answer = page.get(path)
                assert answer.status_code == 200
                assert answer.text.rstrip().endswith(("</html>", "}"))
            change = {"wifi": {"ssid": "home", "password": "x" * 63}, "ct002": {"udp_port": board.udp_port}}
            assert page.post("/api/config", json=change).status_code == 200
            assert board.poll()
    assert "MemoryError" not in board.log


# -- the docs

TABLE = """
import json
from nullwatt.config import SECTIONS
print(json.dumps([[s, k, json.dumps(v.default)] for s in SECTIONS for k, v in SECTIONS[s].items()]))
"""


def test_the_docs_name_every_key(micropython: Path) -> None:
    done = subprocess.run(
        [micropython, "-c", TABLE],
        env={**os.environ, "MICROPYPATH": f"{PACKAGE}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    keys = {(section, key): default for section, key, default in json.loads(done.stdout)}
    text = (ROOT / "docs" / "micropython-setup.md").read_text()
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| `?(.*?)`? \|", text, re.MULTILINE)
    assert {(section, key): default for section, key, default in rows} == keys
