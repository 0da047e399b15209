"""How a trial stands: what its parts share, and the outcomes that they tell."""

from __future__ import annotations

from typing import Any

from shared.gaze.detectors.parameters import DetectorParameters
from shared.gaze.events import EyeEvent
from shared.gaze.screen import Screen
from shared.gaze.trial import steps
from shared.gaze.trial.change import Change
from shared.gaze.trial.clocks import DisplayClock
from shared.gaze.trial.config import TrialConfig
from shared.gaze.trial.draws import Draws
from shared.gaze.trial.failures import Failures
from shared.gaze.trial.inputs import Viewed
from shared.gaze.trial.looking import Looking
from shared.gaze.trial.outcomes import Outcome
from shared.gaze.trial.prompts import PromptLists
from shared.gaze.trial.steps import AnyStep, Kind
from shared.gaze.trial.view import Looked, View


class Course:
    """The state of one trial.

    Attributes:
        n, t_ns: of the input that is being taken.
        outcomes: what has come of it so far.
        picture_sha256: of what is on view.
        display: the one that counts, and ``clock`` its clock; None while there is none.
        takes_sectors: whether that display can lay a sector over a picture.
        change: the one that is under way.
        decided, shown: how many changes have been asked for, or committed, and displayed.
        rest_until_ns: nothing is asked for, or committed, before.
    """

    def __init__(self, config: TrialConfig) -> None:
        screen = Screen(config.screen.px, config.screen.m, config.screen.distance_m, config.screen.is_assumed)
        self.config = config
        self.draws = Draws(config.seed)
        self.screen = screen
        self.looking = Looking(screen, DetectorParameters(**config.detectors))
        self.n = self.t_ns = 0
        self.outcomes: list[Outcome] = []
        self.view: View | None = None
        self.display: str | None = None
        self.takes_sectors = False
        self.clock = DisplayClock()
        self.picture_sha256 = config.picture_sha256
        self.change: Change | None = None
        self.decided = self.shown = 0
        self.rest_until_ns = 0
        self.prompts = PromptLists(config.prompts)
        self.failures = Failures()

    def begin(self, n: int, t_ns: int) -> None:
        """Another input is taken."""
        self.n, self.t_ns, self.outcomes = n, t_ns, []

    @property
    def cause(self) -> str:
        """The id of the input that is being taken."""
        return str(self.n)

    @property
    def is_ahead(self) -> bool:
        """Whether changes are prepared ahead: there is a display, and it can show them."""
        return self.view is not None and self.takes_sectors and self.config.policy.ahead > 0

    def tell(self, step: type[AnyStep], caused_by: str, **fields: Any) -> str:
        """Add an outcome; its id."""
        return self._add(step(caused_by=caused_by, t_ns=self.t_ns, **fields))

    def tell_event(self, event: EyeEvent) -> str:
        return self._add(event)

    def see(self, viewed: Viewed) -> None:
        """The picture lies elsewhere, or is shown by another display."""
        if viewed.display != self.display:
            self.display, self.clock = viewed.display, DisplayClock()
        self.takes_sectors = viewed.takes_sectors
        self.view = View(
            *(viewed.left, viewed.top, viewed.width, viewed.height),
            *(self.screen, self.config.grid_size, self.config.policy.near),
        )

    def looked_at(self) -> frozenset[str] | None:
        """The sectors that are looked at now; None: nobody knows."""
        return None if self.view is None else self.looking.looked_at(self.view, self.t_ns)

    def looked(self) -> Looked | None:
        """Where the viewer looks now, or may look when the saccade that goes on ends; None: nobody knows."""
        view, near, last, saccade = self.view, self.looked_at(), self.looking.last, self.looking.saccade
        if view is None or near is None or last is None:
            return None
        return view.looked(last, near if saccade is None else near | view.sectors_onward(saccade))

    def kind_of(self, number: int) -> Kind:
        """What kind of change it is to be, by the seed."""
        drawn = self.draws.uniform("kind", number)
        if drawn < self.config.catch_rate:
            return "catch"
        return "sham" if drawn < self.config.catch_rate + self.config.sham_rate else "change"

    def give_up(self, reason: str, caused_by: str | None = None) -> None:
        """The change that is under way, if any, will not be shown."""
        change, self.change = self.change, None
        if change is not None:
            self.tell(steps.Abandoned, caused_by or change.last, reason=reason)

    def _add(self, what: AnyStep | EyeEvent) -> str:
        outcome = Outcome(f"{self.n}/{len(self.outcomes)}", what)
        self.outcomes.append(outcome)
        return outcome.id
