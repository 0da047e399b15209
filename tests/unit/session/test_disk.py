"""The composites of the one module that writes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from shared.system.disk import Disk
from tests.support.scripted_disk import STEPS, Fault, ScriptedDisk


def test_a_file_is_put_in_the_order_that_survives_power_loss(disk: ScriptedDisk, tmp_path: Path) -> None:
    disk.put(tmp_path / "a", b"one", b"two")
    assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert disk.log == [
        ("create", ".tmp-a"),
        ("write", ".tmp-a"),
        ("write", ".tmp-a"),
        ("fsync", ".tmp-a"),
        ("close", ".tmp-a"),
        ("rename", ".tmp-a"),
        ("fsync_dir", tmp_path.name),
    ]


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_put_that_fails_leaves_the_old_file(disk: ScriptedDisk, tmp_path: Path, at: int, number: int) -> None:
    (tmp_path / "a").write_bytes(b"old")
    disk.arm(Fault(at, "error", number))
    with pytest.raises(OSError, match=os.strerror(number)):
        disk.put(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == (b"new" if "rename" in disk.steps() else b"old")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_short_writes_are_continued(disk: ScriptedDisk, tmp_path: Path) -> None:
    disk.arm(Fault(1, "short", lasting=True))
    fd = disk.create(tmp_path / "a")
    disk.write_all(fd, b"0123456789")
    disk.arm(Fault(0, "short"))
    disk.pwrite_all(fd, b"abcdef", 4)
    disk.arm(None)
    disk.close(fd)
    assert (tmp_path / "a").read_bytes() == b"0123abcdef"


def test_parents_are_entered_durably(disk: ScriptedDisk, tmp_path: Path) -> None:
    assert disk.make_folders(tmp_path / "a" / "b")
    assert disk.log == [("mkdir", "a"), ("fsync_dir", tmp_path.name), ("mkdir", "b"), ("fsync_dir", "a")]
    assert not disk.make_folders(tmp_path / "a" / "b")


def test_a_line_goes_behind_one_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    real = Disk()
    real.append_line(path, b"one")
    path.write_bytes(path.read_bytes() + b"tw")
    real.append_line(path, b"three")
    assert path.read_bytes() == b"one\ntw\nthree\n"


def test_a_tree_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"x")
    tree = tmp_path / "tree"
    (tree / "inputs").mkdir(parents=True)
    (tree / "inputs" / "a").write_bytes(b"x")
    (tree / "link").symlink_to(tmp_path / "kept")
    Disk().remove_tree(tree)
    assert not tree.exists()
    assert (tmp_path / "kept" / "file").exists()


def test_every_step_is_a_method() -> None:
    assert all(callable(getattr(Disk, step)) for step in STEPS)
    assert Disk().free_bytes(Path("/")) > 0


def test_a_tree_is_removed_without_following_its_own_link(disk: ScriptedDisk, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    disk.remove_tree(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "mine"
