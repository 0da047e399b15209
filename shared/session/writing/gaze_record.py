"""Recording a session's trials: what comes is written behind what is there, once, however often it comes.

After any error a record is to be opened anew: it then finds out what is on disk.
"""

from __future__ import annotations

import errno
import logging
import os

from shared.gaze.record.lines import TRIALS
from shared.gaze.record.samples import RECORD_BYTES
from shared.session.format import trial_files
from shared.session.format.trial_files import BEFORE_OUTCOMES
from shared.session.reading.gaze_segments import digest_of
from shared.session.reading.record import last_line
from shared.session.writing.gaze_opening import INTERRUPTED, NOTHING, OpenRecord
from shared.session.writing.gaze_part import WRITTEN_FIRST, HeldPart, SortedPart
from shared.session.writing.gaze_tails import end_line

log = logging.getLogger(__name__)


class ClosedTrial(Exception):
    """A trial was closed without its rest, and another one stands behind it: the rest has no place any more."""


class GazeRecord(OpenRecord):
    """Trials into one session. Whatever writes raises OSError where the disk refuses."""

    _is_complete = False
    """The newest trial is on disk to its own end; of one that was found there, what came of its end may be missing."""

    def has(self, trial_id: str) -> bool:
        """Whether a trial is on disk to its own end."""
        if trial_id == self.trial_id:
            return self._is_complete
        return self._done.get(trial_id) is False

    def write(self, part: HeldPart, found: SortedPart) -> None:
        """Write what of a part is not there yet. When it returns, the part may be acknowledged. Raises ClosedTrial."""
        if self._done.get(part.trial_id):
            raise ClosedTrial(f"trial {part.trial_id} was closed, and another one stands behind it")
        if self.has(part.trial_id):
            return
        if part.trial_id != self.trial_id:
            self._begin(part)
        elif self._closed_here:
            self._open_again()
        if part.from_n > max(self.next_n, self._reach_n):
            first, last = self._reach_n, part.from_n - 1
            log.error(
                "session %s: inputs %d to %d of trial %s never came", self.folder.name, first, last, part.trial_id
            )
            self._index.add_gap(part.trial_id, first - 1, self._t_ns or None, "these inputs never came")
            self._put_index()
        self._write_samples(part, found)
        for name in WRITTEN_FIRST:
            self._write_lines(name, found)
        self.next_n = max(self.next_n, part.next_n)
        self._t_ns = max(self._t_ns, found.last_t_ns or 0)
        if self.is_ended:
            self._finish()
            self._is_complete = True

    def close_trial(self, reason: str = INTERRUPTED) -> None:
        """Give the newest trial the end that it never got, and say from where on nothing is known."""
        if self.trial_id is None or self.is_ended:
            return
        n = self._reach_n
        self._index.add_gap(self.trial_id, n - 1, self._t_ns or None, reason)
        time = None if self._origin is None else self._origin.time(self._t_ns)
        self._append(TRIALS, end_line(self.trial_id, n, self._t_ns, time, reason, "recorder"))
        self._last[TRIALS] = (n, BEFORE_OUTCOMES)
        self.is_ended = self._closed_here = True
        self._outcome = "interrupted"
        self._finish()
        log.warning("session %s: trial %s is closed: %s", self.folder.name, self.trial_id, reason)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _begin(self, part: HeldPart) -> None:
        self.close_trial()
        self._take_next_trial(part.trial_id)
        self._is_complete = False
        self._segment(part.about)

    def _open_again(self) -> None:
        """Take the end away that was given to the trial without its rest: there is more of it after all."""
        end = last_line(self.folder, TRIALS, self._sizes[TRIALS])
        assert end is not None
        fd = self._disk.open(self.folder / TRIALS)
        try:
            self._disk.truncate(fd, end.at)
            self._disk.fsync(fd)
        finally:
            self._disk.close(fd)
        self._sizes[TRIALS] = end.at
        before = last_line(self.folder, TRIALS, end.at)
        is_of_it = before is not None and before.trial_id == self.trial_id
        self._last[TRIALS] = before.key if before is not None and is_of_it else NOTHING
        self._index.gaps = [gap for gap in self._index.gaps if gap.get("trial_id") != self.trial_id]
        self.is_ended = self._closed_here = False
        self._index.lines.pop(TRIALS, None)  # until it ends again
        self._put_index()
        log.warning("session %s: there is more of trial %s, and it goes on", self.folder.name, self.trial_id)

    def _write_lines(self, name: str, found: SortedPart) -> None:
        lines = found.lines_behind(name, self._last[name])
        if lines:
            self._append(name, b"".join(text for _, text in lines))
            self._last[name] = lines[-1][0].key
        for place, _ in lines:
            self._take_place(place)

    def _write_samples(self, part: HeldPart, found: SortedPart) -> None:
        data = memoryview(found.records_behind(self._last_n))
        numbers = [n for n, _ in found.samples if n > self._last_n]
        segment = self._index.segments[-1]
        while numbers:
            room = (trial_files.MAX_SAMPLES_BYTES - self._sizes.get(self._file, 0)) // RECORD_BYTES
            if room <= 0:
                self._begin_file()
                segment = self._segment(segment.about)
                continue
            self._append(self._file, bytes(data[: room * RECORD_BYTES]))
            segment.first_n = numbers[0] if segment.first_n is None else segment.first_n
            segment.records += len(numbers[:room])
            self._last_n = numbers[:room][-1]
            data, numbers = data[room * RECORD_BYTES :], numbers[room:]

    def _begin_file(self) -> None:
        """The file of samples is full: the next one."""
        self._say_hash()
        following = trial_files.samples_name(1 + (trial_files.samples_number(self._file) or 0))
        if trial_files.samples_number(following) is None:
            raise OSError(errno.EFBIG, "a session has no room for more samples", os.fspath(self.folder))
        self._file, self._digest = following, digest_of(self.folder, following, 0)
