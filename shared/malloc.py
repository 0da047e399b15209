"""Memory that was freed goes back to the system, where the C library would rather keep it.

glibc gives each thread a pool of its own and returns only what lies at a pool's top: after a burst of large messages
a process may hold for ever what it no longer uses.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable

_ONE_AT_A_TIME = threading.Lock()


def _find_malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # musl has none, and keeps little
        return None
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    told: Callable[[int], int] = found
    return told


_malloc_trim = _find_malloc_trim()


def trim() -> bool:
    """Give back what is free. It may take some ms a GB, without the interpreter's lock: call it from a thread.

    Returns:
        Whether anything was given back; False where there is no glibc, or where another thread is just doing it.
    """
    if _malloc_trim is None or not _ONE_AT_A_TIME.acquire(blocking=False):
        return False
    try:
        return bool(_malloc_trim(0))
    finally:
        _ONE_AT_A_TIME.release()
