"""`pio run` and `pio test` of the core, without PlatformIO's registry.

PlatformIO fetches two things when it first runs: the platform `native` and its build tool. Here a folder of our own
takes the place of its home: a stand-in for the platform, and the build tool from the Python package `scons`.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLATFORM = """
from platformio.public import PlatformBase

class NativePlatform(PlatformBase):
    pass
"""

BUILDER = """
from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
program = env.BuildProgram()
AlwaysBuild(env.Alias("exec", program, "$PROG_PATH"))
Default([program])
"""

TOOL = """
from SCons.Script import main

main()
"""


def missing_tool(name: str, remedy: str) -> None:
    """Skips with one line that names the tool; on CI, where every tool must be there, fails."""
    line = f"{name} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def install(folder: Path, kind: str, name: str, version: str, files: dict[str, str]) -> None:
    """Puts a package where PlatformIO looks for it, with the marks of a finished installation."""
    manifest = {"name": name, "version": version, "title": name, "description": name, "license": "MIT"}
    spec = {"owner": "platformio", "id": None, "name": name, "requirements": None, "uri": None}
    files = {
        **files,
        "platform.json" if kind == "platform" else "package.json": json.dumps(manifest),
        ".piopm": json.dumps({"type": kind, "name": name, "version": version, "spec": spec}),
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.fixture(scope="module")
def pio() -> list[str]:
    """The PlatformIO command."""
    program = Path(os.environ.get("PIO", ROOT / ".venv-platformio" / "bin" / "pio"))
    if not program.is_file():
        missing_tool("platformio", "install it into .venv-platformio, or name `pio` in the environment variable PIO")
    return [str(program)]


@pytest.fixture(scope="module")
def environment(pio: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    interpreter = Path(pio[0]).resolve().with_name("python")
    found = subprocess.run(
        [interpreter, "-c", "import SCons; print(SCons.__path__[0])"], capture_output=True, text=True, check=False
    )
    if found.returncode != 0:
        missing_tool("scons", "install scons==4.8.1 beside platformio")
    home = tmp_path_factory.mktemp("platformio")
    native = {"platform.py": PLATFORM, "builder/main.py": BUILDER}
    install(home / "platforms" / "native", "platform", "native", "1.2.1", native)
    tool = home / "packages" / "tool-scons"
    install(tool, "tool", "tool-scons", "4.40801.0", {"scons.py": TOOL})
    (tool / "SCons").symlink_to(found.stdout.strip())
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("PLATFORMIO")},
        "PLATFORMIO_CORE_DIR": str(home),
        "PLATFORMIO_WORKSPACE_DIR": str(home / "workspace"),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_NO_ANSI": "true",
    }


@pytest.mark.slow
def test_core_passes_its_smoke_test(pio: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*pio, "test", "-e", "native"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 test cases: 6 succeeded" in done.stdout


@pytest.mark.slow
def test_core_builds_and_prints_its_size(pio: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*pio, "run", "-e", "native", "-t", "exec"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Emulator: " in done.stdout
    assert "warning" not in done.stdout + done.stderr
