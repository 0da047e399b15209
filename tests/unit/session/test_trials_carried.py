"""Trials in archives, there and back; hostile ones; and trials in the spill."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import InvalidArchive, ParafoveaError
from shared.session.check import check
from shared.session.format.layout import SPILL
from shared.session.reading.sessions import details, list_sessions
from shared.session.transfer.export import Export
from shared.session.transfer.importing import stage_archive
from shared.session.transfer.staging import IMPORT, adopt, staging
from shared.session.writing.gaze_part import sort_part
from shared.session.writing.gaze_record import GazeRecord
from shared.session.writing.gaze_spill import clear_gaze_spill, read_gaze_spill, write_gaze_spill
from shared.session.writing.spill import claim
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld
from tests.support.frames import CREATED_AT
from tests.support.scripted_disk import Fault, ScriptedDisk
from tests.support.synthetic_trial import SyntheticTrial

Files = dict[str, bytes]


def record(root: Path, *trials: SyntheticTrial, is_open: bool = False) -> Path:
    """A session of trials alone, without a frame."""
    writer = SessionWriter.create(Disk(), root, "s", CREATED_AT)
    found = GazeRecord(Disk(), root / "s")
    for trial in trials:
        found.write(trial.part(), sort_part(trial.part()))
    if not is_open:
        writer.close()
    return root / "s"


def take_in(root: Path, archive: bytes, session_id: str | None = None) -> None:
    with staging(Disk(), root) as staged:
        imported = stage_archive(Disk(), staged, io.BytesIO(archive).read, session_id=session_id)
        adopt(Disk(), root, staged.name, imported.session_id)


def files(folder: Path) -> Files:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != "metadata.json"}


def severities(folder: Path) -> set[str]:
    return {finding.severity for finding in check(folder)} - {"note"}


def test_there_and_back(root: Path) -> None:
    folder = record(root, SyntheticTrial().whole(), SyntheticTrial("trial-b").whole(2))
    archive = b"".join(Export(root, "s").chunks())
    take_in(root, archive, "t")
    assert files(root / "t") == files(folder)
    assert severities(root / "t") == set()
    assert [summary.session_id for summary in list_sessions(root)] == ["s", "t"]
    said = details(root, list_sessions(root)[0])
    assert said.frames == 0
    assert said.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_session_that_goes_on_is_exported_as_far_as_all_is_there(root: Path) -> None:
    trial = SyntheticTrial().begin().change()
    folder = record(root, trial, is_open=True)
    (folder / "trials.jsonl").write_bytes(trial.file("trials.jsonl").splitlines(keepends=True)[0])
    (folder / "clocks.jsonl").unlink()
    with (folder / "eyes.jsonl").open("ab") as file:
        file.write(b'{"half')
    take_in(root, b"".join(Export(root, "s").chunks()), "t")
    assert (root / "t/gaze/0000.bin").stat().st_size < (folder / "gaze/0000.bin").stat().st_size
    assert severities(root / "t") == {"repairable"}, "it has no end, and nothing is missing before that"


def tar_of(contents: Files) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in contents.items():
            info = tarfile.TarInfo(f"s/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def with_end(name: str, end: bytes) -> Callable[[Files], None]:
    return lambda contents: contents.update({name: contents[name] + end})


def altered(name: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def change(contents: Files) -> None:
        assert old in contents[name]
        contents[name] = contents[name].replace(old, new, 1)

    return change


LONG = b'{"pad":"' + b"x" * (4 << 20) + b'"}\n'


@pytest.mark.parametrize(
    "change",
    [
        with_end("trials.jsonl", b"{"),
        with_end("trials.jsonl", b"{}\n"),
        with_end("trials.jsonl", b'[[[["\n'),
        with_end("eyes.jsonl", LONG),
        with_end("gaze/0000.bin", b"1"),
        with_end("gaze/0000.bin", b"\xff" * 48),
        with_end("gaze/gaze.json", b"}"),
        altered("trials.jsonl", b'"t_ns":', b'"t_ns":-'),
        altered("trials.jsonl", b'"id":"5/0"', b'"id":"99999999999999999"'),
        altered("trials.jsonl", b'"id":"5/0"', b'"id":"0"'),
        altered("trials.jsonl", b'"sector":"TL"', b'"sector":"XX"'),
        altered("gaze/gaze.json", b'"sha256": "', b'"sha256": "0'),
        lambda contents: contents.update({"gaze/0000.bin": contents["gaze/0000.bin"][:-48]}),
        lambda contents: contents.pop("gaze/0000.bin"),
        lambda contents: contents.update({"gaze/00000.bin": b""}),
        lambda contents: contents.update({"gaze/notes.txt": b""}),
        lambda contents: contents.update({"gaze": b""}),
        lambda contents: contents.update({"gaze/trials.jsonl": b""}),
    ],
)
def test_what_is_refused_leaves_nothing(root: Path, change: Callable[[Files], object]) -> None:
    folder = record(root, SyntheticTrial().whole())
    contents = files(folder) | {"metadata.json": (folder / "metadata.json").read_bytes()}
    take_in(root, tar_of(contents), "whole")
    change(contents)
    with pytest.raises((InvalidArchive, OSError)):
        take_in(root, tar_of(contents), "bad")
    assert sorted(path.name for path in root.iterdir()) == ["s", "whole"]
    assert not (root / IMPORT).exists()


def test_too_long_a_file_is_refused_before_it_is_written(root: Path) -> None:
    info = tarfile.TarInfo("s/gaze/0000.bin")
    info.size = (64 << 20) + 48
    with pytest.raises(ParafoveaError, match="not a file of a session"):
        take_in(root, info.tobuf())


def test_trials_that_lost_something_before_are_taken_in(root: Path) -> None:
    trial = SyntheticTrial().whole()
    folder = record(root)
    found = GazeRecord(Disk(), folder)
    for part in (trial.part(0, 20), trial.part(30)):
        found.write(part, sort_part(part))
    take_in(root, b"".join(Export(root, "s").chunks()), "t")
    assert severities(root / "t") == {"lost"}


# -- the spill --------------------------------------------------------------------------------------------------------


def test_the_spill_gives_what_was_put_in_in_its_order(disk: ScriptedDisk, root: Path) -> None:
    trial, other = SyntheticTrial("trial-b").whole(), SyntheticTrial("trial-a").whole()
    parts = [trial.part(0, 20), trial.part(20), other.part()]
    assert write_gaze_spill(disk, root, parts) == 3
    assert [spilled.load() for spilled in read_gaze_spill(root)] == parts
    assert write_gaze_spill(disk, root, parts[:1]) == 1
    assert len(read_gaze_spill(root)) == 3, "the same part once"
    for spilled in read_gaze_spill(root):
        spilled.path.unlink()
    clear_gaze_spill(disk, root)
    assert not (root / SPILL).exists()


def test_a_torn_file_of_the_spill_is_told_and_stays(disk: ScriptedDisk, root: Path) -> None:
    write_gaze_spill(disk, root, [SyntheticTrial().whole().part()])
    (spilled,) = read_gaze_spill(root)
    whole = spilled.path.read_bytes()
    spilled.path.write_bytes(whole[:-5])
    with pytest.raises(ValueError, match="torn"):
        spilled.load()
    spilled.path.write_bytes(whole[:40])
    assert read_gaze_spill(root) == []
    assert spilled.path.exists()


def test_a_spill_that_is_being_written_is_not_read(disk: ScriptedDisk, root: Path) -> None:
    write_gaze_spill(disk, root, [])
    with claim(root), pytest.raises(AlreadyHeld):
        read_gaze_spill(root)
    assert read_gaze_spill(root.parent / "nothing") == []


def test_a_part_that_cannot_be_spilled_does_not_keep_the_others(disk: ScriptedDisk, root: Path) -> None:
    root.mkdir(parents=True)
    write_gaze_spill(disk, root, [])
    disk.arm(Fault(1, "error"))
    parts = [SyntheticTrial("trial-a").whole().part(), SyntheticTrial("trial-b").whole().part()]
    assert write_gaze_spill(disk, root, parts) == 1
    assert [spilled.load().trial_id for spilled in read_gaze_spill(root)] == ["trial-b"]
