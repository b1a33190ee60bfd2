"""What only a compiler and a linker can show: no heap, no undefined behaviour, no libstdc++."""

import re
import runpy
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "cpp"
CORE = Path(__file__).parents[2] / "esphome_component" / "ct002_core"
SOURCES = sorted(CORE.glob("*.cpp"))
# What stands beside the meter knows nothing of its parts.
BESIDE = {
    *runpy.run_path(str(CORE / "parts.py"))["SERVICE_FILES"],
    "c_ble.cpp",
    "c_cloud.cpp",
    "c_insights.cpp",
    "c_json.cpp",
}
METER = [source for source in SOURCES if source.name not in BESIDE]
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Werror"]
EMBEDDED = ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"]

# All that the core may ask of the platform. Nothing that allocates, prints, locks or throws.
ALLOWED_SYMBOLS = {"memcpy", "memmove", "memset", "memcmp", "sqrtf", "fabsf", "__stack_chk_fail"}


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The core, compiled as for a microcontroller."""
    folder = tmp_path_factory.mktemp("core")
    run("g++", *STRICT, *EMBEDDED, "-Os", "-c", *SOURCES, cwd=folder)
    return sorted(folder.glob("*.o"))


def test_core_needs_no_platform_beyond_memory_and_float_functions(objects: list[Path]) -> None:
    defined, undefined = set(), set()
    for line in run("nm", *objects).stdout.splitlines():
        match = re.match(r"^[0-9a-f ]{16} ([A-Za-z]) (.+)$", line)
        if match:
            (undefined if match[1] == "U" else defined).add(match[2])
    assert undefined - defined <= ALLOWED_SYMBOLS


PARTS = {"hampel": "Hampel", "smoothing": "Smoothing", "deadband": "Deadband", "pid": "Pid", "efficiency": "Efficiency"}


@pytest.mark.parametrize("part", PARTS)
def test_part_that_is_left_out_leaves_nothing_behind(objects: list[Path], tmp_path: Path, part: str) -> None:
    sources = [source for source in METER if source.stem != part]
    run("g++", *STRICT, *EMBEDDED, "-Os", f"-DCT002_NO_{part.upper()}", "-c", *sources, cwd=tmp_path)
    symbol = f"{len(PARTS[part])}{PARTS[part]}"  # as g++ writes names
    there, left = (
        [line for line in run("nm", *files).stdout.splitlines() if re.search(rf"{symbol}|{PARTS[part]}Filter", line)]
        for files in (objects, sorted(tmp_path.glob("*.o")))
    )
    # The deadband is a few instructions inside the chain, wherever it is on.
    assert (there or part == "deadband") and not left


def test_core_links_into_a_c_program_without_libstdcxx(objects: list[Path], tmp_path: Path) -> None:
    program = tmp_path / "c_door"
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    run("gcc", *strict, f"-I{CORE}", HERE / "c_door.c", *objects, "-lm", "-o", program)
    answer = run(program).stdout.strip()
    assert answer.startswith("HME-4||HMG-50|60F1A2B3C401|255|0|0|255|")


def test_nothing_is_allocated_after_construction(objects: list[Path], tmp_path: Path) -> None:
    program = tmp_path / "no_heap"
    wraps = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc")]
    run("g++", *STRICT, f"-I{CORE}", HERE / "no_heap.cpp", *objects, *wraps, "-o", program)
    run(program)
    guilty = subprocess.run([program, "allocate"], capture_output=True, text=True)
    assert guilty.returncode == 1
    assert "malloc called after construction" in guilty.stderr


@pytest.mark.slow
def test_hostile_input_under_address_and_undefined_behaviour_sanitizers(tmp_path: Path) -> None:
    program = tmp_path / "fuzz"
    sanitize = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
    run("g++", *STRICT, "-O1", "-g", *sanitize, f"-I{CORE}", HERE / "fuzz.cpp", *SOURCES, "-o", program)
    assert run(program, 40000, 1).stdout.strip() == "40000 runs"


def test_core_compiles_for_a_battery_table_of_another_size(tmp_path: Path) -> None:
    for size in (1, 4, 64):
        run("g++", *STRICT, *EMBEDDED, f"-DCT002_MAX_BATTERIES={size}", "-fsyntax-only", *SOURCES, cwd=tmp_path)


def test_core_includes_no_platform_header() -> None:
    allowed = {"cstddef", "cstdint", "cmath", "stddef.h", "stdint.h"}
    for path in [*SOURCES, *CORE.glob("*.h")]:
        system = set(re.findall(r"^#include <(.+)>", path.read_text(), re.MULTILINE))
        assert system <= allowed, path.name
