"""What of preparations only the API knows, until they end: their grid, and the sector prompt that each has taken."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from shared.bus.messages import Prepared
from shared.fields import GridSize
from shared.prompts import Draw

KEPT = 4096
"""Preparations; beyond it the oldest is forgotten, whose prompt then counts as used. The generator keeps far fewer."""
USED = "committed"
UNUSED = frozenset({"stale", "failed", "dropped"})
"""Final states, by whether the prompt has come to anything."""


@dataclass(frozen=True, slots=True)
class _Made:
    grid_size: GridSize
    draw: Draw | None


class MadeAhead:
    """The preparations that were asked for over HTTP; ``give_back`` takes the prompt of one that came to nothing."""

    def __init__(self, give_back: Callable[[Draw], None]) -> None:
        self._give_back = give_back
        self._made: OrderedDict[str, _Made] = OrderedDict()

    def add(self, prepared_id: str, grid_size: GridSize, draw: Draw | None) -> None:
        """Note one before it is asked for: the word of its end may come before the answer."""
        self._made[prepared_id] = _Made(grid_size, draw)
        if len(self._made) > KEPT:
            self._made.popitem(last=False)

    def grid_of(self, prepared_id: str) -> GridSize | None:
        """The grid of one that has not ended, where that is known."""
        found = self._made.get(prepared_id)
        return None if found is None else found.grid_size

    def on_change(self, told: Prepared) -> None:
        """Take what the generator says of one."""
        if told.state == USED:
            self._made.pop(told.prepared_id, None)
        elif told.state in UNUSED:
            self.end(told.prepared_id)

    def end(self, prepared_id: str) -> None:
        """Note that nothing comes of one: its prompt is one of its sector's next."""
        found = self._made.pop(prepared_id, None)
        if found is not None and found.draw is not None:
            self._give_back(found.draw)

    def forget(self) -> None:
        """Note that none is there any more: the generator went."""
        for prepared_id in list(self._made):
            self.end(prepared_id)
