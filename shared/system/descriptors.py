"""File descriptors: as many as this user may have, and how many that is."""

from __future__ import annotations

import sys

MOST = 65_536
"""More is never needed, and some systems allow a billion."""


def raise_limit() -> int:
    """Set this process's own limit of open files as high as the system lets us; the limit that then holds."""
    if sys.platform == "win32":
        return MOST
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        for limit in (wanted, 10_240):  # macOS takes no more than OPEN_MAX, whatever the hard limit says
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(limit, wanted)), hard))
                break
            except (ValueError, OSError):
                continue
    return limit_now()


def limit_now() -> int:
    """The limit of open files that holds for this process."""
    if sys.platform == "win32":
        return MOST
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft
