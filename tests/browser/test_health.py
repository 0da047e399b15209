"""The page says what is wrong, what to do, and goes on by itself."""

from __future__ import annotations

import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.eyes import change, elsewhere, hide_controls, on_view
from tests.support.studio import Studio

pytestmark = pytest.mark.browser


def test_each_process_is_shown(page: Page) -> None:
    light = page.get_by_role("button", name="Server:")
    expect(light).to_contain_text("Well")
    light.click()
    for name in ("api", "gaze", "generator", "recorder", "replayer"):
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
    elsewhere(before, on_view(page), "TL")


def test_a_server_that_is_gone_is_told_and_comes_back_by_itself(
    page: Page, studio: Studio, complaints: list[str]
) -> None:
    studio.process("api").stop()
    expect(page.locator(".banner")).to_contain_text("The server does not answer.")
    studio.start_api()
    expect(page.locator(".banner")).to_be_hidden()
    # The browser tells each connection that it could not make; that is the point here.
    complaints[:] = [each for each in complaints if "WebSocket connection" not in each]
