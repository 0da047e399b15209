"""``<sessions>/.journal/``: the frames of sessions that a generator made and was not told to be on disk.

When it is killed outright, what only it held is gone; by its journal the recorder names those frames as lost. One file
for each epoch, locked by its generator: where the lock is free, that generator has ended. Lines outlive the death of
processes, not of the machine: they are not synced, for an answer must not wait for the medium. Everything blocks.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from shared.frame import FrameKey
from shared.json_loads import loads
from shared.session.format import layout
from shared.session.format.plain import read_plain
from shared.session.writing.root import make_root
from shared.system.disk import TEMP_PREFIX, Disk
from shared.system.holder import AlreadyHeld, Holder

log = logging.getLogger(__name__)

LIMIT = 100_000
"""Frames remembered; beyond it the oldest are forgotten, with a word in the log."""
MAX_BYTES = 256 << 20
"""The longest journal that is read."""

_COMPACT_LINES = 10_000
_SUFFIX = ".jsonl"
_ENDED_API = "pending.jsonl"
"""In ``.answered``: what versions before 0.2 kept, where the API had the journal."""


@dataclass(frozen=True, slots=True)
class JournaledFrame:
    """A frame that was made. ``answered``: somebody was given it, or was just about to be."""

    key: FrameKey
    answered: bool = True


class Journal:
    """The journal of one epoch, as its generator writes it, from one thread. Nothing is on disk before the first
    frame, and after :meth:`close` nothing where no frame is open."""

    def __init__(self, disk: Disk, root: Path, epoch: str) -> None:
        self._disk = disk
        self._root = root
        self._folder = root / layout.JOURNAL
        self._path = self._folder / f"{epoch}{_SUFFIX}"
        self._open: dict[str, bytes] = {}
        self._lines = 0
        self._is_whole = False
        self._holder: Holder | None = None
        self._has_locks = True

    def write(self, made: Iterable[JournaledFrame] = (), gone: Iterable[str] = ()) -> None:
        """Note frames that were made, and ids of frames that are on disk.

        Raises:
            OSError: what is open may not all be noted; the next call writes it all anew.
        """
        lines: list[bytes] = []
        for frame in made:
            line = orjson.dumps({"add": frame.key.model_dump(), "answered": frame.answered}) + b"\n"
            self._open[frame.key.frame_id] = line
            lines.append(line)
        left = [frame_id for frame_id in gone if self._open.pop(frame_id, None) is not None]
        if left:
            lines.append(orjson.dumps({"gone": left}) + b"\n")
        while len(self._open) > LIMIT:
            forgotten = next(iter(self._open))
            del self._open[forgotten]
            log.error("more than %d frames wait to be recorded; %s would not be named if lost", LIMIT, forgotten)
        if not lines and self._is_whole:
            return
        was_whole, self._is_whole = self._is_whole, False
        self._claim()
        if not (was_whole and self._path.exists()) or (
            self._lines > _COMPACT_LINES and self._lines > 2 * len(self._open)
        ):
            self._write_anew()
        else:
            fd = self._disk.open(self._path)
            try:
                self._disk.pwrite_all(fd, b"".join(lines), os.fstat(fd).st_size)
            finally:
                self._disk.close(fd)
            self._lines += len(lines)
        self._is_whole = True

    def close(self) -> None:
        """Give it up; leave nothing where no frame is open. Raises OSError."""
        if self._lines and not self._open:
            with suppress(FileNotFoundError):
                self._disk.unlink(self._path)
        if self._holder is not None:
            self._holder.release()
            _remove_empty(self._disk, self._folder)

    def _claim(self) -> None:
        """Lock it; again if the folder has vanished, and the lock with it."""
        lock = _lock_of(self._path)
        if not self._has_locks or (self._holder is not None and lock.exists()):
            return
        if self._holder is not None:
            self._holder.release()
            self._holder = None
        if not self._root.is_dir():
            make_root(self._disk, self._root)
        self._disk.make_folders(self._folder)
        try:
            self._holder = Holder(lock, f"the journal {self._path}")
        except AlreadyHeld as error:  # somebody looks whether we live
            raise OSError(errno.EAGAIN, str(error), str(lock)) from None
        except OSError as error:
            if error.errno != errno.ENOLCK:
                raise
            self._has_locks = False
            log.warning("%s is not locked: this file system has no locks", self._path)

    def _write_anew(self) -> None:
        self._disk.make_folders(self._folder)
        self._disk.put_parts(self._path, [b"".join(self._open.values())], durable=False)
        self._lines = max(1, len(self._open))


@dataclass(frozen=True, slots=True)
class LeftJournal:
    """The journal of a generator that has ended: frames that may be nowhere else, oldest first. ``damaged``: not all of
    it can be read."""

    path: Path
    frames: Sequence[JournaledFrame]
    damaged: bool = False


def read_left(root: Path, living: str | None) -> tuple[list[LeftJournal], set[str]]:
    """The journals of generators that have ended, without the ``living`` one; and the epochs of others that live, or
    may. Whoever reads the spill after this finds in it all that those that have ended left. Raises OSError."""
    found: list[LeftJournal] = []
    unsure: set[str] = set()
    for path in sorted((root / layout.JOURNAL).glob(f"*{_SUFFIX}")):
        if path.stem == living or layout.is_temporary(path.name):
            continue
        try:
            with Holder(_lock_of(path), f"the journal {path}"):
                pass
        except AlreadyHeld:
            unsure.add(path.stem)
            continue
        except OSError as error:
            if living is None:  # without locks, one that is not the living one has ended
                unsure.add(path.stem)
                continue
            log.debug("%s cannot be locked: %s", path, error)
        found.append(_read(path))
    of_api = root / layout.ANSWERED / _ENDED_API
    if os.path.lexists(of_api):
        found.append(_read(of_api))
    return found, unsure


def remove_left(disk: Disk, root: Path, left: LeftJournal) -> None:
    """What a journal says is known elsewhere now. One that is damaged is kept for a human. Raises OSError."""
    disk.discard(left.path.with_name(f"{TEMP_PREFIX}{left.path.name}"))  # of a death while it was written anew
    if left.damaged:
        aside = root / layout.ASIDE
        disk.make_folders(aside)
        disk.rename(left.path, aside / f"journal-{left.path.name}")
    else:
        disk.unlink(left.path)
    _remove_empty(disk, left.path.parent)


def _read(path: Path) -> LeftJournal:
    frames: dict[str, JournaledFrame] = {}
    problem: str | None = None
    try:
        lines = read_plain(path.parent, path.name, MAX_BYTES).split(b"\n")
    except OSError as error:
        lines, problem = [], error.strerror or str(error)
    for number, line in enumerate(lines, 1):
        is_torn = number == len(lines)  # what stands behind the last line end was cut short by a death
        if line and not _replay(line, frames) and not is_torn:
            problem = problem or f"line {number} is none of a journal"
    if problem is not None:
        log.error("%s cannot be read (%s); frames may be lost without being named", path, problem)
    return LeftJournal(path, tuple(frames.values()), problem is not None)


def _replay(line: bytes, frames: dict[str, JournaledFrame]) -> bool:
    """Take a line in; whether it is one of ours."""
    try:
        said: dict[str, Any] = loads(line)
        if "add" in said:
            key = FrameKey.model_validate(said["add"])
            frames[key.frame_id] = JournaledFrame(key, said.get("answered", True) is not False)
            return True
        for frame_id in said["gone"]:
            frames.pop(frame_id, None)
    except (ValueError, TypeError, KeyError):  # of pydantic's too
        return False
    return True


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _remove_empty(disk: Disk, folder: Path) -> None:
    try:
        if not any(folder.iterdir()):
            disk.rmdir(folder)
    except FileNotFoundError:
        return
