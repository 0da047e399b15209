"""The replayer process: owns the cursors, answers ``replayer``, and publishes on ``replays`` what it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from weakref import WeakValueDictionary

from services.replayer.cursor import Cursor, Cursors
from services.replayer.frames import Found, Place, Target, find, place, position_of
from services.replayer.sessions import Sessions
from shared.errors import InvalidRequest, NotReplaying
from shared.messages import Message, ReplayFrame, ReplayStatus
from shared.requests import CursorRequest, CursorState, ReplayedFrame, Seek, StartReplay
from shared.rpc import Client, Server
from shared.runner import Runtime
from shared.sockets import Publisher
from shared.wire import Reply, Request

TOLD_ON_JOIN = 32
"""Cursors that a late subscriber is told of, the most recently used: a thousand would overrun its mark."""


class Replayer:
    """Steps through sessions, one cursor a client.

    Requests to one cursor are carried out one after another, to different ones side by side.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._cursors = Cursors()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._publisher = Publisher(runtime.bus, "replays", on_join=self._told_on_join)
        self._server = Server(
            runtime.bus,
            "replayer",
            {
                "start": self._start,
                "next": self._next,
                "previous": self._previous,
                "seek": self._seek,
                "stop": self._stop,
                "status": self._status,
            },
        )
        self._recorder = Client(runtime.bus, "recorder")
        self._sessions = Sessions(runtime.settings.sessions_dir, self._recorder)

    async def run(self) -> None:
        """Serve until told to stop."""
        self._runtime.supervise(self._publisher.serve_joins(), "joins on replays")
        self._runtime.supervise(self._server.serve(), "requests of the replayer")
        await self._runtime.stopping.wait()
        await self._recorder.close()
        self._sessions.close()

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _start(self, request: Request) -> Reply:
        wanted = StartReplay.model_validate(request.body)
        async with self._lock(wanted.cursor):
            start = await self._sessions.read(wanted.session_id, lambda reader: place(reader, 0))
            cursor = Cursor(wanted.cursor, wanted.session_id)
            self._cursors.put(cursor)
            return await self._tell(cursor, start)

    async def _next(self, request: Request) -> Reply:
        return await self._step(request, Cursor.ahead)

    async def _previous(self, request: Request) -> Reply:
        return await self._step(request, Cursor.behind)

    async def _seek(self, request: Request) -> Reply:
        wanted = Seek.model_validate(request.body)
        async with self._lock(wanted.cursor):
            cursor = self._cursor(wanted.cursor)
            position, at = await self._sessions.read(
                cursor.session_id, lambda reader: position_of(reader, wanted.index)
            )
            if position is None:
                problem = f"session {cursor.session_id} has no frame {wanted.index}; its last one is {at.index - 1}"
                raise InvalidRequest(problem, fields={"index": problem})
            cursor.seek(position)
            return await self._tell(cursor, at)

    async def _stop(self, request: Request) -> Reply:
        name = CursorRequest.model_validate(request.body).cursor
        async with self._lock(name):
            if self._cursors.drop(name) is not None:
                await self._publisher.publish(_message(_idle(name)))
            return Reply(_idle(name).model_dump())

    async def _status(self, request: Request) -> Reply:
        name = CursorRequest.model_validate(request.body).cursor
        async with self._lock(name):
            cursor = self._cursors.get(name)
            if cursor is None:
                return Reply(_idle(name).model_dump())
            at = await self._sessions.read(cursor.session_id, lambda reader: place(reader, cursor.position))
            return Reply(_state(cursor, at).model_dump())

    # -- what they share ----------------------------------------------------------------------------------------------

    async def _step(self, request: Request, target: Target) -> Reply:
        name = CursorRequest.model_validate(request.body).cursor
        async with self._lock(name):
            cursor = self._cursor(name)
            found = await self._sessions.read(cursor.session_id, lambda reader: find(reader, cursor, target))
            if isinstance(found, Place):
                cursor.complete()
                await self._tell(cursor, found)
                end = ReplayedFrame(complete=True, cursor=name, session_id=cursor.session_id)
                return Reply(end.model_dump())
            cursor.show(found.position)
            if found.png is not None:
                await self._show(cursor, found, found.png)
            await self._tell(cursor, found.after)
            if found.png is None:
                assert found.error is not None
                raise found.error
            shown = ReplayedFrame(complete=False, cursor=name, session_id=cursor.session_id, entry=found.entry)
            return Reply(shown.model_dump(), (found.png,))

    async def _show(self, cursor: Cursor, found: Found, png: bytes) -> None:
        message = ReplayFrame(
            cursor=cursor.name,
            session_id=cursor.session_id,
            index=found.entry["index"],
            total=found.after.total,
            entry=found.entry,
            actual_time=time.time(),
        )
        await self._publisher.publish(message, png)

    async def _tell(self, cursor: Cursor, at: Place) -> Reply:
        cursor.last_place = (at.index, at.total)
        state = _state(cursor, at)
        await self._publisher.publish(_message(state))
        return Reply(state.model_dump())

    def _told_on_join(self, message_type: str) -> Iterable[Message]:
        if message_type != ReplayStatus.type:
            return []
        return [_message(_state(cursor, Place(*cursor.last_place))) for cursor in self._cursors.recent(TOLD_ON_JOIN)]

    def _cursor(self, name: str) -> Cursor:
        cursor = self._cursors.get(name)
        if cursor is None:
            raise NotReplaying(f"the cursor {name!r} replays nothing; start one with POST /session/replay/<session id>")
        return cursor

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


def _idle(name: str) -> CursorState:
    return CursorState(cursor=name, state="idle", session_id=None, position=0, total=0)


def _state(cursor: Cursor, at: Place) -> CursorState:
    return CursorState(
        cursor=cursor.name,
        state=cursor.state(at.total),
        session_id=cursor.session_id,
        position=at.index,
        total=at.total,
    )


def _message(state: CursorState) -> ReplayStatus:
    return ReplayStatus(**state.model_dump())
