"""The other processes as the API sees them: asked over the bus, and known by what they last said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from shared.bus.envelope import Payload, Published, Reply
from shared.bus.messages import Heartbeat, Status
from shared.bus.requests.replayer import CursorRequest
from shared.bus.rpc import Client, PeerGone, invalid_request
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import (
    GeneratorLoading,
    GeneratorUnavailable,
    ParafoveaError,
    QueueFull,
    RecorderUnavailable,
    RecordingBacklogFull,
    ReplayerUnavailable,
)

SILENCE_S = 5.0
"""A process that publishes once a second and has said nothing for so long is not there."""
POLL_S = 1.0
ANSWER_S = 1.0
"""A status is answered at once, or the process is stuck."""


class Peer:
    """One process to ask.

    Attributes:
        client: for those who have words of their own for its not being there.
    """

    def __init__(self, bus: Bus, channel: str, unavailable: type[ParafoveaError]) -> None:
        self.client = Client(bus, channel)
        self._channel = channel
        self._unavailable = unavailable

    @property
    def connected(self) -> bool:
        """Whether somebody is at the other end."""
        return self.client.connected

    async def ask(
        self,
        message_type: str,
        body: dict[str, Any] | None = None,
        payloads: Sequence[Payload] = (),
        *,
        timeout_s: float,
    ) -> Reply:
        """Ask and wait.

        Raises:
            ParafoveaError: what the process answered, or that it is not there or does not answer.
        """
        try:
            return await self.client.call(message_type, body, payloads, timeout_s=timeout_s)
        except PeerGone:
            raise self._unavailable(f"The {self._channel} is not running; start it and try again.") from None
        except TimeoutError:
            raise self._unavailable(
                f"The {self._channel} did not answer '{message_type}' within {timeout_s:g} s; see its log."
            ) from None

    async def close(self) -> None:
        await self.client.close()


class Generator(Peer):
    """The generator's heartbeat, and its requests.

    Attributes:
        status: what it last said, None before the first time.
        epoch: of the last status.
        problem: why its last heartbeat could not be understood, or None.
    """

    def __init__(self, bus: Bus, on_status: Callable[[Published], None], on_epoch: Callable[[str], None]) -> None:
        super().__init__(bus, "generator", GeneratorUnavailable)
        self._heartbeat = Subscriber(bus, "frames", [Status.type])
        self._on_status = on_status
        self._on_epoch = on_epoch
        self._heard_at = float("-inf")
        self.status: Heartbeat | None = None
        self.problem: str | None = None

    @property
    def epoch(self) -> str | None:
        return self.status.epoch if self.status else None

    @property
    def is_there(self) -> bool:
        """Connected, and heard of lately."""
        return self.connected and time.monotonic() - self._heard_at < SILENCE_S

    async def listen(self) -> None:
        """Follow the heartbeat until cancelled."""
        async for message in self._heartbeat:
            try:
                status = Heartbeat.model_validate(message.header)
            except ValidationError as error:
                self._heartbeat.unusable(message, error)
                self.problem = f"its heartbeat cannot be understood ({invalid_request(error).detail[:300]})"
                continue
            self.problem = None
            is_new = status.epoch != self.epoch
            self.status, self._heard_at = status, time.monotonic()
            if is_new:
                self._on_epoch(status.epoch)
            self._on_status(message)

    def check_accepts(self, queue_limit: int, *, recording: bool) -> None:
        """Whether it would take a job, by its last word.

        Raises:
            ParafoveaError: what it would answer.
        """
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


class Replayer(Peer):
    """The replayer's requests, and whether it is well."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus, "replayer", ReplayerUnavailable)
        self.problem: str | None = "it has not answered yet"
        self.has_answered = False

    async def follow(self) -> None:
        """Ask for its state now and then, until cancelled."""
        while True:
            try:
                # A cursor that nobody has: a status of one in use reads its session.
                await self.ask("status", CursorRequest(cursor=".health").model_dump(), timeout_s=ANSWER_S)
                self.problem, self.has_answered = None, True
            except ParafoveaError as error:
                self.problem = error.detail
            await asyncio.sleep(2 * POLL_S)


def recorder(bus: Bus) -> Peer:
    """The recorder, to ask."""
    return Peer(bus, "recorder", RecorderUnavailable)
