"""A clean stage shows nothing that moves with the server; whoever brings the controls back is told all of it."""

from __future__ import annotations

import json
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import (
    blink,
    hide_controls,
    hold_pictures,
    let_come,
    look,
    refuse_changes,
    wait_change,
    wait_picture,
    wait_state,
    wait_until,
)
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("nothing_is_recorded_afterwards")]


SEEN = """
() => [document.title, document.body.innerText.trim(), document.querySelector("link[rel=icon]").href,
       getComputedStyle(document.querySelector(".surface")).cursor]
"""
"""What can be read of a page, by eye or by ear."""


def seen(page: Page) -> tuple[bytes, list[str]]:
    """All that there is to be seen, heard and read."""
    return page.screenshot(), page.evaluate(SEEN)


def test_a_picture_that_is_made_and_recorded_moves_nothing(page_of_one: Page, studio: Studio) -> None:
    page = page_of_one
    studio.start_session("unseen")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    hide_controls(page)
    before = seen(page)
    held = hold_pictures(page)
    look(page, "TL")
    wait_state(page, "asking")
    assert seen(page) == before
    let_come(page, held)
    wait_state(page, "waiting")
    eventually(lambda: page.evaluate("1") and len(studio.frame_ids("unseen")) >= 1, 20, "it is recorded")
    wait_until(page, "document.querySelector('.record-pill').textContent.match(/[1-9][0-9]* frames? /)")
    assert seen(page) == before
    studio.http.post("/session/stop")
    expect(page.locator(".record-figures")).to_have_attribute("hidden", "")
    assert seen(page) == before
    page.keyboard.press("m")


def test_the_words_do_not_go_with_the_swap(page: Page) -> None:
    hide_controls(page)
    look(page, "TL")
    wait_change(page, "TL")
    before = page.evaluate(SEEN)
    blink(page, 1)
    assert page.evaluate(SEEN) == before
    page.keyboard.press("m")
    expect(page.locator(".picture").first).to_have_attribute(
        "aria-label", re.compile("A photograph, changed last in the [a-z]+")
    )


def test_an_error_waits_for_the_controls(page_of_one: Page) -> None:
    page = page_of_one
    refuse_changes(page, "The disk is full of bees.")
    hide_controls(page)
    page.mouse.move(500, 350)
    before = seen(page)
    look(page, "TL")
    wait_state(page, "refused")
    expect(page.locator(".notice.error")).to_contain_text("bees")
    assert seen(page) == before
    page.keyboard.press("Escape")
    expect(page.locator(".notice.error")).to_be_visible()


def test_the_debug_layer_tells_it_all(page_of_one: Page) -> None:
    page = page_of_one
    refuse_changes(page, "The disk is full of bees.")
    hide_controls(page)
    page.keyboard.press("d")
    look(page, "TL")
    wait_state(page, "refused")
    expect(page.locator("[data-fact=problem]")).to_have_text("The disk is full of bees.")
    expect(page.locator(".notice.error")).to_be_visible()


def test_a_generator_that_dies_is_no_visitors_affair(page: Page, studio: Studio) -> None:
    hide_controls(page)
    page.mouse.move(500, 350)
    before = seen(page)
    studio.process("generator").stop(signal.SIGKILL)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("The generator is not running.")
    assert seen(page) == before
    page.keyboard.press("m")
    expect(banner).to_be_visible()
    hide_controls(page)
    studio.start_generator()
    expect(banner).to_have_attribute("hidden", "")


def test_whoever_presses_r_sees_what_becomes_of_it(page: Page, studio: Studio) -> None:
    hide_controls(page)
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    hide_controls(page)
    page.keyboard.press("r")
    expect(page.locator(".notice")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("is kept")


def test_a_token_that_is_no_longer_taken_is_asked_for_once_the_controls_are_back(page: Page) -> None:
    hide_controls(page)
    refusal = json.dumps({"error": "unauthorized", "detail": "This server needs a token."})
    page.route("**/health", lambda route: route.fulfill(status=401, content_type="application/json", body=refusal))
    with page.expect_response(lambda response: response.status == 401):
        page.evaluate("1")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("m")
    expect(page.get_by_role("dialog", name="A token is needed")).to_be_visible()


def test_letters_of_another_script_are_keys_as_well(page: Page) -> None:
    def type_key(key: str, code: str) -> None:
        page.evaluate(
            "([key, code]) => document.dispatchEvent(new KeyboardEvent('keydown', { key, code, bubbles: true }))",
            [key, code],
        )

    type_key("в", "KeyD")
    expect(page.locator(".debug")).to_be_visible()
    type_key("δ", "KeyD")
    expect(page.locator(".debug")).to_be_hidden()
    type_key("ь", "KeyM")
    expect(page.locator(".dock")).to_be_hidden()
    type_key(",", "KeyM")
    expect(page.locator(".dock")).to_be_hidden()
    type_key("к", "KeyR")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    type_key("ρ", "KeyR")
    expect(page.locator(".notice")).to_contain_text("is kept")


def test_on_a_phone_nothing_speaks_of_keys(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    wait_picture(page)
    told = page.evaluate("document.body.innerText")
    assert "space" not in told.lower()
    assert "Tap when you blink" in told
    assert "On a tap" in page.get_by_label("Change the picture").inner_text()
    labels = page.evaluate("[...document.querySelectorAll('[aria-label], [title]')].map(e => e.ariaLabel + e.title)")
    assert [label for label in labels if label.endswith((" (F)", " (M)", " (space)"))] == []
    page.touchscreen.tap(60, 300)
    expect(page.locator("[role=status]").filter(has_text="is ready")).to_contain_text("Tap.")


def test_a_finger_on_a_screen_with_a_keyboard_is_told_of_taps(new_page: NewPage) -> None:
    page = new_page(has_touch=True)
    wait_picture(page)
    page.keyboard.press("m")
    page.touchscreen.tap(300, 300)
    page.keyboard.press("m")
    page.touchscreen.tap(300, 300)
    page.get_by_role("button", name="Hide the controls").tap()
    page.get_by_role("button", name="Show the controls").tap()
    expect(page.get_by_label("Change the picture")).to_contain_text("On a tap")
