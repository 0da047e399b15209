"""What recording a frame costs at index 0, 1,000, 10,000 and 100,000, and how fast durable frames go.

Work is counted, not timed: bytes written, system calls that change the disk, and Python and C functions called.
"""

from __future__ import annotations

import functools
import hashlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from benchmarks.counting_disk import CountingDisk
from benchmarks.figures import Figure, abba, seconds
from shared.session.format.entries import Entry
from shared.session.format.layout import METADATA, frame_name
from shared.session.format.metadata import Tail, file_parts, new_head
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame

INDEXES = (0, 1_000, 10_000, 100_000)
SAMPLES = 20
FRAME_BYTES = 1_400_000
FRAMES = 20
ROUNDS = 2
WAITING = 4
"""Frames that wait together share a folder fsync and a write of entries: so it is when the disk is the limit."""


def measure() -> list[Figure]:
    """Flatness of the cost, and durable frames a second against a bare loop."""
    return [*_flatness(), *_durable_rates()]


def long_session(root: Path, session_id: str, frames: int) -> Path:
    """A session of any length with real small files, written at once instead of frame by frame."""
    import orjson

    folder = root / session_id
    folder.mkdir(parents=True)

    def entries() -> Iterator[bytes]:
        for index in range(frames):
            frame = pending_frame(index, session_id=session_id)
            name = frame_name(index, "BR")
            (folder / name).write_bytes(frame.png)
            yield orjson.dumps(Entry.of(frame.frame.flat(), index, frame.frame.sha256, None, name).fields)

    with (folder / METADATA).open("wb") as file:
        for part in file_parts(new_head(session_id, CREATED_AT), entries(), Tail()):
            file.write(part)
    return folder


def _flatness() -> list[Figure]:
    costs: dict[int, tuple[float, float, float]] = {}
    for index in INDEXES:
        with tempfile.TemporaryDirectory(prefix="pfb-") as root:
            disk = CountingDisk()
            if index:
                long_session(Path(root), "s", index)
                writer = SessionWriter.open(disk, Path(root), "s")
            else:
                writer = SessionWriter.create(disk, Path(root), "s", CREATED_AT)
            costs[index] = _cost(writer, disk, index)
            writer.close()
    first = costs[INDEXES[0]]
    figures = []
    for position, what in enumerate(("bytes written", "changes to the disk", "functions called")):
        worst = max(cost[position] for cost in costs.values()) / first[position]
        detail = ", ".join(f"{index}: {cost[position]:g}" for index, cost in costs.items())
        figures.append(Figure(f"recording a frame, {what}: worst index against index 0", worst, "", 1.1, None, detail))
    return figures


def _cost(writer: SessionWriter, disk: CountingDisk, index: int) -> tuple[float, float, float]:
    samples: list[tuple[int, int, int]] = []
    for number in range(index, index + SAMPLES):
        frame = pending_frame(number, session_id="s")
        disk.reset()
        with _counting_calls() as calls:
            writer.append([frame])
        samples.append((disk.written_bytes, disk.steps, calls[0]))
    # The first one after opening also opens the file: the median is what a frame costs.
    written, steps, called = (statistics.median(values) for values in zip(*samples, strict=True))
    return written, steps, called


@contextmanager
def _counting_calls() -> Iterator[list[int]]:
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def _durable_rates() -> list[Figure]:
    frames = [pending_frame(number, padding_bytes=FRAME_BYTES, session_id="s") for number in range(FRAMES)]

    def ours(together: int) -> float:
        with tempfile.TemporaryDirectory(prefix="pfb-") as root:
            writer = SessionWriter.create(Disk(), Path(root), "s", CREATED_AT)
            batches = [frames[first : first + together] for first in range(0, FRAMES, together)]
            taken = seconds(lambda: [writer.append(batch) for batch in batches])
            writer.close()
        return FRAMES / taken

    def bare() -> float:
        with tempfile.TemporaryDirectory(prefix="pfb-") as root:
            folder = Path(root)
            return FRAMES / seconds(lambda: [_bare(folder, bytes(frame.png), n) for n, frame in enumerate(frames)])

    figures = []
    for together, at_least, what in ((WAITING, 0.7, "waiting together"), (1, None, "one at a time")):
        our_rate, bare_rate = abba(functools.partial(ours, together), bare, ROUNDS)
        detail = f"{our_rate:.0f} against {bare_rate:.0f}"
        name = (
            f"durable frames a second of 1.4 MB, {what}, against bare write, fsync, rename, folder fsync of one by one"
        )
        figures.append(Figure(name, our_rate / bare_rate, at_least=at_least, detail=detail))
    return figures


def _bare(folder: Path, data: bytes, number: int) -> None:
    temporary = folder / "temporary"
    with temporary.open("wb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())
    temporary.rename(folder / f"{number}-{hashlib.sha256(str(number).encode()).hexdigest()[:4]}.png")
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
