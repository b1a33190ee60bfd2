"""Compiles for rv32imac, the instruction set of ESP32-C3 and C6, and counts what a program executes.

The compiler is a package of its own with a pinned version (requirements-size.txt), so the same sources give the same
code everywhere. Programs run under qemu-riscv32.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

PYTHON = Path(__file__).parents[1] / ".venv-size" / "bin" / "python"
TARGET = ("-target", "riscv32-linux-musl", "-mcpu=generic_rv32+m+c+a", "-Os")
EMULATOR = "qemu-riscv32"


def is_installed() -> bool:
    return PYTHON.is_file()


def tool(name: str, *options: str) -> list[str]:
    """Command line of "cc", "c++" or "ar"."""
    return [str(PYTHON), "-m", "ziglang", name, *options]


def esphome_environment() -> dict[str, str]:
    """What makes `esphome compile` of a host node use it."""
    return {
        "CC": " ".join(tool("cc", *TARGET)),
        "CXX": " ".join(tool("c++", *TARGET)),
        "AR": " ".join(tool("ar")),
        "ESPHOME_PCH_ENABLE": "0",
    }


def traced(program: Path, log: Path, *arguments: str) -> list[str]:
    """Command line that runs a program and logs its blocks of instructions and its system calls, for `executed`."""
    return [EMULATOR, "-strace", "-d", "exec,in_asm,nochain", "-D", str(log), str(program), *arguments]


def executed(log: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each system call of a trace, and how many instructions were executed before it."""
    sizes: dict[str, int] = {}  # instructions per block, by its address
    block, total = "", 0
    for line in log:
        if line.startswith("Trace "):
            total += sizes[line.split("/", 2)[1]]
        elif line.startswith("IN:"):
            block = ""
        elif line.startswith("0x"):
            block = block or line[2:10]
            sizes[block] = 1 if line[2:10] == block else sizes[block] + 1
        elif "(" in line:
            yield total, line


def instructions_of(program: Path, folder: Path, *arguments: str) -> int:
    """All that a program executes until it ends."""
    log = folder / "trace"  # a pipe, because there is a line per block
    os.mkfifo(log)
    with (
        subprocess.Popen(traced(program, log, *arguments), stdout=subprocess.DEVNULL) as running,
        log.open(errors="replace") as lines,
    ):
        *_, (total, _) = executed(lines)
    log.unlink()
    if running.returncode != 0:
        raise RuntimeError(f"{program.name} ended with {running.returncode}")
    return total
