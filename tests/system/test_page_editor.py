"""The home editor of the page, as somebody uses it: the real command, a real browser."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from page_browser import House as Served
from page_browser import Opened

from nullwatt.home import ConfigError, House, load_house_file, parse_house

pytestmark = pytest.mark.slow

BATTERY, LOAD, PLANT, HYBRID = "batteries[0]", "powermeter.loads[0]", "pv[0]", "hybrid[0]"


class Desk:
    """The editor in a browser."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.of("device-house: sun").wait_for()

    def of(self, name: str) -> Any:
        return self.page.get_by_test_id(f"edit-{name}")

    @property
    def file(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(self.page.locator("#ed-yaml").input_value())
        return document

    def until(self, condition: str) -> None:
        """Wait for the file to hold something; condition: on its text `y`."""
        self.page.wait_for_function(f"(y => {condition})(document.querySelector('#ed-yaml').value)")

    def drag(self, what: Any, x: float, y: float) -> None:
        """Drag the middle of something by x, y pixels."""
        box = what.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y, steps=4)
        self.page.mouse.up()

    def write(self, path: str, text: str) -> None:
        self.of(path).fill(text)
        self.of(path).press("Enter")


@pytest.fixture
def desk(house: Served, opened: Opened) -> Desk:
    return Desk(opened(f"{house.url}/home", accept_downloads=True))


def test_a_home_is_built_from_nothing_and_runs(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    assert desk.of("device-batteries[2]").is_visible(), "it begins with the running house"
    desk.of("empty").click()
    page.get_by_text("batteries = []: must not be empty").first.wait_for()
    for name in ("batteries", "powermeter.loads", "pv", "hybrid"):
        desk.of(f"add-{name}").click()
        desk.of(f"device-{name}[0]").wait_for()
    page.get_by_text("This home can be run.").wait_for()

    before = desk.of(f"device-{BATTERY}").bounding_box()
    desk.drag(desk.of(f"device-{BATTERY}"), 63, 118)
    desk.until("y.includes('layout')")
    spot = desk.file["layout"]["02B250000001"]
    after = desk.of(f"device-{BATTERY}").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((63, 118), abs=6), "on a raster of 10"
    assert spot[0] % 10 == spot[1] % 10 == 0

    wire, bus = page.locator(f"[data-wire='{LOAD}']"), page.locator(".ed-bus[data-bus='B'] path")
    assert wire.get_attribute("data-phases") == "A"
    port = desk.of(f"port-{LOAD}")
    desk.drag(port, 20, bus.bounding_box()["y"] - port.bounding_box()["y"] - 4)
    page.wait_for_selector(f"[data-wire='{LOAD}'][data-phases='B']")
    assert desk.file["powermeter"]["loads"] == [{"name": "load", "power": 500, "phase": "B"}]

    desk.of(f"device-{BATTERY}").focus()
    desk.of(f"{BATTERY}.phase").select_option("D")
    page.wait_for_selector(f"[data-wire='{BATTERY}'][data-phases='ABC']")
    assert desk.of(f"{BATTERY}.capacity_wh").get_attribute("placeholder") == "2560"
    desk.write(f"{BATTERY}.capacity_wh", "5120")
    desk.until("y.includes('capacity_wh: 5120')")

    desk.write(f"{BATTERY}.initial_soc", "7")
    line = "batteries[0].initial_soc = 7: must be less than or equal to 1"
    page.locator(f"[id='ed-{BATTERY}.initial_soc-bad']").get_by_text(line).wait_for()
    assert desk.of(f"{BATTERY}.initial_soc").get_attribute("aria-invalid") == "true"
    assert "mistake" in desk.of(f"device-{BATTERY}").get_attribute("aria-label")
    desk.of("save").click()
    page.wait_for_function(f"document.getElementById('toast').textContent === 'Not saved: {line}'")
    assert desk.file["batteries"][0]["initial_soc"] == 7, "nothing is lost"
    desk.of("undo").click()
    page.get_by_text("This home can be run.").wait_for()
    assert "initial_soc" not in desk.file["batteries"][0] and desk.file["batteries"][0]["capacity_wh"] == 5120

    with page.expect_download() as download:
        desk.of("save").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "home.yaml"
    file = load_house_file(path)
    assert (file.batteries[0].phase, file.batteries[0].capacity_wh, file.layout["02B250000001"]) == ("D", 5120, spot)
    running = House(file.house_config())
    running.advance_to(10.0)
    assert {"load", "pv", "hybrid"} <= {device.name for device in running.devices}
    assert all(-5000 < watts < 5000 for watts in running.grid_w())

    page.reload()
    page.wait_for_selector(f"[data-testid='edit-device-{HYBRID}']")
    assert desk.file == yaml.safe_load(path.read_text()), "a browser keeps what it has"


def test_everything_goes_by_keyboard_too(desk: Desk) -> None:
    page = desk.page
    desk.of("empty").click()
    desk.of("add-pv").click()
    desk.of(f"device-{PLANT}").focus()
    page.wait_for_selector(f"[data-testid='edit-device-{PLANT}'][aria-pressed=true]")
    x = desk.of(f"device-{PLANT}").bounding_box()["x"]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    desk.until("y.includes('layout')")
    page.wait_for_timeout(300)
    assert desk.of(f"device-{PLANT}").bounding_box()["x"] == pytest.approx(x + 30, abs=1), "no key is lost"
    assert page.evaluate("document.activeElement.dataset.id") == PLANT, "the focus stays"
    assert not page.evaluate("document.documentElement.hasAttribute('data-paused')")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.closest('#ed-form')")
    desk.of(f"device-{PLANT}").focus()
    page.keyboard.press("Delete")
    desk.of(f"device-{PLANT}").wait_for(state="detached")
    page.keyboard.press("Control+z")
    desk.of(f"device-{PLANT}").wait_for()
    page.keyboard.press("Control+z")
    desk.until("!y.includes('layout')")
    page.keyboard.press("Control+y")
    desk.until("y.includes('layout')")
    # What the list has in lists, and parts that may be missing.
    desk.of(f"device-{PLANT}").focus()
    desk.of(f"section-{PLANT}.strings").locator("summary").first.click()
    desk.of(f"grows-{PLANT}.strings").click()
    desk.of(f"{PLANT}.strings[1].tilt").fill("70")
    desk.of(f"{PLANT}.strings[1].peak_w").fill("1000")
    page.keyboard.press("Tab")
    desk.until("y.includes('tilt: 70') && y.includes('peak_w: 1000')")
    desk.of("part-mains").focus()
    desk.of("section-tariff").locator("summary").click()
    desk.of("grows-tariff").click()
    desk.of("tariff.price").fill("34")
    page.keyboard.press("Tab")
    desk.until("y.includes('tariff: {price: 34}')")
    desk.of("add-powermeter.appliances").select_option("heat_pump")
    desk.until("y.includes('kind: heat_pump')")
    desk.of("device-house: sun").focus()
    page.wait_for_selector("[data-of='powermeter.solar_phases'][value=C]")
    page.locator("[data-of='powermeter.solar_phases'][value=C]").check()
    desk.until("y.includes('solar_phases: [A, C]')")
    assert page.evaluate("document.activeElement.value") == "C", "the focus stays in the form, too"


def test_a_file_is_opened_refused_and_run_in_place_of_the_house(desk: Desk, house: Served) -> None:
    page = desk.page
    good = {
        "seed": 7,
        "batteries": [{"mac": "02B250000009", "phase": "C", "initial_soc": 0.25, "jitter": 0.5}],
        "powermeter": {"base_load": [777, 0, 0], "base_noise": 0},
        "grid": {"outages": [{"from": 4000, "to": 5000}]},
    }
    bad = {**good, "batteries": [{"mac": "02B250000009", "phaze": "C"}]}
    with pytest.raises(ConfigError) as raised:
        parse_house(bad, "mine.yaml")
    desk.of("open").click()
    form = page.locator("dialog[open]")
    desk.of("file").set_input_files({"name": "mine.yaml", "mimeType": "text/yaml", "buffer": yaml.dump(bad).encode()})
    page.wait_for_function("document.getElementById('ed-open').value.includes('phaze')")
    page.get_by_test_id("open-home-confirm").click()
    desk.of("refused").wait_for()
    assert desk.of("refused").text_content() == str(raised.value)
    form.get_by_label("Or as text").fill("{batteries: [}")
    page.get_by_test_id("open-home-confirm").click()
    page.wait_for_function("document.querySelector('[data-testid=edit-refused]').textContent.includes('line 1: not')")
    form.get_by_label("Or as text").fill(yaml.dump(good))
    page.get_by_test_id("open-home-confirm").click()
    page.wait_for_function("document.querySelectorAll('dialog[open]').length === 0")
    assert desk.file == good
    page.locator("#section-yaml, .ed-yaml summary").click()
    assert "nullwatt sim run -c mine.yaml" in page.locator(".ed-yaml").inner_text()

    assert len(house.state()["batteries"]) == 3
    address = house.state()["emulator"]["where"]
    desk.of("use").click()
    end = time.monotonic() + 15
    while [one["mac"] for one in house.state()["batteries"]] != ["02B250000009"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    state = house.state()
    assert state["time"]["now_s"] < 60 and state["batteries"][0]["soc"] == pytest.approx(0.25, abs=0.01)
    assert state["emulator"]["where"] == address
    # The page comes back by itself, and the new battery takes part.
    page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'")
    desk.of("device-batteries[0]").wait_for()
    page.keyboard.press("1")
    page.wait_for_function("document.querySelector('[data-testid=\"bar-02B250000009\"]')?.dataset.watts > 50")
    assert re.search("battery|batteries", page.get_by_test_id("sentence").text_content())
