"""Changes that are made ahead: the page has their sectors decoded before the eye moves, and lays one over the picture
in one frame. What it shows then equals the committed picture in every pixel."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.eyes import (
    blink,
    change,
    different,
    elsewhere,
    hide_controls,
    look,
    on_view,
    press_until,
    wait_change,
    wait_until,
)
from tests.browser.scripted import COLOURS, HEIGHT, OTHER, PAGE, TRIAL, WIDTH, Pixels, Script, changed_in, noise
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

SHOWN = """
() => {
  const shown = document.querySelector(".picture");
  const copy = new OffscreenCanvas(shown.width, shown.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(shown, 0, 0);
  const bytes = copy.getImageData(0, 0, shown.width, shown.height).data;
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}
"""

WATCH_WORK = """
() => {
  window.work = [];
  for (const name of ["fetch", "createImageBitmap"]) {
    const real = window[name];
    window[name] = (...given) => {
      window.work.push({ name, at: performance.now() });
      return real.apply(window, given);
    };
  }
}
"""

LOOK_AT_THE_TARGET = """
() => {
  const [stage, picture] = ["main.stage", ".picture"].map(name => document.querySelector(name));
  new MutationObserver(() => {
    const at = ["TL", "TC", "TR", "ML", "MC", "MR", "BL", "BC", "BR"].indexOf(stage.dataset.target);
    if (at < 0) return;
    const box = picture.getBoundingClientRect();
    const clientX = box.left + ((at % 3) + 0.5) * box.width / 3;
    const clientY = box.top + (Math.floor(at / 3) + 0.5) * box.height / 3;
    const where = { clientX, clientY, pointerType: "mouse", bubbles: true };
    document.querySelector(".surface").dispatchEvent(new PointerEvent("pointermove", where));
  }).observe(stage, { attributes: true, attributeFilter: ["data-target"] });
}
"""
"""Look at what is to change as soon as the page knows."""

COUNT_BITMAPS = """
() => {
  window.held = 0;
  const [make, close] = [window.createImageBitmap, ImageBitmap.prototype.close];
  window.createImageBitmap = async (...given) => {
    const made = await make.apply(window, given);
    window.held += 1;
    return made;
  };
  ImageBitmap.prototype.close = function () { window.held -= 1; return close.call(this); };
}
"""


def shown(page: Page) -> Pixels:
    """What is on view, pixel by pixel."""
    data = base64.b64decode(page.evaluate(SHOWN))
    return np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 4)[..., :3]


def ahead_of(page: Page, sector: str) -> str:
    return page.locator(f".debug-grid .cell:has(.name:text-is('{sector}'))").get_attribute("data-ahead") or ""


def get_ready(page: Page, script: Script, prepared_id: str, sector: str, pixels: Pixels, on: str) -> str:
    """Have a change made ahead until it can be drawn; the id of its ``prepare``."""
    script.has_sector(prepared_id, sector, pixels, on)
    prepare = script.prepare(prepared_id, sector, on)
    script.wait_ready(page, script.made(prepare, on))
    return prepare


@pytest.mark.parametrize("colours", COLOURS)
def test_a_sector_laid_over_the_picture_equals_the_committed_picture(page: Page, colours: str) -> None:
    script = Script(COLOURS[colours])
    pixels = noise(1)
    on = script.begin(page, pixels)
    eventually(lambda: page.evaluate("1") and any(each.get("takes_sectors") for each in script.said), 20, "it says so")
    is_converted = bool((shown(page) != pixels).any())
    assert is_converted == (colours != "none"), "this browser heeds what says how samples look"
    for number, sector in enumerate(("BR", "TL", "MC", "BR", "TC")):
        after = changed_in(pixels, sector, 10 + number)
        prepare = get_ready(page, script, f"p{number}", sector, after, on)
        becomes = script.picture(after)
        script.commit(prepare, f"p{number}", sector, on, becomes)
        swap = script.swap(f"p{number}", sector, on, becomes)
        report = script.wait_report(page, swap)
        assert report["type"] == "displayed", report
        assert not script.fetched(becomes), "the whole picture is not waited for"
        script.displayed(swap, becomes, sector)
        assert different(page, script.pictures[becomes]) == 0
        assert different(page, script.pictures[on]) > 1000
        pixels, on = after, becomes
    eventually(lambda: page.evaluate("1") and script.fetched(on), 20, "what rests is fetched, to go on from")
    assert different(page, script.pictures[on]) == 0


def test_nothing_is_fetched_or_decoded_from_the_swap_to_the_frame(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    page.keyboard.press("d")
    page.evaluate(WATCH_WORK)
    after = changed_in(pixels, "BR", 2)
    prepare = get_ready(page, script, "p0", "BR", after, on)
    get_ready(page, script, "p1", "TL", changed_in(pixels, "TL", 3), on)
    becomes = script.picture(after)
    script.commit(prepare, "p0", "BR", on, becomes)
    page.evaluate("window.work.length = 0")
    report = script.wait_report(page, script.swap("p0", "BR", on, becomes))
    assert [each for each in page.evaluate("window.work") if each["at"] <= report["drawn_ms"]] == []
    expect(page.locator("[data-fact='swap to drawing']")).to_contain_text("ms")


def test_only_the_display_that_counts_says_that_it_is_ready(page: Page) -> None:
    script, pixels = Script(display=OTHER), noise(1)
    on = script.begin(page, pixels)
    page.keyboard.press("d")
    after = changed_in(pixels, "BR", 2)
    script.has_sector("p0", "BR", after, on)
    prepare = script.prepare("p0", "BR", on)
    made = script.made(prepare, on)
    eventually(lambda: ahead_of(page, "BR") == "here", 20, "it is decoded here too")
    assert script.ready() == []
    becomes = script.picture(after)
    script.step("ready", frame=made, display=OTHER)
    script.commit(prepare, "p0", "BR", on, becomes)
    swap = script.swap("p0", "BR", on, becomes)
    script.displayed(swap, becomes, "BR")
    wait_until(page, "document.querySelector('main.stage').dataset.swaps === '1'")
    assert different(page, script.pictures[becomes]) == 0
    assert [each for each in script.said if each["type"] in ("displayed", "missed")] == []
    script.has_sector("p1", "TL", changed_in(after, "TL", 3), becomes)
    later = script.prepare("p1", "TL", becomes)
    made = script.made(later, becomes)
    eventually(lambda: ahead_of(page, "TL") == "here", 20, "it is decoded")
    script.step("gone", display=OTHER, reason="it went away")
    script.display = PAGE
    script.step("view", display=PAGE)
    script.wait_ready(page, made)
    script.step("view", display=PAGE)
    eventually(lambda: ahead_of(page, "TL") == "ready", 20, "it is told")
    assert script.ready() == [made], "once"


def test_one_that_another_display_shows_from_another_picture_is_shown_whole(page: Page) -> None:
    script, pixels = Script(display=OTHER), noise(1)
    on = script.begin(page, pixels)
    between = script.picture(changed_in(pixels, "TR", 5))
    after = changed_in(changed_in(pixels, "TR", 5), "BR", 2)
    becomes = script.picture(after)
    prepare = script.prepare("p0", "BR", between)
    script.commit(prepare, "p0", "BR", between, becomes)
    script.displayed(script.swap("p0", "BR", between, becomes), becomes, "BR")
    eventually(lambda: different(page, script.pictures[becomes]) == 0, 20, "it is shown")
    assert script.fetched(becomes)
    assert on != between


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({"status": 404, "json": {"error": "not_found", "detail": "It is gone."}}, "gone"),
        ({"status": 409, "json": {"error": "stale", "detail": "It is stale."}}, "stale"),
        ({"status": 202, "json": {"id": "p0", "state": "composing"}}, "not ready any more"),
        (None, "for another picture by now"),
    ],
)
def test_what_cannot_be_had_waits_for_the_next_word_of_it(page: Page, answer: dict[str, Any] | None, what: str) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    after = changed_in(pixels, "BR", 2)
    script.has_sector("p0", "BR", after, "0" * 64)
    if answer is not None:
        script.prepared["p0"] = answer
    prepare = script.prepare("p0", "BR", on)
    first = script.made(prepare, on)
    eventually(lambda: page.evaluate("1") and any("/prepared/p0" in path for path in script.asked), 20, what)
    becomes = script.picture(after)
    script.commit(prepare, "p0", "BR", on, "f" * 64)
    report = script.wait_report(page, script.swap("p0", "BR", on, "f" * 64))
    assert (report["type"], report["reason"]) == ("missed", "the display does not have the changed sector")
    script.step("abandoned", reason="another one is shown")
    later = script.prepare("p1", "BR", on)
    script.has_sector("p1", "BR", after, on)
    script.wait_ready(page, script.made(later, on))
    assert first not in script.ready()
    script.commit(later, "p1", "BR", on, becomes)
    assert script.wait_report(page, script.swap("p1", "BR", on, becomes))["type"] == "displayed"


def test_a_swap_onto_another_picture_than_the_one_on_view_is_missed(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    after = changed_in(pixels, "BR", 2)
    prepare = get_ready(page, script, "p0", "BR", after, on)
    becomes = script.picture(after)
    script.commit(prepare, "p0", "BR", on, becomes)
    report = script.wait_report(page, script.swap("p0", "BR", "e" * 64, becomes))
    assert report["reason"] == "the display shows another picture than the change was made for"
    late = script.wait_report(page, script.swap("p0", "BR", on, becomes, deadline_ms=1.0))
    assert late["reason"] == "the deadline could not be held"
    assert different(page, script.pictures[on]) == 0
    assert script.wait_report(page, script.swap("p0", "BR", on, becomes))["type"] == "displayed", "it waited"
    assert different(page, script.pictures[becomes]) == 0


def test_a_page_that_has_fallen_behind_catches_up(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    between = changed_in(pixels, "TR", 5)
    expected = script.picture(between)
    missing = script.pictures.pop(expected)
    script.displayed("0/9", expected, "TR")
    expect(page.locator(".notice.error")).to_be_visible()
    becomes = script.picture(changed_in(between, "BR", 2))
    script.commit(script.prepare("p0", "BR", expected), "p0", "BR", expected, becomes)
    swap = script.swap("p0", "BR", expected, becomes)
    assert script.wait_report(page, swap)["type"] == "missed"
    assert different(page, script.pictures[on]) == 0
    script.pictures[expected] = missing
    script.step("missed", caused_by=swap, reason="it shows another picture")
    eventually(lambda: different(page, missing) == 0, 20, "it shows what is expected")


def test_a_sham_draws_the_same_and_a_catch_nothing(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    page.evaluate(
        """() => {
          window.drawn = [];
          const real = CanvasRenderingContext2D.prototype.drawImage;
          CanvasRenderingContext2D.prototype.drawImage = function (what, ...more) {
            if (this.canvas.matches?.(".picture")) window.drawn.push(what === this.canvas ? "itself" : "another");
            return real.call(this, what, ...more);
          };
        }"""
    )
    prepare = get_ready(page, script, "p0", "BR", changed_in(pixels, "BR", 2), on)
    for kind, drawn in (("sham", ["itself"]), ("catch", [])):
        page.evaluate("window.drawn.length = 0")
        swap = script.swap("p0", "BR", on, on, kind=kind)
        assert script.wait_report(page, swap)["type"] == "displayed"
        script.displayed(swap, on, "BR", kind)
        assert page.evaluate("window.drawn") == drawn
        assert different(page, script.pictures[on]) == 0
    becomes = script.picture(changed_in(pixels, "BR", 2))
    script.commit(prepare, "p0", "BR", on, becomes)
    assert script.wait_report(page, script.swap("p0", "BR", on, becomes))["type"] == "displayed", "it is kept"


def test_in_a_blackout_the_sector_comes_with_the_light(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels, config={"grid_size": 3, "trigger": {"name": "blackout"}, "fields": {"by": "lab"}})
    after = changed_in(pixels, "BR", 2)
    prepare = get_ready(page, script, "p0", "BR", after, on)
    page.evaluate(
        """() => {
          window.seen = [];
          const stage = document.querySelector("main.stage");
          const dark = stage.querySelector(".blackout");
          new MutationObserver(() => window.seen.push([!dark.hidden, stage.dataset.swaps]))
            .observe(stage, { subtree: true, attributes: true, attributeFilter: ["hidden", "data-swaps"] });
        }"""
    )
    becomes = script.picture(after)
    script.step("dark", dark_ms=250.0)
    script.commit(prepare, "p0", "BR", on, becomes)
    assert script.wait_report(page, script.swap("p0", "BR", on, becomes, dark_ms=250.0))["type"] == "displayed"
    expect(page.locator(".blackout")).to_be_hidden()
    seen = page.evaluate("window.seen")
    assert next(dark for dark, swaps in seen if swaps == "1"), "it was dark then"
    assert sum(not dark for dark, _ in seen) == 1, "and was so once"
    assert different(page, script.pictures[becomes]) == 0


def test_a_page_that_comes_while_one_is_committed_shows_it_whole(page: Page) -> None:
    script, pixels = Script(), noise(1)
    after = changed_in(pixels, "BR", 2)
    becomes = script.picture(after)
    prepared = {
        "prepare": "1/0",
        "prepared_id": "p0",
        "target": "BR",
        "made": "2",
        "picture_sha256": None,
        "ready": False,
    }
    pending = {"phase": "swapping", "target": "BR", "focus": "TL", "pending_sha256": becomes, "pending_frame": "9"}
    on = script.begin(page, pixels, prepared=[prepared], **pending)
    eventually(lambda: page.evaluate("1") and "9" in script.ready(), 20, "it has the whole picture")
    assert script.wait_report(page, script.swap("p0", "BR", on, becomes))["type"] == "displayed"
    assert different(page, script.pictures[becomes]) == 0


def test_sectors_that_can_no_longer_be_drawn_are_let_go_of(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    page.evaluate(COUNT_BITMAPS)
    ids = ("BR", "TL", "TR", "BL")
    asked: dict[str, str] = {}
    for sector in ids:
        script.has_sector(f"p-{sector}", sector, changed_in(pixels, sector, 3), on)
        asked[sector] = script.prepare(f"p-{sector}", sector, on)
    for number in range(12):
        made = [script.made(asked[sector], on) for sector in ids]
        for each in made:
            script.wait_ready(page, each)
        assert page.evaluate("window.held") <= len(ids)
        target = ids[number % 4]
        after = changed_in(pixels, target, 100 + number)
        script.has_sector(f"p{number}", target, after, on)
        script.step("drop", prepare=asked[target], reason="in its place")
        prepare = script.prepare(f"p{number}", target, on)
        script.wait_ready(page, script.made(prepare, on))
        becomes = script.picture(after)
        script.commit(prepare, f"p{number}", target, on, becomes)
        swap = script.swap(f"p{number}", target, on, becomes)
        assert script.wait_report(page, swap)["type"] == "displayed"
        script.displayed(swap, becomes, target)
        pixels, on = after, becomes
        asked[target] = script.prepare(f"p-{target}", target, on)
        for sector in ids:
            script.has_sector(f"p-{sector}", sector, changed_in(pixels, sector, number), on)
    assert different(page, script.pictures[on]) == 0
    script.step("end", outcome="complete")
    script.step("view", display=PAGE)
    for sector in ids:
        script.made(asked[sector], on)
    assert page.evaluate("window.held") <= len(ids)


def test_the_debug_layer_shows_what_is_ready(page: Page) -> None:
    script, pixels = Script(), noise(1)
    on = script.begin(page, pixels)
    page.keyboard.press("d")
    held: list[Route] = []
    page.route("**/prepared/slow", lambda route: held.append(route))
    prepare = get_ready(page, script, "p0", "BR", changed_in(pixels, "BR", 2), on)
    script.prepare("p1", "TL", on)
    slow = script.prepare("slow", "TR", on)
    script.made(slow, on)
    stale = script.prepare("p3", "BL", on)
    script.made(stale, on, state="stale", picture_sha256=None)
    cells = {"BR": "ready", "TL": "being made", "TR": "ready at the server", "BL": "stale", "MC": ""}
    for sector, words in cells.items():
        expect(page.locator(f".debug-grid .cell:has(.name:text-is('{sector}')) .ahead")).to_have_text(words)
    expect(page.locator("[data-fact='made ahead']")).to_have_text("1 of 4 ready")
    expect(page.locator("main.stage")).to_have_attribute("data-ready", "BR")
    expect(page.locator("main.stage")).to_have_attribute("data-state", "waiting")
    script.step("commit", prepare=prepare, prepared_id="p0", on=on, target_sector="BR", focus_sector="TL")
    expect(page.locator("[data-fact=state]")).to_have_text("committing")
    expect(page.locator(".debug-grid .target .ahead")).to_have_text("committing")
    expect(page.locator(".debug-grid .focus .name")).to_have_text("TL")
    eventually(lambda: page.evaluate("1") and held, 20)
    held[0].fulfill(status=404, json={"error": "not_found", "detail": "It is gone."})


@pytest.mark.parametrize("is_to_be_had", [True, False])
def test_the_next_trial_begins_with_what_is_on_view(page: Page, is_to_be_had: bool) -> None:
    script, pixels = Script(), noise(1)
    begun: dict[int, bytes] = {}
    """By the number of sectors on a side, what was begun with last."""

    def begin(route: Route) -> None:
        body: Any = route.request.post_data_json
        begun[body["grid_size"]] = base64.b64decode(body["image_base64"])
        trial = TRIAL if body["grid_size"] == 3 else "the next"
        sha256 = script.picture(pixels)
        route.fulfill(json={**script.state, "trial_id": trial, "state": "running", "picture_sha256": sha256})

    page.route("**/trial/begin", begin)
    page.route(
        "**/samples/*.jpg",
        lambda route: route.fulfill(body=script.pictures[script.picture(pixels)], content_type="image/png"),
    )
    script.begin(page, pixels, trial_id=None, state="none")
    on = script.picture(pixels)
    eventually(lambda: page.evaluate("document.querySelector('main.stage').dataset.trial") == TRIAL, 20)
    after = changed_in(pixels, "BR", 2)
    prepare = get_ready(page, script, "p0", "BR", after, on)
    becomes = script.picture(after)
    script.commit(prepare, "p0", "BR", on, becomes)
    whole = script.pictures[becomes] if is_to_be_had else script.pictures.pop(becomes)
    assert script.wait_report(page, script.swap("p0", "BR", on, becomes))["type"] == "displayed"
    page.get_by_label("Sectors").select_option("2")
    eventually(lambda: page.evaluate("1") and 2 in begun, 20, "another trial begins")
    assert (begun[2] == whole) == is_to_be_had
    assert different(page, begun[2]) == different(page, whole) == 0


def test_wherever_one_looks_the_change_is_elsewhere(page: Page, studio: Studio) -> None:
    hide_controls(page)
    for number, sector in enumerate(("TL", "BR", "MC", "TR", "ML", "BC"), 1):
        before = on_view(page)
        change(page, sector, number)
        elsewhere(before, on_view(page), sector)
        whole = studio.http.get(f"/trial/picture/{shown_by(studio, number)}").content
        assert different(page, whole) == 0


def test_whoever_has_come_to_look_there_in_the_dark_sees_no_change(page: Page, studio: Studio) -> None:
    hide_controls(page)
    look(page, "TL")
    wait_change(page, "TL")
    before = on_view(page)
    page.evaluate(LOOK_AT_THE_TARGET)

    def is_seen_to(told: dict[str, str]) -> bool:
        assert told.get("swaps") is None, "a change was shown where the viewer looks"
        return told["missed"] in ("the pointer is where it would change", "the viewer looks where it would change")

    press_until(page, is_seen_to, "it is seen to")
    assert on_view(page) == before


def test_the_next_change_is_there_at_the_next_blink(page: Page, studio: Studio) -> None:
    hide_controls(page)
    look(page, "TL")
    for number in range(1, 6):
        wait_change(page, "TL")
        before = on_view(page)
        blink(page, number)
        elsewhere(before, on_view(page), "TL")
    counts = studio.http.get("/trial").json()["counts"]
    assert counts["commit"] >= 5
    assert "request" not in counts, "nothing is asked for by resting"


def shown_by(studio: Studio, number: int) -> str:
    """The hash of the picture on view, once so many changes are told as displayed."""

    def sha256() -> str | None:
        state = studio.http.get("/trial").json()
        found: str = state["picture_sha256"]
        return found if state["counts"].get("displayed") == number else None

    return eventually(sha256, 20, "it is told as displayed") or ""
