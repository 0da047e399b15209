"""A session's trials in an archive: which files go out, and what is refused of those that come in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from shared.errors import InvalidArchive
from shared.gaze.record.lines import EYE, FILES, UnreadableLine, parse
from shared.gaze.trial.inputs import INPUTS
from shared.gaze.trial.steps import STEPS
from shared.session.format.trial_files import GAZE, INDEX, MAX_LINE_BYTES, MAX_N, Key, in_order
from shared.session.reading.gaze_segments import hash_of
from shared.session.reading.record import RecordFiles, place_of

MAX_TRIALS = 100_000
MAX_T_NS = 2**63 - 1
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_KNOWN = frozenset({EYE, *INPUTS, *STEPS})


def to_export(folder: Path, *, is_open: bool) -> dict[str, int]:
    """The files of lines and samples, in their order, each with as many bytes as belong to this moment. ``is_open``:
    the session is being recorded."""
    files = RecordFiles(folder, growing=is_open)
    names = [name for name, size in files.sizes.items() if size]
    return {name: files.sizes[name] for name in in_order(names)}


def prove_trials(folder: Path, names: Mapping[str, object]) -> None:
    """Read the trials of a session that was unpacked, whose files have these names. What was lost of them before is no
    reason to refuse it. Raises InvalidArchive: a file is none of trials, or is not as it was recorded."""
    files = RecordFiles(folder)
    if files.torn:
        raise InvalidArchive(
            f"{files.torn[0]} ends in the midst of a line or record; repair the session, and export it"
        )
    for name in FILES:
        if name in names:
            _prove_lines(files, name)
    _prove_samples(files)
    if files.problem is not None:
        raise InvalidArchive(f"{INDEX} cannot be used ({files.problem}); repair the session, and export it again")
    for name, said in files.index.files.items() if files.index is not None else ():
        if f"{GAZE}/{name}" not in names or not _HEX.match(said["sha256"]):
            raise InvalidArchive(f"{GAZE}/{name} is missing from the archive")
        if hash_of(folder, name, said["bytes"]) != said["sha256"]:
            raise InvalidArchive(f"the bytes of {GAZE}/{name} do not have the hash in {INDEX}")
    for name, said in files.index.lines.items() if files.index is not None else ():
        if hash_of(folder, name, said["bytes"]) != said["sha256"]:
            raise InvalidArchive(f"the lines of {name} do not have the hash in {INDEX}")


def _prove_lines(files: RecordFiles, name: str) -> None:
    trial_id, last = "", (-1, -1)
    seen: set[str] = set()
    for number, text in files.lines(name):
        if text is None:
            raise InvalidArchive(f"line {number} of {name} has more than {MAX_LINE_BYTES} bytes")
        place = place_of(text)
        if place is None or not 0 <= place.t_ns <= MAX_T_NS:
            raise InvalidArchive(f"line {number} of {name} is no step of a trial")
        if place.step in _KNOWN:
            try:
                parse(text)
            except UnreadableLine as error:
                problem = " ".join(str(error).split())[:300]
                raise InvalidArchive(f"line {number} of {name}: {problem}") from None
        if place.trial_id != trial_id:
            if place.trial_id in seen or len(seen) >= MAX_TRIALS:
                raise InvalidArchive(f"line {number} of {name}: the trials in it are too many, or not in order")
            seen.add(place.trial_id)
            trial_id, last = place.trial_id, (-1, -1)
        last = _rising(f"line {number} of {name}", last, place.key)


def _prove_samples(files: RecordFiles) -> None:
    for sample in files.samples():
        if not 0 <= sample.n <= MAX_N or not 0 <= sample.t_ns <= MAX_T_NS:
            raise InvalidArchive(f"record {sample.record} of {sample.file} is no sample")


def _rising(what: str, last: Key, key: Key) -> Key:
    if key <= last:
        raise InvalidArchive(f"{what} stands behind a later step")
    return key
