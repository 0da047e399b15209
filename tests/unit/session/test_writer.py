"""Recording into a session: what is written, once, in order, whatever its owner does to the folder meanwhile."""

from __future__ import annotations

import errno
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.session.reading.reader import open_session
from shared.session.writing.frames import CorruptFrame, MissingInput
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.scripted_disk import Fault, ScriptedDisk


@pytest.fixture
def writer(disk: ScriptedDisk, root: Path) -> SessionWriter:
    return SessionWriter.create(disk, root, "s", CREATED_AT)


def sequence(root: Path, session_id: str = "s") -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = orjson.loads((root / session_id / "metadata.json").read_bytes())["sequence"]
    return value


def files(root: Path, session_id: str = "s") -> set[str]:
    folder = root / session_id
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_session_is_there_with_its_metadata_or_not_at_all(disk: ScriptedDisk, root: Path) -> None:
    SessionWriter.create(disk, root, "s", CREATED_AT, {"parent": "p"})
    assert disk.log[-2:] == [("rename", ".tmp-s"), ("fsync_dir", "sessions")]
    value = orjson.loads((root / "s" / "metadata.json").read_bytes())
    assert value == {
        "session_id": "s",
        "created_at": CREATED_AT,
        "format": 1,
        "parent": "p",
        "sequence": [],
        "open": True,
    }
    with pytest.raises(FileExistsError):
        SessionWriter.create(disk, root, "s", CREATED_AT)


def test_frames_are_recorded_byte_for_byte(writer: SessionWriter, root: Path) -> None:
    frames = [pending_frame(number) for number in range(3)]
    done = writer.append(frames)
    assert [item.index for item in done] == [0, 1, 2]
    assert not any(item.duplicate for item in done)
    for frame, item in zip(frames, done, strict=True):
        assert (root / "s" / str(item.filename)).read_bytes() == frame.png
    written = sequence(root)
    assert [entry["sha256"] for entry in written] == [frame.frame.sha256 for frame in frames]
    assert written[0]["prompt"] == frames[0].frame.prompt
    assert "type" not in written[0]


def test_image_and_input_are_durable_before_the_entry(writer: SessionWriter, disk: ScriptedDisk) -> None:
    disk.log.clear()
    frame = pending_frame(0)
    writer.append([frame])
    source = f"{frame.frame.input_sha256}.png"
    assert disk.log == [
        ("create", ".tmp-0000_BR.png"),
        ("write", ".tmp-0000_BR.png"),
        ("fsync", ".tmp-0000_BR.png"),
        ("close", ".tmp-0000_BR.png"),
        ("mkdir", "inputs"),
        ("fsync_dir", "s"),
        ("create", f".tmp-{source}"),
        ("write", f".tmp-{source}"),
        ("fsync", f".tmp-{source}"),
        ("close", f".tmp-{source}"),
        ("rename", f".tmp-{source}"),
        ("fsync_dir", "inputs"),
        ("rename", ".tmp-0000_BR.png"),
        ("fsync_dir", "s"),
        ("open", "metadata.json"),
        ("pwrite", "metadata.json"),
        ("close", "metadata.json"),
    ]


def test_frames_that_wait_together_share_one_folder_fsync(writer: SessionWriter, disk: ScriptedDisk) -> None:
    writer.append([pending_frame(0)])
    disk.log.clear()
    writer.append([pending_frame(number) for number in range(1, 9)])
    assert disk.steps().count("fsync_dir") == 1
    assert disk.steps().count("fsync") == 8
    assert disk.steps().count("pwrite") == 1


def test_a_frame_delivered_twice_is_recorded_once(writer: SessionWriter, disk: ScriptedDisk, root: Path) -> None:
    frame = pending_frame(0)
    first, second = writer.append([frame, frame])
    (third,) = writer.append([frame])
    writer.close()
    (fourth,) = SessionWriter.open(disk, root, "s").append([frame])
    assert [item.index for item in (first, second, third, fourth)] == [0, 0, 0, 0]
    assert third.duplicate
    assert fourth.duplicate
    assert len(sequence(root)) == 1


def test_a_chain_stores_no_input_twice(writer: SessionWriter, root: Path) -> None:
    first = pending_frame(0)
    second = pending_frame(1, input=bytes(first.png))
    third = pending_frame(2, input=bytes(second.png))
    assert writer.inputs_wanted([first.frame, second.frame]) == [first.frame.input_sha256]
    without = [replace(second, input=None), replace(third, input=None)]
    writer.append([first, without[0]])
    assert writer.inputs_wanted([third.frame]) == []
    writer.append([without[1]])
    assert [entry["input_file"] for entry in sequence(root)] == [
        f"inputs/{first.frame.input_sha256}.png",
        "0000_BR.png",
        "0001_BR.png",
    ]
    assert len([name for name in files(root) if name.startswith("inputs/")]) == 1


def test_each_kind_of_input_keeps_its_bytes_and_gets_its_extension(writer: SessionWriter, root: Path) -> None:
    jpeg, webp = b"\xff\xd8\xff\xe0 jpeg", b"RIFF\0\0\0\0WEBPVP8 "
    writer.append([pending_frame(0, input=jpeg), pending_frame(1, input=webp), pending_frame(2, input=jpeg)])
    for data, extension in ((jpeg, "jpg"), (webp, "webp")):
        assert (root / "s" / "inputs" / f"{hashlib.sha256(data).hexdigest()}.{extension}").read_bytes() == data


def test_wrong_bytes_are_refused_before_anything_is_written(writer: SessionWriter, root: Path) -> None:
    frame = pending_frame(0)
    before = files(root)
    with pytest.raises(CorruptFrame):
        writer.append([replace(frame, png=bytes(frame.png) + b"x")])
    with pytest.raises(CorruptFrame):
        writer.append([replace(frame, input=b"\x89PNG\r\n\x1a\nother")])
    with pytest.raises(MissingInput) as caught:
        writer.append([replace(frame, input=None)])
    assert caught.value.sha256 == hashlib.sha256(input_image()).hexdigest()
    assert files(root) == before
    writer.append([replace(frame, input=None, input_lost=True)])
    assert sequence(root)[0]["input_file"] is None


def test_a_folder_removed_by_its_owner_is_made_anew(writer: SessionWriter, root: Path) -> None:
    writer.append([pending_frame(0), pending_frame(1)])
    shutil.rmtree(root / "s")
    frame = pending_frame(2)
    assert writer.inputs_wanted([frame.frame]) == [frame.frame.input_sha256], "it went with the folder"
    (done,) = writer.append([frame])
    assert done.index == 2
    value = orjson.loads((root / "s" / "metadata.json").read_bytes())
    assert value["created_at"] == CREATED_AT
    assert [entry["index"] for entry in value["sequence"]] == [2]
    (again,) = writer.append([pending_frame(1)])
    assert again.duplicate, "what its owner removed is not asked for again"


@pytest.mark.parametrize("remove", ["s", "metadata.json"])
def test_a_folder_removed_between_a_failure_and_the_next_try(
    writer: SessionWriter, disk: ScriptedDisk, root: Path, remove: str
) -> None:
    frames = [pending_frame(number, input=input_image()) for number in range(3)]
    writer.append(frames[:1])
    disk.log.clear()
    disk.arm(Fault(10, "error", errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        writer.append(frames)
    assert disk.steps().count("rename") == 2, "both had their names when the folder's fsync failed"
    disk.arm(None)
    if remove == "s":
        shutil.rmtree(root / "s")
    else:
        (root / "s" / "metadata.json").unlink()
    writer.append(frames)
    assert [entry["record_seq"] for entry in sequence(root)] == ([1, 2] if remove == "s" else [0, 1, 2])
    for entry in sequence(root):
        assert (root / "s" / entry["filename"]).read_bytes() == frames[entry["record_seq"]].png


def test_a_vanished_root_is_made_anew(writer: SessionWriter, root: Path) -> None:
    shutil.rmtree(root.parent)
    (done,) = writer.append([pending_frame(0)])
    assert done.index == 0
    assert len(sequence(root)) == 1


def test_a_removed_session_stays_removed_when_nothing_comes(writer: SessionWriter, root: Path) -> None:
    shutil.rmtree(root / "s")
    writer.close()
    assert not (root / "s").exists()


def test_metadata_removed_or_formatted_by_its_owner(writer: SessionWriter, root: Path) -> None:
    writer.append([pending_frame(0), pending_frame(1)])
    path = root / "s" / "metadata.json"
    path.unlink()
    writer.append([pending_frame(2)])
    assert [entry["index"] for entry in sequence(root)] == [0, 1, 2]
    value = orjson.loads(path.read_bytes())
    value["sequence"][0]["my_note"] = "nice"
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    writer.append([pending_frame(3)])
    assert [entry["index"] for entry in sequence(root)] == [0, 1, 2, 3]
    assert sequence(root)[0]["my_note"] == "nice"
    value = orjson.loads(path.read_bytes())
    assert value["open"] is True
    assert "interrupted" not in value, "its recorder never died"


def test_a_file_of_somebody_else_is_not_written_over(writer: SessionWriter, root: Path) -> None:
    writer.append([pending_frame(0)])
    (root / "s" / "0001_BR.png").write_bytes(b"mine")
    (done,) = writer.append([pending_frame(1)])
    assert done.index == 2
    assert (root / "s" / "0001_BR.png").read_bytes() == b"mine"


def test_lost_frames_are_named_once_and_survive_the_metadata(
    writer: SessionWriter, disk: ScriptedDisk, root: Path
) -> None:
    writer.append([pending_frame(0)])
    assert writer.mark_lost(["a", "b", "a"]) == ["a", "b"]
    assert writer.mark_lost(["b", "c"]) == ["c"]
    writer.close()
    (root / "s" / "metadata.json").unlink()
    SessionWriter.open(disk, root, "s").close()
    value = orjson.loads((root / "s" / "metadata.json").read_bytes())
    assert value["lost"] == ["a", "b", "c"]
    assert "interrupted" not in value


def test_a_session_whose_process_died_says_so(writer: SessionWriter, disk: ScriptedDisk, root: Path) -> None:
    writer.append([pending_frame(0)])
    again = SessionWriter.open(disk, root, "s")
    assert again.recorded == 1
    assert again.created_at == CREATED_AT
    again.append([pending_frame(1)])
    again.close()
    SessionWriter.open(disk, root, "s").close()
    value = orjson.loads((root / "s" / "metadata.json").read_bytes())
    assert value["interrupted"] is True
    assert "open" not in value
    history = (root / "s" / "repairs.jsonl").read_text().splitlines()
    assert len(history) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_every_step_that_fails_can_be_repeated(disk: ScriptedDisk, root: Path, number: int) -> None:
    """Fail step after step of one append; each time the next try, with the cause gone, records all of it once."""
    at = 0
    while True:
        session = f"s{at}"
        writer = SessionWriter.create(disk, root, session, CREATED_AT)
        writer.append([pending_frame(0, session_id=session)])
        frames = [pending_frame(n, session_id=session, input=input_image(n)) for n in range(1, 4)]
        disk.arm(Fault(at, "error", number, lasting=at % 2 == 0))
        failed = False
        try:
            writer.append(frames)
        except OSError:
            failed = True
        disk.arm(None)
        done = writer.append(frames)
        assert [item.index for item in done] == [1, 2, 3], at
        assert [entry["index"] for entry in sequence(root, session)] == [0, 1, 2, 3]
        writer.close()
        with open_session(root, session) as reader:
            for entry in reader.entries():
                reader.frame_bytes(entry)
        if not failed:
            assert at > 30
            return
        at += 1


def test_one_sessions_trouble_is_not_anothers(disk: ScriptedDisk, root: Path) -> None:
    bad = SessionWriter.create(disk, root, "bad", CREATED_AT)
    good = SessionWriter.create(disk, root, "good", CREATED_AT)
    (root / "bad" / "0000_BR.png").mkdir()
    shutil.rmtree(root / "bad")
    (root / "bad").write_bytes(b"a file where the folder was")
    with pytest.raises(OSError):  # noqa: PT011
        bad.append([pending_frame(0, session_id="bad")])
    good.append([pending_frame(0, session_id="good")])
    (root / "bad").unlink()
    bad.append([pending_frame(0, session_id="bad")])
    assert len(sequence(root, "bad")) == len(sequence(root, "good")) == 1


def test_memory_does_not_grow_with_the_session(writer: SessionWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.session.writing.frames.RECENT", 32)
    for start in range(0, 256, 64):
        writer.append([pending_frame(number) for number in range(start, start + 64)])
    assert len(writer.recent) == 32
    assert [writer.recent.file_of(pending_frame(number).frame.sha256) for number in (0, 223, 255)] == [
        None,
        None,
        "0255_BR.png",
    ]
    assert all(writer.has(pending_frame(number).frame_id) for number in (0, 100, 255))
    (old,) = writer.append([pending_frame(0)])
    assert old.duplicate
    assert old.index is None


def test_two_epochs_share_a_session(writer: SessionWriter, root: Path) -> None:
    writer.append([pending_frame(0), pending_frame(1)])
    writer.append([pending_frame(0, epoch="epoch-b"), pending_frame(1, epoch="epoch-b")])
    assert [(entry["epoch"], entry["record_seq"]) for entry in sequence(root)] == [
        ("epoch-a", 0),
        ("epoch-a", 1),
        ("epoch-b", 0),
        ("epoch-b", 1),
    ]
    assert writer.has(pending_frame(1, epoch="epoch-b").frame_id)
    assert not writer.has(pending_frame(2, epoch="epoch-b").frame_id)
