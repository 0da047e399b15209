"""A display that draws nothing, and says that it did at 60 Hz: ``python -m tests.support.drawing_display PORT``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any

import websockets

FRAME_S = 1 / 60


async def run(port: int) -> None:
    """Show the view ``default`` until the connection ends."""
    async with websockets.connect(f"ws://127.0.0.1:{port}/display", max_size=None) as server:
        box = {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0, "page_px": [1920, 1080], "is_full_screen": True}
        await server.send(json.dumps({"type": "view", "view": "default", "refresh_ms": FRAME_S * 1000, **box}))
        pinging = asyncio.create_task(_ping(server))
        withdrawn: set[str] = set()
        reports: set[asyncio.Task[None]] = set()
        try:
            async for text in server:
                message = json.loads(text)
                step = message.get("step")
                if message["type"] == "pong":
                    times = {name: message[name] for name in ("sent_ms", "received_ns", "answered_ns")}
                    await server.send(json.dumps({"type": "clock", **times, "returned_ms": _now_ms()}))
                elif step == "frame":
                    await _say_ready(server, message["trial_id"], message["step_id"])
                elif message["type"] == "view" and message["trial"].get("pending_frame"):
                    await _say_ready(server, message["trial"]["trial_id"], message["trial"]["pending_frame"])
                elif step == "withdrawn":
                    withdrawn.add(message["details"]["swap"])
                elif message["type"] == "swap":
                    task = asyncio.create_task(_draw(server, message, withdrawn))
                    reports.add(task)
                    task.add_done_callback(reports.discard)
        finally:
            pinging.cancel()


async def _say_ready(server: Any, trial_id: str, frame: str) -> None:
    await server.send(json.dumps({"type": "ready", "trial_id": trial_id, "frame": frame}))


async def _draw(server: Any, swap: dict[str, Any], withdrawn: set[str]) -> None:
    await asyncio.sleep(FRAME_S - time.perf_counter() % FRAME_S + swap["dark_ms"] / 1000)
    frame_ms = _now_ms()
    report = {"trial_id": swap["trial_id"], "swap": swap["step_id"]}
    late = swap["deadline_ms"] is not None and frame_ms + FRAME_S * 1000 > swap["deadline_ms"]
    if late or swap["step_id"] in withdrawn:
        await server.send(json.dumps({"type": "missed", **report, "reason": "late" if late else "withdrawn"}))
        return
    await asyncio.sleep(FRAME_S)
    times = {"drawn_ms": frame_ms, "frame_ms": frame_ms, "next_frame_ms": _now_ms(), "refresh_ms": FRAME_S * 1000}
    await server.send(json.dumps({"type": "displayed", **report, **times}))


async def _ping(server: Any) -> None:
    while True:
        for _ in range(8):
            await server.send(json.dumps({"type": "ping", "sent_ms": _now_ms()}))
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)


def _now_ms() -> float:
    return time.perf_counter_ns() / 1e6


if __name__ == "__main__":
    with suppress(websockets.ConnectionClosed):  # the API has ended
        asyncio.run(run(int(sys.argv[1])))
