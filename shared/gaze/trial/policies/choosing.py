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
    """

    view: View
    focus: str
    at: Point
    near: frozenset[str]
    number: int
    shown: int
    draws: Draws

    @property
    def names(self) -> tuple[str, ...]:
        return sectors.names(self.view.grid_size)

    @property
    def free(self) -> list[str]:
        """The sectors that are not looked at."""
        return [name for name in self.names if name not in self.near]


@dataclass(frozen=True, slots=True)
class Choice:
    """``target`` None: nothing is to change, as ``reason`` says."""

    target: str | None
    reason: str | None = None


ALL_LOOKED_AT = Choice(None, "whatever changed would be seen")

Chooser = Callable[[Policy, Situation], Choice]


def opposite(policy: Policy, now: Situation) -> Choice:
    """The sector across the centre, of the centre itself a corner by the seed; another one where that is looked at."""
    size = now.view.grid_size
    is_centre = size == 3 and now.focus == "MC"
    if not is_centre:
        across = sectors.opposite(now.focus, size, 0)
        if across not in now.near:
            return Choice(across)
    left = [name for name in sectors.CORNERS if name not in now.near] if is_centre else now.free
    if not left:
        return ALL_LOOKED_AT
    return Choice(now.draws.one_of(left, "target", now.number), None if is_centre else "the opposite is looked at")


def farthest(policy: Policy, now: Situation) -> Choice:
    """The sector whose centre is farthest from the gaze in visual angle; of equals the first, row by row."""
    if not now.free:
        return ALL_LOOKED_AT
    size = now.view.grid_size

    def away(name: str) -> float:
        row, column = sectors.position(name, size)
        return round(now.view.degrees(now.at, ((column + 0.5) / size, (row + 0.5) / size)), 6)

    return Choice(max(now.free, key=away))


def random(policy: Policy, now: Situation) -> Choice:
    """Any sector that is not looked at, by the seed."""
    return Choice(now.draws.one_of(now.free, "target", now.number)) if now.free else ALL_LOOKED_AT


def listed(policy: Policy, now: Situation) -> Choice:
    """The next of a list, as many as have been displayed; it waits until that one is not looked at."""
    target = policy.targets[now.shown % len(policy.targets)]
    return Choice(None, f"the next of the list, {target}, is looked at") if target in now.near else Choice(target)


CHOOSERS: dict[str, Chooser] = {chooser.__name__: chooser for chooser in (opposite, farthest, random, listed)}
