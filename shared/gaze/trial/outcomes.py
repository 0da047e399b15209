"""What came of one input: steps of the trial and movements of the eyes, each with its id."""

from __future__ import annotations

from dataclasses import dataclass

from shared.gaze.events import EyeEvent
from shared.gaze.trial.steps import AnyStep


@dataclass(frozen=True, slots=True)
class Outcome:
    """``id``: ``12/0``, the first that came of the input numbered 12."""

    id: str
    what: AnyStep | EyeEvent

    @property
    def t_ns(self) -> int:
        return self.what.noticed_ns if isinstance(self.what, EyeEvent) else self.what.t_ns


def id_of_input(n: int) -> str:
    return str(n)


def number_of(step_id: str) -> int:
    """Number of the input that a step is, or came of."""
    return int(step_id.partition("/")[0])
