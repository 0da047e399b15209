"""Who may read what a process writes: this user alone, or a group that the settings name; and secrets that lie open.

The umask is the process's own, so that nothing it writes, a library's temporary file included, is ever open to others,
not even for a moment.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path

from dotenv import dotenv_values

from shared.settings import ENV_FILE, PREFIX, InvalidSettings, Settings

log = logging.getLogger(__name__)

PRIVATE_UMASK = 0o077
GROUP_UMASK = 0o027
"""A group reads; it does not write."""

_TOKEN = f"{PREFIX}API_TOKEN"
_MAX_GID = 2**32 - 2


def sessions_group(settings: Settings) -> int | None:
    """The number of the group that may read the recordings; None where nobody else may, and on Windows.

    Raises:
        InvalidSettings: there is no such group, or this user is no member of it.
    """
    name = settings.sessions_group
    if not name or sys.platform == "win32":
        return None
    import grp

    variable = f"{PREFIX}SESSIONS_GROUP"
    try:
        gid = grp.getgrnam(name).gr_gid
    except KeyError:
        if not (name.isascii() and name.isdecimal()) or int(name) > _MAX_GID:
            raise InvalidSettings(
                f"{variable}: there is no group {name!r}; make one with 'groupadd', or leave the variable out for "
                "recordings that only this user can read"
            ) from None
        gid = int(name)
    if os.geteuid() != 0 and gid not in (os.getegid(), *os.getgroups()):
        raise InvalidSettings(
            f"{variable}: this user is no member of the group {name!r}, and cannot give it anything; "
            f"'usermod -aG {name} USER' makes it one, from its next login on"
        )
    return gid


def take_umask(settings: Settings) -> None:
    """From now on this process writes for this user alone, and for the group that may read the recordings.

    Raises:
        InvalidSettings: see :func:`sessions_group`.
    """
    os.umask(PRIVATE_UMASK if sessions_group(settings) is None else GROUP_UMASK)


def take_umask_of(session: Path) -> None:
    """From now on this process writes nothing that is more open than a session's folder and the one that it is in."""
    before = os.umask(PRIVATE_UMASK)
    open_bits = session.stat().st_mode & session.resolve().parent.stat().st_mode
    os.umask(before | (~open_bits & PRIVATE_UMASK))


def open_to_others(path: Path) -> str | None:
    """Who else can read a file that holds a secret; None where nobody can.

    A file that belongs to another user (root, mostly) may be open to the group through which this one reads it.

    Raises:
        OSError: it is not there.
    """
    if sys.platform == "win32":
        return None
    status = path.stat()
    if status.st_mode & stat.S_IRWXO:
        return "every user of this machine"
    if status.st_mode & stat.S_IRWXG and status.st_uid == os.geteuid():
        return "every member of its group"
    return None


def warn_of_open_token(env_file: str | Path = ENV_FILE) -> None:
    """Say so where the API's token lies in a file that others can read."""
    path = Path(env_file)
    try:
        whose = open_to_others(path)
    except OSError:  # none: then the token stands in the environment, which is this user's own
        return
    if whose is not None and any(name.upper() == _TOKEN and value for name, value in dotenv_values(path).items()):
        log.warning(
            "%s holds the API's token and can be read by %s; run 'chmod 600 %s', and choose another token",
            *(path.absolute(), whose, path.absolute()),
        )


def warn_of_root() -> None:
    """Say so where this process may do everything on this machine."""
    if sys.platform != "win32" and os.geteuid() == 0:
        log.warning(
            "this runs as root: a fault in it, or in a model's code, would be one of the whole machine; start it as a "
            "user of its own, as docs/operating.md shows"
        )
