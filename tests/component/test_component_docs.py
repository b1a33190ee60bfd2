"""Every ESPHome configuration in README.md and docs/ is valid, and becomes code on every board.

A ```yaml block is one. A piece that cannot stand alone is marked ```yaml fragment, a file for the simulated house
```yaml house. What every device needs (name, board, WiFi ...) is added, and so are sensors that a block
names but does not make.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from nullwatt.cli import sim_snippets

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BOARDS = [(chip, framework) for chip in ("esp32", "esp32s3", "esp32c3") for framework in ("esp-idf", "arduino")]

# The block is a package of this: what it says itself stays, unless every board has it.
DEVICE = """
packages:
  block: !include block-{number}.yaml
esphome: {{name: node}}
esp32: {{variant: {chip}, framework: {{type: {framework}}}}}
wifi: {{ssid: my-wifi, password: my-password}}
logger:
external_components:
  - source: {{type: local, path: esphome_component}}
    components: [ct002]
"""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each configuration of a page."""
    text = page.read_text()
    for found in re.finditer(r"^( *)```yaml *\n(.*?)^\1``` *$", text, re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, found.start()) + 1
        yield f"{page.stem}-{line}", dedent(found[2])


BLOCKS = dict(block for page in PAGES for block in blocks(page))
# What `nullwatt sim config --for esphome` prints is to be pasted as well.
BLOCKS |= {f"sim-config-{phases}": sim_snippets.esphome(8080, 12345, phases) for phases in (1, 3)}


def has_key(text: str, key: str) -> bool:
    return re.search(rf"^{key}:", text, re.MULTILINE) is not None


def added(text: str) -> str:
    """The sensors that ct002 needs and the block does not make."""
    lines = []
    made = re.findall(r"\bid: *(?:!extend *)?(\w+)", text)
    named = re.findall(r"\bpower_sensor_l\d: *(\w+)", text)
    has_meter = "packages/meter-" in text
    if not named and not has_meter:
        named = ["some_power"]
        lines += ["ct002:", "  power_sensor_l1: some_power"]
    missing = [] if has_meter else [name for name in named if name not in made]
    lines += ["sensor:"] if missing else []
    lines += [f"  - {{platform: template, id: {name}}}" for name in missing]
    if "homeassistant" in text and not has_key(text, "api"):
        lines.append("api:")
    if "mqtt_" in text and not has_key(text, "mqtt") and not has_meter:
        lines.append("mqtt: {broker: broker.local}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def generated(
    esphome: Any, local_repository: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Every block on every board; the keys are block@chip@framework."""
    folder = tmp_path_factory.mktemp("docs")
    # As beside a user's file.
    (folder / "esphome_component").symlink_to(ROOT / "esphome_component")
    (folder / "secrets.yaml").write_text("wifi_ssid: my-wifi\nwifi_password: my-password\n")
    texts = {}
    for number, (name, text) in enumerate(BLOCKS.items()):
        (folder / f"block-{number}.yaml").write_text(text)
        for chip, framework in BOARDS:
            device = DEVICE.format(number=number, chip=chip, framework=framework)
            texts[f"{name}@{chip}@{framework}"] = device + added(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(esphome, "environment", {**esphome.environment, **local_repository})
        outcomes: dict[str, Any] = esphome.generate_many(folder, texts)
    return outcomes


def test_there_are_configurations_in_the_docs() -> None:
    assert len(BLOCKS) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
def test_configuration_of_the_docs_is_generated(generated: dict[str, Any], name: str) -> None:
    for chip, framework in BOARDS:
        outcome = generated[f"{name}@{chip}@{framework}"]
        assert outcome.code == 0, f"{chip}, {framework}:\n{outcome.text}"
        assert "->set_power_sensor(0, " in outcome.main_cpp


def test_marked_blocks_are_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    left_out = "```yaml fragment\nb: 1\n```\n```yaml house\nd: 1\n```\n"
    page.write_text(f"```yaml\na: 1\n```\n{left_out}- c\n\n  ```yaml\n  c: 1\n    d: 2\n  ```\n")
    assert [text for _, text in blocks(page)] == ["a: 1\n", "c: 1\n  d: 2\n"]


def test_table_of_meters_is_complete() -> None:
    page = (ROOT / "docs" / "meters.md").read_text()
    shown = re.findall(r"^\| .* \| \[(meter-[\w-]+)\]\((\S+)\) \| (.*) \| `(.*)` \|$", page, re.MULTILINE)
    packages = ROOT / "esphome_component" / "packages"
    assert sorted(name for name, *_ in shown) == sorted(path.stem for path in packages.glob("meter-*.yaml"))
    for name, target, variables, example in shown:
        assert target == f"../esphome_component/packages/{name}.yaml"
        described, _, usage = (packages / f"{name}.yaml").read_text().partition("\n# From")
        rows = re.findall(r"^#   (\w+) +(\S+)", described, re.MULTILINE)
        assert variables == ", ".join(f"**{key}**" if value == "(required)" else key for key, value in rows), name
        assert f"packages/{name}.yaml, vars: {example}}}" in usage
