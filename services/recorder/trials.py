"""The trials of all sessions, as the recorder's one writing thread sees them. Everything here blocks.

A session that trials are written into is open like one that frames are written into. Whatever writes raises
FolderUnusable or OSError where the disk refuses: try again.
"""

from __future__ import annotations

import errno
import logging
import time

from services.recorder.archive import Archive
from services.recorder.ledger.held_trials import GRACE_S
from shared.errors import InvalidSessionId
from shared.frame import SessionStamp
from shared.session.format import ids
from shared.session.format.kinds import differ
from shared.session.writing.gaze_part import HeldPart, UnusablePart, sort_part
from shared.session.writing.gaze_record import ClosedTrial, GazeRecord
from shared.session.writing.gaze_repair import repair_trials
from shared.session.writing.gaze_spill import SpilledPart, clear_gaze_spill, read_gaze_spill
from shared.session.writing.gaze_tails import trial_files
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld

log = logging.getLogger(__name__)

KEPT_OPEN = 8
"""Records that are kept open: to open one costs a reading of its ``trials.jsonl``."""


class SessionGone(Exception):
    """The session of a trial is not there any more, and will not be: nobody needs to keep the trial."""


class TrialArchive:
    """Trials into the sessions of an archive.

    Attributes:
        unended: trials on disk that have no end, each with its session.
        living: trials that the gaze process goes on with, as far as is known; set by the event loop.
    """

    def __init__(self, disk: Disk, archive: Archive) -> None:
        self.unended: dict[str, str] = {}
        self.living: frozenset[str] = frozenset()
        self._disk = disk
        self._archive = archive
        self._root = archive.folder.path
        self._records: dict[str, GazeRecord] = {}
        self._deleted: set[str] = set()
        self._opened: dict[str, int] = {}
        self._missing: dict[str, float] = {}
        """Sessions whose folders are gone, each with when that was seen first."""

    def recover(self) -> None:
        """Look at the trials of sessions that an earlier recorder left open: what is half-written is cut off."""
        while self._archive.folder.left_open:
            session_id = self._archive.folder.left_open.pop()
            try:
                if trial_files(self._root / session_id):
                    self._note(session_id, GazeRecord(self._disk, self._root / session_id))
            except (OSError, ValueError) as error:
                log.error("the trials of session %s cannot be looked at: %s", session_id, error)

    def has(self, stamp: SessionStamp, trial_id: str) -> bool:
        """Whether a trial is on disk to its own end. Raises SessionGone."""
        return self._record(stamp).has(trial_id)

    def next_n(self, stamp: SessionStamp, trial_id: str) -> int:
        """The number from which on a trial is to be fetched: 0 of one that is not on disk. Raises SessionGone."""
        record = self._record(stamp)
        return record.next_n if record.trial_id == trial_id else 0

    def write(self, part: HeldPart, *, is_spilled: bool = False) -> None:
        """Write what of a part is not there yet; when it returns, the part may be acknowledged. For one that nobody
        else has any more, a session's folder that is gone is made anew, as for a frame.

        Raises SessionGone, UnusablePart (it is none) or ClosedTrial (it has no place any more)."""
        found = sort_part(part)
        record = self._record(part.session, is_spilled=is_spilled)
        try:
            record.write(part, found)
        except BaseException:
            self._records.pop(part.session.session_id, None)  # opened anew, it says what is on disk
            raise
        self._note(part.session.session_id, record)

    def close_trial(self, trial_id: str) -> None:
        """Give a trial the end that it never got. Of a session that is gone nothing is left to close."""
        session_id = self.unended.get(trial_id, "")
        folder = self._root / session_id
        if session_id and folder.is_dir():
            self._archive.folder.claim()
            record = self._records.pop(session_id, None) or GazeRecord(self._disk, folder)
            if record.trial_id == trial_id:
                record.close_trial()
        self.unended.pop(trial_id, None)

    def take_spill(self) -> bool:
        """Take in what a gaze process left; False while one is still writing there."""
        try:
            spilled = read_gaze_spill(self._root)
        except AlreadyHeld:
            return False
        for part in spilled:
            if self._take_spilled(part):
                self._disk.unlink(part.path)
        if spilled:
            clear_gaze_spill(self._disk, self._root)
        return True

    def take_opened(self) -> dict[str, int]:
        """Sessions that were opened since the last call, each with how many entries it has."""
        opened, self._opened = self._opened, {}
        return opened

    def delete(self, session_id: str) -> None:
        """Remove a session: see :meth:`Archive.delete`."""
        self._archive.delete(session_id)
        self._deleted.add(session_id)
        self._records.pop(session_id, None)
        for trial_id in [trial for trial, session in self.unended.items() if session == session_id]:
            del self.unended[trial_id]

    def repair(self, session_id: str) -> list[str]:
        """Mend a session with its trials: see :meth:`Archive.repair`."""
        did = self._archive.repair(session_id)
        self._records.pop(session_id, None)
        did += repair_trials(self._disk, self._root / session_id, living=self.living)
        for trial_id in [trial for trial, session in self.unended.items() if session == session_id]:
            if trial_id not in self.living:
                del self.unended[trial_id]
        return did

    # -- parts --------------------------------------------------------------------------------------------------------

    def _record(self, stamp: SessionStamp, *, is_spilled: bool = False) -> GazeRecord:
        self._archive.folder.claim()
        try:
            folder = self._root / ids.validate(stamp.session_id)
        except InvalidSessionId as error:
            raise SessionGone(f"no session can be called {stamp.session_id[:100]!r}: {error.detail}") from None
        if folder.exists():
            self._missing.pop(stamp.session_id, None)
            self._deleted.discard(stamp.session_id)
        else:
            self._records.pop(stamp.session_id, None)
            if stamp.session_id in self._deleted:
                raise SessionGone(f"session {stamp.session_id} was deleted")
            if not is_spilled and not self._archive.is_open(stamp.session_id):
                self._wait_for(stamp.session_id)
        if folder.exists() and differ(self._archive.created_at(stamp.session_id), stamp.created_at):
            raise SessionGone(f"another session has the name {stamp.session_id} now")
        folder, self._opened[stamp.session_id] = self._archive.hold(stamp)
        record = self._records.pop(stamp.session_id, None) or GazeRecord(self._disk, folder)
        self._records[stamp.session_id] = record  # the last one used is the last in line
        while len(self._records) > KEPT_OPEN:
            del self._records[next(iter(self._records))]
        return record

    def _wait_for(self, session_id: str) -> None:
        """Give whoever goes on with a session, after a restart, the time to say so: its folder is made anew then.
        Raises FileNotFoundError: until then; SessionGone: nobody does."""
        since_s = self._missing.setdefault(session_id, time.monotonic())
        if time.monotonic() - since_s < GRACE_S:
            raise FileNotFoundError(errno.ENOENT, "its session's folder is gone")
        del self._missing[session_id]
        raise SessionGone(f"the folder of session {session_id} was removed, and nobody goes on with it")

    def _note(self, session_id: str, record: GazeRecord) -> None:
        """Keep in mind which trial of a session has no end."""
        for trial_id in [trial for trial, session in self.unended.items() if session == session_id]:
            del self.unended[trial_id]
        if record.trial_id is not None and not record.is_ended:
            self.unended[record.trial_id] = session_id

    def _take_spilled(self, spilled: SpilledPart) -> bool:
        """Whether the file is needed no more."""
        try:
            part = spilled.load()
            self.write(part, is_spilled=True)
        except SessionGone as error:
            log.error("a part of trial %s is dropped: %s", spilled.header.trial_id, error)
        except (ValueError, UnusablePart, ClosedTrial) as error:
            log.error("%s cannot be used, and stays where it is: %s", spilled.path, error)
            return False
        else:
            said = (part.from_n, part.next_n - 1, part.trial_id, part.session.session_id)
            log.info("inputs %d to %d of trial %s of session %s were in the spill", *said)
        return True
