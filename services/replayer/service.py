"""The replayer process: owns the cursors, answers ``replayer``, and publishes on ``replays`` what it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Literal
from weakref import WeakValueDictionary

from services.replayer.cursors.cursor import Cursor, Cursors, Place
from services.replayer.cursors.sessions import Found, Sessions, Target, find, place, position_of
from services.replayer.playback.player import Player
from services.replayer.reruns.registry import Reruns
from shared.bus.call import WithImage
from shared.bus.clients import GeneratorClient, RecorderClient
from shared.bus.message import Message
from shared.bus.messages import ReplayFrame, ReplayStatus
from shared.bus.publisher import Publisher
from shared.bus.requests import replayer as requests
from shared.bus.requests.replayer import CursorRequest, Play, ReplayedFrame, Seek, StartReplay
from shared.bus.server import Server
from shared.errors import InvalidRequest, NotReplaying
from shared.process.guard import ALLOWED_BYTES
from shared.process.runner import Runtime

CLOSE_S = 1.0
"""How long a stop waits for a disk on which sessions are open."""
CURSORS_ON_JOIN = 32
"""Cursors whose states a late subscriber gets, the most recently used: a thousand would overrun its mark."""


class Replayer:
    """Steps through sessions, one cursor a client. Requests to one cursor are carried out one after another, to
    different ones side by side."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.cursors = Cursors()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._players: dict[str, Player] = {}
        self._publisher = Publisher(runtime.bus, "replays", on_join=self._states_on_join)
        self._server = server = Server(runtime.bus, "replayer")
        server.on(requests.START, self._start)
        server.on(requests.NEXT, lambda asked: self._step(asked.cursor, Cursor.ahead))
        server.on(requests.PREVIOUS, lambda asked: self._step(asked.cursor, Cursor.behind))
        server.on(requests.SEEK, self._seek)
        server.on(requests.PLAY, self._play)
        server.on(requests.PAUSE, self._pause)
        server.on(requests.STOP, self._stop)
        server.on(requests.STATUS, self._status)
        self._recorder = RecorderClient(runtime.bus)  # behind the channel: one that may not run has called nobody
        self._generator = GeneratorClient(runtime.bus)
        self._reruns = Reruns(runtime, server, self._generator, self._recorder)
        self.sessions = Sessions(runtime.settings.sessions_dir)

    async def run(self) -> None:
        self._runtime.supervise(self._publisher.serve_joins(), "joins on replays")
        self._runtime.supervise(self._server.serve(), "requests of the replayer")
        self._runtime.guard(ALLOWED_BYTES + self._runtime.settings.bus_budget_bytes)
        await self._runtime.stopping.wait()
        await self._reruns.close()
        await self._generator.close()
        await self._recorder.close()
        await asyncio.wait([asyncio.create_task(self.sessions.close())], timeout=CLOSE_S)

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _start(self, wanted: StartReplay) -> ReplayStatus:
        async with self.lock(wanted.cursor):
            start, began = await self.sessions.read(
                wanted.session_id, lambda reader: (place(reader, 0), reader.head.get("created_at"))
            )
            cursor = Cursor(wanted.cursor, wanted.session_id, began)
            self.cursors.put(cursor)
            self._forget_players()
            return await self.report(cursor, start)

    async def _seek(self, wanted: Seek) -> ReplayStatus:
        async with self.lock(wanted.cursor):
            cursor = self._cursor(wanted.cursor)
            position, at = await self.sessions.follow(cursor, lambda reader: position_of(reader, wanted.index))
            if position is None:
                problem = f"session {cursor.session_id} has no frame {wanted.index}; its last one is {at.index - 1}"
                raise InvalidRequest(problem, fields={"index": problem})
            cursor.seek(position)
            await self._moved(cursor)
            return await self.report(cursor, at)

    async def _play(self, wanted: Play) -> ReplayStatus:
        async with self.lock(wanted.cursor):
            cursor = self._cursor(wanted.cursor)
            player = self._player(cursor)
            if player is None:
                self._forget_players()
                player = self._players[cursor.name] = Player(cursor, self.sessions, self)
            if await player.play(wanted.speed, wanted.loop):
                self._runtime.supervise(player.run(), f"playing {cursor.session_id}")
            return await self._report_place(cursor)

    async def _pause(self, asked: CursorRequest) -> ReplayStatus:
        async with self.lock(asked.cursor):
            cursor = self._cursor(asked.cursor)
            player = self._player(cursor)
            if player is not None:
                player.pause()
            return await self._report_place(cursor)

    async def _stop(self, asked: CursorRequest) -> ReplayStatus:
        name = asked.cursor
        async with self.lock(name):
            if self.cursors.drop(name) is not None:
                self._forget_players()
                await self._publisher.publish(_idle(name))
            return _idle(name)

    async def _status(self, asked: CursorRequest) -> ReplayStatus:
        async with self.lock(asked.cursor):
            cursor = self.cursors.get(asked.cursor)
            if cursor is None:
                return _idle(asked.cursor)
            at = await self.sessions.follow(cursor, lambda reader: place(reader, cursor.position))
            return self._state(cursor, at)

    # -- what they share ----------------------------------------------------------------------------------------------

    async def _step(self, name: str, target: Target) -> ReplayedFrame | WithImage[ReplayedFrame]:
        async with self.lock(name):
            cursor = self._cursor(name)
            found = await self.sessions.follow(cursor, lambda reader: find(reader, cursor, target))
            if isinstance(found, Place):
                cursor.complete()
                await self.report(cursor, found)
                return ReplayedFrame(complete=True, cursor=name, session_id=cursor.session_id)
            cursor.show(found.position)
            await self._moved(cursor)
            if found.png is not None:
                await self.show(cursor, found, found.png, None, time.time())
            await self.report(cursor, found.after)
            if found.png is None:
                assert found.error is not None
                raise found.error
            shown = ReplayedFrame(complete=False, cursor=name, session_id=cursor.session_id, entry=found.entry.fields)
            return WithImage(shown, found.png)

    async def show(
        self, cursor: Cursor, found: Found, png: bytes, planned_time: float | None, actual_time: float
    ) -> None:
        self.cursors.get(cursor.name)  # in use: no other makes it forgotten
        message = ReplayFrame(
            cursor=cursor.name,
            session_id=cursor.session_id,
            index=found.entry.index,
            total=found.after.total,
            entry=found.entry.fields,
            planned_time=planned_time,
            actual_time=actual_time,
        )
        await self._publisher.publish(message, png)

    async def report(self, cursor: Cursor, at: Place) -> ReplayStatus:
        """Publish where a cursor stands, and answer with it."""
        cursor.last_place = at
        state = self._state(cursor, at)
        await self._publisher.publish(state)
        return state

    def _state(self, cursor: Cursor, at: Place) -> ReplayStatus:
        player = self._player(cursor)
        state: Literal["replaying", "playing", "paused", "complete"] = cursor.state(at.total)
        if player is not None and state != "complete":
            state = "playing" if player.playback.is_playing else "paused"
        return ReplayStatus(
            cursor=cursor.name,
            state=state,
            session_id=cursor.session_id,
            position=at.index,
            total=at.total,
            speed=player.playback.speed if player else None,
            loop=player.playback.loop if player else False,
        )

    def _states_on_join(self, message_type: str) -> Iterable[Message]:
        if message_type != ReplayStatus.type:
            return []
        return [self._state(cursor, cursor.last_place) for cursor in self.cursors.recent(CURSORS_ON_JOIN)]

    async def _report_place(self, cursor: Cursor) -> ReplayStatus:
        at = await self.sessions.follow(cursor, lambda reader: place(reader, cursor.position))
        return await self.report(cursor, at)

    async def _moved(self, cursor: Cursor) -> None:
        player = self._player(cursor)
        if player is not None:
            await player.moved()

    def _player(self, cursor: Cursor) -> Player | None:
        player = self._players.get(cursor.name)
        return player if player is not None and player.cursor is cursor else None

    def _forget_players(self) -> None:
        """End the players of cursors that are no more."""
        for name, player in list(self._players.items()):
            if not self.is_current(player.cursor):
                player.pause()
                del self._players[name]

    def is_current(self, cursor: Cursor) -> bool:
        """Whether the cursor has its name still: it was not stopped, replaced, or forgotten for others."""
        return self.cursors.peek(cursor.name) is cursor

    def _cursor(self, name: str) -> Cursor:
        cursor = self.cursors.get(name)
        if cursor is None:
            raise NotReplaying(f"the cursor {name!r} replays nothing; start one with POST /session/replay/<session id>")
        return cursor

    def lock(self, name: str) -> asyncio.Lock:
        """Held while the cursor of a name moves."""
        return self._locks.setdefault(name, asyncio.Lock())


def _idle(name: str) -> ReplayStatus:
    return ReplayStatus(cursor=name, state="idle", session_id=None, position=0, total=0)
