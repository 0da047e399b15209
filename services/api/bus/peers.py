"""The generator and the replayer as the API knows them: clients that remember their last state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from shared.bus.clients import GeneratorClient, ReplayerClient
from shared.bus.envelope import Published
from shared.bus.message import Envelope
from shared.bus.messages import Heartbeat, Status
from shared.bus.requests.replayer import STATUS, CursorRequest
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import GeneratorLoading, GeneratorUnavailable, ParafoveaError, QueueFull, RecordingBacklogFull

SILENCE_S = 5.0
"""After so long without a heartbeat, which comes every second, a process counts as gone."""
POLL_S = 1.0
ANSWER_S = 1.0
"""For a status: whoever takes longer is stuck."""


class GeneratorPeer(GeneratorClient):
    """The generator, and its heartbeat.

    Attributes:
        status: the last heartbeat, None before the first.
        hello: the same with its envelope, as viewers get it first.
    """

    def __init__(self, bus: Bus, on_status: Callable[[Published], None]) -> None:
        super().__init__(bus)
        self._heartbeat = Subscriber(bus, "frames", [Status.type])
        self._on_status = on_status
        self._received_at = float("-inf")
        self.status: Heartbeat | None = None
        self.hello: dict[str, Any] | None = None

    @property
    def problem(self) -> str | None:
        """Why its last heartbeat could not be understood, or None."""
        problem = self._heartbeat.problem
        return None if problem is None else f"its heartbeat cannot be understood ({problem[:300]})"

    @property
    def is_there(self) -> bool:
        """Whether it is connected, and has sent a heartbeat lately."""
        return self.connected and time.monotonic() - self._received_at < SILENCE_S

    async def listen(self) -> None:
        """Follow the heartbeat until cancelled."""
        async for message in self._heartbeat:
            status = message.message
            if not isinstance(status, Heartbeat):
                continue
            self.hello = {**Envelope.model_validate(message.header).model_dump(), **status.model_dump()}
            self.status, self._received_at = status, time.monotonic()
            self._on_status(message)

    def check_accepts(self, queue_limit: int, *, recording: bool) -> None:
        """Check by its last heartbeat that it would take a job. Raises ParafoveaError: what it would answer."""
        status = self.status
        if status is None or not self.is_there:
            if self.problem is not None:
                raise GeneratorUnavailable(f"The generator is not of this version: {self.problem}.")
            raise GeneratorUnavailable("The generator is not running; start it and try again.")
        if status.state == "loading":
            raise GeneratorLoading("The model is still being loaded; try again in a moment.")
        if status.state != "ready":
            raise GeneratorUnavailable(f"The generator is {status.state}: {status.detail or 'see its log'}")
        if recording and status.backlog_bytes >= status.backlog_limit_bytes:
            raise RecordingBacklogFull("The backlog of frames for the recorder is full; see to the recorder.")
        if status.queue >= queue_limit:
            raise QueueFull(f"{status.queue} jobs are waiting already; try again when one is done.")


class ReplayerPeer(ReplayerClient):
    """The replayer, and what is wrong with it."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.problem: str | None = "it has not answered yet"
        self.has_answered = False

    async def follow(self) -> None:
        """Ask for its state now and then, until cancelled."""
        while True:
            try:
                # A cursor that nobody has: the status of one in use reads its session.
                await self.ask(STATUS, CursorRequest(cursor=".health"), timeout_s=ANSWER_S)
                self.problem, self.has_answered = None, True
            except ParafoveaError as error:
                self.problem = error.detail
            await asyncio.sleep(2 * POLL_S)
