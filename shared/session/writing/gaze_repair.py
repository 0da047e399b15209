"""Making a session's trials whole again: half-written ends are cut, trials without an end get one, and ``gaze.json`` is
made anew from what the files hold. Lines and samples that are there stay as they are."""

from __future__ import annotations

import errno
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.gaze.record.lines import TRIALS
from shared.session.format.trial_files import GAZE, INDEX, GazeIndex
from shared.session.reading.gaze_segments import Segments, differ, hash_of, hashes_of_lines
from shared.session.reading.record import RecordFiles, place_of
from shared.session.reading.walk import Walk, Walked
from shared.session.writing.gaze_tails import cut_tails, end_line, trial_files
from shared.session.writing.repair import record
from shared.system.disk import Disk

log = logging.getLogger(__name__)

NO_END = "its end was never recorded"


@dataclass(slots=True)
class _Last:
    """The last that is known of a trial: its number, its time by both clocks, and whether it is the end."""

    n: int
    t_ns: int
    began: Walked | None = None
    is_end: bool = False

    @property
    def time(self) -> float | None:
        if self.began is None or not isinstance(unix_s := self.began.said.get("unix_s"), int | float):
            return None
        return unix_s + (self.t_ns - self.began.t_ns) / 1e9


def repair_trials(disk: Disk, folder: Path, *, living: Collection[str] = ()) -> list[str]:
    """Mend the trials of a session that nobody is writing to; a sentence for each thing done. Safe to break off and to
    repeat. ``living``: trials that go on, and get no end. Raises OSError: the disk refuses."""
    if not trial_files(folder) and not (folder / INDEX).exists():
        return []
    did = cut_tails(disk, folder)
    files = RecordFiles(folder)
    lasts: dict[str, _Last] = {}
    for walked in Walk(files):
        if walked.trial_id:
            _take(lasts, walked)
    open_trials = {trial_id: last for trial_id, last in lasts.items() if not last.is_end and trial_id not in living}
    if open_trials:
        disk.put_parts(folder / TRIALS, _with_ends(files, open_trials))
        did += [f"trial {trial_id} had no end and is marked as interrupted" for trial_id in open_trials]
        files = RecordFiles(folder)
    going_on = next((trial_id for trial_id in reversed(lasts) if trial_id in living), None)
    did += _mend_index(disk, folder, files, open_trials, going_on)
    for sentence in did:
        log.warning("session %s repaired: %s", folder.name, sentence)
    if did:
        record(disk, folder, did=did)
    return did


def index_of(files: RecordFiles) -> GazeIndex:
    """``gaze.json`` made anew: segments from what the files hold; what it said of gaps and hashes, where it can be
    read, and else the hashes of the files as they are."""
    segments = Segments()
    for walked in Walk(files):
        segments.take(walked)
    index = segments.index
    if files.index is not None:
        index.gaps, index.files, index.lines = files.index.gaps, files.index.files, files.index.lines
    else:
        index.lines = hashes_of_lines(files.folder, files.sizes)
    for name in files.samples_files():
        leaf, size = name.removeprefix(f"{GAZE}/"), files.sizes[name]
        if leaf not in index.files and (sha256 := hash_of(files.folder, leaf, size)):
            index.files[leaf] = {"sha256": sha256, "bytes": size}
    return index


def _take(lasts: dict[str, _Last], walked: Walked) -> None:
    last = lasts.setdefault(walked.trial_id, _Last(walked.n, walked.t_ns))
    last.n, last.t_ns = max(last.n, walked.n), max(last.t_ns, walked.t_ns)
    if walked.step == "begin":
        last.began = walked
    last.is_end |= walked.step == "end"


def _with_ends(files: RecordFiles, open_trials: dict[str, _Last]) -> Iterator[bytes]:
    """The lines of ``trials.jsonl``, each trial's with its end."""
    trial_id: str | None = None
    missing = dict(open_trials)
    for number, text in files.lines(TRIALS):
        if text is None:
            raise OSError(errno.EFBIG, f"line {number} of {TRIALS} is too long to be one; remove it")
        place = place_of(text)
        if place is not None and place.trial_id != trial_id:
            if trial_id in missing:
                yield _end(trial_id, missing.pop(trial_id))
            trial_id = place.trial_id
        yield text + b"\n"
    for trial_id, last in missing.items():
        yield _end(trial_id, last)


def _end(trial_id: str, last: _Last) -> bytes:
    return end_line(trial_id, last.n + 1, last.t_ns, last.time, NO_END, "repair")


def _mend_index(
    disk: Disk, folder: Path, files: RecordFiles, ended: dict[str, _Last], going_on: str | None
) -> list[str]:
    index = index_of(files)
    for trial_id, last in ended.items():
        index.add_gap(trial_id, last.n, last.t_ns, NO_END)
    if ended:  # lines were put between those that there were
        index.lines = hashes_of_lines(folder, files.sizes)
    said = files.index
    if said is not None and not ended and not differ(said, index, but_of=going_on):
        return []
    disk.make_folders(folder / GAZE)
    disk.put(folder / INDEX, index.encode())
    if said is not None:
        return [f"{INDEX} says again what the files beside it hold"]
    return [f"{INDEX} {'could not be understood' if files.problem else 'was gone'}, and is made anew"]
