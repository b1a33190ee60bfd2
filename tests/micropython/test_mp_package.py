"""The ways onto a board: compiled, frozen into the firmware, installed by mip. And how much of it there is."""

import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[2] / "tools")]
import micropython_release as releases
import micropython_size as size
from board import APPLICATION, METER, copy_package, free_port

#: A client with the rules of mip 0.4: https://github.com/micropython/micropython-lib/blob/master/micropython/mip
MIP = """
import json, os, socket, sys

def get(url):
    assert url.startswith("http://"), url
    place, _, path = url[7:].partition("/")
    host, _, port = place.partition(":")
    found = socket.getaddrinfo(host, int(port))[0]
    s = socket.socket()
    s.connect(found[-1])
    s.write(("GET /%s HTTP/1.0\\r\\n\\r\\n" % path).encode())
    assert s.readline().split()[1] == b"200", url
    while s.readline().strip():
        pass
    body = s.read()
    s.close()
    return body

def rewrite(url, branch):
    if url.startswith("github:"):
        parts = url[7:].split("/")
        return RAW + "/" + "/".join(parts[:2]) + "/" + branch + "/" + "/".join(parts[2:])
    return url

def install(package, target, version="HEAD"):
    document = json.loads(get(rewrite(package + "/package.json", version)))
    assert not document.get("hashes")
    for path, url in document.get("urls", ()):
        parts = (target + "/" + path).split("/")
        for i in range(1, len(parts)):
            try:
                os.mkdir("/".join(parts[:i]))
            except OSError:
                pass
        with open(target + "/" + path, "wb") as file:
            file.write(get(rewrite(url, version)))
    for dependency, at in document.get("deps", ()):
        install(dependency, target, at)

RAW = sys.argv[1]
install("github:nullwatt/nullwatt/micropython", "lib")
print("installed")
"""


def test_every_file_compiles(mpy_cross: Path) -> None:
    files = releases.release(APPLICATION, str(mpy_cross))
    assert len(files) == len(list((APPLICATION / "nullwatt").rglob("*.py"))) + 1
    for name, data in files.items():
        assert name == "manifest.json" or data[:2] == b"M\x06", name


def test_package_json_lists_every_file_where_it_is() -> None:
    rule = "`python tools/micropython_release.py --package-json` writes it anew"
    assert releases.PACKAGE_JSON.read_text() == releases.package_json(), rule
    document = json.loads(releases.PACKAGE_JSON.read_text())
    assert {target for target, _ in document["urls"]} == {file.as_posix() for file in releases.sources(APPLICATION)}
    for target, url in document["urls"]:
        assert url == f"github:nullwatt/nullwatt/micropython/{target}"
        assert (APPLICATION / target).is_file()


def test_a_mip_installation_can_be_imported(micropython: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "nullwatt" / "nullwatt" / "HEAD"
    raw.mkdir(parents=True)
    (raw / "micropython").symlink_to(APPLICATION)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "raw"))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "mip.py").write_text(MIP)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        said = run(micropython, tmp_path, "mip.py", url)
        server.shutdown()
    assert "installed" in said
    names = {file.relative_to(tmp_path / "lib").as_posix() for file in (tmp_path / "lib").rglob("*.py")}
    assert names == {file.as_posix() for file in releases.sources(APPLICATION)}
    code = (
        "import sys; sys.path.insert(0, 'lib')\nfrom nullwatt import boot, update, guard, app, config\nprint('imports')"
    )
    (tmp_path / "try.py").write_text(code)
    assert "imports" in run(micropython, tmp_path, "try.py")


@pytest.mark.slow
def test_frozen_into_the_firmware_it_starts_without_a_file(tmp_path: Path, micropython_source: Path) -> None:
    """A build of the unix port with manifest.py; main.py is frozen as well."""
    tree = copy_package(tmp_path / "application", "7.8.9")
    for name in ("main.py", "manifest.py"):
        shutil.copy(APPLICATION / name, tree / name)
    build = releases.ROOT / ".build" / "micropython" / "frozen"
    build.mkdir(parents=True, exist_ok=True)
    options = ["MICROPY_PY_SSL=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0", f"USER_C_MODULES={APPLICATION}"]
    done = subprocess.run(
        [
            "make",
            "-C",
            micropython_source / "ports" / "unix",
            *options,
            f"FROZEN_MANIFEST={tree}/manifest.py",
            f"BUILD={build}",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    folder = tmp_path / "board"
    folder.mkdir()
    (folder / "my_meter.py").write_text(METER + "\n    async def run(self, take):\n        raise SystemExit\n")
    document = {"meter": {"type": "my_meter:MyMeter"}, "ct002": {"udp_port": free_port()}, "watchdog": {"timeout": 0}}
    (folder / "config.json").write_text(json.dumps(document))
    for path in ("", ".frozen"):
        # The board's start script runs a frozen main.py; the unix port has none, so `-m` does.
        said = subprocess.run(
            [build / "micropython", "-m", "main"],
            cwd=folder,
            env={**os.environ, "MICROPYPATH": ":.frozen" if path else ".frozen:"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert said.returncode == 0, said.stdout + said.stderr
    assert (folder / "slots" / "starts").exists()
    code = "import nullwatt; print(nullwatt.__version__, nullwatt.__file__)"
    text = subprocess.run([build / "micropython", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert text.stdout.split() == ["7.8.9", "nullwatt/__init__.py"]


# -- size -------------------------------------------------------------------------------------


def test_the_application_has_not_grown(micropython_32: Path, mpy_cross: Path) -> None:
    figures = size.measure(micropython_32, mpy_cross)
    documented = size.documented(size.DOCS.read_text())
    if lines := size.grown(documented, figures):
        rule = (
            "grew by more than 5 % over docs/micropython-update.md; if it must be so, tools/micropython_size.py --write"
        )
        pytest.fail("\n".join([rule, *lines]), pytrace=False)


def test_growth_is_told_with_the_figure() -> None:
    assert size.grown({"a": 1000, "b": 1000}, {"a": 1050, "b": 1051, "new": 7}) == [
        "b: 1,051, documented 1,000 (+5.1%)",
        "new: 7, not documented",
    ]


def test_figures_are_read_as_they_were_written() -> None:
    figures = {"flash: `app`": 1056, "RAM, 32 bits: application imported": 40000}
    text = size.written(size.DOCS.read_text(), figures)
    assert size.documented(text) == figures


def run(micropython: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [micropython, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
