"""For what to prepare a change: the sectors that a policy may choose next, those first that it is likeliest to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared import sectors
from shared.gaze.trial.config import Policy
from shared.gaze.trial.draws import Draws
from shared.gaze.trial.policies.choosing import across_of
from shared.gaze.trial.view import Looked


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an order may go by.

    Attributes:
        number: of the preparation, from 0.
        shown: how many changes have been displayed.
        now: None: nobody knows where the viewer looks.
    """

    grid_size: int
    number: int
    shown: int
    draws: Draws
    now: Looked | None

    @property
    def shuffled(self) -> list[str]:
        """All sectors, by the seed."""
        names = sectors.names(self.grid_size)
        return sorted(names, key=lambda name: self.draws.uniform("prepared target", self.number, name))


Order = Callable[[Policy, Outlook], list[str]]


def opposite(policy: Policy, outlook: Outlook) -> list[str]:
    """What is across from where the viewer looks, then what is not looked at, by the seed; of the centre the corners
    first."""
    now = outlook.now
    if now is None:
        return outlook.shuffled
    across = across_of(now.focus, outlook.grid_size)
    first = sectors.CORNERS if across is None else (across,)
    return sorted(outlook.shuffled, key=lambda name: (name in now.near, name not in first))


def farthest(policy: Policy, outlook: Outlook) -> list[str]:
    """What is farthest from the gaze in visual angle; of equals the first, row by row."""
    now = outlook.now
    if now is None:
        return outlook.shuffled
    away = {name: now.view.degrees_to_centre(now.at, name) for name in sectors.names(outlook.grid_size)}
    return sorted(away, key=lambda name: (name in now.near, -away[name]))


def random(policy: Policy, outlook: Outlook) -> list[str]:
    """By the seed."""
    return outlook.shuffled


def listed(policy: Policy, outlook: Outlook) -> list[str]:
    """The next different ones of the list, as many as are prepared at a time."""
    count = len(policy.targets)
    found: list[str] = []
    for place in range(outlook.shown, outlook.shown + count):
        if len(found) == policy.ahead:
            break
        if (name := policy.targets[place % count]) not in found:
            found.append(name)
    return found


ORDERS: dict[str, Order] = {order.__name__: order for order in (opposite, farthest, random, listed)}
