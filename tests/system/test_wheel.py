"""The package as a user installs it: a wheel in an environment of its own, no source tree in reach."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
from nullwatt.core import Config, Emulator, decode_frame, encode_frame
emulator = Emulator(Config(ct_type="HME-3"))
emulator.update_grid([300.0], at=0)
reply = emulator.handle(encode_frame(["HMG-50", "60F1A2B3C401", "HME-4", "", "A", "0"]), at=0)
print(decode_frame(reply)[0], nullwatt_file := __import__("nullwatt").__file__)
"""


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_wheel_works_in_a_clean_environment(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    # A copy without anything built before, so that the wheel's own build has to do all of it.
    source = tmp_path / "source"
    run("git", "clone", "--quiet", "--no-local", ROOT, source, cwd=tmp_path)
    run(uv, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", tmp_path / "wheel", cwd=source)
    (wheel,) = (tmp_path / "wheel").glob("nullwatt-*.whl")
    shipped = {path.name for path in (ROOT / "host_sim/nullwatt/lab").glob("**/scenarios/*.yaml")}
    shipped |= {"page.css", "page.js", "page_editor.css", "page_editor.js"}
    assert shipped and shipped <= {Path(name).name for name in zipfile.ZipFile(wheel).namelist()}
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path)
    out = run(python, "-c", PROGRAM, cwd=tmp_path)
    assert out.startswith("HME-3 ")
    assert str(tmp_path / "venv") in out
    program = tmp_path / "venv" / "bin" / "nullwatt"
    assert run(program, "--version", cwd=tmp_path).startswith("nullwatt ")
    # Without any extra: the lab, and a house that is served.
    assert "steps_ramp" in run(program, "lab", "list", cwd=tmp_path)
    served = subprocess.Popen(
        [program, "sim", "run", "--no-tui", "--http-port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert served.stdout is not None
    assert "serving http://127.0.0.1:" in served.stdout.readline()
    served.terminate()
    assert served.wait(10) == 0
