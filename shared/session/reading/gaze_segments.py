"""What ``gaze.json`` has to say, from the files that it is about: made as a session's trials are walked through."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.gaze.record.lines import FILES
from shared.session.format.plain import open_plain
from shared.session.format.trial_files import GAZE, GazeIndex, Segment, about_of
from shared.session.reading.walk import SAMPLE, Walked

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

_BLOCK_BYTES = 1 << 20


class Segments:
    """Give it each step and sample of a walk; ``index`` then has the segments."""

    def __init__(self) -> None:
        self.index = GazeIndex()
        self._file, self._past = "0000.bin", 0

    def take(self, walked: Walked) -> None:
        """The next of the walk."""
        if walked.step == SAMPLE:
            self._file, self._past = walked.file.removeprefix(f"{GAZE}/"), walked.line + 1
        if not walked.trial_id:
            return
        segment = self.index.segments[-1] if self.index.segments else None
        if segment is None or segment.trial_id != walked.trial_id:
            past = self._past - (walked.step == SAMPLE)
            segment = Segment(walked.trial_id, self._file, past)
            self.index.segments.append(segment)
        if walked.step == SAMPLE:
            self._take_sample(segment, walked)
        elif walked.step == "begin":
            segment.about = about_of(walked.said.get("config"))
        elif walked.step == "end":
            outcome = walked.said.get("outcome")
            for each in self.index.segments:
                if each.trial_id == walked.trial_id:
                    each.ended = outcome if isinstance(outcome, str) else "interrupted"

    def _take_sample(self, segment: Segment, walked: Walked) -> None:
        if segment.records and (segment.file, segment.first_record + segment.records) != (self._file, walked.line):
            segment = Segment(walked.trial_id, self._file, walked.line, about=segment.about)
            self.index.segments.append(segment)
        elif not segment.records:
            segment.file, segment.first_record = self._file, walked.line
        if segment.first_n is None:
            segment.first_n = walked.n
        segment.records += 1


def differ(said: GazeIndex, found: GazeIndex, *, but_of: str | None = None) -> bool:
    """Whether an index does not say what the files hold; ``but_of``: a trial that goes on, of which it need not say how
    much there is."""

    def places(index: GazeIndex) -> list[tuple[object, ...]]:
        return [
            (each.trial_id, each.file, each.first_record, each.records, each.first_n, each.ended)
            for each in index.segments
            if each.trial_id != but_of and each.records
        ]

    def trials(index: GazeIndex) -> set[tuple[str, str | None]]:
        return {(each.trial_id, each.ended) for each in index.segments if each.trial_id != but_of}

    return places(said) != places(found) or trials(said) != trials(found)


def hash_of(folder: Path, name: str, length: int) -> str | None:
    """SHA-256 of the first ``length`` bytes of a file of samples, or of lines; None where it is not that long, or
    cannot be read."""
    try:
        return digest_of(folder, name if name in FILES else f"{GAZE}/{name}", length).hexdigest()
    except OSError:
        return None


def hashes_of_lines(folder: Path, sizes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """What ``gaze.json`` says of the files of lines, which have these sizes."""
    hashes = {name: hash_of(folder, name, sizes[name]) for name in FILES if sizes.get(name)}
    return {name: {"sha256": sha256, "bytes": sizes[name]} for name, sha256 in hashes.items() if sha256 is not None}


def digest_of(folder: Path, name: str, length: int) -> Digest:
    """The same, to be gone on with. Raises OSError: the file is not that long, or cannot be read."""
    digest = hashlib.sha256()
    if not length:
        return digest
    with os.fdopen(open_plain(folder, name), "rb") as file:
        while length > 0 and (block := file.read(min(length, _BLOCK_BYTES))):
            digest.update(block)
            length -= len(block)
    if length:
        raise OSError(errno.EINVAL, "it is shorter than it was", name)
    return digest
