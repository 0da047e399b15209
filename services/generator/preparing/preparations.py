"""All that is prepared, and the views that it is for. Everything here belongs to the event loop's thread.

A change is made for the picture of its view. When that picture changes, by a commit or because the client says so, each
other change of the view is put into the new one. One whose model had looked where the picture is another now is stale,
and so is what a model has made that is not the one that makes frames any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

from services.generator.engine import ModelInfo
from services.generator.inference import Run
from services.generator.jobs import Job, JobQueue
from services.generator.natural.wishes import is_natural
from services.generator.pictures import Picture
from services.generator.preparing.drawings import Drawings, is_of
from services.generator.preparing.kept import Kept
from services.generator.preparing.preparation import Preparation, View, Worked, error_of
from services.generator.preparing.quiet import Quiet
from shared.bus.messages import Prepared
from shared.bus.requests.generator import Generate
from shared.bus.requests.preparing import LEASE_S, Prepare
from shared.errors import Cancelled, NotFound, ParafoveaError, Stale
from shared.system.worker import Worker


class Preparations:
    """Has changes made, and put into the pictures of their views.

    Args:
        publish: tells the bus what has become of one.
        model: what makes frames now; None before there is a model.

    Attributes:
        kept: those that are not over.
        quiet: kept while one is committed.
    """

    def __init__(
        self, queue: JobQueue, publish: Callable[[Prepared], None], model: Callable[[], ModelInfo | None]
    ) -> None:
        self._queue = queue
        self._publish = publish
        self._model = model
        self.kept = Kept()
        self.quiet = Quiet()
        self._drawings = Drawings()
        self._thread = Worker("preparer")
        self._composing: set[asyncio.Task[None]] = set()

    @property
    def held_bytes(self) -> int:
        """Memory that they take, their pictures and what was drawn included."""
        return self.kept.held_bytes + self._drawings.held_bytes

    def close(self) -> None:
        """Drop all; the thread ends after the call it is in."""
        for each in self.kept.all():
            self._end(each, "dropped", "the generator is stopping")
        self._thread.close()

    # -- asked for ----------------------------------------------------------------------------------------------------

    def changes_of(self, view: str | None) -> int:
        """How often a view has changed."""
        known = self.kept.views.get(view or "")
        return known.changes if known is not None else 0

    def prepare(self, asked: Prepare, requests: list[Generate], picture: Picture, changes: int) -> list[Preparation]:
        """Begin to make changes of a picture.

        Args:
            changes: how often the view had changed when this was asked for: what it shows since then is not undone.

        Raises QueueFull: no more can be kept; InvalidRequest: an id is taken.
        """
        if asked.supersede:
            for old in self.kept.of(asked.view, asked.client_id):
                self._end(old, "dropped", "a newer request took its place")
        self.kept.check_room([request.request_id for request in requests], asked.view)
        if asked.view is not None and self.changes_of(asked.view) == changes:
            self._show(asked.view, picture)
        view = self.kept.views.get(asked.view) if asked.view is not None else None
        aim = picture if view is None or view.picture.size != picture.size else view.picture
        made = [Preparation(request, asked.view, picture, aim) for request in requests]
        try:
            for each in made:
                self._begin(each)
        except ParafoveaError:
            for each in made:
                self._end(each, "dropped", "not all that was asked for could be begun")
            raise
        return made

    def drop(self, prepared_id: str) -> None:
        """Give one up. Raises NotFound."""
        if not self.kept.forget(prepared_id):
            self._end(self.kept.find(prepared_id), "dropped", "it was given up")

    def sweep(self) -> None:
        """Drop what nobody has asked about for so long."""
        for each in self.kept.overdue():
            self._end(each, "dropped", f"nobody has asked about it for {LEASE_S:g} s")

    def model_changed(self) -> None:
        """Another model makes frames from now on: what was made ahead by the one before is no such frame. What is not
        made yet will be made by the new one."""
        for each in self.kept.all():
            self._check_model(each)

    # -- committing ---------------------------------------------------------------------------------------------------

    def aim(self, each: Preparation, on: str | None, find: Callable[[str], Picture]) -> Picture:
        """The picture that a commit goes onto. Raises Stale: its view shows another one; UnknownImage."""
        view = self.kept.view_of(each)
        if view is not None:
            if on is not None and on != view.picture.sha256:
                raise Stale(f"The view {view.name[:100]!r} shows another picture than {on[:12]}…; see what it shows.")
            return view.picture
        picture = each.given if on is None or on == each.given.sha256 else find(on)
        self._aim(each, picture)
        return picture

    def check(self, each: Preparation, on: Picture) -> None:
        """See that a change may become a frame on a picture now. Raises the error that says why not."""
        if each.error is not None:
            raise each.error
        if each.state == "stale":
            raise Stale(each.detail or "")
        if each.is_over:
            raise NotFound(f"The preparation {each.prepared_id} is {each.state} already.")
        view = self.kept.view_of(each)
        shown = view.picture if view is not None else each.aim
        if shown.sha256 != on.sha256 or each.ready is None or each.ready.composed.on.sha256 != on.sha256:
            raise Stale("Its view has changed meanwhile; see what it shows.")

    def committed(self, each: Preparation, made: Picture) -> None:
        """A change has become a picture: its view shows that from now on."""
        self._end(each, "committed", frame_sha256=made.sha256)
        if (view := self.kept.view_of(each)) is not None:
            self._show(view.name, made)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _begin(self, each: Preparation) -> None:
        self.kept.add(each)
        drawn = None if is_natural(each.request) else self._drawings
        kept = drawn.get(each.request, each.aim.size, self._model()) if drawn is not None else None
        if kept is not None:
            each.worked = kept
            self._compose(each)
            return
        job = each.job = Job(each.request, asyncio.get_running_loop().create_future(), "prepared", each.aim)
        job.on_begin = lambda: self._tell(each, "running")
        job.answer.add_done_callback(lambda answer: self._job_failed(each, answer))
        self._queue.accept(job)
        self._tell(each, "queued")
        self._queue.make_ready(job)

    def took(self, run: Run) -> None:
        """A model has made one."""
        each = self.kept.get(run.job.request.request_id)
        if each is None or each.job is not run.job:
            return
        each.job = None
        each.worked = Worked.of(run)
        self._drawings.put(each.request, run.picture.size, each.worked)
        if self._check_model(each):
            self._compose(each)

    def _check_model(self, each: Preparation) -> bool:
        """Whether one is not made yet, or by the model that makes frames now; else it ends."""
        model = self._model()
        made_by = each.worked.info if each.worked is not None else None
        if made_by is not None and model is not None and not (made_by.is_natural or is_of(made_by, model)):
            self._end(each, "stale", "another model makes pictures now")
        return not each.is_over

    def _job_failed(self, each: Preparation, answer: asyncio.Future[Any]) -> None:
        error = None if answer.cancelled() else answer.exception()
        if isinstance(error, ParafoveaError) and not each.is_over:
            each.error = error
            self._end(each, "failed", error.detail)

    def _show(self, name: str, picture: Picture) -> None:
        """A view shows this picture from now on."""
        view = self.kept.views.get(name)
        if view is None:
            self.kept.views[name] = View(name, picture)
            return
        view.expires = time.monotonic() + LEASE_S
        if view.picture.sha256 == picture.sha256:
            return
        view.picture = picture
        view.changes += 1
        for each in self.kept.of(name):
            self._aim(each, picture)

    def _aim(self, each: Preparation, picture: Picture) -> None:
        if each.aim.sha256 == picture.sha256 or each.is_over:
            return
        if picture.size != each.aim.size:
            self._end(each, "stale", "the picture has another size now")
            return
        each.aim = picture
        if each.job is not None and each.state == "queued":
            each.job.picture = picture
        if each.state == "ready":
            self._compose(each)

    def _compose(self, each: Preparation) -> None:
        each.ready = None
        self._tell(each, "composing")
        task = asyncio.ensure_future(self._put_into_picture(each))
        self._composing.add(task)
        task.add_done_callback(self._composing.discard)

    async def _put_into_picture(self, each: Preparation) -> None:
        while each.state == "composing":
            await self.quiet.over()
            try:
                on, ready = await self._thread.run(each.onto)
            except Exception as error:
                each.error = error_of(error, each)
                if not each.is_over:
                    self._end(each, "failed", each.error.detail)
                return
            if each.state != "composing" or each.aim is not on:
                continue
            if ready is None:
                self._end(each, "stale", "the picture has changed where the model had looked")
            else:
                each.ready = ready
                self._tell(each, "ready")

    def _tell(self, each: Preparation, state: Literal["queued", "running", "composing", "ready"]) -> None:
        each.change(state)
        self._publish(each.message())

    def _end(
        self,
        each: Preparation,
        state: Literal["stale", "failed", "committed", "dropped"],
        detail: str | None = None,
        frame_sha256: str | None = None,
    ) -> None:
        if each.is_over:
            return
        each.detail = detail
        each.change(state)
        self.kept.end(each)
        if each.job is not None:
            job, each.job = each.job, None
            self._queue.drop(job, Cancelled(f"The preparation {each.prepared_id} was given up."))
        self._publish(each.message(frame_sha256))
