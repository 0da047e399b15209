"""When to ask for a change: where the gaze has rested long enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared import sectors
from shared.gaze.events import EyeEvent
from shared.gaze.trial.config import Policy
from shared.gaze.trial.view import Point

LEFT_BY = 0.02
"""A gaze on a border jitters across it: it has left a sector only when it is this far outside, as a share of the
picture."""
_INSIDE = 1e-6


@dataclass(frozen=True, slots=True)
class Rest:
    """The gaze has rested in a sector.

    Attributes:
        at: its mean point, as fractions of the picture.
        since_ns: when that began.
        cause: number of the sample that it began with, or id of the fixation.
    """

    sector: str
    at: Point
    since_ns: int
    cause: str


class Asking(Protocol):
    """Says when the gaze has rested long enough. Points are fractions of the picture."""

    def point(self, n: int, t_ns: int, at: Point) -> None:
        """Take a valid sample."""

    def event(self, step_id: str, event: EyeEvent, at: Point | None) -> None:
        """Take what the detectors tell; ``at``: where on the picture."""

    def due(self, t_ns: int) -> Rest | None:
        """Ask whether the time is over. A gaze that stays is told again after as long again."""

    def begin_anew(self, t_ns: int) -> None:
        """The picture has changed: what the eyes did before does not count for it."""

    def forget(self) -> None:
        """Nobody knows where the viewer looks."""

    @property
    def sector(self) -> str | None:
        """Where the gaze is."""

    @property
    def deadline_ns(self) -> int | None:
        """When :meth:`due` would say something, if nothing else happened."""


class Dwell:
    """The gaze stays in one sector, whatever it does there."""

    def __init__(self, policy: Policy, grid_size: int) -> None:
        self._dwell_ns = max(round(policy.dwell_ms * 1e6), LEAST_AGAIN_NS)
        self._grid_size = grid_size
        self._since_ns = 0
        self._first = 0
        self._sums = (0.0, 0.0)
        self._count = 0
        self.sector: str | None = None

    def point(self, n: int, t_ns: int, at: Point) -> None:
        if not (0 <= at[0] <= 1 and 0 <= at[1] <= 1):
            self.sector = None
            return
        if self.sector is None or self._has_left(at):
            self.sector = sectors.at_point(*at, self._grid_size)
            self._since_ns, self._first, self._sums, self._count = t_ns, n, (0.0, 0.0), 0
        self._sums = self._sums[0] + at[0], self._sums[1] + at[1]
        self._count += 1

    def event(self, step_id: str, event: EyeEvent, at: Point | None) -> None:
        if event.kind == "lost":
            self.sector = None

    def due(self, t_ns: int) -> Rest | None:
        if self.sector is None or t_ns - self._since_ns < self._dwell_ns:
            return None
        rest = Rest(self.sector, self._mean(), self._since_ns, str(self._first))
        self._since_ns = t_ns
        return rest

    def begin_anew(self, t_ns: int) -> None:
        self._since_ns = t_ns

    def forget(self) -> None:
        self.sector = None

    @property
    def deadline_ns(self) -> int | None:
        return None if self.sector is None else self._since_ns + self._dwell_ns

    def _has_left(self, at: Point) -> bool:
        left, top, right, bottom = self._box(LEFT_BY)
        return not (left <= at[0] <= right and top <= at[1] <= bottom)

    def _mean(self) -> Point:
        """Within the sector: with the margin it can lie just beyond, and would name another one."""
        left, top, right, bottom = self._box(-_INSIDE)
        x, y = self._sums[0] / self._count, self._sums[1] / self._count
        return min(max(x, left), right), min(max(y, top), bottom)

    def _box(self, margin: float) -> tuple[float, float, float, float]:
        row, column = sectors.position(self.sector or "TL", self._grid_size)
        size = self._grid_size
        return (column / size - margin, row / size - margin, (column + 1) / size + margin, (row + 1) / size + margin)


class LongFixation:
    """One fixation has gone on for long enough, since its onset."""

    def __init__(self, policy: Policy, grid_size: int) -> None:
        self._dwell_ns = round(policy.dwell_ms * 1e6)
        self._grid_size = grid_size
        self._going_on: Rest | None = None
        self._due_ns = 0

    @property
    def sector(self) -> str | None:
        return self._going_on.sector if self._going_on else None

    def point(self, n: int, t_ns: int, at: Point) -> None:
        """Nothing: the detectors know what a fixation is."""

    def event(self, step_id: str, event: EyeEvent, at: Point | None) -> None:
        if event.is_over or event.kind != "fixation" or at is None or not (0 <= at[0] <= 1 and 0 <= at[1] <= 1):
            self._going_on = None
            return
        self._going_on = Rest(sectors.at_point(*at, self._grid_size), at, event.onset_ns, step_id)
        self._due_ns = event.onset_ns + self._dwell_ns

    def due(self, t_ns: int) -> Rest | None:
        if self._going_on is None or t_ns < self._due_ns:
            return None
        self._wait_again(t_ns)
        return self._going_on

    def begin_anew(self, t_ns: int) -> None:
        self._wait_again(t_ns)

    def forget(self) -> None:
        self._going_on = None

    @property
    def deadline_ns(self) -> int | None:
        return self._due_ns if self._going_on else None

    def _wait_again(self, t_ns: int) -> None:
        self._due_ns = t_ns + max(self._dwell_ns, LEAST_AGAIN_NS)


LEAST_AGAIN_NS = 100_000_000
"""Nobody is asked for a change more often than that: a fixation that asks as soon as it is detected asks again then."""

ASKING: dict[str, type[Dwell] | type[LongFixation]] = {"dwell": Dwell, "fixation": LongFixation}
