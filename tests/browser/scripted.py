"""A trial whose changes are made ahead, as a page hears of it: by a script, in place of gaze process and model."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, Route, WebSocketRoute

from shared import sectors
from shared.png_chunks import chunk
from tests.browser.eyes import wait_picture
from tests.support.odd_pictures import png
from tests.support.profiles import GAMMA_3, SRGB, three_channel_profile
from tests.support.waiting import eventually

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 331, 233
"""No multiples of three: sectors are of several sizes."""
TRIAL = "scripted"
PAGE = "display-scripted"
"""What the page is called."""
OTHER = "display-other"
_P3 = {b"rXYZ": (0.515102, 0.241182, -0.00105), b"gXYZ": (0.291965, 0.692236, 0.041882)}
_P3[b"bXYZ"] = (0.157153, 0.066582, 0.784378)


def p3_profile() -> bytes:
    """Display P3: sRGB's own profile with other colours."""
    made = bytearray(SRGB)
    for entry in range(132, 132 + 12 * int.from_bytes(made[128:132]), 12):
        if (colour := _P3.get(bytes(made[entry : entry + 4]))) is not None:
            at = int.from_bytes(made[entry + 4 : entry + 8]) + 8
            made[at : at + 12] = struct.pack(">3i", *(round(part * 65536) for part in colour))
    return bytes(made)


def _iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))


COLOURS = {
    "none": b"",
    "Display P3": _iccp(p3_profile()),
    "a steep curve": _iccp(three_channel_profile(GAMMA_3)),
    "gamma": chunk(b"gAMA", struct.pack(">I", 100_000)),
    "Display P3 by code points": chunk(b"cICP", bytes((12, 13, 0, 1))),
}
"""Chunks that say how a picture's samples look."""


def noise(seed: int) -> Pixels:
    """All colours, strong ones among them, next to each other."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def sha_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def region_of(sector: str) -> tuple[int, int, int, int]:
    return sectors.region(sector, 3, WIDTH, HEIGHT).as_tuple()


def changed_in(pixels: Pixels, sector: str, seed: int) -> Pixels:
    """The same picture with other noise in a sector."""
    left, top, right, bottom = region_of(sector)
    made = pixels.copy()
    made[top:bottom, left:right] = noise(seed)[top:bottom, left:right]
    return made


@dataclass
class Script:
    """What the page is told, and what it says and asks for.

    Attributes:
        said: what the page has said over its connection.
        asked: paths that it has asked for.
        pictures: whole pictures that can be had, by their hash.
        prepared: by id, how a request for a sector is answered.
        state: of the trial, as a page that connects is told it.
    """

    colours: bytes = b""
    display: str = PAGE
    said: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    prepared: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    _socket: WebSocketRoute | None = None
    _n: int = 0

    def picture(self, pixels: Pixels) -> str:
        """Make a picture one that can be had; its hash."""
        data = png(pixels, extra=self.colours)
        self.pictures[sha_of(data)] = data
        return sha_of(data)

    def begin(self, page: Page, pixels: Pixels, **state: Any) -> str:
        """Load the page again, with a trial under way that shows a picture; its hash."""
        sha256 = self.picture(pixels)
        self.state = {
            "trial_id": TRIAL,
            "state": "running",
            "session_id": None,
            "view": "default",
            "display": self.display,
            "picture_sha256": sha256,
            "phase": "resting",
            "focus": None,
            "target": None,
            "pending_sha256": None,
            "pending_frame": None,
            "prepared": [],
            "counts": {},
            "config": {"grid_size": 3, "trigger": {"name": "blink"}, "fields": {"by": "the lab"}},
            **state,
        }
        page.route_web_socket(re.compile("/display"), self._connect)
        page.route("**/trial/picture/*", self._give_picture)
        page.route("**/prepared/*", self._give_sector)
        page.reload()
        wait_picture(page)
        eventually(lambda: page.evaluate("document.querySelector('main.stage').dataset.trial") == TRIAL, 20)
        return sha256

    def has_sector(self, prepared_id: str, sector: str, pixels: Pixels, on: str, **more: Any) -> None:
        """Make the sector of a change one that can be had: of its picture's pixels, for the picture ``on``."""
        left, top, right, bottom = region_of(sector)
        headers = {
            "X-Region": f"{left},{top},{right},{bottom}",
            "X-On": on,
            "X-Sector": sector,
            "X-Seed": "7",
            "X-Prompt": "a%20h%C3%BCt",
            "X-Prompt-Encoding": "percent",
        }
        body = png(np.ascontiguousarray(pixels[top:bottom, left:right]), extra=self.colours)
        self.prepared[prepared_id] = {
            "status": 200,
            "content_type": "image/png",
            "body": body,
            "headers": headers,
            **more,
        }

    # -- what the page is told ----------------------------------------------------------------------------------------

    def step(self, step: str, step_id: str | None = None, *, caused_by: str | None = None, **details: Any) -> str:
        """Tell it a step of the trial; its id."""
        return self._tell("trial", step, step_id, caused_by, {"details": details})

    def prepare(self, prepared_id: str, sector: str, on: str) -> str:
        return self.step(
            "prepare", prepared_id=prepared_id, target_sector=sector, picture_sha256=on, prompt="a", seed=7
        )

    def made(self, prepare: str, on: str, **more: Any) -> str:
        """A change is ready for a picture."""
        return self.step("prepared", prepare=prepare, **{"state": "ready", "picture_sha256": on, **more})

    def commit(self, prepare: str, prepared_id: str, sector: str, on: str, becomes: str) -> str:
        """One is chosen, and is the picture ``becomes`` now; the id of its frame."""
        chosen = self.step("commit", prepare=prepare, prepared_id=prepared_id, on=on, target_sector=sector)
        return self.step("frame", request=chosen, sha256=becomes, target=sector, generation_ms=5.0)

    def swap(self, prepared_id: str | None, sector: str, on: str, becomes: str, **more: Any) -> str:
        """Order it; the id of the swap."""
        fields = {
            "display": self.display,
            "sha256": becomes,
            "kind": "change",
            "target": sector,
            "deadline_ms": None,
            "dark_ms": 0.0,
            "prepared_id": prepared_id,
            "on": on,
        }
        return self._tell("swap", "swap", None, None, {**fields, **more})

    def displayed(self, swap: str, becomes: str, sector: str, kind: str = "change") -> None:
        fields = {"sha256": becomes, "kind": kind, "target": sector, "latency_ms": 20.0}
        self._tell("displayed", "displayed", None, swap, fields)

    # -- what it says -------------------------------------------------------------------------------------------------

    def wait_ready(self, page: Page, made: str) -> None:
        """Until the page says that it can draw what a ``prepared`` was of; that is a step too."""
        eventually(lambda: page.evaluate("1") and made in self.ready(), 20, f"the page is ready for {made}")
        self.step("ready", frame=made, display=self.display)

    def ready(self) -> list[str]:
        return [each["frame"] for each in self.said if each["type"] == "ready"]

    def wait_report(self, page: Page, swap: str) -> dict[str, Any]:
        """What the page says of a swap."""

        def reports() -> list[dict[str, Any]]:
            page.evaluate("1")
            return [each for each in self.said if each.get("swap") == swap]

        eventually(reports, 20, f"the page says what became of {swap}")
        return reports()[0]

    def fetched(self, sha256: str) -> bool:
        """Whether the page has asked for a whole picture."""
        return any(path.endswith(f"/trial/picture/{sha256}") for path in self.asked)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _tell(self, kind: str, step: str, step_id: str | None, caused_by: str | None, more: dict[str, Any]) -> str:
        assert self._socket is not None
        self._n += 1
        named = step_id or f"{self._n}/0"
        base = {"type": kind, "trial_id": TRIAL, "view": "default", "step": step, "step_id": named, "n": self._n}
        self._socket.send(json.dumps({**base, "caused_by": caused_by, **more}))
        return named

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        source = {"source": "simulated:1", "state": "running", "rate_hz": 250.0, "loss": 0.0}
        socket.on_message(lambda text: self._take(socket, json.loads(text)))
        socket.send(json.dumps({"type": "hello", "display": PAGE, "trial": self.state, "gaze": source}))

    def _take(self, socket: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            socket.send(json.dumps({"type": "pong", "sent_ms": message["sent_ms"], "received_ns": 1, "answered_ns": 2}))
        elif message["type"] == "view":
            socket.send(json.dumps({"type": "view", "counts": self.display == PAGE, "trial": self.state}))
        self.said.append(message)

    def _give_picture(self, route: Route) -> None:
        self.asked.append(route.request.url)
        body = self.pictures.get(route.request.url.rsplit("/", 1)[1])
        if body is None:
            route.fulfill(status=404, json={"error": "not_found", "detail": "It is gone."})
        else:
            route.fulfill(body=body, content_type="image/png")

    def _give_sector(self, route: Route) -> None:
        self.asked.append(route.request.url)
        gone = {"status": 404, "json": {"error": "not_found", "detail": "It is gone."}}
        route.fulfill(**self.prepared.get(route.request.url.rsplit("/", 1)[1], gone))
