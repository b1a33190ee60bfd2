"""A node as it is flashed: fed by its sensors, without the test channel."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nullwatt.battery import decode_frame, encode_frame

# L1 always speaks. L2 says its first word after 1.5 s, is silent from 2 s to 4 s and outlives that by its age limit
# of 0.9 s. L3 has no value (NaN) from 5 s to 6.5 s.
YAML = """
sensor:
  - platform: template
    id: l1
    update_interval: 100ms
    lambda: return 100;
  - platform: template
    id: l2
    update_interval: 100ms
    lambda: |-
      static const uint32_t start = millis();
      const uint32_t t = millis() - start;
      if (t < 1500 || (t > 2000 && t < 4000)) return {};
      return 50;
  - platform: template
    id: l3
    update_interval: 100ms
    lambda: |-
      static const uint32_t start = millis();
      const uint32_t t = millis() - start;
      return t > 5000 && t < 6500 ? NAN : -10;
ct002:
  power_sensor_l1: l1
  power_sensor_l2: l2
  power_sensor_l3: l3
  ct_type: HME-3
  ct_mac: "5C:CE:1B:7A:90:D4"
  wifi_rssi: -61
  active_control: false
  max_sensor_age: 900ms
"""


@pytest.fixture(scope="module")
def plain_program(compile_node: Callable[[str, str], Path], plain_port: int) -> Path:
    return compile_node("plain-node", f"{YAML}  udp_port: {plain_port}\n")


def ask(node: Any, ct_mac: str = "5cce1b7a90d4", wait: float = 1.0) -> list[str] | None:
    reply = node.ask(encode_frame(["HMG-50", "60F1A2B3C401", "HME-4", ct_mac, "A", "0"]), wait=wait)
    fields = None if reply is None else decode_frame(reply)
    return None if fields is None else [field if isinstance(field, str) else field.decode() for field in fields]


@pytest.mark.slow
def test_no_test_channel(plain_program: Path) -> None:
    source = plain_program.parents[2] / "src" / "esphome"
    assert "USE_CT002_TEST_CONTROL" not in (source / "core" / "defines.h").read_text()
    assert not (source / "components" / "ct002" / "test_control.cpp").exists()
    for word in (b"smooth_target", b"clock_advance", b"balance_gain"):
        assert word not in plain_program.read_bytes()


@pytest.mark.slow
def test_no_part_that_is_not_configured(plain_program: Path) -> None:
    program = plain_program.read_bytes()
    for name in (b"HampelFilter", b"SmoothingFilter", b"DeadbandFilter", b"PidFilter", b"Efficiency4fade"):
        assert name not in program
    for name in (b"9Batteries", b"HouseSettings", b"7Watcher", b"CT002Sensor", b"CT002Number", b"ChangeAction"):
        assert name not in program


@pytest.mark.slow
def test_each_phase_must_be_young_and_a_number(
    plain_program: Path, run_node: Callable[..., Any], plain_port: int
) -> None:
    with run_node(plain_program, poll_port=plain_port) as node:
        runs: list[tuple[tuple[int, ...], float]] = []  # values and when they were first seen
        end = time.monotonic() + 8
        while time.monotonic() < end:
            fields = ask(node)
            assert fields is not None
            values = tuple(map(int, fields[4:8]))
            if not runs or runs[-1][0] != values:
                runs.append((values, time.monotonic()))
            time.sleep(0.05)
        there, gone = (100, 50, -10, 140), (0, 0, 0, 0)
        # L2 not yet there; there; L2 silent; there; L3 not a number; there.
        assert [values for values, _ in runs] == [gone, there, gone, there, gone, there]
        # L2 was believed for 0.9 s of its two of silence.
        assert runs[3][1] - runs[2][1] == pytest.approx(1.1, abs=0.5)
        assert "Grid meter unavailable" in node.log
        assert "L2: no value" in node.log
        assert "Grid meter available: 140 W" in node.log
        assert node.log.count("Grid meter unavailable") <= 3


@pytest.mark.slow
def test_identity_of_the_pretended_meter(plain_program: Path, run_node: Callable[..., Any], plain_port: int) -> None:
    with run_node(plain_program, poll_port=plain_port) as node:
        fields = ask(node, ct_mac="5CCE1B7A90D4")
        assert fields is not None
        assert fields[:2] == ["HME-3", "5cce1b7a90d4"]
        assert fields[12] == "-61"
        assert ask(node, ct_mac="000000000000", wait=0.05) is None
        node.wait_for_log("CT MAC: 5cce1b7a90d4")
        node.wait_for_log("Active control: NO")
