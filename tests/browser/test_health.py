"""The page says what is wrong, what to do, and goes on by itself; it asks for a token where one is needed."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import change, changed, hide_controls, on_view, wait_picture
from tests.support.asking import http_status
from tests.support.buses import short_folder
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser


def test_each_process_is_shown(page: Page) -> None:
    light = page.get_by_role("button", name="Server:")
    expect(light).to_contain_text("Well")
    light.click()
    for name in ("api", "generator", "recorder", "replayer"):
        expect(page.locator(f"[data-process={name}]")).to_have_attribute("data-level", "ok")
    page.keyboard.press("Escape")
    expect(page.locator("#health-panel")).to_be_hidden()


def test_a_killed_generator_is_told_and_comes_back_by_itself(page: Page, studio: Studio) -> None:
    hide_controls(page)
    studio.process("generator").stop(signal.SIGKILL)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("The generator is not running.")
    expect(banner).to_contain_text("make run")
    studio.start_generator()
    expect(banner).to_be_hidden()
    before = on_view(page)
    change(page, "TL")
    assert changed(before, on_view(page)) == ["BR"]


def test_a_server_that_is_gone_is_told_and_comes_back_by_itself(
    page: Page, studio: Studio, complaints: list[str]
) -> None:
    studio.process("api").stop()
    expect(page.locator(".banner")).to_contain_text("The server does not answer.")
    studio.start_api()
    expect(page.locator(".banner")).to_be_hidden()
    # The browser tells each connection that it could not make; that is the point here.
    complaints[:] = [each for each in complaints if "WebSocket connection" not in each]


@pytest.fixture
def guarded(studio: Studio) -> Iterator[Studio]:
    """Another server on a bus of its own, with a token."""
    with short_folder() as folder:
        made = Studio(folder, PARAFOVEA_API_TOKEN="open sesame")
        try:
            api = made.start("api", wait=False)  # without the token, /health does not tell whether it is up
            eventually(lambda: http_status(made.url) == 200, 30, f"{api.name} serves the page")
            yield made
            made.stop_all()
            made.assert_nothing_left()
        finally:
            made.kill_all()


def test_the_token_is_asked_for_once(new_page: NewPage, guarded: Studio) -> None:
    page = new_page(url=guarded.url)
    dialog = page.get_by_role("dialog", name="A token is needed")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".notice.error").first).to_contain_text("This server needs a token")
    expect(dialog).to_have_count(0)
    page.reload()
    dialog.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("does not take the token")
    dialog.get_by_label("Token").fill("open sesame")
    page.keyboard.press("Enter")
    wait_picture(page)
    expect(dialog).to_have_count(0)
    page.reload()
    wait_picture(page)
    expect(dialog).to_have_count(0)
    eventually(
        lambda: (
            guarded.http.get("/health", headers={"Authorization": "Bearer open sesame"}).json()["processes"]["api"][
                "viewers"
            ]
            == 1
        ),
        20,
    )
    page.close()  # before its server is gone
