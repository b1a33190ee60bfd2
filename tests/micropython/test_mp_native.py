"""The core under MicroPython answers as it does under CPython: as a user C module and as a native .mpy."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nullwatt.core import MAX_BATTERIES, MAX_DATAGRAM, Config, Emulator, Insights, decode_frame, encode_frame

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(HERE)]
import micropython_build as tool  # noqa: E402
import native_session  # noqa: E402
import replay  # noqa: E402

VARIANTS = (
    "module-x64",
    "module-x86",
    "mpy-x64",
    "mpy-x86",
    pytest.param("mpy-rv32imc", marks=pytest.mark.slow),  # the file for ESP32-C3 and C6, under qemu
)
VECTORS = json.loads((ROOT / "tests" / "vectors" / "ct002-vectors.json").read_text())
# As in tests/core/test_vectors.py: what this core does on purpose in another way than the reference.
DIGITS_ONLY = {"dec-len-plus", "dec-len-space"}
OTHERWISE = {"active-crosstalk-intent-filter", "active-auto-first-poll"}


def missing_tool(line: str) -> NoReturn:
    """Skips with one line; on CI, where every tool must be there, fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def made[**P, T](build: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the tool builds or measures."""
    try:
        return build(*args, **kwargs)
    except tool.MissingError as error:
        missing_tool(str(error))


@dataclass(frozen=True)
class Board:
    """A MicroPython, with what lies on its file system."""

    program: Path
    path: tuple[Path, ...]

    @property
    def arch(self) -> str:
        return self.program.parent.name.partition("-")[2]

    def run(self, script: str, *arguments: object, heap: str = "") -> str:
        """Output of a script of this folder, or of the text of one; the heap is that of a small board."""
        file = HERE / script
        # The same objects are twice as large in 64 bits; and a .mpy lies in the heap while it is loaded.
        heap = heap or ("100k" if self.arch == "x86" else "200k")
        under = ["qemu-riscv32"] if self.arch == "rv32imc" else []
        what = [str(file)] if script.endswith(".py") else ["-c", script]
        done = subprocess.run(
            [*under, self.program, "-X", f"heapsize={heap}", *what, *map(str, arguments)],
            env={**os.environ, "MICROPYPATH": ":".join(map(str, self.path))},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=VARIANTS)
def board(request: pytest.FixtureRequest) -> Board:
    """Every form of the module that runs here."""
    form, arch = request.param.split("-")
    if arch == "rv32imc" and shutil.which("qemu-riscv32") is None:
        missing_tool("qemu-riscv32 is missing: install the package qemu-user")
    program = made(tool.port, f"{'plain' if form == 'mpy' else form}-{arch}")
    native = (made(tool.mpy, arch),) if form == "mpy" else ()
    return Board(program, (ROOT / "micropython", *native))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A session to replay, and what CPython's door answers to it."""
    file = tmp_path_factory.mktemp("session") / "session"
    lines = list(native_session.session())
    file.write_text("".join(f"{line}\n" for line in lines))
    answers: list[str] = []
    replay.play(lines, answers.append)
    return file, answers


def test_session_holds_what_it_should(recorded: tuple[Path, list[str]]) -> None:
    file, answers = recorded
    steps = [line.split("\t") for line in file.read_text().splitlines()]
    polls = [int(fields[1]) for fields in steps if fields[0] == "poll"]
    assert len(polls) == native_session.POLLS
    assert polls[0] < 2**32 - 60_000 and polls[-1] > 2**32 + 60_000
    kinds = {fields[0] for fields in steps}
    assert kinds >= {"grid", "phase", "lost", "unassign", "tick", "override", "tune", "rotate", "active", "look"}
    silent = [answer for answer in answers if answer.startswith("- ")]
    assert len(set(silent)) > 4 and len(silent) < len(polls) / 10
    assert len(set(answers)) > len(polls) / 4


def test_same_inputs_give_the_same_bytes(board: Board, recorded: tuple[Path, list[str]], tmp_path: Path) -> None:
    file, expected = recorded
    board.run("replay.py", file, tmp_path / "answers")
    answers = (tmp_path / "answers").read_text().splitlines()
    if hashlib.sha256("\n".join(answers).encode()).digest() != hashlib.sha256("\n".join(expected).encode()).digest():
        assert len(answers) == len(expected)
        first = next(number for number, both in enumerate(zip(answers, expected, strict=True)) if both[0] != both[1])
        pytest.fail(f"answer {first}\n{answers[first]}\ninstead of\n{expected[first]}", pytrace=False)


def test_plain_port_has_the_core_only_from_the_file() -> None:
    for arch in ("x64", "x86"):
        plain = Board(made(tool.port, f"plain-{arch}"), (ROOT / "micropython",))
        script = "try:\n  import _ct002\nexcept ImportError as error:\n  print(error)"
        assert plain.run(script) == "no module named '_ct002'\n"


def test_mistakes_are_told_as_under_cpython(board: Board) -> None:
    expected = subprocess.run(
        [sys.executable, HERE / "mistakes.py"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(expected) > 50
    assert board.run("mistakes.py", heap="400k").splitlines() == expected


def test_option_without_effect_is_accepted_and_named(board: Board) -> None:
    said = board.run("from nullwatt.core import Config; print(Config(balance_gain=0.5))")
    assert re.fullmatch(r"option balance_gain has no effect: .*remove it\nConfig\(balance_gain=0.5\)\n", said)


# The same under both: `step` differs, the rest is a session of a broker, on a clock of its own.
INSIGHTS = """
def session(emulator, encode_frame, connected, due, received):
    said = []
    def look(now_ms):
        said.extend("%s %s" % (topic, text) for topic, text in due(now_ms))
    emulator.update_grid([100, 200.5, -30], 1.0)
    connected(1000)
    look(1000)
    for second in range(2, 9):
        emulator.update_grid([100, 200.5, -30], second)
        for n in range(3):
            frame = encode_frame(["HMA-1", "02b25000000%d" % n, "HME-4", "02b250aaaaaa", "ABD"[n], str(100 * n)])
            emulator.handle(frame, "192.0.2.7:1", second)
        look(second * 1000)
    base = "home/m/ct002/device-1/consumer/02b250000001/"
    for field, value in (("active", "off"), ("active", "x"), ("manual_target", "-12.5"), ("max_charge", "1e9")):
        said.append(str(received(base + field + "/set", value.encode(), 9000)))
    said.append(str(received("home/m/ct002/device-1/set", b"[]", 9000)))
    emulator.tick(100)
    look(100000)
    return said
"""
ON_BOARD = """
import _ct002
from nullwatt.core import Config, Emulator, encode_frame
emulator = Emulator(Config(min_efficient_power=100))
memory = _ct002.insights("home/m", "device-1", "ha", "1.2", True, True, 0)
def due(now_ms):
    while True:
        message = emulator.insights_next(memory, now_ms, 0)
        if message is None:
            return
        yield message[0], str(message[1], "utf-8")
        emulator.insights_sent(memory, now_ms, message[4], message[5])
said = session(
    emulator,
    encode_frame,
    lambda now_ms: _ct002.insights_connected(memory, True, now_ms),
    due,
    lambda topic, payload, now_ms: emulator.insights_received(memory, topic, payload, False, now_ms),
)
print("\\n".join(said))
for wrong in (bytearray(3), b"x", None):
    try:
        emulator.insights_next(wrong, 0, 0)
        print("took", wrong)
    except (TypeError, ValueError):
        pass
print(_ct002.insights("a/#", "device-1", "ha", "", True, True, 0))
"""


def test_insights_say_the_same_as_under_cpython(board: Board) -> None:
    """In the firmware and in the file that has them; where they were left out, nothing of them is there."""
    if board.program.parent.name.startswith("plain") and board.arch not in tool.WITH_INSIGHTS:
        assert board.run("import _ct002; print(hasattr(_ct002, 'insights'))") == "False\n"
        return
    emulator = Emulator(Config(min_efficient_power=100))
    insights = Insights(emulator, base_topic="home/m", discovery_prefix="ha", version="1.2")

    def due(now_ms: int) -> Iterator[tuple[str, str]]:
        for message in insights.due(at=now_ms / 1000):
            yield message.topic, re.sub(r'"last_seen":"[^"]*"', '"last_seen":null', message.payload.decode())

    space: dict[str, Any] = {}
    exec(INSIGHTS, space)
    expected = space["session"](
        emulator,
        encode_frame,
        lambda now_ms: insights.connected(at=now_ms / 1000),
        due,
        lambda topic, payload, now_ms: insights.received(topic, payload, at=now_ms / 1000),
    )
    assert len(expected) > 50
    assert board.run(INSIGHTS + ON_BOARD, heap="400k").splitlines() == [*expected, "None"]


CODEC = """
import json, sys
from nullwatt.core import FrameError, decode_frame, encode_frame
for line in open(sys.argv[1]):
    given = json.loads(line)
    try:
        if isinstance(given, list):
            print("".join("%02x" % byte for byte in encode_frame(given)))
        else:
            print(json.dumps(decode_frame(bytes(int(given[i : i + 2], 16) for i in range(0, len(given), 2)))))
    except FrameError as error:
        print("refused:", error)
"""


def test_codec_vectors(board: Board, tmp_path: Path) -> None:
    vectors = VECTORS["codec"]
    given, expected = [], []
    for vector in vectors:
        if vector["kind"] == "decode":
            given.append(vector["hex"])
            accepted = vector["accepted"] and vector["id"] not in DIGITS_ONLY
            expected.append(vector["fields"] if accepted else None)
        else:
            fields = ["y" * 9989] if vector["id"] == "enc-9999" else vector["fields"]
            frame = encode_frame(fields)
            assert vector.get("hex", frame.hex()) == frame.hex()
            given += [fields, frame.hex()]
            expected += [frame.hex(), fields if vector["kind"] == "roundtrip" else None]
    (tmp_path / "frames").write_text("".join(json.dumps(one) + "\n" for one in given))
    (tmp_path / "codec.py").write_text(CODEC)
    lines = board.run(str(tmp_path / "codec.py"), tmp_path / "frames", heap="4m").splitlines()
    assert len(lines) == len(expected)
    for line, wanted in zip(lines, expected, strict=True):
        if wanted is None:
            assert line.startswith("refused: ")
        else:
            assert (line if isinstance(wanted, str) else json.loads(line)) == wanted


def steps_of(session: dict[str, Any], origin_ms: int) -> tuple[list[str], list[list[str] | None]]:
    """A session as lines to replay, and the fields each poll is to be answered with."""
    config = session["config"]
    options = {
        "active_control": config["mode"] == "active",
        "ct_type": config["ct_type"],
        "ct_mac": config["ct_mac"],
        "wifi_rssi": config["wifi_rssi"],
        "dedupe_window": config["dedupe_window_s"],
        "consumer_ttl": config["consumer_ttl_s"],
    }
    lines = ["\t".join(["options", *(f"{key}={value}" for key, value in options.items())])]
    expected = []
    for step in session["steps"]:
        ms = origin_ms + round(step["t"] * 1000)
        if "control" in step:
            control = step["control"]
            name = {"manual_target": "manual_target", "auto_target": "manual"}.get(control["set"], "active")
            value = not control["value"] if name == "manual" else control["value"]
            lines.append(f"override\t{control['consumer']}\t{name}={value}")
            continue
        request = encode_frame(step["request_fields"]).hex()
        for repeat in range(step.get("repeat", 1)):
            now = ms + round(repeat * step.get("repeat_spacing_s", 0) * 1000)
            meter = step["meter"]
            if meter is None:
                lines.append("unassign")
            elif meter == "unavailable":
                lines.append(f"lost\t{now}")
            else:
                lines.append("\t".join(["grid", str(now), *map(str, meter)]))
            lines.append(f"poll\t{now}\t{step['source']}\t{request}")
            expected.append(step.get("response_fields") if repeat == step.get("repeat", 1) - 1 else [])
    return lines, expected


# The second origin puts the 32-bit wrap into the first second of each session.
@pytest.mark.parametrize("origin_ms", [1_000_000, 2**32 - 500])
def test_session_vectors(board: Board, tmp_path: Path, origin_ms: int) -> None:
    lines: list[str] = []
    expected: list[list[str] | None] = []
    for session in VECTORS["sessions"]:
        if session["id"] not in OTHERWISE:
            more_lines, more_expected = steps_of(session, origin_ms)
            lines += more_lines
            expected += more_expected
    (tmp_path / "sessions").write_text("".join(f"{line}\n" for line in lines))
    board.run("replay.py", tmp_path / "sessions", tmp_path / "answers")
    answers = (tmp_path / "answers").read_text().splitlines()
    for answer, wanted in zip(answers, expected, strict=True):
        if wanted != []:  # only the last of repeated polls is in the vectors
            assert (None if answer.startswith("- ") else decode_frame(bytes.fromhex(answer))) == wanted


ALLOCATIONS = """
import gc, _ct002
from nullwatt.core import Emulator, encode_frame
def measured(emulator, allocate):
    frames = [encode_frame(["HMG-50", "60f1a2b3c4%02d" % i, "HME-4", "", "ABC"[i % 3], "7"]) for i in range(4)]
    source, reply, junk = b"192.0.2.7:22222", bytearray(256), bytearray(40)
    emulator.update_grid([500.0, 1.0, 2.0], at_ms=0)
    gc.collect()
    gc.disable()
    replies = 0
    before = gc.mem_alloc()
    for i in range(1000):
        if emulator.handle_into(frames[i & 3], source, i * 250, reply):
            replies += 1
        emulator.handle_into(junk, source, i * 250, reply)
        if allocate:
            bytes(reply)
    after = gc.mem_alloc()
    gc.enable()
    return replies, after - before
for kind in (_ct002.Emulator, Emulator):
    print(measured(kind(), False), measured(kind(), True)[1] > 0)
"""


def test_a_poll_allocates_nothing(board: Board) -> None:
    assert board.run(ALLOCATIONS, heap="1m").splitlines() == ["(1000, 0) True"] * 2


MEMORY = """
import gc, _ct002
def taken(options):
    kept = [None]
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    kept[0] = _ct002.Emulator(options)
    after = gc.mem_alloc()
    gc.enable()
    return after - before, kept[0].memory
print(taken(None), taken({"wifi_rssi": -61}))
"""


def test_emulator_is_one_block_of_the_size_it_reports(board: Board) -> None:
    numbers = [int(number) for number in re.findall(r"\d+", board.run(MEMORY))]
    block = 32 if board.arch == "x64" else 16  # MicroPython gives memory in blocks
    assert len(numbers) == 4
    for taken, reported in zip(numbers[::2], numbers[1::2], strict=True):
        assert taken == -(-reported // block) * block


TIME = """
import time
from array import array
from nullwatt.core import Emulator, MAX_BATTERIES, MAX_DATAGRAM
emulator = Emulator()
def age(**when):
    emulator.tick(**when)
    return emulator.state().grid_age_s
emulator.update_grid([1], at=5)
print(age(at=5.25), age(at=6), age(at_ms=6500))
emulator.update_grid((1, 2.5, 3), at_ms=2**32 - 500)
print(age(at_ms=2**32 + 500), age(at_ms=1500), age(at_ms=2**40 + 2500), age(at=2**32 / 1000 + 4.0))
emulator.update_grid([1], at_ms=-500)
print(age(at_ms=0))
for values in (array("f", [1, 2]), array("d", [1, 2]), array("h", [1, 2]), (1, 2, 3, 4)):
    emulator.update_grid(values, 9)
    print(emulator.state().grid_w)
emulator.update_grid([], 9)
print(emulator.state().grid_w)
emulator.update_grid([1])
time.sleep_ms(30)
print(0.03 <= age() < 20)
print(MAX_BATTERIES, MAX_DATAGRAM)
for wrong in (lambda: emulator.update_grid(7), lambda: emulator.update_grid(["a"]), lambda: emulator.tick("now"),
              lambda: emulator.tick(at_ms=1.5), lambda: emulator.set_override("m", volume=11),
              lambda: emulator.handle(None), lambda: emulator.handle_into(b"", b"", 0, b"cannot be written")):
    try:
        wrong()
        print("accepted")
    except TypeError as error:
        pass
"""


def test_time_and_meter_values_are_taken_in_every_form(board: Board) -> None:
    assert board.run(TIME).splitlines() == [
        "0.25 1.0 1.5",
        "1.0 2.0 3.0 4.5",
        "0.5",
        "(1.0, 2.0)",
        "(1.0, 2.0)",
        "(1.0, 2.0)",
        "(1.0, 2.0, 3.0)",
        "None",
        "True",
        f"{MAX_BATTERIES} {MAX_DATAGRAM}",
    ]


def test_riscv_file_is_one_for_the_esp32_c() -> None:
    head = (made(tool.mpy, "rv32imc") / "_ct002.mpy").read_bytes()[:4]
    assert head[:2] == b"M\x06"  # the .mpy version of MicroPython 1.20 and later
    assert head[2] >> 2 == 11  # rv32imc


FIRMWARE = """
cmake_minimum_required(VERSION 3.16)
project(firmware C CXX)
add_library(usermod INTERFACE)
include({module})
get_target_property(sources usermod_nullwatt INTERFACE_SOURCES)
message(STATUS "found ${{sources}}")
add_library(firmware OBJECT)
target_link_libraries(firmware usermod)
target_include_directories(firmware PRIVATE {top} {top}/ports/unix {top}/ports/unix/variants/standard {generated})
"""


def test_cmake_form_compiles_the_same_files(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        missing_tool("cmake is missing: install it")
    generated = made(tool.port, "module-x64").parent
    text = FIRMWARE.format(module=tool.NATIVE / "micropython.cmake", top=made(tool.source), generated=generated)
    (tmp_path / "CMakeLists.txt").write_text(text)
    said = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "build"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    found = re.search(r"found (\S+)", said.stdout)
    assert found is not None
    left_out = re.search(r"^NOT_HERE = ((?:.*\\\n)*.*)", (tool.NATIVE / "services.mk").read_text(), re.MULTILINE)
    assert left_out is not None
    names = set(left_out[1].replace("\\\n", " ").split())
    core = {path for path in tool.CORE.glob("*.cpp") if path.stem not in names}
    own = {tool.NATIVE / name for name in ("ct002_module.c", "ct002_insights.c")}
    assert {Path(name) for name in found[1].split(";")} == own | core
    assert len(names) == len(list(tool.CORE.glob("*.cpp"))) - len(core), "services.mk names files that are not there"
    built = subprocess.run(["cmake", "--build", tmp_path / "build"], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]


def test_no_figure_of_the_docs_has_grown() -> None:
    figures = made(tool.measure)
    before = tool.documented(tool.DOCS.read_text())
    assert figures.keys() == before.keys()
    grown = [
        f"{name}: {value:,}, documented {before[name]:,}"
        for name, value in figures.items()
        if value > before[name] * (1 + tool.TOLERANCE)
    ]
    rule = "grew by more than 5 %; if it must be so, `make micropython ARGS=--write` accepts it"
    assert not grown, "\n".join([rule, *grown])
