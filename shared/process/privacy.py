"""Who may read what a process writes: this user alone, or a group that the settings name; and secrets that lie open.

The umask is the process's own, so that nothing it writes, a library's temporary file included, is ever open to others,
not even for a moment.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from shared.process.settings import ENV_FILE, PREFIX, InvalidSettings, Settings
from shared.system.key_files import open_to_others

log = logging.getLogger(__name__)

PRIVATE_UMASK = 0o077
GROUP_UMASK = 0o027
"""A group reads; it does not write."""

_TOKEN = f"{PREFIX}API_TOKEN"
_MAX_GID = 2**32 - 2


def sessions_group(settings: Settings) -> int | None:
    """The number of the group that may read the recordings; None where nobody else may, and on Windows. Raises
    InvalidSettings: there is no such group, or this user is no member of it."""
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
    """From now on this process writes for this user alone, and for the group that may read the recordings. Raises
    InvalidSettings: see :func:`sessions_group`."""
    os.umask(PRIVATE_UMASK if sessions_group(settings) is None else GROUP_UMASK)


def take_umask_of(session: Path) -> None:
    """From now on this process writes nothing that is more open than a session's folder and the one that it is in."""
    before = os.umask(PRIVATE_UMASK)
    open_bits = session.stat().st_mode & session.resolve().parent.stat().st_mode
    os.umask(before | (~open_bits & PRIVATE_UMASK))


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
