"""The generator as a re-run sees it: one background job at a time, by one model."""

from __future__ import annotations

import asyncio

from services.replayer.reruns.plan import JOB_TIMEOUT_S
from shared.bus.messages import Heartbeat
from shared.bus.requests import Cancel, Generate
from shared.bus.rpc import Client, PeerGone, read
from shared.errors import ParafoveaError

ANSWER_S = 5.0
CANCEL_S = 0.8


class PeerAway(Exception):
    """A process that is needed is not there; the message says which. It is waited for."""


class Refused(Exception):
    """It cannot go on; the message says why."""


class Maker:
    """Asks the generator.

    Args:
        model: revision of the model that must make the frames.
    """

    def __init__(self, generator: Client, model: str) -> None:
        self._generator = generator
        self._model = model

    async def check(self) -> None:
        """Whether it is there, with the model that this re-run began with.

        Raises:
            PeerAway, Refused: not there (yet), or another model.
        """
        try:
            status = read(Heartbeat, await self._generator.call("status", timeout_s=ANSWER_S))
        except (PeerGone, TimeoutError):
            raise PeerAway("the generator does not answer") from None
        if status.state != "ready" or status.model is None:
            raise PeerAway(f"the generator is {status.state}")
        if status.model.revision != self._model:
            raise Refused(
                f"the generator runs another model now, {status.model.id}; a session is made with one model. "
                "Start it with the one that this re-run began with, and resume"
            )

    async def make(self, request: Generate, source: bytes) -> bytes:
        """The PNG of a request. Cancelled, it takes the job with it.

        Raises:
            PeerAway: it went away; whether the frame was made is not known.
            ParafoveaError: the error that it answered.
        """
        try:
            reply = await self._generator.call(
                "generate", request.model_dump(), (source,), timeout_s=JOB_TIMEOUT_S + ANSWER_S
            )
            return reply.payload
        except (PeerGone, TimeoutError):
            raise PeerAway("the generator went away") from None
        except asyncio.CancelledError:
            await self._cancel(request.request_id)
            raise

    async def _cancel(self, request_id: str) -> None:
        try:
            await self._generator.call("cancel", Cancel(request_id=request_id).model_dump(), timeout_s=CANCEL_S)
        except (PeerGone, TimeoutError, ParafoveaError):
            return  # it ends by itself
