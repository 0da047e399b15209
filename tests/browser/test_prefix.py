"""The page behind nginx, under a prefix, set up as ``docs/proxies.md`` says."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage, start_everything
from tests.browser.eyes import change, elsewhere, hide_controls, on_view, wait_change, wait_picture
from tests.support.buses import short_folder
from tests.support.proxies import PREFIX, find, running
from tests.support.studio import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The page's address at a proxy, without the slash at its end."""
    if find("nginx") is None:
        reason = "no nginx here: the page is not tested behind it (apt-get install nginx-light)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with short_folder() as folder:
        studio = Studio(folder, PARAFOVEA_ROOT_PATH=PREFIX)
        try:
            start_everything(studio)
            with running("nginx", folder, studio.port) as url:
                yield url + PREFIX
            studio.stop_all()
        finally:
            studio.http.close()
            studio.kill_all()
            studio.print_logs()


def test_the_page_works_under_a_prefix(new_page: NewPage, address: str) -> None:
    page = new_page(url=address)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.reload()
    wait_picture(page)
    page.get_by_role("textbox", name="Name of the session").fill("prefixed")
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    before = on_view(page)
    hide_controls(page)
    change(page, "TL")
    elsewhere(before, on_view(page), "TL")
    page.keyboard.press("r")
    expect(page.locator(".notice").filter(has_text="“prefixed” is kept")).to_be_visible()

    page.goto(f"{address}/#/sessions")
    card = page.locator("[data-session=prefixed]")
    expect(card.locator("img")).to_be_visible()
    expect(card.get_by_label("Export prefixed")).to_have_attribute("href", f"{address}/session/prefixed/export")
    own = address.replace("http://", "ws://")
    assert set(sockets) == {f"{own}/ws?frames=false", f"{own}/display"}


def test_an_eye_tracker_sends_under_the_prefix(new_page: NewPage, address: str) -> None:
    page = new_page(url=address, query="?gaze=ws")
    wait_picture(page)
    hide_controls(page)
    page.evaluate(
        """() => {
          const socket = new WebSocket(new URL("gaze", document.baseURI).href.replace("http", "ws"));
          socket.onopen = () => setInterval(() => socket.send(JSON.stringify({ x: 0.08, y: 0.2 })), 25);
        }"""
    )
    wait_change(page, "TL")
