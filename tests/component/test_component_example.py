"""The annotated example, on every chip and framework it promises."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from nullwatt.core import options

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "esphome.example.yaml").read_text()
DURATIONS = {"15min": 900.0, "90s": 90.0, "60s": 60.0}


def variant_of_example(chip: str, framework: str, example: str = EXAMPLE) -> str:
    text = example.replace(" esphome_component", f" {ROOT / 'esphome_component'}")
    text, chips = re.subn(r"variant: esp32\b", f"variant: {chip}", text)
    text, frameworks = re.subn(r"type: esp-idf\b", f"type: {framework}", text)
    assert (chips, frameworks) == (1, 1)
    return text


def test_example_as_it_lies(esphome: Any) -> None:
    outcome = esphome.run("config", ROOT / "esphome.example.yaml")
    assert outcome.code == 0, outcome.text


def test_source_without_a_checkout(esphome: Any, tmp_path: Path) -> None:
    """`github:` clones the repository and looks for `components`; here the repository is this one."""
    assert "source: github://nullwatt/nullwatt@main\n  #   components: [ct002]\n" in EXAMPLE
    start = EXAMPLE.index("  # From this checkout")
    end = EXAMPLE.index("# The grid meter: any sensor")
    source = f"  - source: {{type: git, url: 'file://{ROOT}'}}\n    components: [ct002]\n"
    file = tmp_path / "node.yaml"
    text = EXAMPLE[:start] + source + EXAMPLE[end:]
    file.write_text(text.replace(" esphome_component", f" {ROOT / 'esphome_component'}"))
    outcome = esphome.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    assert (tmp_path / ".esphome/build/nullwatt/src/esphome/components/ct002_core/emulator.cpp").is_file()


def uncommented() -> str:
    """The example with its blocks switched on."""
    head, ct002 = EXAMPLE.split("\nct002:\n")
    ct002 = re.sub(r"^  # (?=(?:filters|balancer|saturation|on_\w+):$|  )", "  ", ct002, flags=re.MULTILINE)
    ct002 = re.sub(r"^(  +)# (?=min_eff)", r"\1", ct002, flags=re.MULTILINE)
    return f"{head}\nct002:\n{ct002}"


def test_example_shows_every_key() -> None:
    keys = [key for key, option in options().items() if option.group == ""]
    assert "udp_port" in keys
    for key in (*keys, "power_sensor_l1", "power_sensor_l2", "power_sensor_l3", "test_control_port"):
        assert re.search(rf"^  (# )?{key}:", EXAMPLE, re.MULTILINE), key


def test_example_shows_the_defaults(esphome: Any) -> None:
    block = esphome.run("config", ROOT / "esphome.example.yaml").ct002
    for line in ("ct_type: HME-4", "ct_mac: ''", "wifi_rssi: -50", "udp_port: 12345", "max_sensor_age: 30s"):
        assert f"  {line}\n" in block


def test_blocks_of_the_example_show_what_acts_and_its_default(esphome: Any, tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(uncommented().replace(" esphome_component", f" {ROOT / 'esphome_component'}"))
    outcome = esphome.run("config", file)
    assert outcome.code == 0, outcome.text
    # Only the PID, which the example says is for relay mode, deserves one.
    assert [line for line in outcome.text.splitlines() if "WARNING" in line and "filters.pid" not in line] == []
    shown = yaml.safe_load(uncommented().split("\nct002:\n")[1])
    for block in ("balancer", "saturation"):
        rows = {key: option for key, option in options().items() if option.group == block and not option.needless}
        assert [f"{block}_{key}" if block == "saturation" else key for key in shown[block]] == list(rows)
        for (key, value), option in zip(shown[block].items(), rows.values(), strict=True):
            if option.default is not None:
                assert DURATIONS.get(value, value) == option.default, key
    assert list(shown["filters"]) == ["hampel", "smoothing", "deadband", "pid"]


@pytest.mark.parametrize("framework", ["esp-idf", "arduino"])
@pytest.mark.parametrize("chip", ["esp32", "esp32s3", "esp32c3"])
def test_code_is_generated(esphome: Any, tmp_path: Path, chip: str, framework: str) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(variant_of_example(chip, framework))
    outcome = esphome.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    source = tmp_path / ".esphome" / "build" / "nullwatt" / "src"
    components = source / "esphome" / "components"
    assert "set_power_sensor(2, grid_l3)" in (source / "main.cpp").read_text()
    assert (components / "ct002_core" / "emulator.cpp").is_file()
    # Nothing that a flashed device has no use for.
    assert "USE_CT002_TEST_CONTROL" not in (source / "esphome" / "core" / "defines.h").read_text()
    for unused in ("ct002/test_control.cpp", "ct002_core/config_access.cpp", "ct002_core/c_api.cpp"):
        assert not (components / unused).exists()
    assert not (components / "json").exists()


@pytest.mark.parametrize("framework", ["esp-idf", "arduino"])
def test_code_of_every_block_is_generated(esphome: Any, tmp_path: Path, framework: str) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(variant_of_example("esp32c3", framework, uncommented()))
    outcome = esphome.run("compile", "--only-generate", file)
    assert outcome.code == 0, outcome.text
    build = tmp_path / ".esphome" / "build" / "nullwatt"
    calls = (build / "src" / "main.cpp").read_text()
    for key, option in options().items():
        assert option.group == "" or f"->set_{key}(" in calls, key
    assert "CT002_NO" not in (build / "CMakeLists.txt").read_text()
