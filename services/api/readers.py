"""Sessions that were read lately, kept open: finding an entry anew costs a pass over all of its session's lines."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import SessionDamaged, SessionNotFound
from shared.session.reader import SessionReader, open_session

KEPT_OPEN = 8
HELD_BYTES = 16 << 20
"""Of the places of entries, in all that are kept open; one alone may take more."""


class Readers:
    """A few open sessions, the one used longest ago let go first. For threads: one uses it at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: OrderedDict[str, SessionReader] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def session(self, session_id: str) -> Iterator[SessionReader]:
        """A session as it is now.

        One whose metadata is not understood is open too, with what can be read of it: see ``SessionReader.problem``.

        Raises:
            SessionNotFound: there is none of this id.
            SessionDamaged: it cannot be read at all.
        """
        with self._lock:
            reader = self._open.pop(session_id, None)
            if reader is not None:
                try:
                    reader.refresh()
                except (SessionNotFound, SessionDamaged, OSError):
                    reader.close()
                    reader = None
            if reader is None:
                reader = open_session(self._root, session_id, salvage=True)
            self._open[session_id] = reader
            while len(self._open) > 1 and (len(self._open) > KEPT_OPEN or self._held_bytes() > HELD_BYTES):
                self._open.popitem(last=False)[1].close()
            yield reader

    def forget(self, session_id: str) -> None:
        """Close a session that is about to be removed."""
        with self._lock:
            reader = self._open.pop(session_id, None)
            if reader is not None:
                reader.close()

    def _held_bytes(self) -> int:
        return sum(reader.held_bytes for reader in self._open.values())

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for reader in self._open.values():
                reader.close()
            self._open.clear()
