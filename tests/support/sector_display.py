"""A display that lays sectors over the picture that it shows: ``python -m tests.support.sector_display PORT``.

It compares what comes of it with the committed pictures, and prints a line for each: ``same SHA256``, ``other SHA256``,
or ``missing SHA256`` where nobody has it.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import websockets
from PIL import Image

FRAME_S = 1 / 60
AGAIN_S = 0.05


@dataclass
class Sector:
    """A sector that is decoded: where it lies, and the picture that it goes onto."""

    left: int
    top: int
    on: str
    image: Image.Image


class SectorDisplay:
    """Shows the view ``default`` until the connection ends."""

    def __init__(self, server: Any, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids: dict[str, str] = {}
        """By the id of its ``prepare``, what a change is called."""
        self._sectors: dict[str, list[Sector]] = {}
        self._withdrawn: set[str] = set()
        self._picture: Image.Image | None = None
        self._shown = ""

    async def run(self) -> None:
        box = {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0, "page_px": [1920, 1080], "is_full_screen": True}
        view = {"view": "default", "refresh_ms": FRAME_S * 1000, "takes_sectors": True, **box}
        await self._say("view", **view)
        self._soon(self._ping())
        try:
            async for text in self._server:
                self._take(json.loads(text))
        finally:
            for task in self._tasks:
                task.cancel()

    def _take(self, message: dict[str, Any]) -> None:
        kind, step, details = message["type"], message.get("step"), message.get("details", {})
        if kind == "pong":
            times = {name: message[name] for name in ("sent_ms", "received_ns", "answered_ns")}
            self._soon(self._say("clock", **times, returned_ms=_now_ms()))
        elif kind == "view" and message["trial"]["state"] == "running":
            self._soon(self._adopt(message["trial"]))
        elif step == "begin":
            self._soon(self._show(details["config"]["picture_sha256"]))
        elif step == "prepare":
            self._ids[message["step_id"]] = details["prepared_id"]
        elif step == "prepared" and details["state"] == "ready":
            found = self._ids.get(details["prepare"])
            if found is not None:
                self._soon(self._ready(message["trial_id"], message["step_id"], found, details["picture_sha256"]))
        elif step == "withdrawn":
            self._withdrawn.add(details["swap"])
        elif kind == "swap":
            self._soon(self._draw(message))

    async def _adopt(self, trial: dict[str, Any]) -> None:
        await self._show(trial["picture_sha256"])
        if trial["pending_frame"] is not None:
            await self._say("ready", trial_id=trial["trial_id"], frame=trial["pending_frame"])
        for each in trial["prepared"]:
            self._ids[each["prepare"]] = each["prepared_id"]
            if each["made"] is not None:
                await self._ready(trial["trial_id"], each["made"], each["prepared_id"], each["picture_sha256"])

    async def _show(self, sha256: str) -> None:
        self._picture, self._shown = await self._fetched(sha256), sha256

    async def _fetched(self, sha256: str) -> Image.Image:
        while True:
            answer = await self._http.get(f"/trial/picture/{sha256}")
            if answer.status_code == 200:
                return _decoded(answer.content)
            if answer.status_code == 404:
                print(f"missing {sha256}", flush=True)
            await asyncio.sleep(AGAIN_S)

    async def _ready(self, trial_id: str, step_id: str, prepared_id: str, picture: str) -> None:
        answer = await self._http.get(f"/prepared/{prepared_id}")
        if answer.status_code != 200 or answer.headers["x-on"] != picture:
            return  # another step tells of it
        left, top, right, bottom = map(int, answer.headers["x-region"].split(","))
        image = _decoded(answer.content)
        assert image.size == (right - left, bottom - top)
        self._sectors.setdefault(prepared_id, []).append(Sector(left, top, picture, image))
        await self._say("ready", trial_id=trial_id, frame=step_id)

    async def _draw(self, swap: dict[str, Any]) -> None:
        await asyncio.sleep(FRAME_S - time.perf_counter() % FRAME_S + swap["dark_ms"] / 1000)
        frame_ms = _now_ms()
        report = {"trial_id": swap["trial_id"], "swap": swap["step_id"]}
        late = swap["deadline_ms"] is not None and frame_ms + FRAME_S * 1000 > swap["deadline_ms"]
        why = "late" if late else "withdrawn" if swap["step_id"] in self._withdrawn else await self._exchange(swap)
        if why is not None:
            await self._say("missed", **report, reason=why)
            return
        await asyncio.sleep(FRAME_S)
        times = {"drawn_ms": frame_ms, "frame_ms": frame_ms, "next_frame_ms": _now_ms(), "refresh_ms": FRAME_S * 1000}
        await self._say("displayed", **report, **times)
        if swap["kind"] == "change" and self._picture is not None:
            shown = self._picture.copy()
            is_same = (await self._fetched(swap["sha256"])).tobytes() == shown.tobytes()
            print("same" if is_same else "other", swap["sha256"], flush=True)

    async def _exchange(self, swap: dict[str, Any]) -> str | None:
        """Change what is shown; why not, where it cannot be."""
        if swap["kind"] != "change":
            return None
        prepared_id = swap.get("prepared_id")
        if prepared_id is None:
            await self._show(swap["sha256"])
            return None
        fitting = [each for each in self._sectors.get(prepared_id, []) if each.on == swap["on"]]
        if not fitting or self._picture is None or self._shown != swap["on"]:
            return "the sector does not go onto what is shown"
        self._picture.paste(fitting[-1].image, (fitting[-1].left, fitting[-1].top))
        self._shown = swap["sha256"]
        return None

    async def _ping(self) -> None:
        while True:
            for _ in range(8):
                await self._say("ping", sent_ms=_now_ms())
                await asyncio.sleep(0.05)
            await asyncio.sleep(5)

    async def _say(self, kind: str, **fields: Any) -> None:
        with suppress(websockets.ConnectionClosed):
            await self._server.send(json.dumps({"type": kind, **fields}))

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _now_ms() -> float:
    return time.perf_counter_ns() / 1e6


async def show(port: int) -> None:
    """Be a display of the API on a port."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http,
        websockets.connect(f"ws://127.0.0.1:{port}/display", max_size=None) as server,
    ):
        await SectorDisplay(server, http).run()


if __name__ == "__main__":
    with suppress(websockets.ConnectionClosed):  # the API has ended
        asyncio.run(show(int(sys.argv[1])))
