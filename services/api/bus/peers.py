"""The generator and the replayer as the API knows them: clients that remember their last state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from services.api.bus.life import Life
from shared.bus.clients import GeneratorClient, ReplayerClient
from shared.bus.envelope import Published
from shared.bus.message import Envelope
from shared.bus.messages import Heartbeat, Prepared, Status
from shared.bus.requests.preparing import (
    DROP_PREPARED,
    PICTURE,
    PREPARED,
    PictureRequest,
    PreparedAnswer,
    PreparedRequest,
)
from shared.bus.requests.replayer import STATUS, CursorRequest
from shared.bus.rpc import read
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import GeneratorLoading, GeneratorUnavailable, ParafoveaError, QueueFull, RecordingBacklogFull

READY = "ready"
"""State of a preparation whose sector there is."""

POLL_S = 1.0
ANSWER_S = 1.0
"""For a status: whoever takes longer is stuck."""


class GeneratorPeer(GeneratorClient):
    """The generator, its heartbeat, and what becomes of preparations.

    Args:
        on_message: given each heartbeat, and each word of a preparation, in order.
        on_change: given whether the generator is there, as that changes: see :class:`Life`.

    Attributes:
        life: whether it is there.
        status: the last heartbeat, None before the first.
        hello: the same with its envelope, as viewers get it first.
    """

    def __init__(self, bus: Bus, on_message: Callable[[Published], None], on_change: Callable[[bool], None]) -> None:
        super().__init__(bus)
        self._subscriber = Subscriber(bus, "frames", [Status.type, Prepared.type])
        self._on_message = on_message
        self.life = Life(lambda: self.connected, on_change)
        self.status: Heartbeat | None = None
        self.hello: dict[str, Any] | None = None

    @property
    def problem(self) -> str | None:
        """Why its last heartbeat could not be understood, or None."""
        problem = self._subscriber.problem
        return None if problem is None else f"its heartbeat cannot be understood ({problem[:300]})"

    @property
    def is_there(self) -> bool:
        """Whether it is connected, and has sent a heartbeat lately."""
        return self.life.is_there

    async def listen(self) -> None:
        """Follow its messages until cancelled."""
        await self._subscriber.hand_to(self._take)

    async def sector(self, prepared_id: str) -> tuple[PreparedAnswer, bytes]:
        """How a preparation stands, and of a ready one its sector as a PNG. Raises NotFound: it is gone;
        ParafoveaError."""
        with self._reaching(PREPARED) as within_s:
            asked = PreparedRequest(prepared_id=prepared_id)
            reply = await self._client.call(PREPARED.name, asked.flat(), timeout_s=within_s)
        answer = read(PreparedAnswer, reply)
        return answer, reply.payload if answer.state == READY else b""

    async def give_up(self, prepared_id: str) -> None:
        """Have a preparation dropped. Raises NotFound: it is gone; ParafoveaError."""
        await self.ask(DROP_PREPARED, PreparedRequest(prepared_id=prepared_id))

    async def picture(self, sha256: str) -> bytes:
        """A recent picture by its hash, as it came or was made. Raises UnknownImage; ParafoveaError."""
        return (await self.ask_for_image(PICTURE, PictureRequest(sha256=sha256))).image

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

    def _take(self, message: Published) -> None:
        status = message.message
        if isinstance(status, Heartbeat):
            self.hello = {**Envelope.model_validate(message.header).model_dump(), **status.model_dump()}
            self.status = status
            self.life.beat(status.epoch)
        self._on_message(message)


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
