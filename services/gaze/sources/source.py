"""What every source of the gaze is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.gaze.sample import Sample
from shared.gaze.screen import Screen

SourcePoint = tuple[Sample, float]
"""A sample, whose ``t_ns`` nobody goes by yet, and its time in seconds by the source's own clock; NaN: it has none."""

EndState = Literal["ended", "failed"]
Box = tuple[float, float, float, float]
"""Left, top, width and height, as shares of what the points are fractions of."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where a source's points go.

    Attributes:
        take: called with points, oldest first, on the event loop.
        end: called once with ``ended`` or ``failed`` and a sentence, when no more will come.
        are_awaited: whether anything is decided by the points now; else they may come late, many at a time.
    """

    take: Callable[[Sequence[SourcePoint]], object]
    end: Callable[[EndState, str], None]
    are_awaited: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source that makes its own points may know.

    Attributes:
        screen: the one that degrees are worked out from.
        looked_at: where the picture lies; None where no display shows one.
    """

    screen: Callable[[], Screen]
    looked_at: Callable[[], Box | None]


class Source(Protocol):
    """One source. It is begun once, and not again after its end."""

    @property
    def name(self) -> str:
        """As it is chosen by: ``page``, ``simulated:7``."""
        ...

    @property
    def is_of_screen(self) -> bool:
        """Whether its points are fractions of the screen, and not of the page."""
        ...

    async def prepare(self) -> None:
        """Open what it needs. Raises InvalidRequest: it cannot be used."""
        ...

    async def run(self, outlets: Outlets) -> None:
        """Give points until cancelled; at once done for a source that is pushed."""
        ...

    def close(self) -> None:
        """Let go of what it has open."""
        ...
