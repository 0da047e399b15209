"""Playing: a cursor's session shown at its recorded times, on the bus."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from services.replayer.cursors.cursor import Cursor, Place
from services.replayer.cursors.sessions import Found, Sessions, find, place
from services.replayer.playback.clock import Playback
from shared.errors import ParafoveaError
from shared.session.reading.timeline import Timeline, times
from shared.system.waiting import wait_at_most

log = logging.getLogger(__name__)


class Stage(Protocol):
    """What a player needs of the replayer."""

    def lock(self, name: str) -> asyncio.Lock: ...
    def is_current(self, cursor: Cursor) -> bool: ...
    async def show(self, cursor: Cursor, found: Found, png: bytes, planned_time: float, actual_time: float) -> None: ...
    async def report(self, cursor: Cursor, at: Place) -> Any: ...


class Player:
    """Plays one cursor. All methods but :meth:`run` are called with the cursor's lock held.

    The next frame is read ahead, so that at its time only the sending is left to do. Times that are published (planned,
    actual) are Unix seconds of one reading of the wall clock, and monotonic from there: a clock that is set while a
    session is played does not change them.
    """

    def __init__(
        self, cursor: Cursor, sessions: Sessions, stage: Stage, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.cursor = cursor
        self._sessions = sessions
        self._stage = stage
        self._clock = clock
        self._unix = time.time() - clock()
        self._timeline = Timeline()
        self.playback = Playback(self._timeline.offsets, clock)
        self._changed = asyncio.Event()
        self._ahead: Found | None = None
        self._runs = False

    async def play(self, speed: float | None, loop: bool | None) -> bool:
        """Begin, or go on; whether :meth:`run` must be started. Raises ParafoveaError: the session cannot be read."""
        await self._catch_up()
        if self.playback.position != self.cursor.position:
            self.playback.seek(min(self.cursor.position, self.playback.total))
        self.playback.play(speed, loop)
        if self.playback.position != self.cursor.position:
            self.cursor.seek(self.playback.position)  # played to the end before: it begins again
        self._changed.set()
        starts, self._runs = not self._runs, True
        return starts

    def pause(self) -> None:
        self.playback.pause()
        self._changed.set()

    async def moved(self) -> None:
        """The cursor was moved by hand: after a step playback is paused behind it, after a seek it goes on there."""
        await self._catch_up()
        if self.cursor.shown is not None and self.cursor.shown < self.playback.total:
            self.playback.show(self.cursor.shown)
        else:
            self.playback.seek(min(self.cursor.position, self.playback.total))
        self._changed.set()

    async def run(self) -> None:
        """Show frames until nothing is due, or the cursor was taken away. A session that cannot be read any more
        ends it, and nothing else."""
        try:
            while self._stage.is_current(self.cursor) and (due := await self._next_due()) is not None:
                self._changed.clear()
                found = await self._read_ahead(self.playback.position)
                if found is not None and not await self._wait_until(due):
                    await self._show(found, due)
        except (ParafoveaError, OSError) as error:
            log.error("session %s cannot be played on: %s", self.cursor.session_id, error)
            self.pause()
        except Exception:  # what one session holds must not end the others' replays
            log.exception("session %s cannot be played on", self.cursor.session_id)
            self.pause()
        finally:
            self._runs = False
        if self._stage.is_current(self.cursor):  # at the end, or where it cannot go on: nobody has reported that yet
            await self._stage.report(self.cursor, self.cursor.last_place)

    async def _next_due(self) -> float | None:
        if self.playback.is_complete:
            await self._catch_up()  # it may be being recorded
            if self.playback.is_complete:
                self.cursor.complete()
                self.playback.pause()
        return self.playback.due()

    async def _catch_up(self) -> None:
        known = len(self._timeline.offsets)
        self._timeline.extend(await self._sessions.follow(self.cursor, lambda reader: times(reader, known)))

    async def _read_ahead(self, position: int) -> Found | None:
        if self._ahead is None or self._ahead.position != position:
            found = await self._sessions.follow(
                self.cursor,
                lambda reader: find(reader, self.cursor, lambda _, total: position if position < total else None),
            )
            self._ahead = found if isinstance(found, Found) else None
            if self._ahead is None:  # the session has become shorter: its folder was made anew
                self.playback.pause()
        return self._ahead

    async def _wait_until(self, due: float) -> bool:
        """Whether something changed before that time came."""
        delay_s = due - self._clock()
        if delay_s > 0 and not self._changed.is_set():
            await wait_at_most(self._changed, delay_s)
        return self._changed.is_set()

    async def _show(self, found: Found, due: float) -> None:
        async with self._stage.lock(self.cursor.name):
            if self._changed.is_set() or not self._stage.is_current(self.cursor):
                return
            if found.png is None:
                log.warning("passed over: %s", found.error.detail if found.error else "")
            else:
                planned, actual = due + self._unix, self._clock() + self._unix
                await self._stage.show(self.cursor, found, found.png, planned, actual)
            self._ahead = None
            self.cursor.show(found.position)
            self.playback.advance()
            after = found.after
            if self.playback.position != self.cursor.position:  # the next round begins
                self.cursor.seek(self.playback.position)
                after = await self._sessions.follow(self.cursor, lambda reader: place(reader, 0))
            await self._stage.report(self.cursor, after)
