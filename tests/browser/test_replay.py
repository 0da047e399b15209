"""A recording scrubbed, played, looked into, and compared."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import changed, sector_sums, wait_until
from tests.browser.sessions import write_session
from tests.support import absurd
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

FRAMES = 6

SETTLED = """
(() => {
  const view = document.querySelector("main.replay");
  const isTold = !view.querySelector(".screen-message").hidden || view.querySelector(".replay-body").hidden;
  return isTold || view.dataset.position === view.querySelector(".scrub").value;
})()
"""
"""The frame that is wanted is on view, or why it is not."""


@pytest.fixture(scope="module")
def sessions(studio: Studio) -> None:
    """Sessions to replay, there before the page is."""
    write_session(studio.sessions, "walk", FRAMES, seconds=0.4)
    write_session(studio.sessions, "walk_b", FRAMES - 1, seconds=0.4, shade=250)
    write_session(studio.sessions, "long", 5000, different=5)


@pytest.fixture
def replay(new_page: NewPage, sessions: None) -> Page:
    """The short session, at its first frame."""
    page = new_page("#/replay/walk")
    wait_position(page, 0)
    return page


def wait_position(page: Page, position: int) -> None:
    expect(page.locator("main.replay")).to_have_attribute("data-position", str(position))


def picture(page: Page) -> dict[str, int]:
    return sector_sums(page.locator(".replay-canvas"))


def watch_positions(page: Page) -> None:
    """From now on ``window.shown`` holds each frame shown: when, in milliseconds, and its position."""
    page.evaluate(
        """() => {
          const view = document.querySelector("main.replay");
          window.shown = [];
          new MutationObserver(() => window.shown.push([performance.now(), Number(view.dataset.position)]))
            .observe(view, { attributes: true, attributeFilter: ["data-position"] });
        }"""
    )


def test_what_is_known_of_a_frame(replay: Page) -> None:
    replay.keyboard.press("ArrowRight")
    wait_position(replay, 1)
    details = replay.locator(".details")
    for text in ("a thing, number 1", "BR, bottom right", "TL, top left", str(2**62 + 1), "400 ms", "321 ms"):
        expect(details).to_contain_text(text)
    for text in ("ladybug", "left out: 'with a hat'"):
        expect(details).to_contain_text(text)
    # Nobody has told whether a viewer saw it: it was made.
    expect(details.locator("dt").filter(has_text="Made")).to_have_count(1)
    expect(details).not_to_contain_text("Shown")


def test_scrubbing_and_stepping(replay: Page) -> None:
    first = picture(replay)
    replay.get_by_role("slider", name="Frame").fill("4")
    wait_position(replay, 4)
    assert changed(first, picture(replay)) != []
    replay.get_by_role("button", name="One back").click()
    wait_position(replay, 3)
    replay.get_by_role("option", name="Frame 0").click()
    wait_position(replay, 0)
    assert picture(replay) == first
    replay.keyboard.press("End")
    wait_position(replay, FRAMES - 1)


def test_play_keeps_to_the_recorded_times(replay: Page) -> None:
    watch_positions(replay)
    replay.get_by_label("Speed").select_option("0.5")
    replay.keyboard.press("Escape")
    replay.get_by_role("button", name="Play").click()
    wait_position(replay, FRAMES - 1)
    expect(replay.get_by_role("button", name="Play")).to_be_visible()
    shown = replay.evaluate("window.shown")
    assert [position for _, position in shown] == list(range(1, FRAMES)), "each frame once, in order"
    elapsed_ms = shown[-1][0] - shown[0][0]
    recorded_ms = (FRAMES - 2) * 400 / 0.5
    # Lateness does not add up: the whole is off by what one frame may be.
    assert recorded_ms - 400 < elapsed_ms < recorded_ms + 700


def test_no_frame_is_passed_over_where_the_clock_was_set_back(new_page: NewPage, studio: Studio) -> None:
    write_session(studio.sessions, "set_back", 7, seconds=0.4, set_back={2: 3600.0, 4: 0.9, 5: 0.4})
    page = new_page("#/replay/set_back")
    wait_position(page, 0)
    expect(page.locator(".where")).to_contain_text("of 0:01")
    watch_positions(page)
    page.get_by_role("button", name="Play").click()
    wait_position(page, 6)
    shown = page.evaluate("window.shown")
    assert [position for _, position in shown] == [1, 2, 3, 4, 5, 6]
    page.keyboard.press("ArrowLeft")
    wait_position(page, 5)
    expect(page.locator(".details")).to_contain_text("0 ms")


def test_loop_begins_again(replay: Page) -> None:
    watch_positions(replay)
    replay.get_by_label("Speed").select_option("8")
    replay.get_by_role("button", name="Loop").click()
    replay.get_by_role("button", name="Play").click()
    # Each frame is due for 50 ms only, so looking now and then would miss it, and a busy browser leaves some out.
    wait_until(replay, "window.shown.some(([, position], n) => n && position < window.shown[n - 1][1])")
    expect(replay.get_by_role("button", name="Pause")).to_be_visible()
    replay.get_by_role("button", name="Pause").click()


def test_flicker_warns_first_and_then_alternates_with_a_blank(replay: Page) -> None:
    replay.keyboard.press("f")
    dialog = replay.get_by_role("dialog", name="This flickers")
    expect(dialog).to_contain_text("3.1 times a second")
    dialog.get_by_role("button", name="Cancel").click()
    expect(replay.locator(".replay-screen")).to_have_attribute("data-mode", "frame")
    replay.evaluate(
        """() => {
          const screen = document.querySelector(".replay-screen");
          window.phases = [];
          new MutationObserver(() => window.phases.push(screen.dataset.phase))
            .observe(screen, { attributes: true, attributeFilter: ["data-phase"] });
        }"""
    )
    replay.get_by_role("button", name="Flicker").click()
    dialog.get_by_role("button", name="Flicker").click()
    wait_until(replay, "window.phases.length >= 9")
    phases = replay.evaluate("window.phases.slice(0, 9).join(' ')")
    assert re.search("original blank changed blank original", phases), phases
    replay.keyboard.press("1")
    expect(replay.locator(".replay-screen")).to_have_attribute("data-mode", "frame")


def test_onion_skin_lets_the_original_through(replay: Page) -> None:
    as_recorded = picture(replay)
    replay.keyboard.press("s")
    expect(replay.locator(".replay-screen")).to_have_attribute("data-mode", "onion")
    eventually(lambda: picture(replay) != as_recorded, 10)
    replay.get_by_label("Share of the changed picture").fill("100")
    eventually(lambda: picture(replay) == as_recorded, 10)


def test_the_changed_region_is_outlined_on_a_key(replay: Page) -> None:
    expect(replay.locator(".outline")).to_be_hidden()
    replay.keyboard.press("o")
    expect(replay.locator(".outline")).to_be_visible()
    outline = replay.locator(".outline").bounding_box()
    canvas = replay.locator(".replay-canvas").bounding_box()
    assert outline is not None
    assert canvas is not None
    assert outline["x"] == pytest.approx(canvas["x"] + canvas["width"] * 2 / 3, abs=2)
    assert outline["y"] == pytest.approx(canvas["y"] + canvas["height"] * 2 / 3, abs=2)


def test_a_lost_frame_is_told_and_the_rest_goes_on(new_page: NewPage, studio: Studio) -> None:
    folder = write_session(studio.sessions, "torn", 3)
    next(folder.glob("0001_*.png")).unlink()
    page = new_page("#/replay/torn?frame=1")
    expect(page.locator(".replay-screen [role=alert]")).to_contain_text("0001_")
    page.keyboard.press("ArrowRight")
    wait_position(page, 2)
    expect(page.locator(".replay-screen [role=alert]")).to_be_hidden()


def test_of_five_thousand_frames_only_those_in_view_are_loaded(new_page: NewPage, sessions: None) -> None:
    page = new_page("#/sessions")
    asked: Counter[str] = Counter()
    page.on("request", lambda request: asked.update([re.sub(r"\d+", "N", request.url.rsplit("/session/")[-1])]))
    page.goto(page.url.replace("sessions", "replay/long"))
    wait_position(page, 0)
    in_view = page.locator(".thumb")
    expect(in_view.first.locator("img")).to_be_visible()
    settled = "[...document.querySelectorAll('.thumb')].every(thumb => thumb.querySelector('img'))"
    wait_until(page, settled)
    at_first = asked["long/frames/N/thumbnail"]
    # The strip may have been a little wider before the rest of the page was there.
    assert 0 < at_first < 20
    assert in_view.count() < 20
    page.locator(".timeline").evaluate("strip => strip.scrollTo(strip.scrollWidth / 2, 0)")
    expect(page.locator(".thumb[data-position='2500']")).to_have_count(1)
    wait_until(page, settled)
    assert in_view.count() < 20
    assert asked["long/frames/N/thumbnail"] - at_first <= 20, "what rushed past was not asked for"
    page.keyboard.press("End")
    wait_position(page, 4999)
    expect(page.locator(".place-in").first).to_have_text("5000 / 5000")
    assert asked["long/entries?from=N&count=N"] <= 6, "entries come a page at a time"
    assert asked["long"] == 0, "the whole metadata is not asked for"


def test_scrolling_a_long_session_is_smooth(new_page: NewPage, sessions: None) -> None:
    page = new_page("#/replay/long")
    wait_position(page, 0)
    work_ms = page.evaluate(
        """async () => {
          const strip = document.querySelector(".timeline");
          const spent = [];
          for (let at = 0; at < 60; at += 1) {
            const before = performance.now();
            strip.scrollLeft += 400;
            strip.dispatchEvent(new Event("scroll"));
            spent.push(performance.now() - before);
            await new Promise(requestAnimationFrame);
          }
          return spent.sort((a, b) => a - b)[30];
        }"""
    )
    assert work_ms < 16, "a step of the scroll takes less than a frame of the screen"


def test_compare_in_step_with_slider_and_difference(new_page: NewPage, sessions: None) -> None:
    page = new_page("#/compare?a=walk&b=walk_b")
    view = page.locator("main.compare")
    expect(view).to_have_attribute("data-position", "0")
    expect(page.locator(".place-in").last).to_have_text(f"1 / {FRAMES - 1}")
    canvases = page.locator(".panels canvas")
    a, b = sector_sums(canvases.nth(0)), sector_sums(canvases.nth(1))
    assert changed(a, b) == ["BR"]
    difference = sector_sums(page.get_by_role("img", name="Difference map"))
    assert difference["BR"] != difference["TL"]
    assert len({sum_ for sector, sum_ in difference.items() if sector != "BR"}) == 1, "black is equal"
    expect(page.locator("figcaption", has_text="Difference:")).to_contain_text("11.1 % of the pixels")
    page.get_by_label("How much of A is seen").fill("25")
    assert "75" in page.locator(".over").evaluate("canvas => canvas.style.clipPath")
    page.locator("h1").last.click()
    page.keyboard.press("ArrowRight")
    expect(view).to_have_attribute("data-position", "1")
    page.get_by_role("combobox", name="Session B").select_option("walk")
    expect(page.locator("figcaption", has_text="No pixel differs")).to_be_visible()


def test_what_cannot_be_read_is_told_with_its_place(new_page: NewPage, studio: Studio) -> None:
    write_session(studio.sessions, "cut_off", 4)
    metadata = studio.sessions / "cut_off" / "metadata.json"
    good = metadata.read_text()
    metadata.write_text(good[: good.index('{"index":3')])
    page = new_page("#/replay/cut_off")
    wait_position(page, 0)
    told = page.locator(".damage")
    expect(told).to_contain_text("The rest of this session cannot be read")
    expect(told).to_contain_text("line")
    expect(page.get_by_role("slider", name="Frame")).to_have_attribute("max", "2")
    metadata.write_text(good.replace('"frame_id":"cut_off-1"', '?"frame_id":"cut_off-1"'))
    page.get_by_role("link", name="Sessions").click()
    page.get_by_role("link", name="Replay cut_off").click()
    expect(told).to_be_hidden()
    wait_position(page, 0)
    page.keyboard.press("ArrowRight")
    wait_position(page, 1)
    expect(page.locator(".facts")).to_contain_text("Damaged")
    expect(page.locator(".facts")).to_contain_text("line 7")


def test_no_session_from_elsewhere_breaks_a_page(new_page: NewPage, studio: Studio) -> None:
    names = []
    for number, (what, written) in enumerate([*absurd.ENTRIES.items(), *absurd.TOPS.items()]):
        names.append((f"absurd_{number}", what))
        metadata = write_session(studio.sessions, f"absurd_{number}", 3) / "metadata.json"
        (metadata.parent / "0001_BR.png").hardlink_to(metadata.parent / "0001_TL.png")
        write = absurd.write_entry if isinstance(written, str) else absurd.write_top
        write(metadata, written, ours=bool(number % 2))  # type: ignore[arg-type]
    page = new_page("#/sessions")
    for name, _ in names:
        expect(page.get_by_role("link", name=f"Replay {name}", exact=True)).to_be_attached()
    told = []
    for name, what in names:
        page.evaluate(f"location.hash = '#/replay/{name}'")
        expect(page.get_by_role("link", name="Compare").last).to_have_attribute("href", f"#/compare?a={name}")
        for key in ("Home", "ArrowRight"):
            page.keyboard.press(key)
            wait_until(page, SETTLED)
            message = page.locator(".screen-message")
            if message.is_visible():
                told.append((what, message.inner_text()))
        page.evaluate(f"location.hash = '#/compare?a={name}&b=walk'")
        expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    odd = [
        (what, text)
        for what, text in told
        if re.search("[Ii]nvalid|undefined|not a function|not iterable|Cannot", text)
    ]
    assert odd == [], "a sentence of the server's, never one of a script that stumbled"
