"""The changes that are made ahead: which are wanted, how each of them stands, and which may be shown at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared import sectors
from shared.gaze.trial import steps
from shared.gaze.trial.change import Change
from shared.gaze.trial.course import Course
from shared.gaze.trial.deciding import SEEDS
from shared.gaze.trial.inputs import DisplayReady, PreparedChanged, RequestFailed
from shared.gaze.trial.policies.foreseeing import ORDERS, Outlook

KEPT_MADE = 200
"""Ids of ``prepared`` that a display may still say to be ready for."""


@dataclass(slots=True, eq=False)
class PreparedAhead:
    """A change that is made ahead.

    Attributes:
        prepare: id of its ``prepare``.
        made: id of the newest ``prepared`` that said that it is made; None: it is not.
        picture_sha256: of a made one, the picture that its sector goes onto.
        ready: id of the display's ``ready`` for that; None: it could not draw it.
        was_made: it has been made for any picture.
    """

    prepare: str
    prepared_id: str
    target: str
    asked_ns: int
    made: str | None = None
    picture_sha256: str | None = None
    ready: str | None = None
    was_made: bool = False


class Ahead:
    """Keeps changes of different sectors prepared, as many as the policy says, while the display can show them.

    The generator makes all of them for one picture: the last that a ``prepare`` named, or that a commit made. So while
    a commit is under way nothing is prepared; once its frame is there, it is for that.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._order = ORDERS[course.config.policy.name]
        self._limit = min(course.config.policy.ahead, len(sectors.names(course.config.grid_size)))
        self._all: list[PreparedAhead] = []
        self._count = 0
        self._made: dict[str, tuple[PreparedAhead, str | None]] = {}
        """By id of a ``prepared``: of which it said that it is made, and for which picture."""
        self._chosen: tuple[PreparedAhead, Change] | None = None
        self._picture: str | None = None
        """What the generator makes all of them for, as far as is known."""
        self._is_wanting = True
        """Whether there may be something to prepare, or to drop."""
        self._shown = 0
        """How many changes had been displayed when this was seen to last: a list moves on with each."""
        self._rest_until_ns, self._failed_ns = 0, -1
        self._drops = 0

    # -- what may be asked --------------------------------------------------------------------------------------------

    @property
    def all(self) -> tuple[PreparedAhead, ...]:
        return tuple(self._all)

    @property
    def showable(self) -> Iterator[PreparedAhead]:
        """Those that the display can lay over the picture on view at once."""
        picture, chosen = self._course.picture_sha256, self._chosen[0] if self._chosen is not None else None
        return (one for one in self._all if one.ready and one.picture_sha256 == picture and one is not chosen)

    def accepts_ready(self, made: str) -> bool:
        """Whether there was such a ``prepared``, lately."""
        return made in self._made

    @property
    def deadline_ns(self) -> int | None:
        """When something is to be prepared, if nothing else happens."""
        is_resting = self._course.is_ahead and self._course.t_ns < self._rest_until_ns
        return self._rest_until_ns if is_resting and self._wants(self._shown_next) else None

    # -- inputs -------------------------------------------------------------------------------------------------------

    def changed(self, changed: PreparedChanged) -> None:
        """The generator has said how one stands."""
        one = next((each for each in self._all if each.prepare == changed.prepare), None)
        if one is None:
            return  # it was dropped meanwhile
        if self._chosen is not None and self._chosen[0] is one and self._chosen[1].kind == "change":
            return  # what becomes of it the commit says
        if changed.state == "ready":
            self._is_made(one, changed.picture_sha256)
            return
        self._all.remove(one)
        self._is_wanting = True
        if changed.state == "failed":
            self._rest(one.asked_ns, changed.retry_after_ms)
        elif changed.state == "dropped" and not one.was_made:
            # Whoever drops each one before it is made must not be asked without end.
            self._drops += 1
            if self._drops > 2 * self._limit:
                self._rest(one.asked_ns, changed.retry_after_ms)

    def ready(self, ready: DisplayReady) -> None:
        """A display can draw one at once: it counts for the picture that it is made for now."""
        one, picture = self._made.get(ready.frame, (None, None))
        if one is None or ready.display != self._course.display or picture != one.picture_sha256 or one.made is None:
            return
        if one.ready is None:
            one.ready = self._course.cause

    def forget_display(self) -> None:
        """The display that could draw them is gone."""
        for one in self._all:
            one.ready = None

    def choose(self, one: PreparedAhead, change: Change) -> None:
        """One is to be shown, or stands for what a control would have shown."""
        if self._chosen is not None:
            self._let_go(*self._chosen)  # it came on view by the input that is being taken
        self._chosen = one, change

    def committed(self, change: Change) -> None:
        """A commit has made its frame: the generator makes the others for that from now on."""
        self._course.prompts.use(change.target)
        self._picture = change.sha256
        for one in self._all:
            if one.picture_sha256 != change.sha256:
                one.made = one.picture_sha256 = one.ready = None

    def refused(self, failed: RequestFailed) -> None:
        """A commit was refused. What it was of is prepared anew: nobody knows how it stands."""
        if self._chosen is not None:
            self._drop(self._chosen[0], "its commit was refused")
        self._picture = None
        if failed.code != "stale":
            course = self._course
            course.rest_until_ns = self._rest(course.t_ns, failed.retry_after_ms)

    # -- what follows -------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Prepare what is wanted now, and drop what is not. Of nearly all inputs nothing comes."""
        course = self._course
        if self._chosen is not None and course.change is not self._chosen[1]:
            self._let_go(*self._chosen)
        if course.view is None:
            return
        if not course.is_ahead:
            self._drop_all("the display is given whole pictures")
            return
        picture = self._shown_next
        if picture is None or not self._wants(picture) or course.t_ns < self._rest_until_ns:
            return
        self._is_wanting, self._shown = False, course.shown
        self._fill(picture)

    @property
    def _shown_next(self) -> str | None:
        """The picture to prepare for: the one on view, or the one that is on its way there; None: which that is will be
        known once a commit is answered."""
        change = self._course.change
        if change is None or change.chosen is None or change.kind != "change":
            return self._course.picture_sha256
        return None if change.frame is None else change.sha256

    def _wants(self, picture: str | None) -> bool:
        is_other = picture != self._picture or self._course.shown != self._shown
        return picture is not None and (self._is_wanting or is_other)

    def _fill(self, picture: str) -> None:
        order = self._ordered()
        chosen = self._chosen[0] if self._chosen is not None else None
        for one in [each for each in self._all if each.target not in order and each is not chosen]:
            self._drop(one, "the policy cannot choose it any more")
        while len(self._all) < self._limit:
            taken = {one.target for one in self._all}
            target = next((name for name in self._ordered() if name not in taken), None)
            if target is None:
                break
            self._prepare(target, picture)
        last = next((one for one in reversed(self._all) if one is not chosen), None)
        if self._picture != picture and last is not None:
            # The generator hears only by another one which picture the rest are to be made for.
            self._drop(last, "all are to be made for another picture")
            self._prepare(last.target, picture)

    def _ordered(self) -> list[str]:
        """The targets that the policy may choose, the likeliest first."""
        course, config = self._course, self._course.config
        outlook = Outlook(config.grid_size, self._count, course.shown, course.draws, course.looked())
        return self._order(config.policy, outlook)

    def _prepare(self, target: str, picture: str) -> None:
        course, number = self._course, self._count
        self._count += 1
        self._picture = picture
        prepared_id = f"{course.config.trial_id}-p{number}"
        prepare = course.tell(
            steps.Preparing,
            course.cause,
            prepared_id=prepared_id,
            picture_sha256=picture,
            target_sector=target,
            prompt=course.prompts.next_of(target),
            seed=course.draws.below(SEEDS, "prepared seed", number),
        )
        self._all.append(PreparedAhead(prepare, prepared_id, target, course.t_ns))

    def _drop(self, one: PreparedAhead, reason: str) -> None:
        self._course.tell(steps.GivenUp, self._course.cause, prepare=one.prepare, reason=reason)
        self._all.remove(one)
        self._is_wanting = True

    def _drop_all(self, reason: str) -> None:
        self._picture = None
        chosen = self._chosen[0] if self._chosen is not None else None
        for one in [each for each in self._all if each is not chosen]:
            self._drop(one, reason)

    def _let_go(self, one: PreparedAhead, change: Change) -> None:
        """The change that it was chosen for is on view, or will not be."""
        self._chosen = None
        self._is_wanting = True
        if change.kind == "change" and one in self._all:
            self._all.remove(one)

    def _is_made(self, one: PreparedAhead, picture: str | None) -> None:
        cause = self._course.cause
        if picture != one.picture_sha256:
            one.ready = None
        one.made, one.picture_sha256, one.was_made = cause, picture, True
        self._made[cause] = one, picture
        if len(self._made) > KEPT_MADE:
            del self._made[next(iter(self._made))]
        self._course.failures.succeeded()
        self._drops = 0

    def _rest(self, asked_ns: int, retry_after_ms: float | None) -> int:
        """Prepare nothing for a while; until when. What was asked for before the last failure counts with that."""
        course = self._course
        if asked_ns > self._failed_ns:
            self._rest_until_ns = course.failures.failed(course.t_ns, retry_after_ms)
            self._failed_ns = course.t_ns
        elif retry_after_ms is not None:
            self._rest_until_ns = max(self._rest_until_ns, course.t_ns + round(retry_after_ms * 1e6))
        return self._rest_until_ns
