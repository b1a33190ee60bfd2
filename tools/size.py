"""Flash and RAM of the core on a 32-bit RISC-V microcontroller (rv32imac, the ESP32-C3/C6 set), at -Os."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import rv32

ROOT = Path(__file__).parents[1]
CORE = ROOT / "esphome_component" / "ct002_core"
COMPILER = [*rv32.tool("c++", *rv32.TARGET), "-std=c++17"]
EMBEDDED = ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-sanitize=all", "-fno-stack-protector"]
# Options by name and the C door are linked only by hosts that use them; an ESPHome firmware does not.
BY_REQUEST = {"config_access", "c_api"}


# What a firmware leaves out when its YAML does not ask for it.
OPTIONAL_PARTS = ("hampel", "smoothing", "deadband", "pid", "efficiency")
LEAN = [f"-DCT002_NO_{part.upper()}" for part in OPTIONAL_PARTS]


def compile_to(target: Path, source: Path, *options: str) -> None:
    command = [*COMPILER, *EMBEDDED, *options, f"-I{CORE}", "-c", str(source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"size: {source.name} does not compile: {done.stderr.strip().splitlines()[0]}")


def text_bytes(object_file: Path) -> int:
    """Code and constants: everything of the object that goes to flash."""
    listing = subprocess.run(["size", "-A", str(object_file)], capture_output=True, text=True, check=True).stdout
    sections = re.findall(r"^(\.\S+)\s+(\d+)", listing, re.MULTILINE)
    return sum(int(size) for name, size in sections if name.startswith((".text", ".rodata", ".srodata", ".data")))


def core_bytes(folder: Path, *options: str) -> int:
    """Everything that a firmware links."""
    size = 0
    for source in CORE.glob("*.cpp"):
        if source.stem not in BY_REQUEST and not (options and source.stem in OPTIONAL_PARTS):
            compile_to(folder / "part.o", source, *options)
            size += text_bytes(folder / "part.o")
    return size


def emulator_bytes(folder: Path, batteries: int, *options: str) -> int:
    probe = folder / "probe.cpp"
    probe.write_text('#include "emulator.h"\nunsigned char probe[sizeof(nullwatt::Emulator)] = {1};\n')
    compile_to(folder / "probe.o", probe, f"-DCT002_MAX_BATTERIES={batteries}", *options)
    listing = subprocess.run(["nm", "-S", str(folder / "probe.o")], capture_output=True, text=True, check=True).stdout
    match = re.search(r"^\S+ (\S+) D probe$", listing, re.MULTILINE)
    assert match is not None
    return int(match[1], 16)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {}
        for source in sorted(CORE.glob("*.cpp")):
            compile_to(folder / f"{source.stem}.o", source)
            sizes[source.stem] = text_bytes(folder / f"{source.stem}.o")
        print(f"{'file':<20}{'.text, bytes':>14}")
        for stem, size in sizes.items():
            print(f"{stem:<20}{size:>14}{'   only where used' if stem in BY_REQUEST else ''}")
        core = sum(size for stem, size in sizes.items() if stem not in BY_REQUEST)
        print(f"{'core in a firmware':<20}{core:>14}")
        print(f"{'without optional parts':<20}{core_bytes(folder, *LEAN):>12}   ({', '.join(OPTIONAL_PARTS)})")
        print(f"{'everything':<20}{sum(sizes.values()):>14}")
        for batteries in (4, 16):
            full, lean = emulator_bytes(folder, batteries), emulator_bytes(folder, batteries, *LEAN)
            print(f"sizeof(Emulator), {batteries:>2} batteries: {full} bytes, {lean} without")


if __name__ == "__main__":
    main()
