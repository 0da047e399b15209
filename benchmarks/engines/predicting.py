"""What every server under measurement does in a model's place: sleep, say for how long, and draw something."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def sleep(sleep_s: float, into: Path) -> None:
    """Sleep, then append to a file how long it was, in seconds: sleeping takes longer than asked, under load much."""
    started = time.perf_counter()
    time.sleep(sleep_s)
    taken = time.perf_counter() - started
    with into.open("ab", buffering=0) as file:
        file.write(struct.pack("<d", taken))


def slept(into: Path) -> list[float]:
    """All that were appended; empty where there is no file yet."""
    data = into.read_bytes() if into.exists() else b""
    return [value for (value,) in struct.iter_unpack("<d", data)]


def drawn(sector: NDArray[np.uint8], marks: bytes) -> NDArray[np.uint8]:
    """The sector upside down, with a band in the colours of ``marks``, three bytes each.

    Another picture each time that is as hard to compress as before, so that a chain of them stays a photograph.
    """
    height, width = sector.shape[:2]
    colours = np.frombuffer(marks, np.uint8).reshape(-1, 3)
    painted = sector[::-1].copy()
    painted[height // 8 : height // 4] = colours[np.arange(width) * len(colours) // width]
    return painted


def marks_of(seed: int) -> bytes:
    """One colour, of a seed."""
    return bytes((seed % 256, 90, 160))
