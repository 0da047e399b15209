"""What is asked about changes that are made ahead: to prepare them, how they stand, and to make one a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.generator.engine import ModelInfo
from services.generator.journal import FrameJournal
from services.generator.making import Making
from services.generator.pictures import Picture
from services.generator.preparing.preparation import Preparation
from services.generator.preparing.preparations import Preparations
from services.generator.stream import FrameStream, Made, Material
from shared import images
from shared.bus.call import Nothing, WithImage
from shared.bus.requests import preparing
from shared.bus.requests.generator import AskedRecipe, Generate, Input
from shared.bus.requests.preparing import Commit, PictureRequest, Prepare, PreparedAnswer, PreparedRequest, Wanted
from shared.bus.server import Server
from shared.errors import Cancelled, GenerationTimeout, InvalidRequest
from shared.frame import Frame


class PreparingRequests:
    """Handlers of the ``generator`` channel for all of it.

    Args:
        check_ready: the model; raises the error that says why there is none.
        release: gives room back that was set aside for a request.
    """

    def __init__(
        self,
        preparations: Preparations,
        making: Making,
        stream: FrameStream,
        journal: FrameJournal,
        check_ready: Callable[[], ModelInfo],
        release: Callable[[str], None],
    ) -> None:
        self._preparations = preparations
        self._making = making
        self._stream = stream
        self._journal = journal
        self._check_ready = check_ready
        self._release = release
        self._waiting: dict[str, asyncio.Future[None]] = {}
        """By the ids of their requests, commits of what is not ready yet."""

    def register(self, server: Server) -> None:
        """Have them answer what this server is asked."""
        server.on_image(preparing.PREPARE, self._prepare)
        server.on(preparing.PREPARED, self._prepared)
        server.on(preparing.DROP_PREPARED, self._drop)
        server.on(preparing.COMMIT, self._commit)
        server.on(preparing.PICTURE, self._picture)

    async def _prepare(self, asked: Prepare, encoded: bytes) -> preparing.Preparations:
        info = self._check_ready()
        if len({wanted.grid_size for wanted in asked.wanted}) > 1:
            raise InvalidRequest("wanted: all are to be of one grid.")
        if any(wanted.change is not None and wanted.change.widen for wanted in asked.wanted):
            problem = "widen is not for what is prepared: name several sectors, each has a change of its own"
            raise InvalidRequest(f"change: {problem}.", fields={"change": problem})
        changes, named = self._preparations.changes_of(asked.view), asked.image_sha256
        picture = self._making.named(named) if named is not None else await self._making.picture(encoded)
        requests = [_request(asked, wanted) for wanted in asked.wanted]
        for request in requests:
            self._making.check_asked(request, info, picture.size)
        begun = self._preparations.prepare(asked, requests, picture, changes)
        return preparing.Preparations(picture_sha256=picture.sha256, prepared=tuple(each.answer() for each in begun))

    async def _prepared(self, asked: PreparedRequest) -> PreparedAnswer | WithImage[PreparedAnswer]:
        told = self._preparations.kept.told(asked.prepared_id)
        if not asked.with_sector or told.state != "ready":
            return told
        ready = self._preparations.kept.find(asked.prepared_id).ready
        return told if ready is None else WithImage(told, ready.sector_png)

    async def _drop(self, asked: PreparedRequest) -> Nothing:
        self._preparations.drop(asked.prepared_id)
        return Nothing()

    async def _picture(self, asked: PictureRequest) -> WithImage[Input]:
        found = self._making.named(asked.sha256)
        return WithImage(Input(sha256=found.sha256, format=found.format), found.encoded)

    async def _commit(self, asked: Commit) -> WithImage[Frame]:
        self._check_ready()
        each = self._preparations.kept.find(asked.prepared_id)
        on = self._preparations.aim(each, asked.on, self._making.named)
        request = _committed(each, asked)
        self._making.reserve(request, on.encoded, images.probe(on.encoded))
        try:
            await self._settled(each, asked)
            self._preparations.check(each, on)
            with self._preparations.quiet.kept():
                made, noted = await self._make(each, request, on)
                await self._journal.wait(noted)
        finally:
            self._release(request.request_id)
        return WithImage(made.frame, made.picture.encoded if asked.with_picture else b"")

    def cancel(self, request_id: str) -> bool:
        """Give up a commit that waits for its change; whether there was one."""
        waiting = self._waiting.get(request_id)
        if waiting is None or waiting.done():
            return False
        waiting.set_exception(Cancelled(f"The request {request_id} was cancelled."))
        return True

    async def _settled(self, each: Preparation, asked: Commit) -> None:
        """Wait until a change is ready, or never will be. Raises Cancelled or GenerationTimeout."""
        timeout_s = asked.timeout_ms / 1000
        cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        settled = asyncio.ensure_future(each.settled())
        self._waiting[asked.request_id] = cancelled
        try:
            done, _ = await asyncio.wait([settled, cancelled], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
            del self._waiting[asked.request_id]
        if cancelled in done:
            cancelled.result()
        if not done:
            raise GenerationTimeout(f"The change was not ready within {timeout_s:g} s; it is still being made.")

    async def _make(
        self, each: Preparation, request: Generate, on: Picture
    ) -> tuple[Made, asyncio.Future[bool] | None]:
        worked, ready = each.worked, each.ready
        assert worked is not None
        assert ready is not None
        noted: asyncio.Future[bool] | None = None

        def commit(made: Made) -> None:
            # In one turn of the loop: a view shows a picture that is held for the recorder, or it has not changed.
            nonlocal noted
            self._preparations.check(each, on)
            noted = self._making.hold(made, answered=True)
            self._preparations.committed(each, made.picture)

        material = Material(request, worked.edited, worked.info, ready.composed, worked.queued_ms, worked.generation_ms)
        made = await self._stream.make(material, commit)
        self._making.publish(made, request)
        return made, noted


def _request(asked: Prepare, wanted: Wanted) -> Generate:
    return Generate(
        **wanted.model_dump(include=set(AskedRecipe.model_fields)),
        request_id=wanted.prepared_id,
        client_id=asked.client_id,
        strict=asked.strict,
        timeout_ms=asked.timeout_ms,
    )


def _committed(each: Preparation, asked: Commit) -> Generate:
    """What ``generate`` would be asked for the same frame. Raises InvalidRequest: the grid has no such focus."""
    focus = {"focus_sector": asked.focus_sector, "focus_x": asked.focus_x, "focus_y": asked.focus_y}
    given = focus if any(value is not None for value in focus.values()) else {}
    return Generate.model_validate(
        {**each.request.model_dump(), **given, "request_id": asked.request_id, "session": asked.session}
    )
