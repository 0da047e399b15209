"""The bus folder: private, made by whoever comes first, and refused where another user has a hand in it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.bus import ipc_folder
from shared.bus.address import InvalidBusAddress
from shared.bus.channels import CHANNELS
from shared.bus.ipc_folder import prepare_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ipc needs Unix sockets")

as_root = pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a file away")
SOMEBODY = 54321
BOTH = pytest.mark.parametrize("must_be", [True, False], ids=["bind", "connect"])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o002, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@BOTH
@pytest.mark.usefixtures("umask")
def test_it_is_made_private_whatever_the_umask(folder: Path, must_be: bool) -> None:
    wanted = folder / "a" / "b"
    prepare_folder(wanted, must_be=must_be)
    assert mode(wanted) == 0o700
    assert mode(wanted.parent) & 0o022 == 0


@BOTH
@pytest.mark.parametrize("open_to", [0o755, 0o777, 0o770, 0o701, 0o1777, 0o2750])
def test_one_that_is_open_is_closed(folder: Path, open_to: int, must_be: bool) -> None:
    wanted = folder / "bus"
    wanted.mkdir()
    wanted.chmod(open_to)
    prepare_folder(wanted, must_be=must_be)
    assert mode(wanted) & 0o777 == 0o700


@BOTH
def test_one_of_somebody_else_is_refused(folder: Path, must_be: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = folder / "bus"
    wanted.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: os.stat(wanted).st_uid + 1)
    with pytest.raises(InvalidBusAddress, match="belongs to another user"):
        prepare_folder(wanted, must_be=must_be)


@as_root
@BOTH
@pytest.mark.parametrize("open_to", [0o700, 0o777])
def test_one_that_somebody_else_made_first_is_refused(folder: Path, open_to: int, must_be: bool) -> None:
    wanted = folder / "bus"
    wanted.mkdir()
    wanted.chmod(open_to)
    os.chown(wanted, SOMEBODY, -1)
    with pytest.raises(InvalidBusAddress, match=f"{wanted} belongs to another user .* PARAFOVEA_BUS"):
        prepare_folder(wanted, must_be=must_be)
    assert mode(wanted) == open_to


@BOTH
@pytest.mark.parametrize("target", ["here", "gone", "a file"])
def test_a_link_is_refused_wherever_it_leads(folder: Path, target: str, must_be: bool) -> None:
    real = folder / "real"
    if target == "here":
        real.mkdir(0o700)
    elif target == "a file":
        real.touch()
    (folder / "bus").symlink_to(real)
    with pytest.raises(InvalidBusAddress, match="is a link to"):
        prepare_folder(folder / "bus", must_be=must_be)
    assert real.exists() == (target != "gone")


@BOTH
def test_a_file_is_refused(folder: Path, must_be: bool) -> None:
    (folder / "bus").touch()
    with pytest.raises(InvalidBusAddress, match="cannot be opened"):
        prepare_folder(folder / "bus", must_be=must_be)


@BOTH
def test_a_link_of_our_own_on_the_way_is_followed(folder: Path, must_be: bool) -> None:
    (folder / "real").mkdir()
    (folder / "far").symlink_to("real")
    (folder / "way").symlink_to(folder / "far")
    prepare_folder(folder / "way" / "bus", must_be=must_be)
    assert mode(folder / "real" / "bus") == 0o700


@as_root
@BOTH
def test_a_link_of_somebody_else_on_the_way_is_refused(folder: Path, must_be: bool) -> None:
    (folder / "real").mkdir()
    (folder / "way").symlink_to(folder / "real")
    os.lchown(folder / "way", SOMEBODY, -1)
    for path in (folder / "way" / "bus", folder / "way" / "deeper" / "bus"):
        with pytest.raises(InvalidBusAddress, match=r"leads over the link .*another user"):
            prepare_folder(path, must_be=must_be)
    assert list((folder / "real").iterdir()) == []


@as_root
@BOTH
def test_a_way_through_a_folder_of_somebody_else_is_refused(folder: Path, must_be: bool) -> None:
    """Its owner could put another one in the place of ours, also behind a link of our own."""
    theirs = folder / "theirs"
    (theirs / "bus").mkdir(parents=True)
    os.chown(theirs, SOMEBODY, -1)
    (folder / "way").symlink_to(theirs)
    for path in (theirs / "bus", folder / "way" / "bus", theirs / "new" / "bus", folder / "way" / ".." / "bus"):
        with pytest.raises(InvalidBusAddress, match=r"belongs to another user"):
            prepare_folder(path, must_be=must_be)


@BOTH
def test_a_way_that_all_may_change_is_refused_and_a_sticky_one_is_not(folder: Path, must_be: bool) -> None:
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(InvalidBusAddress, match=rf"chmod \+t {shared}"):
        prepare_folder(shared / "bus", must_be=must_be)
    shared.chmod(0o1777)
    prepare_folder(shared / "bus", must_be=must_be)
    shared.chmod(0o775)  # as a umask of 002 makes them, with a group of the user's own
    prepare_folder(shared / "bus", must_be=must_be)


@BOTH
def test_links_that_lead_round_are_refused(folder: Path, must_be: bool) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    with pytest.raises(InvalidBusAddress, match="round in links"):
        prepare_folder(folder / "a" / "bus", must_be=must_be)


@as_root
@BOTH
@pytest.mark.parametrize("name", [CHANNELS[0].name, f"{CHANNELS[-1].name}.lock"])
def test_what_somebody_put_in_while_it_was_open_is_refused(folder: Path, name: str, must_be: bool) -> None:
    wanted = folder / "bus"
    wanted.mkdir()
    (wanted / name).touch()
    os.chown(wanted / name, SOMEBODY, -1)
    with pytest.raises(InvalidBusAddress, match=f"{name} on the bus belongs to another user"):
        prepare_folder(wanted, must_be=must_be)


def test_who_connects_and_cannot_make_it_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process makes it later, as the one user who can."""

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    prepare_folder(folder / "bus", must_be=False)
    with pytest.raises(InvalidBusAddress, match="cannot be reached or made by this user"):
        prepare_folder(folder / "bus")


def test_a_file_system_without_modes_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = folder / "bus"
    wanted.mkdir()
    wanted.chmod(0o777)
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    with pytest.raises(InvalidBusAddress, match="keeps no modes"):
        prepare_folder(wanted)


def test_nobody_is_trusted_only_where_users_are_not_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(ipc_folder, "_some_are_unmapped", lambda: False)
    assert not ipc_folder._is_trusted(65534)
    monkeypatch.setattr(ipc_folder, "_some_are_unmapped", lambda: True)
    assert ipc_folder._is_trusted(65534)
    assert not ipc_folder._is_trusted(1001)
