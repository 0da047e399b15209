"""The spill: what outlives a generator that could not finish."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import orjson
import pytest

from shared.session.reading.reader import SessionReader
from shared.session.writing import spill
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, input_image, pending_frame, tiny_png
from tests.support.scripted_disk import Died, Fault, ScriptedDisk


def write(disk: ScriptedDisk, root: Path, frames: list[FrameToWrite]) -> int:
    inputs: dict[str, tuple[str, bytes]] = {}
    for frame in frames:
        inputs[frame.frame.input_sha256] = ("png", bytes(frame.input or b""))
    return spill.write_spill(disk, root, [(frame.frame, bytes(frame.png)) for frame in frames], inputs)


def test_spilled_frames_come_back_in_order(disk: ScriptedDisk, root: Path) -> None:
    frames = [pending_frame(number, session_id=s) for s in ("a", "b") for number in (2, 0, 1)]
    later = [pending_frame(number, session_id="a", epoch="an earlier name", timestamp=9e9) for number in (1, 0)]
    assert write(disk, root, frames + later) == 8
    assert write(disk, root, frames) == 6, "twice leaves one file each"
    found = spill.read_spill(root)
    assert [(f.frame.session_id, f.frame.epoch, f.frame.record_seq) for f in found] == [
        *(("a", "epoch-a", number) for number in range(3)),
        *(("a", "an earlier name", number) for number in range(2)),
        *(("b", "epoch-a", number) for number in range(3)),
    ]
    loaded = found[0].load()
    assert loaded.png == pending_frame(0, session_id="a").png
    assert loaded.input == input_image()
    assert not loaded.input_lost


def test_a_spill_taken_in_leaves_nothing(disk: ScriptedDisk, root: Path) -> None:
    write(disk, root, [pending_frame(number) for number in range(3)])
    writer = SessionWriter.open_or_create(disk, root, "s", CREATED_AT)
    for frame in spill.read_spill(root):
        writer.append([frame.load()])
        disk.unlink(frame.path)
    spill.clear(disk, root)
    assert writer.recorded == 3
    assert sorted(path.name for path in root.iterdir()) == ["s"]
    assert spill.read_spill(root) == []
    spill.clear(disk, root)


def test_torn_files_are_told_and_kept(disk: ScriptedDisk, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(disk, root, [pending_frame(number) for number in range(3)])
    first, second, third = spill.read_spill(root)
    first.path.write_bytes(first.path.read_bytes()[:40])
    second.path.write_bytes(second.path.read_bytes()[:-3])
    assert [frame.path for frame in spill.read_spill(root)] == [second.path, third.path]
    assert f"{first.path} is torn" in caplog.text
    with pytest.raises(ValueError, match="torn"):
        second.load()
    third.load()
    disk.unlink(third.path)
    spill.clear(disk, root)
    assert first.path.exists()


def test_a_frame_whose_input_is_lost_is_recorded_without(disk: ScriptedDisk, root: Path) -> None:
    write(disk, root, [pending_frame(0)])
    (path,) = (root / ".spill").glob("*.input")
    path.write_bytes(path.read_bytes()[:-1])
    (frame,) = spill.read_spill(root)
    assert frame.load().input_lost
    path.unlink()
    assert frame.load().input_lost


def test_one_frame_that_fails_does_not_keep_the_others(disk: ScriptedDisk, root: Path) -> None:
    frames = [pending_frame(number) for number in range(3)]
    (root / ".spill").mkdir(parents=True)
    disk.arm(Fault(12, "error", errno.EIO))
    assert write(disk, root, frames) == 2
    disk.arm(None)
    assert len(spill.read_spill(root)) == 2


def test_a_death_while_spilling_leaves_whole_frames_only(root: Path) -> None:
    frames = [pending_frame(number, input=input_image(number)) for number in range(2)]
    for at in range(40):
        mortal = ScriptedDisk()
        mortal.arm(Fault(at, "torn"))
        try:
            write(mortal, root, frames)
            break
        except Died:
            pass
        for frame in spill.read_spill(root):
            loaded = frame.load()
            assert hashlib.sha256(loaded.png).hexdigest() == loaded.frame.sha256
            assert loaded.input is not None, "inputs go first"
    assert at > 20


def test_a_frame_that_an_earlier_version_spilled_is_recorded_as_it_says_itself(disk: ScriptedDisk, root: Path) -> None:
    png = tiny_png()
    said = {"v": 1, "type": "frame", "target_sector": "BR", "frame_id": "old-0", "epoch": "old", "session_id": "s"}
    said |= {"record_seq": 0, "prompt": "a kite", "mine": {"k": [1]}, "seed": 7, "timestamp": CREATED_AT}
    start = b"parafovea spill 1\n" + orjson.dumps({**said, "sha256": hashlib.sha256(png).hexdigest()}) + b"\n" + png
    (root / ".spill").mkdir(parents=True)
    (root / ".spill" / "old.frame").write_bytes(start + hashlib.sha256(start).digest())
    (found,) = spill.read_spill(root)
    assert (found.frame.frame_id, found.frame.input_sha256, found.frame.timestamp) == ("old-0", "", CREATED_AT)
    writer = SessionWriter.open_or_create(disk, root, "s", CREATED_AT)
    writer.append([found.load()])
    with SessionReader(root / "s") as reader:
        entry = reader.entry(0).fields
    users = ["index", "filename", "target_sector", "focus_sector", "prompt", "timestamp"]
    assert list(entry) == [*users, "frame_id", "epoch", "record_seq", "mine", "seed", "sha256", "input_file"]
    assert (entry["mine"], entry["seed"], entry["input_file"]) == ({"k": [1]}, 7, None)
