"""The loop that writes: whichever session's next frame is here, in batches, around whatever the disk refuses."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from services.recorder.archive import RootTrouble, Written
from services.recorder.generator_link import GeneratorAway
from services.recorder.ledger.backoff import FIRST_RETRY_S, LONGEST_RETRY_S, Troubles
from services.recorder.ledger.losses import Losses
from services.recorder.ledger.streams import GivenUp, Tapped
from shared.bus.messages import FrameRecorded
from shared.frame import FrameRef
from shared.session.writing.frames import CorruptFrame, RecordedFrame
from shared.session.writing.spill import SpilledFrame

if TYPE_CHECKING:
    from services.recorder.service import Recorder

log = logging.getLogger(__name__)

BATCH_FRAMES = 16
BATCH_BYTES = 32 * 1024 * 1024
HOLD_S = 60.0
"""How long a re-run's session stays open without a frame."""
END_S = 1.0
"""How long who ends a session waits for it to be closed; a disk that is slower than this closes it later."""


class Recording:
    """Writes what the intake has ready, and what a generator spilled before that.

    Attributes:
        losses: frames that can come no more.
        recorded: entries by session, of those that are open.
        root_trouble: what is wrong with the sessions folder as a whole, or None.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._intake = recorder.intake
        self._news = asyncio.Event()
        self._troubles = Troubles()
        self._root_retry_s = FIRST_RETRY_S
        self._recovered = False
        self._spill_first = True
        self._spilled: dict[str, list[SpilledFrame]] = {}
        self._torn: set[str] = set()
        self._missed_inputs: dict[str, int] = {}
        self._stopping = False
        self._held: dict[str, float] = {}
        self._ended: dict[str, asyncio.Future[int]] = {}
        self.losses = Losses()
        self.recorded: dict[str, int] = {}
        self.root_trouble: str | None = None

    # -- what others ask ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """There may be something to write."""
        self._news.set()

    def take_spill_first(self) -> None:
        """A generator has gone: what it left goes before what its successor makes."""
        self._spill_first = True

    @property
    def is_settled(self) -> bool:
        """Whether everything that a generator of the past left has been looked at."""
        return self._recovered and not self._spill_first

    def stop(self) -> None:
        """Write nothing more."""
        self._stopping = True

    def is_stuck(self) -> bool:
        """Whether nothing can be written now: no frame is here, or the disk refuses each session that has one."""
        return self.root_trouble is not None or all(
            self._troubles.sentence(session_id) for session_id in self._intake.ready()
        )

    def sessions(self) -> list[str]:
        """Sessions with frames that are not on disk yet."""
        return list(dict.fromkeys([*self._spilled, *self._intake.sessions()]))

    def pending(self, session_id: str) -> int:
        """Frames of a session known to exist and not yet on disk."""
        return self._intake.pending(session_id) + len(self._spilled.get(session_id, ()))

    def give_up(self, now_s: float) -> None:
        """Step over frames that can come no more: their generator is gone, and so is its spill."""
        if self.is_settled:
            self.losses.add(self._intake.give_up(now_s, waiting=self._spilled), now_s)

    def has_spilled(self, session_id: str) -> bool:
        """Whether frames of a session wait in the spill."""
        return session_id in self._spilled

    def named(self, session_id: str, frames: Mapping[tuple[str, int], str], lost: list[str]) -> None:
        """The API knew what these frames, by epoch and number, are called; those in ``lost`` are written down."""
        self.losses.settled(session_id, frames, lost)
        self.recorded.setdefault(session_id, 0)
        self.look()

    def trouble(self, session_id: str) -> str | None:
        """Why a session's frames wait."""
        return self._troubles.sentence(session_id)

    def troubled(self) -> list[str]:
        """Sessions that the disk refuses."""
        return self._troubles.sessions()

    def hold(self, session_id: str) -> None:
        """Keep a session open between its frames though it is not active: opening it again costs a reading of it all.

        Whoever makes its frames may die, so it is let go after some time without any."""
        self._held[session_id] = time.monotonic() + HOLD_S

    def is_held(self, session_id: str) -> bool:
        """Whether more frames are expected of a session that is not the active one."""
        return self._held.get(session_id, 0.0) > time.monotonic()

    def let_go(self, session_id: str) -> None:
        """No more frames are expected: it is closed once those that there are are on disk."""
        self._held.pop(session_id, None)
        self.look()

    def ending(self, session_id: str) -> asyncio.Future[int]:
        """What will hold how many frames a session has when it is closed, for :meth:`ended`. To be asked for before the
        session is ended: from then on it may be closed at any moment."""
        return self._ended.setdefault(session_id, asyncio.get_running_loop().create_future())

    async def ended(self, session_id: str, closed: asyncio.Future[int]) -> tuple[int, int]:
        """Wait a short moment until a session that was ended is closed; how many frames it has, and how many wait.

        So its files are final where nothing waits: whoever packs them next packs no session that says it is open."""
        self.look()
        is_open = session_id in self.recorded
        if not is_open and not self.pending(session_id):
            self._ended.pop(session_id, None)  # nothing of that name will be closed
        if not closed.done() and (not is_open or self.trouble(session_id) or self.root_trouble):
            return self.recorded.get(session_id, 0), self.pending(session_id)
        try:
            async with asyncio.timeout(END_S):
                return await asyncio.shield(closed), 0
        except TimeoutError:
            return self.recorded.get(session_id, 0), self.pending(session_id)

    def opened(self, session_id: str, count: int) -> None:
        """A session is open, with so many entries."""
        self.recorded[session_id] = count
        self._troubles.over(session_id)

    def forget(self, session_id: str) -> None:
        """A session was deleted."""
        self.recorded.pop(session_id, None)
        self._ended.pop(session_id, None)
        self._held.pop(session_id, None)
        self._troubles.over(session_id)
        self._intake.forget_session(session_id)

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Write until cancelled."""
        while not self._stopping:
            self._news.clear()
            progressed = await self._prepare() and await self._round()
            if not progressed:
                await self._wait()

    async def _wait(self) -> None:
        due_s = self._troubles.next_try_s()
        delay_s = LONGEST_RETRY_S if due_s is None else max(0.0, due_s - time.monotonic())
        if self.root_trouble is not None:
            delay_s, self._root_retry_s = self._root_retry_s, min(2 * self._root_retry_s, LONGEST_RETRY_S)
            await asyncio.sleep(delay_s)
            return
        try:
            async with asyncio.timeout(delay_s):
                await self._news.wait()
        except TimeoutError:
            return

    async def _prepare(self) -> bool:
        """Recover once, and read the spill whenever a generator has gone; whether the folder can be written to."""
        try:
            if not self._recovered:
                found = await self._recorder.blocking(self._recorder.archive.recover)
                self._recovered = True
                self._take_spill(found.spill.frames)
                self._spill_first = False
            elif self._spill_first:
                self._spill_first = False
                self._take_spill((await self._recorder.blocking(self._recorder.archive.read_spill)).frames)
            elif self.root_trouble is not None:
                await self._recorder.blocking(self._recorder.archive.claim)
        except RootTrouble as error:
            self._met_root_trouble(error)
            return False
        self._root_is_well()
        return True

    def _take_spill(self, frames: list[SpilledFrame]) -> None:
        if frames:
            log.warning("%d frames of a stopped generator are in the spill; they are taken in first", len(frames))
        self._spilled.clear()
        for frame in frames:
            if frame.path.name not in self._torn:
                self._spilled.setdefault(str(frame.frame.session_id), []).append(frame)

    async def _round(self) -> bool:
        """One batch of each session whose turn has come; whether anything came of it."""
        progressed = False
        for session_id in dict.fromkeys([*self._spilled, *self._intake.ready()]):
            if self._spill_first or self._stopping:
                return True
            if self._troubles.may_try(session_id, time.monotonic()):
                progressed |= await self._try(session_id)
        await self._name_losses()
        await self._close_ended()
        return progressed

    async def _try(self, session_id: str) -> bool:
        """Write one batch of a session; whether that worked."""
        try:
            if session_id in self._spilled:
                await self._write_spilled(session_id)
            else:
                await self._write_ready(session_id)
        except GeneratorAway as error:
            self._troubles.met(session_id, str(error), time.monotonic())
        except RootTrouble as error:
            self._met_root_trouble(error)
        except CorruptFrame as error:
            ref = FrameRef(
                session_id=session_id, epoch=error.pending.frame.epoch, record_seq=error.pending.frame.record_seq or 0
            )
            self._recorder.upstream.unfit(ref)
            self._intake.refuse(ref)
            self._recorder.upstream.look()
            self._troubles.met(session_id, f"{error}; it is fetched again", time.monotonic())
        except OSError as error:
            self._troubles.met(session_id, f"the disk refuses: {error.strerror or error}", time.monotonic())
        except Exception as error:
            log.exception("session %s could not be written", session_id)
            self._troubles.met(session_id, f"{type(error).__name__}: {error}", time.monotonic())
        else:
            self._root_is_well()
            self._troubles.over(session_id)
            return True
        return False

    async def _write_ready(self, session_id: str) -> None:
        batch: list[Tapped] = []
        size = 0
        for tapped in islice(self._intake.upcoming(session_id), BATCH_FRAMES):
            if batch and size + len(tapped.png) > BATCH_BYTES:
                break
            batch.append(tapped)
            size += len(tapped.png)
        if not batch:
            return
        frames = [(tapped.frame, tapped.png) for tapped in batch]
        created_at = self._intake.created_at(session_id)
        inputs: dict[str, bytes | None] = {}
        while True:
            archive = self._recorder.archive
            written = await self._recorder.blocking(archive.write, session_id, created_at, frames, inputs)
            if not written.inputs_wanted:
                break
            for sha256 in written.inputs_wanted:
                inputs[sha256] = await self._input(sha256)
        await self._is_written(session_id, written)

    async def _write_spilled(self, session_id: str) -> None:
        frames = self._spilled[session_id][:BATCH_FRAMES]
        try:
            written = await self._recorder.blocking(self._recorder.archive.write_spilled, session_id, frames)
        except (ValueError, CorruptFrame) as error:
            if len(frames) > 1:  # find the one
                frames = frames[:1]
                written = await self._one_spilled(session_id, frames[0])
            else:
                written = self._give_spilled_up(session_id, frames[0], error)
        del self._spilled[session_id][: len(frames)]
        if not self._spilled[session_id]:
            del self._spilled[session_id]
        if not self._spilled and not self._torn:
            await self._recorder.blocking(self._recorder.archive.clear_spill)
        await self._is_written(session_id, written)

    async def _one_spilled(self, session_id: str, frame: SpilledFrame) -> Written:
        try:
            return await self._recorder.blocking(self._recorder.archive.write_spilled, session_id, [frame])
        except (ValueError, CorruptFrame) as error:
            return self._give_spilled_up(session_id, frame, error)

    def _give_spilled_up(self, session_id: str, frame: SpilledFrame, error: Exception) -> Written:
        log.error("a spilled frame of session %s cannot be used: %s", session_id, error)
        self._torn.add(frame.path.name)
        frame_id = frame.frame.frame_id
        lost = GivenUp(session_id, frame.frame.epoch, frame.frame.record_seq or 0, frame_id)
        self.losses.add([lost], time.monotonic())
        return Written(count=self.recorded.get(session_id, 0))

    async def _input(self, sha256: str) -> bytes | None:
        """An input image; None once it is certain that the generator which is there has it no more.

        Raises:
            GeneratorAway: it does not answer, or it must first be found out which generator it is.
        """
        data = await self._recorder.upstream.input(sha256)
        if data is not None:
            self._missed_inputs.pop(sha256, None)
            return data
        missed_at = self._missed_inputs.setdefault(sha256, self._intake.listings)
        if self._intake.listings > missed_at and not self._spill_first:
            del self._missed_inputs[sha256]
            log.error("nobody has the input %s any more; its frame is recorded without it", sha256)
            return None
        self._intake.wants_listing = True
        self._recorder.upstream.look()
        raise GeneratorAway("the generator does not have an input that a frame needs; it is asked what it holds")

    async def _is_written(self, session_id: str, written: Written) -> None:
        self.recorded[session_id] = written.count
        if session_id in self._held:
            self.hold(session_id)
        refs = [_ref(session_id, frame) for frame in written.frames]
        self._intake.wrote(refs)
        for frame in written.frames:
            if frame.index is not None and frame.filename is not None:
                await self._recorder.publish(
                    FrameRecorded(
                        session_id=session_id,
                        frame_id=frame.frame_id,
                        frame_epoch=frame.epoch,
                        record_seq=frame.record_seq,
                        index=frame.index,
                        filename=frame.filename,
                        sha256=frame.sha256,
                        bytes=frame.bytes,
                    )
                )
        self._recorder.upstream.acknowledge([ref for ref in refs if ref.epoch == self._intake.epoch])
        self._recorder.upstream.look()

    async def _name_losses(self) -> None:
        if not self.is_settled:
            return
        for session_id, frames in self.losses.due(time.monotonic()).items():
            if self.has_spilled(session_id) or not self._troubles.may_try(session_id, time.monotonic()):
                continue
            self.recorded.setdefault(session_id, 0)
            try:
                _, lost = await self._recorder.blocking(
                    self._recorder.archive.mark_lost, session_id, list(frames.values())
                )
            except (RootTrouble, OSError) as error:
                self._troubles.met(session_id, f"the disk refuses: {error}", time.monotonic())
                continue
            self.losses.settled(session_id, frames, lost)
            if lost:
                log.error("session %s: %d frames are lost: %s", session_id, len(lost), ", ".join(lost[:20]))

    async def _close_ended(self) -> None:
        """Close sessions that are not active and have nothing pending."""
        active = self._recorder.active
        for session_id in list(self.recorded):
            if self._recorder.is_changing:
                return  # what is opened in this moment must not be closed behind it
            if (active is not None and active.session_id == session_id) or self.pending(session_id):
                continue
            if self.is_held(session_id):
                continue
            if not self._troubles.may_try(session_id, time.monotonic()):
                continue
            try:
                await self._recorder.blocking(self._recorder.archive.close, session_id)
            except OSError as error:
                self._troubles.met(session_id, f"it could not be closed: {error.strerror}", time.monotonic())
                continue
            count = self.recorded.pop(session_id, 0)
            if (ended := self._ended.pop(session_id, None)) is not None:
                ended.set_result(count)
            self._troubles.over(session_id)

    def _met_root_trouble(self, error: RootTrouble) -> None:
        if self.root_trouble != str(error):
            log.error("%s; frames wait, and recording goes on when the cause is gone", error)
        self.root_trouble = str(error)

    def _root_is_well(self) -> None:
        if self.root_trouble is not None:
            log.info("the sessions folder can be written to again")
        self.root_trouble, self._root_retry_s = None, FIRST_RETRY_S


def _ref(session_id: str, frame: RecordedFrame) -> FrameRef:
    return FrameRef(session_id=session_id, epoch=frame.epoch, record_seq=frame.record_seq)
