"""When the frames of a session come in a replay: computed once, and extended as it grows."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from shared.session.reading.reader import SessionReader
from shared.session.reading.timeline import Timeline, times


class Timelines:
    """The timelines of open sessions. Used from threads, one at a time for a session, like its reader."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[SessionReader, tuple[Any, Timeline]] = WeakKeyDictionary()

    def of(self, reader: SessionReader) -> Timeline:
        """The timeline of a session as far as it is read."""
        head, timeline = self._known.get(reader, (None, Timeline()))
        # A reader whose file was replaced has a new head.
        if head is not reader.head or len(timeline.offsets) > reader.count:
            timeline = Timeline()
        timeline.extend(times(reader, len(timeline.offsets)))
        self._known[reader] = (reader.head, timeline)
        return timeline
