"""The oldest ESPHome that the component promises to work with.

It builds for the host with PlatformIO, which needs a network; so here its code is generated, and what concerns us is
given to the compiler.
"""

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from test_component_entities import AUTOMATIONS, node

ROOT = Path(__file__).parents[2]
FLOOR = (ROOT / "tools" / "requirements-esphome-floor.txt").read_text().strip().removeprefix("esphome==")


@pytest.fixture(scope="module")
def floor(esphome: Any, missing: Callable[[str, str], None]) -> Any:
    program = ROOT / ".venv-esphome-floor" / "bin" / "esphome"
    if not program.is_file():
        missing(f"esphome {FLOOR}", "install it into .venv-esphome-floor")
    return type(esphome)(program)


def test_it_is_the_version_the_component_asks_for() -> None:
    asked = ", ".join(str(int(part)) for part in FLOOR.split("."))
    init = (ROOT / "esphome_component" / "ct002" / "__init__.py").read_text()
    assert f"require_esphome_version({asked})" in init


@pytest.mark.slow
@pytest.mark.parametrize("text", [node((1, 2), 3, "grid_target: 0"), AUTOMATIONS.format(ports=(1, 2), api_port=3)])
def test_every_entity_and_automation_compiles(
    floor: Any, host_node: Callable[[str, str], str], tmp_path: Path, text: str
) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(host_node("node", text))
    outcome = floor.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    source = tmp_path / ".esphome" / "build" / "node" / "src"
    ours = sorted((source / "esphome" / "components" / "ct002").rglob("*.cpp"))
    assert len(ours) > 5

    def check(unit: Path) -> str:
        options = ("-std=gnu++20", "-fsyntax-only", "-DUSE_HOST", "-DESPHOME_LOG_LEVEL=6", f"-I{source}")
        done = subprocess.run(["g++", *options, unit], capture_output=True, text=True, check=False)
        return done.stderr if done.returncode != 0 else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert "".join(pool.map(check, [source / "main.cpp", *ours])) == ""


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["esp-idf", "arduino"])
def test_example_generates(floor: Any, tmp_path: Path, framework: str) -> None:
    text = (ROOT / "esphome.example.yaml").read_text()
    file = tmp_path / "node.yaml"
    text = text.replace(" esphome_component", f" {ROOT / 'esphome_component'}")
    file.write_text(text.replace("type: esp-idf", f"type: {framework}"))
    outcome = floor.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
