"""A server with a token: the page asks for it, and keeps it in this tab alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import wait_picture
from tests.support.asking import http_status
from tests.support.buses import short_folder
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

TOKEN = "open sesame & more"
KEEPS = "storage => Object.entries(window[storage])"


@pytest.fixture(scope="module")
def guarded(studio: Studio) -> Iterator[Studio]:
    """Another server on a bus of its own, with a token."""
    with short_folder() as folder:
        made = Studio(folder, PARAFOVEA_API_TOKEN=TOKEN)
        try:
            api = made.start("api", wait=False)  # without the token, /health does not tell whether it is up
            eventually(lambda: http_status(made.url) == 200, 30, f"{api.name} serves the page")
            yield made
            made.stop_all()
            made.assert_nothing_left()
        finally:
            made.kill_all()


@pytest.fixture
def opened(new_page: NewPage, guarded: Studio) -> Iterator[Page]:
    """The page, whose server it is closed before: it would complain."""
    page = new_page(url=guarded.url)
    yield page
    page.close()


def question(page: Page) -> Locator:
    return page.get_by_role("dialog", name="A token is needed")


def give(page: Page, token: str) -> None:
    question(page).get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


def assert_is_kept_in_this_tab(page: Page) -> None:
    """In its session, and in nothing that outlives it or that other ports of the host get."""
    assert [value for _, value in page.evaluate(KEEPS, "sessionStorage")] == [TOKEN]
    assert "sesame" not in str(page.evaluate(KEEPS, "localStorage"))
    assert page.context.cookies() == []
    assert "sesame" not in page.evaluate("document.cookie + location.href + JSON.stringify(history.state)")


def test_it_is_asked_for_once(opened: Page, guarded: Studio) -> None:
    question(opened).get_by_role("button", name="Cancel").click()
    expect(opened.locator(".notice.error").first).to_contain_text("This server needs a token")
    expect(question(opened)).to_have_count(0)
    opened.reload()
    give(opened, "wrong")
    expect(question(opened)).to_contain_text("does not take the token")
    give(opened, TOKEN)
    wait_picture(opened)
    expect(question(opened)).to_have_count(0)
    assert_is_kept_in_this_tab(opened)
    opened.reload()
    wait_picture(opened)
    expect(question(opened)).to_have_count(0)

    def viewers() -> int:
        answer = guarded.http.get("/health", headers={"Authorization": f"Bearer {TOKEN}"}).json()
        count: int = answer["processes"]["api"]["viewers"]
        return count

    eventually(lambda: viewers() == 1, 20)


def test_another_tab_asks_for_it(opened: Page, guarded: Studio) -> None:
    give(opened, TOKEN)
    wait_picture(opened)
    other = opened.context.new_page()
    other.goto(guarded.url)
    expect(question(other)).to_be_visible()
    assert "sesame" not in str(other.evaluate(KEEPS, "sessionStorage"))
    other.close()
    with opened.context.expect_page() as found:
        opened.evaluate("window.open(location.href, '_blank', 'noopener')")
    expect(question(found.value)).to_be_visible()
    found.value.close()


def test_one_that_an_earlier_version_left_is_taken_over_and_removed(opened: Page) -> None:
    expect(question(opened)).to_be_visible()
    opened.evaluate("token => localStorage.setItem('parafovea.token', token)", TOKEN)
    opened.reload()
    wait_picture(opened)
    assert_is_kept_in_this_tab(opened)
    opened.reload()
    wait_picture(opened)
    expect(question(opened)).to_have_count(0)


def test_one_that_an_earlier_version_left_does_not_replace_a_newer_one(opened: Page) -> None:
    give(opened, TOKEN)
    wait_picture(opened)
    opened.evaluate("localStorage.setItem('parafovea.token', 'the sesame of last year')")
    opened.reload()
    wait_picture(opened)
    assert_is_kept_in_this_tab(opened)


def test_one_in_the_pages_address_is_taken_out_of_it(opened: Page, guarded: Studio) -> None:
    expect(question(opened)).to_be_visible()
    opened.goto(f"{guarded.url}/?token=open%20sesame%20%26%20more&gaze=ws#/sessions")
    expect(opened.get_by_role("heading", name="Sessions").first).to_be_visible()
    expect(question(opened)).to_have_count(0)
    assert opened.url == f"{guarded.url}/?gaze=ws#/sessions"
    assert_is_kept_in_this_tab(opened)


def test_one_in_the_pages_address_replaces_what_the_tab_had(opened: Page, guarded: Studio) -> None:
    give(opened, "the sesame of last year")
    expect(question(opened)).to_contain_text("does not take the token")
    opened.evaluate("localStorage.setItem('parafovea.token', 'the sesame of the year before')")
    opened.goto(f"{guarded.url}/?token=open%20sesame%20%26%20more#/sessions")
    expect(opened.get_by_role("heading", name="Sessions").first).to_be_visible()
    expect(question(opened)).to_have_count(0)
    assert opened.url == f"{guarded.url}/#/sessions"
    assert_is_kept_in_this_tab(opened)
    opened.reload()
    expect(opened.get_by_role("heading", name="Sessions").first).to_be_visible()
    expect(question(opened)).to_have_count(0)


def test_a_browser_that_keeps_nothing_asks_after_each_load(new_page: NewPage, guarded: Studio) -> None:
    page = new_page(url=guarded.url)
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    for _ in range(2):
        page.reload()
        give(page, TOKEN)
        wait_picture(page)
    page.close()
