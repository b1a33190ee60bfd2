"""Shared by the component's tests: the ESPHome tool, builds that survive between runs, a running node."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Two workers may run files of this folder at a time: each has builds and ports of its own, as ports are compiled in.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS_PER_WORKER = 5
BUILD = Path(__file__).with_name(".build") / f"worker-{WORKER}"
COMPONENTS = ROOT / "esphome_component"
# As it is named in the docs and in the headers of the packages.
REPOSITORY = "https://github.com/nullwatt/nullwatt"
# What ESPHome looks for in it.
REPOSITORY_PARTS = ("esphome_component", "components")

sys.path.append(str(ROOT / "tools"))
import rv32  # noqa: E402
from ports import first_port  # noqa: E402

POLL_PORT = first_port() + PORTS_PER_WORKER * WORKER
CONTROL_PORT = POLL_PORT + 1

HOST_NODE = """
esphome: {{name: {name}}}
host:
logger: {{level: {log_level}}}
external_components:
  - source: {{type: local, path: {components}}}
    components: [ct002]
"""


@dataclass(frozen=True)
class Outcome:
    """What the tool printed and returned."""

    code: int
    text: str

    @property
    def ct002(self) -> str:
        """The part of a valid configuration that stands under `ct002:`."""
        found = re.search(r"^ct002:\n((?: .*\n)+)", self.text, re.MULTILINE)
        assert found, self.text
        return found[1]


@dataclass(frozen=True)
class Generated(Outcome):
    """What the tool printed and returned, and the code it wrote."""

    main_cpp: str
    defines: str


class Esphome:
    """The ESPHome command line tool."""

    def __init__(self, program: Path, compiler: dict[str, str] | None = None) -> None:
        """`compiler`: environment variables that choose another compiler than the machine's."""
        self.program = program
        # What a developer's shell sets for other builds must not reach these.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("ESPHOME", "PLATFORMIO"))}
        self.environment |= compiler or {}

    def run(self, *arguments: str | Path) -> Outcome:
        done = subprocess.run(
            [self.program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    def config_many(self, folder: Path, texts: dict[str, str]) -> dict[str, Outcome]:
        """Validate many files; the keys are file names without a suffix."""
        self._run_many("config", folder, texts)
        return {name: self._outcome(folder / f"{name}.out") for name in texts}

    def generate_many(self, folder: Path, texts: dict[str, str]) -> dict[str, Generated]:
        """Validate many files and generate their code; the keys are file names without a suffix."""
        self._run_many("generate", folder, texts)
        generated = {}
        for name in texts:
            outcome = self._outcome(folder / f"{name}.out")
            code, defines = ((folder / f"{name}{suffix}") for suffix in (".cpp", ".h"))
            done = outcome.code == 0
            generated[name] = Generated(
                outcome.code, outcome.text, code.read_text() if done else "", defines.read_text() if done else ""
            )
        return generated

    def _run_many(self, command: str, folder: Path, texts: dict[str, str]) -> None:
        paths = [folder / f"{name}.yaml" for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text)
        interpreter = self.program.resolve().with_name("python")
        script = Path(__file__).with_name("config_many.py")
        subprocess.run([interpreter, script, command, *paths], env=self.environment, check=True)

    @staticmethod
    def _outcome(path: Path) -> Outcome:
        code, _, text = path.read_text().partition("\n")
        return Outcome(int(code), text)


def missing_tool(name: str, remedy: str) -> None:
    """Skips with one line that names the tool; on CI, where every tool must be there, fails."""
    line = f"{name} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


@pytest.fixture(scope="session")
def missing() -> Callable[[str, str], None]:
    """Skips a test whose tool is missing: missing(name, remedy)."""
    return missing_tool


@pytest.fixture(scope="session")
def esphome() -> Esphome:
    program = Path(os.environ.get("ESPHOME", ROOT / ".venv-esphome" / "bin" / "esphome"))
    if not program.is_file():
        missing_tool("esphome", "install it into .venv-esphome, or name it in the environment variable ESPHOME")
    return Esphome(program)


@pytest.fixture(scope="session")
def local_repository(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which git finds the project's repository in this checkout."""
    if shutil.which("git") is None:
        missing_tool("git", "install it")
    folder = tmp_path_factory.mktemp("repository")
    for part in REPOSITORY_PARTS:
        if (ROOT / part).is_symlink():
            (folder / part).symlink_to((ROOT / part).readlink())
        else:
            shutil.copytree(ROOT / part, folder / part)
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    here = f"url.file://{folder}.insteadOf"
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": here,
        "GIT_CONFIG_VALUE_0": REPOSITORY,
        "GIT_CONFIG_KEY_1": here,
        "GIT_CONFIG_VALUE_1": f"{REPOSITORY}.git",
    }


@pytest.fixture(scope="session")
def host_node() -> Callable[[str, str], str]:
    """YAML of a node for the host platform: host_node(name, rest)."""
    return node_yaml


def node_yaml(name: str, rest: str, log_level: str = "VERBOSE") -> str:
    return HOST_NODE.format(name=name, components=COMPONENTS, log_level=log_level) + rest


def build_node(esphome: Esphome, name: str, rest: str, log_level: str = "VERBOSE") -> Path:
    """Compiles a host node in a place that stays, so that the next run only builds what changed."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yaml = folder / f"{name}.yaml"
        yaml.write_text(node_yaml(name, rest, log_level))
        outcome = esphome.run("compile", yaml)
    assert outcome.code == 0, outcome.text
    return folder / ".esphome" / "build" / name / ".pioenvs" / name / "program"


class Node:
    """A running node: its battery port, its log and, if it has one, its test channel."""

    def __init__(self, poll_port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
        self.poll_port = poll_port
        self.pid = process.pid
        self.stopped = False
        self.folder = log.parent
        self._log = log
        self._process = process
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control.settimeout(2.0)
        self._sockets: dict[str, socket.socket] = {}

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for_log(self, words: str, seconds: float = 5.0) -> str:
        """Returns the first line that holds the words."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.log.splitlines():
                if words in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no {words!r} in the log:\n{self.log}")

    def stop(self, how: signal.Signals) -> None:
        """SIGTERM is a restart, SIGKILL a power cut."""
        self.stopped = True
        self._process.send_signal(how)
        self._process.wait(10)

    def command(self, text: str) -> str:
        self._control.sendto(text.encode(), ("127.0.0.1", CONTROL_PORT))
        return self._control.recv(9999).decode()

    def ask(self, datagram: bytes, source: str = "", wait: float = 1.0) -> bytes | None:
        """Sends one datagram and returns the reply; each source has a socket of its own."""
        if source not in self._sockets:
            self._sockets[source] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        battery = self._sockets[source]
        battery.settimeout(wait)
        battery.sendto(datagram, ("127.0.0.1", self.poll_port))
        try:
            return battery.recv(9999)
        except TimeoutError:
            return None

    def close(self) -> None:
        for opened in (self._control, *self._sockets.values()):
            opened.close()


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


@contextmanager
def running(
    program: Path,
    *,
    folder: Path,
    poll_port: int = POLL_PORT,
    ready: str = "setup() finished",
    under: tuple[str, ...] = (),
) -> Iterator[Node]:
    """Starts a node with a home of its own, `under` an emulator if need be, and stops it again."""
    log = folder / f"{program.name}-{time.monotonic_ns()}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*under, program], stdout=out, stderr=subprocess.STDOUT, cwd=folder, env={**os.environ, "HOME": str(folder)}
        )
    node = Node(poll_port, log, process)
    try:
        node.wait_for_log(ready)
        yield node
        assert node.stopped or process.poll() is None, f"the node stopped by itself:\n{node.log}"
    finally:
        node.close()
        process.kill()
        process.wait()


type Run = Callable[..., AbstractContextManager[Node]]


@pytest.fixture
def run_node(tmp_path: Path) -> Run:
    """Starts a program as a node: run_node(program, poll_port=..., ready=...)."""
    return partial(running, folder=tmp_path)


@pytest.fixture(scope="session")
def compile_node(esphome: Esphome) -> Callable[..., Path]:
    """Compiles a host node: compile_node(name, yaml, log_level=...) returns its program."""
    return partial(build_node, esphome)


@pytest.fixture(scope="session")
def compile_rv32(esphome: Esphome) -> Callable[[str, str], Path]:
    """The same for rv32, the instruction set of ESP32-C3 and C6; its programs run under qemu-riscv32."""
    if shutil.which(rv32.EMULATOR) is None:
        missing_tool(rv32.EMULATOR, "install the package qemu-user")
    if not rv32.is_installed():
        missing_tool("ziglang", "run `make .venv-size/.installed`")
    return partial(build_node, Esphome(esphome.program, rv32.esphome_environment()))


@pytest.fixture(scope="session")
def test_ports() -> tuple[int, int]:
    """Battery port and control port of the test node."""
    return POLL_PORT, CONTROL_PORT


@pytest.fixture(scope="session")
def plain_port() -> int:
    """Battery port of nodes without the test channel."""
    return POLL_PORT + 2


@pytest.fixture(scope="session")
def api_port() -> int:
    """TCP port of ESPHome's native API."""
    return POLL_PORT + 4


@pytest.fixture(scope="session")
def test_node_program(esphome: Esphome) -> Path:
    """A three-phase node with the test channel; its sensors never publish by themselves."""
    for port in (POLL_PORT, CONTROL_PORT):
        assert is_free(port), f"UDP port {port} is taken; these tests need it"
    return build_node(
        esphome,
        "test-node",
        f"""
sensor:
  - {{platform: template, id: l1}}
  - {{platform: template, id: l2}}
  - {{platform: template, id: l3}}
ct002:
  power_sensor_l1: l1
  power_sensor_l2: l2
  power_sensor_l3: l3
  max_sensor_age: 2s
  udp_port: {POLL_PORT}
  test_control_port: {CONTROL_PORT}
""",
    )


@pytest.fixture
def node(test_node_program: Path, tmp_path: Path) -> Iterator[Node]:
    """A freshly started node with the test channel."""
    with running(test_node_program, folder=tmp_path) as started:
        yield started
