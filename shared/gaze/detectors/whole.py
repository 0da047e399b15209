"""Whole events, one each, made of those that are told twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shared.gaze.events import EyeEvent, EyeEventKind


class WholeEvents:
    """Takes events as they are told and gives each once, when it is over.

    Two are left out, since by then more is known of them: a blink that became a loss is that loss alone, and a saccade
    that a blink broke off was the eyelid's.
    """

    def __init__(self) -> None:
        self._going_on: dict[EyeEventKind, EyeEvent] = {}

    def take(self, told: Iterable[EyeEvent]) -> list[EyeEvent]:
        """Take what one sample or one tick told; returns what is over, each with its ``offset_ns``."""
        told = list(told)
        began = {event.kind: event for event in told if not event.is_over}
        whole = []
        for event in told:
            if not event.is_over:
                self._going_on[event.kind] = event
                continue
            if self._going_on.get(event.kind, event).onset_ns == event.onset_ns:
                self._going_on.pop(event.kind, None)
            lost = began.get("lost")
            if event.kind == "blink" and lost and lost.onset_ns == event.onset_ns:
                continue
            if event.kind == "saccade" and "blink" in began:
                continue
            whole.append(event)
        return whole

    def finish(self, t_ns: int) -> list[EyeEvent]:
        """No more will be told: ends what goes on at the time of the last sample, as much as was told of it.
        :meth:`~shared.gaze.detectors.eyes.EyeDetectors.finish` knows more, where it can be asked."""
        left = sorted(self._going_on.values(), key=lambda event: event.onset_ns)
        self._going_on.clear()
        return [replace(event, offset_ns=max(t_ns, event.onset_ns), noticed_ns=t_ns) for event in left]
