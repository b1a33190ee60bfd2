"""Makes an update for MicroPython boards: a folder with manifest.json and the files, or a tar file of the same.

    python tools/micropython_release.py out/ --mpy-cross mpy-cross --key-file update.key
    python tools/micropython_release.py --package-json      lists the files for `mip install` anew

The same sources, compiler and key give the same bytes. docs/micropython-update.md says how boards take it.
"""

import argparse
import hashlib
import hmac
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "micropython"
PACKAGE = "nullwatt"
PACKAGE_JSON = SOURCE / "package.json"
REPOSITORY = "github:nullwatt/nullwatt"
#: What boards take: see micropython/nullwatt/update.py.
MOST_FILES = 64
MOST_BYTES = 65536
MOST_TOTAL = 524288


class ReleaseError(Exception):
    """There is no release; one line."""


def sources(folder: Path) -> list[Path]:
    """The files of the package, relative to the folder, in the order of their names."""
    return sorted(path.relative_to(folder) for path in (folder / PACKAGE).rglob("*.py"))


def version_of(folder: Path) -> str:
    text = (folder / PACKAGE / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', text, re.MULTILINE)
    if found is None:
        raise ReleaseError(f'{folder / PACKAGE / "__init__.py"}: needs a line __version__ = "1.2.3"')
    return found[1]


def compiled(folder: Path, file: Path, mpy_cross: str) -> bytes:
    """The file as .mpy; its name inside is that in the package, wherever the folder is."""
    with tempfile.NamedTemporaryFile(suffix=".mpy") as out:
        done = subprocess.run(
            [mpy_cross, "-s", file.as_posix(), "-o", out.name, folder / file],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ReleaseError(f"{file}: {done.stderr.strip() or done.stdout.strip()}")
        return Path(out.name).read_bytes()


def signature(key: str, version: str, core: str, mpy: int, files: list[tuple[str, int, str]]) -> str:
    """HMAC-SHA256 over all that counts; the text is that of `signature` in micropython/nullwatt/update.py."""
    lines = ["nullwatt update 1", version, core, str(mpy), *(f"{name} {size} {digest}" for name, size, digest in files)]
    return hmac.new(key.encode(), ("\n".join(lines) + "\n").encode(), hashlib.sha256).hexdigest()


def release(folder: Path, mpy_cross: str | None, key: str = "", core: str = "0.0.0") -> dict[str, bytes]:
    """The files of an update by name, manifest.json first. mpy_cross: None = sources are sent as they are."""
    contents: dict[str, bytes] = {}
    for file in sources(folder):
        if mpy_cross:
            contents[file.with_suffix(".mpy").as_posix()] = compiled(folder, file, mpy_cross)
        else:
            contents[file.as_posix()] = (folder / file).read_bytes()
    for name, data in contents.items():
        if len(data) > MOST_BYTES:
            raise ReleaseError(f"{name}: {len(data)} bytes, boards take {MOST_BYTES}")
    if len(contents) > MOST_FILES or sum(map(len, contents.values())) > MOST_TOTAL:
        raise ReleaseError(f"{len(contents)} files, boards take {MOST_FILES} with {MOST_TOTAL} bytes in all")
    version = version_of(folder)
    mpy = contents[f"{PACKAGE}/__init__.mpy"][1] if mpy_cross else 0
    files = [(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()]
    manifest: dict[str, object] = {"version": version, "core": core, "mpy": mpy, "files": files}
    if key:
        manifest["signature"] = signature(key, version, core, mpy, files)
    return {"manifest.json": json.dumps(manifest, separators=(",", ":")).encode() + b"\n", **contents}


def package_json(folder: Path = SOURCE) -> str:
    """What `mip install` reads: every file, and where it is. main.py is not in it: mip installs into /lib."""
    urls = [[file.as_posix(), f"{REPOSITORY}/micropython/{file.as_posix()}"] for file in sources(folder)]
    return json.dumps({"version": version_of(folder), "deps": [], "urls": urls}, indent=2) + "\n"


def write_folder(files: dict[str, bytes], out: Path) -> None:
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_tar(files: dict[str, bytes], out: Path) -> None:
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            with tempfile.SpooledTemporaryFile() as stream:
                stream.write(data)
                stream.seek(0)
                tar.addfile(entry, stream)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="micropython_release", description=__doc__.splitlines()[0])
    parser.add_argument(
        "out", nargs="?", type=Path, help="folder, or a file that ends in .tar; a folder must be empty or not exist"
    )
    parser.add_argument(
        "--source", type=Path, default=SOURCE, help="folder that holds nullwatt/ (default: micropython/)"
    )
    parser.add_argument("--mpy-cross", default="mpy-cross", help="the compiler (default: mpy-cross in the PATH)")
    parser.add_argument("--py", action="store_true", help="send the sources as they are")
    parser.add_argument("--key-file", type=Path, help="file whose first line is update.key of the boards")
    parser.add_argument("--core", default="0.0.0", help="oldest core that it runs with")
    parser.add_argument("--package-json", action="store_true", help=f"write {PACKAGE_JSON.relative_to(ROOT)} instead")
    given = parser.parse_args(arguments)
    if given.package_json:
        PACKAGE_JSON.write_text(package_json())
        return
    if given.out is None:
        parser.error("the following arguments are required: out")
    try:
        if given.out.is_dir() and any(given.out.iterdir()):
            raise ReleaseError(f"{given.out}: is not empty")
        if not re.fullmatch(r"\d+\.\d+\.\d+", given.core):
            raise ReleaseError(f"--core {given.core}: must be such as 1.2.3")
        key = ""
        if given.key_file:
            key = given.key_file.read_text().partition("\n")[0].strip()
            if not key:
                raise ReleaseError(f"{given.key_file}: its first line is empty")
        files = release(given.source, None if given.py else given.mpy_cross, key, given.core)
        (write_tar if given.out.suffix == ".tar" else write_folder)(files, given.out)
    except (ReleaseError, OSError) as error:
        sys.exit(f"micropython_release: {error}")
    size = sum(map(len, files.values()))
    print(f"{given.out}: {version_of(given.source)}, {len(files) - 1} files, {size} bytes, signed: {bool(key)}")


if __name__ == "__main__":
    main()
