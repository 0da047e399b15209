"""A recorder in this process on a real ipc bus, a generator that a test steers, a client and a subscriber."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from services.recorder.service import Recorder
from shared.bus.acknowledging import Acknowledgements
from shared.bus.envelope import Published, Reply, Request
from shared.bus.message import Message
from shared.bus.messages import Status
from shared.bus.publisher import Publisher
from shared.bus.requests.generator import Acknowledge, Fetch, InputRequest, ListedFrame, Listing
from shared.bus.rpc import Client, PeerGone
from shared.bus.server import Server
from shared.bus.subscriber import Subscriber
from shared.errors import NotFound
from shared.frame import Frame
from shared.process.runner import Runtime
from shared.process.settings import Settings
from shared.session.format.layout import RECORDER_LOCK
from shared.session.writing.journal import Journal, JournaledFrame
from shared.session.writing.spill import write_spill
from shared.system.disk import Disk
from tests.support.buses import Buses
from tests.support.frames import frame_fields, frame_of, input_image, tiny_png, whole
from tests.support.metadata import read_metadata
from tests.support.scripted_disk import Died, ScriptedDisk
from tests.support.waiting import eventually_async

RECORDED_S = 30.0
"""Beside a busy neighbour: what is asked for once more is asked for seconds later."""


class SteeredGenerator:
    """Makes frames, loses what a test wants lost, and holds each until it is acknowledged.

    Attributes:
        loses: which frames (by ``record_seq``) never reach the stream.
        state: what its heartbeat says.
        fetched: what was asked for, by ``record_seq``.
    """

    def __init__(self, buses: Buses, epoch: str) -> None:
        self.epoch = epoch
        self.bus = buses.new()
        self.loses: set[int] = set()
        self.state = "ready"
        self.fetches_nothing = False
        self.fetched: list[int] = []
        self.acknowledged: list[int] = []
        self.ignores_acknowledgements = 0
        self.may_acknowledge = asyncio.Event()
        self.may_acknowledge.set()
        self.held: dict[tuple[str, int], tuple[dict[str, Any], bytes]] = {}
        self.inputs: dict[str, bytes] = {}
        self.acknowledgements = Acknowledgements(self.bus, Path())  # on ipc the secret is beside the sockets
        self._next: dict[str, int] = {}
        self._seq = -1
        self._publisher = Publisher(self.bus, "frames", self._told)
        handlers = {"pending": self._pending, "fetch": self._fetch, "input": self._input, "ack": self._ack}
        server = Server(self.bus, "generator", handlers)
        self._tasks = [
            asyncio.create_task(work) for work in (server.serve(), self._publisher.serve_joins(), self._beat())
        ]

    async def make(self, session_id: str = "s", count: int = 1, *, chain: bool = False, **fields: Any) -> list[str]:
        """Make frames of a session; their hashes."""
        hashes = []
        for _ in range(count):
            self._seq += 1
            number = self._next.get(session_id, 0)
            self._next[session_id] = number + 1
            last = self.held.get((session_id, number - 1))
            source = last[1] if chain and last else input_image(number // 2)
            sha256 = hashlib.sha256(source).hexdigest()
            self.inputs[sha256] = source
            place = {"session_id": session_id, "epoch": self.epoch, "record_seq": number}
            text = whole(frame_fields(self._seq, **place, input_sha256=sha256, **fields))
            png = tiny_png(text)
            frame = frame_of(text, png)
            self.held[session_id, number] = (frame.model_dump(), png)
            hashes.append(frame.sha256)
            if number not in self.loses:
                await self._publisher.publish(frame, png)
        return hashes

    async def say_again(self, session_id: str, number: int) -> None:
        """Publish a frame that is still held once more."""
        fields, png = self.held[session_id, number]
        await self._publisher.publish(Frame(**fields), png)

    def spill(self, root: Path) -> None:
        """Write all that is held into the spill, as a generator that is told to stop does."""
        frames = [(Frame(**fields), png) for fields, png in self.held.values()]
        write_spill(ScriptedDisk(), root, frames, {sha256: ("png", data) for sha256, data in self.inputs.items()})

    def journal(self, root: Path, unanswered: Collection[int] = ()) -> Journal:
        """Write all that is held into its journal, which is locked until it is closed."""
        frames = [Frame(**fields) for fields, _ in self.held.values()]
        made = [JournaledFrame(f.key, f.record_seq not in unanswered) for f in frames if f.key is not None]
        journal = Journal(Disk(), root, self.epoch)
        journal.write(made)
        return journal

    async def tell(self) -> None:
        await self._publisher.publish(self._status())

    async def die(self) -> None:
        """Be gone, with everything that was held."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.bus.close()

    def _told(self, message_type: str) -> list[Message]:
        return [self._status()] if message_type == "status" else []

    async def _beat(self) -> None:
        while True:
            await self.tell()
            await asyncio.sleep(0.1)

    def _status(self) -> Status:
        sessions = {session_id for session_id, _ in self.held}
        return Status.model_validate(
            {
                "epoch": self.epoch,
                "state": self.state,
                "last_seq": self._seq,
                "sessions": [
                    {
                        "session_id": session_id,
                        "last_record_seq": self._next[session_id] - 1,
                        "frames": sum(1 for s, _ in self.held if s == session_id),
                    }
                    for session_id in sessions
                ],
                "queue": 0,
                "backlog_bytes": 0,
                "backlog_limit_bytes": 1,
            }
        )

    async def _pending(self, request: Request) -> Reply:
        listed = tuple(
            ListedFrame(
                session_id=session_id,
                epoch=self.epoch,
                record_seq=number,
                frame_id=fields["frame_id"],
                bytes=len(png),
                input_sha256=fields["input_sha256"],
            )
            for (session_id, number), (fields, png) in sorted(self.held.items())
        )
        answer = Listing(epoch=self.epoch, stopping=False, frames=listed, next_record_seq=dict(self._next))
        return Reply(answer.model_dump())

    async def _fetch(self, request: Request) -> Reply:
        wanted = Fetch.model_validate(request.body)
        held = self.held.get((wanted.session_id, wanted.record_seq))
        if self.fetches_nothing or held is None or wanted.epoch != self.epoch:
            raise NotFound("not held")
        self.fetched.append(wanted.record_seq)
        return Reply(held[0], (held[1],))

    async def _input(self, request: Request) -> Reply:
        sha256 = InputRequest.model_validate(request.body).sha256
        if sha256 not in self.inputs:
            raise NotFound("no such input")
        return Reply({"sha256": sha256, "format": "png"}, (self.inputs[sha256],))

    async def _ack(self, request: Request) -> Reply:
        await self.may_acknowledge.wait()
        if self.ignores_acknowledgements:
            self.ignores_acknowledgements -= 1
            return Reply({"released": 0})
        wanted = Acknowledge.model_validate(request.body)
        await self.acknowledgements.check(wanted)
        refs = wanted.frames
        for ref in refs:
            if ref.epoch == self.epoch and self.held.pop((ref.session_id, ref.record_seq), None):
                self.acknowledged.append(ref.record_seq)
        return Reply({"released": len(refs)})


class Rig:
    """The recorder under test, and what is around it."""

    def __init__(self, buses: Buses, folder: Path) -> None:
        self.buses = buses
        self.root = folder / "sessions"
        self.disk = ScriptedDisk()
        self.events: list[Published] = []
        self.client = Client(buses.new(), "recorder")
        self._subscriber = Subscriber(buses.new(), "recordings")
        self._listening = asyncio.create_task(self._listen())
        self.generator: SteeredGenerator | None = None

    async def start(self, **settings: Any) -> None:
        """Start the recorder, with some settings of its own."""
        values = {"sessions_dir": self.root, "bus": str(self.buses.address), **settings}
        self.runtime = Runtime(Settings.model_validate(values), self.buses.new())
        self.recorder = Recorder(self.runtime, self.disk)
        self.task = asyncio.create_task(self.recorder.run())
        await eventually_async(self._answers)

    async def _answers(self) -> bool:
        try:
            return bool(await self.status())
        except PeerGone:
            return False

    async def stop(self) -> None:
        """Stop it in order."""
        self.runtime.stopping.set()
        await asyncio.wait_for(self.task, 10)
        await self.runtime.finish()

    async def kill(self) -> None:
        """End it with nothing tidied up, as far as that can be done within one process."""
        self.disk.dead = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        with contextlib.suppress(Died):
            await self.runtime.finish()
        self.recorder.thread.close(wait=True)
        was_held = (self.root / RECORDER_LOCK).exists()
        self.recorder.archive.folder.release()
        if was_held:
            (self.root / RECORDER_LOCK).touch()  # a death leaves it
        self.disk = ScriptedDisk()

    async def new_generator(self, epoch: str = "epoch-a") -> SteeredGenerator:
        """A generator with an epoch of its own."""
        self.generator = SteeredGenerator(self.buses, epoch)
        return self.generator

    async def ask(self, message_type: str, **body: Any) -> dict[str, Any]:
        return (await self.client.call(message_type, body, timeout_s=20)).body

    async def status(self, *frames: dict[str, Any]) -> dict[str, Any]:
        return await self.ask("status", frames=list(frames))

    async def state_of(self, session_id: str) -> dict[str, Any]:
        """The recorder's word on a session; empty when it has none."""
        sessions = (await self.status())["sessions"]
        return next((s for s in sessions if s["session_id"] == session_id), {})

    def metadata(self, session_id: str = "s") -> dict[str, Any]:
        path = self.root / session_id / "metadata.json"
        return read_metadata(path) if path.exists() else {"sequence": []}

    def hashes(self, session_id: str = "s") -> list[str]:
        return [entry["sha256"] for entry in self.metadata(session_id)["sequence"]]

    async def wait_recorded(self, hashes: list[str], session_id: str = "s") -> None:
        """Until a session holds exactly these frames, in this order, byte for byte, and all are acknowledged."""
        what = f"{len(hashes)} frames in {session_id}"
        await eventually_async(lambda: self.hashes(session_id) == hashes, RECORDED_S, what)
        for entry in self.metadata(session_id)["sequence"]:
            data = (self.root / session_id / entry["filename"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        generator = self.generator
        if generator is not None:
            await eventually_async(
                lambda: not any(s == session_id for s, _ in generator.held), what="all are acknowledged"
            )

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    async def _listen(self) -> None:
        async for event in self._subscriber:
            self.events.append(event)

    async def close(self) -> None:
        self._listening.cancel()
        if self.generator is not None:
            await self.generator.die()
        if hasattr(self, "task") and not self.task.done():
            await self.stop()
        await self.client.close()


@pytest.fixture
async def rig(buses: Buses, folder: Path) -> AsyncIterator[Rig]:
    made = Rig(buses, folder)
    try:
        yield made
    finally:
        await made.close()
