"""One button records; the list of sessions finds, opens and deletes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import change, hide_controls, wait_picture
from tests.browser.sessions import write_session
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("nothing_is_recorded_afterwards")]


def record(page: Page, name: str) -> None:
    page.get_by_role("textbox", name="Name of the session").fill(name)
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def frames_told(page: Page) -> int:
    """How many frames are recorded, as the clean stage tells it."""
    found = re.search(r"(\d+) frames?", page.locator(".record-pill").inner_text())
    return int(found[1]) if found else -1


def wait_frames(page: Page, number: int) -> None:
    eventually(lambda: frames_told(page) >= number, 20, f"{number} frames are told")


def nothing_is_under_way(studio: Studio) -> bool:
    """Whether the generator has nothing to make, and holds nothing for the recorder."""
    generator = studio.health()["processes"]["generator"]
    return not any(generator[name] for name in ("running", "queue", "making", "sessions"))


def test_a_session_from_the_button_to_its_replay(page: Page, studio: Studio) -> None:
    record(page, "by_hand")
    expect(page.locator(".record-figures")).to_contain_text("by_hand")
    expect(page.locator(".record-figures")).to_contain_text("0 frames")
    hide_controls(page)
    for number, sector in enumerate(("TL", "BR"), 1):
        change(page, sector, number)
        # A gaze that stays asks again: there may be more by now.
        wait_frames(page, number)
    expect(page.locator(".record-pill")).to_contain_text("0 pending")
    page.keyboard.press("r")
    expect(page.locator(".notice")).to_contain_text("“by_hand” is kept")
    eventually(lambda: nothing_is_under_way(studio), 10)
    recorded = len(studio.frame_ids("by_hand"))  # a change that was under way may have been stamped in time
    assert recorded >= 2

    page.goto(f"{studio.url}/#/sessions")
    card = page.locator("[data-session=by_hand]")
    expect(card).to_contain_text(f"{recorded} frames")
    expect(card.locator("img")).to_be_visible()
    card.get_by_role("link", name="by_hand", exact=True).click()
    expect(page.locator(".place-in").first).to_have_text(f"1 / {recorded}")
    target = studio.metadata("by_hand")["sequence"][0]["target_sector"]
    assert target != "TL"
    expect(page.locator(".details")).to_contain_text(f"Target{target}, ")


def test_a_name_that_exists_is_gone_on_with_only_when_asked(page: Page, studio: Studio) -> None:
    write_session(studio.sessions, "twice", 2)
    page.get_by_role("textbox", name="Name of the session").fill("twice")
    page.get_by_role("button", name="Record").click()
    dialog = page.get_by_role("dialog", name="“twice” exists")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    page.get_by_role("button", name="Record").click()
    dialog.get_by_role("button", name="Go on with it").click()
    expect(page.locator(".record-figures")).to_contain_text("2 frames")
    page.get_by_role("button", name="Stop").click()


def test_a_name_that_is_none_is_refused_with_the_servers_sentence(page: Page) -> None:
    page.get_by_role("textbox", name="Name of the session").fill("../etc")
    page.keyboard.press("Enter")
    expect(page.locator(".notice.error")).to_contain_text("a session id consists of")


def test_low_disk_space_warns(new_page: NewPage, studio: Studio) -> None:
    low = studio.health()
    low["disk"] |= {"state": "low", "free_bytes": 1_200_000_000}
    page = new_page("#/sessions", url=studio.url)
    page.route("**/health", lambda route: route.fulfill(json=low))
    expect(page.locator(".record-disk")).to_have_text("Disk low: 1.2 GB free")


def test_search_and_delete(new_page: NewPage, studio: Studio) -> None:
    for name in ("keep_this", "old_pilot"):
        write_session(studio.sessions, name, 3)
    page = new_page("#/sessions")
    page.get_by_role("searchbox").fill("PILOT")
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("button", name="Delete old_pilot").click()
    dialog = page.get_by_role("dialog", name="Delete “old_pilot”?")
    expect(dialog).to_contain_text("3 frames")
    page.keyboard.press("Escape")
    assert (studio.sessions / "old_pilot").is_dir()
    page.get_by_role("button", name="Delete old_pilot").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".notice")).to_contain_text("“old_pilot” is deleted")
    expect(page.locator(".card")).to_have_count(0)
    assert not (studio.sessions / "old_pilot").exists()
    page.get_by_role("searchbox").fill("")
    expect(page.locator("[data-session=keep_this]")).to_be_visible()


def test_export_and_import_as_far_as_the_server_can(new_page: NewPage, studio: Studio) -> None:
    write_session(studio.sessions, "to_take_along", 3)
    paths = studio.http.get("/openapi.json").json()["paths"]
    page = new_page("#/sessions")
    export = page.get_by_role("link", name="Export to_take_along")
    bring = page.get_by_role("button", name="Import")
    if "/session/import" not in paths:
        expect(bring).to_be_disabled()
        expect(bring).to_have_attribute("title", "This server cannot do that yet.")
        expect(export).to_have_attribute("aria-disabled", "true")
        return
    expect(export).to_have_attribute("aria-disabled", "false")
    with page.expect_download() as taken:
        export.click()
    archive = studio.folder / "taken.tar.gz"
    taken.value.save_as(archive)
    page.get_by_role("button", name="Delete to_take_along").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("[data-session=to_take_along]")).to_have_count(0)
    page.set_input_files("input[type=file][accept*=gz]", archive)
    expect(page.locator("[data-session=to_take_along]")).to_contain_text("3 frames")


def test_choose_two_to_compare(new_page: NewPage, studio: Studio) -> None:
    write_session(studio.sessions, "one_a", 3, shade=10)
    write_session(studio.sessions, "one_b", 3, shade=240)
    page = new_page("#/sessions")
    compare = page.get_by_role("button", name="Compare two")
    page.get_by_label("Choose one_a to compare").check()
    expect(compare).to_be_disabled()
    page.get_by_label("Choose one_b to compare").check()
    compare.click()
    expect(page.locator("main.compare")).to_be_visible()
    expect(page.get_by_role("combobox", name="Session A")).to_have_value("one_a")
    expect(page.get_by_role("combobox", name="Session B")).to_have_value("one_b")


def test_recording_by_another_client_is_seen(new_page: NewPage, studio: Studio) -> None:
    page = new_page()
    wait_picture(page)
    studio.start_session("from_elsewhere")
    expect(page.locator(".record-figures")).to_contain_text("from_elsewhere")
    studio.generate(1)
    expect(page.locator(".record-figures")).to_contain_text("1 frame")
    studio.http.post("/session/stop")
    expect(page.get_by_role("button", name="Record")).to_be_visible()
