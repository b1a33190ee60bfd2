"""How big the firmware is and how much it executes per poll, for rv32imac (the ESP32-C3/C6 set) at -Os.

`make size` measures and prints; with ARGS=--write the figures become those of docs/performance.md, against which a
test compares. Compiler and ESPHome have pinned versions, so the figures do not depend on the machine.
"""

import json
import os
import re
import runpy
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import rv32
from ports import first_port

from nullwatt.core import encode_frame

ROOT = Path(__file__).parents[1]
CORE = ROOT / "esphome_component" / "ct002_core"
PACKAGES = ROOT / "esphome_component" / "packages"
BUILD = ROOT / ".build" / "size"
DOCS = ROOT / "docs" / "performance.md"
ESPHOME = ROOT / ".venv-esphome" / "bin" / "esphome"
BEGIN, END = "<!-- sizes: written by make size ARGS=--write -->\n", "<!-- end of sizes -->\n"
# A figure that grows by more than this is somebody's decision.
TOLERANCE = 0.05
PORT = first_port() + 3

COMPILER = [*rv32.tool("c++", *rv32.TARGET), "-std=c++17"]
EMBEDDED = ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-sanitize=all", "-fno-stack-protector"]
# Files of the core that stand apart: doors are linked only by hosts that use them, codecs only with their service.
PARTS = runpy.run_path(str(CORE / "parts.py"))
DOORS = {Path(file).stem for file in PARTS["DOORS"]}
CODECS = {Path(file).stem: services for file, services in PARTS["SERVICE_FILES"].items()}
BY_REQUEST = DOORS | CODECS.keys()
# What a firmware leaves out when its YAML does not ask for it.
OPTIONAL_PARTS = ("hampel", "smoothing", "deadband", "pid", "efficiency")
LEAN = [f"-DCT002_NO_{part.upper()}" for part in OPTIONAL_PARTS]

NODE = """
esphome: {{name: {name}}}
host:
logger:
external_components:
  - source: {{type: local, path: {components}}}
    components: [ct002]
sensor:
  - {{platform: template, id: l1, unit_of_measurement: W, update_interval: 1s, lambda: return 300;}}
  - {{platform: template, id: l2, unit_of_measurement: W}}
  - {{platform: template, id: l3, unit_of_measurement: W}}
ct002:
  power_sensor_l1: l1
  udp_port: {port}
"""
EVERY_PART = """
  power_sensor_l2: l2
  power_sensor_l3: l3
  filters:
    hampel: {}
    smoothing: {alpha: 0.5}
    deadband: {deadband: 10}
    pid: {kp: 1}
  balancer: {min_efficient_power: 100}
"""
# Two batteries with every entity there is, and what concerns the house.
ENTITIES = f"""{EVERY_PART}
packages:
  house: !include {PACKAGES}/house.yaml
  battery_1: !include {{file: {PACKAGES}/battery.yaml, vars: {{battery: 1}}}}
  battery_2: !include {{file: {PACKAGES}/battery.yaml, vars: {{battery: 2}}}}
"""
NODES = {"minimal": "", "full": EVERY_PART, "entities": ENTITIES}


def done(command: list[str], **environment: str) -> str:
    """Output of a command; ends with its first error."""
    finished = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if finished.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}\n{finished.stdout[-2000:]}{finished.stderr[-2000:]}")
    return finished.stdout


# -- flash and RAM -------------------------------------------------------------------------


def compile_to(target: Path, source: Path, *options: str) -> None:
    done([*COMPILER, *EMBEDDED, *options, f"-I{CORE}", "-c", str(source), "-o", str(target)])


def section_bytes(file: Path, *starts: str) -> int:
    sections = re.findall(r"^(\.\S+)\s+(\d+)", done(["size", "-A", str(file)]), re.MULTILINE)
    return sum(int(size) for name, size in sections if name.startswith(starts))


def flash_bytes(object_file: Path) -> int:
    """Code and constants: everything of the object that goes to flash."""
    return section_bytes(object_file, ".text", ".rodata", ".srodata", ".data")


def core_files(folder: Path) -> dict[str, int]:
    sizes = {}
    for source in sorted(CORE.glob("*.cpp")):
        compile_to(folder / f"{source.stem}.o", source)
        sizes[source.stem] = flash_bytes(folder / f"{source.stem}.o")
    return sizes


def lean_core_bytes(folder: Path) -> int:
    size = 0
    for source in CORE.glob("*.cpp"):
        if source.stem not in BY_REQUEST and source.stem not in OPTIONAL_PARTS:
            compile_to(folder / "part.o", source, *LEAN)
            size += flash_bytes(folder / "part.o")
    return size


def probe_bytes(object_file: Path) -> int:
    match = re.search(r"^\S+ (\S+) D probe$", done(["nm", "-S", str(object_file)]), re.MULTILINE)
    assert match is not None
    return int(match[1], 16)


def emulator_bytes(folder: Path, batteries: int, *options: str) -> int:
    probe = folder / "probe.cpp"
    probe.write_text('#include "emulator.h"\nunsigned char probe[sizeof(nullwatt::Emulator)] = {1};\n')
    compile_to(folder / "probe.o", probe, f"-DCT002_MAX_BATTERIES={batteries}", *options)
    return probe_bytes(folder / "probe.o")


# -- nodes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Build:
    """What ESPHome left behind when it compiled a node."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "program"

    def commands(self, component: str) -> list[list[str]]:
        """What compiled the files of a component."""
        entries = json.loads((self.folder / "compile_commands.json").read_text())
        return [shlex.split(entry["command"]) for entry in entries if f"/components/{component}/" in entry["file"]]

    def own_flash_bytes(self) -> int:
        """Of the component and the core in it."""
        commands = self.commands("ct002") + self.commands("ct002_core")
        return sum(flash_bytes(self.folder / command[command.index("-o") + 1]) for command in commands)

    def component_bytes(self, folder: Path) -> int:
        """RAM of the component's object, the core's included."""
        probe = folder / "component.cpp"
        header = "esphome/components/ct002/ct002.h"
        size = "sizeof(esphome::ct002::CT002Component)"
        probe.write_text(f'#include "{header}"\nunsigned char probe[{size}] = {{1}};\n')
        command = self.commands("ct002")[0]
        options = command[: command.index("-MMD")] + command[command.index("-MF") + 2 : command.index("-c")]
        done([*options, "-c", str(probe), "-o", str(folder / "component.o")])
        return probe_bytes(folder / "component.o")


def build(name: str, options: str, esphome: Path) -> Build:
    """Compiles a node in a place that stays, so that the next run only builds what changed."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(NODE.format(name=name, components=CORE.parent, port=PORT) + options.lstrip("\n"))
    done([str(esphome), "compile", str(file)], **rv32.esphome_environment())
    return Build(folder / ".esphome" / "build" / name / ".pioenvs" / name)


# -- instructions --------------------------------------------------------------------------


def core_instructions(folder: Path, polls: int = 240) -> int:
    """Per poll of a battery that is steered: four of them, one meter sample per round."""
    program = folder / "poll_bench"
    sources = [str(path) for path in sorted(CORE.glob("*.cpp"))]
    done([*COMPILER, *EMBEDDED, f"-I{CORE}", str(ROOT / "tools" / "poll_bench.cpp"), *sources, "-o", str(program)])
    # The second half of a run: start-up and first acquaintance cancel.
    whole, half = (rv32.instructions_of(program, folder, str(count)) for count in (polls, polls // 2))
    return round((whole - half) / (polls - polls // 2))


def node_instructions(program: Path, folder: Path, polls: int = 120) -> int:
    """From the arrival of a poll to its reply, in a node, for a battery that is shown the meter and not steered.

    Steering depends on when exactly a poll comes, and a node has a real clock; so its part is `core_instructions`.
    """
    log = folder / "node.log"
    node = subprocess.Popen(rv32.traced(program, log), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as battery:
            battery.connect(("127.0.0.1", PORT))
            for number in range(polls):
                mac = f"60F1A2B3C40{number % 4}"
                exchange(battery, encode_frame(["HMG-50", mac, "HME-4", "5cce1b7a90d4", "0", "-217"]))
    finally:
        node.terminate()
        node.wait()
    counts, start = [], None
    with log.open(errors="replace") as lines:
        for total, call in rv32.executed(lines):
            if "recvfrom(" in call:
                start = total
            elif "sendto(" in call and start is not None:
                counts.append(total - start)
    assert len(counts) >= polls
    # Not the mean: a new meter sample is worked on by the poll that comes first after it.
    return round(statistics.median(counts[polls // 4 :]))


def exchange(battery: socket.socket, datagram: bytes, seconds: float = 60.0) -> None:
    """Sends a poll until it is answered: the node may not have started yet."""
    battery.settimeout(1.0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            battery.send(datagram)
            battery.recv(999)
            return
        except TimeoutError:
            pass
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError(f"no reply from the node on port {PORT} within {seconds:g} s")


# -- the whole -----------------------------------------------------------------------------


def measure(esphome: Path = ESPHOME) -> tuple[dict[str, int], dict[str, int]]:
    """The figures of the docs, and the flash of each file of the core."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = core_files(folder)
        minimal, full, entities = (build(node, options, esphome) for node, options in NODES.items())
        rare = sum(files[stem] for stem in DOORS)
        codecs = sum(files[stem] for stem in CODECS)
        figures = {
            "flash: core": sum(files.values()) - rare - codecs,
            "flash: core, lean": lean_core_bytes(folder),
            "flash: options by name and the C door, only where used": rare,
            **{
                f"flash: codecs of `{service}`, only where used": sum(
                    files[stem] for stem, services in CODECS.items() if service in services
                )
                for service in PARTS["SERVICES"]
            },
            "flash: component and core in the minimal node": minimal.own_flash_bytes(),
            "flash: component and core in the full node": full.own_flash_bytes(),
            "flash: component and core in the node with entities": entities.own_flash_bytes(),
            "flash: whole minimal node, `.text`": section_bytes(minimal.program, ".text"),
            "flash: whole full node, `.text`": section_bytes(full.program, ".text"),
            "flash: whole node with entities, `.text`": section_bytes(entities.program, ".text"),
            "RAM: `Emulator`, 16 batteries": emulator_bytes(folder, 16),
            "RAM: `Emulator`, 16 batteries, lean": emulator_bytes(folder, 16, *LEAN),
            "RAM: `Emulator`, 4 batteries": emulator_bytes(folder, 4),
            "RAM: `Emulator`, 4 batteries, lean": emulator_bytes(folder, 4, *LEAN),
            "RAM: component with its `Emulator` in the minimal node": minimal.component_bytes(folder),
            "RAM: component with its `Emulator` in the full node": full.component_bytes(folder),
            "RAM: component with its `Emulator` in the node with entities": entities.component_bytes(folder),
            "instructions: core, poll of a steered battery": core_instructions(folder),
            "instructions: minimal node, poll of a battery that only reads the meter": node_instructions(
                minimal.program, folder
            ),
        }
    return figures, files


def render(figures: dict[str, int]) -> str:
    rows = [f"| {name} | {value:,} |\n" for name, value in figures.items()]
    return "".join(["| | Bytes, or instructions |\n|---|---|\n", *rows])


def documented(text: str) -> dict[str, int]:
    """The figures in the generated part of the docs."""
    block = text.split(BEGIN)[1].split(END)[0]
    return {name: int(value.replace(",", "")) for name, value in re.findall(r"^\| (.+) \| ([\d,]+) \|$", block, re.M)}


def written(text: str, figures: dict[str, int]) -> str:
    """The docs with these figures."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}{render(figures)}{END}{rest.split(END)[1]}"


def grown(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """One line per figure that is too large for what is documented, or that is on one side only."""
    lines = [f"{name}: documented, but not measured any more" for name in before if name not in now]
    for name, value in now.items():
        if name not in before:
            lines.append(f"{name}: {value:,}, not documented")
        elif value > before[name] * (1 + TOLERANCE):
            lines.append(f"{name}: {value:,}, documented {before[name]:,} (+{value / before[name] - 1:.1%})")
    return lines


def main(arguments: list[str]) -> None:
    if arguments not in ([], ["--write"]):
        sys.exit(f"size: unknown arguments {shlex.join(arguments)}; allowed: --write")
    try:
        figures, files = measure()
    except (OSError, RuntimeError) as error:
        sys.exit(f"size: {error}")
    for stem, size in files.items():
        print(f"{stem:<20}{size:>8}{'   only where used' if stem in BY_REQUEST else ''}")
    print()
    for name, value in figures.items():
        print(f"{name:<75}{value:>10,}")
    if arguments:
        DOCS.write_text(written(DOCS.read_text(), figures))
    elif lines := grown(documented(DOCS.read_text()), figures):
        print("\nAgainst docs/performance.md:", *lines, "`make size ARGS=--write` takes them over", sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
