"""Re-runs by the session they make: begun, asked after, given up, resumed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.replayer.reruns.maker import Begun, Maker, OtherModel, maker_for, same_maker
from services.replayer.reruns.plan import changes_of
from services.replayer.reruns.rerun import Rerun
from services.replayer.reruns.sources import last_origin
from shared.bus.clients import GeneratorClient, RecorderClient
from shared.bus.requests import recorder
from shared.bus.requests import replayer as requests
from shared.bus.requests.replayer import RerunRequest, RerunState, StartRerun
from shared.bus.server import Server
from shared.errors import (
    InvalidRequest,
    NotFound,
    SessionBusy,
    SessionNotFound,
)
from shared.frame import SessionStamp, is_same_model
from shared.process.runner import Runtime
from shared.session.format.kinds import differ
from shared.session.format.recipes import is_parent
from shared.session.reading.reader import open_session

OPEN_S = 30.0
CLOSE_S = 1.0
REMEMBERED = 100
"""Re-runs that are over and can still be asked after in detail."""
SKIPPED = 10_000
"""Fewer, where all together have skipped more frames."""


@dataclass(frozen=True, slots=True)
class StartedRerun:
    """A re-run and the task that makes it."""

    rerun: Rerun
    task: asyncio.Task[None]


class StartedReruns:
    """Those under way, and the last of those that are over, by the session that they make."""

    def __init__(self) -> None:
        self._by_session: dict[str, StartedRerun] = {}

    def get(self, session_id: str) -> StartedRerun | None:
        return self._by_session.get(session_id)

    def add(self, session_id: str, run: StartedRerun) -> None:
        """A new one, in place of one into the same session that is over."""
        self._by_session[session_id] = run
        over = [(session_id, run.rerun) for session_id, run in self._by_session.items() if run.task.done()]
        skipped = sum(len(rerun.skipped) for _, rerun in over)
        for number, (session_id, rerun) in enumerate(over):
            if len(over) - number <= REMEMBERED and skipped <= SKIPPED:
                break
            skipped -= len(rerun.skipped)
            del self._by_session[session_id]

    def under_way(self) -> list[asyncio.Task[None]]:
        """The tasks of those that are not over."""
        return [run.task for run in self._by_session.values() if not run.task.done()]


class Reruns:
    """Answers ``rerun``, ``rerun.status`` and ``rerun.cancel`` on the channel ``replayer``."""

    def __init__(self, runtime: Runtime, server: Server, generator: GeneratorClient, recorder: RecorderClient) -> None:
        self._runtime = runtime
        self._generator, self._recorder = generator, recorder
        self._root: Path = runtime.settings.sessions_dir
        self._started = StartedReruns()
        self._turn = asyncio.Lock()
        self._starting = asyncio.Lock()
        server.on(requests.RERUN, self._start)
        server.on(requests.RERUN_STATUS, self._status)
        server.on(requests.RERUN_CANCEL, self._cancel)

    async def close(self) -> None:
        """Break off what is being made; it can be resumed. Jobs that are under way are dropped."""
        tasks = self._started.under_way()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_S)

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _start(self, wanted: StartRerun) -> RerunState:
        async with self._starting:
            known = self._started.get(wanted.into)
            if known is not None and not known.task.done():
                raise SessionBusy(f"session {wanted.into!r} is being made by a re-run already")
            rerun = await self._prepare(wanted)
            task = self._runtime.supervise(rerun.run(self._turn), f"re-run into {wanted.into}")
            self._started.add(wanted.into, StartedRerun(rerun, task))
            self._runtime.supervise(self._close_unfinished(rerun, task), f"end of the re-run into {wanted.into}")
        return rerun.state()

    async def _status(self, asked: RerunRequest) -> RerunState:
        return await self._state(await self._known(asked.session_id), asked.session_id)

    async def _cancel(self, asked: RerunRequest) -> RerunState:
        known = await self._known(asked.session_id)
        if known is not None:
            known.task.cancel()
            await asyncio.wait([known.task])
        return await self._state(known, asked.session_id)

    # -- parts --------------------------------------------------------------------------------------------------------

    async def _state(self, known: StartedRerun | None, session_id: str) -> RerunState:
        if known is not None:
            return known.rerun.state()
        return await asyncio.to_thread(_state_on_disk, self._root, session_id)

    async def _known(self, session_id: str) -> StartedRerun | None:
        """A re-run of ours into this session; one that is over counts while the session is the one it made."""
        known = self._started.get(session_id)
        if known is None or not known.task.done():
            return known
        return known if await asyncio.to_thread(_is_there, self._root, known.rerun.stamp) else None

    async def _prepare(self, wanted: StartRerun) -> Rerun:
        """Check everything that can be checked, then have the new session opened."""
        changes = changes_of(wanted)
        extra: dict[str, Any] = {}
        if wanted.resume:
            changed, begun = await asyncio.to_thread(_begun, self._root, wanted)
            changes = changes_of(changed)
            maker = await self._same_maker(begun, wanted.model)
        else:
            parent, made_by = await asyncio.to_thread(_parent, self._root, wanted.session_id)
            maker = await maker_for(self._generator, wanted.model)
            changed = changes.model_dump(exclude_defaults=True)
            if made_by is not None and not is_same_model(made_by, maker.model.model_dump()):
                changed["model"] = maker.said()
            extra = {"parent": parent, "changed": changed, "made_with": maker.made_with()}
        asked = recorder.StartSession(session_id=wanted.into, resume=wanted.resume, active=False, extra=extra)
        opened = await self._recorder.ask(recorder.START, asked, timeout_s=OPEN_S)
        stamp = SessionStamp(session_id=opened.session_id, created_at=opened.created_at)
        peers = self._generator, self._recorder
        return Rerun(self._root, wanted.session_id, stamp, changes, changed, maker, *peers)

    async def _same_maker(self, begun: Begun, wanted: str | None) -> Maker:
        try:
            return await same_maker(self._generator, begun, wanted)
        except OtherModel as error:
            raise InvalidRequest(str(error), fields={"model": str(error)}) from None

    async def _close_unfinished(self, rerun: Rerun, task: asyncio.Task[None]) -> None:
        await asyncio.wait([task])
        if rerun.state().state != "complete" and not self._runtime.stopping.is_set():
            await rerun.close()


def _parent(root: Path, session_id: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A session as the head of its re-run names it, and the model of its first frame."""
    with open_session(root, session_id) as reader:
        model = reader.shown(0)[0].model if reader.count else None
        return {"session_id": session_id, "created_at": reader.created_at, "frames": reader.count}, model


def _begun(root: Path, wanted: StartRerun) -> tuple[dict[str, Any], Begun]:
    """With what a re-run was begun that is to be resumed: changes, and model. Raises InvalidRequest: it is none of that
    parent."""
    with open_session(root, wanted.into) as reader, open_session(root, wanted.session_id) as parent:
        head = reader.head
        if not is_parent(parent.head, head.get("parent")):
            problem = f"session {wanted.into!r} is no re-run of {wanted.session_id!r}, so it cannot be resumed as one"
            raise InvalidRequest(problem, fields={"resume": problem})
        changed = _object(head.get("changed"))
        made_with = _object(head.get("made_with"))
        # Of one that was begun by an older version its frames know the model, and what was changed its name.
        name = (made_with or _object(changed.get("model"))).get("name")
        model = made_with or (reader.shown(0)[0].model if reader.count else None)
    return changed, Begun(model, name if isinstance(name, str) else None)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _state_on_disk(root: Path, session_id: str) -> RerunState:
    """How far a re-run came that nobody is making. Raises NotFound: the session is no re-run."""
    with open_session(root, session_id) as reader:
        parent, changed = reader.head.get("parent"), reader.head.get("changed")
    if not isinstance(parent, dict) or not isinstance(parent.get("session_id"), str):
        raise NotFound(f"session {session_id!r} is not made by a re-run")
    made = last_origin(root, session_id)
    with open_session(root, parent["session_id"]) as reader:
        if not is_parent(reader.head, parent):
            raise NotFound(
                f"session {session_id!r} was made from another session than the one that is called "
                f"{parent['session_id']!r} now"
            )
        total, position = reader.count, None if made is None else reader.position_of(made)
    done = 0 if position is None else position + 1
    return RerunState(
        session_id=session_id,
        parent=parent["session_id"],
        state="complete" if done == total else "interrupted",
        done=done,
        total=total,
        changed=changed if isinstance(changed, dict) else {},
    )


def _is_there(root: Path, stamp: SessionStamp) -> bool:
    try:
        with open_session(root, stamp.session_id) as reader:
            return reader.created_at is not None and not differ(reader.created_at, stamp.created_at)
    except SessionNotFound:
        return False
