"""Builds MicroPython for this machine, with the core and without, and the core as native .mpy files.

    make micropython ARGS="[NAME...]"    builds what is named, or everything; prints where it lies
    make micropython ARGS=--write        also writes the sizes into docs/micropython-native.md

The source is the source package of the distribution, fetched from the machine's own mirror without touching its
configuration and checked by its hash; MICROPYTHON_SOURCE names an unpacked one instead. Everything lies under
.build/micropython and is built again only when a source of it changes.
"""

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rv32

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".build" / "micropython"
NATIVE = ROOT / "micropython" / "native"
CORE = ROOT / "esphome_component" / "ct002_core"
PYTHON = ROOT / ".venv-micropython" / "bin" / "python"
DOCS = ROOT / "docs" / "micropython-native.md"
BEGIN, END = "<!-- sizes: written by make micropython ARGS=--write -->\n", "<!-- end of sizes -->\n"
# A figure that grows by more than this is somebody's decision.
TOLERANCE = 0.05

VERSION = "1.25.0"
ARCHIVE = f"micropython_{VERSION}+ds.orig.tar.xz"
SHA256 = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
# Where a distribution has that version: suite, component.
SUITES = {"debian": ("trixie", "main"), "ubuntu": ("questing", "universe")}

# The package lacks the libraries of these modules.
WITHOUT = ("MICROPY_PY_SSL=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0")
# Floats of 32 and 64 bits as on other chips, not the 80 bits of the x87.
X86 = ("MICROPY_FORCE_32BIT=1", "CFLAGS_EXTRA=-msse2 -mfpmath=sse")
MODULE = f"USER_C_MODULES={ROOT / 'micropython'}"
PORTS = {
    "plain-x64": (),
    "plain-x86": X86,
    "module-x64": (MODULE,),
    "module-x86": (*X86, MODULE),
    # For qemu-riscv32, to run what is meant for ESP32-C3 and C6.
    "plain-rv32imc": ("CWARN=-Wall", "CFLAGS_EXTRA=-DMICROPY_EMIT_RV32=1"),
}
MPYS = ("x64", "x86", "rv32imc")
# Of these the file has MQTT insights too: the one that no board has to find room for.
WITH_INSIGHTS = ("x64",)


class MissingError(RuntimeError):
    """Something this machine does not have; one line says what, and what to do."""


def done(command: list[str], folder: Path | None = None) -> str:
    """Output of a command; ends with its first error."""
    # What a make above told its children does not concern these.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if finished.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}\n{finished.stdout[-2000:]}{finished.stderr[-2000:]}")
    return finished.stdout


def make(folder: Path, *arguments: str) -> str:
    return done(["make", "-C", str(folder), f"-j{len(os.sched_getaffinity(0))}", *arguments])


@contextmanager
def only_one() -> Iterator[None]:
    """Two test workers may want the same at a time."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def hash_of(*parts: Path | str | tuple[str, ...]) -> str:
    """Of files, what lies directly in folders, and texts."""
    digest = hashlib.sha256()
    for part in parts:
        files = (sorted(part.iterdir()) if part.is_dir() else [part]) if isinstance(part, Path) else []
        for file in files:
            if file.is_file():
                digest.update(file.name.encode() + file.read_bytes())
        if not isinstance(part, Path):
            digest.update(repr(part).encode())
    return digest.hexdigest()


# -- source --------------------------------------------------------------------------------


def os_id() -> str:
    release = Path("/etc/os-release")
    found = re.search(r'^ID="?(\w+)', release.read_text(), re.MULTILINE) if release.is_file() else None
    return found[1] if found else "unknown"


def mirror() -> str:
    """Of the machine's own packages."""
    folder = Path("/etc/apt")
    own = folder / "sources.list.d" / f"{os_id()}.sources"
    for file in [own, folder / "sources.list", *sorted(own.parent.glob("*"))]:
        text = file.read_text(errors="replace") if file.is_file() else ""
        if found := re.search(r"^(?:URIs:|deb\s+(?:\[.*?\])?)\s*(\S+)", text, re.MULTILINE):
            return found[1]
    raise MissingError("MicroPython is missing: no package source in /etc/apt; name one in MICROPYTHON_SOURCE")


def fetch() -> Path:
    """The source package's archive."""
    archive = BUILD / ARCHIVE
    if not archive.is_file():
        system = os_id()
        if system not in SUITES or shutil.which("apt-get") is None:
            raise MissingError(f"MicroPython is missing: {system} is not known here; name it in MICROPYTHON_SOURCE")
        suite, component = SUITES[system]
        lists = BUILD / "apt"
        (lists / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (lists / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        keys = f"/usr/share/keyrings/{system}-archive-keyring.gpg"
        (lists / "sources.list").write_text(f"deb-src [signed-by={keys}] {mirror()} {suite} {component}\n")
        options = {
            "Dir::Etc::sourcelist": lists / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": lists / "lists",
            "Dir::Cache": lists / "cache",
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "1",
        }
        apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
        try:
            done([*apt, "update"], lists)
            done([*apt, "source", "--download-only", "micropython"], lists)
        except RuntimeError as error:
            last = (str(error).strip().splitlines() or [""])[-1]
            raise MissingError(f"MicroPython is missing: its source package cannot be fetched: {last}") from None
        found = lists / ARCHIVE
        if not found.is_file():
            raise MissingError(f"MicroPython is missing: {suite} has another version than {VERSION}")
        if hashlib.sha256(found.read_bytes()).hexdigest() != SHA256:
            raise MissingError(f"MicroPython is missing: {ARCHIVE} is not the archive that is expected")
        found.rename(archive)
    return archive


def source() -> Path:
    """The unpacked source, with mpy-cross built."""
    if given := os.environ.get("MICROPYTHON_SOURCE"):
        folder = Path(given)
    else:
        folder = BUILD / f"micropython-{VERSION}"
        if not (folder / ".unpacked").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            with tarfile.open(fetch()) as archive:
                archive.extractall(BUILD, filter="data")
            # Its makefiles look for it to see that the libraries are there.
            (folder / "lib" / "micropython-lib" / "README.md").touch()
            (folder / ".unpacked").touch()
    if not (folder / "mpy-cross" / "build" / "mpy-cross").is_file():
        make(folder / "mpy-cross")
    return folder


# -- what is built from it -----------------------------------------------------------------


def built(folder: Path, key: str, product: str) -> bool:
    stamp = folder / "stamp"
    return stamp.is_file() and stamp.read_text() == key and (folder / product).is_file()


def needs_32_bit() -> None:
    program = ["gcc", "-m32", "-x", "c", "-", "-o", "/dev/null"]
    if subprocess.run(program, input="int main(void) { return 0; }", text=True, capture_output=True).returncode != 0:
        raise MissingError("gcc -m32 is missing: install gcc-multilib and g++-multilib")


def port(name: str) -> Path:
    """The program of a Unix port: "plain-..." knows nothing of nullwatt, "module-..." has the core inside."""
    folder = BUILD / name
    arguments = PORTS[name]
    with only_one():
        key = hash_of(VERSION, WITHOUT, arguments, *((NATIVE, CORE) if MODULE in arguments else ()))
        if not built(folder, key, "micropython"):
            if "x86" in name:
                needs_32_bit()
            top = source()
            manifest = top / "extmod" / "asyncio" / "manifest.py"
            compiler = rv32_port_tools() if "rv32" in name else ()
            where = (f"FROZEN_MANIFEST={manifest}", f"BUILD={folder}")
            make(top / "ports" / "unix", *WITHOUT, *arguments, *compiler, *where)
            (folder / "stamp").write_text(key)
    return folder / "micropython"


def write_tool(file: Path, text: str, shell: str = "/bin/sh") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!{shell}\n{text}")
    file.chmod(0o755)


def rv32_tools() -> str:
    """The pinned compiler under the names that MicroPython's makefile expects: their common start."""
    if not rv32.is_installed():
        raise MissingError("ziglang is missing: run `make .venv-size/.installed`")
    folder = BUILD / "rv32-tools"
    runtime = folder / "compiler_rt.o"
    # Integers, multiplication, short instructions: what every ESP32-C and -H has.
    target = ("-target", "riscv32-linux-musl", "-mcpu=generic_rv32+m+c")
    if not runtime.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        where = done([str(rv32.PYTHON), "-c", "import ziglang; print(ziglang.__path__[0])"]).strip()
        lean = ["-O", "ReleaseSmall", "-fPIC", "-ffunction-sections", "-fdata-sections", "-fstrip"]
        triple = ["-target", "riscv32-freestanding-none", "-mcpu", "generic_rv32+m+c"]
        done([*rv32.tool("build-obj"), f"{where}/lib/compiler_rt.zig", *triple, *lean, "--name", "compiler_rt"], folder)
    for name, language in (("gcc", "cc"), ("g++", "c++")):
        command = shlex.join(rv32.tool(language, *target, "-fno-sanitize=all", "-fno-stack-protector"))
        write_tool(
            folder / f"rv32-{name}",
            f"""case "$*" in
*--print-file-name=*) echo picolibc.specs; exit ;;
*--print-libgcc-file-name*) echo {shlex.quote(str(runtime))}; exit ;;
esac
for argument; do
  shift
  case "$argument" in -march=* | -mabi=*) ;; *) set -- "$@" "$argument" ;; esac
done
exec {command} "$@"
""",
        )
    write_tool(folder / "rv32-ld", f'exec {shlex.join(rv32.tool("ld.lld"))} "$@"\n')
    return f"{folder}/rv32-"


# The pinned compiler preprocesses one file at a time, and nothing from a pipe; it does not know all of a linker's
# options.
PORT_COMPILER = """
flags=() files=() preprocess=
for argument; do
  case "$argument" in
  -E) preprocess=1; flags+=(-E) ;;
  -Wl,-Map=* | -Wl,--cref | -Wl,--gc-sections) ;;
  *.c) files+=("$argument") ;;
  -) pipe=$(mktemp --suffix=.c); trap 'rm -f "$pipe"' EXIT; cat >"$pipe"; files+=("$pipe") ;;
  *) flags+=("$argument") ;;
  esac
done
if [[ -n $preprocess ]]; then
  for file in "${files[@]}"; do COMMAND "${flags[@]}" "$file" || exit 1; done
else
  COMMAND "${flags[@]}" "${files[@]}"
fi
"""


def rv32_port_tools() -> tuple[str, ...]:
    """Arguments for make with which a port is built for rv32, floats in software as on ESP32-C3 and C6."""
    if not rv32.is_installed():
        raise MissingError("ziglang is missing: run `make .venv-size/.installed`")
    folder = BUILD / "rv32-port-tools"
    command = rv32.tool("cc", "-target", "riscv32-linux-musl", "-mcpu=generic_rv32+m+a+c", "-fno-sanitize=all")
    write_tool(folder / "rv32-gcc", PORT_COMPILER.replace("COMMAND", shlex.join(command)), "/bin/bash")
    for name in ("strip", "size", "objcopy"):
        write_tool(folder / f"rv32-{name}", "exit 0\n")
    return f"CROSS_COMPILE={folder}/rv32-", f"CPP={folder}/rv32-gcc -E"


def mpy(arch: str) -> Path:
    """The folder of `_ct002.mpy` for an architecture."""
    folder = BUILD / f"mpy-{arch}"
    with only_one():
        key = hash_of(VERSION, NATIVE, CORE, Path(__file__))
        if not built(folder, key, "_ct002.mpy"):
            if not PYTHON.is_file():
                raise MissingError("pyelftools is missing: run `make .venv-micropython/.installed`")
            if arch == "x86":
                needs_32_bit()
            arguments = [f"ARCH={arch}", f"MPY_DIR={source()}", f"BUILD={folder}", f"PYTHON={PYTHON}"]
            if arch in WITH_INSIGHTS:
                arguments.append("INSIGHTS=1")
            if arch == "rv32imc":
                arguments.append(f"CROSS={rv32_tools()}")
            text = make(NATIVE, *arguments)
            for figure in ("text", "bss"):
                if found := re.search(rf"^{figure} size:\s+(\d+)", text, re.MULTILINE):
                    (folder / figure).write_text(found[1])
            (folder / "stamp").write_text(key)
    return folder


# -- sizes ---------------------------------------------------------------------------------


EMULATOR = "import _ct002; print(_ct002.Emulator().memory)"
DOOR = """
import _ct002, gc
gc.collect()
before = gc.mem_alloc()
import nullwatt.core
gc.collect()
print(gc.mem_alloc() - before)
"""


def told_by(program: Path, script: str) -> int:
    """The number that a script prints."""
    environment = {**os.environ, "MICROPYPATH": str(ROOT / "micropython")}
    return int(subprocess.run([program, "-c", script], env=environment, capture_output=True, check=True).stdout)


def measure() -> dict[str, int]:
    """The figures of the docs."""
    figures = {}
    for arch in MPYS:
        folder = mpy(arch)
        name = f"{arch}, INSIGHTS=1" if arch in WITH_INSIGHTS else arch
        figures[f"`_ct002.mpy` for {name}: file"] = (folder / "_ct002.mpy").stat().st_size
        figures[f"`_ct002.mpy` for {name}: code and constants, once loaded"] = int((folder / "text").read_text())
        figures[f"`_ct002.mpy` for {name}: variables"] = int((folder / "bss").read_text())
    for bits, name in ((64, "module-x64"), (32, "module-x86")):
        figures[f"heap: one `Emulator`, 16 batteries, {bits} bits"] = told_by(port(name), EMULATOR)
        figures[f"heap: `nullwatt/core.py`, compiled on the board, {bits} bits"] = told_by(port(name), DOOR)
    return figures


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


def main(arguments: list[str]) -> None:
    names = {**dict.fromkeys(PORTS, port), **{f"mpy-{arch}": mpy for arch in MPYS}}
    wanted = [name for name in arguments if name != "--write"]
    if unknown := [name for name in wanted if name not in names]:
        sys.exit(f"micropython: unknown {unknown[0]!r}; allowed: --write, {', '.join(names)}")
    try:
        for name in wanted or names:
            print(f"{name:<15}{names[name](name.removeprefix('mpy-'))}", flush=True)
        if not wanted or "--write" in arguments:
            figures = measure()
            print("\n", render(figures), sep="")
            if "--write" in arguments:
                DOCS.write_text(written(DOCS.read_text(), figures))
    except (OSError, RuntimeError) as error:
        sys.exit(f"micropython: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
