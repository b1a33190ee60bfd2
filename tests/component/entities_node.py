"""A node with everything there is: the meter, two places, and a battery that is known by its MAC."""

import runpy
from pathlib import Path
from typing import Any

import yaml

COMPONENT = Path(__file__).parents[2] / "esphome_component" / "ct002"
ENTITIES = runpy.run_path(str(COMPONENT / "entity_table.py"))["ENTITIES"]
PLATFORMS = ("sensor", "binary_sensor", "text_sensor", "number", "switch", "select", "button")
KNOWN_MAC = "60f1a2b3c401"


def rows(of_battery: bool, platform: str) -> list[Any]:
    return [row for row in ENTITIES if row.of_battery == of_battery and row.platform == platform]


def every_entity() -> str:
    """Everything there is, for the meter, for two places and for a battery that is known by its MAC."""
    config: dict[str, list[Any]] = {"sensor": [{"platform": "template", "id": "l1", "unit_of_measurement": "W"}]}
    for platform in PLATFORMS:
        entries = config.setdefault(platform, [])
        if of_meter := rows(False, platform):
            entries.append({"platform": "ct002", **{row.key: None for row in of_meter}})
        of_battery = {row.key: None for row in rows(True, platform)}
        for battery, device in ((1, "first"), (2, "second"), (KNOWN_MAC, "known")):
            if of_battery:
                entries.append({"platform": "ct002", "battery": battery, "device_id": device, **of_battery})
    return yaml.safe_dump(config)


def node(ports: tuple[int, int], api_port: int, balancer: str) -> str:
    # The name is part of the text that every node begins with; sub-devices go beside it.
    return f"""
packages:
  devices:
    esphome:
      devices:
        - {{id: first, name: First}}
        - {{id: second, name: Second}}
        - {{id: known, name: Known}}
api: {{port: {api_port}}}
preferences: {{flash_write_interval: 1s}}
{every_entity()}
ct002:
  power_sensor_l1: l1
  udp_port: {ports[0]}
  test_control_port: {ports[1]}
  balancer: {{{balancer}}}
  on_battery_saturated:
    - logger.log: {{format: "saturated %s %u", args: [mac.c_str(), battery]}}
"""
