"""What tests of the page share: the demo in a process of its own, and what is needed to look at it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

HOUSE = {
    "ct": {"mac": "112233445566", "host": "127.0.0.1", "port": 0},
    "http": {"host": "127.0.0.1", "port": 0},
    "powermeter": {
        "base_load": [240, 200, 160],
        "base_noise": 5,
        "loads": [
            {"name": "kettle", "power": 1500, "phase": "B"},
            {"name": "<b>odd & 'quoted'</b>", "power": 100, "phase": "A"},
        ],
        "solar_max": 1500,
        "solar_phases": ["C"],
    },
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50"},
        {"mac": "02B250000002", "phase": "B", "meter_dev_type": "VNSE3-0"},
        {"mac": "02B250000003", "phase": "C", "meter_dev_type": "HMJ-2", "max_dc_input": 600, "dc_input_power": 100},
    ],
}
Opened = Callable[..., Any]
#: What stands out too little from its ground, as a list.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (el) => {
    for (let at = el; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const el of document.querySelectorAll('#shell *')) {
    const own = [...el.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !el.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || el.closest('svg')) continue;
    const css = getComputedStyle(el);
    const [a, b] = [light(parse(css.color)), light(ground(el))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(css.fontSize), large = size >= 24 || (size >= 18.6 && Number(css.fontWeight) >= 700);
    const text = el.textContent.trim().slice(0, 30);
    if (ratio < (large ? 3 : 4.5)) weak.push(`${el.className} ${text} ${ratio.toFixed(2)}`);
  }
  return weak;
}"""


def missing(name: str, remedy: str) -> None:
    """Skips with one line that names it; on CI, where it must be there, fails."""
    line = f"{name} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


class House:
    """The demo in a process of its own."""

    def __init__(self, folder: Path, document: dict[str, Any] = HOUSE) -> None:
        file = folder / "house.json"
        file.write_text(json.dumps(document))
        command = [sys.executable, "-m", "nullwatt", "demo", "--no-browser", "--http-port", "0", "--house", str(file)]
        self.log = folder / "log"
        self.process = subprocess.Popen(command, stdout=self.log.open("wb"), stderr=subprocess.STDOUT)
        end = time.monotonic() + 30
        while not (found := re.search(r"http://\S+", self.log.read_text())):
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        self.url = found[0]
        self.client = httpx.Client(base_url=self.url, timeout=5.0)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.client.get("/api/v1/state").json()
        return state

    def post(self, path: str, **body: object) -> None:
        reply = self.client.post(path, json=body)
        assert reply.status_code == 200, reply.text

    def close(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
