"""Sources that push: a page with its pointer, a tracker's program by WebSocket. Their points come as requests."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from services.gaze.sources.source import Outlets, SourcePoint
from shared.bus.requests.displays import Point
from shared.gaze.sample import Sample

PUSHED = ("page", "websocket")


class PushedSource:
    """Waits for what others send."""

    is_of_screen = False

    def __init__(self, name: str) -> None:
        self.name = name

    async def prepare(self) -> None:
        """There is nothing to open."""

    async def run(self, outlets: Outlets) -> None:
        """There is nothing to do."""

    def close(self) -> None:
        """There is nothing to close."""


def points_of(points: Sequence[Point]) -> list[SourcePoint]:
    """What a page or a program sent, as samples. Values that no eye can have are kept: they are of the record."""
    return [
        (
            Sample(
                0,
                _told(point.x if point.valid else None),
                _told(point.y if point.valid else None),
                _told(point.pupil),
                _told(point.confidence),
                _told(point.open),
            ),
            _told(point.t),
        )
        for point in points
    ]


def _told(value: float | None) -> float:
    return nan if value is None else value
