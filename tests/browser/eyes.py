"""What a viewer does, and what is to be seen: the words that the browser tests are written in."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.support.waiting import eventually

TIMEOUT_MS = 20_000
PRESS_AGAIN_S = 5.0
"""Longer than a press takes to be heard of on a loaded machine: one more would show one more change."""
expect.set_options(timeout=TIMEOUT_MS)

SECTORS = ("TL", "TC", "TR", "ML", "MC", "MR", "BL", "BC", "BR")

PICTURES_MADE = "**/trial/picture/*"

_SECTOR_SUMS = """
canvas => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const pixels = copy.getImageData(0, 0, width, height).data;
  const edge = (at, size) => Math.floor((at * size) / 3);
  const sums = [];
  for (let row = 0; row < 3; row += 1) for (let column = 0; column < 3; column += 1) {
    let sum = 0;
    for (let y = edge(row, height); y < edge(row + 1, height); y += 1)
      for (let x = edge(column, width); x < edge(column + 1, width); x += 1) {
        const at = 4 * (y * width + x);
        sum = (Math.imul(sum, 31) + pixels[at] * 65536 + pixels[at + 1] * 256 + pixels[at + 2]) | 0;
      }
    sums.push(sum);
  }
  return sums;
}
"""


def sector_sums(canvas: Locator) -> dict[str, int]:
    """A checksum of each sector's pixels, as the browser shows them."""
    return dict(zip(SECTORS, canvas.evaluate(_SECTOR_SUMS), strict=True))


def on_view(page: Page) -> dict[str, int]:
    """Checksums of the picture on the stage."""
    return sector_sums(page.locator(".picture").first)


def changed(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """The sectors in which two pictures differ."""
    return [sector for sector in SECTORS if before[sector] != after[sector]]


def look(page: Page, sector: str) -> None:
    """Move the gaze (the mouse) into a sector, and keep it there."""
    row, column = divmod(SECTORS.index(sector), 3)
    box: Any = page.locator(".picture").first.bounding_box()
    size = page.viewport_size or {"width": 0, "height": 0}
    # The picture may be larger than the window: the middle of what is seen of the sector.
    x = _middle(box["x"], box["width"], column, size["width"])
    y = _middle(box["y"], box["height"], row, size["height"])
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)


def _middle(start: float, length: float, place: int, view: float) -> float:
    low, high = start + length * place / 3, start + length * (place + 1) / 3
    return (max(low, 0) + min(high, view)) / 2


def elsewhere(before: dict[str, int], after: dict[str, int], looked_at: str) -> str:
    """The one sector in which two pictures differ, which is not the one that is looked at."""
    (sector,) = changed(before, after)
    assert sector != looked_at, "a change was shown where the viewer looks"
    return sector


_DIFFERENT = """
async (bytes) => {
  const blob = new Blob([Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0))]);
  const shown = document.querySelector(".picture");
  const whole = document.createElement("canvas");
  [whole.width, whole.height] = [shown.width, shown.height];
  whole.getContext("2d").drawImage(await createImageBitmap(blob), 0, 0);
  const [a, b] = [shown, whole].map(canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  });
  return a.reduce((count, pixel, at) => count + (pixel !== b[at]), 0);
}
"""


def different(page: Page, picture: bytes) -> int:
    """In how many pixels what is on the stage differs from a whole picture, as this browser shows that."""
    count: int = page.evaluate(_DIFFERENT, base64.b64encode(picture).decode())
    return count


def wait_state(page: Page, state: str) -> None:
    """Until the trial is at a stage: resting, asking, waiting, committing, refused."""
    expect(page.locator("main.stage")).to_have_attribute("data-state", state)


def wait_change(page: Page, looked_at: str) -> None:
    """Until a change is ready that is not where the viewer looks. One that was asked for from another place may be
    there first: it is never shown under the gaze."""
    wait_until(
        page,
        f"""(({{ state, target, ready }}) => {{
              const waiting = target ? [target] : (ready ?? "").split(" ");
              return state === "waiting" && waiting.some(sector => sector && sector !== "{looked_at}");
            }})(document.querySelector("main.stage").dataset)""",
    )


def wait_swaps(page: Page, number: int) -> None:
    """Until so many pictures have taken the place of the one before."""

    def are_shown() -> bool:
        told: dict[str, str] = page.evaluate("({ ...document.querySelector('main.stage').dataset })")
        assert int(told.get("swaps", 0)) >= number, told
        return True

    eventually(are_shown, TIMEOUT_MS / 1000, f"{number} changes are shown")


def press_until(
    page: Page, is_done: Callable[[dict[str, str]], bool], what: str, press: Callable[[], None] | None = None
) -> None:
    """Press, and again while a change waits, until what the stage says of itself is as it should be: one that comes too
    late for its blink waits for the next, and one that a generator has forgotten is made anew."""
    misses: list[int] = []
    pressed_s = 0.0

    def is_so() -> bool:
        nonlocal pressed_s
        told: dict[str, str] = page.evaluate("({ ...document.querySelector('main.stage').dataset })")
        if is_done(told):
            return True
        is_missed = not misses or int(told["misses"]) > misses[-1] or time.monotonic() - pressed_s > PRESS_AGAIN_S
        if is_missed and told["state"] == "waiting":
            misses.append(int(told["misses"]))
            pressed_s = time.monotonic()
            press() if press is not None else page.keyboard.press("Space")
        raise AssertionError(told)

    eventually(is_so, TIMEOUT_MS / 1000, what)


def blink(page: Page, number: int, press: Callable[[], None] | None = None) -> None:
    """Press until the ``number``-th change is shown."""
    press_until(page, lambda told: int(told.get("swaps", 0)) >= number, f"{number} changes are shown", press)


def change(page: Page, sector: str, number: int = 1) -> None:
    """Look into a sector, wait for a change elsewhere, and blink. It is the ``number``-th change that is shown."""
    look(page, sector)
    wait_change(page, sector)
    blink(page, number)


def hold_pictures(page: Page) -> list[Route]:
    """From now on a whole picture that is made comes to the page only when the test lets it."""
    held: list[Route] = []
    page.route(PICTURES_MADE, lambda route: held.append(route))
    return held


def let_come(page: Page, held: list[Route]) -> None:
    """Wait for a picture that is held, and let it come."""
    eventually(lambda: page.evaluate("1") and held, TIMEOUT_MS / 1000, "a picture is made")
    held.pop().continue_()


def let_all_come(page: Page, held: list[Route]) -> None:
    """Hold pictures no more."""
    page.unroute(PICTURES_MADE)
    while held:
        held.pop().continue_()


def refuse_changes(page: Page, detail: str) -> None:
    """Load the page again; from then on what it hears of each change is that the generator refused it so."""

    def connect(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            message = json.loads(text)
            if message.get("step") in ("frame", "prepared", "ready"):
                return
            route.send(text)
            if message.get("step") == "prepare":
                failed = {"prepare": message["step_id"], "state": "failed", "code": "insufficient_storage"}
                details = {**failed, "detail": detail}
                route.send(json.dumps({**message, "step": "prepared", "step_id": "0", "details": details}))
            if message.get("step") == "request":
                details = {"request": message["step_id"], "code": "insufficient_storage", "detail": detail}
                for step, own in (("failed", details), ("abandoned", {"reason": detail})):
                    route.send(json.dumps({**message, "step": step, "step_id": "0", "details": own}))

        server.on_message(pass_on)

    page.route_web_socket(re.compile("/display"), connect)
    page.reload()
    wait_picture(page)


def wait_until(page: Page, expression: str) -> None:
    """Until an expression holds in the page. (Playwright's own way of waiting is forbidden by the page's policy.)"""
    eventually(lambda: page.evaluate(expression), TIMEOUT_MS / 1000, expression)


def wait_picture(page: Page) -> None:
    """Until the first photograph is on view."""
    wait_until(page, "(document.querySelector('.picture')?.width ?? 0) > 300")


def hide_controls(page: Page) -> None:
    """Leave the picture alone on the stage."""
    page.get_by_role("button", name="Hide the controls").click()
    expect(page.locator(".dock")).to_be_hidden()
