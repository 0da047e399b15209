"""How much memory bodies may take, over all clients.

At the limit the largest slow body is dropped; its sender gets an error once it has sent the rest. If all are fast, the
oldest continues and the others wait, held back by TCP. Large bodies leave part of the limit to others; small ones
never wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from shared.errors import ParafoveaError
from shared.system.rarely import Rarely

T = TypeVar("T")

log = logging.getLogger(__name__)

SHORT_BYTES = 16 * 1024
"""A piece of a body up to this is parsed in no time, and waits for no other."""
SMALL_BYTES = 64 * 1024
"""A body up to this is always taken; there are no more of them than connections."""
LARGE_BYTES = 8 * 1024 * 1024
LARGE_SHARE = 0.75
"""Of the limit, for bodies larger than :data:`LARGE_BYTES`."""
LEAST_BYTES_PER_S, LEAST_LARGE_BYTES_PER_S = 128 * 1024, 1024 * 1024
"""The least pace of a body, and of a large one, while others wait for memory."""
WINDOW_S = 2.0
"""The pace is measured over this."""
WAIT_S = 30.0
"""How long a body waits for memory."""
CHECK_S = 0.1
"""How often a waiting body is checked."""


class ServerBusy(ParafoveaError):
    """There is no memory for this body now. Never on the bus."""

    code, status, retry_after_s = "server_busy", 503, 2


class Reader(Protocol):
    """Takes a body, piece by piece."""

    @property
    def held_bytes(self) -> int:
        """Memory that it holds."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece; raises ParafoveaError if the body is wrong."""

    def drop(self) -> None:
        """Free its memory; nothing is called any more."""


class Upload:
    """One body."""

    def __init__(self, uploads: Uploads, reader: Reader) -> None:
        self._uploads = uploads
        self._reader = reader
        self.failure: ParafoveaError | None = None
        """Why it is refused; the rest of it is dropped."""
        self.held_bytes = 0
        self.is_held_back = False
        self._begin_window()

    async def take(self, piece: bytes) -> None:
        """Take the next piece, then wait until there is memory for more."""
        self._note(len(piece))
        if self.failure is not None:
            return
        try:
            await self._uploads.in_turn(lambda: self._reader.feed(piece), is_short=len(piece) <= SHORT_BYTES)
        except ParafoveaError as error:
            self.fail(error)
        if self.failure is not None:
            return
        self.hold(self._reader.held_bytes)
        await self._uploads.room_for(self)

    def complete(self) -> None:
        """Note that all of it has come."""
        self._uploads.settled(self)

    def fail(self, failure: ParafoveaError) -> None:
        """Refuse it, and free its memory."""
        if self.failure is None:
            self.failure = failure
            self._reader.drop()
            self.hold(0)
            self._uploads.settled(self)

    def is_slow(self) -> bool:
        """Whether too little of it came lately."""
        if self.is_held_back:
            return False
        self._note(0)
        least = LEAST_LARGE_BYTES_PER_S if self.held_bytes > LARGE_BYTES else LEAST_BYTES_PER_S
        return self._last_window_bytes is not None and self._last_window_bytes < least * WINDOW_S

    def hold(self, held_bytes: int) -> None:
        """Note how much memory it holds now."""
        before, self.held_bytes = self.held_bytes, held_bytes
        self._uploads.changed(self, before)

    def hold_back(self, is_held_back: bool) -> None:
        """Note whether we hold it back, so that its pace does not count."""
        self.is_held_back = is_held_back
        self._begin_window()

    def _begin_window(self) -> None:
        self._window_began, self._window_bytes = _now(), 0
        self._last_window_bytes: int | None = None

    def _note(self, received_bytes: int) -> None:
        now = _now()
        passed = now - self._window_began
        if passed >= WINDOW_S:
            self._last_window_bytes = self._window_bytes if passed < 2 * WINDOW_S else 0
            self._window_began, self._window_bytes = now, 0
        self._window_bytes += received_bytes


class Uploads:
    """All bodies that are in memory, of which they hold ``used_bytes``; without small ones at most ``limit_bytes``."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._coming: dict[Upload, None] = {}
        """Neither small nor complete, the oldest first."""
        self._checked_at = -CHECK_S
        self._full = Rarely(log)
        self._turn = asyncio.Lock()
        self.used_bytes = 0

    @contextmanager
    def begin(self, reader: Reader) -> Iterator[Upload]:
        """Account for a body until the block ends."""
        upload = Upload(self, reader)
        try:
            yield upload
        finally:
            upload.hold(0)
            self.settled(upload)

    async def in_turn(self, work: Callable[[], T], *, is_short: bool = False) -> T:
        """Do some ms of work, once a round of the event loop, so that it gets to everything else."""
        if is_short:
            return work()
        await self._turn.acquire()
        try:
            return work()
        finally:
            # The next one's turn is in the next round; who had this one need not wait for it.
            asyncio.get_running_loop().call_soon(self._turn.release)

    def changed(self, upload: Upload, before: int) -> None:
        """Count a body that held ``before`` bytes."""
        self.used_bytes += upload.held_bytes - before
        if upload.held_bytes > SMALL_BYTES:
            self._coming.setdefault(upload)

    def settled(self, upload: Upload) -> None:
        """Note that a body needs no more memory."""
        self._coming.pop(upload, None)

    async def room_for(self, upload: Upload) -> None:
        """Wait until a body may continue; it fails if that takes too long."""
        if self._may_go_on(upload):
            return
        upload.hold_back(True)
        began = _now()
        try:
            while True:
                self._make_room()
                if _now() - began > WAIT_S:
                    upload.fail(_busy())
                if self._may_go_on(upload):
                    return
                await asyncio.sleep(CHECK_S)
        finally:
            upload.hold_back(False)

    def _may_go_on(self, upload: Upload) -> bool:
        if upload.held_bytes <= SMALL_BYTES:
            return True
        share = LARGE_SHARE if upload.held_bytes > LARGE_BYTES else 1.0
        if self.used_bytes <= self._limit_bytes * share:
            return True
        return upload is next(iter(self._coming))  # else all might wait for each other

    def _make_room(self) -> None:
        """Drop the largest slow body, one a check, however many wait."""
        if self.used_bytes <= self._limit_bytes * LARGE_SHARE or _now() < self._checked_at + CHECK_S:
            return
        self._checked_at = _now()
        slow = max((each for each in self._coming if each.is_slow()), key=lambda each: each.held_bytes, default=None)
        if slow is not None:
            self._full.warn("bodies hold %d MiB: one that hardly comes makes room", self.used_bytes >> 20)
            slow.fail(_busy())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _busy() -> ServerBusy:
    return ServerBusy("Too many large bodies come at once; send it again in a moment.")
