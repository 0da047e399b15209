"""The journal of pending frames. One thread of its own reads and writes it, in the order of the calls."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from shared.frame import FrameKey
from shared.session.format import layout
from shared.session.writing.answered import LIMIT, Answered
from shared.session.writing.root import make_root
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

log = logging.getLogger(__name__)

HANDOVER_S = 0.5
"""How long an answer waits for its line to be written. If the disk is slower and we are killed, the line is lost."""
OPEN_S = 2.0
"""How long a start waits for the disk; a slower one is read later."""
RETRY_S = 2.0
CLOSE_S = 1.0


@dataclass(slots=True, eq=False)
class _Change:
    """One line to write: frames that become pending, or ids of frames that no longer are."""

    added: tuple[FrameKey, ...] = ()
    settled: tuple[str, ...] = ()
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Journal:
    """The journal of one sessions folder, locked: a second API would remove what the first one needs.

    Args:
        root: the sessions folder.
        on_open: called with the frames that an earlier run left, once they are read.
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

    async def run(self) -> None:
        """Open it, and write until cancelled; what the disk refuses is retried.

        Raises:
            AlreadyHeld: another API has this sessions folder.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        assert self._answered is not None
        self._on_open(list(self._answered.frames.values()))
        self._is_open.set()
        self._pump()
        while True:
            await asyncio.sleep(RETRY_S)
            if self._lock_problem or self._failure or self._answered.problem:
                self._change(_Change())

    async def opened(self, running: asyncio.Task[None]) -> None:
        """Wait up to :data:`OPEN_S` until it is open; ``running`` is the task of :meth:`run`.

        Raises:
            AlreadyHeld: another API has this sessions folder.
        """
        opening = asyncio.create_task(self._is_open.wait())
        await asyncio.wait([opening, running], timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        if running.done():
            await running

    def add(self, frame: FrameKey) -> asyncio.Event:
        """Note a frame that is about to be answered as pending; the event is set once its line is written."""
        return self._change(_Change(added=(frame,)))

    def settle(self, frame_ids: Iterable[str]) -> asyncio.Event:
        """Forget frames that are recorded, or named as lost."""
        return self._change(_Change(settled=tuple(frame_ids)))

    async def close(self) -> bool:
        """Write what waits and unlock the folder; False if the disk is too slow."""
        if self._is_open.is_set():
            await wait_at_most(self._change(_Change()), CLOSE_S)
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        done, _ = await asyncio.wait([closing], timeout=CLOSE_S)
        self._thread.shutdown(wait=False, cancel_futures=True)
        return bool(done)

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, in sentences."""
        if not self._is_open.is_set() or self._answered is None:
            return [f"the journal of pending frames is not read yet: the disk of {self._root} does not answer"]
        found = (self._lock_problem, self._failure, self._answered.problem, self._answered.aside)
        return [problem for problem in found if problem]

    # -- on the event loop --------------------------------------------------------------------------------------------

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
            self._pump()

        self._work.add_done_callback(written)

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._claim()
        self._answered = Answered(self._disk, self._root)

    def _claim(self) -> None:
        """Lock the sessions folder; again if it has vanished, and the lock with it."""
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
        for settles, changes in groupby(batch, key=lambda change: bool(change.settled)):
            if settles:
                for change in changes:
                    answered.settle(change.settled)
            elif added := [frame for change in changes for frame in change.added]:
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


async def wait_at_most(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for an event, or until the time is up."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
