"""Memory that was freed goes back to the system, where the C library would rather keep it.

glibc gives each thread a pool of its own and returns only what lies at a pool's top: after a burst of large messages
a process may hold for ever what it no longer uses.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

LARGE_BYTES = 512 * 1024
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""Of ``malloc.h``."""
_ONE_AT_A_TIME = threading.Lock()


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
    """
    return _mallopt is not None and bool(_mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))


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
