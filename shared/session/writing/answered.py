"""``<sessions>/.answered/``: frames that the API answered as ``pending`` and has not seen safe yet.

When the generator is killed outright, such frames may never come; this journal lets them be named as lost even when
the API died too. It survives the death of processes, not of the machine: lines are not synced, for an answer must not
wait for the disk. Everything here blocks: the API has a thread for it.

What cannot be read is never written over: it is kept beside under another name, for a human.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from shared.frame import FrameKey
from shared.json_loads import loads
from shared.session.format import layout
from shared.system.disk import Disk

log = logging.getLogger(__name__)

LIMIT = 100_000
"""Frames remembered; beyond it the oldest are forgotten, with a word in the log."""

_COMPACT_LINES = 10_000
_FILE = "pending.jsonl"
_ASIDE = "unreadable-"


class Answered:
    """The journal, owned by one process.

    Attributes:
        frames: what is open, oldest first, by frame id.
        problem: why frames now pending would not be named if they were lost, in one sentence; None while all is well.
        aside: what was found that could not be read, and where it is kept; None where nothing was.
    """

    def __init__(self, disk: Disk, root: Path) -> None:
        """Load what an earlier life left. A torn last line is passed over; anything else that is no line of ours is
        kept aside, with all the rest of its file."""
        self._disk = disk
        self._folder = root / layout.ANSWERED
        self._path = self._folder / _FILE
        self._lines = 0
        self._may_write = True
        self.frames: dict[str, FrameKey] = {}
        self.problem: str | None = None
        self.aside: str | None = None
        self._load()

    def add(self, *frames: FrameKey) -> None:
        """Remember frames that are about to be answered as pending. A disk that refuses costs the lines, no answer."""
        for frame in frames:
            self.frames[frame.frame_id] = frame
        while len(self.frames) > LIMIT:
            forgotten = next(iter(self.frames))
            del self.frames[forgotten]
            log.error("more than %d frames wait to be recorded; %s is no longer watched", LIMIT, forgotten)
        self._write_lines([{"add": frame.model_dump()} for frame in frames])

    def settle(self, frame_ids: Iterable[str]) -> None:
        """Forget frames whose fate is known: recorded, or named as lost."""
        gone = [frame_id for frame_id in frame_ids if self.frames.pop(frame_id, None) is not None]
        if not gone:
            return
        if not self.frames:
            self._drop()
        elif self._lines > _COMPACT_LINES and self._lines > 2 * len(self.frames):
            self._compact()
        else:
            self._write_lines([{"gone": gone}])

    def write_anew(self) -> None:
        """Write everything that is open once more, where something could not be written before."""
        if self.frames:
            self._compact()
        else:
            self._drop()

    def close(self) -> None:
        """Leave nothing behind where nothing is open."""
        if not self.frames:
            self._drop()

    # -- reading ------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        text, reason = b"", None
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            text = b""
        except OSError as error:
            reason = error.strerror or str(error)
        lines = text.split(b"\n")
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            self._lines += 1
            if not self._replay(line) and number < len(lines):  # the last one may have been cut short by a death
                reason = reason or f"line {number} is none of this journal"
        if reason is not None:
            self._keep_aside(reason)
        kept = self._kept_aside()
        if kept and self.aside is None:
            self.aside = f"{', '.join(kept)} in {self._folder} could not be read; look at it, and remove it"

    def _replay(self, line: bytes) -> bool:
        """Take a line in; whether it is one of ours."""
        try:
            record: dict[str, Any] = loads(line)
            known = record.keys() & {"add", "gone"}
            if "add" in record:
                frame = FrameKey.model_validate(record["add"])
                self.frames[frame.frame_id] = frame
            for frame_id in record.get("gone", ()):
                self.frames.pop(frame_id, None)
        except (ValueError, AttributeError, TypeError):
            return False
        return bool(known)

    def _keep_aside(self, reason: str) -> None:
        """Give what cannot be read another name; where that is refused, write nothing over it."""
        aside = self._folder / f"{_ASIDE}{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 1_000_000_000:09d}.jsonl"
        consequence = "frames that were answered as pending before this start may be lost without being named"
        try:
            if self._folder.is_dir():
                self._disk.rename(self._path, aside)
            elif self._folder.exists():
                self._may_write = False
                self.problem = f"{self._folder} is not a folder; move it away and restart the API"
        except OSError as error:
            self._may_write = False
            self.problem = (
                f"{self._path} can neither be read ({reason}) nor moved aside ({error.strerror or error}); "
                "see to it and restart the API"
            )
        if self._may_write:
            self.aside = f"{self._path} could not be read ({reason}) and is kept as {aside.name}; {consequence}"
            log.error("%s", self.aside)
            self._compact()
        else:
            log.error("%s; %s", self.problem, consequence)

    def _kept_aside(self) -> list[str]:
        try:
            return sorted(path.name for path in self._folder.iterdir() if path.name.startswith(_ASIDE))
        except OSError:
            return []

    # -- writing ------------------------------------------------------------------------------------------------------

    def _write_lines(self, records: list[dict[str, Any]]) -> None:
        if not self._may_write:
            return
        data = b"".join(orjson.dumps(record) + b"\n" for record in records)
        with self._noting_refusals():
            if not self._path.exists():
                self._disk.make_folders(self._folder)
                self._disk.close(self._disk.create(self._path))
                self._lines = 0
            fd = self._disk.open(self._path)
            try:
                self._disk.pwrite_all(fd, b"\n" + data, self._path.stat().st_size)  # behind a line that was cut short
            finally:
                self._disk.close(fd)
            self._lines += len(records)

    def _compact(self) -> None:
        if not self._may_write:
            return
        lines = [orjson.dumps({"add": frame.model_dump()}) + b"\n" for frame in self.frames.values()]
        with self._noting_refusals():
            if lines:
                self._disk.make_folders(self._folder)
                self._disk.put(self._path, b"".join(lines))
            self._lines = len(lines)

    def _drop(self) -> None:
        self._lines = 0
        if not self._may_write:
            return
        with self._noting_refusals():
            if self._path.exists():
                self._disk.unlink(self._path)
                if not any(self._folder.iterdir()):  # what is kept aside stays
                    self._disk.rmdir(self._folder)

    @contextmanager
    def _noting_refusals(self) -> Iterator[None]:
        """What the disk refuses is the problem, until it refuses nothing."""
        try:
            yield
        except OSError as error:
            refused = f"{self._path} cannot be written ({error.strerror or error})"
            problem = f"{refused}: frames now pending would not be named if lost"
            if problem != self.problem:
                log.warning("%s", problem)
            self.problem = problem
        else:
            self.problem = None
