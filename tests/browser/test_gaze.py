"""No change is shown where the viewer looks, whatever shows it, wherever the picture lies, whoever tells the gaze."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import (
    blink,
    changed,
    hide_controls,
    hold_pictures,
    let_all_come,
    let_come,
    look,
    on_view,
    wait_picture,
    wait_state,
    wait_swaps,
    wait_until,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

WATCH_DARK = """
() => {
  window.blackouts = 0;
  const dark = document.querySelector(".blackout");
  new MutationObserver(() => { if (dark.hidden) window.blackouts += 1; })
    .observe(dark, { attributes: true, attributeFilter: ["hidden"] });
}
"""

TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

TRACK = """
() => {
  window.point = { x: 0.1, y: 0.15 };
  const socket = new WebSocket(`ws://${location.host}/gaze`);
  socket.onopen = () => setInterval(() => { if (window.point) socket.send(JSON.stringify(window.point)); }, 20);
}
"""


@pytest.fixture
def page(page_of_one: Page) -> Page:
    """The stage, with changes that are asked for one at a time: which one waits is known."""
    return page_of_one


def take_long_rests(page: Page) -> None:
    """Another change is asked for in place of one that is looked at only after long: on a slow machine a viewer rests
    there for as long as the test takes for its next step."""
    page.get_by_label("Gaze rests").select_option("2000")


def wait_until_ready(page: Page, sector: str = "TL") -> dict[str, int]:
    """Look, until a picture waits; what is on view meanwhile."""
    take_long_rests(page)
    hide_controls(page)
    page.evaluate(WATCH_DARK)
    before = on_view(page)
    look(page, sector)
    wait_state(page, "waiting")
    return before


def press(page: Page) -> None:
    """A blink, until it is over."""
    done: int = page.evaluate("window.blackouts")
    page.keyboard.press("Space")
    wait_until(page, f"window.blackouts > {done}")


def look_in_the_dark(page: Page, x: float, y: float) -> None:
    """Move the gaze to a point of the picture, by fractions of it, as soon as the next blink begins. From here it could
    come too late: a blink is short."""
    page.evaluate(
        """([clientX, clientY]) => {
          const dark = document.querySelector(".blackout");
          const moves = new MutationObserver(() => {
            if (dark.hidden) return;
            moves.disconnect();
            const where = { clientX, clientY, pointerType: "mouse", bubbles: true };
            document.querySelector(".surface").dispatchEvent(new PointerEvent("pointermove", where));
          });
          moves.observe(dark, { attributes: true, attributeFilter: ["hidden"] });
        }""",
        at(page, x, y),
    )


def assert_waits(page: Page, before: dict[str, int]) -> None:
    assert on_view(page) == before, "a change was shown where the viewer looks"
    assert page.locator("main.stage").get_attribute("data-state") == "waiting"


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A point of the picture, by fractions of it, in the window."""
    box: Any = page.locator(".picture").first.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_whoever_has_looked_there_by_the_blink_sees_no_change(page: Page) -> None:
    before = wait_until_ready(page)
    look(page, "BR")
    press(page)
    assert_waits(page, before)
    look(page, "TC")
    press(page)
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_a_click_there_shows_none_either(page: Page) -> None:
    before = wait_until_ready(page)
    look(page, "BR")
    page.mouse.down()
    page.mouse.up()
    wait_until(page, "window.blackouts > 0")
    assert_waits(page, before)


def test_a_gaze_that_moves_there_during_the_dark_is_seen_to(page: Page) -> None:
    before = wait_until_ready(page)
    look_in_the_dark(page, 0.83, 0.83)
    press(page)
    assert_waits(page, before)


def test_a_gaze_that_leaves_during_the_dark_lets_it_be_shown(page: Page) -> None:
    before = wait_until_ready(page)
    look(page, "BR")
    look_in_the_dark(page, 0.17, 0.5)
    press(page)
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_with_two_by_two_sectors(page: Page) -> None:
    page.get_by_label("Sectors").select_option("2")
    before = wait_until_ready(page)
    page.mouse.move(*at(page, 0.6, 0.6))
    press(page)
    assert_waits(page, before)
    page.mouse.move(*at(page, 0.75, 0.25))
    press(page)
    wait_swaps(page, 1)
    assert set(changed(before, on_view(page))) == {"MC", "MR", "BC", "BR"}


def test_at_the_border_both_sides_are_looked_at(page: Page) -> None:
    before = wait_until_ready(page)
    page.mouse.move(*at(page, 2 / 3 - 0.01, 0.8))
    press(page)
    assert_waits(page, before)


def test_blackouts_wait_for_the_gaze_as_well(page: Page) -> None:
    page.get_by_label("Change the picture").select_option("blackout")
    held = hold_pictures(page)
    take_long_rests(page)
    hide_controls(page)
    page.evaluate(WATCH_DARK)
    before = on_view(page)
    look(page, "TL")
    release(page, held, "BR")
    # Blackouts are up to ten seconds apart: whoever stays there for five gets another change instead.
    let_all_come(page, held)
    wait_until(page, "window.blackouts >= 1")
    assert on_view(page) == before, "a change was shown where the viewer looks"
    look(page, "TC")
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) in (["BR"], ["TL"])


def test_at_once_waits_until_the_gaze_is_elsewhere(page: Page) -> None:
    page.get_by_label("Change the picture").select_option("once")
    held = hold_pictures(page)
    take_long_rests(page)
    hide_controls(page)
    before = on_view(page)
    look(page, "TL")
    release(page, held, "BR")
    wait_state(page, "waiting")
    assert on_view(page) == before
    # At the border it would be seen too.
    page.mouse.move(*at(page, 2 / 3 - 0.01, 0.8))
    page.evaluate(TWO_FRAMES)
    assert_waits(page, before)
    look(page, "TC")
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_whoever_stays_there_gets_another_change(page: Page) -> None:
    before = wait_until_ready(page)
    look(page, "BR")
    expect(page.locator("main.stage")).to_have_attribute("data-target", "TL")
    wait_state(page, "waiting")
    press(page)
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["TL"]


def test_in_the_dark_beside_the_picture_nothing_of_it_is_looked_at(new_page: NewPage) -> None:
    page = new_page(ahead=0, viewport={"width": 1200, "height": 500})
    wait_picture(page)
    page.get_by_role("combobox", name="Picture", exact=True).select_option("whole")
    before = wait_until_ready(page)
    box: Any = page.locator(".picture").first.bounding_box()
    assert box["x"] > 100
    page.mouse.move(box["x"] + box["width"] + 4, 450)
    press(page)
    assert_waits(page, before)
    page.mouse.move(box["x"] + box["width"] + 90, 450)
    press(page)
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_a_window_that_becomes_smaller_moves_the_picture_under_the_gaze(page: Page) -> None:
    before = wait_until_ready(page)
    page.mouse.move(480, 330)  # the middle
    page.set_viewport_size({"width": 500, "height": 350})
    wait_until(page, "innerWidth === 500")
    press(page)
    assert_waits(page, before)


def test_whoever_is_at_the_controls_sees_what_lies_under_them(page: Page) -> None:
    before = wait_until_ready(page)
    page.keyboard.press("m")
    box: Any = page.locator(".dock").bounding_box()
    x, _ = at(page, 0.75, 0)
    page.mouse.move(min(x, box["x"] + box["width"] - 8), box["y"] + 8)
    press(page)
    assert_waits(page, before)


def test_a_finger_that_was_lifted_there_still_looks_there(new_page: NewPage) -> None:
    page = new_page(ahead=0, viewport={"width": 800, "height": 600}, has_touch=True)
    wait_picture(page)
    page.keyboard.press("m")
    page.evaluate(WATCH_DARK)
    before = on_view(page)
    page.touchscreen.tap(100, 120)
    wait_state(page, "waiting")
    wait_until(page, "window.blackouts === 1")
    page.touchscreen.tap(720, 520)
    wait_until(page, "window.blackouts === 2")
    assert_waits(page, before)
    page.touchscreen.tap(400, 100)
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_by_the_arrow_keys(page: Page) -> None:
    page.evaluate(WATCH_DARK)
    before = on_view(page)
    for key in ("ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    wait_state(page, "waiting")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    press(page)
    assert_waits(page, before)


def test_with_an_eye_tracker_also_when_it_falls_silent(new_page: NewPage) -> None:
    page = new_page(ahead=0, query="?gaze=ws")
    wait_picture(page)
    hide_controls(page)
    page.evaluate(WATCH_DARK)
    before = on_view(page)
    look(page, "ML")  # the mouse is no gaze here
    tracker = new_page("#/sessions")
    tracker.evaluate(TRACK)
    wait_state(page, "waiting")
    tracker.evaluate("window.point = { x: 0.9, y: 0.9 }")
    # The gaze is there once the page has heard of it: the next dwell tells.
    page.keyboard.press("d")
    expect(page.locator("[data-fact=focus]")).to_contain_text("TL")
    wait_until(page, "new DOMMatrix(getComputedStyle(document.querySelector('.debug-gaze')).transform).e > 800")
    press(page)
    assert_waits(page, before)
    tracker.evaluate("window.point = null")
    pass_time(page, 1200)  # as long as it takes to be nobody's gaze
    press(page)
    assert_waits(page, before)
    tracker.evaluate("window.point = { x: 0.1, y: 0.9 }")
    eventually(lambda: _press_shows(page), 20)
    assert changed(before, on_view(page)) == ["BR"]


def _press_shows(page: Page) -> bool:
    press(page)
    return page.locator("main.stage").get_attribute("data-swaps") == "1"


def test_less_motion_waits_as_well(new_page: NewPage) -> None:
    page = new_page(ahead=0, reduced_motion="reduce")
    wait_picture(page)
    before = wait_until_ready(page)
    look(page, "BR")
    page.keyboard.press("Space")
    page.evaluate(TWO_FRAMES)
    assert_waits(page, before)
    look(page, "TC")
    page.keyboard.press("Space")
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_a_slow_fade_stands_still_while_it_is_looked_at(new_page: NewPage) -> None:
    page = new_page(ahead=0, reduced_motion="reduce")
    wait_picture(page)
    wait_until_ready(page)
    blink(page, 1)
    look(page, "BR")
    opacity = "Number(document.querySelector('.veil').style.opacity)"
    page.evaluate(TWO_FRAMES)
    if page.locator(".veil").is_hidden():
        pytest.skip("this machine was too slow to look there while it faded")
    held = page.evaluate(opacity)
    pass_time(page, 700)  # longer than a whole fade
    assert page.evaluate(opacity) == held
    look(page, "TC")
    expect(page.locator(".veil")).to_be_hidden()


def pass_time(page: Page, ms: float) -> None:
    """Until the page's clock has gone on so far: what is promised is that nothing happens meanwhile."""
    until: float = page.evaluate("performance.now()") + ms
    wait_until(page, f"performance.now() >= {until}")


def release(page: Page, held: list[Route], sector: str) -> None:
    """Look somewhere while the picture is being made, and let it come."""
    eventually(lambda: page.evaluate("1") and held, 20, "a picture is made")
    look(page, sector)
    let_come(page, held)
    wait_state(page, "waiting")
