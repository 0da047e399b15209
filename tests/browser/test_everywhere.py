"""What holds for each view: small and large windows, the keyboard, screen readers, the security policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import wait_picture
from tests.browser.sessions import write_session
from tests.support.studio import Studio

pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"

BEYOND_THE_EDGE = """
() => [...document.querySelectorAll("button, a, input, select, h1, h2, p")]
  .filter(each => !each.closest(".timeline, .samples, .visually-hidden, .skip"))
  .filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > innerWidth + 1);
  })
  .map(each => each.outerHTML.slice(0, 120))
"""
"""Controls and text that the window cuts off; a strip that scrolls by itself may."""

VIEWS = {
    "stage": ("#/stage", ".picture"),
    "sessions": ("#/sessions", ".card"),
    "replay": ("#/replay/everywhere", "main.replay[data-position]"),
    "compare": ("#/compare?a=everywhere&b=elsewhere", "main.compare[data-position]"),
}


@pytest.fixture(scope="module")
def sessions(studio: Studio) -> None:
    """Two sessions; one has a name as long as names get."""
    write_session(studio.sessions, "everywhere", 12)
    write_session(studio.sessions, "elsewhere", 12, shade=99)
    write_session(studio.sessions, "a_name_without_any_place_to_break_" * 3 + "end", 1)


def each_view(page: Page) -> Iterator[str]:
    """Goes from view to view."""
    for view, (route, there) in VIEWS.items():
        page.evaluate("route => { location.hash = route; }", route)
        page.locator(there).first.wait_for()
        yield view


@pytest.mark.parametrize(("width", "height"), [(360, 640), (3840, 2160)])
def test_nothing_is_cut_off_or_scrolls_sideways(new_page: NewPage, sessions: None, width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})
    for view in each_view(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        assert page.evaluate(BEYOND_THE_EDGE) == [], view


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_stands_in_a_screen_readers_way(new_page: NewPage, sessions: None, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not here: npm ci in tests/browser brings it")
    page = new_page(color_scheme=scheme)
    page.evaluate(AXE.read_text())
    for view in each_view(page):
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        told = [f"{each['id']}: {each['help']}: {[node['html'][:150] for node in each['nodes']]}" for each in found]
        assert told == [], view + json.dumps(told, indent=1)


def test_from_view_to_view_by_keyboard_alone(new_page: NewPage, sessions: None) -> None:
    page = new_page()
    wait_picture(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for name in ("Parafovea, to the stage", "Stage", "Sessions"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    page.get_by_role("link", name="Replay everywhere", exact=True).focus()
    page.keyboard.press("Enter")
    replay = page.locator("main.replay")
    expect(replay).to_have_attribute("data-position", "0")
    page.keyboard.press("ArrowRight")
    expect(replay).to_have_attribute("data-position", "1")
    page.keyboard.press("Home")
    expect(replay).to_have_attribute("data-position", "0")
    page.keyboard.press("o")
    expect(page.locator(".outline")).to_be_visible()


def test_text_stays_text(new_page: NewPage, studio: Studio) -> None:
    folder = write_session(studio.sessions, "markup", 1)
    path = folder / "metadata.json"
    path.write_text(path.read_text().replace("a thing, number 0", "<img src=x onerror=alert(1)>"))
    page = new_page("#/replay/markup")
    expect(page.locator(".details .prompt")).to_have_text("<img src=x onerror=alert(1)>")


def test_the_policy_allows_nothing_but_the_page_itself(studio: Studio) -> None:
    policy = studio.http.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
