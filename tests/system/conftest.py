"""The page in a real browser: a running demo, Chromium, and pages that may not complain."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from page_browser import House, Opened, missing


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    running = House(tmp_path_factory.mktemp("house"))
    yield running
    running.close()
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = None
    try:
        from playwright import sync_api
    except ImportError:
        missing("playwright", "make .venv/.dev")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("chromium", "apt-get install chromium")
    assert sync_api is not None
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    """Opens a page in a browser of its own: opened(url, width, theme). No page may complain or reach elsewhere."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def watch(url: str) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", url):
            wrong.append(f"leaves this machine: {url}")

    def open_page(url: str, width: int = 1280, theme: str = "light", **options: object) -> Any:
        height = 860 if width > 600 else 844
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15000)
        page.on("request", lambda request: watch(request.url))
        page.on("websocket", lambda socket: watch(socket.url))
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None)
        page.goto(url)
        page.wait_for_selector("[data-ready]")
        return page

    forgiven: list[str] = []
    open_page.wrong = wrong  # type: ignore[attr-defined]
    open_page.forgiven = forgiven  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    # Only now: until it is closed a browser may go on saying it.
    assert not [line for line in wrong if not any(words in line for words in forgiven)]
