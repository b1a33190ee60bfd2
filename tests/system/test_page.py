"""The web page, as somebody uses it: the real command, a real browser."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from page_browser import CONTRAST, HOUSE, House, Opened

pytestmark = pytest.mark.slow

SECTIONS = ["overview", "batteries", "house", "controller", "scenario", "home", "compare"]
BOARD = Path(__file__).with_name("watched_board.py")


def until(page: Any, test_id: str, condition: str, timeout_s: float = 60.0) -> None:
    """Wait until a condition holds on the bar `test_id`, whose power is `w`."""
    script = f"(w => {condition})(Number(document.querySelector('[data-testid=\"{test_id}\"]')?.dataset.watts ?? NaN))"
    page.wait_for_function(script, timeout=timeout_s * 1000)


def test_the_grid_moves_with_a_load_and_is_pulled_back_to_zero(house: House, opened: Opened) -> None:
    watching, acting = opened(house.url), opened(f"{house.url}/house")
    until(watching, "grid-bar", "Math.abs(w) < 40")
    kettle = acting.get_by_test_id("load-kettle")
    kettle.click()
    acting.wait_for_selector('[data-testid="load-kettle"][aria-checked="true"]')
    until(watching, "grid-bar", "w > 400")
    assert "Importing" in watching.get_by_test_id("sentence").text_content()
    until(watching, "grid-bar", "Math.abs(w) < 40")
    until(watching, "house-bar", "w < -1900")
    watching.wait_for_function("document.querySelector('[data-testid=sentence]').textContent.includes('held at zero')")
    assert re.fullmatch(r"[+\N{MINUS SIGN}]?\d+\sW", watching.get_by_test_id("grid-total").text_content())
    kettle.click()
    acting.wait_for_selector('[data-testid="load-kettle"][aria-checked="false"]')


def test_time_stands_still_and_goes_on_in_steps(house: House, opened: Opened) -> None:
    page, other = opened(house.url), opened(f"{house.url}/batteries", width=390)
    page.keyboard.press("Space")
    page.wait_for_selector("[data-paused]")
    before = house.state()["time"]
    assert before["paused"]
    other.wait_for_selector("[data-paused]")
    shown = page.get_by_test_id("clock-since").text_content()
    page.wait_for_timeout(2500)
    assert page.get_by_test_id("clock-since").text_content() == shown
    assert page.evaluate("document.getAnimations().every(one => one.playState !== 'running' || one.playbackRate === 0)")
    assert house.state()["time"]["now_s"] == before["now_s"]
    page.get_by_test_id("step-10").click()
    page.wait_for_function(f"document.querySelector('[data-testid=clock-since]').textContent !== '{shown}'")
    assert house.state()["time"]["now_s"] == pytest.approx(before["now_s"] + 10)
    page.get_by_test_id("scale-10").click()
    page.wait_for_selector('[data-testid="scale-10"][aria-pressed="true"]')
    page.get_by_test_id("pause").click()
    page.wait_for_selector("html:not([data-paused])")
    assert house.state()["time"]["scale"] == 10
    page.get_by_test_id("scale-1").click()
    other.wait_for_selector('[data-testid="scale-1"][aria-pressed="true"]')
    assert not page.get_by_test_id("step-10").is_visible()


def test_a_battery_is_added_steered_and_removed(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/batteries")
    known = {battery["mac"] for battery in house.state()["batteries"]}
    page.get_by_test_id("add-battery").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("State of charge").fill("80")
    dialog.get_by_label("Phase").select_option("B")
    page.get_by_test_id("new-battery-confirm").click()
    page.wait_for_function(f"document.querySelectorAll('.battery').length === {len(known) + 1}")
    page.wait_for_function("document.querySelectorAll('dialog[open]').length === 0")
    (added,) = [battery for battery in house.state()["batteries"] if battery["mac"] not in known]
    assert (added["phase"], round(added["soc"], 2)) == ("B", 0.8)
    mac = added["mac"]
    assert page.get_by_test_id(f"battery-{mac}").is_visible()
    page.keyboard.press("1")
    until(page, f"bar-{mac}", "Math.abs(w) > 30")
    page.keyboard.press("4")
    page.wait_for_selector(f'[data-testid="steered-{mac}"]')
    page.keyboard.press("2")
    page.get_by_test_id(f"settings-{mac}").locator("summary").click()
    page.get_by_test_id(f"remove-{mac}").click()
    page.wait_for_selector(f'[data-testid="battery-{mac}"]', state="detached")
    assert {battery["mac"] for battery in house.state()["batteries"]} == known


def test_settings_of_a_battery(house: House, opened: Opened) -> None:
    mac = "02B250000003"
    page = opened(f"{house.url}/batteries")

    def battery() -> dict[str, Any]:
        return next(one for one in house.state()["batteries"] if one["mac"] == mac)

    def steered() -> dict[str, Any]:
        return next(one for one in house.state()["controller"]["batteries"] if one["mac"] == mac)

    page.get_by_test_id(f"settings-{mac}").locator("summary").click()
    page.get_by_test_id(f"max-discharge-{mac}").fill("650")
    page.get_by_test_id(f"max-discharge-{mac}").press("Enter")
    page.wait_for_function("document.body.textContent.includes('gives up to 650')")
    assert battery()["max_discharge"] == 650
    page.get_by_test_id(f"active-{mac}").click()
    page.wait_for_selector(f'[data-testid="active-{mac}"][aria-checked="false"]')
    assert steered()["active"] is False
    page.get_by_test_id(f"active-{mac}").click()
    page.wait_for_selector(f'[data-testid="active-{mac}"][aria-checked="true"]')
    entry = page.get_by_test_id(f"max-charge-{mac}")
    true = entry.input_value()
    entry.fill("")
    entry.press("Enter")
    page.wait_for_function(f"document.querySelector('[data-testid=\"max-charge-{mac}\"]').value === '{true}'")
    page.get_by_test_id(f"soc-{mac}").press("Home")
    page.wait_for_function(
        f"document.querySelector('[data-testid=\"battery-{mac}\"] .soc-text').textContent[0] === '0'"
    )
    assert battery()["soc"] < 0.02
    for _ in range(30):
        page.get_by_test_id(f"soc-{mac}").press("ArrowRight")
    assert 27 <= float(page.get_by_test_id(f"soc-{mac}").input_value()) <= 33, "no key is lost to an answer"
    page.wait_for_function(
        f"document.querySelector('[data-testid=\"battery-{mac}\"] .soc-text').textContent.startsWith('3')"
    )
    assert 0.25 < battery()["soc"] < 0.35
    assert page.get_by_test_id("dc-02B250000001").count() == 0, "it has no such input"


def test_what_is_refused_is_told_and_the_true_value_stays(house: House, opened: Opened) -> None:
    mac = "02B250000001"
    page = opened(f"{house.url}/batteries")
    page.get_by_test_id(f"settings-{mac}").locator("summary").click()
    entry, toast = page.get_by_test_id(f"max-charge-{mac}"), page.get_by_test_id("toast")
    true = entry.input_value()
    entry.fill("-5")
    entry.press("Enter")
    toast.wait_for(state="visible")
    assert "-5" in toast.text_content()
    page.wait_for_function(f"document.querySelector('[data-testid=\"max-charge-{mac}\"]').value === '{true}'")
    page.get_by_test_id("to-house").click()
    page.get_by_test_id("add-load").click()
    page.locator("dialog[open]").get_by_label("Name").fill("kettle")
    page.get_by_test_id("new-load-confirm").click()
    page.wait_for_function("document.getElementById('toast').textContent.includes('kettle')")
    assert page.locator("dialog[open]").count() == 1, "what was entered is still there"
    assert len(house.state()["loads"]) == len(HOUSE["powermeter"]["loads"])  # type: ignore[index]


def test_every_kind_of_appliance_can_be_added(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/house", width=390)
    options = page.locator('#new-load select[name="kind"] option')
    kinds = [options.nth(place).get_attribute("value") for place in range(options.count())]
    assert len(kinds) > 3
    for kind in kinds:
        page.get_by_test_id("add-load").click()
        form = page.locator("dialog[open]")
        form.get_by_label("Name").fill(f"my {kind}")
        form.get_by_label("Kind").select_option(kind)
        page.get_by_test_id("new-load-confirm").click()
        page.wait_for_selector(f'[data-testid="load-my {kind}"]')
    for kind in kinds:
        page.get_by_test_id(f"remove-load-my {kind}").click()
        page.wait_for_selector(f'[data-testid="load-my {kind}"]', state="detached")


def test_names_are_texts(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/house")
    name = HOUSE["powermeter"]["loads"][1]["name"]  # type: ignore[index]
    assert page.get_by_text(name, exact=True).is_visible()
    switch = page.locator(".load .switch").nth(1)
    assert switch.get_attribute("aria-label") == name
    switch.click()
    page.wait_for_selector(".load:nth-child(2) .switch[aria-checked=true]")
    assert house.state()["loads"][1]["active"]
    switch.click()
    page.wait_for_selector(".load:nth-child(2) .switch[aria-checked=false]")


def test_a_slider_in_hand_stays_in_hand(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/house")
    slider = page.get_by_test_id("sun")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 10, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.wait_for_timeout(500)
    mine = float(slider.input_value())
    assert mine > 500
    assert house.state()["solar"]["current"] == pytest.approx(mine, abs=1), "it acts while it is dragged"
    house.post("/solar", watts=100)
    page.wait_for_function("document.querySelector('[data-testid=sun-now]').textContent.startsWith('100')")
    assert float(slider.input_value()) == mine
    page.mouse.up()
    page.wait_for_function("document.querySelector('[data-testid=sun]').value === '100'")
    house.post("/solar", watts="off")


def test_a_scenario_is_played_and_stopped(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/scenario")
    names = house.client.get("/api/v1/scenarios").json()
    assert names
    for name in names:
        assert page.get_by_test_id(f"scenario-{name}").is_visible()
    house.post("/api/v1/scenario", name="mine", events=[{"at": 3600, "switch_on": "kettle"}])
    page.get_by_test_id("scenario-stop").wait_for(state="visible")
    assert house.state()["scenario"]["pending"] == 1
    page.get_by_test_id("scenario-stop").click()
    page.get_by_test_id("scenario-stop").wait_for(state="hidden")
    assert "scenario" not in house.state()


def test_the_controller_is_seen_and_switched(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/controller")
    for tile in ("demand", "missing", "pool", "size"):
        assert page.get_by_test_id(f"tile-{tile}").is_visible()
    for battery in house.state()["batteries"]:
        assert page.get_by_test_id(f"steered-{battery['mac']}").is_visible()
    page.get_by_test_id("active-control").click()
    page.wait_for_selector('[data-testid="active-control"][aria-checked="false"]')
    assert house.state()["controller"]["active_control"] is False
    page.get_by_test_id("active-control").click()
    page.wait_for_selector('[data-testid="active-control"][aria-checked="true"]')
    page.get_by_test_id("hand-over").click()
    assert not page.get_by_test_id("elsewhere").is_visible()


def test_the_theme_follows_the_system_until_one_chooses(house: House, opened: Opened) -> None:
    page = opened(house.url, theme="dark")

    def theme() -> object:
        return page.evaluate(
            "[document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]"
        )

    dark = theme()
    assert dark[0] == "dark"  # type: ignore[index]
    page.emulate_media(color_scheme="light")
    page.wait_for_selector("[data-theme=light]")
    light = theme()
    assert light[0] == "light" and light[1] != dark[1]  # type: ignore[index]
    page.get_by_test_id("theme").click()
    assert theme() == dark
    page.keyboard.press("t")
    page.keyboard.press("t")
    page.reload()
    page.wait_for_selector("[data-ready]")
    assert theme() == dark, "the browser remembers"


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_every_section_fits_the_screen(house: House, opened: Opened, width: int) -> None:
    page = opened(house.url, width=width)
    for name in SECTIONS:
        page.get_by_test_id(f"to-{name}").click()
        page.wait_for_timeout(300)
        assert page.get_by_test_id(f"section-{name}").is_visible()
        assert page.locator(".section:visible").count() == 1
        assert page.url == house.url + ("/" if name == "overview" else f"/{name}")
        for summary in page.locator("summary:visible").all():
            summary.click()
        wide = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]")
        assert max(wide[:2]) <= wide[2], name
        cut = page.evaluate(
            "[...document.querySelectorAll('#shell button, #shell a, #shell input')]"
            ".filter(el => el.checkVisibility()).map(el => [el.getBoundingClientRect(), el.outerHTML])"
            ".filter(([box]) => box.right > innerWidth || box.left < 0).map(([, html]) => html)"
        )
        assert cut == [], name
    page.go_back()
    page.wait_for_function(f"document.querySelector('#shell').dataset.section === '{SECTIONS[-2]}'")


def test_by_keyboard_alone(house: House, opened: Opened) -> None:
    page = opened(f"{house.url}/house")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(() => { const el = document.activeElement, css = getComputedStyle(el);"
            " return [el.dataset.testid ?? el.tagName, css.outlineStyle !== 'none' && css.outlineWidth !== '0px'] })()"
        )
        if at[0] == "BODY":
            break
        reached.append(at)
    assert all(visible for _, visible in reached), reached
    names = {name for name, _ in reached}
    wanted = {f"to-{name}" for name in SECTIONS} | {"pause", "scale-1", "scale-1000", "theme", "help"}
    assert names >= wanted | {"load-kettle", "sun", "clouds", "follow-sun", "auto", "add-load"}
    page.get_by_test_id("load-kettle").focus()
    page.keyboard.press("Space")
    page.wait_for_selector('[data-testid="load-kettle"][aria-checked="true"]')
    assert not house.state()["time"]["paused"], "that key was for the switch"
    page.keyboard.press("Space")
    page.wait_for_selector('[data-testid="load-kettle"][aria-checked="false"]')
    for place, name in enumerate(SECTIONS, 1):
        page.keyboard.press(str(place))
        page.wait_for_selector(f'#shell[data-section="{name}"]')
    page.keyboard.press("?")
    assert page.locator("#help[open]").count() == 1
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    assert page.locator("#help[open]").count() == 0
    page.wait_for_selector(f'#shell[data-section="{SECTIONS[-1]}"]')


def test_what_is_not_a_control_has_words_and_controls_have_names(house: House, opened: Opened) -> None:
    page = opened(house.url)
    for name in SECTIONS:
        page.get_by_test_id(f"to-{name}").click()
        page.wait_for_timeout(300)
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, a, input, select, [role=img]')]"
            ".filter(el => el.checkVisibility() && !(el.getAttribute('aria-label') || el.textContent.trim()))"
            ".filter(el => !el.labels?.[0]?.textContent.trim())"
            ".map(el => el.outerHTML)"
        )
        assert nameless == [], name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(house: House, opened: Opened, theme: str) -> None:
    """WCAG AA: 4.5 to 1, 3 to 1 for large texts."""
    page = opened(house.url, theme=theme)
    for name in SECTIONS:
        page.get_by_test_id(f"to-{name}").click()
        page.wait_for_timeout(400)
        assert page.evaluate(CONTRAST) == [], name


def test_nothing_moves_for_those_who_do_not_want_it(house: House, opened: Opened) -> None:
    page = opened(house.url, reduced_motion="reduce")
    page.wait_for_timeout(1500)
    assert page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length") == 0


def test_the_chart_has_the_past_and_goes_on(house: House, opened: Opened) -> None:
    page = opened(house.url)
    count = "getElement(Number(document.querySelector('.chart').id.slice(1))).chart.getOption().series[0].data.length"
    page.wait_for_function(f"{count} > 3")
    first = page.evaluate(count)
    page.wait_for_function(f"{count} > {first}")
    page.get_by_test_id("window-2").click()
    page.wait_for_selector('[data-testid="window-2"][aria-pressed="true"]')
    axis = count.replace("series[0].data.length", "xAxis[0].min")
    page.wait_for_function(f"{axis} === -120")
    page.reload()
    page.wait_for_selector('[data-testid="window-2"][aria-pressed="true"]')


def test_a_browser_that_hangs_does_not_hold_up_the_house(house: House, opened: Opened) -> None:
    page, other = opened(house.url), opened(house.url)
    before = house.state()["time"]["now_s"]
    page.evaluate("() => { const end = Date.now() + 4000; while (Date.now() < end); }")
    passed = house.state()["time"]["now_s"] - before
    assert passed > 3
    for one in (page, other):
        start = one.get_by_test_id("clock-since").text_content()
        one.wait_for_function(f"document.querySelector('[data-testid=clock-since]').textContent !== '{start}'")


def test_other_paths_are_what_they_were(house: House, opened: Opened) -> None:
    for path, method, code in (
        ("/nothing", "GET", 404),
        ("/batteries/nothing", "GET", 404),
        ("/nothing", "POST", 404),
        ("/status", "POST", 405),
        ("/solar", "GET", 405),
    ):
        reply = house.client.request(method, path)
        assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (code, "text/plain"), path
    assert list(house.client.get("/power").json()) == ["phase_a", "phase_b", "phase_c"]
    for name in SECTIONS:
        assert (
            house.client.get("/" if name == "overview" else f"/{name}").headers["content-type"].startswith("text/html")
        )


def test_a_lost_connection_is_told(tmp_path: Path, opened: Opened) -> None:
    house = House(tmp_path)
    try:
        page = opened(house.url)
        assert not page.locator("#lost").is_visible()
        house.process.kill()
        page.locator("#lost").wait_for(state="visible")
        assert "connection is lost" in page.locator("#lost").text_content()
    finally:
        house.close()
    # Browsers note every connection that is refused.
    forgive_a_lost_house(opened)


def forgive_a_lost_house(opened: Opened) -> None:
    """A browser says on its console that nobody answers any more; with none there, that is all it may say."""
    opened.forgiven.extend(("ERR_", "WebSocket connection to"))  # type: ignore[attr-defined]


def test_it_ends_with_browsers_looking_at_it(tmp_path: Path, opened: Opened) -> None:
    house = House(tmp_path)
    try:
        opened(house.url)
        house.process.terminate()
        assert house.process.wait(10) == 0
        assert "Traceback" not in house.log.read_text()
    finally:
        house.close()
    forgive_a_lost_house(opened)


@pytest.mark.parametrize("known", ["something", "nothing"])
def test_a_board_is_only_watched_and_what_is_unknown_is_not_shown(known: str, opened: Opened) -> None:
    board = subprocess.Popen([sys.executable, str(BOARD), known], stdout=subprocess.PIPE, text=True)
    try:
        assert board.stdout is not None
        page = opened(f"http://127.0.0.1:{int(board.stdout.readline())}", width=390)
        page.wait_for_timeout(500)
        for absent in ("pause", "scale-1", "to-house", "to-scenario", "add-battery"):
            assert page.get_by_test_id(absent).count() == 0, absent
        for hidden in ("house-bar", "solar-bar"):
            assert not page.get_by_test_id(hidden).is_visible(), hidden
        assert page.get_by_test_id("grid-bar").is_visible() == (known == "something")
        assert not page.locator(".flow").is_visible()
        if known == "something":
            assert "430\N{NO-BREAK SPACE}W" in page.get_by_test_id("grid-total").text_content()
            page.keyboard.press("2")
            card = page.get_by_test_id("battery-02B250000001")
            card.wait_for(state="visible")
            assert "%" not in card.inner_text() and "Target" not in card.inner_text()
        page.keyboard.press("3")
        page.wait_for_selector('#shell[data-section="controller"]')
        page.get_by_test_id("elsewhere").wait_for(state="visible")
        page.wait_for_function("document.querySelector('[data-testid=elsewhere]').textContent")
        assert ("udp://board.local:12345" in page.get_by_test_id("elsewhere").text_content()) == (known == "something")
    finally:
        board.kill()
        board.wait()


def test_a_board_that_is_cut_off_is_said_to_be(opened: Opened) -> None:
    board = subprocess.Popen([sys.executable, str(BOARD), "lost"], stdout=subprocess.PIPE, text=True)
    try:
        assert board.stdout is not None
        page = opened(f"http://127.0.0.1:{int(board.stdout.readline())}/batteries")
        page.get_by_test_id("link").wait_for(state="visible")
        assert page.get_by_test_id("link").text_content() == "board.local: refused; trying again"
        # Whether there are any is not known.
        assert "no batteries" not in page.locator("#main").inner_text()
    finally:
        board.kill()
        board.wait()


def test_of_a_closed_tab_nothing_is_left(opened: Opened) -> None:
    board = subprocess.Popen([sys.executable, str(BOARD)], stdout=subprocess.PIPE, text=True)
    try:
        assert board.stdout is not None
        url = f"http://127.0.0.1:{int(board.stdout.readline())}"
        pages = [opened(f"{url}/{path}") for path in ("", "batteries", "controller")]

        def looking() -> int:
            return int(httpx.get(f"{url}/looking").text)

        assert looking() >= 3
        for page in pages:
            page.close()
        end = time.monotonic() + 90
        while looking() and time.monotonic() < end:
            time.sleep(0.5)
        assert looking() == 0
    finally:
        board.kill()
        board.wait()
