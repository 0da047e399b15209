"""The folder of an ipc bus: this user's own, closed to others, and where nobody else could put another in its place.

Whoever can put a folder or a socket of theirs where ours is looked for, hears what we send and answers in our name. So
it is looked at by everybody who uses it, whether they bind or connect; and whoever comes first makes it, so that it is
not left to somebody else to do. What is found stays so: nobody but this user and root can change it afterwards.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from shared.bus.address import BusAddress, InvalidBusAddress
from shared.bus.channels import CHANNELS
from shared.system.holder import Holder

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OPEN_FOLDER = 0o755
"""Of a folder on the way: never one that others may write in, whatever the umask is."""
MAX_LINKS = 40
"""As many as Linux follows in one path."""

_ROOT = 0
_UNMAPPED = 65534
"""Who owns what belongs to nobody of a user namespace, such as the root folder of some containers."""


def prepare_folder(folder: Path, *, must_be: bool = True) -> None:
    """Make the folder, private to this user, and look at the way that leads there.

    Args:
        folder: absolute.
        must_be: False for a process that connects: where it cannot make the folder, only somebody who is trusted can.

    Raises:
        InvalidBusAddress: another user has it, or could have it, or it is a link; the message says what to do.
        OSError: it cannot be made.
    """
    try:
        _check_way(folder)
        _make(folder, must_be=must_be)
        _check_way(folder)  # of what was not there before
        if os.path.lexists(folder):
            _close(folder)
    except PermissionError as error:
        raise InvalidBusAddress(
            f"the bus folder {folder} cannot be reached or made by this user ({error.filename}: {error.strerror}); "
            "set PARAFOVEA_BUS to a folder of yours"
        ) from None


def claim(address: BusAddress, channel: str) -> Holder:
    """The lock beside a channel's socket file, in a folder that is in order. Raises what :func:`prepare_folder` does,
    and AlreadyHeld: another process has it."""
    assert address.folder is not None
    prepare_folder(address.folder)
    return Holder(address.folder / f"{channel}.lock", f"the channel '{channel}' of the bus {address}", PRIVATE_FILE)


def _make(folder: Path, *, must_be: bool) -> None:
    missing = [at for at in (folder, *folder.parents) if not os.path.lexists(at)]
    try:
        for at in reversed(missing):
            with suppress(FileExistsError):
                at.mkdir(PRIVATE_FOLDER if at == folder else OPEN_FOLDER)
    except OSError:
        if must_be:
            raise


def _check_way(folder: Path) -> None:
    """Whether somebody else could change where the path leads. What is not there yet is passed over. Raises
    InvalidBusAddress: they could."""
    for path, status in _way(folder):
        if not _is_trusted(status.st_uid):
            what = "the link " if stat.S_ISLNK(status.st_mode) else ""
            raise InvalidBusAddress(
                f"the way to the bus folder {folder} leads over {what}{path}, which belongs to another user "
                f"({_user(status.st_uid)}); set PARAFOVEA_BUS to a folder in a place of yours"
            )
        if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            raise InvalidBusAddress(
                f"everybody may put another folder in the place of the bus folder {folder}, for all may write in "
                f"{path}; set PARAFOVEA_BUS to a folder elsewhere, or run 'chmod +t {path}'"
            )


def _way(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Each folder and link that is passed on the way to a folder, which is not among them itself."""
    at = Path(folder.anchor)
    rest = deque(folder.parts[1:])
    links = 0
    with suppress(FileNotFoundError, NotADirectoryError):
        yield at, at.lstat()
        while len(rest) > 1:
            part = rest.popleft()
            here = at.parent if part == ".." else at / part
            status = here.lstat()
            yield here, status
            if not stat.S_ISLNK(status.st_mode):
                at = here
                continue
            links += 1
            if links > MAX_LINKS:
                raise InvalidBusAddress(
                    f"the way to the bus folder {folder} leads round in links; set PARAFOVEA_BUS to a folder elsewhere"
                )
            target = here.readlink()
            at = Path(target.anchor) if target.is_absolute() else at
            rest.extendleft(reversed(target.parts[1:] if target.is_absolute() else target.parts))


def _close(folder: Path) -> None:
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise InvalidBusAddress(
            f"the bus folder {folder} is a link to {folder.readlink()}; set PARAFOVEA_BUS to a folder itself"
        )
    _check_owner(folder, status)
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise InvalidBusAddress(
            f"the bus folder {folder} cannot be opened ({error.strerror}); set PARAFOVEA_BUS to a folder of yours"
        ) from None
    try:
        _check_owner(folder, os.fstat(fd))
        if os.fstat(fd).st_mode & 0o077:
            os.fchmod(fd, PRIVATE_FOLDER)
        if os.fstat(fd).st_mode & 0o077:
            raise InvalidBusAddress(
                f"the bus folder {folder} stays open to others, for its file system keeps no modes; set PARAFOVEA_BUS "
                "to a folder on another one"
            )
        for name in (name for channel in CHANNELS for name in (channel.name, f"{channel.name}.lock")):
            with suppress(FileNotFoundError):
                _check_owner(folder / name, os.lstat(name, dir_fd=fd))
    finally:
        os.close(fd)


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.getuid():
        what = f"the bus folder {path}" if stat.S_ISDIR(status.st_mode) else f"{path} on the bus"
        raise InvalidBusAddress(
            f"{what} belongs to another user ({_user(status.st_uid)}); run this as that user, or set PARAFOVEA_BUS to "
            "a folder of yours"
        )


def _is_trusted(uid: int) -> bool:
    return uid in (_ROOT, os.getuid()) or (uid == _UNMAPPED and _some_are_unmapped())


def _some_are_unmapped() -> bool:
    """Whether this is a user namespace that not all users of the machine have a number in."""
    try:
        return Path("/proc/self/uid_map").read_text(encoding="ascii").split() != ["0", "0", "4294967295"]
    except OSError:
        return False


def _user(uid: int) -> str:
    if sys.platform == "win32":
        return str(uid)
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
