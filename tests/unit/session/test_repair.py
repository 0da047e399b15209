"""A session is whole again after a torn write, a lost file, or a death; and says what was done to it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.session.format.metadata import Tail
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, frame_fields, input_image, pending_frame, tiny_png
from tests.support.scripted_disk import Died, Fault, ScriptedDisk


@pytest.fixture
def folder(disk: ScriptedDisk, root: Path) -> Path:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    for number in range(6):
        writer.append([pending_frame(number, input=input_image(number))])
    writer.close()
    return root / "s"


def metadata_of(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads((folder / "metadata.json").read_bytes())
    return value


def test_a_whole_session_is_left_alone(folder: Path, disk: ScriptedDisk) -> None:
    before = (folder / "metadata.json").read_bytes()
    disk.log.clear()
    assert repair(disk, folder).did == []
    assert disk.log == []
    assert (folder / "metadata.json").read_bytes() == before


def test_metadata_cut_at_every_byte_of_its_end(
    folder: Path, disk: ScriptedDisk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    path = folder / "metadata.json"
    whole = path.read_bytes()
    wanted = metadata_of(folder)["sequence"]
    assert len(whole) > 2048
    for size in range(len(whole) - 2048, len(whole)):
        path.write_bytes(whole[:size])
        done = repair(disk, folder)
        value = metadata_of(folder)
        assert value["sequence"] == wanted, size
        assert list(value)[:3] == ["session_id", "created_at", "format"]
        if size >= len(whole.rstrip()):
            assert done.did == [], "only white space is gone"
        else:
            assert value["interrupted"] is True, "only a death tears a file"
            assert done.did
        (folder / "repairs.jsonl").unlink(missing_ok=True)


def test_metadata_cut_in_its_beginning(folder: Path, disk: ScriptedDisk) -> None:
    path = folder / "metadata.json"
    whole = path.read_bytes()
    wanted = metadata_of(folder)
    for size in range(0, 1200, 7):
        path.write_bytes(whole[:size])
        repair(disk, folder)
        value = metadata_of(folder)
        assert value["sequence"] == wanted["sequence"], size
        assert value["created_at"] == CREATED_AT
        assert value["session_id"] == "s"


@pytest.mark.parametrize("at", range(0, 4000, 333))
def test_zeros_in_the_middle(folder: Path, disk: ScriptedDisk, at: int) -> None:
    path = folder / "metadata.json"
    whole = path.read_bytes()
    wanted = metadata_of(folder)["sequence"]
    path.write_bytes(whole[:at] + bytes(500) + whole[at + 500 :])
    repair(disk, folder)
    assert metadata_of(folder)["sequence"] == wanted


def test_lost_metadata_is_made_again_from_the_images(folder: Path, disk: ScriptedDisk) -> None:
    wanted = metadata_of(folder)["sequence"]
    (folder / "metadata.json").unlink()
    done = repair(disk, folder)
    assert metadata_of(folder)["sequence"] == wanted
    assert metadata_of(folder)["created_at"] == CREATED_AT
    assert any("metadata.json was gone" in sentence for sentence in done.did)
    assert repair(disk, folder).did == []


def test_a_chain_keeps_its_inputs_through_the_loss_of_metadata(disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    first = pending_frame(0)
    writer.append([first, pending_frame(1, input=bytes(first.png))])
    writer.close()
    wanted = metadata_of(root / "s")["sequence"]
    assert wanted[1]["input_file"] == "0000_BR.png"
    (root / "s" / "metadata.json").unlink()
    repair(disk, root / "s")
    assert metadata_of(root / "s")["sequence"] == wanted


def test_images_without_entries_get_them_back_in_index_order(folder: Path, disk: ScriptedDisk) -> None:
    wanted = metadata_of(folder)
    path = folder / "metadata.json"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"index":2,' not in line and b'"index":4,' not in line))
    repair(disk, folder)
    assert metadata_of(folder)["sequence"] == wanted["sequence"]


def test_half_written_files_go(folder: Path, disk: ScriptedDisk) -> None:
    (folder / ".tmp-0006_BR.png").write_bytes(b"half")
    (folder / "inputs" / ".tmp-x").write_bytes(b"half")
    done = repair(disk, folder)
    assert sorted(path.name for path in folder.rglob(".tmp-*")) == []
    assert len(done.did) == 2
    history = [orjson.loads(line) for line in (folder / "repairs.jsonl").read_bytes().splitlines()]
    assert history[-1]["did"] == done.did


def test_an_entry_whose_file_is_gone_stays_and_is_named(folder: Path, disk: ScriptedDisk) -> None:
    data = (folder / "0003_BR.png").read_bytes()
    (folder / "0003_BR.png").unlink()
    done = repair(disk, folder)
    assert len(metadata_of(folder)["sequence"]) == 6
    assert metadata_of(folder)["missing"] == ["0003_BR.png"]
    assert "0003_BR.png" in done.did[0]
    assert repair(disk, folder).did == [], "said once"
    (folder / "0003_BR.png").write_bytes(data)
    repair(disk, folder)
    assert "missing" not in metadata_of(folder)


def test_an_index_is_not_used_again_when_the_last_file_is_gone(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    (folder / "0005_BR.png").unlink()
    assert SessionWriter.open(disk, root, "s").next_index == 6
    (folder / "metadata.json").unlink()
    (folder / "0009_TL.png").write_bytes(b"not a frame, and its index is taken all the same")
    assert SessionWriter.open(disk, root, "s").next_index == 10


def test_images_that_are_not_ours_are_left_alone(folder: Path, disk: ScriptedDisk) -> None:
    copies = {
        "0010_BR.png": (folder / "0001_BR.png").read_bytes(),
        "0011_BR.png": bytes(pending_frame(11, session_id="other").png),
        "0012_BR.png": bytes(pending_frame(12).png)[:-20],
        "0013_BR.png": tiny_png(),
        "0014_BR.png": bytes(pending_frame(14, created_at=5.0).png),
        "0003_TL.png": bytes(pending_frame(20).png),
        "0015_BR.png": tiny_png(frame_fields(15, epoch=None)),
    }
    for name, data in copies.items():
        (folder / name).write_bytes(data)
    before = metadata_of(folder)
    done = repair(disk, folder)
    assert metadata_of(folder) == before
    assert {name for name, _ in done.strays} == set(copies)
    assert all((folder / name).read_bytes() == data for name, data in copies.items())


def test_a_renamed_folder_is_still_its_session(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    wanted = metadata_of(folder)["sequence"]
    moved = folder.rename(root / "renamed")
    (moved / "metadata.json").unlink()
    repair(disk, moved)
    assert metadata_of(moved)["sequence"] == wanted
    writer = SessionWriter.open(disk, root, "renamed")
    (done,) = writer.append([pending_frame(9, session_id="renamed")])
    assert done.index == 6


def test_nothing_to_go_by(disk: ScriptedDisk, root: Path) -> None:
    folder = root / "s"
    folder.mkdir(parents=True)
    (folder / "0000_BR.png").write_bytes(b"whatever")
    repair(disk, folder)
    assert metadata_of(folder)["sequence"] == []
    with pytest.raises(FileNotFoundError):
        repair(disk, root / "none")


def test_a_repair_that_dies_at_any_step_is_repeated(folder: Path, disk: ScriptedDisk) -> None:
    wanted = metadata_of(folder)["sequence"]
    whole = (folder / "metadata.json").read_bytes()
    for kind in ("die", "die-after", "torn"):
        for at in range(100):
            (folder / "metadata.json").write_bytes(whole[: len(whole) - 700])
            (folder / ".tmp-0009_BR.png").write_bytes(b"half")
            mortal = ScriptedDisk()
            mortal.arm(Fault(at, kind))  # type: ignore[arg-type]
            try:
                repair(mortal, folder)
                break
            except Died:
                repair(disk, folder)
            assert metadata_of(folder)["sequence"] == wanted
            assert metadata_of(folder)["interrupted"] is True
            assert not list(folder.rglob(".tmp-*"))
        assert at > 5


def test_a_torn_tail_is_remembered_by_the_history(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.open(disk, root, "s")
    writer.mark_lost(["gone-1", "gone-2"])
    path = folder / "metadata.json"
    path.write_bytes(path.read_bytes()[:-30])
    repair(disk, folder)
    assert metadata_of(folder)["lost"] == ["gone-1", "gone-2"]
    assert Tail.from_json(metadata_of(folder)).interrupted
