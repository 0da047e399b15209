"""When the frames of sessions come in a replay, for a page that plays one: worked out once a session, as it grows."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from shared.session.reading.reader import SessionReader
from shared.session.reading.timeline import Timeline, times


class Timelines:
    """The timelines of sessions that are open. For threads, as their readers are: one uses a session at a time."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[SessionReader, tuple[Any, Timeline]] = WeakKeyDictionary()

    def of(self, reader: SessionReader) -> Timeline:
        """The timeline of a session as far as its reader knows it."""
        head, timeline = self._known.get(reader, (None, Timeline()))
        # A reader that had to begin anew, as its file was replaced, has a new head.
        if head is not reader.head or len(timeline.offsets) > reader.count:
            timeline = Timeline()
        timeline.extend(times(reader, len(timeline.offsets)))
        self._known[reader] = (reader.head, timeline)
        return timeline
