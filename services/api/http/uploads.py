"""How much memory bodies may take, over all clients.

At the limit a body that hardly comes makes room, the largest of them first: its sender is told so once it has sent the
rest, which is read and forgotten. Where all come fast, the oldest goes on and the others wait; TCP holds their senders
back. Large bodies leave a part of the limit to the others, and small ones never wait.
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
"""Of a body, taken apart in no time: such a piece waits for no other."""
SMALL_BYTES = 64 * 1024
"""A body up to this is taken whatever the others do; there are no more of them than connections."""
LARGE_BYTES = 8 * 1024 * 1024
LARGE_SHARE = 0.75
"""Of the limit, for the bodies larger than :data:`LARGE_BYTES`."""
LEAST_BYTES_PER_S, LEAST_LARGE_BYTES_PER_S = 128 * 1024, 1024 * 1024
"""So fast a body, and a large one, has to come where others wait for its room."""
WINDOW_S = 2.0
"""Over which that is measured."""
WAIT_S = 30.0
"""How long a body waits for room."""
LOOK_S = 0.1
"""How often it is seen who may go on."""


class ServerBusy(ParafoveaError):
    """There is no room for this body now. Of this server's own HTTP, so it crosses no bus."""

    code, status, retry_after_s = "server_busy", 503, 2


class Reader(Protocol):
    """What takes a body in."""

    @property
    def held_bytes(self) -> int:
        """Memory that it holds."""
        ...

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            ParafoveaError: the body can't be right any more.
        """
        ...

    def drop(self) -> None:
        """Let go of what was taken; nothing is fed or asked any more."""
        ...


class Upload:
    """One body.

    Attributes:
        failure: why it is not taken; what still comes of it is forgotten.
        held_bytes: memory that it holds.
        is_complete: it has come, and is being worked on.
        waits_since: when we began to hold it back, in seconds of the loop's clock; None where we do not.
    """

    def __init__(self, uploads: Uploads, reader: Reader) -> None:
        self._uploads = uploads
        self._reader = reader
        self.failure: ParafoveaError | None = None
        self.held_bytes = 0
        self.is_complete = False
        self.waits_since: float | None = None
        self._begin_window()

    async def take(self, piece: bytes) -> None:
        """Take the next piece in, then wait until there is room for more."""
        self._note(len(piece))
        if self.failure is not None:
            return
        try:
            await self._uploads.in_turn(lambda: self._reader.feed(piece), is_short=len(piece) <= SHORT_BYTES)
        except ParafoveaError as error:
            self.fail(error)
        if self.failure is not None:
            return
        self._hold(self._reader.held_bytes)
        await self._uploads.room_for(self)

    def complete(self) -> None:
        """It has come to its end."""
        self.is_complete = True
        self._uploads.settled(self)

    def fail(self, failure: ParafoveaError) -> None:
        """It is not taken: its memory is free from now on."""
        if self.failure is None:
            self.failure = failure
            self._reader.drop()
            self._hold(0)
            self._uploads.settled(self)

    def is_slow(self) -> bool:
        """Whether it has brought too little lately to be worth the room that others want."""
        if self.waits_since is not None:
            return False
        self._note(0)
        least = LEAST_LARGE_BYTES_PER_S if self.held_bytes > LARGE_BYTES else LEAST_BYTES_PER_S
        return self._last_window_bytes is not None and self._last_window_bytes < least * WINDOW_S

    def hold_back(self, is_held_back: bool) -> None:
        """That it does not come is our doing, or its sender's again."""
        self.waits_since = _now() if is_held_back else None
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

    def _hold(self, held_bytes: int) -> None:
        before, self.held_bytes = self.held_bytes, held_bytes
        self._uploads.changed(self, before)


class Uploads:
    """All bodies that are in memory.

    Args:
        limit_bytes: of memory that they may hold together, small ones aside.

    Attributes:
        used_bytes: what they hold now.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._coming: dict[Upload, None] = {}
        """Those that are not small and not complete, the oldest first."""
        self._waiting: dict[Upload, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
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
            before, upload.held_bytes = upload.held_bytes, 0
            self.changed(upload, before)
            self.settled(upload)

    async def in_turn(self, work: Callable[[], T], *, is_short: bool = False) -> T:
        """Do some ms of work, one a round of the event loop: between any two it gets to everything else."""
        if is_short:
            return work()
        async with self._turn:
            try:
                return work()
            finally:
                await asyncio.sleep(0)

    def changed(self, upload: Upload, before: int) -> None:
        """A body holds more than ``before``, or less."""
        self.used_bytes += upload.held_bytes - before
        if upload.held_bytes > SMALL_BYTES and not upload.is_complete:
            self._coming.setdefault(upload)

    def settled(self, upload: Upload) -> None:
        """A body wants no more room."""
        self._coming.pop(upload, None)

    async def room_for(self, upload: Upload) -> None:
        """Wait until a body may go on; it fails where that takes too long."""
        if self._may_go_on(upload):
            return
        upload.hold_back(True)
        self._waiting[upload] = asyncio.get_running_loop().create_future()
        try:
            if self._timer is None:
                self._look()
            await self._waiting[upload]
        finally:
            del self._waiting[upload]
            upload.hold_back(False)

    def _may_go_on(self, upload: Upload) -> bool:
        if upload.held_bytes <= SMALL_BYTES:
            return True
        share = LARGE_SHARE if upload.held_bytes > LARGE_BYTES else 1.0
        if self.used_bytes <= self._limit_bytes * share:
            return True
        return upload is next(iter(self._coming))  # else all might wait for each other

    def _look(self) -> None:
        """See who may go on, until nobody waits."""
        self._timer = None
        if self.used_bytes > self._limit_bytes * LARGE_SHARE:
            self._make_room()
        now = _now()
        for upload, future in self._waiting.items():
            if upload.waits_since is not None and now - upload.waits_since > WAIT_S:
                upload.fail(_busy())
            if self._may_go_on(upload) and not future.done():
                future.set_result(None)
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _make_room(self) -> None:
        """End the largest of the bodies that hardly come."""
        slow = max((each for each in self._coming if each.is_slow()), key=lambda each: each.held_bytes, default=None)
        if slow is not None:
            self._full.warn("bodies hold %d MiB: one that hardly comes makes room", self.used_bytes >> 20)
            slow.fail(_busy())


def _now() -> float:
    return asyncio.get_running_loop().time()


def _busy() -> ServerBusy:
    return ServerBusy("Too many large bodies come at once; send it again in a moment.")
