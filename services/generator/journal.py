"""The journal of frames that are not known to be on disk: written by a thread, and never waited for long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from shared.frame import FrameKey
from shared.session.writing.journal import LIMIT, Journal, JournaledFrame
from shared.system.disk import Disk
from shared.system.rarely import Rarely
from shared.system.worker import Worker

log = logging.getLogger(__name__)

WAIT_S = 0.05
"""How long an answer waits for its frame's line: recording must not slow the model."""
CLOSE_S = 1.0


class FrameJournal:
    """Notes frames before they are answered, and forgets those that the recorder has.

    Attributes:
        problem: why frames that are made now would not be named if they were lost; None while all is well.
        unjournaled: answers that went out before their frame's line was written.
    """

    def __init__(self, disk: Disk, root: Path, epoch: str) -> None:
        self._file = Journal(disk, root, epoch)
        self._thread = Worker("journal")
        self._made: list[JournaledFrame] = []
        self._gone: list[str] = []
        self._batch: asyncio.Future[bool] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._refused = Rarely(log)
        self.problem: str | None = None
        self.unjournaled = 0

    def made(self, key: FrameKey, *, answered: bool) -> asyncio.Future[bool]:
        """Note a frame; the future says whether its line was written. ``answered``: somebody will be given it."""
        self._made.append(JournaledFrame(key, answered))
        del self._made[:-LIMIT]
        return self._write_soon()

    def let_go(self, frame_ids: Iterable[str]) -> None:
        """These frames are on disk."""
        self._gone += frame_ids
        del self._gone[:-LIMIT]
        self._write_soon()

    async def wait(self, noted: asyncio.Future[bool] | None) -> None:
        """Wait for a frame's line, where it has one, but not for long."""
        if noted is None:
            return
        await asyncio.wait([noted], timeout=WAIT_S)
        if not noted.done() or not noted.result():
            self.unjournaled += 1

    def retry(self) -> None:
        """Try again what the disk refused."""
        if self.problem is not None:
            self._write_soon()

    async def close(self) -> None:
        """Write what waits; nothing stays where no frame is open. A disk that does not answer is given up."""
        try:
            async with asyncio.timeout(CLOSE_S):
                while self._writing is not None and not self._writing.done():
                    await asyncio.shield(self._writing)
                await self._thread.run(self._file.close)
        except TimeoutError:
            log.warning("the journal's disk does not answer")
        except OSError as error:
            log.warning("the journal cannot be closed: %s", error)
        self._thread.close()

    def _write_soon(self) -> asyncio.Future[bool]:
        if self._batch is None:
            self._batch = asyncio.get_running_loop().create_future()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return self._batch

    async def _write(self) -> None:
        while self._batch is not None:
            batch, self._batch = self._batch, None
            made, self._made = self._made, []
            gone, self._gone = self._gone, []
            try:
                await self._thread.run(self._file.write, made, gone)
            except Exception as error:  # whatever it is, the next write notes all that is open anew
                reason = (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}: {error}"
                self.problem = f"its journal cannot be written ({reason}): frames made now would not be named if lost"
                self._refused.warn("%s", self.problem)
            else:
                self.problem = None
            batch.set_result(self.problem is None)
