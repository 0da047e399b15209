"""Stand-ins for the processes that the API talks to: they answer over real sockets, as a test tells them to."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from shared.bus.envelope import Payload, Reply, Request
from shared.bus.message import Message
from shared.bus.messages import AnyMessage, FrameRecorded, Progress, ReplayStatus, SessionStarted, Status
from shared.bus.publisher import Publisher
from shared.bus.requests.generator import Generate, VocabularyAnswer
from shared.bus.requests.recorder import (
    DeleteSession,
    RecorderStatus,
    Repaired,
    RepairSession,
    ResumeSession,
    StartedSession,
    StartSession,
    StatusRequest,
    StoppedSession,
)
from shared.bus.requests.replayer import (
    ReplayedFrame,
    RerunRequest,
    RerunState,
    Seek,
    StartReplay,
    StartRerun,
)
from shared.bus.server import Server
from shared.bus.sockets import Bus
from shared.errors import (
    NotFound,
    NotReplaying,
    ParafoveaError,
    SessionBusy,
    SessionExists,
    SessionNotActive,
    SessionNotFound,
)
from shared.frame import Frame, FrameKey, FrameRef, Model, SessionStamp
from shared.session.format import ids
from shared.session.reading.reader import open_session
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.ahead_standin import FakeAhead
from tests.support.frames import tiny_png

MODEL = Model(id="stand-in", revision="0", kind="inpaint", pipeline="P", scheduler="S")


class StandIn:
    """What the three share: tasks that end with them."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.is_dead = False
        self._tasks: list[asyncio.Task[Any]] = []

    def _run(self, *work: Any) -> None:
        self._tasks += [asyncio.create_task(each) for each in work]

    async def die(self) -> None:
        """Be gone, without a word."""
        self.is_dead = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.bus.close()


class FakeGenerator(StandIn):
    """Answers ``generate`` with a small PNG whose text tells the request, when :attr:`release` is set.

    Attributes:
        error: raised instead of an answer.
        state, queue, backlog_bytes: what the heartbeat says.
        notes: of each frame.
        vocabulary: what is known beside the model; empty: any text.
        asked: the requests, with their images.
        cancelled: ids that were cancelled.
        on_frame: called with each frame of a session, before it is answered.
        ahead: what it makes ahead.
    """

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.epoch = uuid.uuid4().hex[:8]
        self.error: ParafoveaError | None = None
        self.state = "ready"
        self.queue = 0
        self.backlog_bytes = 0
        self.notes: dict[str, Any] = {}
        self.png_bytes = 1000
        self.release = asyncio.Event()
        self.release.set()
        self.asked: list[tuple[Generate, bytes]] = []
        self.cancelled: list[str] = []
        self.on_frame: Callable[[Frame, bytes, bytes], Awaitable[None]] | None = None
        self._seq = -1
        self._record_seq: dict[str, int] = {}
        self._publisher = Publisher(bus, "frames", lambda kind: [self._status()] if kind == "status" else [])
        self.vocabulary: dict[str, Any] = {}
        self.ahead = FakeAhead(self.publish, self._commit)
        handlers = {"generate": self._generate, "cancel": self._cancel, "vocabulary": self._vocabulary}
        server = Server(bus, "generator", {**handlers, **self.ahead.handlers()})
        self._run(server.serve(), self._publisher.serve_joins(), self._beat())

    async def tell(self) -> None:
        """Publish the state now."""
        await self._publisher.publish(self._status())

    async def publish(self, message: AnyMessage, payload: Payload = b"") -> None:
        """Publish anything on ``frames``."""
        await self._publisher.publish(message, payload)

    async def _beat(self) -> None:
        while True:
            await self.tell()
            await asyncio.sleep(0.2)

    def _status(self) -> Status:
        return Status.model_validate(
            {
                "epoch": self.epoch,
                "state": self.state,
                "last_seq": self._seq,
                "queue": self.queue,
                "backlog_bytes": self.backlog_bytes,
                "backlog_limit_bytes": 1 << 30,
                "model": MODEL,
                "device": "cpu",
                "dtype": "float32",
            }
        )

    async def _generate(self, request: Request) -> Reply:
        wanted = Generate.model_validate(request.body)
        self.asked.append((wanted, request.payloads[0]))
        await self.publish(Progress(request_id=wanted.request_id, client_id=wanted.client_id, step=1, steps=2))
        await self.release.wait()
        if self.error is not None:
            raise self.error
        image = request.payloads[0] if wanted.image_sha256 is None else self.ahead.known(wanted.image_sha256)
        return await self._commit(wanted, image)

    async def _commit(self, wanted: Generate, image: bytes) -> Reply:
        """Make a frame, publish it, have it recorded, and answer with it."""
        self._seq += 1
        frame, png = self._frame(wanted, image)
        self.ahead.pictures |= {frame.input_sha256: image, frame.sha256: png}
        await self.publish(frame, png)
        if frame.session_id is not None and self.on_frame is not None:
            await self.on_frame(frame, png, image)
        fields = frame.model_dump(exclude={"v", "id", "time", "monotonic_ns"})
        return Reply(Frame.model_validate(fields).model_dump(), (png,))

    def _frame(self, wanted: Generate, image: bytes) -> tuple[Frame, bytes]:
        session = wanted.session.session_id if wanted.session else None
        record_seq = None
        if session is not None:
            record_seq = self._record_seq[session] = self._record_seq.get(session, -1) + 1
        fields: dict[str, Any] = {
            **wanted.model_dump(
                exclude={
                    *("session", "supersede", "timeout_ms", "priority", "publish", "guidance_scale", "strength"),
                    "image_sha256",
                }
            ),
            "frame_id": f"{self.epoch}-{self._seq}",
            "epoch": self.epoch,
            "seq": self._seq,
            "session_id": session,
            "session_created_at": wanted.session.created_at if wanted.session else None,
            "record_seq": record_seq,
            "region": (0, 0, 21, 21),
            "steps": wanted.steps or 4,
            "width": 64,
            "height": 64,
            "input_sha256": hashlib.sha256(image).hexdigest(),
            "input_format": "png",
            "model": MODEL.model_dump(),
            "device": "cpu",
            "dtype": "float32",
            "versions": {},
            "notes": self.notes,
            "queued_ms": 0.1,
            "generation_ms": 12.3,
            "timestamp": time.time(),
        }
        png = tiny_png({**fields}, self.png_bytes)
        return Frame(**fields, sha256=hashlib.sha256(png).hexdigest()), png

    async def _vocabulary(self, request: Request) -> Reply:
        if self.error is not None:
            raise self.error
        return Reply(VocabularyAnswer(model=MODEL, **self.vocabulary).model_dump())

    async def _cancel(self, request: Request) -> Reply:
        self.cancelled.append(request.body["request_id"])
        return Reply({"found": "running"})


class FakeRecorder(StandIn):
    """Keeps real session folders, and says of frames what it is told to.

    Attributes:
        records: ``at once`` (and says so), ``silently`` (known only to who asks), ``never``.
        gone: whether the frames that are asked after are lost, where they are not on disk.
        resumed, repaired: what was asked.
    """

    def __init__(self, bus: Bus, root: Path) -> None:
        super().__init__(bus)
        self.root = root
        self.epoch = uuid.uuid4().hex[:8]
        self.active: SessionStamp | None = None
        self.records = "at once"
        self.gone = False
        self.free_bytes: int | None = 100_000_000_000
        self.error: str | None = None
        self.set_aside: dict[str, str] = {}
        self.refusal: ParafoveaError | None = None
        self.resumed: list[str] = []
        self.repaired: list[str] = []
        self.status_requests = 0
        self.on_disk: set[tuple[str, int]] = set()
        self.unrecorded: list[tuple[Frame, bytes, bytes]] = []
        self._writers: dict[str, SessionWriter] = {}
        self._publisher = Publisher(bus, "recordings")
        handlers = {
            "start": self._start,
            "stop": self._stop,
            "resume": self._resume,
            "status": self._status,
            "delete": self._delete,
            "repair": self._repair,
        }
        self._run(Server(bus, "recorder", handlers).serve(), self._publisher.serve_joins())

    async def take(self, frame: Frame, png: bytes, image: bytes) -> None:
        """A frame of a session was made."""
        if self.is_dead or self.records == "never":
            self.unrecorded.append((frame, png, image))
            return
        await self.record(frame, png, image, announce=self.records == "at once")

    async def record(self, frame: Frame, png: bytes, image: bytes, *, announce: bool = True) -> None:
        """Write a frame, and say so."""
        assert frame.session_id is not None
        assert frame.record_seq is not None
        writer = self._writers[frame.session_id]
        (done,) = writer.append([FrameToWrite(frame, png, image)])
        self.on_disk.add((frame.epoch, frame.record_seq))
        if announce:
            await self._publisher.publish(
                FrameRecorded(
                    session_id=frame.session_id,
                    frame_id=frame.frame_id,
                    frame_epoch=frame.epoch,
                    record_seq=frame.record_seq,
                    index=done.index or 0,
                    filename=done.filename or "",
                    sha256=done.sha256,
                    bytes=done.bytes,
                )
            )

    async def die(self) -> None:
        for writer in self._writers.values():
            writer.close()
        await super().die()

    async def _start(self, request: Request) -> Reply:
        if self.refusal is not None:
            raise self.refusal
        wanted = StartSession.model_validate(request.body)
        now = time.time()
        exists = wanted.session_id is not None and (self.root / wanted.session_id).exists()
        if wanted.session_id is None:
            session_id = ids.automatic(self.root, now)
        elif wanted.resume and exists:
            session_id = wanted.session_id
        elif exists:
            raise SessionExists(f"session {wanted.session_id!r} exists")
        else:
            session_id = ids.claim(self.root, wanted.session_id)
        if session_id not in self._writers:
            writer = SessionWriter.open_or_create(Disk(), self.root, session_id, now)
            self._writers[session_id] = writer
        created_at = self._writers[session_id].created_at
        self.active = SessionStamp(session_id=session_id, created_at=created_at)
        await self._publisher.publish(
            SessionStarted(epoch=self.epoch, session_id=session_id, created_at=created_at, resumed=exists)
        )
        return Reply(StartedSession(session_id=session_id, created_at=created_at, resumed=exists).model_dump())

    async def _stop(self, request: Request) -> Reply:
        if self.active is None:
            raise SessionNotActive("no session is active")
        stopped, self.active = self.active, None
        return Reply(
            StoppedSession(session_id=stopped.session_id, recorded=0, pending=len(self.unrecorded)).model_dump()
        )

    async def _resume(self, request: Request) -> Reply:
        wanted = ResumeSession.model_validate(request.body)
        self.resumed.append(wanted.session_id)
        self.active = SessionStamp(**wanted.model_dump())
        return Reply(StartedSession(**wanted.model_dump(), resumed=True).model_dump())

    async def _status(self, request: Request) -> Reply:
        self.status_requests += 1
        asked = StatusRequest.model_validate(request.body).frames
        status = RecorderStatus(
            epoch=self.epoch,
            active=self.active,
            free_bytes=self.free_bytes,
            error=self.error,
            set_aside=self.set_aside,
            recorded=tuple((ref.epoch, ref.record_seq) in self.on_disk for ref in asked),
            gone=tuple(self.gone and (ref.epoch, ref.record_seq) not in self.on_disk for ref in asked),
        )
        return Reply(status.model_dump())

    async def _delete(self, request: Request) -> Reply:
        session_id = DeleteSession.model_validate(request.body).session_id
        if self.active is not None and self.active.session_id == session_id:
            raise SessionBusy(f"session {session_id!r} is active; stop it first")
        open_session(self.root, session_id).close()
        writer = self._writers.pop(session_id, None)
        if writer is not None:
            writer.close()
        Disk().remove_tree(self.root / session_id)
        return Reply({})

    async def _repair(self, request: Request) -> Reply:
        session_id = RepairSession.model_validate(request.body).session_id
        self.repaired.append(session_id)
        if not (self.root / session_id).is_dir():
            raise SessionNotFound(f"there is no session {session_id!r}")
        done = repair(Disk(), self.root / session_id)
        return Reply(Repaired(session_id=session_id, actions=tuple(done.did)).model_dump())


class FakeReplayer(StandIn):
    """Steps through real session folders, without any care for damage.

    Attributes:
        error: raised by the next step.
    """

    def __init__(self, bus: Bus, root: Path) -> None:
        super().__init__(bus)
        self.root = root
        self.error: ParafoveaError | None = None
        self._cursors: dict[str, tuple[str, int]] = {}
        self._reruns: dict[str, RerunState] = {}
        self._publisher = Publisher(bus, "replays")
        handlers = {
            "start": self._start,
            "next": self._next,
            "previous": self._previous,
            "seek": self._seek,
            "play": self._status_of_one,
            "pause": self._status_of_one,
            "stop": self._stop,
            "status": self._status,
            "rerun": self._rerun,
            "rerun.status": self._rerun_status,
            "rerun.cancel": self._rerun_status,
        }
        self._run(Server(bus, "replayer", handlers).serve(), self._publisher.serve_joins())

    async def publish(self, message: Message, payload: Payload = b"") -> None:
        """Publish anything on ``replays``."""
        await self._publisher.publish(message, payload)

    async def _start(self, request: Request) -> Reply:
        wanted = StartReplay.model_validate(request.body)
        open_session(self.root, wanted.session_id).close()
        self._cursors[wanted.cursor] = (wanted.session_id, 0)
        return self._state(wanted.cursor)

    async def _next(self, request: Request) -> Reply:
        name, session_id, at = self._at(request)
        with open_session(self.root, session_id) as reader:
            if at >= reader.count:
                return Reply(ReplayedFrame(complete=True, cursor=name, session_id=session_id).model_dump())
            self._cursors[name] = (session_id, at + 1)
            if self.error is not None:
                raise self.error
            entry = reader.entry(at)
            shown = ReplayedFrame(complete=False, cursor=name, session_id=session_id, entry=entry.fields)
            return Reply(shown.model_dump(), (reader.frame_bytes(entry),))

    async def _previous(self, request: Request) -> Reply:
        name, session_id, at = self._at(request)
        self._cursors[name] = (session_id, max(0, at - 2))
        return await self._next(request)

    async def _seek(self, request: Request) -> Reply:
        name, session_id, _ = self._at(request)
        self._cursors[name] = (session_id, Seek.model_validate(request.body).index)
        return self._state(name)

    async def _stop(self, request: Request) -> Reply:
        self._cursors.pop(request.body["cursor"], None)
        return self._state(request.body["cursor"])

    async def _status(self, request: Request) -> Reply:
        return self._state(request.body["cursor"])

    async def _status_of_one(self, request: Request) -> Reply:
        self._at(request)
        return self._state(request.body["cursor"])

    async def _rerun(self, request: Request) -> Reply:
        wanted = StartRerun.model_validate(request.body)
        ids.validate(wanted.into)
        open_session(self.root, wanted.session_id).close()
        state = RerunState(
            session_id=wanted.into, parent=wanted.session_id, state="running", done=0, total=1, changed={}
        )
        self._reruns[wanted.into] = state
        return Reply(state.model_dump())

    async def _rerun_status(self, request: Request) -> Reply:
        session_id = RerunRequest.model_validate(request.body).session_id
        if session_id in self._reruns:
            return Reply(self._reruns[session_id].model_dump())
        open_session(self.root, session_id).close()
        raise NotFound(f"session {session_id!r} is not made by a re-run")

    def _at(self, request: Request) -> tuple[str, str, int]:
        name = request.body["cursor"]
        if name not in self._cursors:
            raise NotReplaying(f"the cursor {name!r} replays nothing")
        return name, *self._cursors[name]

    def _state(self, name: str) -> Reply:
        if name not in self._cursors:
            return Reply(ReplayStatus(cursor=name, state="idle", session_id=None, position=0, total=0).model_dump())
        session_id, at = self._cursors[name]
        with open_session(self.root, session_id) as reader:
            total = reader.count
        state = ReplayStatus(cursor=name, state="replaying", session_id=session_id, position=at, total=total)
        return Reply(state.model_dump())


def as_answered(frame: Frame) -> FrameKey:
    """A session's frame as the API keeps it in mind."""
    assert frame.session_id is not None
    assert frame.record_seq is not None
    ref = FrameRef(session_id=frame.session_id, epoch=frame.epoch, record_seq=frame.record_seq)
    return FrameKey(**ref.model_dump(), frame_id=frame.frame_id)
