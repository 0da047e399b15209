"""What a stand-in for the generator makes ahead: it prepares at once, or when it is let, and commits."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from shared.body import Body
from shared.bus.call import Call, Handler, Nothing
from shared.bus.envelope import Reply, Request
from shared.bus.message import Message
from shared.bus.messages import Prepared
from shared.bus.requests import preparing
from shared.bus.requests.generator import Generate, Input
from shared.bus.requests.preparing import Prepare, PreparedAnswer, Wanted
from shared.errors import NotFound, ParafoveaError, Stale, UnknownImage
from tests.support.frames import tiny_png

FINAL = ("stale", "failed", "dropped", "committed")
REGION = (0, 0, 21, 21)


@dataclass
class Kept:
    """One preparation: what was asked, for which view, and how it stands."""

    asked: Prepare
    wanted: Wanted
    picture: str
    state: str = "queued"
    said: dict[str, Any] = field(default_factory=dict)


class FakeAhead:
    """Prepares, commits, and tells of both.

    Attributes:
        release: while it is cleared, nothing gets ready.
        answering: while it is cleared, what is asked is done and not answered.
        is_quiet: nothing of preparations is published.
        reads_all: what was prepared for a view is stale after each commit on it, instead of ready anew.
        errors: by name of a request, what it is answered with.
        asked: names, fields and payloads of the requests, in the order of their coming.
        pictures: those that are known, by their hash.
        views: by name, the picture that each shows.
        kept: by id, what was prepared.
        dropped: ids that were given up.
    """

    def __init__(
        self, publish: Callable[[Message], Awaitable[None]], make: Callable[[Generate, bytes], Awaitable[Reply]]
    ) -> None:
        self.release = asyncio.Event()
        self.release.set()
        self.answering = asyncio.Event()
        self.answering.set()
        self.is_quiet = False
        self.reads_all = False
        self.errors: dict[str, ParafoveaError] = {}
        self.asked: list[tuple[str, Any, tuple[bytes, ...]]] = []
        self.pictures: dict[str, bytes] = {}
        self.views: dict[str, str] = {}
        self.kept: dict[str, Kept] = {}
        self.dropped: list[str] = []
        self._held: dict[str, asyncio.Event] = {}
        self._publish = publish
        self._make = make
        self._tasks: set[asyncio.Task[None]] = set()

    def handlers(self) -> dict[str, Handler]:
        """What answers each kind of request."""
        handlers: dict[Call[Any, Any], Callable[[Any, Request], Awaitable[Reply]]] = {
            preparing.PREPARE: self._prepare,
            preparing.PREPARED: self._prepared,
            preparing.DROP_PREPARED: self._drop,
            preparing.COMMIT: self._commit,
            preparing.PICTURE: self._picture,
        }
        return {call.name: self._noting(call, handler) for call, handler in handlers.items()}

    def hold(self, name: str) -> asyncio.Event:
        """Answer no more requests of a kind until what is returned is set."""
        held = self._held[name] = asyncio.Event()
        return held

    def named(self, name: str) -> list[Any]:
        """The fields of the requests of one kind."""
        return [asked for kind, asked, _ in self.asked if kind == name]

    async def change(self, prepared_id: str, state: str, picture: str | None = None, **said: Any) -> None:
        """Bring one into another state, and tell it."""
        kept = self.kept[prepared_id]
        kept.state, kept.said = state, said
        kept.picture = picture or kept.picture
        if not self.is_quiet:
            await self.tell(prepared_id)

    async def tell(self, prepared_id: str) -> None:
        """Publish how one stands."""
        kept = self.kept[prepared_id]
        known = self._answer(kept).model_dump(include=set(Prepared.model_fields))
        await self._publish(Prepared(**known, frame_sha256=kept.said.get("frame_sha256")))

    def known(self, sha256: str) -> bytes:
        """A picture. Raises UnknownImage."""
        if sha256 not in self.pictures:
            raise UnknownImage(f"no picture {sha256[:12]} is known; send it")
        return self.pictures[sha256]

    def forget(self) -> None:
        """Know nothing any more, as one that was started anew."""
        for task in self._tasks:
            task.cancel()
        self.pictures.clear()
        self.views.clear()
        self.kept.clear()

    # -- what is asked ------------------------------------------------------------------------------------------------

    def _noting(self, call: Call[Any, Any], handler: Callable[[Any, Request], Awaitable[Reply]]) -> Handler:
        async def handle(request: Request) -> Reply:
            asked: Body = call.asked.model_validate(request.body)
            self.asked.append((call.name, asked, request.payloads))
            if (held := self._held.get(call.name)) is not None:
                await held.wait()
            if (error := self.errors.get(call.name)) is not None:
                raise error
            answer = await handler(asked, request)
            await self.answering.wait()
            return answer

        return handle

    async def _prepare(self, asked: Prepare, request: Request) -> Reply:
        image = request.payloads[0]
        if image:
            picture = hashlib.sha256(image).hexdigest()
            self.pictures[picture] = image
        else:
            picture = asked.image_sha256 or ""
            self.known(picture)
        if asked.view is not None:
            before, self.views[asked.view] = self.views.get(asked.view), picture
            if before not in (None, picture):
                self._soon(self._aim_anew(asked.view, picture))
        made = []
        for wanted in asked.wanted:
            kept = self.kept[wanted.prepared_id] = Kept(asked, wanted, picture)
            made.append(self._answer(kept))
            self._soon(self._finish(wanted.prepared_id))
        answer = preparing.Preparations(picture_sha256=picture, prepared=tuple(made))
        return Reply(answer.flat())

    async def _finish(self, prepared_id: str) -> None:
        await self.release.wait()
        if self.kept[prepared_id].state not in FINAL:
            await self.change(prepared_id, "running")
            await self.change(prepared_id, "ready", self._picture_of(self.kept[prepared_id]), generation_ms=12.3)

    async def _prepared(self, asked: preparing.PreparedRequest, _: Request) -> Reply:
        kept = self._known(asked.prepared_id)
        sector = (tiny_png(),) if asked.with_sector and kept.state == "ready" else ()
        return Reply(self._answer(kept).flat(), sector)

    async def _drop(self, asked: preparing.PreparedRequest, _: Request) -> Reply:
        self._known(asked.prepared_id)
        self.dropped.append(asked.prepared_id)
        await self.change(asked.prepared_id, "dropped")
        del self.kept[asked.prepared_id]
        return Reply(Nothing().flat())

    async def _commit(self, asked: preparing.Commit, _: Request) -> Reply:
        kept = self._known(asked.prepared_id)
        view, picture = kept.asked.view, self._picture_of(kept)
        if kept.state == "stale" or (asked.on is not None and asked.on != picture):
            raise Stale("the view shows another picture")
        recipe = kept.wanted.model_dump(exclude={"prepared_id"}) | asked.model_dump(
            include={"focus_sector", "focus_x", "focus_y"}
        )
        wanted = Generate(
            request_id=asked.request_id,
            client_id=kept.asked.client_id,
            session=asked.session,
            timeout_ms=asked.timeout_ms,
            **recipe,
        )
        reply = await self._make(wanted, self.pictures[picture])
        sha256 = reply.body["sha256"]
        self.pictures[sha256] = bytes(reply.payloads[0])
        await self.change(asked.prepared_id, "committed", frame_sha256=sha256)
        del self.kept[asked.prepared_id]
        if view is not None:
            self.views[view] = sha256
            self._soon(self._aim_anew(view, sha256))
        return Reply(reply.body, reply.payloads if asked.with_picture else ())

    async def _aim_anew(self, view: str, sha256: str) -> None:
        for prepared_id, kept in list(self.kept.items()):
            if kept.asked.view == view and kept.state == "ready":
                if self.reads_all:
                    await self.change(prepared_id, "stale", detail="the picture has changed there")
                else:
                    await self.change(prepared_id, "composing")
                    await self.change(prepared_id, "ready", sha256)

    async def _picture(self, asked: preparing.PictureRequest, _: Request) -> Reply:
        return Reply(Input(sha256=asked.sha256, format="png").flat(), (self.known(asked.sha256),))

    # -- parts --------------------------------------------------------------------------------------------------------

    def _known(self, prepared_id: str) -> Kept:
        if prepared_id not in self.kept:
            raise NotFound(f"nothing is prepared as {prepared_id}")
        return self.kept[prepared_id]

    def _picture_of(self, kept: Kept) -> str:
        return self.views.get(kept.asked.view or "", kept.picture)

    def _answer(self, kept: Kept) -> PreparedAnswer:
        wanted = kept.wanted
        fields: dict[str, Any] = {
            "prepared_id": wanted.prepared_id,
            "view": kept.asked.view,
            "client_id": kept.asked.client_id,
            "target_sector": wanted.target_sector,
            "state": kept.state,
            "picture_sha256": kept.picture,
            "region": REGION,
            "width": 64,
            "height": 64,
            "seed": wanted.seed,
            "prompt": wanted.prompt,
        }
        return PreparedAnswer.model_validate({**fields, **kept.said})

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
