"""The annotated example, on every chip and framework it promises."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "esphome.example.yaml").read_text()
OPTIONS = (ROOT / "esphome_component" / "ct002_core" / "options.h").read_text()


def variant_of_example(chip: str, framework: str) -> str:
    text = EXAMPLE.replace("path: esphome_component", f"path: {ROOT / 'esphome_component'}")
    text, chips = re.subn(r"variant: esp32\b", f"variant: {chip}", text)
    text, frameworks = re.subn(r"type: esp-idf\b", f"type: {framework}", text)
    assert (chips, frameworks) == (1, 1)
    return text


def test_example_as_it_lies(esphome: Any) -> None:
    outcome = esphome.run("config", ROOT / "esphome.example.yaml")
    assert outcome.code == 0, outcome.text


def test_example_shows_every_key() -> None:
    keys = re.findall(r'^ *[A-Z]+\("", ([a-z_]+),', OPTIONS, re.MULTILINE)
    assert "udp_port" in keys
    for key in (*keys, "power_sensor_l1", "power_sensor_l2", "power_sensor_l3", "test_control_port"):
        assert re.search(rf"^  (# )?{key}:", EXAMPLE, re.MULTILINE), key


def test_example_shows_the_defaults(esphome: Any) -> None:
    block = esphome.run("config", ROOT / "esphome.example.yaml").ct002
    for line in ("ct_type: HME-4", "ct_mac: ''", "wifi_rssi: -50", "udp_port: 12345", "max_sensor_age: 30s"):
        assert f"  {line}\n" in block


@pytest.mark.parametrize("framework", ["esp-idf", "arduino"])
@pytest.mark.parametrize("chip", ["esp32", "esp32s3", "esp32c3"])
def test_code_is_generated(esphome: Any, tmp_path: Path, chip: str, framework: str) -> None:
    yaml = tmp_path / "node.yaml"
    yaml.write_text(variant_of_example(chip, framework))
    outcome = esphome.run("compile", "--only-generate", yaml)
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
