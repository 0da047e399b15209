"""A display that takes sectors: it is ready for whatever is prepared, at once, and draws whatever it is told to."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from shared.bus.envelope import Published
from shared.errors import TrialNotActive
from tests.bus.gaze.conftest import Rig


class TakingDisplay:
    """The display ``d`` of a rig.

    Attributes:
        is_ready, draws: whether it says so of sectors, and reports swaps as drawn.
        swaps: those that it was told.
        said: what it said to be ready for.
    """

    def __init__(self, rig: Rig) -> None:
        self.is_ready = self.draws = True
        self.swaps: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._rig = rig
        self._tasks: set[asyncio.Task[None]] = set()
        rig.listeners.append(self._take)

    async def show(self) -> None:
        """Show the picture, and have the clocks compared."""
        await self._rig.show(takes_sectors=True)
        for n in range(3):
            pong = await self._rig.ask("ping", display="d", sent_ms=float(n))
            times = {name: pong[name] for name in ("sent_ms", "received_ns", "answered_ns")}
            await self._rig.ask("clock", display="d", **times, returned_ms=n + 1.0)

    async def ready(self, trial_id: str, made: str) -> None:
        """Say that a sector is decoded."""
        self.said.append(made)
        with suppress(TrialNotActive):
            await self._rig.ask("ready", display="d", trial_id=trial_id, frame=made)

    def _take(self, message: Published) -> None:
        header = message.header
        if header.get("step") == "prepared" and header["details"]["state"] == "ready" and self.is_ready:
            self._soon(self.ready(header["trial_id"], header["step_id"]))
        elif message.type == "swap":
            self.swaps.append(header)
            if self.draws:
                self._soon(self._drew(header))

    async def _drew(self, swap: dict[str, Any]) -> None:
        at = swap["deadline_ms"]
        report = {"drawn_ms": at, "frame_ms": at, "next_frame_ms": at}
        await self._rig.ask("displayed", display="d", trial_id=swap["trial_id"], swap=swap["step_id"], **report)

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
