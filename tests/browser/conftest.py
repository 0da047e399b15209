"""A browser, a whole Parafovea with a quick engine, and a page that may not complain."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.browser.eyes import TIMEOUT_MS, wait_picture
from tests.support.asking import http_status
from tests.support.buses import short_folder
from tests.support.studio import Studio, studio_in
from tests.support.waiting import eventually

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

QUICK = """
localStorage.getItem("parafovea.preferences") ??
  localStorage.setItem("parafovea.preferences", '{"dwellMs": 400}');
"""
"""Whoever tests looks a little less long."""

AHEAD = """
window.fetch = ((real) => (address, init) => {
  if (!String(address).endsWith("/trial/begin")) return real(address, init);
  const { policy, ...more } = JSON.parse(init.body);
  return real(address, { ...init, body: JSON.stringify({ ...more, policy: { ...policy, ahead: %d } }) });
})(window.fetch);
"""
"""How many changes a page's own trials keep ready."""

NewPage = Callable[..., Page]


def find_browser() -> str | None:
    """Where Chromium is; ``CHROMIUM`` names another one."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    # Not for the whole run: while it lasts it holds this thread's event loop, and other tests have loops of their own.
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a window. Skips where there is none, but not in CI, which has to have it."""
    path = find_browser()
    if path is None:
        reason = "no Chromium here: the page is not tested (apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    # Chromium's sandbox refuses root, and containers often have no shared memory to speak of.
    made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
    yield made
    made.close()


@pytest.fixture(scope="package")
def studio(browser: Browser) -> Iterator[Studio]:
    """Everything up, for all tests here; what they record they name apart."""
    with short_folder() as folder, studio_in(folder) as made:
        start_everything(made)
        yield made


def start_everything(studio: Studio) -> None:
    """All processes that the page needs, of those that are not there yet too."""
    studio.start_everything()
    if not any(process.name == "gaze" for process in studio.processes):
        studio.start("gaze")
    eventually(lambda: studio.health()["gaze"], 30, "the API knows of the gaze process")


@pytest.fixture
def complaints() -> list[str]:
    """What pages said on their console, for a test that expects some of it and removes that."""
    return []


@pytest.fixture
def new_page(browser: Browser, studio: Studio, complaints: list[str]) -> Iterator[NewPage]:
    """Opens the page: ``new_page("#/sessions", viewport={...}, ...)``. With ``ahead=0`` its trials ask for one change
    at a time, once the gaze has rested. At the end nothing may have been complained of: no error in a script, none from
    the Content-Security-Policy, nothing asked of another host."""
    contexts: list[BrowserContext] = []

    def make(
        route: str = "", *, query: str = "", url: str = studio.url, ahead: int | None = None, **options: Any
    ) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 700}, **options})
        contexts.append(context)
        context.add_init_script(QUICK)
        if ahead is not None:
            context.add_init_script(AHEAD % ahead)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", lambda message: _listen(message, complaints))
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on("request", lambda request: _check_host(request.url, url, complaints))
        page.goto(f"{url}/{query}{route}")
        return page

    yield make
    for context in contexts:
        context.close()
    if http_status(f"{studio.url}/health") == 200:
        studio.http.post("/gaze/source", json={"source": "page"})  # where a test chose another one
    assert complaints == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """The stage with its first photograph on view."""
    opened = new_page()
    wait_picture(opened)
    return opened


@pytest.fixture
def page_of_one(new_page: NewPage) -> Page:
    """The same, with changes that are asked for one at a time."""
    opened = new_page(ahead=0)
    wait_picture(opened)
    return opened


def _listen(message: ConsoleMessage, complaints: list[str]) -> None:
    # The browser itself reports each answer of 4xx and 5xx; whether the page tells them well is each test's affair.
    if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
        complaints.append(f"console {message.type}: {message.text}")


def _check_host(address: str, url: str, complaints: list[str]) -> None:
    if not address.startswith((url, "blob:", "data:")):
        complaints.append(f"asked another host: {address}")


@pytest.fixture
def nothing_is_recorded_afterwards(studio: Studio) -> Iterator[None]:
    """What one test records is not the next one's affair."""
    yield
    studio.http.post("/session/stop")
