"""The page of a home with panels, a hybrid inverter and a tariff, as somebody uses it: real command, real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from page_browser import CONTRAST, House, Opened

pytest.importorskip("pvlib", reason="pvlib is not installed")
pytestmark = pytest.mark.slow

HOME = {
    "ct": {"mac": "112233445566", "host": "127.0.0.1", "port": 0},
    "http": {"host": "127.0.0.1", "port": 0},
    "seed": 3,
    "weather": {"latitude": 52.5, "longitude": 13.4, "timezone": "Europe/Berlin", "start": "2026-03-01T12:00"},
    "powermeter": {"base_load": [240, 200, 160], "base_noise": 5, "solar_max": 0},
    "pv": [{"name": "garage", "phase": "A", "strings": [{"tilt": 20, "azimuth": 90, "peak_w": 1800}]}],
    "hybrid": [
        {
            "name": "cellar",
            "island": True,
            "mppts": [{"strings": [{"tilt": 35, "azimuth": 180, "peak_w": 3000}]}],
            "battery": {"capacity_wh": 1500, "initial_soc": 0.5},
        }
    ],
    "tariff": {"kind": "flat", "price": 34, "feed_in": 8, "standing": 41},
    "batteries": [{"mac": "02B250000001", "phase": "A", "meter_dev_type": "HMG-50"}],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    running = House(tmp_path_factory.mktemp("home"), HOME)
    yield running
    running.process.terminate()
    assert running.process.wait(15) == 0, "it ends with a comparison running"
    running.close()
    assert "Traceback" not in running.log.read_text()


def text_is(page: Any, test_id: str, pattern: str) -> None:
    """Wait until an element says so."""
    script = (
        f"new RegExp({json.dumps(pattern)}).test(document.querySelector('[data-testid=\"{test_id}\"]')?.textContent)"
    )
    page.wait_for_function(script, timeout=30000)


GRID_NODE = "document.querySelector('[data-live=\"node-watts:grid\"]').textContent"


def test_it_shows_what_it_costs_and_carries_on_when_the_mains_are_cut(home: House, opened: Opened) -> None:
    watching, acting = opened(home.url), opened(f"{home.url}/house")
    watching.wait_for_function(f"{GRID_NODE}.endsWith('W')")
    sun_w = watching.get_by_test_id("solar-bar").get_attribute("data-watts")
    assert float(sun_w) > 1500, "plants and the panels of the hybrid are sun"
    assert watching.get_by_test_id("bar-hybrid:cellar").is_visible(), "its battery stands among the batteries"
    text_is(acting, "inverter-cellar", r"panels .* battery .* at \d+")
    text_is(acting, "mains-now", "400 V, 50.00 Hz")
    assert not acting.get_by_test_id("restore-mains").is_visible()
    # What it costs, today and per day.
    assert watching.get_by_test_id("money-price").text_content() == "34.0 ct/kWh"
    assert re.fullmatch(r".?0\.\d\d", watching.get_by_test_id("money-today").text_content())
    assert watching.get_by_test_id("money-standing").text_content() == "0.41"
    day = watching.get_by_test_id("day-0")
    assert day.get_attribute("aria-label").startswith("2026-03-01: ") and day.is_visible()
    assert watching.locator(".day-bar").first.bounding_box()["height"] > 50, "the highest bar fills its room"
    assert not watching.get_by_test_id("day-1").is_visible()
    # The mains are cut.
    acting.locator("select[name=minutes]").select_option("10")
    acting.get_by_test_id("cut-mains").click()
    watching.wait_for_function(f"{GRID_NODE} === 'off'")
    text_is(watching, "sentence", "The mains are off: cellar keeps L1.L3 alive. They are back in [89]:")
    text_is(acting, "mains-now", "off")
    text_is(acting, "inverter-cellar", "keeps an island alive")
    state = home.state()
    assert not state["mains"]["on"] and state["grid"]["total"] == 0 and state["batteries"][0]["power"] == 0
    assert state["hybrids"][0]["islanded"] and state["house_w"] > 500
    acting.get_by_test_id("restore-mains").click()
    watching.wait_for_function(f"{GRID_NODE}.endsWith('W')")
    text_is(acting, "mains-words", "They are there.")
    assert acting.get_by_test_id("cut-mains").is_visible()


def test_two_homes_are_compared(home: House, opened: Opened, tmp_path: Path) -> None:
    page = opened(f"{home.url}/compare")
    own = page.get_by_test_id("home-a").input_value()
    assert own == page.get_by_test_id("home-b").input_value()
    document = yaml.safe_load(own)
    assert document["hybrid"][0]["name"] == "cellar" and "http" not in document
    # What is wrong is told beside its file, and nothing is run.
    page.get_by_test_id("home-b").fill(own.replace("base_load", "base_laod"))
    page.get_by_test_id("compare-run").click()
    text_is(page, "home-problem-b", 'home B: powermeter.base_laod = .*did you mean "base_load"')
    assert not page.get_by_test_id("home-problem-a").is_visible()
    text_is(page, "compare-words", "Change a file")
    # A file is taken in.
    for plant in (document["pv"][0], document["hybrid"][0]["mppts"][0]):
        plant["strings"][0]["peak_w"] *= 3
    bigger = tmp_path / "bigger.yaml"
    bigger.write_text(yaml.safe_dump(document))
    page.locator('input[data-into="home-b"]').set_input_files(str(bigger))
    page.wait_for_function("document.getElementById('home-b').value.includes('5400')")
    page.locator("select[name=days]").select_option("7")
    page.get_by_test_id("compare-run").click()
    page.get_by_test_id("compare-results").wait_for(state="visible", timeout=60000)
    assert not page.get_by_test_id("home-problem-b").is_visible()

    def number(test_id: str) -> float:
        text = page.get_by_test_id(test_id).text_content().replace("\N{MINUS SIGN}", "-")
        return float(re.sub(r"[^\d.+-]", "", text))

    assert number("result-used-a") == number("result-used-b") == pytest.approx(7 * 24 * 0.6, rel=0.02)
    assert number("result-sun-b") == pytest.approx(3 * number("result-sun-a"), rel=0.2)
    assert number("result-import-b") < number("result-import-a"), "more panels, less from the grid"
    assert number("result-import-difference") < 0 and number("result-total-difference") < 0
    assert number("result-export-b") > number("result-export-a")
    assert page.get_by_test_id("month-import-2026-03").is_visible()
    assert page.get_by_test_id("month-cost-2026-03").is_visible()
    page.get_by_test_id("theme").click()
    assert page.evaluate(CONTRAST) == [], "in the dark too"
    # The house lived on meanwhile, and a year can be stopped.
    page.locator("select[name=days]").select_option("365")
    page.get_by_test_id("compare-run").click()
    text_is(page, "compare-words", r"Simulating a year of both: \d+")
    before = home.state()["time"]["now_s"]
    page.get_by_test_id("compare-stop").click()
    text_is(page, "compare-words", "No result: stopped.")
    assert home.state()["time"]["now_s"] > before
    page.get_by_test_id("compare-run").click()
    page.get_by_test_id("compare-stop").wait_for(state="visible")
    # All of it fits a phone.
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("overview", "house", "compare"):
        page.get_by_test_id(f"to-{name}").click()
        page.wait_for_timeout(300)
        wide = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]")
        assert max(wide[:2]) <= wide[2], name
        assert page.evaluate(CONTRAST) == [], name
