"""The other processes as functions: typed requests and answers, and one kind of error for one that is not there.

Who asks gets a :class:`ParafoveaError` and nothing else: what the process answered, or ``generator_unavailable``,
``recorder_unavailable``, ``replayer_unavailable`` where nobody is there, it went away, or it does not answer in time.
Whether a request was carried out is then not known; those that change something may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from shared.bus.call import AnswerT, AskedT, Call, WithImage
from shared.bus.messages import Heartbeat
from shared.bus.requests import generator, recorder, replayer
from shared.bus.rpc import Client, PeerGone, read
from shared.bus.sockets import Bus
from shared.errors import (
    GenerationTimeout,
    GeneratorUnavailable,
    ParafoveaError,
    RecorderUnavailable,
    ReplayerUnavailable,
)
from shared.frame import Frame, FrameKey, FrameRef, SessionStamp

ANSWER_S = 5.0
"""For what is answered from memory: whoever takes longer is stuck."""
TRANSFER_S = 10.0
"""For an image."""
CHANGE_S = 10.0
"""For what waits for the disk of the sessions: that it is slow is no reason to give up."""
OPEN_S = 60.0
"""For what reads a session: one of 100,000 frames takes its time, and longer where another hand has laid it out."""
GRACE_S = 0.25
"""The generator keeps the deadline of a job itself, and its word comes first; it is waited for this much longer."""
CANCEL_S = 2.0
LAST_CANCELS_S = 0.2
"""How long who closes lets its cancels reach the generator."""


class Peer:
    """One process, to be asked. One owner, any number of requests at a time."""

    channel: ClassVar[str]
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

    async def ask(self, call: Call[AskedT, AnswerT], asked: AskedT | None = None, *, timeout_s: float) -> AnswerT:
        """Ask anything.

        Raises:
            ParafoveaError: what the process answered, or that it is not there or does not answer.
        """
        with self._reaching(call.name, timeout_s):
            return await self._client.ask(call, asked, timeout_s=timeout_s)

    async def ask_for_image(
        self, call: Call[AskedT, AnswerT], asked: AskedT, *, timeout_s: float
    ) -> WithImage[AnswerT]:
        """:meth:`ask` where the answer has an image."""
        with self._reaching(call.name, timeout_s):
            return await self._client.ask_for_image(call, asked, timeout_s=timeout_s)

    @contextmanager
    def _reaching(self, name: str, timeout_s: float) -> Iterator[None]:
        try:
            yield
        except PeerGone:
            raise self.unavailable(f"The {self.channel} is not running; start it and try again.") from None
        except TimeoutError:
            told = f"The {self.channel} did not answer '{name}' within {timeout_s:g} s; see its log."
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

    async def ask_status(self, *, timeout_s: float = ANSWER_S) -> Heartbeat:
        """How it stands."""
        return await self.ask(generator.STATUS, timeout_s=timeout_s)

    async def pending(self, *, timeout_s: float = ANSWER_S) -> generator.Listing:
        """All frames that it holds until they are acknowledged."""
        return await self.ask(generator.PENDING, timeout_s=timeout_s)

    async def fetch(self, ref: FrameRef, *, timeout_s: float = TRANSFER_S) -> WithImage[Frame]:
        """One frame that it holds, and its PNG."""
        return await self.ask_for_image(generator.FETCH, generator.Fetch(**ref.model_dump()), timeout_s=timeout_s)

    async def input(self, sha256: str, *, timeout_s: float = TRANSFER_S) -> bytes:
        """An input image that a frame which it holds was made of."""
        asked = generator.InputRequest(sha256=sha256)
        return (await self.ask_for_image(generator.INPUT, asked, timeout_s=timeout_s)).image

    async def acknowledge(self, asked: generator.Acknowledge, *, timeout_s: float = ANSWER_S) -> int:
        """Frames are on disk for good; how many it let go."""
        return (await self.ask(generator.ACKNOWLEDGE, asked, timeout_s=timeout_s)).released

    async def vocabulary(self, *, timeout_s: float = ANSWER_S) -> generator.Vocabulary:
        """What its model can be asked for."""
        return await self.ask(generator.VOCABULARY, timeout_s=timeout_s)


class RecorderClient(Peer):
    """The recorder."""

    channel = "recorder"
    unavailable = RecorderUnavailable

    async def start(self, wanted: recorder.StartSession, *, timeout_s: float = CHANGE_S) -> recorder.StartedSession:
        """Begin a session, or go on with one."""
        return await self.ask(recorder.START, wanted, timeout_s=timeout_s)

    async def stop(self, session_id: str | None = None, *, timeout_s: float = CHANGE_S) -> recorder.StoppedSession:
        """End the active session, or one that is recorded beside it."""
        return await self.ask(recorder.STOP, recorder.StopSession(session_id=session_id), timeout_s=timeout_s)

    async def resume(self, stamp: SessionStamp, *, timeout_s: float = CHANGE_S) -> recorder.StartedSession:
        """Tell one that has come back which session is active."""
        return await self.ask(recorder.RESUME, recorder.ResumeSession(**stamp.model_dump()), timeout_s=timeout_s)

    async def ask_status(
        self, frames: Iterable[FrameKey] | None = None, *, timeout_s: float = ANSWER_S
    ) -> recorder.RecorderStatus:
        """How it stands, and which of these frames are on disk."""
        asked = None
        if frames is not None:
            asked = recorder.StatusRequest(frames=tuple(recorder.AskedFrame(**one.model_dump()) for one in frames))
        return await self.ask(recorder.STATUS, asked, timeout_s=timeout_s)

    async def delete(self, session_id: str, *, timeout_s: float = CHANGE_S) -> None:
        """Remove a session."""
        await self.ask(recorder.DELETE, recorder.DeleteSession(session_id=session_id), timeout_s=timeout_s)

    async def adopt(self, wanted: recorder.ImportSession, *, timeout_s: float = CHANGE_S) -> None:
        """Give a session that lies staged its place."""
        await self.ask(recorder.IMPORT, wanted, timeout_s=timeout_s)

    async def repair(self, session_id: str, *, timeout_s: float = OPEN_S) -> recorder.Repaired:
        """Mend a session."""
        return await self.ask(recorder.REPAIR, recorder.RepairSession(session_id=session_id), timeout_s=timeout_s)


class ReplayerClient(Peer):
    """The replayer."""

    channel = "replayer"
    unavailable = ReplayerUnavailable

    async def step(
        self, call: Call[replayer.CursorRequest, replayer.ReplayedFrame], asked: replayer.CursorRequest
    ) -> WithImage[replayer.ReplayedFrame] | None:
        """Move a cursor by a frame (:data:`replayer.NEXT`, :data:`replayer.PREVIOUS`); None at the end."""
        with self._reaching(call.name, TRANSFER_S):
            reply = await self._client.call(call.name, asked.flat(), timeout_s=TRANSFER_S)
        shown = read(call.answer, reply)
        return None if shown.complete or shown.entry is None else WithImage(shown, reply.payload)

    async def rerun(self, wanted: replayer.StartRerun, *, timeout_s: float = OPEN_S) -> replayer.RerunState:
        """Begin, or go on with, a re-run."""
        return await self.ask(replayer.RERUN, wanted, timeout_s=timeout_s)

    async def rerun_status(self, session_id: str, *, timeout_s: float = TRANSFER_S) -> replayer.RerunState:
        """How the re-run into a session stands."""
        asked = replayer.RerunRequest(session_id=session_id)
        return await self.ask(replayer.RERUN_STATUS, asked, timeout_s=timeout_s)

    async def rerun_cancel(self, session_id: str, *, timeout_s: float = TRANSFER_S) -> replayer.RerunState:
        """Give a re-run up."""
        asked = replayer.RerunRequest(session_id=session_id)
        return await self.ask(replayer.RERUN_CANCEL, asked, timeout_s=timeout_s)
