"""Memory goes back to the system: at once where it is a large block, all else once a process has come to rest.

Rings of objects that an interrupted connection leaves wait for the collector, which comes only after many more objects
were made. glibc gives each thread a pool of its own and returns only what lies at a pool's top: after a burst of large
messages a process may hold for ever what it no longer uses. After a storm both can be a multiple of what it needs.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

MIB = 1024 * 1024

LOOK_S = 0.5
GROWN_BYTES = 8 * MIB
"""Growth that is worth a look at what can be given back, once it is over; and what counts as a change meanwhile."""
CALM_LOOKS = 10
"""It is tried after so many looks without much change; then, until it grows again, after twice as many, and so on."""
RESTLESS_LOOKS = 40
"""Where the work itself makes memory rise and fall all the time, it is tried after so many."""

LARGE_BYTES = 512 * 1024
SPARE_BYTES = 4 * MIB
"""What lies free at the top of the pool up to this stays, and is not asked for anew for each piece of a message."""
TAKEN_BYTES = MIB
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""Of ``malloc.h``."""
_ONE_AT_A_TIME = threading.Lock()


def resident_bytes() -> int | None:
    """Memory of this process's own that is in RAM, without what it has mapped of files; None where the system does not
    say (all but Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    _, resident, shared, *_ = Path("/proc/self/statm").read_bytes().split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int | None:
    """RAM that could be had now without swapping; None where the system does not say (all but Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return int(amount.split()[0]) * 1024
    return None


class Calm:
    """Notices that a process has grown and come to rest, and gives back then what it can.

    ``change_bytes`` count as a change from one look to the next; ``looks``: how often in a row there was none.
    """

    def __init__(self, change_bytes: int = GROWN_BYTES) -> None:
        self._change_bytes = change_bytes
        self._lowest: int | None = None
        self._left: int | None = None
        self._last = 0
        self._pause = CALM_LOOKS
        self._since_tried = 0
        self.looks = 0
        self._trimmer = ThreadPoolExecutor(1, "trim")  # the process's other threads may be stuck on a disk

    async def run(self) -> None:
        """Look until cancelled, in a process that has nothing else to watch. What it holds by now it keeps."""
        settle()
        try:
            while (used := resident_bytes()) is not None:
                await self.look(used)
                await asyncio.sleep(LOOK_S)
        finally:
            self.close()

    async def look(self, used: int) -> None:
        """Take note of the memory in use, in bytes; it may be given back then."""
        self._lowest = used if self._lowest is None else min(self._lowest, used)
        self._left = used if self._left is None else min(self._left, used)
        self._since_tried += 1
        self.looks = 0 if abs(used - self._last) > self._change_bytes else self.looks + 1
        self._last = used
        if not self.looks or used > self._left + GROWN_BYTES:
            self._pause = CALM_LOOKS
        is_calm = self.looks >= CALM_LOOKS and self._since_tried >= self._pause
        is_restless = self.looks < CALM_LOOKS and self._since_tried >= RESTLESS_LOOKS
        if (is_calm or is_restless) and used > self._lowest + GROWN_BYTES:
            self._since_tried, self._left, self._pause = 0, None, 2 * self._pause
            gc.collect()
            await self.trim()

    def forget(self) -> None:
        """What has been in use so far says nothing of what is needed."""
        self._lowest = None

    async def trim(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._trimmer, trim)

    def close(self) -> None:
        self._trimmer.shutdown(wait=False)


def settle() -> None:
    """What has been loaded stays: to look through it again and again would take tenths of a second where that is a
    large model."""
    gc.collect()
    gc.freeze()


def thaw() -> None:
    """Some of what was to stay for good is to go: it is looked through again, until the next :func:`settle`."""
    gc.unfreeze()


def _find(name: str, *types: Any) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # musl has none, and keeps little
        return None
    found.argtypes, found.restype = types, ctypes.c_int
    told: Callable[..., int] = found
    return told


_malloc_trim = _find("malloc_trim", ctypes.c_size_t)
_mallopt = _find("mallopt", ctypes.c_int, ctypes.c_int)


def keep_no_large_blocks() -> bool:
    """Have each block of :data:`LARGE_BYTES` go back to the system as soon as it is freed, in all of this process.

    glibc begins so too, but holds on to ever larger blocks (up to 32 MiB) once one was freed. False without glibc.

    Smaller ones come from a pool that grows by :data:`TAKEN_BYTES` and keeps :data:`SPARE_BYTES`. By default these are
    128 KiB, and the pages of each block that is made and freed in turn would be given back and taken again.
    """
    wanted = ((_M_TRIM_THRESHOLD, SPARE_BYTES), (_M_TOP_PAD, TAKEN_BYTES), (_M_MMAP_THRESHOLD, LARGE_BYTES))
    return _mallopt is not None and all(_mallopt(option, value) for option, value in wanted)


def keep_one_pool() -> bool:
    """Have all threads share one pool, in all of this process. Call it before the first thread starts.

    Of the pools of other threads :func:`trim` cannot give back the top, and blocks that live long are strewn over all
    of them. Threads rarely wait for one another: Python's own small objects are not from there. False without glibc.
    """
    return _mallopt is not None and bool(_mallopt(_M_ARENA_MAX, 1))


def trim() -> bool:
    """Give back what is free. It may take some ms a GB, without the interpreter's lock: call it from a thread. Whether
    anything was given back: nothing without glibc, or where another thread is just doing it."""
    if _malloc_trim is None or not _ONE_AT_A_TIME.acquire(blocking=False):
        return False
    try:
        return bool(_malloc_trim(0))
    finally:
        _ONE_AT_A_TIME.release()
