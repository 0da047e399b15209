"""For what to ask: which sector is to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared import sectors
from shared.gaze.trial.config import Policy
from shared.gaze.trial.draws import Draws
from shared.gaze.trial.view import Point, View


@dataclass(frozen=True, slots=True)
class Situation:
    """What a choice may go by.

    Attributes:
        focus: the sector that the gaze rests in; ``at``: its mean point, as fractions of the picture.
        near: the sectors that are looked at: none of them may change.
        number: of the change that is being decided, from 0; a choice that came to nothing is made again.
        shown: how many changes have been displayed.
        among: the sectors of which a change is ready; None: whichever is chosen is asked for.
    """

    view: View
    focus: str
    at: Point
    near: frozenset[str]
    number: int
    shown: int
    draws: Draws
    among: frozenset[str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return sectors.names(self.view.grid_size)

    @property
    def free(self) -> list[str]:
        """The sectors that may change: none that is looked at."""
        return [name for name in self.names if self.is_free(name)]

    def is_free(self, name: str) -> bool:
        return name not in self.near and self.is_ready(name)

    def is_ready(self, name: str) -> bool:
        return self.among is None or name in self.among


@dataclass(frozen=True, slots=True)
class Choice:
    """``target`` None: nothing is to change, as ``reason`` says."""

    target: str | None
    reason: str | None = None


ALL_LOOKED_AT = Choice(None, "whatever changed would be seen")

Chooser = Callable[[Policy, Situation], Choice]


def opposite(policy: Policy, now: Situation) -> Choice:
    """The sector across the centre, of the centre itself a corner by the seed; another one where that is looked at, or
    is not ready."""
    why: str | None = None
    if across := across_of(now.focus, now.view.grid_size):
        if now.is_free(across):
            return Choice(across)
        left, why = now.free, f"the opposite is {'looked at' if across in now.near else 'not ready'}"
    else:
        left = [name for name in sectors.CORNERS if now.is_free(name)]
        if not left and now.among is not None:
            left, why = now.free, "no corner is ready that is not looked at"
    return Choice(now.draws.one_of(left, "target", now.number), why) if left else ALL_LOOKED_AT


def across_of(focus: str, grid_size: int) -> str | None:
    """The sector across the centre; None for the centre itself."""
    row, column = sectors.position(focus, grid_size)
    is_centre = 2 * row == 2 * column == grid_size - 1
    return None if is_centre else sectors.opposite(focus, grid_size, 0)


def farthest(policy: Policy, now: Situation) -> Choice:
    """The sector whose centre is farthest from the gaze in visual angle; of equals the first, row by row."""
    if not now.free:
        return ALL_LOOKED_AT
    return Choice(max(now.free, key=lambda name: now.view.degrees_to_centre(now.at, name)))


def random(policy: Policy, now: Situation) -> Choice:
    """Any sector that is not looked at, by the seed."""
    return Choice(now.draws.one_of(now.free, "target", now.number)) if now.free else ALL_LOOKED_AT


def listed(policy: Policy, now: Situation) -> Choice:
    """The next of a list, as many as have been displayed; it waits until that one is ready, and not looked at."""
    target = policy.targets[now.shown % len(policy.targets)]
    if now.is_free(target):
        return Choice(target)
    return Choice(None, f"the next of the list, {target}, is {'looked at' if target in now.near else 'not ready'}")


CHOOSERS: dict[str, Chooser] = {chooser.__name__: chooser for chooser in (opposite, farthest, random, listed)}
