"""A named place in a session: which frame comes next, and which came before. No sockets, no files."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

CURSOR_LIMIT = 1000
"""Cursors remembered at once: the one unused for longest makes room, so names that clients make up cost nothing."""

State = Literal["replaying", "complete"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor stands: index of the frame there (at the end, of the next frame to be recorded), and how many
    entries the session has."""

    index: int
    total: int


class Cursor:
    """A place in one session. Positions count entries from 0; what they hold is not known here.

    Attributes:
        began: when the session began, in Unix seconds, where it says so: another one may get its name.
        position: the frame that ``next`` gives; the session's length at its end.
        shown: the frame shown last, or None since the start or the last seek.
        last_place: as it was last published.
    """

    def __init__(self, name: str, session_id: str, began: object = None) -> None:
        self.name = name
        self.session_id = session_id
        self.began = began
        self.position = 0
        self.shown: int | None = None
        self.last_place = Place(0, 0)
        self._is_complete = False

    def ahead(self, total: int) -> int | None:
        """The position that ``next`` shows, or None at the end."""
        return self.position if self.position < total else None

    def behind(self, total: int) -> int | None:
        """The position that ``previous`` shows: the one before the frame that is on the screen, or, where none is
        since a seek, the one before the place that was sought. None at the beginning."""
        reference = self.position if self.shown is None else self.shown
        target = min(reference, total) - 1
        return target if target >= 0 else None

    def show(self, position: int) -> None:
        """The frame at ``position`` was shown, or could not be and is passed over."""
        self.shown = position
        self.position = position + 1
        self._is_complete = False

    def complete(self) -> None:
        self._is_complete = True

    def seek(self, position: int) -> None:
        """Go to a place: ``next`` shows it."""
        self.position = position
        self.shown = None
        self._is_complete = False

    def state(self, total: int) -> State:
        """``complete`` once the client knows, until the session grows or the cursor moves."""
        return "complete" if self._is_complete and self.position >= total else "replaying"


class Cursors:
    """Cursors by name, the most recently used last; never more than ``limit``."""

    def __init__(self, limit: int = CURSOR_LIMIT) -> None:
        self._limit = limit
        self._by_name: OrderedDict[str, Cursor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> Cursor | None:
        """The cursor of a name, used just now; None when it is idle."""
        cursor = self._by_name.get(name)
        if cursor is not None:
            self._by_name.move_to_end(name)
        return cursor

    def peek(self, name: str) -> Cursor | None:
        return self._by_name.get(name)

    def put(self, cursor: Cursor) -> None:
        self._by_name[cursor.name] = cursor
        self._by_name.move_to_end(cursor.name)
        while len(self._by_name) > self._limit:
            self._by_name.popitem(last=False)

    def drop(self, name: str) -> Cursor | None:
        """Forget a cursor; None when it was idle."""
        return self._by_name.pop(name, None)

    def recent(self, count: int) -> list[Cursor]:
        """The cursors used last, the last one last."""
        return list(self._by_name.values())[-count:]
