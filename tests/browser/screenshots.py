"""``make screenshots``: the pictures of the page that the README shows, made by using it.

A whole Parafovea is started with the model of the settings' default; a session is looked at and recorded on the stage,
then made again with other prompts; stage, replay and compare are photographed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import find_browser
from tests.browser.eyes import change, look, wait_change, wait_picture
from tests.support.buses import short_folder
from tests.support.processes import System
from tests.support.waiting import eventually

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
VIEW = {"width": 1280, "height": 800}
FOCI = ("TL", "BR", "ML", "TR", "BC", "MR")
GENERATION_S = 180.0


def main() -> int:
    """Make them all; 1 where there is no browser."""
    path = find_browser()
    if path is None:
        print("no Chromium here (apt-get install chromium)", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with short_folder() as folder, sync_playwright() as playwright:
        system = System(folder)
        try:
            for name in ("generator", "recorder", "replayer", "gaze", "api"):
                system.start(name)
            client = httpx.Client(base_url=system.url, timeout=GENERATION_S)
            eventually(lambda: client.get("/ready").status_code == 200, GENERATION_S, "everything is up")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport=VIEW, color_scheme="dark")
            page.set_default_timeout(GENERATION_S * 1000)
            expect.set_options(timeout=GENERATION_S * 1000)
            _stage(page, system)
            _again_with_other_prompts(client)
            _photograph(page, system, "replay", "#/replay/first_look?frame=3")
            _photograph(page, system, "compare", "#/compare?a=first_look&b=other_prompts&frame=4")
            browser.close()
            system.stop_all()
        except BaseException:
            system.print_logs()
            raise
        finally:
            system.kill_all()
    return 0


def _stage(page: Page, system: System) -> None:
    """Record a look at a photograph, and photograph the last change under the debug layer."""
    page.goto(system.url)
    wait_picture(page)
    page.get_by_role("textbox", name="Name of the session").fill("first_look")
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Hide the controls").click()
    for number, sector in enumerate(FOCI, 1):
        change(page, sector, number)
    page.keyboard.press("d")
    look(page, "ML")
    wait_change(page, "ML")
    _save(page, "stage")
    page.keyboard.press("r")
    expect(page.locator(".notice")).to_contain_text("is kept")


def _again_with_other_prompts(client: httpx.Client) -> None:
    """The same inputs, gaze and seeds, with each prompt taken from another frame."""
    entries = client.get("/session/first_look").json()["sequence"]
    client.post("/session/start", params={"session_id": "other_prompts"}).raise_for_status()
    for place, entry in enumerate(entries):
        picture = client.get(f"/session/first_look/frames/{entry['index']}/input").content
        fields = {
            "focus_sector": entry["focus_sector"],
            "target_sector": entry["target_sector"],
            "seed": str(entry["seed"]),
            "prompt": entries[place - 3]["prompt"],
            "durable": "true",
        }
        client.post("/generate", data=fields, files={"image": picture}).raise_for_status()
    client.post("/session/stop").raise_for_status()


def _photograph(page: Page, system: System, view: str, route: str) -> None:
    page.goto(f"{system.url}/{route}")
    page.locator(f"main.{view}[data-position]").wait_for()
    if view == "replay":
        page.keyboard.press("o")
        expect(page.locator(".timeline img").first).to_be_visible()
        eventually(
            lambda: page.evaluate(
                "[...document.querySelectorAll('.thumb')].every(thumb => thumb.querySelector('img'))"
            ),
            30,
            "all thumbnails are there",
        )
    expect(page.locator(".notice")).to_have_count(0)
    _save(page, view)


def _save(page: Page, name: str) -> None:
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
