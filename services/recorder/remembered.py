"""Which session is active, remembered on the disk: a recorder that is set to resume goes on with it after its restart.

The file says ``{"session_id": ..., "created_at": ...}``. It is there as long as a session is active: an explicit stop
removes it, a shutdown and a crash leave it.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import ValidationError

from shared.errors import InvalidSessionId, SessionNotFound
from shared.frame import SessionStamp
from shared.session.format import ids
from shared.session.format.kinds import differ
from shared.session.format.layout import ACTIVE
from shared.session.format.metadata import DamagedMetadata
from shared.session.reading.reader import open_session
from shared.system.disk import Disk

log = logging.getLogger(__name__)


class Remembered:
    """The file, and what should stand in it. Blocking; one thread at a time, but for :meth:`want`.

    Args:
        enabled: whether anything is remembered. Where not, what an earlier life left is removed: it is not to come
            back when the setting is changed one day.
    """

    def __init__(self, disk: Disk, root: Path, *, enabled: bool) -> None:
        self._disk = disk
        self._root = root
        self._enabled = enabled
        self._wanted: SessionStamp | None = None
        self._written: SessionStamp | None = None
        self._is_known = True

    def want(self, stamp: SessionStamp | None) -> None:
        """From now on this session is the active one; :meth:`write` brings it to the disk."""
        self._wanted = stamp if self._enabled else None

    @property
    def is_written(self) -> bool:
        """Whether the disk says what it should."""
        return self._is_known and self._written == self._wanted

    def write(self) -> None:
        """Make the disk say what it should, durably. Where it refuses (OSError), call it again."""
        if self.is_written:
            return
        wanted, path = self._wanted, self._root / ACTIVE
        self._is_known = False
        if wanted is not None:
            self._disk.put(path, wanted.model_dump_json().encode() + b"\n")
        elif path.exists():
            self._disk.unlink(path)
            self._disk.fsync_dir(self._root)
        self._written, self._is_known = wanted, True

    def recall(self) -> SessionStamp | None:
        """The session that was active when the recorder ended; None where there was none, or it is not to be
        resumed."""
        try:
            data = (self._root / ACTIVE).read_bytes()
        except FileNotFoundError:
            return None
        self._is_known = False
        if not self._enabled:
            return None
        try:
            stamp = SessionStamp.model_validate_json(data)
        except ValidationError:
            log.error("%s does not say which session was active; none is resumed", self._root / ACTIVE)
            return None
        why_not = self._why_not(stamp)
        if why_not:
            log.error("the session %s was active, and is not resumed: %s", stamp.session_id, why_not)
            return None
        return stamp

    def _why_not(self, stamp: SessionStamp) -> str | None:
        try:
            folder = self._root / ids.validate(stamp.session_id)
        except InvalidSessionId:
            return "it has no name that a session may have"
        if not folder.is_dir():
            return "it is not there any more; it is not made anew"
        try:
            with open_session(self._root, stamp.session_id) as reader:
                created_at = reader.created_at
        except (DamagedMetadata, SessionNotFound):
            return None  # opening it for recording mends it
        if created_at is None or differ(created_at, stamp.created_at):
            return "another one of that name has taken its place"
        return None
