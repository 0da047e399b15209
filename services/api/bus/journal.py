"""The journal of pending frames, behind the event loop: one thread reads and writes it, in the order of the calls."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from shared.frame import FrameKey
from shared.session.format import layout
from shared.session.writing.answered import LIMIT, Answered
from shared.session.writing.root import make_root
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

log = logging.getLogger(__name__)

HANDOVER_S = 0.5
"""How long an answer waits until its line is with the system. A disk that is slower costs the line, if we are killed
before it is written, and never the answer."""
OPEN_S = 2.0
"""How long a start waits for the disk. What an earlier life left is taken in later, where that takes longer."""
RETRY_S = 2.0
CLOSE_S = 1.0


@dataclass(slots=True, eq=False)
class _Change:
    """One line to be: frames that are pending from now on, or ids of those that are so no more."""

    added: tuple[FrameKey, ...] = ()
    settled: tuple[str, ...] = ()
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Journal:
    """One holder a sessions folder: a second API would remove what the first one needs.

    Args:
        disk: through which everything is written.
        root: the sessions folder.
        on_open: told what an earlier life left, once it is read.

    Attributes:
        problems: what is wrong with it, in sentences; none while all is well.
    """

    def __init__(self, disk: Disk, root: Path, on_open: Callable[[Iterable[FrameKey]], None]) -> None:
        self._disk = disk
        self._root = root
        self._on_open = on_open
        self._thread = ThreadPoolExecutor(1, "journal")
        self._answered: Answered | None = None
        self._holder: Holder | None = None
        self._lock_problem: str | None = None
        self._failure: str | None = None
        self._waiting: deque[_Change] = deque()
        self._work: asyncio.Future[None] | None = None
        self._is_open = asyncio.Event()
        self.problems: list[str] = []

    async def run(self) -> None:
        """Open it, and write until cancelled; what the disk refuses is tried again.

        Raises:
            AlreadyHeld: another API has this sessions folder.
        """
        await self._in_thread(self._open)
        self._tell()
        assert self._answered is not None
        self._on_open(list(self._answered.frames.values()))
        self._is_open.set()
        self._pump()
        while True:
            await asyncio.sleep(RETRY_S)
            if self._has_problem:
                self._change(_Change())

    async def opened(self, running: asyncio.Task[None]) -> None:
        """Wait until it is open, or too long; ``running`` is the task of :meth:`run`.

        Raises:
            AlreadyHeld: another API has this sessions folder.
        """
        opening = asyncio.create_task(self._is_open.wait())
        await asyncio.wait([opening, running], timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        if running.done():
            await running
        if not self._is_open.is_set():
            self.problems = [f"the journal of pending frames is not read yet: the disk of {self._root} does not answer"]

    def add(self, frame: FrameKey) -> asyncio.Event:
        """Remember a frame that is about to be answered as pending; the event says that its line is handed over."""
        return self._change(_Change(added=(frame,)))

    def settle(self, frame_ids: Iterable[str]) -> asyncio.Event:
        """Forget frames whose fate is known: recorded, or named as lost."""
        return self._change(_Change(settled=tuple(frame_ids)))

    async def close(self) -> bool:
        """Write what waits and give the folder up; False where the disk does not let us in time."""
        if self._is_open.is_set():
            last = self._change(_Change())
            await for_a_while(last, CLOSE_S)
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        done, _ = await asyncio.wait([closing], timeout=CLOSE_S)
        self._thread.shutdown(wait=False, cancel_futures=True)
        return bool(done)

    @property
    def _has_problem(self) -> bool:
        answered = self._answered
        own = self._lock_problem or self._failure
        return own is not None or (answered is not None and answered.problem is not None)

    # -- on the event loop --------------------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _change(self, change: _Change) -> asyncio.Event:
        self._waiting.append(change)
        while len(self._waiting) > LIMIT:  # a disk that has not answered for hours
            self._waiting.popleft().written.set()
        self._pump()
        return change.written

    def _pump(self) -> None:
        """Hand what waits to the thread, all in one, if it is idle."""
        if not self._is_open.is_set() or not self._waiting or (self._work is not None and not self._work.done()):
            return
        batch = list(self._waiting)
        self._waiting.clear()
        loop = asyncio.get_running_loop()
        self._work = loop.run_in_executor(self._thread, self._write, batch)

        def written(work: asyncio.Future[None]) -> None:
            for change in batch:
                change.written.set()
            if work.cancelled():
                return
            if (error := work.exception()) is not None:
                self._failure = f"the journal of pending frames failed: {type(error).__name__}: {error}"
            self._tell()
            self._pump()

        self._work.add_done_callback(written)

    def _tell(self) -> None:
        answered = self._answered
        found = [self._lock_problem, self._failure, *((answered.problem, answered.aside) if answered else ())]
        self.problems = [problem for problem in found if problem]

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._claim()
        self._answered = Answered(self._disk, self._root)

    def _claim(self) -> None:
        """Take the lock; again where the sessions folder, and the lock with it, has vanished.

        Raises:
            AlreadyHeld: another API has it.
        """
        lock = self._root / layout.API_LOCK
        try:
            if self._holder is not None and not lock.exists():
                self._holder.release()
                self._holder = None
            if self._holder is None:
                make_root(self._disk, self._root)
                self._holder = Holder(lock, f"the sessions folder {self._root} as its API")
        except OSError as error:
            self._lock_problem = f"{lock} cannot be locked ({error.strerror or error}); run one API on this folder only"
        else:
            self._lock_problem = None

    def _write(self, batch: list[_Change]) -> None:
        answered = self._answered
        assert answered is not None
        try:
            self._claim()
        except AlreadyHeld as error:  # it vanished, and another API was quicker
            self._lock_problem = str(error)
            return
        if answered.problem is not None or self._failure is not None:
            answered.write_anew()
            self._failure = None
        added: list[FrameKey] = []
        for change in batch:
            added += change.added
            if change.settled:
                if added:
                    answered.add(*added)
                    added = []
                answered.settle(change.settled)
        if added:
            answered.add(*added)

    def _close(self) -> None:
        if self._answered is not None and self._holder is not None:
            self._answered.close()
        if self._holder is not None:
            holder, self._holder = self._holder, None
            try:
                holder.release()
            except OSError as error:
                log.warning("the lock of %s could not be removed: %s", self._root, error)


async def for_a_while(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for an event, or until the time is up."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
