"""When a picture that is ready may be shown: the viewer sees nothing just now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.gaze.events import EyeEvent
from shared.gaze.trial.config import Trigger
from shared.gaze.trial.draws import Draws
from shared.gaze.trial.inputs import Pressed

BLACKOUT_SIGMA = 0.5
"""People blink about 17 times a minute at rest, at intervals that are spread roughly log-normally (Bentivoglio et al.,
Movement Disorders 12, 1997)."""
SHORTEST_S, LONGEST_FACTOR = 1.2, 3.0
"""Never so close that blackouts could be a flicker, never so far that a picture waits for ever."""


@dataclass(frozen=True, slots=True)
class Chance:
    """``cause``: id of the eye event, or of the input. ``onset_ns``: when it began."""

    cause: str
    onset_ns: int


class TriggerPolicy(Protocol):
    """Says when there is a chance. It is asked of everything that is taken in, whether or not a picture waits."""

    def event(self, step_id: str, event: EyeEvent) -> Chance | None:
        """Take what the detectors tell."""

    def saccade(self, step_id: str, going_on: EyeEvent) -> Chance | None:
        """A saccade goes on: ``step_id`` is that of its onset."""

    def pressed(self, n: int, pressed: Pressed) -> Chance | None:
        """Take a key."""

    def due(self, n: int, t_ns: int) -> Chance | None:
        """Take the time: of every input."""

    @property
    def deadline_ns(self) -> int | None:
        """When :meth:`due` would say something, if nothing else happened."""


class Never:
    """What triggers have in common: nothing is a chance."""

    deadline_ns: int | None = None

    def __init__(self, config: Trigger, draws: Draws, t_ns: int) -> None:
        self.config = config

    def event(self, step_id: str, event: EyeEvent) -> Chance | None:
        return None

    def saccade(self, step_id: str, going_on: EyeEvent) -> Chance | None:
        return None

    def pressed(self, n: int, pressed: Pressed) -> Chance | None:
        return None

    def due(self, n: int, t_ns: int) -> Chance | None:
        return None


class Blink(Never):
    """A blink has begun."""

    def event(self, step_id: str, event: EyeEvent) -> Chance | None:
        return Chance(step_id, event.onset_ns) if event.kind == "blink" and not event.is_over else None


class Saccade(Never):
    """A saccade is fast: once in each. The threshold is higher than that of an onset, which noise crosses too."""

    def __init__(self, config: Trigger, draws: Draws, t_ns: int) -> None:
        super().__init__(config, draws, t_ns)
        self._used: str | None = None

    def saccade(self, step_id: str, going_on: EyeEvent) -> Chance | None:
        if step_id == self._used or not going_on.peak_deg_s >= self.config.saccade_deg_s:
            return None
        self._used = step_id
        return Chance(step_id, going_on.onset_ns)


class Key(Never):
    """The viewer, or an assistant, has pressed a key."""

    def pressed(self, n: int, pressed: Pressed) -> Chance | None:
        if self.config.keys and pressed.key not in self.config.keys:
            return None
        return Chance(str(n), pressed.t_ns)


class Blackout(Never):
    """The display goes dark by itself, at the intervals at which people blink; whether or not there is something to
    show, since otherwise each would announce a change."""

    def __init__(self, config: Trigger, draws: Draws, t_ns: int) -> None:
        super().__init__(config, draws, t_ns)
        self._draws = draws
        self._count = 0
        self.deadline_ns: int = t_ns + self._interval_ns()

    def due(self, n: int, t_ns: int) -> Chance | None:
        if t_ns < self.deadline_ns:
            return None
        self._count += 1
        self.deadline_ns = t_ns + self._interval_ns()
        return Chance(str(n), t_ns)

    def _interval_ns(self) -> int:
        mean_s = self.config.interval_s
        drawn_s = self._draws.lognormal(mean_s, BLACKOUT_SIGMA, "blackout", self._count)
        return round(min(max(drawn_s, SHORTEST_S), mean_s * LONGEST_FACTOR) * 1e3) * 1_000_000


class AtOnce(Never):
    """As soon as the picture is there and the viewer looks elsewhere."""

    def due(self, n: int, t_ns: int) -> Chance | None:
        return Chance(str(n), t_ns)


TRIGGERS: dict[str, type[Never]] = {
    "blink": Blink,
    "saccade": Saccade,
    "key": Key,
    "blackout": Blackout,
    "at_once": AtOnce,
}
