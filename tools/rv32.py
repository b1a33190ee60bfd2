"""The compiler for rv32imac, the instruction set of ESP32-C3 and C6, from a package of its own.

Its version is pinned in requirements-size.txt, so that the same sources give the same code everywhere.
"""

from pathlib import Path

PYTHON = Path(__file__).parents[1] / ".venv-size" / "bin" / "python"
TARGET = ("-target", "riscv32-linux-musl", "-mcpu=generic_rv32+m+c+a", "-Os")


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
