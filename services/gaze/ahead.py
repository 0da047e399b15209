"""What a trial has made ahead: asked of the generator, followed, kept alive, and given up."""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import ValidationError

from services.gaze.fetching import Fetching, Supervise
from services.gaze.intake import Intake
from services.gaze.preparation import Preparation
from shared.bus.clients import AsOf, GeneratorClient
from shared.bus.envelope import Published
from shared.bus.messages import Heartbeat, Prepared
from shared.bus.requests.preparing import MAX_TARGETS, Preparations, Prepare, PreparedAnswer, Wanted
from shared.errors import GeneratorUnavailable, NotFound, ParafoveaError, UnknownImage
from shared.gaze.trial.config import TrialConfig
from shared.gaze.trial.inputs import PreparedChanged
from shared.gaze.trial.steps import Preparing
from shared.refusals import invalid_request
from shared.system.waiting import wait_at_most

RENEW_S = 15.0
"""How often leases are renewed, well within :data:`shared.bus.requests.preparing.LEASE_S`. A message that was missed is
made up for by that."""


class Ahead:
    """Has changes prepared for the trial that is under way.

    Each request to prepare names the picture that the view shows. So one is sent at a time, and none while a commit is
    under way: that changes it, and what waits is asked for the picture after it.
    """

    def __init__(self, generator: GeneratorClient, fetching: Fetching, supervise: Supervise) -> None:
        self._generator = generator
        self._fetching = fetching
        self._supervise = supervise
        self._intake: Intake | None = None
        self._open: dict[str, Preparation] = {}
        """By their ids; those that are over, or given up, are not in it."""
        self._waiting: list[Preparation] = []
        self._asking: asyncio.Task[None] | None = None
        self._committing: set[str] = set()
        self._settled = asyncio.Event()
        """Cleared while a commit is under way."""
        self._settled.set()
        self._renewing = asyncio.Event()
        self._epoch: str | None = None

    # -- what the trial decides ---------------------------------------------------------------------------------------

    def prepare(self, intake: Intake, step_id: str, wanted: Preparing) -> None:
        """Have one made; those that are wanted in the same moment are asked for together."""
        self._intake = intake
        one = Preparation(intake.config, step_id, wanted, wanted.picture_sha256)
        self._open[wanted.prepared_id] = one
        self._waiting.append(one)
        if self._asking is None:
            self._asking = self._supervise(self._ask(), f"preparations of trial {intake.config.trial_id}")

    def give_up(self, step_id: str) -> None:
        """The one that a ``prepare`` asked for is not wanted any more."""
        for one in list(self._open.values()):
            if one.step_id == step_id:
                self._give_up(one)

    def end(self) -> None:
        """The trial has ended: nothing is wanted any more."""
        for one in list(self._open.values()):
            self._give_up(one)
        self._committing.clear()
        self._settled.set()

    def committing(self, prepared_id: str) -> None:
        """One is being committed."""
        self._committing.add(prepared_id)
        self._settled.clear()
        if (one := self._open.get(prepared_id)) is not None:
            one.is_committing = True

    def committed(self, config: TrialConfig, prepared_id: str, before: str, after: str) -> None:
        """One has become the picture ``after``, which the trial's view shows now in place of ``before``. What was not
        asked for yet is wanted of that."""
        if (one := self._open.pop(prepared_id, None)) is not None:
            one.is_over = True
        for other in self._open.values():
            if other.config is config:
                other.picture_changed(before, after)
        self._settle(prepared_id)

    def not_committed(self, prepared_id: str) -> None:
        """One could not be committed: how it stands now is asked for at once."""
        self._settle(prepared_id)
        if (one := self._open.get(prepared_id)) is not None:
            one.is_committing = False
            self._renewing.set()

    def _settle(self, prepared_id: str) -> None:
        self._committing.discard(prepared_id)
        if not self._committing:
            self._settled.set()

    def _give_up(self, one: Preparation) -> None:
        one.is_over = True
        self._open.pop(one.wanted.prepared_id, None)
        if one in self._waiting:
            self._waiting.remove(one)
        elif one.is_known:
            self._generator.drop_prepared(one.wanted.prepared_id)
        # One that is being asked for just now is dropped once the generator has it.

    # -- asking -------------------------------------------------------------------------------------------------------

    async def _ask(self) -> None:
        try:
            while self._waiting:
                picture = self._waiting[0].picture_sha256
                together = [one for one in self._waiting if one.picture_sha256 == picture][:MAX_TARGETS]
                self._waiting = [one for one in self._waiting if one not in together]
                await self._ask_for(together)
        finally:
            self._asking = None

    async def _ask_for(self, together: list[Preparation]) -> None:
        problem: ParafoveaError
        try:
            answer = await self._asked(together)
        except ParafoveaError as error:
            problem = error
        except ValidationError as error:
            problem = invalid_request(error)
        else:
            if answer is not None:
                self._answered(together, answer)
            return
        for one in together:
            if isinstance(problem, GeneratorUnavailable):  # whether it has them is not known
                self._generator.drop_prepared(one.wanted.prepared_id)
            self._end(one, "failed", problem)

    async def _asked(self, together: list[Preparation]) -> AsOf[Preparations] | None:
        """Ask for those that are wanted still; None: none is."""
        image = b""
        while True:
            await self._settled.wait()
            wanted = [one for one in together if not one.is_over]
            if not wanted:
                return None
            picture = wanted[0].picture_sha256
            try:
                return await self._generator.prepare(_request(wanted, None if image else picture), image)
            except UnknownImage:
                if wanted[0].picture_sha256 == picture:
                    _, image = await self._fetching.get(picture)
            if wanted[0].picture_sha256 != picture:  # something was committed meanwhile
                image = b""

    def _answered(self, together: list[Preparation], answer: AsOf[Preparations]) -> None:
        said = {each.prepared_id: each for each in answer.answer.prepared}
        for one in together:
            one.is_known = True
            known = said.get(one.wanted.prepared_id)
            if one.is_over:
                self._generator.drop_prepared(one.wanted.prepared_id)
            elif known is not None:
                self._hear(one, known, answer.at_ns)

    # -- following ----------------------------------------------------------------------------------------------------

    def take(self, message: Published) -> None:
        """Take what the generator publishes."""
        said = message.message
        if isinstance(said, Heartbeat):
            if self._epoch not in (None, said.epoch):
                self._renewing.set()  # another life of it knows none of them
            self._epoch = said.epoch
        elif isinstance(said, Prepared) and (one := self._open.get(said.prepared_id)) is not None:
            self._hear(one, said, int(message.header["monotonic_ns"]))

    async def follow(self) -> None:
        """Renew leases, until cancelled, and learn of what was missed."""
        while True:
            await wait_at_most(self._renewing, RENEW_S)
            self._renewing.clear()
            known = [one for one in self._open.values() if one.is_known and not one.is_committing]
            await asyncio.gather(*(self._renew(one) for one in known))

    async def _renew(self, one: Preparation) -> None:
        try:
            answer: AsOf[PreparedAnswer] = await self._generator.prepared(one.wanted.prepared_id)
        except NotFound as error:
            self._end(one, "dropped", error)
        except ParafoveaError:
            return  # it is asked again; a commit says why it cannot be
        else:
            self._hear(one, answer.answer, answer.at_ns)

    def _hear(self, one: Preparation, said: Prepared | PreparedAnswer, at_ns: int) -> None:
        if self._intake is not None:
            self._tell(one, one.hear(said, at_ns, self._intake.now_ns()))

    def _end(self, one: Preparation, state: Literal["failed", "dropped"], problem: ParafoveaError) -> None:
        if self._intake is not None:
            self._tell(one, one.end(state, problem, self._intake.now_ns()))

    def _tell(self, one: Preparation, news: PreparedChanged | None) -> None:
        if one.is_over:
            self._open.pop(one.wanted.prepared_id, None)
        if news is not None and self._intake is not None and self._intake.ended is None:
            self._intake.take(news)


def _request(wanted: list[Preparation], picture: str | None) -> Prepare:
    """Raises ValidationError: the generator takes no such request."""
    config = wanted[0].config
    name = view_of(config)
    return Prepare(
        view=name,
        client_id=name,
        image_sha256=picture,
        timeout_ms=config.model.timeout_ms,
        wanted=tuple(_wanted(one) for one in wanted),
    )


def _wanted(one: Preparation) -> Wanted:
    asked, config = one.wanted, one.config
    return Wanted(
        prepared_id=asked.prepared_id,
        grid_size=config.grid_size,
        target_sector=asked.target_sector,
        prompt=asked.prompt,
        seed=asked.seed,
        **config.model.model_dump(exclude={"timeout_ms"}),
    )


def view_of(config: TrialConfig) -> str:
    """The name of a trial's view at the generator."""
    return f"trial:{config.trial_id}"
