"""Versions on a board: what starts, what is taken over the air, what is refused, and what a power cut leaves."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[2] / "tools")]
import micropython_release as releases
from board import POWER, RESET, WATCHDOG, Board, copy_package, free_port, make_board

KEY = "a secret of the house"
STAYS = "the new version works, and stays"


class Server:
    """A web server that answers each path with the bytes given for it, whatever they are."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | Callable[[socket.socket], None]] = {}
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/updates"

    def offer(self, files: dict[str, bytes]) -> None:
        self.answers = {f"/updates/{name}": answer(data) for name, data in files.items()}

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request:
                    more = connection.recv(1000)
                    if not more:
                        return
                    request += more
                path = request.split()[1].decode()
                self.asked.append(path)
                reply = self.answers.get(path, b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                if isinstance(reply, bytes):
                    connection.sendall(reply)
                else:
                    reply(connection)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)
            except OSError:
                pass  # the board has had enough

    def close(self) -> None:
        if self._thread.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread: a closed socket would go on to accept
            self._thread.join(10)
        self._socket.close()


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    yield served
    served.close()


type Texts = dict[str, dict[str, str]]
type Release = Callable[..., dict[str, bytes]]


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory, mpy_cross: Path) -> Release:
    """Files of an update, made as a release is: release(version, changes, key=, core=, source=)."""
    made: dict[str, dict[str, bytes]] = {}

    def make(
        version: str, changes: Texts | None = None, key: str = "", core: str = "0.0.0", source: bool = False
    ) -> dict[str, bytes]:
        name = json.dumps([version, changes, key, core, source])
        if name not in made:
            folder = copy_package(tmp_path_factory.mktemp("release"), version, changes)
            made[name] = releases.release(folder, None if source else str(mpy_cross), key, core)
        return made[name]

    return make


@pytest.fixture
def board(micropython: Path, tmp_path: Path, server: Server) -> Board:
    """A board with 0.1.0 that looks for updates at the server, and knows the key."""
    return with_update(micropython, tmp_path, server)


def with_update(micropython: Path, folder: Path, server: Server, key: str = KEY, **more: object) -> Board:
    port = free_port()
    config = {"ct002": {"udp_port": port}, "update": {"url": server.url, "key": key}, "watchdog": {"timeout": 1.5}}
    return make_board(micropython, folder, port, config, **more)


# -- a good one -------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_update_runs_and_stays_and_the_next_goes_to_the_other_slot(
    board: Board, server: Server, release: Release
) -> None:
    server.offer(release("0.2.0", key=KEY))
    text = board.live(STAYS)
    assert "version 0.1.0 in slot -" in text
    assert "update: 0.2.0 is installed and starts now\n-- SIGUSR1\n" in text
    assert "version 0.2.0 in slot a" in text
    server.offer(release("0.10.0", key=KEY))
    text = board.live(STAYS)
    assert "version 0.2.0 in slot a" in text
    assert "version 0.10.0 in slot b" in text
    assert "version on trial" not in board.start("version 0.10.0 in slot b")
    assert "update: 0.10.0 is the newest" in board.start("update: ")


def test_files_that_are_there_already_are_not_fetched_again(board: Board, server: Server, release: Release) -> None:
    update = release("0.2.0", key=KEY)
    server.offer(update)
    last = list(update)[-1]
    del server.answers[f"/updates/{last}"]
    assert f"update: {last}: the server answers 404, wanted is 200" in board.start("update: ")
    server.offer(update)
    server.asked.clear()
    board.start("is installed and starts now")
    assert server.asked == ["/updates/manifest.json", f"/updates/{last}"]


def test_what_comes_with_the_board_anew_runs_instead_of_a_slot(
    micropython: Path, tmp_path: Path, board: Board, server: Server, release: Release
) -> None:
    server.offer(release("0.2.0", key=KEY))
    board.start("is installed and starts now")
    server.answers = {}
    lib = copy_package(tmp_path / "newer", "0.3.0")
    board.host = lib
    board.do("copy('/host', '/lib')")
    board.host = tmp_path / "board" / "host"
    text = board.start("in slot")
    assert "0.3.0 came with the board anew, it runs instead of slot a" in text
    assert "version 0.3.0 in slot -" in text


def test_from_a_folder_and_from_a_tar_file(board: Board, release: Release, tmp_path: Path) -> None:
    update = release("0.2.0", key=KEY)
    usb = tmp_path / "usb"
    releases.write_folder(update, usb / "folder")
    releases.write_tar(update, usb / "update.tar")
    machine = (board.host / "machine.py").read_text()
    board.host = usb
    (usb / "machine.py").write_text(machine)
    install = "from nullwatt.update import install; install('/host/%s', %r)"
    assert "0.2.0 is installed, reset to start it" in board.do(install % ("folder", KEY))
    assert "version 0.2.0 in slot a" in board.start("in slot")
    text = board.do(install % ("update.tar", KEY))
    assert "0.2.0 in slot a: another version is installed" in text
    assert "0.2.0 is installed, reset to start it" in text
    assert "version 0.2.0 in slot a" in board.start("in slot")
    newer = release("0.3.0", key=KEY)
    releases.write_tar(newer, usb / "broken.tar")
    manifest = 512 + (len(newer["manifest.json"]) + 511) // 512 * 512
    (usb / "broken.tar").write_bytes((usb / "broken.tar").read_bytes()[: manifest + 300])
    refuse = (
        "from nullwatt.update import install; from nullwatt.updates import UpdateError\n"
        "try:\n    install('/host/%s', anyway=True)\nexcept UpdateError as error:\n    print('refused:', error)"
    )
    assert "refused: /host/none: cannot be read: error 2" in board.do(refuse % "none")
    assert "refused: /host/broken.tar: has no nullwatt/" in board.do(refuse % "broken.tar")
    assert "version 0.1.0 in slot -" in board.start("in slot")


# -- bad ones ---------------------------------------------------------------------------------


def altered(files: dict[str, bytes], change: Callable[[dict[str, object]], object], key: str = KEY) -> dict[str, bytes]:
    """An update with another manifest, signed anew."""
    manifest = json.loads(files["manifest.json"])
    change(manifest)
    if key:
        manifest["signature"] = releases.signature(
            key, manifest["version"], manifest["core"], manifest["mpy"], manifest["files"]
        )
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 300\r\n\r\n")
    while True:
        connection.sendall(b"x" * 10000)


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.0 200 OK\r\n")
    while True:
        connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def silent(connection: socket.socket) -> None:
    connection.recv(1)


FIRST = "nullwatt/__init__.mpy"
MANIFESTS: dict[str, tuple[Callable[[dict], object], str]] = {  # type: ignore[type-arg]
    "up and out": (lambda m: m["files"].append(["nullwatt/../../main.py", 1, "0" * 64]), "no name of a file"),
    "absolute": (lambda m: m["files"].append(["/main.py", 1, "0" * 64]), "no name of a file in nullwatt/"),
    "another package": (lambda m: m["files"].append(["asyncio/core.py", 1, "0" * 64]), "no name of a file"),
    "a strange letter": (lambda m: m["files"].append(["nullwatt/a\n.py", 1, "0" * 64]), "no name of a file"),
    "twice": (lambda m: m["files"].append(["nullwatt/APP.mpy", 1, "0" * 64]), "nullwatt/APP.mpy is there twice"),
    "too many": (lambda m: m.update(files=[[f"nullwatt/f{i}.py", 1, "0" * 64] for i in range(65)]), "65 files"),
    "a large file": (lambda m: m["files"].append(["nullwatt/big.py", 65537, "0" * 64]), "has 65537 bytes"),
    "negative": (lambda m: m["files"].append(["nullwatt/big.py", -1, "0" * 64]), "has -1 bytes"),
    "large in all": (
        lambda m: m["files"].extend([[f"nullwatt/f{i}.py", 60000, "0" * 64] for i in range(9)]),
        "more than 524288 bytes in all",
    ),
    "no room": (
        lambda m: m["files"].extend([[f"nullwatt/f{i}.py", 60000, "0" * 64] for i in range(6)]),
        "bytes are needed",
    ),
    "no digest": (lambda m: m["files"].append(["nullwatt/b.py", 1, ""]), "nullwatt/b.py has no sha256"),
    "no package": (lambda m: m.update(files=m["files"][1:]), "nullwatt/__init__.mpy is missing"),
    "a newer core": (lambda m: m.update(core="99.0.0"), "0.2.0 needs core 99.0.0, this firmware has "),
    "another mpy": (lambda m: m.update(mpy=5), "compiled for another MicroPython (mpy 5)"),
    "a downgrade": (lambda m: m.update(version="0.0.9"), "0.0.9 is older than 0.1.0, which runs"),
    "a strange version": (lambda m: m.update(version="0.2.0-rc1"), "is not one of an update"),
    "a file that is a text": (lambda m: m.update(files=["abc"]), "is not one of an update"),
    "a size that is a text": (lambda m: m["files"].append(["nullwatt/b.py", "1", "0" * 64]), "is not one of an update"),
    "a wrong hash": (lambda m: m["files"][0].__setitem__(2, "0" * 64), f"{FIRST}: sha256 is not that of"),
    "a wrong size": (lambda m: m["files"][0].__setitem__(1, 9), f"{FIRST}: has "),
}
ANSWERS: dict[str, tuple[str, object, str]] = {
    "server error": ("manifest.json", answer(b"", "500 Oops"), "manifest.json: the server answers 500"),
    "moved": (
        "manifest.json",
        answer(b"", "302 Found", "Location: http://elsewhere/\r\n"),
        "manifest.json: the server answers 302",
    ),
    "half a manifest": ("manifest.json", None, "manifest.json: is not one of an update"),
    "no JSON": ("manifest.json", answer(b"<html>"), "manifest.json: is not one of an update"),
    "no object": ("manifest.json", answer(b"[1]"), "manifest.json: is not one of an update"),
    "deep JSON": ("manifest.json", answer(b"[" * 9000), "manifest.json: is not one of an update"),
    "a huge manifest": ("manifest.json", answer(b" " * 20000), "has 20000 bytes, allowed are 10240"),
    "no HTTP": ("manifest.json", b"SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP"),
    "nothing": ("manifest.json", b"", "the answer is cut off"),
    "no length": ("manifest.json", b"HTTP/1.0 200 OK\r\n\r\n{}", "does not say how long it is"),
    "a strange length": ("manifest.json", b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", "does not say how long"),
    "chunks": (
        "manifest.json",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        "sends transfer-encoding",
    ),
    "endless headers": ("manifest.json", endless_headers, "headers are too long"),
    "endless manifest": ("manifest.json", endless, "is not one of an update"),
    "silence": ("manifest.json", silent, "did not come within 2 s"),
    "a file that ends": (FIRST, None, f"{FIRST}: ends after"),
    "a file that is another": (FIRST, answer(b"nullwatt"), f"{FIRST}: has 8 bytes, not "),
    "a file that is missing": (FIRST, answer(b"", "404 Not Found"), f"{FIRST}: the server answers 404"),
}


def refused(board: Board, why: str) -> None:
    """The update is refused in one line, the application goes on, and the next start is the old version again."""
    text = board.start("update: ")
    line = text.splitlines()[-1]
    assert why in line, text
    assert "Traceback" not in text
    assert KEY not in text
    assert "version 0.1.0 in slot -" in board.start("in slot")


@pytest.mark.slow
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_bad_manifest_is_refused(
    micropython: Path, tmp_path: Path, server: Server, release: Release, name: str
) -> None:
    change, why = MANIFESTS[name]
    # With room for this version twice, or, as on a Pico W, for little more.
    board = with_update(micropython, tmp_path, server, blocks=220 if name == "no room" else 300)
    server.offer(altered(release("0.2.0"), change))
    refused(board, why)


@pytest.mark.slow
@pytest.mark.parametrize("name", ANSWERS)
def test_a_bad_answer_is_refused(board: Board, server: Server, release: Release, name: str) -> None:
    file, reply, why = ANSWERS[name]
    server.offer(release("0.2.0", key=KEY))
    path = f"/updates/{file}"
    if reply is None:
        whole = server.answers[path]
        assert isinstance(whole, bytes)
        reply = whole[:-5] if file == FIRST else answer(whole.partition(b"\r\n\r\n")[2][:-90])
    server.answers[path] = reply  # type: ignore[assignment]
    refused(board, why)


def test_a_signature_that_is_missing_wrong_or_of_something_else_is_refused(
    board: Board, server: Server, release: Release
) -> None:
    plain = release("0.2.0")
    signed = release("0.2.0", key=KEY)
    assert plain["manifest.json"] != signed["manifest.json"]
    moved = altered(signed, lambda m: m.update(version="0.3.0"), key="")
    for update in (plain, release("0.2.0", key="another"), moved, altered(plain, lambda m: m.update(signature=7), "")):
        server.offer(update)
        refused(board, "manifest.json: is not signed with update.key")


def test_without_a_key_the_hash_alone_counts(
    micropython: Path, tmp_path: Path, server: Server, release: Release
) -> None:
    board = with_update(micropython, tmp_path, server, key="")
    server.offer(release("0.2.0"))
    assert "0.2.0 is installed" in board.start("update: ")


def test_the_server_that_is_gone_and_the_address_that_is_none(
    micropython: Path, tmp_path: Path, server: Server
) -> None:
    server.close()
    refused(with_update(micropython, tmp_path / "a", server), f"127.0.0.1:{server.port}: connection refused")
    board = make_board(
        micropython, tmp_path / "b", 0, {"update": {"url": "https://x/"}, "ct002": {"udp_port": free_port()}}
    )
    refused(board, "update.url: must be http://HOST[:PORT][/FOLDER]")


def test_a_full_disk_is_told_and_the_old_version_goes_on(board: Board, server: Server, release: Release) -> None:
    """Filled between the look at the free space and the writing: the file system says it itself."""
    board.do(
        "import os\nwith open('/full', 'wb') as f:\n"
        "    found = os.statvfs('/')\n"
        "    for _ in range(found[3] - 4):\n        f.write(bytes(found[0]))\n"
    )
    board.do(
        "with open('/lib/nullwatt/update.py') as f: text = f.read()\n"
        "with open('/lib/nullwatt/update.py', 'w') as f: f.write(text.replace('if need > free', 'if False'))"
    )
    server.offer(release("0.2.0", key=KEY))
    refused(board, "no space left")


def test_an_update_waits_for_a_meter_that_can_be_read(board: Board, server: Server, release: Release) -> None:
    board.do("with open('/my_meter.py', 'a') as f: f.write('        raise OSError(5)\\n')")
    board.do(
        "with open('/my_meter.py') as f: text = f.read()\n"
        "with open('/my_meter.py', 'w') as f: f.write(text.replace('return [100.0]', 'pass'))"
    )
    server.offer(release("0.2.0", key=KEY))
    refused(board, "the meter cannot be read, so a new version could not be tried; later")


# -- a power cut ------------------------------------------------------------------------------


#: Enough to start, and to be updated again.
FEW = [f"nullwatt/{name}" for name in ("__init__", "boot", "launch", "log", "meters/meter", "update", "updates")]


@pytest.mark.slow
def test_a_power_cut_at_any_instant_of_an_update_leaves_the_old_or_the_new_version(
    micropython: Path, tmp_path: Path, release: Release
) -> None:
    """Half of the n-th write to the flash is done, for every n: what `main` runs says which version it is."""
    says = {"__init__.py": {"from nullwatt.start import start  #": "print('runs', __version__); return  #"}}
    board = make_board(micropython, tmp_path, 0, {}, changes=says)
    update = release("0.2.0", says)
    few = {name: data for name, data in update.items() if name.removesuffix(".mpy") in FEW}
    files = [entry for entry in json.loads(update["manifest.json"])["files"] if entry[0] in few]
    manifest = altered(update, lambda m: m.update(files=files))["manifest.json"]
    releases.write_folder({"manifest.json": manifest, **few}, board.host / "update")
    before = board.image.read_bytes()
    install = f"from nullwatt.update import install; install('/host/update', {KEY!r})"
    ran: list[str] = []
    for cut in range(1, 1000):
        board.image.write_bytes(before)
        text = board.do(install, cut)
        done = board.ended == 0
        assert done or board.ended == -POWER
        said = board.start("runs ").splitlines()[-1]
        assert done or "installed" not in text or said == "runs 0.2.0"
        ran.append(said)
        # whatever is left, the update can be had now
        if cut % 8 == 0 and said == "runs 0.1.0":
            board.do(install)
            assert board.start("runs ").splitlines()[-1] == "runs 0.2.0"
        if done:
            break
    turn = ran.index("runs 0.2.0")
    assert turn > 20
    assert set(ran[:turn]) == {"runs 0.1.0"}
    assert set(ran[turn:]) == {"runs 0.2.0"}


@pytest.mark.slow
def test_a_power_cut_at_any_instant_of_a_start_on_trial_or_a_roll_back_leaves_something_that_starts(
    micropython: Path, tmp_path: Path, release: Release
) -> None:
    says = {"__init__.py": {"from nullwatt.start import start  #": "print('runs', __version__); return  #"}}
    board = make_board(micropython, tmp_path, 0, {}, changes=says)
    releases.write_folder(release("0.2.0", says), board.host / "update")
    board.do("from nullwatt.update import install; install('/host/update')")
    for trial in range(4):
        before = board.image.read_bytes()
        for cut in range(1, 1000):
            board.image.write_bytes(before)
            board.start(cut=cut)
            done = board.ended != -POWER
            if done:
                break
            said = board.start("runs ").splitlines()[-1]
            assert said in (("runs 0.2.0",) if trial < 2 else ("runs 0.2.0", "runs 0.1.0")), (trial, cut)
        assert board.ended in (-RESET, 0)
    assert board.start("runs ").splitlines()[-1] == "runs 0.1.0"


@pytest.mark.parametrize("text", [b"", b"nonsense", b"\xff\x00\xfe", b'{"slot": "a"}\n00000000\n', None])
def test_a_state_that_is_lost_starts_the_newest_complete_slot(
    board: Board, server: Server, release: Release, text: bytes | None
) -> None:
    server.offer(release("0.2.0", key=KEY))
    board.start("is installed and starts now")
    server.answers = {}
    if text is None:
        board.do("import os; os.remove('/slots/state')")
    else:
        board.do(f"with open('/slots/state', 'wb') as f: f.write({text!r})")
    assert "version 0.2.0 in slot a" in board.start("in slot")
    # a slot that is not complete is none
    board.do(
        "import os\nfor n in ('state', 'a/nullwatt/log.mpy'): os.remove('/slots/' + n)",
    )
    assert "version 0.1.0 in slot -" in board.start("in slot")


def test_what_came_with_the_board_is_broken_and_a_slot_starts(board: Board, server: Server, release: Release) -> None:
    server.offer(release("0.2.0", key=KEY))
    board.start("is installed and starts now")
    server.answers = {}
    board.do("with open('/lib/nullwatt/boot.py', 'w') as f: f.write('half a cop')")
    assert "version 0.2.0 in slot a" in board.start("in slot")
    board.do("import os\nfor s in ('state',): os.remove('/slots/' + s)")
    assert "version 0.2.0 in slot a" in board.start("in slot")
    board.do("import os; os.remove('/slots/a/nullwatt/boot.mpy')")
    assert "no version on this board can be started; install one" in board.start()


# -- trial ------------------------------------------------------------------------------------

BAD_VERSIONS: dict[str, tuple[Texts, str]] = {
    "a syntax it cannot": (
        {"__init__.py": {"def run(": "def def run("}},
        "3 starts without health, the last: SyntaxError",
    ),
    "an exception": ({"start.py": {"    guard = Guard(app)\n": "    raise OSError(7)\n"}}, "the last: OSError: 7"),
    "a refusal of the configuration": (
        {"config.py": {'"wifi": {': '"mete": {}, "wifi": {', 'known.update({"ct002": None, "meter": None})': "pass"}},
        "3 starts without health, the last: ended",
    ),
    "a reset": ({"app.py": {"self.ticks += 1": "__import__('machine').reset()"}}, "the last: reset"),
    "a hang": ({"app.py": {"self.ticks += 1": "while True: pass"}}, "the last: watchdog"),
    "no ticks": ({"app.py": {"self.ticks += 1": "pass"}}, "3 starts without health, the last: watchdog"),
    "no UDP": (
        {"server.py": {"await readable(self._socket)": "raise OSError(5)"}},
        "the last: watchdog",
    ),
    "no meter": (
        {"app.py": {"take(self, values):": "take(self, values):\n        raise ValueError(1)"}},
        "does not work within 4 s: ValueError: 1",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD_VERSIONS)
def test_a_version_that_does_not_work_is_left(
    micropython: Path, tmp_path: Path, server: Server, release: Release, name: str
) -> None:
    changes, why = BAD_VERSIONS[name]
    board = with_update(micropython, tmp_path, server)
    source = changes.keys() == {"__init__.py"}
    server.offer(release("0.2.0", changes, key=KEY, source=source))
    text = board.live("failed its trial")
    assert why in text, text
    assert "0.2.0 has failed its trial here; a newer one will be taken" in text
    assert "version 0.1.0 in slot -" in text[text.rindex(why) :]
    server.offer(release("0.2.1", key=KEY))
    assert "version 0.2.1 in slot a" in board.live(STAYS)


@pytest.mark.slow
def test_a_version_that_fails_goes_back_to_the_slot_before(board: Board, server: Server, release: Release) -> None:
    server.offer(release("0.2.0", key=KEY))
    board.live(STAYS)
    server.offer(release("0.3.0", {"start.py": {"    guard = Guard(app)\n": "    raise OSError(7)\n"}}, key=KEY))
    text = board.live("failed its trial")
    assert "0.3.0 in slot b: 3 starts without health" in text
    assert text.rindex("version 0.2.0 in slot a") > text.index("0.3.0 in slot b")


# -- safe mode --------------------------------------------------------------------------------

CRASH = """
with open('/my_meter.py', 'a') as f:
    f.write('    async def run(self, take):\\n        import machine; machine.reset()')
"""


@pytest.mark.slow
def test_safe_mode_after_five_starts_that_did_not_last_until_the_configuration_changes(
    micropython: Path, tmp_path: Path, server: Server
) -> None:
    board = with_update(micropython, tmp_path, server)
    board.do(CRASH)
    text = board.live("safe mode ends with")
    assert text.count("-- SIGUSR1") == 5
    assert "safe mode, the batteries hold: 5 starts on end did not last, the last: reset" in text
    # it lasts, and a power cut does not end it
    for _ in range(5):
        assert "safe mode, the batteries hold" in board.start("update: ")
    board.do("with open('/config.json') as f: t = f.read()\nwith open('/config.json', 'w') as f: f.write(t + ' ')")
    assert "safe mode" not in board.start()
    assert board.ended == -RESET


@pytest.mark.slow
def test_safe_mode_takes_an_update_and_ends_with_it(
    micropython: Path, tmp_path: Path, server: Server, release: Release
) -> None:
    board = with_update(micropython, tmp_path, server, changes={"app.py": {"self.readings += 1": "self.crash()"}})
    board.do(
        "with open('/my_meter.py', 'a') as f: f.write('    async def run(self, take):\\n        raise SystemExit')"
    )
    for _ in range(5):
        board.start()
    assert "safe mode" in board.start("update: ")
    server.offer(release("0.2.0", key=KEY))
    board.do(
        "with open('/my_meter.py') as f: t = f.read()\n"
        "with open('/my_meter.py', 'w') as f: f.write(t.replace('    async def run', '    async def walk'))"
    )
    text = board.live(STAYS)
    assert "safe mode, the batteries hold" in text.split("-- SIGUSR1")[0]
    assert "safe mode" not in text.split("-- SIGUSR1")[1]


def test_a_restart_that_somebody_wants_ends_safe_mode_and_no_answer_is_given_in_it(
    micropython: Path, tmp_path: Path, server: Server
) -> None:
    board = with_update(micropython, tmp_path, server)
    board.do("import os; os.mkdir('/slots')\nwith open('/slots/starts', 'w') as f: f.write('7 - OSError: 5')")
    assert "safe mode" not in board.start("in slot"), "a count of another configuration is none"
    board.do(
        "from nullwatt.boot import _fingerprint\n"
        "with open('/slots/starts', 'w') as f: f.write('7 %s OSError: 5' % _fingerprint('/config.json'))"
    )
    assert "7 starts on end did not last, the last: OSError: 5" in board.start("safe mode")
    process = "import machine\nfrom nullwatt.guard import restart\nmachine.reset = lambda: print('resets')\n"
    board.do(process + "try:\n    restart('the page')\nexcept SystemExit:\n    pass")
    assert "safe mode" not in board.start("in slot")


TELL_WRITES = """
with open('/lib/nullwatt/boot.py', 'a') as f:
    f.write('_w = _write_starts\\ndef _write_starts(*a):\\n    _w(*a)\\n    print("wrote", a[0])\\n')
"""


def test_a_start_that_lasts_is_no_crash(micropython: Path, tmp_path: Path, server: Server) -> None:
    board = with_update(micropython, tmp_path, server)
    lasting = "with open('/slots/starts') as f: print('count', f.read().split()[0])"
    board.start("update: ")
    board.start("update: ")
    assert "count 2" in board.do(lasting)
    board.do(TELL_WRITES)
    assert "wrote 0" in board.start("wrote 0")
    assert "count 0" in board.do(lasting)


# -- watchdog ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({}, 0),
        ({"app.py": {"self.ticks += 1": "while True: pass"}}, -WATCHDOG),
        ({"app.py": {"self.ticks += 1": "pass"}}, -WATCHDOG),
        ({"server.py": {"await readable(self._socket)": "raise OSError(5)"}}, -WATCHDOG),
        ({"guard.py": {"self._look()\n": "raise OSError(5)\n"}}, -WATCHDOG),
    ],
    ids=["fed", "a hang", "no ticks", "no UDP", "no guard"],
)
def test_the_watchdog_is_fed_while_the_application_lives(
    micropython: Path, tmp_path: Path, change: Texts, ends: int
) -> None:
    board = make_board(
        micropython, tmp_path, 0, {"ct002": {"udp_port": free_port()}, "watchdog": {"timeout": 0.7}}, changes=change
    )
    board.do("with open('/my_meter.py', 'a') as f: f.write(%r)" % ENDS_AFTER_2_S)  # noqa: UP031
    text = board.start()
    assert "watchdog 700" in text
    assert board.ended == ends, text


ENDS_AFTER_2_S = """
    async def run(self, take):
        import asyncio
        await asyncio.sleep(2)
        raise SystemExit
"""


def test_a_board_with_a_short_watchdog_waits_as_long(micropython: Path, tmp_path: Path) -> None:
    """Hardware 8.388 s at most: the rest of 20 s is waited for in the guard."""
    board = make_board(
        micropython,
        tmp_path,
        0,
        {"ct002": {"udp_port": free_port()}, "watchdog": {"timeout": 20}},
        longest_watchdog=8388,
    )
    text = board.start("watchdog")
    assert "watchdog 8388" in text
    patience = "from nullwatt.guard import Guard\nclass A: pass\na = A(); a.settings = A(); a.safe = ''\n"
    patience += "a.settings.watchdog = {'timeout': 20.0}\ng = Guard(a); g._begin(); print('patience', g._patience_ms)"
    assert "patience 11612" in board.do(patience)


def test_no_watchdog_where_none_is_wanted(micropython: Path, tmp_path: Path) -> None:
    board = make_board(micropython, tmp_path, 0, {"ct002": {"udp_port": free_port()}, "watchdog": {"timeout": 0}})
    board.do("with open('/my_meter.py', 'a') as f: f.write(%r)" % ENDS_AFTER_2_S)  # noqa: UP031
    assert "watchdog" not in board.start()
    assert board.ended == 0


# -- the release ------------------------------------------------------------------------------


def test_a_release_is_the_same_bytes_wherever_it_is_made(tmp_path: Path, mpy_cross: Path) -> None:
    for name in ("a", "another/place"):
        copy_package(tmp_path / name, "1.2.3")
        key = tmp_path / "key"
        key.write_text(KEY + "\n")
        out = tmp_path / (name.replace("/", "-") + ".tar")
        arguments = ["--source", str(tmp_path / name), "--mpy-cross", str(mpy_cross), "--key-file", str(key)]
        releases.main([str(out), *arguments])
        time.sleep(0.01)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "another-place.tar").read_bytes()


def test_a_release_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    (tmp_path / "empty.key").write_text("\n")
    for arguments, why in (
        (["full"], "is not empty"),
        (["out", "--py", "--core", "1"], "--core 1: must be such as 1.2.3"),
        (["out", "--py", "--key-file", str(tmp_path / "empty.key")], "its first line is empty"),
        (["out", "--mpy-cross", "/none"], "/none"),
    ):
        with pytest.raises(SystemExit) as error:
            releases.main([str(tmp_path / arguments[0]), *arguments[1:]])
        assert why in str(error.value)
        assert "\n" not in str(error.value)
