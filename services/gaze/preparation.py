"""One change that is being made ahead, as the generator told it last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from services.gaze.answers import retry_after_ms
from shared.bus.messages import Prepared
from shared.bus.requests.preparing import PreparedAnswer
from shared.errors import ParafoveaError
from shared.gaze.trial.config import TrialConfig
from shared.gaze.trial.inputs import PreparedChanged
from shared.gaze.trial.steps import Preparing

News = Literal["ready", "stale", "failed", "dropped"]
_NEWS: dict[str, News] = {state: state for state in get_args(News)}
"""States that a trial is told."""
OVER = frozenset({"stale", "failed", "dropped", "committed"})


@dataclass(slots=True, eq=False)
class Preparation:
    """It, from its ``prepare`` until it is over or given up.

    What the generator publishes and what it answers come by two ways: whichever was said later counts.

    Attributes:
        config: of its trial.
        step_id: of its ``prepare``.
        picture_sha256: what it is to be asked for; another one once the view shows another picture.
        is_known: the generator has said that it has it.
        is_committing: it is being made the picture on view: what is said of it meanwhile is that.
        is_over: nothing comes of it any more.
    """

    config: TrialConfig
    step_id: str
    wanted: Preparing
    picture_sha256: str
    is_known: bool = False
    is_committing: bool = False
    is_over: bool = False
    _at_ns: int = 0
    _told: tuple[str, str | None] | None = None

    def hear(self, said: Prepared | PreparedAnswer, at_ns: int, t_ns: int) -> PreparedChanged | None:
        """The input of the trial that comes of what the generator said at ``at_ns`` of its clock; None: it is no news.
        ``t_ns``: our time."""
        if self.is_over or self.is_committing or at_ns < self._at_ns:
            return None
        self._at_ns = at_ns
        self.is_over = said.state in OVER
        state, told = _NEWS.get(said.state), (said.state, said.picture_sha256)
        if state is None or told == self._told or (state == "ready" and said.picture_sha256 is None):
            return None
        self._told = told
        return PreparedChanged(
            t_ns=t_ns,
            prepare=self.step_id,
            state=state,
            picture_sha256=said.picture_sha256,
            generation_ms=said.generation_ms,
            code=said.code,
            detail=said.detail,
        )

    def picture_changed(self, before: str, after: str) -> None:
        """Its view shows another picture: it is ready no more until it is so for that one."""
        if not self.is_known and self.picture_sha256 == before:
            self.picture_sha256 = after
        if self._told != ("ready", after):
            self._told = None

    def end(self, state: Literal["failed", "dropped"], problem: ParafoveaError, t_ns: int) -> PreparedChanged | None:
        """The input of the trial that comes of an error; None: it is over already."""
        if self.is_over or self.is_committing:
            return None
        self.is_over = True
        return PreparedChanged(
            t_ns=t_ns,
            prepare=self.step_id,
            state=state,
            code=problem.code,
            detail=problem.detail,
            retry_after_ms=retry_after_ms(problem),
        )
