"""The loop that writes: whichever session's next frame is here, in batches, around whatever the disk refuses."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

from services.recorder.active import Closing
from services.recorder.archive import Archive, Written
from services.recorder.folder import FolderUnusable
from services.recorder.generator_link import GeneratorAway, GeneratorLink
from services.recorder.ledger.ledger import BATCH_FRAMES, Ledger
from services.recorder.ledger.losses import SetAside
from shared.bus.message import Message
from shared.bus.messages import FrameRecorded
from shared.frame import FrameRef
from shared.session.writing.frames import CorruptFrame
from shared.system.waiting import wait_at_most
from shared.system.worker import Worker

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WriterLoop:
    """Writes what the ledger has ready, and what a generator spilled before that."""

    ledger: Ledger
    archive: Archive
    link: GeneratorLink
    publish: Callable[[Message], Awaitable[None]]
    thread: Worker
    wake: asyncio.Event
    """Set by others: there may be something to write."""
    closing: Closing
    _missed_inputs: dict[str, int] = field(default_factory=dict, init=False)
    _stopping: bool = field(default=False, init=False)
    is_reporting: bool = field(default=False, init=False)
    """Frames are on disk that not everybody has been told of."""

    def stop(self) -> None:
        """Write nothing more."""
        self._stopping = True

    async def run(self) -> None:
        """Write until cancelled."""
        while not self._stopping:
            self.wake.clear()
            progressed = await self._prepare() and await self._round()
            if not progressed:
                await self._wait()

    async def _wait(self) -> None:
        backoff, now_s = self.ledger.backoff, time.monotonic()
        if backoff.folder is not None:
            await asyncio.sleep(max(0.0, backoff.folder.again_at_s - now_s))
            return
        await wait_at_most(self.wake, backoff.wait_s(now_s))

    async def _prepare(self) -> bool:
        """Recover once, and read what a generator that has gone left; whether the folder can be written to."""
        ledger, folder = self.ledger, self.archive.folder
        try:
            if not ledger.recovered:
                await self.thread.run(folder.recover, self.archive.is_open)
                ledger.recovered = True
            if ledger.left.is_wanted:
                generations = ledger.streams.generations  # another one may go while this one's is read
                # Before the spill: whose journal is not locked any more has written all of it.
                left, ending = await self.thread.run(self.archive.read_journals, ledger.streams.epoch)
                ledger.left.take_journals(left, ending, time.monotonic())
                ledger.left.take_spill(await self.thread.run(folder.read_spill), generations)
            elif ledger.backoff.folder is not None:
                await self.thread.run(folder.claim)
        except FolderUnusable as error:
            ledger.backoff.folder_failed(str(error), time.monotonic())
            return False
        ledger.backoff.folder_succeeded()
        return True

    async def _round(self) -> bool:
        """One batch of each session whose turn has come; whether anything came of it."""
        progressed = False
        for session_id in self.ledger.ready():
            if self.ledger.left.is_wanted or self._stopping:
                return True
            if self.ledger.backoff.may_try(session_id, time.monotonic()):
                progressed |= await self._try(session_id)
        await self._name_losses()
        await self._close_ended()
        return progressed

    async def _try(self, session_id: str) -> bool:
        """Write one batch of a session; whether that worked."""
        backoff = self.ledger.backoff
        try:
            if session_id in self.ledger.left.spilled:
                await self._write_spilled(session_id)
            else:
                await self._write_ready(session_id)
        except CorruptFrame as error:
            self._refuse(error)
            return True  # those before it are written now
        except GeneratorAway as error:
            backoff.failed(session_id, str(error), time.monotonic())
        except FolderUnusable as error:
            backoff.folder_failed(str(error), time.monotonic())
        except OSError as error:
            backoff.failed(session_id, f"the disk refuses: {error.strerror or error}", time.monotonic())
        except Exception as error:
            log.exception("session %s could not be written", session_id)
            backoff.failed(session_id, f"{type(error).__name__}: {error}", time.monotonic())
        else:
            backoff.folder_succeeded()
            backoff.succeeded(session_id)
            return True
        return False

    def _refuse(self, error: CorruptFrame) -> None:
        """A frame is not what it says it is: it is fetched again, and set aside where that does not help."""
        pending = error.pending
        key = pending.frame.key
        if key is not None:
            self.ledger.streams.refuse(key)
            aside = SetAside.of(str(error), pending.frame.flat(), bytes(pending.png))
            self.ledger.unfit(key, key.frame_id, aside)
        self.link.wake()

    async def _write_ready(self, session_id: str) -> None:
        frames = [(received.frame, received.png) for received in self.ledger.batch(session_id)]
        if not frames:
            return
        created_at = self.ledger.streams.created_at(session_id)
        inputs: dict[str, bytes | None] = {}
        while True:
            written = await self.thread.run(self.archive.write, session_id, created_at, frames, inputs)
            if not written.inputs_wanted:
                break
            for sha256 in written.inputs_wanted:
                inputs[sha256] = await self._input(sha256)
        await self._report(session_id, written)

    async def _write_spilled(self, session_id: str) -> None:
        batch = self.ledger.left.spilled[session_id][:BATCH_FRAMES]
        written = Written(count=self.ledger.recorded.get(session_id, 0))
        for frames in (batch, batch[:1]):
            try:
                written = await self.thread.run(self.archive.write_spilled, session_id, frames)
            except (ValueError, CorruptFrame) as error:
                if len(frames) > 1:
                    continue  # one of them cannot be used: those before it are written one by one
                log.error("a spilled frame of session %s cannot be used: %s", session_id, error)
                self.ledger.left.spoilt(frames[0], str(error))
            break
        if self.ledger.left.took_out(session_id, frames):
            await self.thread.run(self.archive.folder.clear_spill)
        await self._report(session_id, written)

    async def _input(self, sha256: str) -> bytes | None:
        """An input image; None once it is certain that the generator which is there has it no more. Raises
        GeneratorAway where it does not answer, or it must first be found out which generator it is."""
        data = await self.link.input(sha256)
        if data is not None:
            self._missed_inputs.pop(sha256, None)
            return data
        streams = self.ledger.streams
        missed_at = self._missed_inputs.setdefault(sha256, streams.listings)
        if streams.listings > missed_at and not self.ledger.left.is_wanted:
            del self._missed_inputs[sha256]
            log.error("nobody has the input %s any more; its frame is recorded without it", sha256)
            return None
        streams.wants_listing = True
        self.link.wake()
        raise GeneratorAway("the generator does not have an input that a frame needs; it is asked what it holds")

    async def _report(self, session_id: str, written: Written) -> None:
        refs = [
            FrameRef(session_id=session_id, epoch=frame.epoch, record_seq=frame.record_seq) for frame in written.frames
        ]
        self.ledger.wrote(session_id, refs, written.count, time.monotonic())
        self.is_reporting = True
        try:
            for frame in written.frames:
                if frame.index is not None:  # else it was there long ago
                    fields = {**asdict(frame), "session_id": session_id, "frame_epoch": frame.epoch}
                    await self.publish(FrameRecorded.model_validate(fields))
            self.link.acknowledge(refs)
        finally:
            self.is_reporting = False
        self.link.wake()

    async def _name_losses(self) -> None:
        for session_id, frames in self.ledger.losses_due(time.monotonic()).items():
            self.ledger.recorded.setdefault(session_id, 0)
            names = [frame.frame_id for frame in frames if frame.frame_id is not None]
            try:
                lost = await self.thread.run(self.archive.mark_lost, session_id, names)
            except (FolderUnusable, OSError) as error:
                self.ledger.backoff.failed(session_id, f"the disk refuses: {error}", time.monotonic())
                continue
            aside = [frame for frame in frames if frame.aside is not None]
            for frame in aside:
                await self.thread.run(self.archive.folder.set_aside, frame)
            self.ledger.named(session_id, frames, lost)
            self.link.acknowledge(frame.ref for frame in aside)
            if lost:
                log.error("session %s: %d frames are lost: %s", session_id, len(lost), ", ".join(lost[:20]))
            written = set(lost)
            if never := [frame.frame_id for frame in frames if not frame.answered and frame.frame_id in written]:
                log.error("of these, %d were made and given to nobody: %s", len(never), ", ".join(never[:20]))
        for journal in self.ledger.left.settled_journals():
            await self.thread.run(self.archive.folder.remove_journal, journal)

    async def _close_ended(self) -> None:
        """Close sessions that are not active and have nothing pending."""
        ledger = self.ledger
        for session_id in list(ledger.recorded):
            if not ledger.may_close(session_id, time.monotonic()):
                continue
            try:
                await self.thread.run(self.archive.close, session_id)
            except OSError as error:
                ledger.backoff.failed(session_id, f"it could not be closed: {error.strerror}", time.monotonic())
            else:
                self.closing.closed(session_id, ledger.closed(session_id))
