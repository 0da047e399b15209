"""File descriptors: as many as this user may have, and those that are connections to this process's bound sockets.

libzmq tells nothing of a peer that it has not heard a whole message from, and cannot disconnect one. But a connection
is a descriptor of this process: whose local name is that of a bound socket, that one may be shut down. libzmq then lets
go of all that it held for the peer, who connects again if it is honest.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

MOST = 65_536
"""More is never needed, and some systems allow a billion."""

Place = str | int
"""Where a socket is bound: the path of its file, or its TCP port."""

_DESCRIPTORS = Path("/proc/self/fd" if sys.platform.startswith("linux") else "/dev/fd")


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection. The system uses a descriptor again at once, the inode not."""

    descriptor: int
    inode: int


def _all() -> list[int]:
    """All open descriptors of this process; empty where the system does not list them."""
    try:
        return [int(name) for name in os.listdir(_DESCRIPTORS)]
    except OSError:
        return []


def connections(places: Collection[Place]) -> list[Connection]:
    found = (connection(descriptor, places) for descriptor in _all())
    return [each for each in found if each is not None]


def connection(descriptor: int, places: Collection[Place]) -> Connection | None:
    """The connection behind a descriptor, or None if it is none to these places (any more)."""
    inode = _inode(descriptor, places)
    return None if inode is None else Connection(descriptor, inode)


def cut(peer: Connection, places: Collection[Place]) -> bool:
    """End a connection; False where it has ended already."""
    try:
        own = os.dup(peer.descriptor)  # libzmq may close the peer's at any moment, and the system use its number again
    except OSError:
        return False
    try:
        if _inode(own, places) != peer.inode:
            return False
        lent = socket.socket(fileno=own)
        try:
            lent.shutdown(socket.SHUT_RDWR)
        finally:
            lent.detach()
    except OSError:
        return False
    finally:
        os.close(own)
    return True


def _inode(descriptor: int, places: Collection[Place]) -> int | None:
    try:
        lent = socket.socket(fileno=descriptor)
    except OSError:  # closed meanwhile, or no socket
        return None
    try:
        if lent.type != socket.SOCK_STREAM or lent.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
        name = lent.getsockname()
        place = name[1] if isinstance(name, tuple) else os.fsdecode(name)
        return os.fstat(descriptor).st_ino if place in places else None
    except (OSError, IndexError):
        return None
    finally:
        lent.detach()


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
