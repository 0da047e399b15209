"""By which model a session is made again: one and the same for all of it, whatever happens to the generator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from shared.bus.envelope import Reply, Request
from shared.bus.requests.generator import Generate, HadModel, ModelState
from shared.bus.server import Server
from shared.errors import Cancelled, GeneratorLoading, InvalidRequest
from shared.session.reading.reader import open_session
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.bus.replayer.conftest import Rig
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.waiting import eventually_async

FRAMES = 4


def model(name: str, files: str | None = None) -> dict[str, Any]:
    return {
        "id": f"id of {name}",
        "revision": f"{name}1",
        "files_sha256": files or f"files of {name}",
        "kind": "edit",
        "pipeline": "P",
        "scheduler": "S",
    }


class Station:
    """A generator with the models ``a`` and ``b``, and a recorder that writes each frame at once.

    Attributes:
        live: name of the model that makes frames.
        names: whether it knows names; else it is of a version that has one model.
        models: what each name means.
        gate: frames are made while it is set.
        at_gate: ids of the requests that wait for it, or were given up there.
        loading, away: how often a model is said not to be there yet, when it is asked for, and when a frame is.
        had: names that were asked for.
        asked: which model each frame was asked of.
        after: called after each frame, with how many there are.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._writers: dict[str, SessionWriter] = {}
        self.cancelled: set[str] = set()
        self.at_gate: set[str] = set()
        self.live, self.epoch, self.names = "a", "first", True
        self.models = {name: model(name) for name in "ab"}
        self.gate = asyncio.Event()
        self.gate.set()
        self.loading = self.away = self.made = 0
        self.had: list[str] = []
        self.asked: list[str | None] = []
        self.after: Callable[[int], None] = lambda made: None
        generator = {"status": self._status, "generate": self._generate, "cancel": self._cancel}
        generator |= {"model": self._model, "model.have": self._have}
        recorder = {"start": self._start, "status": self._recorded, "stop": self._stop}
        self._serving: list[asyncio.Task[None]] = []
        self._serve("recorder", recorder)
        self._handlers = generator

    def open(self) -> None:
        """Begin to serve, with names or without."""
        handlers = {kind: work for kind, work in self._handlers.items() if self.names or not kind.startswith("model")}
        self._serve("generator", handlers)

    def close(self) -> None:
        for task in self._serving:
            task.cancel()
        for writer in self._writers.values():
            writer.close()

    def _serve(self, channel: str, handlers: dict[str, Any]) -> None:
        self._serving.append(asyncio.create_task(Server(self._rig.buses.new(), channel, handlers).serve()))

    async def _status(self, _: Request) -> Reply:
        counts = {"last_seq": -1, "queue": 0, "backlog_bytes": 0, "backlog_limit_bytes": 1}
        return Reply({"epoch": self.epoch, "state": "ready", "model": self.models[self.live], **counts})

    async def _model(self, _: Request) -> Reply:
        return Reply(ModelState.model_validate({"name": self.live, "model": self.models[self.live]}).model_dump())

    async def _have(self, request: Request) -> Reply:
        name = request.body["model"]
        self.had.append(name)
        if self.loading:
            self.loading -= 1
            raise GeneratorLoading(f"{name} waits for its turn")
        if name not in self.models:
            raise InvalidRequest(f"no {name}", fields={"model": f"no {name}"})
        return Reply(HadModel.model_validate({"model": self.models[name]}).model_dump())

    async def _generate(self, request: Request) -> Reply:
        wanted = Generate.model_validate(request.body)
        if not self.gate.is_set():
            self.at_gate.add(wanted.request_id)
            await self.gate.wait()
        if wanted.request_id in self.cancelled:
            raise Cancelled("it was given up")
        if self.away:
            self.away -= 1
            raise GeneratorLoading("its model waits for its turn")
        assert wanted.session is not None
        assert wanted.origin is not None
        self.asked.append(wanted.model)
        writer = self._writers[wanted.session.session_id]
        frame = pending_frame(
            writer.recorded,
            input=request.payloads[0],
            session_id=writer.session_id,
            epoch=self.epoch,
            model=self.models[(wanted.model if self.names else None) or self.live],
            origin=wanted.origin.model_dump(),
        )
        writer.append([frame])
        self.made += 1
        self.after(self.made)
        return Reply(frame.frame.model_dump(), (frame.png,))

    async def _cancel(self, request: Request) -> Reply:
        self.cancelled.add(request.body["request_id"])
        return Reply({"found": "queued"})

    async def _start(self, request: Request) -> Reply:
        name = request.body["session_id"]
        if name not in self._writers:
            extra = request.body["extra"]
            self._writers[name] = SessionWriter.open_or_create(Disk(), self._rig.root, name, CREATED_AT, extra)
        return Reply({"session_id": name, "created_at": CREATED_AT})

    async def _recorded(self, _: Request) -> Reply:
        return Reply({"epoch": "r", "active": None, "free_bytes": 1})

    async def _stop(self, request: Request) -> Reply:
        return Reply({"session_id": request.body["session_id"], "recorded": 0, "pending": 0})


@pytest.fixture
async def station(rig: Rig) -> AsyncIterator[Station]:
    made = Station(rig)
    writer = rig.record("s", 0)
    rig.add(writer, FRAMES, model=model("a"))
    yield made
    made.close()


async def until(rig: Rig, *states: str, done: int = 0) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        now = (await rig.ask("rerun.status", session_id="again")).body
        assert now["state"] in states or now["state"] != "failed", now
        return dict(now) if now["state"] in states and now["done"] >= done else None

    return dict(await eventually_async(reached))


async def rerun(rig: Rig, **fields: Any) -> None:
    await rig.ask("rerun", **{"session_id": "s", "into": "again", **fields})


def made_by(rig: Rig) -> list[str]:
    with open_session(rig.root, "again") as reader:
        return [reader.entry(position).model["id"] for position in range(reader.count)]  # type: ignore[index]


def head(rig: Rig) -> dict[str, Any]:
    with open_session(rig.root, "again") as reader:
        return dict(reader.head)


async def break_off(rig: Rig, station: Station, **fields: Any) -> None:
    """Begin a re-run, and give it up after its first frame, while it waits for its second."""
    station.after = lambda made: station.gate.clear()
    await rerun(rig, **fields)
    await until(rig, "running", "waiting", done=1)
    await eventually_async(lambda: station.at_gate, what="its second frame is asked for")
    await rig.ask("rerun.cancel", session_id="again")
    await eventually_async(lambda: station.at_gate <= station.cancelled, what="the generator has heard of it")
    station.after = lambda made: None
    station.gate.set()


async def test_a_change_of_the_live_model_is_none_of_it(rig: Rig, station: Station) -> None:
    station.open()

    def change(made: int) -> None:
        station.live = "b"

    station.after = change
    await rerun(rig)
    await until(rig, "complete")
    assert made_by(rig) == ["id of a"] * FRAMES
    assert station.asked == ["a"] * FRAMES
    assert head(rig)["changed"] == {}
    said = {"id": "id of a", "revision": "a1", "files_sha256": "files of a", "kind": "edit"}
    assert head(rig)["made_with"] == {**said, "name": "a"}


async def test_where_models_have_no_names_a_frame_of_another_one_ends_it(rig: Rig, station: Station) -> None:
    station.names = False
    station.open()

    def change(made: int) -> None:
        station.live = "b" if made == 2 else "a"

    station.after = change
    await rerun(rig)
    assert "the generator runs another model now, id of b" in (await until(rig, "failed"))["reason"]
    assert made_by(rig) == ["id of a", "id of a", "id of b"]
    assert "name" not in head(rig)["made_with"]


@pytest.mark.parametrize("names", [True, False])
async def test_a_generator_that_was_started_anew_with_another_model_makes_no_frame_of_it(
    rig: Rig, station: Station, names: bool
) -> None:
    station.names = names
    station.open()

    def start_anew(made: int) -> None:
        station.epoch, station.live = "second", "b"
        station.models["a"] = model("c")

    station.after = start_anew
    await rerun(rig)
    assert "the generator runs another model now" in (await until(rig, "failed"))["reason"]
    assert made_by(rig) == ["id of a"]


async def test_one_that_was_started_anew_has_its_model_by_the_files(rig: Rig, station: Station) -> None:
    station.open()

    def start_anew(made: int) -> None:
        station.epoch, station.live = "second", "elsewhere"
        station.models = {"elsewhere": model("elsewhere", "files of a")}

    station.after = start_anew
    await rerun(rig)
    await until(rig, "complete")
    assert station.asked == ["a", *["elsewhere"] * (FRAMES - 1)]
    assert station.had == []


async def test_a_model_is_asked_for_once_in_a_life_of_the_generator(rig: Rig, station: Station) -> None:
    station.open()

    def then(made: int) -> None:
        if made == 1:
            station.away = 2
        if made == 3:
            station.epoch, station.loading = "second", 1

    station.after = then
    await rerun(rig, model="b")
    waiting = await until(rig, "waiting", done=3)
    assert waiting["reason"] in ("the generator was started anew", "b waits for its turn")
    await until(rig, "complete")
    assert station.had == ["b", "b", "b"], "at its beginning; loading, then loaded, in the second life"
    assert made_by(rig) == ["id of b"] * FRAMES
    assert head(rig)["changed"] == {"model": {"id": "id of b", "revision": "b1", "name": "b"}}


async def test_what_is_resumed_goes_on_with_the_model_that_it_was_begun_with(rig: Rig, station: Station) -> None:
    rig.add(rig.record("of_b", 0), FRAMES, model=model("b"))
    station.open()
    await break_off(rig, station, session_id="of_b", model="b")
    assert head(rig)["changed"] == {}, "it differs from its parent in nothing"
    assert head(rig)["made_with"]["name"] == "b"
    await rerun(rig, session_id="of_b", resume=True)
    await until(rig, "complete")
    assert made_by(rig) == ["id of b"] * FRAMES


async def test_one_that_live_frames_began_goes_on_with_its_own_model(rig: Rig, station: Station) -> None:
    station.open()
    await break_off(rig, station)
    station.live = "b"
    await rerun(rig, resume=True)
    await until(rig, "complete")
    assert made_by(rig) == ["id of a"] * FRAMES


async def test_it_is_not_resumed_with_another_one(rig: Rig, station: Station) -> None:
    station.open()
    await break_off(rig, station, model="b")
    with pytest.raises(InvalidRequest, match="Start it with the one that this re-run began with, id of b") as refused:
        await rerun(rig, resume=True, model="a")
    assert "model" in (refused.value.fields or {})
    station.models["b"] = model("c")
    with pytest.raises(InvalidRequest, match="runs another model now, id of c"):
        await rerun(rig, resume=True)
    del station.models["b"]
    with pytest.raises(InvalidRequest, match="no b"):
        await rerun(rig, resume=True)
    assert made_by(rig) == ["id of b"]


def begun_before(rig: Rig, name: str, **head: Any) -> None:
    """A re-run that was begun by an older version, and has one frame."""
    with open_session(rig.root, "s") as reader:
        parent = {"session_id": "s", "created_at": reader.created_at, "frames": reader.count}
    writer = SessionWriter.create(Disk(), rig.root, "again", CREATED_AT, {"parent": parent, **head})
    rig.add(writer, 1, model=model(name), origin={"session_id": "s", "index": 0, "frame_id": None})
    writer.close()


@pytest.mark.parametrize("said", [{}, {"made_with": 5}, {"made_with": {}}])
async def test_of_one_that_does_not_say_it_its_frames_know(rig: Rig, station: Station, said: dict[str, Any]) -> None:
    begun_before(rig, "b", changed={"model": {"id": "id of b", "revision": "b1", "name": "b"}}, **said)
    station.open()
    await rerun(rig, resume=True)
    await until(rig, "complete")
    assert made_by(rig) == ["id of b"] * FRAMES


async def test_one_whose_model_has_no_name_is_not_resumed_with_another(rig: Rig, station: Station) -> None:
    begun_before(rig, "b", changed={})
    station.open()
    with pytest.raises(InvalidRequest, match="runs another model now, id of a"):
        await rerun(rig, resume=True)
    assert made_by(rig) == ["id of b"]
    station.live = "b"
    await rerun(rig, resume=True)
    await until(rig, "complete")
    assert made_by(rig) == ["id of b"] * FRAMES
