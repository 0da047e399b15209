"""A recording that ends by itself, or by others, is told on the page that made it, and can be resumed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, start_everything
from tests.browser.eyes import change, hide_controls, look, wait_picture
from tests.support.buses import short_folder
from tests.support.studio import Studio
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser


@pytest.fixture
def page(new_page: NewPage, studio: Studio, complaints: list[str]) -> Iterator[Page]:
    """The stage. What the browser says of connections that a stopped server broke is no complaint here."""
    opened = new_page()
    wait_picture(opened)
    yield opened
    studio.http.post("/session/stop")
    complaints[:] = [each for each in complaints if "WebSocket connection" not in each]


def record(page: Page, name: str) -> None:
    page.get_by_role("textbox", name="Name of the session").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def restart(studio: Studio) -> None:
    for name in ("api", "recorder"):
        studio.process(name).stop()
    studio.start_recorder()
    studio.start_api()


def active(studio: Studio) -> str | None:
    found: str | None = studio.http.get("/session/status").json()["session_id"]
    return found


def is_asked_for_changes(studio: Studio) -> bool:
    """Whether a trial is under way: without one nothing is made."""
    return bool(studio.http.get("/trial").json()["state"] == "running")


def goes_on(page: Page, studio: Studio, name: str, frames: int) -> None:
    """Blink, until more than so many frames are recorded: a change may have been waiting, and the next waits for it."""

    def more() -> bool:
        page.keyboard.press("Space")
        return len(studio.frame_ids(name)) > frames

    eventually(more, 20, f"{name} goes on")


def test_a_restarted_server_is_told_and_resumed_on_a_clean_stage_too(page: Page, studio: Studio) -> None:
    record(page, "goes_on")
    hide_controls(page)
    change(page, "TL")
    studio_frames = len(studio.frame_ids("goes_on"))
    assert studio_frames >= 1
    page.mouse.move(500, 2)
    restart(studio)
    loss = page.locator(".loss")
    expect(loss).to_be_visible()
    expect(loss).to_contain_text("“goes_on” is no longer recorded")
    eventually(lambda: page.evaluate("1") and not is_asked_for_changes(studio), 20, "no trial is under way")
    recorded = len(studio.frame_ids("goes_on"))
    look(page, "ML")
    expect(page.get_by_role("button", name="Show the controls")).to_be_hidden()
    page.get_by_role("button", name="Resume recording").click()
    expect(loss).to_be_hidden()
    assert active(studio) == "goes_on"
    assert len(studio.frame_ids("goes_on")) == recorded, "meanwhile nothing was made"
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    look(page, "MR")
    goes_on(page, studio, "goes_on", studio_frames)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".notice").last).to_contain_text("is kept")


def test_or_gone_on_without(page: Page, studio: Studio) -> None:
    record(page, "let_go")
    restart(studio)
    expect(page.locator(".loss")).to_be_visible()
    page.get_by_role("button", name="Go on without recording").click()
    expect(page.locator(".loss")).to_be_hidden()
    assert active(studio) is None
    change(page, "TL")
    assert studio.frame_ids("let_go") == []
    page.reload()
    wait_picture(page)
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.locator(".loss")).to_be_hidden()


def test_a_page_that_is_loaded_again_still_knows(page: Page, studio: Studio) -> None:
    record(page, "reloaded")
    page.reload()
    wait_picture(page)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.locator(".loss")).to_be_hidden()
    restart(studio)
    page.reload()
    expect(page.locator(".loss")).to_contain_text("“reloaded” is no longer recorded")
    page.get_by_role("button", name="Resume recording").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    page.reload()
    wait_picture(page)
    expect(page.locator(".loss")).to_be_hidden()


@pytest.mark.parametrize("hears", [True, False])
def test_stopped_elsewhere(page: Page, studio: Studio, hears: bool) -> None:
    if not hears:  # the event that tells it: asked, the server says so too
        page.route_web_socket(re.compile("/ws"), lambda _: None)
        page.reload()
        wait_picture(page)
    name = "stopped_there" if hears else "stopped_unheard"
    record(page, name)
    studio.http.post("/session/stop")
    expect(page.locator(".loss")).to_contain_text("it was stopped elsewhere")
    page.get_by_role("button", name="Resume recording").click()
    expect(page.locator(".loss")).to_be_hidden()
    assert active(studio) == name
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()


def test_another_session_started_elsewhere(page: Page, studio: Studio) -> None:
    record(page, "ousted")
    studio.start_session("ousting")
    expect(page.locator(".loss")).to_contain_text("“ousting” was started elsewhere")
    look(page, "TL")
    page.get_by_role("button", name="Go on with “ousting”").click()
    change(page, "MR")
    studio.http.post("/session/stop")
    assert studio.frame_ids("ousted") == []
    assert studio.frame_ids("ousting") != []
    # It was never this page's own: stopped by its owner, it is only over.
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.locator(".loss")).to_be_hidden()


def test_a_recorder_that_restarts_alone_ends_nothing(page: Page, studio: Studio) -> None:
    record(page, "unbroken")
    studio.process("recorder").stop()
    light = page.get_by_role("button", name="Server:")
    expect(light).to_contain_text("Down")
    studio.start_recorder()
    expect(light).to_contain_text("Well")
    expect(page.locator(".loss")).to_be_hidden()
    assert active(studio) == "unbroken"
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()


def test_a_session_that_was_deleted_is_not_made_anew(page: Page, studio: Studio) -> None:
    record(page, "deleted")
    for name in ("api", "recorder"):
        studio.process(name).stop()
    shutil.rmtree(studio.sessions / "deleted")
    studio.start_recorder()
    studio.start_api()
    expect(page.locator(".loss")).to_be_visible()
    page.get_by_role("button", name="Resume recording").click()
    expect(page.locator(".notice.error").last).to_contain_text("there is no session 'deleted'")
    assert not (studio.sessions / "deleted").exists()
    page.get_by_role("button", name="Go on without recording").click()


def test_a_server_that_resumes_by_itself_leaves_nothing_to_tell(new_page: NewPage, complaints: list[str]) -> None:
    with short_folder() as folder:
        own = Studio(folder, PARAFOVEA_RESUME="true")
        try:
            start_everything(own)
            page = new_page(url=own.url)
            wait_picture(page)
            record(page, "by_itself")
            change(page, "TL")
            frames = len(own.frame_ids("by_itself"))
            restart(own)
            assert active(own) == "by_itself"
            look(page, "MR")
            goes_on(page, own, "by_itself", frames)
            expect(page.locator(".loss")).to_be_hidden()
            page.close()
            own.stop_all()
            own.assert_nothing_left()
        finally:
            own.kill_all()
    complaints[:] = [each for each in complaints if "WebSocket connection" not in each]
