"""One re-run: a session made again, frame by frame, by the generator, behind every live request.

Its frames are stamped with the new session, which the recorder writes beside the active one. What is made is known from
the new session alone, so a re-run that was broken off at any point goes on behind its last frame.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from services.replayer.reruns.maker import Maker, OtherModel, PeerAway, check_maker
from services.replayer.reruns.plan import Step, steps
from services.replayer.reruns.sources import last_origin, new_version
from shared.bus.clients import GeneratorClient, RecorderClient
from shared.bus.requests import generator, recorder
from shared.bus.requests.replayer import RerunChanges, RerunState, SkippedFrame
from shared.errors import GeneratorLoading, GeneratorUnavailable, ParafoveaError, RecorderUnavailable
from shared.frame import SessionStamp
from shared.ids import new_id
from shared.remaking import BUSY
from shared.session.reading.reader import NoInput, SessionReader, open_session

log = logging.getLogger(__name__)

State = Literal["queued", "running", "waiting", "complete", "cancelled", "failed", "interrupted"]

ANSWER_S = 5.0
RETRY_S = 0.5
MAX_BEHIND = 4
"""Frames of a re-run that may wait for the recorder: the backlog is for live frames."""
MAX_SKIPPED = 1000


@dataclass(eq=False)
class Rerun:
    """A session on its way.

    Attributes:
        parent: id of the session that is made again.
        stamp: of the new session, which the recorder has opened.
        changes, changed: what is different, and what the new session's head says of it.
        maker: the model that it is made with, as the generator had it last.
        skipped: frames that could not be made again, the first :data:`MAX_SKIPPED`.
    """

    root: Path
    parent: str
    stamp: SessionStamp
    changes: RerunChanges
    changed: dict[str, Any]
    maker: Maker
    generator: GeneratorClient
    recorder: RecorderClient
    skipped: list[SkippedFrame] = field(default_factory=list, init=False)
    _state: State = field(default="queued", init=False)
    _reason: str | None = field(default=None, init=False)
    _done: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)
    _last: tuple[int, bytes] | None = field(default=None, init=False)
    """The last frame made: index of the parent's, and its PNG."""

    def state(self) -> RerunState:
        return RerunState(
            session_id=self.stamp.session_id,
            parent=self.parent,
            state=self._state,
            done=self._done,
            total=self._total,
            skipped=tuple(self.skipped),
            reason=self._reason,
            changed=self.changed,
        )

    async def run(self, turn: asyncio.Lock) -> None:
        """Make what is not made yet; one re-run at a time has its ``turn``. Cancelling the task gives it up."""
        try:
            async with turn:
                await self._go()
            await self.close()
            self._state, self._reason = "complete", None
        except asyncio.CancelledError:
            self._state, self._reason = "cancelled", None
            raise
        except (OtherModel, ParafoveaError, OSError) as error:
            self._state, self._reason = "failed", str(error)
            log.error("the re-run into %s failed: %s", self.stamp.session_id, error)
        except Exception as error:
            self._state, self._reason = "failed", f"{type(error).__name__}: {error}"
            log.exception("the re-run into %s failed", self.stamp.session_id)

    async def close(self) -> None:
        """Tell the recorder that no more frames come."""
        try:
            asked = recorder.StopSession(session_id=self.stamp.session_id)
            await self.recorder.ask(recorder.STOP, asked, timeout_s=ANSWER_S)
        except ParafoveaError as error:
            log.info("the recorder closes %s by itself (%s)", self.stamp.session_id, error)

    async def _go(self) -> None:
        parent = await asyncio.to_thread(open_session, self.root, self.parent)
        try:
            self._total = parent.count
            while True:
                try:
                    self.maker = await check_maker(self.generator, self.maker)
                    # What an earlier attempt may have left under way comes first: a job, and frames not on disk yet.
                    await self._recorded(0)
                    made = await asyncio.to_thread(last_origin, self.root, self.stamp.session_id)
                    self._state, self._reason = "running", None
                    await self._make_all(parent, made)
                    await self._recorded(0)
                    return
                except PeerAway as away:
                    self._state, self._reason = "waiting", str(away)
                    await asyncio.sleep(RETRY_S)
        finally:
            await asyncio.shield(asyncio.to_thread(parent.close))

    async def _make_all(self, parent: SessionReader, made: int | None) -> None:
        entries = islice(parent.shown_from(0), self._total)
        course = steps(self.parent, self.stamp.session_id, entries, self.changes)
        self._done = 0
        while (following := await asyncio.to_thread(_behind, course, made)) is not None:
            passed, step = following
            self._done += passed
            problem = await self._make(parent, step)
            self._done += 1
            if problem is not None and len(self.skipped) < MAX_SKIPPED:
                self.skipped.append(SkippedFrame(index=step.index, reason=problem))
            await self._recorded(MAX_BEHIND)
        self._done = self._total

    async def _make(self, parent: SessionReader, step: Step) -> str | None:
        """Make one frame; None, or why that is not possible. Raises PeerAway: somebody who is needed is not there;
        OtherModel: another model than this one's has made it."""
        if step.request is None:
            return step.problem
        source = await asyncio.to_thread(self._input, parent, step)
        if isinstance(source, str):
            return source
        while True:
            # One that was given up may be under way still: each try has an id of its own.
            request_id = f"{step.request.request_id}-{new_id()[:8]}"
            own = {"session": self.stamp, "request_id": request_id, "model": self.maker.name}
            request = step.request.model_copy(update=own)
            try:
                made = await self.generator.generate(request, source, grace_s=ANSWER_S)
            except (GeneratorUnavailable, GeneratorLoading) as error:
                raise PeerAway(error.detail) from None
            except BUSY as error:
                self._state, self._reason = "waiting", error.detail
                await asyncio.sleep(RETRY_S)
                continue
            except ParafoveaError as error:
                log.warning("frame %d of %s is left out: %s", step.index, self.parent, error.detail)
                return error.detail
            self.maker.check_made(made.answer.model)
            self._state, self._reason = "running", None
            self._last = (step.index, made.image)
            return None

    def _input(self, parent: SessionReader, step: Step) -> bytes | str:
        """The bytes to change, or why there are none. In a thread."""
        if step.fed_by is not None:
            if self._last is not None and self._last[0] == step.fed_by:
                return self._last[1]
            return new_version(self.root, self.stamp.session_id, step.fed_by)
        try:
            return parent.recorded_input(step.entry)
        except NoInput as error:
            return str(error)

    async def _recorded(self, behind: int) -> None:
        """Wait until at most so many frames are not on disk. Raises PeerAway: the recorder is not there, or the
        generator has been started anew."""
        while True:
            try:
                pending = await self._waiting()
            except (GeneratorUnavailable, RecorderUnavailable):
                raise PeerAway("the recorder or the generator does not answer") from None
            if pending <= behind:
                return
            if behind:
                self._state, self._reason = "waiting", "the recorder is behind"
            await asyncio.sleep(RETRY_S / 10)

    async def _waiting(self) -> int:
        """Frames of the new session that are not on disk: those that the recorder knows; or those that the generator
        holds, of which it may not have heard yet, with those under way, as a replayer that was killed leaves one."""
        session_id = self.stamp.session_id
        # The generator first: what it holds no more by now, the recorder has taken over.
        heartbeat = await self.generator.ask(generator.STATUS)
        self.maker.check_life(heartbeat)
        status = await self.recorder.ask(recorder.STATUS)
        held = sum(each.frames for each in heartbeat.sessions if each.session_id == session_id)
        known = sum(each.pending for each in status.sessions if each.session_id == session_id)
        return max(held + heartbeat.making.get(session_id, 0), known)


def _behind(course: Iterator[Step], made: int | None) -> tuple[int, Step] | None:
    """The next step behind the last one that is made, and how many were passed."""
    return next(((passed, step) for passed, step in enumerate(course) if made is None or step.index > made), None)
