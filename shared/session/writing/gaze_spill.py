"""``<sessions>/.spill/``: parts of trials that a stopping gaze process still held, for the recorder's next start.

They lie beside the generator's frames, under the same lock. Each part is one file: a line that says what it is, a line
of JSON, the lines, the records, and the SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import ValidationError

from shared import fields
from shared.bus.requests.gaze import TrialPart
from shared.frame import SessionStamp
from shared.json_loads import loads
from shared.refusals import invalid_request
from shared.session.format import layout
from shared.session.format.plain import open_plain, read_plain
from shared.session.writing.gaze_part import HeldPart as HeldPart
from shared.session.writing.root import make_root
from shared.session.writing.spill import claim, wait_to_claim
from shared.system.disk import Disk

log = logging.getLogger(__name__)

MAX_PART_BYTES = 1 << 30
MAX_HEADER_BYTES = 1 << 20
_MAGIC = b"parafovea trial spill 1\n"
_PART = ".trial"
_DIGEST_BYTES = 32


class _Header(TrialPart):
    """What a file's header says: a part, and whose it is."""

    session: SessionStamp
    at: fields.UnixSeconds
    number: fields.Count
    """Its place among those that were spilled together."""


@dataclass(frozen=True, slots=True)
class SpilledPart:
    """One part in the spill, its bytes not read yet."""

    path: Path
    header: _Header

    @property
    def session(self) -> SessionStamp:
        return self.header.session

    def load(self) -> HeldPart:
        """Read it. Raises OSError (the file cannot be read) or ValueError (it is torn; the message names it)."""
        data = read_plain(self.path.parent, self.path.name, MAX_PART_BYTES)
        body, digest = memoryview(data)[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        at = data.find(b"\n", len(_MAGIC)) + 1
        if not at or hashlib.sha256(body).digest() != digest:
            raise ValueError(f"{self.path} is torn")
        said = self.header
        middle = at + said.lines_bytes
        lines, records = bytes(body[at:middle]), bytes(body[middle:])
        return HeldPart(
            *(said.trial_id, said.session, said.from_n, said.next_n, said.ended, said.about), lines, records
        )


def write_gaze_spill(disk: Disk, sessions_dir: Path, trials: Iterable[HeldPart]) -> int:
    """Write parts of trials durably, those of one session in the order in which they belong. One that cannot be written
    is logged and does not keep the others from it. How many are safe.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = sessions_dir / layout.SPILL
    if not sessions_dir.is_dir():
        make_root(disk, sessions_dir)
    disk.make_folders(folder)
    written, now_s = 0, time.time()
    with wait_to_claim(sessions_dir) or nullcontext():
        for number, part in enumerate(trials):
            if _put(disk, folder, part, now_s, number):
                written += 1
            else:
                said = (part.from_n, part.next_n - 1, part.trial_id, part.session.session_id)
                log.error("inputs %d to %d of trial %s of session %s could not be spilled", *said)
        disk.fsync_dir(folder)
    return written


def read_gaze_spill(root: Path) -> list[SpilledPart]:
    """What is spilled: the headers only, in the order in which it is to be taken in. A file that is of no use is logged
    and left where it is.

    Raises:
        AlreadyHeld: somebody is writing there.
        OSError: the folder cannot be read. (None at all is an empty spill.)
    """
    folder = root / layout.SPILL
    if not folder.is_dir():
        return []
    found = []
    with claim(root):
        for path in sorted(folder.iterdir()):
            if path.suffix != _PART or layout.is_temporary(path.name):
                continue
            try:
                found.append(SpilledPart(path, _read_header(path)))
            except (ValueError, OSError) as error:
                log.error("%s; what it holds of a trial is lost unless it was recorded", error)
    return sorted(found, key=lambda part: (part.header.at, part.header.number))


def clear_gaze_spill(disk: Disk, root: Path) -> None:
    """Remove the folder of the spill where nothing is in it. What the disk refuses stays."""
    try:
        if not any((root / layout.SPILL).iterdir()):
            disk.rmdir(root / layout.SPILL)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("the spill is not cleared: %s", error)


def _put(disk: Disk, folder: Path, part: HeldPart, now_s: float, number: int) -> bool:
    header = _Header(
        trial_id=part.trial_id,
        from_n=part.from_n,
        next_n=part.next_n,
        lines_bytes=len(part.lines),
        ended=part.ended,
        about=part.about,
        session=part.session,
        at=now_s,
        number=number,
    )
    start = _MAGIC + orjson.dumps(header.flat()) + b"\n"
    digest = hashlib.sha256(start)
    for each in (part.lines, part.records):
        digest.update(each)
    name = hashlib.sha256(orjson.dumps([part.trial_id, part.from_n])).hexdigest() + _PART
    try:
        staged = disk.stage(folder, name, [start, part.lines, part.records, digest.digest()])
        disk.rename(staged, folder / name)
    except OSError as error:
        log.error("%s could not be written: %s", folder / name, error)
        return False
    return True


def _read_header(path: Path) -> _Header:
    with os.fdopen(open_plain(path.parent, path.name), "rb") as file:
        is_ours = file.readline(len(_MAGIC)) == _MAGIC
        line = file.readline(MAX_HEADER_BYTES)
    try:
        said = loads(line) if is_ours else None
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        raise ValueError(f"{path} is torn")
    try:
        return _Header.model_validate(said)
    except ValidationError as error:
        raise ValueError(f"{path} cannot be used: {invalid_request(error).detail}") from None
