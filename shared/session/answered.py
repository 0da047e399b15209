"""``<sessions>/.answered/``: frames that the API answered as ``pending`` and has not seen safe yet.

When the generator is killed outright, such frames may never come; this journal lets them be named as lost even when
the API died too. It survives the death of processes, not of the machine: lines are not synced, for an answer must not
wait for the disk.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from shared.disk import Disk
from shared.requests import AnsweredFrame
from shared.session import layout

log = logging.getLogger(__name__)

LIMIT = 100_000
"""Frames remembered; beyond it the oldest are forgotten, with a word in the log."""

_COMPACT_LINES = 10_000
_FILE = "pending.jsonl"


class Answered:
    """The journal, owned by one process. ``frames`` is what is open, oldest first, by frame id."""

    def __init__(self, disk: Disk, root: Path) -> None:
        """Load what an earlier life left. A torn last line is passed over."""
        self._disk = disk
        self._folder = root / layout.ANSWERED
        self._path = self._folder / _FILE
        self._lines = 0
        self.frames: dict[str, AnsweredFrame] = {}
        try:
            text = self._path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            text = b""
        for line in filter(None, text.splitlines()):
            self._lines += 1
            self._replay(line)

    def add(self, frame: AnsweredFrame) -> None:
        """Remember a frame that is about to be answered as pending. A disk that refuses costs the line, no answer."""
        self.frames[frame.frame_id] = frame
        while len(self.frames) > LIMIT:
            forgotten = next(iter(self.frames))
            del self.frames[forgotten]
            log.error("more than %d frames wait to be recorded; %s is no longer watched", LIMIT, forgotten)
        self._write_line({"add": frame.model_dump()})

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
            self._write_line({"gone": gone})

    def close(self) -> None:
        """Leave nothing behind where nothing is open."""
        if not self.frames:
            self._drop()

    def _replay(self, line: bytes) -> None:
        try:
            record: dict[str, Any] = orjson.loads(line)
            if "add" in record:
                frame = AnsweredFrame.model_validate(record["add"])
                self.frames[frame.frame_id] = frame
            for frame_id in record.get("gone", ()):
                self.frames.pop(frame_id, None)
        except (ValueError, AttributeError, TypeError):
            log.warning("%s has a line that cannot be read: %.80r", self._path, line)

    def _write_line(self, record: dict[str, Any]) -> None:
        line = orjson.dumps(record) + b"\n"
        try:
            if not self._path.exists():
                self._disk.make_folders(self._folder)
                self._disk.close(self._disk.create(self._path))
                self._lines = 0
            fd = self._disk.open(self._path)
            try:
                self._disk.pwrite_all(fd, b"\n" + line, self._path.stat().st_size)  # behind a line that was cut short
            finally:
                self._disk.close(fd)
            self._lines += 1
        except OSError as error:
            log.warning(
                "%s could not be written (%s): frames now pending would not be named if lost", self._path, error
            )

    def _compact(self) -> None:
        lines = [orjson.dumps({"add": frame.model_dump()}) + b"\n" for frame in self.frames.values()]
        try:
            self._disk.put(self._path, b"".join(lines))
            self._lines = len(lines)
        except OSError as error:
            log.warning("%s could not be written anew: %s", self._path, error)

    def _drop(self) -> None:
        self._lines = 0
        try:
            if self._path.exists():
                self._disk.unlink(self._path)
                self._disk.rmdir(self._folder)
        except OSError as error:
            log.warning("%s could not be removed: %s", self._path, error)
