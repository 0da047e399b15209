"""Memory that the C library keeps for later, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def trim() -> bool:
    """Give freed memory back: glibc keeps what came in small pieces, for ever. May take a tenth of a second for each
    gigabyte. False where there is no such call."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:  # musl
        return False
