"""clang-tidy on the glue, which can only be read together with the ESPHome that it was generated for."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from test_component_entities import node

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_glue(compile_node: Callable[[str, str], Path], test_ports: tuple[int, int], api_port: int) -> None:
    program = compile_node("entities-node", node(test_ports, api_port, "grid_target: 0"))
    source = program.parents[2] / "src"
    ours = sorted((source / "esphome" / "components" / "ct002").rglob("*.cpp"))
    assert len(ours) > 10
    rules = [f"--config-file={ROOT / '.clang-tidy'}", "--header-filter=components/ct002/", "--quiet"]
    options = ["--", "-std=gnu++20", "-DUSE_HOST", "-DESPHOME_LOG_LEVEL=6", f"-I{source}"]
    tidy = ROOT / ".venv" / "bin" / "clang-tidy"
    done = subprocess.run([tidy, *rules, *ours, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
