"""The generator as a re-run sees it: one background job at a time, by one model."""

from __future__ import annotations

from shared.bus.clients import GeneratorClient
from shared.bus.requests.generator import Generate
from shared.errors import GeneratorLoading, GeneratorUnavailable

ANSWER_S = 5.0


class PeerAway(Exception):
    """A process that is needed is not there; the message says which. It is waited for."""


class Refused(Exception):
    """It cannot go on; the message says why."""


class Maker:
    """Asks the generator.

    Args:
        model: revision of the model that must make the frames.
    """

    def __init__(self, generator: GeneratorClient, model: str) -> None:
        self._generator = generator
        self._model = model

    async def check(self) -> None:
        """Whether it is there, with the model that this re-run began with.

        Raises:
            PeerAway, Refused: not there (yet), or another model.
        """
        try:
            status = await self._generator.ask_status()
        except GeneratorUnavailable:
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
            return (await self._generator.generate(request, source, grace_s=ANSWER_S)).image
        except (GeneratorUnavailable, GeneratorLoading) as error:
            raise PeerAway(error.detail) from None
