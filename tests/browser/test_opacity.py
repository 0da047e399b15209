"""A change differs from the picture before it in the target alone, to the last pixel, whatever picture it was."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import (
    change,
    changed,
    different,
    elsewhere,
    hide_controls,
    on_view,
    sector_sums,
    wait_until,
)
from tests.browser.scripted import COLOURS
from tests.support.odd_pictures import HEIGHT, WIDTH, odd_pictures, png, samples
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

NO_WEBGL = """
() => {
  const real = OffscreenCanvas.prototype.getContext;
  OffscreenCanvas.prototype.getContext = function (kind, ...more) {
    return kind === "webgl" ? null : real.call(this, kind, ...more);
  };
}
"""

BEGUN = "Number(document.querySelector('main.stage').dataset.begun ?? 0)"
"""How many pictures were put on the stage so far."""

TYPES = {"JPEG": "image/jpeg", "WebP": "image/webp"}
PICTURES = dict(odd_pictures()) | {"colours of Display P3": png(samples(3), extra=COLOURS["Display P3"])}


def begin(page: Page, name: str) -> dict[str, int]:
    """Put a picture of one's own on the stage, and wait for the trial that begins with it."""
    begun = page.evaluate(BEGUN)
    trial = page.locator("main.stage").get_attribute("data-trial") or ""
    page.set_input_files(
        "input[type=file][accept*=png]",
        {"name": "odd", "mimeType": TYPES.get(name.split()[0], "image/png"), "buffer": PICTURES[name]},
    )
    wait_until(page, f"{BEGUN} > {begun}")
    assert page.evaluate("document.querySelector('.picture').width") == WIDTH
    wait_until(page, f"![{trial!r}, ''].includes(document.querySelector('main.stage').dataset.trial)")
    return dict(eventually(lambda: on_view(page), 20, "it is drawn"))


@pytest.mark.parametrize("part", range(3))
def test_a_sector_that_is_laid_over_it_makes_the_committed_picture(page: Page, studio: Studio, part: int) -> None:
    hide_controls(page)
    seen = {}
    for number, name in enumerate(list(PICTURES)[part::3], 1):
        before = begin(page, name)
        change(page, "TL", number)
        eventually(lambda: studio.http.get("/trial").json()["counts"].get("displayed"), 20, "it is told")
        whole = studio.http.get(f"/trial/picture/{studio.http.get('/trial').json()['picture_sha256']}")
        seen[name] = (len(changed(before, on_view(page))), different(page, whole.content))
    assert {name: what for name, what in seen.items() if what != (1, 0)} == {}


@pytest.mark.parametrize("part", range(3))
def test_the_first_picture_is_what_the_server_takes_it_for(page_of_one: Page, part: int) -> None:
    page = page_of_one
    hide_controls(page)
    seen = {}
    for number, name in enumerate(list(PICTURES)[part::3], 1):
        before = begin(page, name)
        change(page, "TL", number)
        seen[name] = changed(before, on_view(page))
        assert page.evaluate("document.querySelector('.picture').height") == HEIGHT
    assert {name: sectors for name, sectors in seen.items() if sectors != ["BR"]} == {}


def test_nothing_of_the_picture_before_shines_through(page: Page) -> None:
    def after(last: object, name: str) -> object:
        begin(page, name)
        return eventually(lambda: (view := on_view(page)) != last and view, 20, f"{name} is drawn")

    first = begin(page, "colour, 8 bits")
    seen = after(first, "colour and opacity, 8 bits")
    other = after(seen, "grey, 8 bits")
    assert after(other, "colour and opacity, 8 bits") == seen


def test_where_a_browser_cannot_read_it_so_what_it_shows_is_what_is_sent(page: Page) -> None:
    page.evaluate(NO_WEBGL)
    before = begin(page, "WebP without loss")
    expect(page.locator(".notice")).to_contain_text("sent as it is shown here")
    hide_controls(page)
    change(page, "TL")
    elsewhere(before, on_view(page), "TL")


def test_the_replay_shows_the_original_so_as_well(new_page: NewPage, studio: Studio) -> None:
    studio.start_session("odd_original")
    answered = studio.generate(1, image=PICTURES["colour and opacity, 8 bits"], durable=True)
    assert answered.recorded == "disk"
    studio.http.post("/session/stop")
    page = new_page("#/replay/odd_original")
    canvas = page.locator(".replay-canvas")
    expect(page.locator("main.replay")).to_have_attribute("data-position", "0")
    frame = sector_sums(canvas)
    page.keyboard.press("s")
    expect(page.locator(".replay-screen")).to_have_attribute("data-mode", "onion")
    page.get_by_label("Share of the changed picture").fill("0")
    assert changed(frame, sector_sums(canvas)) == ["BR"]
