"""The other processes, to be asked what is in their :class:`Call`, and one kind of error for one that is not there.

Who asks gets a :class:`ParafoveaError` and nothing else: what the process answered, or ``generator_unavailable``,
``recorder_unavailable``, ``replayer_unavailable`` where nobody is there, it went away, or it does not answer in time.
Whether a request was carried out is then not known; those that change something may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from shared.bus.call import AnswerT, AskedT, Call, WithImage
from shared.bus.envelope import Payload, Reply
from shared.bus.requests import generator, preparing, replayer
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
TOLD_S = 2.0
LAST_TOLD_S = 0.2
"""How long who closes lets what it gives up reach the generator."""


@dataclass(frozen=True, slots=True)
class AsOf(Generic[AnswerT]):
    """An answer, and when it was given, by the monotonic clock of who answered: what was published later is newer."""

    answer: AnswerT
    at_ns: int


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
        self._telling: set[asyncio.Task[None]] = set()
        """What is given up, on its way."""

    async def close(self) -> None:
        if self._telling:
            await asyncio.wait(self._telling, timeout=LAST_TOLD_S)
        await super().close()

    async def generate(self, wanted: generator.Generate, image: bytes, *, grace_s: float = GRACE_S) -> WithImage[Frame]:
        """Have a frame made. A job that nobody waits for any more, cancelled or timed out, is dropped there as well.

        Raises:
            GenerationTimeout: not within ``wanted.timeout_ms``.
            ParafoveaError: why there is none.
        """
        frame, png = await self.frame(wanted, image, grace_s=grace_s)
        return WithImage(frame, bytes(png))

    async def frame(
        self, wanted: generator.Generate, image: bytes, *, grace_s: float = GRACE_S
    ) -> tuple[Frame, Payload]:
        """:meth:`generate` for who passes the PNG on: it is not copied."""
        reply = await self._make(generator.GENERATE, wanted, (image,), grace_s)
        png = _uncopied(reply)
        return read(Frame, reply), png

    async def commit(self, wanted: preparing.Commit, *, grace_s: float = GRACE_S) -> tuple[Frame, Payload | None]:
        """Make a frame of a preparation: it, and its PNG where that is wanted. Like :meth:`frame` in all else."""
        reply = await self._make(preparing.COMMIT, wanted, (), grace_s)
        png = _uncopied(reply) if wanted.with_picture else None
        return read(Frame, reply), png

    async def _make(
        self,
        call: Call[Any, Frame],
        wanted: generator.Generate | preparing.Commit,
        payloads: tuple[bytes, ...],
        grace_s: float,
    ) -> Reply:
        timeout_s = wanted.timeout_ms / 1000
        try:
            return await self._client.call(
                call.name, wanted.flat(), payloads, timeout_s=timeout_s + grace_s, as_views=True
            )
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
        # One that is not told drops the job at its deadline.
        self._tell(generator.CANCEL, generator.Cancel(request_id=request_id))

    async def prepare(self, wanted: preparing.Prepare, image: bytes = b"") -> AsOf[preparing.Preparations]:
        """Have changes made ahead. Raises UnknownImage: the picture is named, and has to be sent; ParafoveaError: why
        there are none."""
        return await self._ask_dated(preparing.PREPARE, wanted, (image,))

    async def prepared(self, prepared_id: str) -> AsOf[preparing.PreparedAnswer]:
        """How a preparation stands; its lease is renewed by that. Raises NotFound: it is gone; ParafoveaError."""
        asked = preparing.PreparedRequest(prepared_id=prepared_id, with_sector=False)
        return await self._ask_dated(preparing.PREPARED, asked)

    def drop_prepared(self, prepared_id: str) -> None:
        """Tell it, without waiting, that nobody wants a preparation any more."""
        # One that is not told gives it up when its lease ends.
        self._tell(preparing.DROP_PREPARED, preparing.PreparedRequest(prepared_id=prepared_id))

    async def _ask_dated(
        self, call: Call[AskedT, AnswerT], asked: AskedT, payloads: tuple[bytes, ...] = ()
    ) -> AsOf[AnswerT]:
        with self._reaching(call) as within_s:
            reply: Reply = await self._client.call(call.name, asked.flat(), payloads, timeout_s=within_s)
        at_ns = reply.body.get("monotonic_ns")
        return AsOf(read(call.answer, reply), at_ns if isinstance(at_ns, int) else 0)

    def _tell(self, call: Call[AskedT, AnswerT], asked: AskedT) -> None:
        task = asyncio.create_task(self._told(call, asked))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _told(self, call: Call[AskedT, AnswerT], asked: AskedT) -> None:
        with suppress(ParafoveaError):
            await self.ask(call, asked, timeout_s=TOLD_S)


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


def _uncopied(reply: Reply) -> Payload:
    """The picture behind an answer, as it came. Raises StrangeAnswer: there is none."""
    return reply.payloads[0] if reply.payloads else reply.payload
