"""Which displays show which view, and which of them counts. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from services.gaze.sources.source import Box
from shared.bus.requests.displays import ShowView
from shared.errors import InvalidRequest
from shared.gaze.trial.inputs import ClockMeasured, Viewed

MOST_DISPLAYS = 64
SILENT_NS = 8_000_000_000
"""Displays compare their clocks every five seconds: of one that says nothing for so long nobody knows whether it is
there."""
CLOCKS_KEPT = 8
READY_KEPT = 32
"""Several times as many as are prepared at a time."""


@dataclass(slots=True)
class Display:
    """One display, as it says of itself.

    Attributes:
        heard_ns: when it last said anything.
        box: where the picture lies on its page; None while it shows none.
        clocks: the last measurements of its clock.
        ready: the trials and the ``frame`` or ``prepared`` that it has said to be ready for, the last ones; of one that
            does not count too.
    """

    name: str
    shown: ShowView
    heard_ns: int = 0
    clocks: deque[ClockMeasured] = field(default_factory=lambda: deque(maxlen=CLOCKS_KEPT))
    ready: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=READY_KEPT))

    @property
    def view(self) -> str:
        return self.shown.view

    @property
    def box(self) -> Box | None:
        left, top, width, height = self.shown.left, self.shown.top, self.shown.width, self.shown.height
        if left is None or top is None or width is None or height is None:
            return None
        return left, top, width, height

    def viewed(self, t_ns: int, *, is_assumed: bool) -> Viewed | None:
        """What a trial is told of it; None while it shows no picture."""
        if self.box is None:
            return None
        left, top, width, height = self.box
        return Viewed(
            t_ns=t_ns,
            display=self.name,
            left=left,
            top=top,
            width=width,
            height=height,
            is_assumed=is_assumed,
            takes_sectors=self.shown.takes_sectors,
        )


class Displays:
    """All displays, in the order in which they came to their views."""

    def __init__(self) -> None:
        self._displays: dict[str, Display] = {}

    def show(self, shown: ShowView, now_ns: int) -> Display:
        """Take what a display says. Raises InvalidRequest: there are more than anybody looks at."""
        display = self._displays.get(shown.display)
        if display is None:
            if len(self._displays) >= MOST_DISPLAYS:
                raise InvalidRequest(f"{MOST_DISPLAYS} displays are connected already; close some of them")
            display = self._displays[shown.display] = Display(shown.display, shown)
        elif display.view != shown.view:
            self._displays[shown.display] = self._displays.pop(shown.display)
        display.shown, display.heard_ns = shown, now_ns
        return display

    def hear(self, name: str, now_ns: int) -> None:
        """A display has said something else."""
        display = self._displays.get(name)
        if display is not None:
            display.heard_ns = now_ns

    def drop_silent(self, now_ns: int) -> bool:
        """Drop displays that say nothing: whoever connected them may have ended without a word. One that never compared
        clocks need not say anything, and goes only where it keeps others of its view from counting. Whether there were
        any."""
        lively = {display.view for display in self._displays.values() if now_ns - display.heard_ns < SILENT_NS}
        silent = [
            name
            for name, display in self._displays.items()
            if now_ns - display.heard_ns >= SILENT_NS and (display.clocks or display.view in lively)
        ]
        for name in silent:
            self.drop(name)
        return bool(silent)

    def drop(self, name: str) -> None:
        """A display is gone."""
        self._displays.pop(name, None)

    def get(self, name: str) -> Display | None:
        return self._displays.get(name)

    def counting(self, view: str) -> Display | None:
        """The first display of a view; None where nobody shows it."""
        return next((display for display in self._displays.values() if display.view == view), None)

    def names(self) -> tuple[str, ...]:
        return tuple(self._displays)
