"""The sessions folder: closed to all but its owner and a group; one that is not ours alone is left, and said."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.recorder.archive import Archive
from services.recorder.folder import SessionsFolder
from shared.frame import FrameKey
from shared.session.transfer.staging import staging
from shared.session.writing.journal import Journal, JournaledFrame
from shared.session.writing.root import make_root
from shared.session.writing.spill import write_spill
from shared.system.disk import Disk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
as_root = pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a file away")
GROUP, SOMEBODY = 4321, 54321


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture(autouse=True)
def _said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def test_a_new_one_is_private_and_so_are_the_parents_it_lacked(tmp_path: Path) -> None:
    root = tmp_path / "generation" / "sessions"
    tmp_path.chmod(0o755)
    make_root(Disk(), root)
    assert [mode(path) for path in (root, root.parent, tmp_path)] == [0o700, 0o700, 0o755]


@pytest.mark.parametrize("was", [0o755, 0o775, 0o777, 0o2770, 0o750, 0o701])
def test_one_that_is_open_is_closed(root: Path, was: int, caplog: pytest.LogCaptureFixture) -> None:
    (root / "old").mkdir(parents=True)
    root.chmod(was)
    make_root(Disk(), root)
    assert mode(root) & 0o777 == 0o700
    assert caplog.messages == []


def test_one_that_is_for_reading_stays_so(root: Path) -> None:
    root.mkdir()
    root.chmod(0o555)
    make_root(Disk(), root)
    assert mode(root) == 0o500


def test_one_behind_a_link_of_the_owners_goes_on_working(tmp_path: Path, root: Path) -> None:
    (tmp_path / "disk").mkdir(0o755)
    root.symlink_to(tmp_path / "disk")
    make_root(Disk(), root)
    assert root.is_symlink()
    assert mode(tmp_path / "disk") == 0o700


@as_root
def test_a_group_is_given_it_and_all_that_is_made_in_it(root: Path) -> None:
    for was in (None, 0o755, 0o700, 0o777):
        if was is not None:
            root.chmod(was)
        make_root(Disk(GROUP), root)
        assert (mode(root), root.stat().st_gid) == (0o2750, GROUP)
    (root / "session" / "inputs").mkdir(parents=True)
    (root / "session" / "inputs" / "file").touch()
    assert {path.stat().st_gid for path in root.rglob("*")} == {GROUP}
    make_root(Disk(), root)
    assert mode(root) & 0o777 == 0o700


@as_root
def test_a_group_reaches_what_is_made_below_new_folders(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b" / "sessions"
    make_root(Disk(GROUP), root)
    for path in (root, root.parent, root.parent.parent):
        assert (mode(path), path.stat().st_gid) == (0o2750, GROUP)


def test_the_bit_for_the_group_is_done_without_where_it_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As under systemd's RestrictSUIDSGID, which lets nobody set it, while the unit's own group is the group."""
    chmod = os.chmod

    def refuse(path: Path, mode: int) -> None:
        if mode & stat.S_ISGID:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        chmod(path, mode)

    monkeypatch.setattr(os, "chmod", refuse)
    for _ in range(2):
        make_root(Disk(os.getegid()), root)
        assert mode(root) == 0o750
    assert caplog.messages == []


@as_root
@pytest.mark.parametrize("whose", ["another user's", "with something of another user's", "sticky"])
def test_one_that_is_not_ours_alone_is_left_as_it_is(root: Path, whose: str, caplog: pytest.LogCaptureFixture) -> None:
    (root / "thing").mkdir(parents=True)
    root.chmod(0o1777 if whose == "sticky" else 0o755)
    was = mode(root)
    if whose != "sticky":
        os.chown(root if whose == "another user's" else root / "thing", SOMEBODY, -1)
    for group in (None, GROUP):
        make_root(Disk(group), root)
        assert mode(root) == was
    assert len(caplog.messages) == 2
    assert str(root) in caplog.text


def test_a_file_system_without_modes_records_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root.mkdir()
    root.chmod(0o777)
    monkeypatch.setattr(os, "chmod", lambda *_: None)
    make_root(Disk(), root)
    assert "keeps no modes" in caplog.text

    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "chmod", refuse)
    make_root(Disk(), root)
    assert "Operation not supported" in caplog.text
    assert len(caplog.messages) == 2


def import_something(disk: Disk, root: Path) -> None:
    with staging(disk, root) as staged:
        assert staged.is_dir()


def spill_something(disk: Disk, root: Path) -> None:
    write_spill(disk, root, [], {"0" * 64: ("png", b"")})


def record_something(disk: Disk, root: Path) -> None:
    archive = Archive(disk, SessionsFolder(disk, root))
    archive.start("s", resume=False)
    archive.close_all()


def journal_something(disk: Disk, root: Path) -> None:
    journal = Journal(disk, root, "e")
    journal.write([JournaledFrame(FrameKey(session_id="s", epoch="e", record_seq=0, frame_id="f"))])
    journal.close()


@as_root
@pytest.mark.parametrize("group", [None, GROUP])
@pytest.mark.parametrize("use", [import_something, spill_something, record_something, journal_something])
def test_whoever_comes_first_makes_it_so(use: Callable[[Disk, Path], None], group: int | None, root: Path) -> None:
    use(Disk(group), root)
    assert mode(root) == (0o700 if group is None else 0o2750)
    assert group is None or {path.stat().st_gid for path in (root, *root.rglob("*"))} == {group}


def test_a_group_that_it_may_not_be_given_is_told_with_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As under systemd's ~@privileged, which denies chown."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    root.mkdir(mode=0o750)
    monkeypatch.setattr(os, "chown", refuse)
    make_root(Disk(GROUP), root)
    assert mode(root) == 0o750
    (said,) = caplog.messages
    assert f"chgrp -R {GROUP} {root} && chmod 2750 {root}" in said
