"""How big the MicroPython application is: flash as .mpy, and RAM once it is imported.

    python tools/micropython_size.py MICROPYTHON MPY_CROSS [--write]

prints, or writes the figures into docs/micropython-update.md, against which a test compares. MICROPYTHON is best a
32-bit one with the core inside, whose pointers are as long as a board's; figures of 64 bits have names of their own.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import micropython_release as releases

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "micropython-update.md"
BEGIN, END = "<!-- sizes: written by tools/micropython_size.py --write -->\n", "<!-- end of sizes -->\n"
# A figure that grows by more than this is somebody's decision.
TOLERANCE = 0.05
#: The heap of a small board. Twice of it where pointers are twice as long.
HEAP_KB = 100
#: What is imported one after the other: the heap is looked at after each.
STEPS = ("start", "updates", "update")

MEASURE = """
import gc, sys
sys.path.insert(0, {folder!r})
gc.collect()
before = gc.mem_alloc()
for name in {names!r}:
    try:
        __import__("nullwatt." + name)
    except ImportError as error:
        print("missing", name, error)
    gc.collect()
    print("heap", name, gc.mem_alloc() - before)
print("bits", 64 if sys.maxsize > 1 << 32 else 32)
"""


def mpy_figures(files: dict[str, bytes]) -> dict[str, int]:
    """Flash of the parts, as they are in a slot."""
    groups: dict[str, int] = {}
    for name, data in files.items():
        if not name.endswith(".mpy"):
            continue
        part = "meters" if "/meters/" in name else name.removeprefix("nullwatt/").removesuffix(".mpy")
        groups[part] = groups.get(part, 0) + len(data)
    figures = {f"flash: `{part}`": size for part, size in sorted(groups.items())}
    return {**figures, "flash: all, as .mpy": sum(groups.values())}


def heap_figures(micropython: Path, folder: Path) -> dict[str, int]:
    """Heap after the import of what always runs, then of what only some configurations need."""
    text = run(micropython, MEASURE.format(folder=str(folder), names=STEPS))
    bits = re.findall(r"^bits (\d+)$", text, re.MULTILINE)[0]
    found = {name: int(value) for name, value in re.findall(r"^heap (\S+) (\d+)$", text, re.MULTILINE)}
    if missing := re.findall(r"^missing (\S+) (.*)$", text, re.MULTILINE):
        raise RuntimeError(f"nullwatt.{missing[0][0]} cannot be imported: {missing[0][1]}")
    return {
        f"RAM, {bits} bits: application imported": found["start"],
        f"RAM, {bits} bits: that looks for updates": found["updates"],
        f"RAM, {bits} bits: while it looks": found["update"],
    }


def run(micropython: Path, code: str) -> str:
    bits = run_plain(micropython, "import sys; print(64 if sys.maxsize > 1 << 32 else 32)").strip()
    return run_plain(micropython, code, f"heapsize={HEAP_KB * int(bits) // 32}k")


def run_plain(micropython: Path, code: str, *options: str) -> str:
    flags = [word for option in options for word in ("-X", option)]
    done = subprocess.run([micropython, *flags, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{micropython}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return done.stdout


def measure(micropython: Path, mpy_cross: Path, source: Path = releases.SOURCE) -> dict[str, int]:
    files = releases.release(source, str(mpy_cross))
    with tempfile.TemporaryDirectory() as name:
        releases.write_folder(files, Path(name))
        return {**mpy_figures(files), **heap_figures(micropython, Path(name))}


def render(figures: dict[str, int]) -> str:
    return "".join(["| | Bytes |\n|---|---|\n", *(f"| {name} | {value:,} |\n" for name, value in figures.items())])


def documented(text: str) -> dict[str, int]:
    """The figures in the generated part of the docs."""
    block = text.split(BEGIN)[1].split(END)[0]
    return {name: int(value.replace(",", "")) for name, value in re.findall(r"^\| (.+) \| ([\d,]+) \|$", block, re.M)}


def written(text: str, figures: dict[str, int]) -> str:
    """The docs with these figures."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}{render(figures)}{END}{rest.split(END)[1]}"


def grown(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """One line per figure that is too large for what is documented, or that is not documented."""
    lines = []
    for name, value in now.items():
        if name not in before:
            lines.append(f"{name}: {value:,}, not documented")
        elif value > before[name] * (1 + TOLERANCE):
            lines.append(f"{name}: {value:,}, documented {before[name]:,} (+{value / before[name] - 1:.1%})")
    return lines


def main(arguments: list[str]) -> None:
    paths = [Path(argument) for argument in arguments if argument != "--write"]
    if len(paths) != 2:
        sys.exit("micropython_size: usage: micropython_size.py MICROPYTHON MPY_CROSS [--write]")
    try:
        figures = measure(*paths)
    except (OSError, RuntimeError, releases.ReleaseError) as error:
        sys.exit(f"micropython_size: {error}")
    for name, value in figures.items():
        print(f"{name:<55}{value:>10,}")
    if "--write" in arguments:
        DOCS.write_text(written(DOCS.read_text(), figures))
    elif lines := grown(documented(DOCS.read_text()), figures):
        print("\nAgainst docs/micropython-update.md:", *lines, "--write takes them over", sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
