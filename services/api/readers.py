"""Sessions that were read lately, kept open: finding an entry anew costs a pass over all of its session's lines."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

from shared.errors import SessionDamaged, SessionNotFound
from shared.session.reader import SessionReader, open_session

KEPT_OPEN = 8
IDLE_S = 15.0
"""Those that hold all of a session's entries in memory are kept so long after their last use."""


class Readers:
    """A few open sessions, the one used longest ago let go first. For threads: one uses it at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: OrderedDict[str, SessionReader] = OrderedDict()
        self._used_s: WeakKeyDictionary[SessionReader, float] = WeakKeyDictionary()
        self._lock = threading.Lock()

    async def run(self) -> None:
        """Close what is large and idle, until cancelled."""
        while True:
            await asyncio.sleep(IDLE_S / 2)
            if any(reader.holds_all for reader in list(self._open.values())):
                await asyncio.to_thread(self._close_idle)

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
            while len(self._open) > KEPT_OPEN:
                self._open.popitem(last=False)[1].close()
            try:
                yield reader
            finally:
                self._used_s[reader] = time.monotonic()

    def forget(self, session_id: str) -> None:
        """Close a session that is about to be removed."""
        with self._lock:
            reader = self._open.pop(session_id, None)
            if reader is not None:
                reader.close()

    def _close_idle(self) -> None:
        with self._lock:
            for session_id, reader in list(self._open.items()):
                if reader.holds_all and time.monotonic() - self._used_s[reader] > IDLE_S:
                    del self._open[session_id]
                    reader.close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for reader in self._open.values():
                reader.close()
            self._open.clear()
