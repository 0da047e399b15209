"""Look, wait, blink, and see the picture change where nobody looked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from shared.png_chunks import PNG_SIGNATURE, text_chunks
from shared.session.format.metadata import PNG_KEYWORD
from tests.browser.conftest import NewPage
from tests.browser.eyes import (
    blink,
    change,
    changed,
    elsewhere,
    hide_controls,
    look,
    on_view,
    refuse_changes,
    wait_change,
    wait_picture,
    wait_state,
    wait_swaps,
    wait_until,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

OPEN = "input[type=file][accept*=png]"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_a_change_waits_for_the_blink_and_comes_where_nobody_looks(page: Page) -> None:
    hide_controls(page)
    before = on_view(page)
    look(page, "TL")
    wait_change(page, "TL")
    assert on_view(page) == before, "the finished picture must wait"
    blink(page, 1)
    elsewhere(before, on_view(page), "TL")


def test_one_change_at_a_time_is_asked_for_across_the_centre(page_of_one: Page) -> None:
    page = page_of_one
    hide_controls(page)
    before = on_view(page)
    look(page, "TL")
    wait_state(page, "waiting")
    assert on_view(page) == before, "the finished picture must wait"
    page.keyboard.press("Space")
    wait_swaps(page, 1)
    assert changed(before, on_view(page)) == ["BR"]


def test_the_chain_goes_on_from_the_new_picture(page: Page) -> None:
    def click() -> None:
        page.mouse.down()
        page.mouse.up()

    hide_controls(page)
    first = on_view(page)
    look(page, "TL")
    wait_change(page, "TL")
    blink(page, 1)
    second = on_view(page)
    look(page, "BC")
    wait_change(page, "BC")
    blink(page, 2, click)
    third = on_view(page)
    assert set(changed(first, third)) == {elsewhere(first, second, "TL"), elsewhere(second, third, "BC")}


def test_the_view_is_dark_while_the_picture_is_exchanged(page: Page) -> None:
    hide_controls(page)
    look(page, "TR")
    wait_change(page, "TR")
    page.evaluate(
        """() => {
          const seen = (window.seen = []);
          const stage = document.querySelector("main.stage");
          const dark = stage.querySelector(".blackout");
          new MutationObserver(() => seen.push({ dark: !dark.hidden, swaps: stage.dataset.swaps }))
            .observe(stage, { subtree: true, attributes: true, attributeFilter: ["hidden", "data-swaps"] });
        }"""
    )
    blink(page, 1)
    expect(page.locator(".blackout")).to_be_hidden()
    swapped = page.evaluate("window.seen.filter(each => each.swaps === '1').map(each => each.dark)")
    assert swapped[0] is True, "the exchange happened in view"


def test_blackouts_come_by_themselves(page: Page) -> None:
    page.get_by_label("Change the picture").select_option("blackout")
    hide_controls(page)
    before = on_view(page)
    look(page, "ML")
    wait_swaps(page, 1)
    assert "ML" not in changed(before, on_view(page))


def test_at_once_needs_no_blink(page: Page) -> None:
    page.get_by_label("Change the picture").select_option("once")
    hide_controls(page)
    before = on_view(page)
    look(page, "BR")
    wait_swaps(page, 1)
    assert "BR" not in changed(before, on_view(page))


def test_two_by_two_sectors(page: Page) -> None:
    page.get_by_label("Sectors").select_option("2")
    hide_controls(page)
    before = on_view(page)
    change(page, "TL")
    quarters = [{"TC", "TR", "MC", "MR"}, {"ML", "MC", "BL", "BC"}, {"MC", "MR", "BC", "BR"}]
    assert set(changed(before, on_view(page))) in quarters, "any but the upper left one"


def test_the_debug_layer_shows_what_goes_on(page: Page) -> None:
    expect(page.locator(".debug")).to_be_hidden()
    page.keyboard.press("d")
    hide_controls(page)
    look(page, "TL")
    expect(page.locator(".debug-grid .focus .name")).to_have_text("TL")
    wait_change(page, "TL")
    expect(page.locator(".debug-grid .cell[data-ahead=ready]")).not_to_have_count(0)
    expect(page.locator("[data-fact='made ahead']")).to_contain_text("ready")
    blink(page, 1)
    for fact in ("generation", "round trip", "swap to drawing", "seed", "prompt"):
        expect(page.locator(f"[data-fact='{fact}']")).not_to_have_text("–")
    expect(page.locator("[data-fact=queue]")).to_have_text("0")
    page.keyboard.press("d")
    expect(page.locator(".debug")).to_be_hidden()


def test_the_debug_layer_says_what_was_not_done(page: Page) -> None:
    fields = {"prompt": "a dog", "seed": 2**62, "notes": {"object": "dog", "fallback": "left out: 'with a hüt'"}}

    def tell(route: Route) -> None:
        picture = route.fetch().body()
        at = len(PNG_SIGNATURE) + 25  # behind the header
        route.fulfill(body=picture[:at] + text_chunks({PNG_KEYWORD: json.dumps(fields)}) + picture[at:])

    page.route("**/trial/picture/*", tell)
    page.keyboard.press("d")
    hide_controls(page)
    change(page, "TL")
    expect(page.locator("[data-fact=object]")).to_have_text("dog")
    expect(page.locator("[data-fact='not done']")).to_have_text("left out: 'with a hüt'")
    expect(page.locator("[data-fact=seed]")).to_have_text(str(2**62))


def test_steps_of_a_change_are_told_as_they_are_made(new_page: NewPage) -> None:
    page = new_page(ahead=0)
    held: list[tuple[WebSocketRoute, str | bytes]] = []
    heard: set[str] = set()
    released: list[bool] = []

    def connect(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            heard.add(route.url.rpartition("/")[2].partition("?")[0])
            message = json.loads(text) if isinstance(text, str) else {}
            is_made = message.get("type") == "trial" and message.get("step") == "frame"
            if is_made and not released:
                held.append((route, text))
            else:
                route.send(text)

        server.on_message(pass_on)

    page.route_web_socket(re.compile("/(ws|display)"), connect)
    page.reload()
    wait_picture(page)
    hide_controls(page)
    page.keyboard.press("d")
    step = page.locator("[data-fact=step]")
    eventually(lambda: page.evaluate("1") and {"ws", "display"} <= heard, 20, "the page hears of what is made")
    look(page, "TL")
    expect(step).to_have_text("1 of 1")
    eventually(lambda: page.evaluate("1") and held, 20, "the change is made")
    released.append(True)  # it comes by both sockets, perhaps one after the other
    for route, text in held:
        route.send(text)
    wait_change(page, "TL")
    expect(step).to_have_text("–")


def test_the_controls_go_away_by_themselves_and_come_back(page: Page) -> None:
    look(page, "ML")
    expect(page.locator(".dock")).to_be_hidden()
    expect(page.locator(".top")).to_be_hidden()
    page.get_by_role("button", name="Show the controls").click()
    expect(page.locator(".dock")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator(".dock")).to_be_hidden()


def test_a_picture_of_the_viewers_own(page: Page) -> None:
    before = on_view(page)
    page.set_input_files(OPEN, EXAMPLES / "sunset.jpg")
    wait_until(page, "document.querySelectorAll('.sample[aria-pressed=true]').length === 0")
    assert on_view(page) != before
    hide_controls(page)
    shown = on_view(page)
    change(page, "BL")
    elsewhere(shown, on_view(page), "BL")


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [("notes.txt", "text/plain", b"not a picture"), ("torn.png", "image/png", b"\x89PNG\r\n\x1a\n and no more")],
)
def test_a_wrong_file_is_refused_with_a_sentence_and_changes_nothing(
    page: Page, name: str, kind: str, content: bytes
) -> None:
    before = on_view(page)
    transfer = page.evaluate_handle(
        """([name, kind, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
          return transfer;
        }""",
        [name, kind, list(content)],
    )
    page.dispatch_event("main.stage", "drop", {"dataTransfer": transfer})
    expect(page.locator(".notice.error")).to_contain_text(f"“{name}”")
    expect(page.locator(".notice.error")).to_contain_text("PNG, JPEG or WebP")
    assert on_view(page) == before


def test_the_servers_refusal_is_shown_as_its_own_sentence(page: Page) -> None:
    refuse_changes(page, "The disk is full of bees.")
    look(page, "TL")
    expect(page.locator(".notice.error")).to_contain_text("The disk is full of bees.")
    wait_state(page, "refused")


def test_gaze_over_the_websocket(new_page: NewPage) -> None:
    page = new_page(query="?gaze=ws")
    wait_picture(page)
    hide_controls(page)
    before = on_view(page)
    look(page, "BR")  # the mouse is no gaze here
    tracker = new_page("#/sessions")
    tracker.evaluate(
        """() => {
          const socket = new WebSocket(`ws://${location.host}/gaze`);
          socket.onopen = () => setInterval(() => socket.send(JSON.stringify({ x: 0.08, y: 0.2 })), 25);
        }"""
    )
    wait_change(page, "TL")
    blink(page, 1)
    elsewhere(before, on_view(page), "TL")


def test_by_touch_a_resting_finger_is_the_gaze_and_a_tap_the_blink(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 800, "height": 600}, has_touch=True)
    wait_picture(page)
    page.keyboard.press("m")
    before = on_view(page)
    page.touchscreen.tap(100, 120)  # a finger that is lifted has not looked away
    wait_change(page, "TL")
    blink(page, 1, lambda: page.touchscreen.tap(100, 120))
    elsewhere(before, on_view(page), "TL")


def test_by_keyboard_alone(page: Page) -> None:
    before = on_view(page)
    page.keyboard.press("ArrowLeft")  # from the centre, where a gaze begins
    page.keyboard.press("ArrowUp")
    expect(page.locator(".gaze-marker")).to_be_visible()
    wait_change(page, "TL")
    expect(page.locator("[role=status]").filter(has_text="Press space")).to_have_count(1)
    blink(page, 1)
    elsewhere(before, on_view(page), "TL")


def test_less_motion_gets_a_slow_fade_and_no_blackout(new_page: NewPage) -> None:
    page = new_page(reduced_motion="reduce")
    wait_picture(page)
    page.evaluate(
        """() => {
          window.dark = 0;
          const dark = document.querySelector(".blackout");
          new MutationObserver(() => (window.dark += 1)).observe(dark, { attributes: true });
        }"""
    )
    hide_controls(page)
    change(page, "TL")
    assert page.evaluate("window.dark") == 0
