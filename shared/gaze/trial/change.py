"""The change that is under way, from its decision until it is displayed or given up, and the swaps of it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.gaze.trial.steps import Kind


@dataclass(slots=True)
class Change:
    """Ids are those of its steps; None: not yet.

    Attributes:
        number: of the change in its trial, from 0; one that was given up counts too.
        last: the newest step of it: the cause of what comes next.
        frame: id of the ``frame`` input: it is made.
        ready: id of the ``ready`` input: the display can draw it at once.
        watched_since_ns: since when the viewer rests where it changes, while it waits.
    """

    number: int
    kind: Kind
    target: str
    focus: str
    request: str
    last: str
    frame: str | None = None
    frame_id: str = ""
    sha256: str = ""
    ready: str | None = None
    swap: Swap | None = None
    watched_since_ns: int | None = None

    @property
    def phase(self) -> str:
        if self.swap is not None:
            return "swapping"
        return "ready" if self.ready is not None else "made" if self.frame is not None else "asking"


@dataclass(slots=True)
class Swap:
    """One try to show a change.

    Attributes:
        detected_ns: when its trigger was detected.
        is_withdrawn: the display was told not to draw it any more.
        is_reported: the display has said what became of it.
    """

    id: str
    change: Change
    t_ns: int
    detected_ns: int
    deadline_ns: int
    is_withdrawn: bool = False
    is_reported: bool = False
