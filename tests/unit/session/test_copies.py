"""What a folder went through leaves no doubt which frames it holds: names change, numbers are shared, ids are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.session.check import Finding, check
from shared.session.format.recipes import is_parent
from shared.session.writing.frames import FrameToWrite
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.scripted_disk import ScriptedDisk

FRAMES = 6


@pytest.fixture
def copy(disk: ScriptedDisk, root: Path) -> Path:
    """A session that was recorded as ``s`` and is called ``copy`` now, as after an import."""
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(number) for number in range(FRAMES)])
    writer.close()
    (root / "s").rename(root / "copy")
    edit(root / "copy", lambda value: value.update(session_id="copy", renamed_from="s"))
    return root / "copy"


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the metadata with a script."""
    value = json.loads((folder / "metadata.json").read_text())
    change(value)
    (folder / "metadata.json").write_text(json.dumps(value))


def own_frame(number: int, session_id: str = "copy") -> FrameToWrite:
    """A frame that was made for the copy: its number is one that the original has, too."""
    return pending_frame(number, session_id=session_id, frame_id=f"frame-epoch-a-{100 + number}", seq=100 + number)


def go_on(disk: ScriptedDisk, folder: Path, *numbers: int) -> None:
    writer = SessionWriter.open(disk, folder.parent, folder.name)
    frames = [own_frame(number, folder.name) for number in numbers]
    assert not any(answer.duplicate for answer in writer.append(frames))
    assert all(answer.duplicate for answer in writer.append(frames))
    writer.close()


def severe(folder: Path) -> list[Finding]:
    return [finding for finding in check(folder) if finding.severity != "note"]


def frame_ids(folder: Path) -> list[str]:
    return [entry["frame_id"] for entry in json.loads((folder / "metadata.json").read_text())["sequence"]]


def test_a_copy_that_went_on_is_whole(disk: ScriptedDisk, copy: Path) -> None:
    go_on(disk, copy, *range(8))
    assert severe(copy) == []
    assert len(set(frame_ids(copy))) == FRAMES + 8


def test_a_frame_that_a_copy_lacks_is_missed(disk: ScriptedDisk, copy: Path) -> None:
    go_on(disk, copy, 0, 1, 4)
    assert [(finding.severity, finding.sentence) for finding in severe(copy)] == [
        ("lost", "frames 2 to 3 of epoch epoch-a were never recorded")
    ]


def test_an_image_that_is_gone_makes_no_gap_of_its_number(disk: ScriptedDisk, copy: Path) -> None:
    go_on(disk, copy, 0, 1)
    (copy / "0005_BR.png").unlink()
    assert [finding.file for finding in severe(copy)] == ["0005_BR.png"]


def test_one_frame_twice_is_found(disk: ScriptedDisk, copy: Path) -> None:
    go_on(disk, copy)
    (copy / "0006_BR.png").write_bytes((copy / "0005_BR.png").read_bytes())
    edit(copy, lambda value: value["sequence"].append({**value["sequence"][5], "index": 6, "filename": "0006_BR.png"}))
    assert any("recorded twice: frame frame-epoch-a-5" in finding.sentence for finding in severe(copy))


@pytest.mark.parametrize("names", [["copy"], ["copy", "again"], ["copy", "again", "third"]])
def test_frames_without_entries_get_them_back_whatever_the_folder_was_called(
    disk: ScriptedDisk, copy: Path, names: list[str]
) -> None:
    folder = copy
    for name in names:
        folder = folder.rename(copy.with_name(name))
        writer = SessionWriter.open(disk, folder.parent, name)
        first = 10 * len(frame_ids(folder))
        writer.append(
            [pending_frame(first + n, session_id=name, record_seq=n, frame_id=f"frame-{name}-{n}") for n in range(3)]
        )
        writer.close()
    wanted = frame_ids(folder)
    edit(folder, lambda value: value["sequence"].__delitem__(slice(-2, None)))
    repair(disk, folder)
    assert frame_ids(folder) == wanted
    (folder / "metadata.json").unlink()
    repair(disk, folder)
    assert frame_ids(folder) == wanted
    assert severe(folder) == []


def test_entries_that_lost_their_ids_are_known_by_their_images(disk: ScriptedDisk, copy: Path) -> None:
    """A script kept a few columns of each entry and wrote the rest back without them."""
    kept = ("index", "filename", "target_sector", "prompt", "timestamp")

    def narrow(value: dict[str, Any]) -> None:
        value["sequence"] = [{key: entry[key] for key in kept} for entry in value["sequence"]]

    edit(copy, narrow)
    writer = SessionWriter.open(disk, copy.parent, "copy")
    assert all(answer.duplicate for answer in writer.append([pending_frame(n) for n in range(FRAMES)]))
    assert not any(answer.duplicate for answer in writer.append([own_frame(n) for n in range(FRAMES)]))
    assert writer.recorded == 2 * FRAMES


def test_a_time_that_was_written_back_with_fewer_digits(disk: ScriptedDisk, root: Path) -> None:
    began = 1736155234.567891
    writer = SessionWriter.create(disk, root, "s", began)
    writer.append([pending_frame(number, created_at=began) for number in range(3)])
    writer.close()

    def as_jsonlite_does(value: dict[str, Any]) -> None:
        value["created_at"] = round(began, 4)
        del value["sequence"][-1]

    edit(root / "s", as_jsonlite_does)
    repair(disk, root / "s")
    assert len(frame_ids(root / "s")) == 3


def test_a_session_of_the_same_name_is_another_one() -> None:
    parent = {"session_id": "a", "created_at": 1000.0}
    assert is_parent(parent, {"session_id": "a", "created_at": 1000.0})
    assert is_parent(parent, {"session_id": "a"})
    assert is_parent({**parent, "session_id": "renamed"}, {"session_id": "a", "created_at": 1000.0})
    assert not is_parent(parent, {"session_id": "a", "created_at": 1000.5})
    assert not is_parent(parent, {"session_id": "b", "created_at": 1001.0})
    assert not is_parent(parent, {"session_id": "b"})
    assert not is_parent(parent, None)


def test_a_copy_laid_over_the_metadata_in_place_is_found_out(disk: ScriptedDisk, root: Path) -> None:
    """The inode stays, and the length: only the time of writing and the contents tell."""
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(number) for number in range(3)])
    path = root / "s" / "metadata.json"
    text = path.read_bytes()
    changed = text.replace(b"number 1 ", b"edited 1 ")
    assert len(changed) == len(text)
    path.write_bytes(changed)
    writer.append([pending_frame(3)])
    writer.close()
    prompts = [entry["prompt"] for entry in json.loads(path.read_text())["sequence"]]
    assert "edited 1" in prompts[1]
    assert len(prompts) == 4
    assert frame_ids(root / "s") == [f"frame-epoch-a-{number}" for number in range(4)]
