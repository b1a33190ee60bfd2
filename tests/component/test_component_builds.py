"""Three builds, one behaviour: what the lab's core answers, the firmware answers, byte for byte.

The lab runs a scenario against the core in this process and writes every input and every reply down. The same inputs
then go to a compiled node over UDP: built for this machine, and for the instruction set of an ESP32-C3 in an emulator.
The batteries follow the core, never the node, so a difference shows at the poll where it arises.
"""

import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from nullwatt.battery import decode_frame
from nullwatt.core import Config, Emulator
from nullwatt.lab import SCENARIOS, Loop, Scenario, aligned

# How long a node may take for one reply, and how long one that must not come is waited for.
REPLY_S = 10.0
SILENCE_S = 0.05
# Where the counter of the core wraps, s.
WRAP_S = 2**32 / 1000


@dataclass(frozen=True)
class Poll:
    """A datagram of a battery, the commands of the test channel that precede it, and what the core answered."""

    at: float
    commands: tuple[str, ...]
    source: str
    datagram: bytes
    reply: bytes | None


class Recorder:
    """The core as the lab drives it, with everything written down as the test channel takes it."""

    def __init__(self, options: dict[str, Any], start_s: float) -> None:
        # The channel judges the age of the meter itself, in real time; this node is built without.
        self.emulator = Emulator(Config(max_sensor_age=0, **options))
        self.polls: list[Poll] = []
        self.seen: set[str] = set()
        self._start_s = start_s
        # The node has run a while on its own clock: options restart its control on the one of the test.
        self._commands = [f"clock_set {start_s!r}", "evict"]
        self.emulator.tick(at=start_s)
        for key, value in options.items():
            if key == "dedupe_window":
                self._commands.append(f"dedupe {float(value) * 1000:.0f}")
            else:
                self._commands.append(f"cfg {key} {value if isinstance(value, str) else float(value)}")

    def update_grid(self, values: Sequence[float], at: float) -> None:
        phases = [*values, 0.0, 0.0][:3]  # the channel has a meter with three of them
        self.emulator.update_grid(phases, at=self._note(at, "grid " + " ".join(map(repr, phases))))

    def invalidate_grid(self, at: float) -> None:
        self.emulator.invalidate_grid(at=self._note(at, "sensor_stale"))

    def tick(self, at: float) -> None:
        self.emulator.tick(at=self._note(at, "evict"))
        self._look(at)

    def set_override(self, mac: str, **settings: Any) -> None:
        self.emulator.set_override(mac, **settings)
        self._commands += [f"set {key} {mac} {float(value)}" for key, value in settings.items()]

    def handle(self, datagram: bytes, source: str, at: float) -> bytes | None:
        reply = self.emulator.handle(datagram, source=source, at=self._note(at))
        self.polls.append(Poll(at, tuple(self._commands), source, datagram, reply))
        self._commands.clear()
        if reply is None:
            self.seen.add("dropped")
        return reply

    def _look(self, at: float) -> None:
        """Which parts of the core are at work."""
        batteries = self.emulator.consumers()
        facts = {
            "online": any(battery.online for battery in batteries),
            "saturated": any(battery.saturation > 0.5 for battery in batteries),
            "parked": any(battery.parked for battery in batteries),
            "manual": any(battery.manual for battery in batteries),
            "unequal": len({battery.weight for battery in batteries}) > 2,
            "no meter": self.emulator.state().grid_w is None,
            "wrapped": self._start_s + at > WRAP_S,
        }
        self.seen |= {name for name, true in facts.items() if true}

    def _note(self, at: float, *commands: str) -> float:
        """Time of the core; puts the command on the list, behind the clock."""
        now_s = self._start_s + at
        self._commands += [f"clock_set {now_s!r}", *commands]
        return now_s


def short(name: str, duration_s: int, **options: Any) -> Scenario:
    """The beginning of a scenario of the suite, with further options."""
    scenario = SCENARIOS[name]
    duration_s = min(duration_s, scenario.duration_s)
    return replace(scenario, duration_s=duration_s, options=scenario.options | options)


FILTERS = {"hampel_window": 5, "smoothing_alpha": 0.6, "smoothing_max_step": 900, "deadband": 15}
PID = {"pid_kp": 0.6, "pid_ki": 0.05, "pid_kd": 0.01, "pid_mode": "replace", "active_control": False}
# By position of the battery.
SETTINGS: dict[int, dict[str, float]] = {
    0: {"max_charge": 500.0, "max_discharge": 700.0, "start_power": 60.0, "discharge_order": 1},
    1: {"weight": 2.5, "charge_order": 2},
    2: {"weight": 0.7, "min_dc_output": 40.0, "discharge_order": 1},
}
LONGEST_S = 600


@dataclass(frozen=True)
class Case:
    """`settings`: per position of a battery. `start_s`: the clock at the start."""

    scenario: Scenario
    settings: dict[int, dict[str, float]] = field(default_factory=dict)
    start_s: float = 0.0


CASES = {name: Case(short(name, LONGEST_S)) for name in SCENARIOS} | {
    "noise, at odd times": Case(aligned(short("three_ramp", 300), 3), start_s=1000.0),
    "mixed, at odd times": Case(aligned(short("three_phase_mixed", 300), 1), start_s=1000.5),
    "mixed, gentle": Case(aligned(short("three_phase_mixed", 300, steering="gentle", grid_target=-15), 2)),
    "duplicates dropped": Case(short("ramp_duplicates", 90, dedupe_window=0.3)),
    "settings": Case(aligned(short("three_phase_mixed", 300), 4), SETTINGS),
    "filters": Case(short("three_ramp", 300, **FILTERS)),
    "pid": Case(short("relay", 200, **PID)),
    "clock wraps": Case(short("two_empty_two_full", 120), start_s=WRAP_S - 60.0),
}


@cache
def recorded(name: str) -> Recorder:
    case = CASES[name]
    recorder = Recorder(case.scenario.options, case.start_s)
    for position, changes in case.settings.items():
        recorder.set_override(case.scenario.batteries[position].config.mac, **changes)
    Loop(case.scenario, recorder).run()
    return recorder


# -- the builds ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def node_of_builds(test_ports: tuple[int, int]) -> str:
    poll_port, control_port = test_ports
    return f"""
sensor:
  - {{platform: template, id: l1}}
  - {{platform: template, id: l2}}
  - {{platform: template, id: l3}}
ct002:
  power_sensor_l1: l1
  power_sensor_l2: l2
  power_sensor_l3: l3
  max_sensor_age: 0s
  udp_port: {poll_port}
  test_control_port: {control_port}
"""


@pytest.fixture(scope="session")
def host_build(compile_node: Callable[[str, str], Path], node_of_builds: str) -> tuple[Path, tuple[str, ...]]:
    """Program, and what it runs under."""
    return compile_node("paired-node", node_of_builds), ()


@pytest.fixture(scope="session")
def rv32_build(compile_rv32: Callable[[str, str], Path], node_of_builds: str) -> tuple[Path, tuple[str, ...]]:
    return compile_rv32("paired-rv32", node_of_builds), ("qemu-riscv32",)


class Batteries:
    """One socket per battery, and one for the test channel."""

    def __init__(self, node: Any, control_port: int) -> None:
        self._control_address = ("127.0.0.1", control_port)
        self._poll_address = ("127.0.0.1", node.poll_port)
        self._stack = ExitStack()
        self._control = self._open()
        self._batteries: dict[str, socket.socket] = {}

    def _open(self) -> socket.socket:
        opened = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        opened.settimeout(REPLY_S)
        return opened

    def close(self) -> None:
        self._stack.close()

    def replay(self, poll: Poll) -> bytes | None:
        """The node's reply. Commands need not be waited for one by one: they act in order, and before the poll."""
        for command in poll.commands:
            self._control.sendto(command.encode(), self._control_address)
        if poll.source not in self._batteries:
            self._batteries[poll.source] = self._open()
        battery = self._batteries[poll.source]
        battery.sendto(poll.datagram, self._poll_address)
        for command in poll.commands:
            answer = self._control.recv(9999)
            assert answer.startswith(b"ok"), f"{command!r} was answered {answer!r}"
        battery.settimeout(SILENCE_S if poll.reply is None else REPLY_S)
        try:
            return battery.recv(9999)
        except TimeoutError:
            return None


def difference(poll: Poll, reply: bytes | None) -> str:
    """Where the two replies differ, for people."""
    lines = [f"at {poll.at:.3f} s, poll {poll.datagram!r} from {poll.source}", f"  after {list(poll.commands)}"]
    both = [None if answer is None else decode_frame(answer) for answer in (poll.reply, reply)]
    if both[0] is None or both[1] is None:
        return "\n".join([*lines, f"  the core says {poll.reply!r}", f"  the node says {reply!r}"])
    for index, (core, node) in enumerate(zip_longest(*both)):
        if core != node:
            lines.append(f"  field {index}: the core says {core!r}, the node {node!r}")
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("build", ["host", "rv32"])
def test_same_replies(
    build: str,
    name: str,
    request: pytest.FixtureRequest,
    run_node: Callable[..., Any],
    test_ports: tuple[int, int],
) -> None:
    program, under = request.getfixturevalue(f"{build}_build")
    polls = recorded(name).polls
    with run_node(program, under=under) as node, closing(Batteries(node, test_ports[1])) as batteries:
        for number, poll in enumerate(polls):
            reply = batteries.replay(poll)
            if reply != poll.reply:
                pytest.fail(f"{name}, {build}, poll {number} of {len(polls)} {difference(poll, reply)}", pytrace=False)


# Otherwise the replies might agree about nothing.
REACHED = {
    "limits_800_800_2500": "saturated",
    "emptying": "saturated",
    "efficiency": "parked",
    "handled_ramp": "manual",
    "lossy_network": "no meter",
    "duplicates dropped": "dropped",
    "settings": "unequal",
    "clock wraps": "wrapped",
}


@pytest.mark.parametrize("name", REACHED)
def test_case_reaches_what_it_is_for(name: str) -> None:
    assert REACHED[name] in recorded(name).seen


def test_readings_differ() -> None:
    replies = [decode_frame(poll.reply) for poll in recorded("settings").polls if poll.reply is not None]
    assert len({tuple(fields[4:8]) for fields in replies if fields is not None}) > 40
