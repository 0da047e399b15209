"""The journal of a generator: what was made outlives it by name, and nothing of it stays where nothing is open."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import pytest

from shared.frame import FrameKey
from shared.session.writing import journal as journals
from shared.session.writing.journal import Journal, JournaledFrame, LeftJournal, read_left, remove_left
from shared.system.disk import Disk
from tests.support.scripted_disk import Fault, ScriptedDisk


def made(number: int, *, answered: bool = True, epoch: str = "e") -> JournaledFrame:
    key = FrameKey(session_id="s", epoch=epoch, record_seq=number, frame_id=f"{epoch}-{number}")
    return JournaledFrame(key, answered)


def file_of(root: Path, epoch: str = "e") -> Path:
    return root / ".journal" / f"{epoch}.jsonl"


def left(root: Path, living: str | None = None) -> list[LeftJournal]:
    found, unsure = read_left(root, living)
    assert not unsure
    return found


def killed(journal: Journal) -> None:
    """What a death leaves: the file, and the lock that nobody holds."""
    journal.close()


def test_frames_outlive_their_generator_by_name(disk: ScriptedDisk, root: Path) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0), made(1), made(2, answered=False)])
    journal.write([made(3)], ["e-1", "unknown"])
    killed(journal)
    (found,) = left(root)
    assert list(found.frames) == [made(0), made(2, answered=False), made(3)]
    assert not found.damaged
    remove_left(disk, root, found)
    assert not (root / ".journal").exists()


def test_a_generator_that_lives_is_left_alone(disk: ScriptedDisk, root: Path) -> None:
    journal, other = Journal(disk, root, "e"), Journal(disk, root, "ended")
    journal.write([made(0)])
    other.write([made(0, epoch="ended")])
    killed(other)
    found, unsure = read_left(root, None)
    assert [each.path.stem for each in found] == ["ended"]
    assert unsure == {"e"}, "it may end"
    assert read_left(root, "e")[1] == set(), "its successor is not to be waited for"
    journal.write([made(1)])
    killed(journal)
    assert [len(each.frames) for each in left(root, "ended")] == [2]


def test_nothing_stays_where_nothing_is_open(disk: ScriptedDisk, root: Path) -> None:
    unused = Journal(disk, root, "unused")
    unused.close()
    assert not root.exists() or not (root / ".journal").exists()
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    journal.write((), ["e-0"])
    assert file_of(root).exists()
    journal.close()
    assert not (root / ".journal").exists()


def test_what_the_disk_refused_is_written_with_the_next(disk: ScriptedDisk, root: Path) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    disk.arm(Fault(0, "error", errno.ENOSPC, lasting=True))
    for number in (1, 2):
        with pytest.raises(OSError, match="No space"):
            journal.write([made(number)], ["e-0"])
    disk.arm(None)
    journal.write()
    killed(journal)
    assert list(left(root)[0].frames) == [made(1), made(2)]


def test_a_folder_that_vanishes_is_made_again_with_all_that_is_open(disk: ScriptedDisk, root: Path) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    disk.rename(root, root.with_name("elsewhere"))
    journal.write([made(1)])
    assert read_left(root, None)[1] == {"e"}, "it is locked there too"
    killed(journal)
    assert list(left(root)[0].frames) == [made(0), made(1)]


def test_it_is_bounded(disk: ScriptedDisk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_COMPACT_LINES", 20)
    monkeypatch.setattr(journals, "LIMIT", 5)
    journal = Journal(disk, root, "e")
    for number in range(100):
        journal.write([made(number)], [f"e-{number - 2}"])
    assert file_of(root).read_bytes().count(b"\n") < 60
    for number in range(100, 120):
        journal.write([made(number)])
    killed(journal)
    assert [frame.key.record_seq for frame in left(root)[0].frames] == [115, 116, 117, 118, 119]


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_write_that_is_refused_leaves_nothing_half_made(disk: ScriptedDisk, root: Path, step: int) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    file_of(root).unlink()
    disk.arm(Fault(step, "error", errno.ENOSPC))
    with suppress(OSError):
        journal.write([made(1)])
    disk.arm(None)
    assert {path.name for path in (root / ".journal").iterdir()} <= {"e.jsonl", "e.lock"}
    journal.write()
    killed(journal)
    assert list(left(root)[0].frames) == [made(0), made(1)]


def test_what_a_death_left_half_written_goes_with_its_journal(disk: ScriptedDisk, root: Path) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    killed(journal)
    (root / ".journal" / ".tmp-e.jsonl").write_bytes(b'{"add"')
    (found,) = left(root)
    remove_left(disk, root, found)
    assert not (root / ".journal").exists()


def test_a_torn_last_line_costs_itself_only(disk: ScriptedDisk, root: Path) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    killed(journal)
    file_of(root).write_bytes(file_of(root).read_bytes() + b'{"add": {"session_')
    (found,) = left(root)
    assert list(found.frames) == [made(0)]
    assert not found.damaged


@pytest.mark.parametrize("odd", [b"\xff\xfe nonsense\n", b"{}\n", b"[1]\n", b'{"gone": 5}\n', b'{"add": {}}\n'])
def test_what_is_no_journal_is_kept_for_a_human(disk: ScriptedDisk, root: Path, odd: bytes) -> None:
    journal = Journal(disk, root, "e")
    journal.write([made(0), made(1)])
    killed(journal)
    spoilt = odd + file_of(root).read_bytes()
    file_of(root).write_bytes(spoilt)
    (found,) = left(root)
    assert list(found.frames) == [made(0), made(1)]
    assert found.damaged
    remove_left(disk, root, found)
    assert (root / ".aside" / "journal-e.jsonl").read_bytes() == spoilt
    assert left(root) == []


def test_a_folder_in_its_place_is_kept_for_a_human(disk: ScriptedDisk, root: Path) -> None:
    file_of(root).mkdir(parents=True)
    (found,) = left(root)
    assert (list(found.frames), found.damaged) == ([], True)
    remove_left(disk, root, found)
    assert (root / ".aside" / "journal-e.jsonl").is_dir()


def test_a_file_system_without_locks(disk: ScriptedDisk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(journals, "Holder", no_locks)
    journal = Journal(disk, root, "e")
    journal.write([made(0)])
    journal.write([made(1)])
    assert read_left(root, None) == ([], {"e"}), "nobody knows whether it lives"
    assert read_left(root, "e") == ([], set())
    assert [len(each.frames) for each in left(root, "its successor")] == [2]
    journal.close()


def test_what_the_api_kept_before_is_read_too(root: Path) -> None:
    folder = root / ".answered"
    folder.mkdir(parents=True)
    lines = (made(number).key.model_dump_json() for number in range(2))
    (folder / "pending.jsonl").write_text("".join(f'{{"add": {line}}}\n' for line in lines) + '{"gone": ["e-1"]}\n')
    (found,) = left(root)
    assert list(found.frames) == [made(0)]
    remove_left(Disk(), root, found)
    assert not folder.exists()
