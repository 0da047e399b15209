"""The change that is under way, from its decision until it is displayed or given up, and the swaps of it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.gaze.trial.steps import Kind


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was prepared, and is chosen at a chance.

    Attributes:
        prepared_id: by which its sector is known.
        on: the picture that it goes onto.
        triggered: id of the ``trigger``.
        since_ns: when that was detected, or the view went dark.
    """

    prepared_id: str
    on: str
    triggered: str
    since_ns: int


@dataclass(slots=True)
class Change:
    """Ids are those of its steps; None: not yet.

    Attributes:
        number: of the change in its trial, from 0; one that was given up counts too.
        request: id of the ``request``, or of the ``commit``; None: nothing is to be made (of a ``sham`` or a ``catch``
            of what is prepared).
        last: the newest step of it: the cause of what comes next.
        chosen: where it was prepared.
        frame: id of the ``frame`` input: it is made.
        ready: id of the ``ready`` input: the display can draw it at once.
        is_whole: what is ready is its whole picture, though its sector was prepared.
        watched_since_ns: since when the viewer rests where it changes, while it waits.
    """

    number: int
    kind: Kind
    target: str
    focus: str
    request: str | None
    last: str
    chosen: Chosen | None = None
    frame: str | None = None
    frame_id: str | None = None
    sha256: str = ""
    ready: str | None = None
    is_whole: bool = False
    swap: Swap | None = None
    watched_since_ns: int | None = None

    @property
    def phase(self) -> str:
        if self.swap is not None:
            return "swapping"
        if self.request is not None and self.frame is None:
            return "asking" if self.chosen is None else "committing"
        return "ready" if self.ready is not None else "made"

    @property
    def laid(self) -> tuple[str | None, str | None]:
        """The name of the sector that is laid over a picture, and that picture; None: not so."""
        if self.chosen is None or self.is_whole:
            return None, None
        return self.chosen.prepared_id if self.kind == "change" else None, self.chosen.on


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
