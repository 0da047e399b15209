"""A session's record of trials as it is found: how far each file goes, and which trial was written last.

Blocking; one thread at a time. What recording adds stands in ``gaze_record.py``.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from shared.gaze.record.lines import CLOCKS, EYES, TRIALS, Origin
from shared.gaze.record.samples import RECORD_BYTES
from shared.session.format.trial_files import BEFORE_OUTCOMES, GAZE, INDEX, GazeIndex, Key, Segment, samples_name
from shared.session.reading.gaze_segments import digest_of, hashes_of_lines
from shared.session.reading.record import Place, RecordFiles, last_line, place_of, sample_at
from shared.session.writing.gaze_part import WRITTEN_FIRST
from shared.session.writing.gaze_repair import index_of
from shared.session.writing.gaze_tails import append, cut_tails
from shared.system.disk import Disk

log = logging.getLogger(__name__)

INTERRUPTED = "the gaze process ended without a word"
NOTHING: Key = (-1, BEFORE_OUTCOMES)


class OpenRecord:
    """The trials of one session, and the ends of their files.

    Attributes:
        trial_id: the newest trial; None where there is none.
        next_n: all inputs of it below this are on disk.
        is_ended: whether it has its end.
    """

    def __init__(self, disk: Disk, folder: Path) -> None:
        """Open the record that a session's folder holds, or may hold; what is half-written is cut off. Raises OSError:
        the disk refuses."""
        self.folder = folder
        self._disk = disk
        for sentence in cut_tails(disk, folder):
            log.warning("session %s: %s", folder.name, sentence)
        files = RecordFiles(folder)
        self._sizes = files.sizes
        self.trial_id: str | None = None
        self.next_n = 0
        self.is_ended = False
        self._done: dict[str, bool] = {}
        """Trials that others stand behind, each with whether it was closed without its rest."""
        self._reset()
        self._read_trials(files)
        self._index = self._find_index(files)
        self._file = max(files.samples_files(), default=samples_name(0))
        if self._index.segments:
            self._file = max(self._file, f"{GAZE}/{self._index.segments[-1].file}")
        self._digest = digest_of(folder, self._file, self._sizes.get(self._file, 0))
        self._find_ends()

    @property
    def _reach_n(self) -> int:
        """One past the largest number of the newest trial that is on disk."""
        return max(self._last_n, *(key[0] for key in self._last.values())) + 1

    # -- opening ------------------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._last: dict[str, Key] = dict.fromkeys(WRITTEN_FIRST, NOTHING)
        self._last_n = -1
        self._t_ns = 0
        self._origin: Origin | None = None
        self._outcome = "interrupted"
        self._closed_here = False

    def _read_trials(self, files: RecordFiles) -> None:
        for _, text in files.lines(TRIALS):
            place = place_of(text) if text is not None else None
            if place is None:
                continue
            if place.trial_id != self.trial_id:
                self._take_next_trial(place.trial_id)
            before = self._last[TRIALS]
            self._last[TRIALS] = max(before, place.key)
            self._take_place(place)
            # What came of this very input may not be there yet; what came of those before it is.
            self.next_n = max(before[0] if self._closed_here else self._last[TRIALS][0], 0)

    def _take_next_trial(self, trial_id: str) -> None:
        if self.trial_id is not None:
            self._done[self.trial_id] = not self.is_ended or self._closed_here
        self._reset()
        self.trial_id, self.next_n, self.is_ended = trial_id, 0, False

    def _take_place(self, place: Place) -> None:
        self._t_ns = max(self._t_ns, place.t_ns)
        if place.step == "begin":
            unix_s = place.said.get("unix_s")
            self._origin = Origin(place.trial_id, place.t_ns, unix_s) if isinstance(unix_s, float) else None
        elif place.step == "end":
            self.is_ended = True
            self._outcome = str(place.said.get("outcome"))
            self._closed_here = place.said.get("by") is not None

    def _find_index(self, files: RecordFiles) -> GazeIndex:
        index = files.index
        known = {segment.trial_id for segment in index.segments} if index is not None else set()
        is_whole = self.trial_id is None or self.trial_id in known
        if index is None or not is_whole or (not index.segments and files.samples_files()):
            index = index_of(files)
        if index.segments and (newest := index.segments[-1].trial_id) not in (self.trial_id, *self._done):
            self._take_next_trial(newest)  # its samples may have come, and its beginning has not
        return index

    def _find_ends(self) -> None:
        segment = None if self.trial_id is None else self._index.last_of(self.trial_id)
        if segment is None:
            return
        for name in (EYES, CLOCKS):
            last = last_line(self.folder, name, self._sizes.get(name, 0))
            if last is not None and last.trial_id == self.trial_id:
                self._last[name], self._t_ns = last.key, max(self._t_ns, last.t_ns)
        past = self._sizes.get(f"{GAZE}/{segment.file}", 0) // RECORD_BYTES
        segment.records = max(0, past - segment.first_record)
        if segment.records and segment.first_n is None:
            segment.first_n = sample_at(self.folder, f"{GAZE}/{segment.file}", segment.first_record).n
        for each in reversed(self._index.segments):
            if each.trial_id == self.trial_id and each.records:
                last_record = each.first_record + each.records - 1
                sample = sample_at(self.folder, f"{GAZE}/{each.file}", last_record)
                self._last_n, self._t_ns = sample.n, max(self._t_ns, sample.t_ns)
                break
        if self.is_ended and segment.ended is None:
            if self._closed_here:
                self._index.add_gap(segment.trial_id, self._reach_n - 2, self._t_ns or None, INTERRUPTED)
            self._finish()

    # -- writing ------------------------------------------------------------------------------------------------------

    def _append(self, name: str, data: bytes) -> None:
        append(self._disk, self.folder, name, data, self._sizes.get(name, 0))
        self._sizes[name] = self._sizes.get(name, 0) + len(data)
        if name == self._file:
            self._digest.update(data)

    def _segment(self, about: dict[str, object]) -> Segment:
        """Whose the samples are that come now, on disk before any of them."""
        assert self.trial_id is not None
        past = self._sizes.get(self._file, 0) // RECORD_BYTES
        segment = Segment(self.trial_id, os.path.basename(self._file), past, about=about)
        self._index.segments.append(segment)
        self._put_index()
        return segment

    def _finish(self) -> None:
        """The newest trial has its end."""
        for segment in self._index.segments:
            if segment.trial_id == self.trial_id:
                segment.ended = self._outcome
        self._say_hash()
        self._index.lines = hashes_of_lines(self.folder, self._sizes)
        self._put_index()

    def _say_hash(self) -> None:
        if size := self._sizes.get(self._file, 0):
            said = {"sha256": self._digest.hexdigest(), "bytes": size}
            self._index.files[os.path.basename(self._file)] = said

    def _put_index(self) -> None:
        self._disk.make_folders(self.folder / GAZE)
        self._disk.put(self.folder / INDEX, self._index.encode())
