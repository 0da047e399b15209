"""``<sessions>/.spill/``: what a stopping generator still held, for the recorder's next start.

Each frame and each input is one file: a line that says what it is, a line of JSON, the bytes, and the SHA-256 of all
that. Names are hashes of what identifies the content, so spilling a frame twice leaves one file. A file that was cut
short (the machine died while it was written) is told by its hash, reported, and left where it is for a human.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from shared.frame import Frame
from shared.json_loads import loads
from shared.refusals import invalid_request
from shared.session.format import layout
from shared.session.format.plain import open_plain, read_plain
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.root import make_root
from shared.session.writing.spilled import InputFields, StoredFrame, spilled_header
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld, Holder

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_HEADER_BYTES = 1 << 20
"""Of the line that says what a file is."""

_MAGIC = b"parafovea spill 1\n"
_FRAME, _INPUT = ".frame", ".input"
_DIGEST_BYTES = 32
_LOCK = ".spill.lock"
_LOCK_S = 1.0


def claim(root: Path) -> Holder:
    """Claim the spill, so that nobody takes it in while it is being written. The folder must stand. Raises AlreadyHeld
    where somebody is at it."""
    folder = root / layout.SPILL
    return Holder(folder / _LOCK, f"the spill {folder}")


def wait_to_claim(root: Path) -> Holder | None:
    """:func:`claim`, waited for; None where it is not to be had in time: what is on disk without it is better than
    nothing."""
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            return claim(root)
        except AlreadyHeld:
            if time.monotonic() > deadline:
                log.warning("the spill is being taken in while it is written")
                return None
            time.sleep(0.01)
        except OSError as error:
            log.warning("the spill cannot be locked: %s", error)
            return None


@dataclass(frozen=True, slots=True)
class SpilledFrame:
    """One frame in the spill, its bytes not read yet."""

    path: Path
    frame: Frame

    def load(self) -> FrameToWrite:
        """Read its picture, and its input where the spill has it.

        Raises:
            OSError: a file cannot be read.
            ValueError: the frame's file is torn; the message names it.
        """
        png = _read_bytes(self.path)
        sha256 = self.frame.input_sha256
        source: bytes | None = None
        try:
            source = _read_bytes(self.path.with_name(f"{sha256}{_INPUT}"))
        except FileNotFoundError:
            log.debug("the spill has no input %s: the session has it, or nobody", sha256)
        except ValueError as error:
            log.error("%s: frame %s is recorded without its input", error, self.frame.frame_id)
        return FrameToWrite(self.frame, png, source, input_lost=source is None)


def write_spill(
    disk: Disk,
    root: Path,
    frames: Iterable[tuple[Frame, bytes]],
    inputs: Mapping[str, tuple[str, bytes]],
) -> int:
    """Write frames of sessions, each with its PNG, and inputs (format and bytes by hash) durably.

    Inputs go first, so no frame is there without its input. A frame that cannot be written is logged and does not keep
    the others from it. How many frames are safe.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = root / layout.SPILL
    if not root.is_dir():
        make_root(disk, root)
    disk.make_folders(folder)
    written = 0
    with wait_to_claim(root) or nullcontext():
        for sha256, (image_format, data) in inputs.items():
            _put(disk, folder / f"{sha256}{_INPUT}", {"sha256": sha256, "format": image_format}, data)
        for frame, png in frames:
            name = hashlib.sha256(orjson.dumps([frame.session_id, frame.epoch, frame.record_seq])).hexdigest()
            if _put(disk, folder / f"{name}{_FRAME}", spilled_header(frame), png):
                written += 1
            else:
                log.error("frame %s of session %s could not be spilled", frame.frame_id, frame.session_id)
        disk.fsync_dir(folder)
    return written


def read_spill(root: Path) -> list[SpilledFrame]:
    """What is spilled: the headers only, by session, then epoch (older first), then ``record_seq``. A file that is of
    no use to anyone is logged.

    Raises:
        OSError: the folder cannot be read. (None at all is an empty spill.)
    """
    found: list[SpilledFrame] = []
    try:
        paths = sorted((root / layout.SPILL).iterdir())
    except FileNotFoundError:
        return found
    for path in paths:
        if path.suffix != _FRAME or layout.is_temporary(path.name):
            continue
        try:
            found.append(SpilledFrame(path, _read_frame(path)))
        except (ValueError, OSError) as error:
            log.error("%s; its frame is lost unless it was recorded", error)
    began: dict[str, float] = {}
    for frame in (spilled.frame for spilled in found):
        began[frame.epoch] = min(began.get(frame.epoch, frame.timestamp), frame.timestamp)

    def place(spilled: SpilledFrame) -> tuple[object, ...]:
        frame = spilled.frame
        return frame.session_id, began[frame.epoch], frame.epoch, frame.record_seq

    return sorted(found, key=place)


def clear(disk: Disk, root: Path) -> None:
    """Once no frame is left: remove inputs and leftovers, and the folder where nothing else is in it. Raises
    AlreadyHeld where somebody is writing there."""
    folder = root / layout.SPILL
    if not folder.is_dir():
        return
    with claim(root):
        paths = list(folder.iterdir())
        if not any(path.suffix == _FRAME for path in paths):
            for path in paths:
                if path.suffix == _INPUT or layout.is_temporary(path.name):
                    disk.unlink(path)
    if not any(folder.iterdir()):
        disk.rmdir(folder)


def _put(disk: Disk, path: Path, header: Mapping[str, Any], data: bytes) -> bool:
    start = _MAGIC + orjson.dumps(header) + b"\n"
    digest = hashlib.sha256(start)
    digest.update(data)
    try:
        disk.rename(disk.stage(path.parent, path.name, [start, data, digest.digest()]), path)
    except OSError as error:
        log.error("%s could not be written: %s", path, error)
        return False
    return True


def _read_frame(path: Path) -> Frame:
    with os.fdopen(open_plain(path.parent, path.name), "rb") as file:
        if file.readline(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{path} is torn")
        return _header_of(path, file.readline(MAX_HEADER_BYTES), StoredFrame.read)


def _read_bytes(path: Path) -> bytes:
    data = read_plain(path.parent, path.name, MAX_HEADER_BYTES + layout.MAX_PICTURE_BYTES)
    body, digest = memoryview(data)[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    at = data.find(b"\n", len(_MAGIC)) + 1
    if not data.startswith(_MAGIC) or not at or hashlib.sha256(body).digest() != digest:
        raise ValueError(f"{path} is torn")
    _header_of(path, data[len(_MAGIC) : at], StoredFrame.read if path.suffix == _FRAME else InputFields.model_validate)
    return bytes(body[at:])


def _header_of(path: Path, line: bytes, read: Callable[[dict[str, Any]], T]) -> T:
    try:
        header = loads(line)
    except orjson.JSONDecodeError:
        raise ValueError(f"{path} is torn") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path} is torn")
    try:
        return read(header)
    except ValidationError as error:
        raise ValueError(f"{path} cannot be used: {invalid_request(error).detail}") from None
