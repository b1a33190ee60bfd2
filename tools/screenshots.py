"""The pictures of docs/page.md, taken anew of a house that runs: `.venv/bin/python tools/screenshots.py`.

Needs Chromium. The house has three quarters of an hour behind it when the pictures are taken.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "images"
PAST_S = 2700.0
HOUSE = {
    "ct": {"mac": "112233445566", "host": "127.0.0.1", "port": 0},
    "http": {"host": "127.0.0.1", "port": 0},
    "powermeter": {
        "base_load": [180, 120, 90],
        "base_noise": 6,
        "loads": [
            {"name": "Kettle", "power": 1800, "phase": "B"},
            {"name": "Oven", "power": 900, "phase": "C"},
            {"name": "Television", "power": 150, "phase": "A", "active": True},
            {"name": "Dishwasher", "power": 700, "phase": "A"},
        ],
        "events": [
            {"time": time_s, "load": load, "active": active}
            for time_s, load, active in (
                (600, "Oven", True),
                (1500, "Oven", False),
                (2200, "Kettle", True),
                (2290, "Kettle", False),
                (2380, "Dishwasher", True),
                (2560, "Oven", True),
            )
        ],
        "solar_max": 1200,
        "solar_phases": ["C"],
        "sun": {"mode": "clear_sky", "power": 900, "start": 17.2, "clouds": 0.3},
    },
    "batteries": [
        {"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50", "initial_soc": 0.62},
        {"mac": "02B250000002", "phase": "B", "meter_dev_type": "VNSE3-0", "initial_soc": 0.48},
        {"mac": "02B250000003", "phase": "C", "meter_dev_type": "VNSD-0", "initial_soc": 0.91},
        {"mac": "02B250000004", "phase": "A", "meter_dev_type": "HMJ-2", "initial_soc": 0.55, "capacity_wh": 2240}
        | {"max_dc_input": 1000, "dc_input_power": 200},
    ],
}
#: Name, path, width, height, theme.
WANTED = (
    ("overview", "/", 1280, 1070, "light"),
    ("overview-dark", "/", 390, 844, "dark"),
    ("batteries", "/batteries", 1280, 950, "light"),
    ("controller", "/controller", 1280, 800, "light"),
    ("home", "/home", 1280, 930, "light"),
)


def main() -> int:
    """Take them. Exit code."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("chromium is missing: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        file, log = Path(folder, "house.json"), Path(folder, "log")
        file.write_text(json.dumps(HOUSE))
        command = [sys.executable, "-m", "nullwatt", "demo", "--no-browser", "--http-port", "0", "--house", str(file)]
        house = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        try:
            while not (found := re.search(r"http://\S+", log.read_text())):
                if house.poll() is not None:
                    print(log.read_text(), file=sys.stderr)
                    return 1
                time.sleep(0.1)
            let_time_pass(found[0])
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                take(browser, found[0])
        finally:
            house.terminate()
            house.wait()
    return 0


def let_time_pass(url: str) -> None:
    """Until the house has a past."""
    with httpx.Client(base_url=url) as client:
        client.post("/api/v1/time/scale", json={"scale": 60}).raise_for_status()
        while client.get("/api/v1/state").json()["time"]["now_s"] < PAST_S:
            time.sleep(0.1)
        client.post("/api/v1/time/scale", json={"scale": 1}).raise_for_status()
    time.sleep(20)  # at its own pace: what was learnt in a hurry settles


def take(browser: Browser, url: str) -> None:
    """All of `WANTED`."""
    PICTURES.mkdir(exist_ok=True)
    for name, path, width, height, theme in WANTED:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        page.goto(url + path)
        page.wait_for_selector("[data-ready]")
        page.wait_for_timeout(2500)
        picture = PICTURES / f"page-{name}.png"
        page.screenshot(path=picture)
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")
        page.close()


if __name__ == "__main__":
    sys.exit(main())
