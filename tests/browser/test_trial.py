"""The page as the display of a trial: it shows what it is told to within the frame, and says when; others may count."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocket, WebSocketRoute, expect

from shared.session.check import check
from shared.session.reading.deciding import decide_again
from shared.session.reading.trials import rows
from tests.browser.conftest import NewPage
from tests.browser.eyes import (
    blink,
    change,
    elsewhere,
    hide_controls,
    look,
    on_view,
    press_until,
    wait_change,
    wait_picture,
    wait_state,
    wait_swaps,
    wait_until,
)
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("nothing_is_recorded_afterwards")]


def sent_by(page: Page, studio: Studio) -> list[dict[str, Any]]:
    """Load the page again; what it says from then on as a display."""
    said: list[dict[str, Any]] = []

    def listen(socket: WebSocket) -> None:
        if socket.url.endswith("/display"):
            socket.on("framesent", lambda text: said.append(json.loads(text)))

    page.on("websocket", listen)
    page.reload()
    wait_picture(page)
    wait_trial(page, studio)
    return said


def trial_of(studio: Studio) -> dict[str, Any]:
    answer: dict[str, Any] = studio.http.get("/trial").json()
    return answer


def wait_trial(page: Page, studio: Studio) -> str:
    """Until the page follows the trial that is under way, and a display counts for it; its id."""

    def follows() -> str | None:
        state = trial_of(studio)
        own = page.locator("main.stage").get_attribute("data-trial")
        return own if state["state"] == "running" and state["display"] and own == state["trial_id"] else None

    return eventually(follows, 20, "the page follows the trial") or ""


def count(studio: Studio, step: str) -> int:
    found: int = trial_of(studio)["counts"].get(step, 0)
    return found


def test_a_simulated_viewer_drives_a_recorded_trial(page: Page, studio: Studio) -> None:
    said = sent_by(page, studio)
    page.get_by_role("combobox", name="Gaze", exact=True).select_option("simulated:1")
    page.get_by_label("Change the picture").select_option("blink")
    page.get_by_role("textbox", name="Name of the session").fill("by_blinks")
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    eventually(lambda: page.evaluate("1") and trial_of(studio)["session_id"] == "by_blinks", 20, "it is recorded")
    hide_controls(page)
    eventually(lambda: page.evaluate("1") and count(studio, "displayed") >= 3, 90, "three changes are displayed")
    trial = trial_of(studio)
    assert trial["config"]["trigger"]["name"] == "blink"
    assert trial["config"]["source"] == "simulated:1"
    assert trial["counts"]["clock"] >= 8

    def reports() -> list[dict[str, Any]]:
        page.evaluate("1")
        return [each for each in said if each["type"] == "displayed" and each["trial_id"] == trial["trial_id"]]

    eventually(lambda: len(reports()) >= 3, 20, "the page has said so")
    for report in reports():
        assert report["frame_ms"] <= report["drawn_ms"] <= report["next_frame_ms"] + 1, report
        assert 10 < report["refresh_ms"] < 34, "headless Chromium draws 60 frames a second"
        assert report["dropped"] >= 0
    assert page.locator(".blackout").is_hidden(), "the eyes are closed: nothing need be dark"
    views = [each for each in said if each["type"] == "view"]
    assert views[-1]["page_px"] == [1000, 700]
    assert 10 < views[-1]["refresh_ms"] < 34
    points = [each for each in said if each["type"] == "points"]
    begun = said.index(reports()[0])
    assert all(said.index(each) < begun for each in points), "the pointer is no gaze now"
    page.keyboard.press("d")
    expect(page.locator("[data-fact=trial]")).to_contain_text("recorded in by_blinks")
    expect(page.locator("[data-fact=source]")).to_contain_text("simulated:1, running")
    expect(page.locator("[data-fact='trigger to next frame']")).to_contain_text("ms")
    page.keyboard.press("r")
    eventually(lambda: page.evaluate("1") and trial_of(studio)["session_id"] is None, 20, "the next is not recorded")
    folder = studio.sessions / "by_blinks"
    eventually(lambda: not [one for one in check(folder) if one.severity != "note"], 30, "its record is whole")
    again = list(decide_again(folder))
    assert again
    assert [one for one in again if not one.is_identical] == []
    shown = [row for row in rows(folder) if row.outcome == "shown"]
    assert len(shown) >= 3
    assert all(row.trigger_to_next_frame_ms is not None for row in shown)
    # A loaded machine draws when it can; what came too late is said to be late.
    assert all(row.flags == ("late" if row.is_late else "") for row in shown)


def test_a_pointer_is_sent_steadily_also_while_it_rests(page: Page, studio: Studio) -> None:
    said = sent_by(page, studio)
    look(page, "TL")

    def valid() -> list[Any]:
        page.evaluate("1")
        return [point for each in said if each["type"] == "points" for point in each["points"] if point[1] is not None]

    eventually(lambda: len(valid()) > 60, 20, "it goes on")
    times = [at for at, _, _ in valid()]
    assert times == sorted(set(times))
    assert len({(x, y) for _, x, y in valid()[-20:]}) == 1
    page.evaluate(
        """document.documentElement.dispatchEvent(
          new PointerEvent("pointerleave", { clientX: 2, clientY: 300, pointerType: "mouse" }))"""
    )
    eventually(lambda: valid()[-1][1] < 0, 20, "a mouse that left is beside the page")


def test_a_swap_that_comes_too_late_is_missed_and_told(page: Page, studio: Studio) -> None:
    late = {"swaps": True}

    def connect(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            message = json.loads(text)
            is_late = message["type"] == "swap" and late["swaps"]
            route.send(json.dumps({**message, "deadline_ms": 1.0}) if is_late else text)

        server.on_message(pass_on)

    page.route_web_socket(re.compile("/display"), connect)
    page.reload()
    wait_picture(page)
    hide_controls(page)
    before = on_view(page)
    look(page, "TL")
    wait_change(page, "TL")
    press_until(page, lambda told: told["missed"] == "the deadline could not be held", "it is missed")
    assert on_view(page) == before
    wait_state(page, "waiting")
    late["swaps"] = False
    page.keyboard.press("Space")
    wait_swaps(page, 1)
    elsewhere(before, on_view(page), "TL")


def test_of_two_pages_one_counts_and_the_other_shows_the_same(new_page: NewPage, studio: Studio) -> None:
    first = new_page()
    wait_picture(first)
    trial = wait_trial(first, studio)
    second = new_page()
    wait_picture(second)
    wait_until(second, f"document.querySelector('main.stage').dataset.trial === '{trial}'")
    before = on_view(first)
    assert on_view(second) == before
    hide_controls(first)
    look(first, "TL")
    wait_change(first, "TL")
    wait_change(second, "TL")
    blink(first, 1)
    wait_swaps(second, 1)
    elsewhere(before, on_view(second), "TL")
    assert on_view(second) == on_view(first)
    counted = trial_of(studio)["display"]
    first.close()
    eventually(lambda: second.evaluate("1") or trial_of(studio)["display"] not in (None, counted), 20, "another counts")
    hide_controls(second)
    between = on_view(second)
    change(second, "ML", 2)
    elsewhere(between, on_view(second), "ML")


def test_a_page_that_is_loaded_again_begins_again(page: Page, studio: Studio) -> None:
    first = wait_trial(page, studio)
    page.reload()
    wait_picture(page)
    assert wait_trial(page, studio) != first
    before = on_view(page)
    hide_controls(page)
    change(page, "TL")
    elsewhere(before, on_view(page), "TL")


def test_a_page_in_the_background_does_not_count(page: Page, studio: Studio) -> None:
    trial = wait_trial(page, studio)
    hide = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    eventually(lambda: page.evaluate("1") and trial_of(studio)["display"] is None, 20, "it is no display")
    page.evaluate(hide, False)
    assert wait_trial(page, studio) == trial


def test_a_gaze_process_that_died_is_told_and_the_page_goes_on(page: Page, studio: Studio) -> None:
    hide_controls(page)
    change(page, "TL")
    shown = on_view(page)
    first = wait_trial(page, studio)
    studio.process("gaze").stop(signal.SIGKILL)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("The gaze process is not running.")
    expect(banner).to_contain_text("python -m services.gaze")
    studio.start("gaze")
    expect(banner).to_have_attribute("hidden", "")
    assert wait_trial(page, studio) != first
    assert on_view(page) == shown, "it goes on with the picture on view"
    change(page, "ML", 2)
    elsewhere(shown, on_view(page), "ML")


def test_a_trial_that_somebody_else_begins_is_shown(page: Page, studio: Studio) -> None:
    wait_trial(page, studio)
    before = on_view(page)
    second = studio.http.get("/samples").json()["samples"][1]["file"]
    wanted = {"sample": second, "record": False, "replace": True, "fields": {"by": "the lab"}}
    begun = studio.http.post("/trial/begin", json={**wanted, "trigger": {"name": "key", "keys": ["x"]}})
    assert begun.status_code == 200, begun.text
    assert wait_trial(page, studio) == begun.json()["trial_id"]
    eventually(lambda: on_view(page) != before, 20, "its picture is shown")
    hide_controls(page)
    shown = on_view(page)
    look(page, "TL")
    wait_change(page, "TL")
    page.keyboard.press("y")
    eventually(lambda: page.evaluate("1") and count(studio, "response") == 1, 20, "an answer is noted")
    expect(page.locator(".blackout")).to_be_hidden()
    blink(page, 1, lambda: page.keyboard.press("x"))
    elsewhere(shown, on_view(page), "TL")
    studio.http.post("/trial/end")
    wait_until(page, "document.querySelector('main.stage').dataset.trial === ''")
    page.keyboard.press("m")
    page.locator(".sample").first.click()
    assert wait_trial(page, studio) != begun.json()["trial_id"]


def test_a_page_that_begins_anew_by_itself_ends_nobody_elses_trial(page: Page, studio: Studio) -> None:
    wait_trial(page, studio)
    held: list[Route] = []
    page.route("**/trial/begin", lambda route: held.append(route))
    page.get_by_label("Gaze rests").select_option("1200")
    eventually(lambda: page.evaluate("1") and held, 20, "the page begins anew")
    begun = studio.http.post(
        "/trial/begin", json={"sample": "meadow.jpg", "record": False, "fields": {"by": "the lab"}}
    )
    assert begun.status_code == 200, "a page's own trial gives way"
    for route in held:
        route.continue_()
    page.unroute("**/trial/begin")
    assert wait_trial(page, studio) == begun.json()["trial_id"]
    page.locator(".sample").nth(2).click()
    eventually(lambda: trial_of(studio)["config"]["fields"].get("by") == "page", 20, "a person may end it")


def test_a_corner_tells_each_exchange_to_a_photodiode(page: Page) -> None:
    patch = page.locator(".patch")
    expect(patch).to_be_hidden()
    page.get_by_label("Corner patch").select_option("1")
    expect(patch).to_be_visible()
    hide_controls(page)
    look(page, "TL")
    wait_change(page, "TL")
    expect(patch).to_have_css("background-color", "rgb(0, 0, 0)")
    blink(page, 1)
    expect(patch).to_have_css("background-color", "rgb(255, 255, 255)")
