"""The other processes, to be asked what is in their :class:`Call`, and one kind of error for one that is not there.

Who asks gets a :class:`ParafoveaError` and nothing else: what the process answered, or ``generator_unavailable``,
``recorder_unavailable``, ``replayer_unavailable`` where nobody is there, it went away, or it does not answer in time.
Whether a request was carried out is then not known; those that change something may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from shared.bus.call import AnswerT, AskedT, Call, WithImage
from shared.bus.requests import generator, replayer
from shared.bus.rpc import Client, PeerGone, read
from shared.bus.sockets import Bus
from shared.errors import (
    GazeUnavailable,
    GenerationTimeout,
    GeneratorUnavailable,
    ParafoveaError,
    RecorderUnavailable,
    ReplayerUnavailable,
)
from shared.frame import Frame

GRACE_S = 0.25
"""The generator keeps the deadline of a job itself, and its word comes first; it is waited for this much longer."""
CANCEL_S = 2.0
LAST_CANCELS_S = 0.2
"""How long who closes lets its cancels reach the generator."""


class Peer:
    """One process, to be asked. One owner, any number of requests at a time."""

    channel: ClassVar[str]
    named: ClassVar[str] = ""
    """What errors call it; empty: as its channel."""
    unavailable: ClassVar[type[ParafoveaError]]

    def __init__(self, bus: Bus) -> None:
        self._client = Client(bus, self.channel)

    @property
    def connected(self) -> bool:
        """Whether somebody is at the other end, as far as this end knows."""
        return self._client.connected

    @property
    def met(self) -> bool:
        """Whether somebody has been at the other end, now or before."""
        return self._client.met

    async def close(self) -> None:
        """Close the socket; requests under way fail."""
        await self._client.close()

    async def ask(
        self, call: Call[AskedT, AnswerT], asked: AskedT | None = None, *, timeout_s: float | None = None
    ) -> AnswerT:
        """Ask anything. Raises ParafoveaError: what it answered, or that it is not there or does not answer."""
        with self._reaching(call, timeout_s) as within_s:
            return await self._client.ask(call, asked, timeout_s=within_s)

    async def ask_for_image(self, call: Call[AskedT, AnswerT], asked: AskedT) -> WithImage[AnswerT]:
        """:meth:`ask` where the answer has an image."""
        with self._reaching(call) as within_s:
            return await self._client.ask_for_image(call, asked, timeout_s=within_s)

    @contextmanager
    def _reaching(self, call: Call[AskedT, AnswerT], timeout_s: float | None = None) -> Iterator[float]:
        """While an answer is waited for, for so many seconds."""
        within_s = call.timeout_s if timeout_s is None else timeout_s
        named = self.named or self.channel
        try:
            yield within_s
        except PeerGone:
            raise self.unavailable(f"The {named} is not running; start it and try again.") from None
        except TimeoutError:
            told = f"The {named} did not answer '{call.name}' within {within_s:g} s; see its log."
            raise self.unavailable(told) from None


class GeneratorClient(Peer):
    """The generator."""

    channel = "generator"
    unavailable = GeneratorUnavailable

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self._cancels: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        if self._cancels:
            await asyncio.wait(self._cancels, timeout=LAST_CANCELS_S)
        await super().close()

    async def generate(self, wanted: generator.Generate, image: bytes, *, grace_s: float = GRACE_S) -> WithImage[Frame]:
        """Have a frame made. A job that nobody waits for any more, cancelled or timed out, is dropped there as well.

        Raises:
            GenerationTimeout: not within ``wanted.timeout_ms``.
            ParafoveaError: why there is none.
        """
        timeout_s = wanted.timeout_ms / 1000
        try:
            return await self._client.ask_for_image(generator.GENERATE, wanted, image, timeout_s=timeout_s + grace_s)
        except PeerGone:
            raise GeneratorUnavailable(
                "The generator is not running, or went away; try again when it is back."
            ) from None
        except TimeoutError:
            self.drop(wanted.request_id)
            raise GenerationTimeout(
                f"The picture was not ready within {timeout_s:g} s; ask for fewer steps, or raise "
                "PARAFOVEA_GENERATION_TIMEOUT_S."
            ) from None
        except asyncio.CancelledError:
            self.drop(wanted.request_id)
            raise

    def drop(self, request_id: str) -> None:
        """Tell it, without waiting, that nobody waits for a job any more."""
        task = asyncio.create_task(self._cancel(request_id))
        self._cancels.add(task)
        task.add_done_callback(self._cancels.discard)

    async def _cancel(self, request_id: str) -> None:
        # One that is not told drops the job at its deadline.
        with suppress(ParafoveaError):
            await self.ask(generator.CANCEL, generator.Cancel(request_id=request_id), timeout_s=CANCEL_S)


class RecorderClient(Peer):
    """The recorder."""

    channel = "recorder"
    unavailable = RecorderUnavailable


class ReplayerClient(Peer):
    """The replayer."""

    channel = "replayer"
    unavailable = ReplayerUnavailable

    async def step(
        self, call: Call[replayer.CursorRequest, replayer.ReplayedFrame], asked: replayer.CursorRequest
    ) -> WithImage[replayer.ReplayedFrame] | None:
        """Move a cursor by a frame (:data:`replayer.NEXT`, :data:`replayer.PREVIOUS`); None at the end."""
        with self._reaching(call) as within_s:
            reply = await self._client.call(call.name, asked.flat(), timeout_s=within_s)
        shown = read(call.answer, reply)
        return None if shown.complete or shown.entry is None else WithImage(shown, reply.payload)


class GazeClient(Peer):
    """The gaze process."""

    channel = "gaze-control"
    named = "gaze process"
    unavailable = GazeUnavailable
