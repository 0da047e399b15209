"""How often a change is ready when the eye moves: a simulated viewer, in real time, and a display that changes one
sector at each chance.

At a blink, or at a saccade, the display commits one of the changes that it has, if one is not where the viewer looks,
and has another one prepared in its place. Until it has shown that, two frames at 60 Hz later, it takes no other chance.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.pictures import photograph
from benchmarks.prepared.on_bus import View, viewing
from benchmarks.systems import sleeping_system
from benchmarks.timed import machine
from shared.errors import NotFound, Stale
from shared.gaze.screen import ASSUMED_SCREEN
from shared.gaze.simulated.habits import Habits
from shared.gaze.simulated.movements import Movement
from shared.gaze.simulated.viewer import SimulatedViewer
from shared.sectors import names
from tests.support.processes import System

KINDS = ("layer", "inpaint")
MOVEMENTS = ("blink", "saccade")
AHEAD = 4
DRAWN = frozenset({"composing", "ready"})
UNDER_WAY = frozenset({"queued", "running", "composing", "ready"})
SHOWN_S = 2 / 60
RATE_HZ = 250.0
HABITS = Habits(blinks_per_min=60 / 3.5, losses_per_min=0.0, fixation_median_s=0.26)
"""Three saccades a second, and a blink each 3.5 s."""
GOALS = {("layer", "blink"): 1.0, ("layer", "saccade"): 0.9, ("inpaint", "blink"): 1.0}


@dataclass(slots=True)
class Seen:
    """What became of a viewer's chances.

    Attributes:
        chances: movements of the kind that is waited for; but for those in which a change was being shown.
        ready, taken: those that found a change that may be shown, and those at which it was.
        composing: those that found none, but one that the model was done with.
        made, stale: changes that came to an end, and those of them that the picture had left behind.
        draws: what is prepared.
    """

    chances: int = 0
    ready: int = 0
    composing: int = 0
    taken: int = 0
    made: int = 0
    stale: int = 0
    draws: random.Random = field(default_factory=lambda: random.Random(1))


def measure(options: Options | None = None) -> list[Figure]:
    """Shares, for each kind of engine and of movement."""
    options = options or Options()
    figures: list[Figure] = []
    for kind in KINDS:
        for movement in MOVEMENTS:
            with sleeping_system(options.sleeps_ms[0], kind) as system:
                seen = asyncio.run(_watched(system, movement, options))
            figures += _figures(kind, movement, seen, options)
    return figures


async def _watched(system: System, movement: str, options: Options) -> Seen:
    seen = Seen()
    async with viewing(system, "viewed") as view:
        await view.prepare(seen.draws.sample(names(3), AHEAD), photograph(options.side))
        await view.until(lambda: bool(view.ready), "the first change is ready")
        keeping = asyncio.create_task(_keep_ahead(view, seen))
        showing: asyncio.Task[None] | None = None
        viewer = SimulatedViewer(1, ASSUMED_SCREEN, RATE_HZ, HABITS)
        loop = asyncio.get_running_loop()
        began, was = loop.time(), viewer.doing
        for sample in viewer:
            if sample.t_ns > options.minutes * 60e9:
                break
            await asyncio.sleep(max(0.0, began + sample.t_ns / 1e9 - loop.time()))
            if viewer.doing is was:
                continue
            was = viewer.doing
            if was.kind == movement and (showing is None or showing.done()):
                showing = asyncio.create_task(_chance(view, was, seen))
        if showing is not None:
            await showing
        keeping.cancel()
        ended = [each.state for each in view.standing.values() if each.state in ("stale", "committed", "failed")]
        seen.made, seen.stale = len(ended), ended.count("stale")
    return seen


async def _chance(view: View, movement: Movement, seen: Seen) -> None:
    seen.chances += 1
    looked_at = {_sector(movement.x, movement.y), _sector(movement.x_end, movement.y_end)}
    ready = [prepared_id for prepared_id, sector in view.ready.items() if sector not in looked_at]
    if ready:
        seen.ready += 1
        try:
            await view.commit(ready[0])
            seen.taken += 1
        except (Stale, NotFound):  # it had just become so: the chance is lost, and counted
            return
        await asyncio.sleep(SHOWN_S)
    else:
        drawn = {each.target_sector for each in view.standing.values() if each.state in DRAWN}
        seen.composing += bool(drawn - looked_at)


async def _keep_ahead(view: View, seen: Seen) -> None:
    """Have another one prepared as soon as one has come to its end; no two of one sector."""

    def under_way() -> set[str]:
        return {each.target_sector for each in view.standing.values() if each.state in UNDER_WAY}

    while True:
        await view.until(lambda: len(under_way()) < AHEAD, "one has ended", within_s=None)
        free = [name for name in names(3) if name not in under_way()]
        await view.prepare(seen.draws.sample(free, AHEAD - len(under_way())))


def _sector(x: float, y: float) -> str:
    column, row = (min(max(int(value * 3), 0), 2) for value in (x, y))
    return names(3)[row * 3 + column]


def _figures(kind: str, movement: str, seen: Seen, options: Options) -> list[Figure]:
    named = f"{kind} stand-in of {options.sleeps_ms[0]} ms"
    return [
        Figure(
            f"{movement}s with a change ready, {named}",
            seen.ready / max(seen.chances, 1),
            at_least=GOALS.get((kind, movement)),
            detail=f"{seen.ready} of {seen.chances} in {options.minutes:g} min, {seen.composing} too early for the "
            f"composing; {seen.stale} of {seen.made} changes went stale; {machine()}",
        ),
        Figure(
            f"of those, {movement}s at which it was committed, {named}",
            seen.taken / max(seen.ready, 1),
            at_least=1.0,
            detail=f"{seen.taken} of {seen.ready}",
        ),
    ]
