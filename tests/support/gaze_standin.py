"""A stand-in for the gaze process: it answers over real sockets, and notes what it was asked, in order."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from typing import Any

from shared.body import Body
from shared.bus.call import Call, Nothing, WithImage
from shared.bus.gaze_messages import GazeStatus, SwapDisplayed, SwapOrdered, TrialStep
from shared.bus.message import Message
from shared.bus.publisher import Publisher
from shared.bus.requests import displays, gaze
from shared.bus.server import Server
from shared.bus.sockets import Bus
from shared.errors import NotFound, ParafoveaError, TrialActive, TrialNotActive
from shared.ids import new_id
from tests.support.standins import StandIn

SHA256 = "ab" * 32


class FakeGaze(StandIn):
    """Takes everything, and decides nothing.

    Attributes:
        status: fields of the heartbeat that are other than usual.
        error: raised instead of an answer.
        release: while it is cleared, nothing is answered.
        asked: names and fields of the requests, in the order of their coming; without ``status`` and ``trial``.
        pictures: those that it holds, by their hash.
    """

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.epoch = uuid.uuid4().hex[:8]
        self.status: dict[str, Any] = {}
        self.error: ParafoveaError | None = None
        self.release = asyncio.Event()
        self.release.set()
        self.asked: list[tuple[str, Any]] = []
        self.pictures: dict[str, bytes] = {}
        self.trial = gaze.TrialState()
        self._noted = 0
        self._publisher = Publisher(bus, "gaze", lambda kind: [self._heartbeat()] if kind == "source" else [])
        self._server = Server(bus, "gaze-control")
        self._on(gaze.STATUS, lambda _: self._heartbeat())
        self._on(gaze.STATE, lambda _: self.trial)
        self._on(gaze.SOURCE, self._choose)
        self._on(gaze.END, self._end)
        self._on(displays.VIEW, lambda _: displays.ViewShown(counts=True, trial=self.trial))
        self._on(displays.POINTS, lambda asked: displays.Taken(count=len(asked.points)))
        self._on(displays.PING, self._ping)
        self._on(displays.GONE, lambda _: Nothing())
        reports = (displays.READY, displays.DISPLAYED, displays.MISSED, displays.CLOCK)
        for call in (*reports, displays.KEY, displays.RESPONSE):
            self._on(call, self._note)
        self._on(gaze.PICTURE, self._picture)
        self._server.on_image(gaze.BEGIN, self._begin)
        self._run(self._server.serve(), self._publisher.serve_joins(), self._beat())

    def named(self, name: str) -> list[Any]:
        """The fields of the requests of one kind."""
        return [asked for kind, asked in self.asked if kind == name]

    async def publish(self, message: Message) -> None:
        """Publish anything on ``gaze``."""
        await self._publisher.publish(message)

    async def tell(self) -> None:
        """Publish the heartbeat now."""
        await self._publisher.publish(self._heartbeat())

    def _on(self, call: Call[Any, Any], answer: Any) -> None:
        async def handle(asked: Body) -> Any:
            if call not in (gaze.STATUS, gaze.STATE):
                self.asked.append((call.name, asked))
            await self.release.wait()
            if self.error is not None:
                raise self.error
            return answer(asked)

        self._server.on(call, handle)

    async def _beat(self) -> None:
        while True:
            await self.tell()
            await asyncio.sleep(0.2)

    def _heartbeat(self) -> GazeStatus:
        usual = {"epoch": self.epoch, "source": "page", "state": "waiting", "trial_id": self.trial.trial_id}
        return GazeStatus.model_validate({**usual, **self.status})

    def _choose(self, asked: gaze.ChooseSource) -> GazeStatus:
        self.status["source"] = asked.source
        return self._heartbeat()

    async def _begin(self, asked: gaze.BeginTrial, picture: bytes) -> gaze.TrialState:
        self.asked.append((gaze.BEGIN.name, asked))
        if self.error is not None:
            raise self.error
        if self.trial.state == "running" and not asked.replace:
            raise TrialActive("a trial is under way; end it, or send replace: true")
        sha256 = hashlib.sha256(picture).hexdigest()
        self.pictures = {sha256: picture}
        self.trial = gaze.TrialState(
            trial_id=new_id(), state="running", view=asked.view, picture_sha256=sha256, phase="resting"
        )
        return self.trial

    def _end(self, asked: gaze.TrialRequest) -> gaze.TrialState:
        if self.trial.state != "running" or asked.trial_id not in (None, self.trial.trial_id):
            raise TrialNotActive("no such trial is under way")
        self.trial = self.trial.model_copy(update={"state": "complete"})
        return self.trial

    def _note(self, _: Body) -> displays.Noted:
        self._noted += 1
        return displays.Noted(trial_id=self.trial.trial_id, n=self._noted)

    def _picture(self, asked: gaze.PictureRequest) -> WithImage[gaze.Picture]:
        if asked.sha256 not in self.pictures:
            raise NotFound("it holds no such picture")
        return WithImage(gaze.Picture(sha256=asked.sha256, format="png"), self.pictures[asked.sha256])

    def _ping(self, asked: displays.Ping) -> displays.Pong:
        return displays.Pong(sent_ms=asked.sent_ms, received_ns=time.monotonic_ns(), answered_ns=time.monotonic_ns())


def _step(kind: type[Any], n: int, fields: dict[str, Any]) -> Any:
    whose = {"epoch": "e", "trial_id": "t", "view": "default", "caused_by": None, "t_ns": n, "at": 1.0}
    which = {"n": n, "step_id": f"{n}/0", "step": kind.type, "ready": "1", "report": "2"}
    what = {"display": "d", "frame_id": "f", "sha256": SHA256, "kind": "change", "target": "BR"}
    return kind.model_validate({**whose, **which, **what, "deadline_ns": 5, "deadline_ms": 1.5, **fields})


def trial_step(n: int, **fields: Any) -> TrialStep:
    """A step of a trial that has no type of its own."""
    step: TrialStep = _step(TrialStep, n, fields)
    return step


def swap(n: int, **fields: Any) -> SwapOrdered:
    """The order to exchange the picture."""
    step: SwapOrdered = _step(SwapOrdered, n, fields)
    return step


def shown(n: int, **fields: Any) -> SwapDisplayed:
    """What became of it."""
    step: SwapDisplayed = _step(SwapDisplayed, n, fields)
    return step
