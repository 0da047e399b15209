"""Recording into one session: images durable first, then their entries. Blocking; one thread at a time.

What a frame costs does not depend on how many there were, neither in work nor in memory.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import cache, partial

from shared.frame import Frame
from shared.session.format import layout
from shared.session.format.entries import Entry
from shared.session.format.plain import find_input
from shared.session.writing.frames import CorruptFrame, FrameToWrite, MissingInput, RecordedFrame
from shared.session.writing.open_session import OpenSession
from shared.system.worker import Worker


class SessionWriter(OpenSession):
    """Frames into one open session."""

    def inputs_wanted(self, frames: Iterable[Frame]) -> list[str]:
        """Hashes of the inputs that must come with these frames, in their order: those the session does not hold."""
        coming: set[str] = set()
        wanted: list[str] = []
        for frame in frames:
            if self.has(frame.frame_id):
                continue
            sha256 = frame.input_sha256
            if sha256 and sha256 not in coming and self._input_file(sha256) is None:
                wanted.append(sha256)
                coming.add(sha256)
            coming.add(frame.sha256)
        return wanted

    def append(self, frames: Sequence[FrameToWrite]) -> list[RecordedFrame]:
        """Record frames in the order given. When it returns, each may be acknowledged; after an error, call it again.
        Raises CorruptFrame or MissingInput about the first frame that is so (nothing was written that stays), and
        OSError where the disk refuses (frames that are whole on it are finished by the next call)."""
        self._ensure_ours()
        self._finish()
        new = self._new(frames)
        if new:
            self._place(new)
            self._finish()
        fresh = {frame.frame_id for frame in new}
        return [self._answer(frame, duplicate=frame.frame_id not in fresh) for frame in frames]

    def _new(self, frames: Sequence[FrameToWrite]) -> list[FrameToWrite]:
        """The frames that are not recorded yet, each once; their inputs are proved to be what they say."""
        new: dict[str, FrameToWrite] = {}
        hashes: set[str] = set()
        for frame in frames:
            if self.has(frame.frame_id) or frame.frame_id in new:
                continue
            sha256 = frame.frame.input_sha256
            if sha256 and sha256 not in hashes and self._input_file(sha256) is None:
                if frame.input is not None:
                    _prove(frame, frame.input, sha256, "the input")
                    hashes.add(sha256)
                elif not frame.input_lost:
                    raise MissingInput(sha256)
            hashes.add(frame.frame.sha256)
            new[frame.frame_id] = frame
        return list(new.values())

    def _place(self, frames: Sequence[FrameToWrite]) -> None:
        """Bring images and inputs to the disk. Images get their names last, in order, and share one folder fsync.
        Nothing gets its name before all images are proved to be what they say: that is found out while the disk
        works."""
        staged: list[tuple[str, Entry]] = []
        inputs: dict[str, bytes | memoryview] = {}
        proofs = [
            _hashing().submit(partial(_prove, frame, frame.png, frame.frame.sha256, "the picture")) for frame in frames
        ]
        try:
            index = self.next_index
            coming: dict[str, str] = {}
            for frame in frames:
                sha256 = frame.frame.input_sha256
                source = self._input_file(sha256) or coming.get(sha256) if sha256 else None
                if sha256 and source is None and frame.input is not None:
                    source = coming[sha256] = layout.input_name(sha256, layout.image_extension(frame.input))
                    inputs[source] = frame.input
                while self._is_there(layout.frame_name(index, frame.frame.target_sector)):
                    index += 1  # put there by someone else
                entry = Entry.of(frame.frame.flat(), index, frame.frame.sha256, source)
                coming[frame.frame.sha256] = entry.filename
                staged.append((self._disk.stage(self.folder, entry.filename, [frame.png]), entry))
                index += 1
            for proof in proofs:
                proof.result()
            for name, data in inputs.items():
                self._put_input(name, data)
            while staged:
                temporary, entry = staged[0]
                self._disk.rename(temporary, os.path.join(self.folder, entry.filename))
                del staged[0]
                self._placed.append(entry)
                self.next_index = entry.index + 1
        except (OSError, CorruptFrame):
            for temporary, _ in staged:
                self._disk.discard(temporary)
            raise

    def _put_input(self, name: str, data: bytes | memoryview) -> None:
        inputs = self.folder / layout.INPUTS
        if inputs.is_symlink():
            raise OSError(errno.ELOOP, "it is a link; put the folder itself in its place", os.fspath(inputs))
        self._disk.make_folders(inputs)
        self._disk.put(self.folder / name, data)

    def _is_there(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.folder, name))

    def _input_file(self, sha256: str) -> str | None:
        """Where the session holds the bytes of a hash: as a recent frame, or under ``inputs/``."""
        name = self.recent.file_of(sha256)
        if name is not None and self._is_there(name):
            return name
        path = find_input(self.folder, sha256)
        return f"{layout.INPUTS}/{path.name}" if path else None

    def _answer(self, pending: FrameToWrite, *, duplicate: bool) -> RecordedFrame:
        frame, known = pending.frame, self.recent.find(pending.frame_id)
        assert frame.record_seq is not None  # it is of a session
        index, filename = (known.index, known.filename) if known else (None, None)
        size = len(pending.png)
        return RecordedFrame(
            frame.frame_id, frame.epoch, frame.record_seq, frame.sha256, size, index, filename, duplicate
        )


@cache
def _hashing() -> Worker:
    return Worker("hashing")


def _prove(pending: FrameToWrite, data: bytes | memoryview, sha256: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CorruptFrame(pending, what, found, sha256)
