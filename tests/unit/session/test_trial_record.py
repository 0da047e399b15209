"""The record of trials on disk: once, in order, whatever breaks off, and checked."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.json_loads import loads
from shared.session.check import Finding, check
from shared.session.format import trial_files
from shared.session.format.trial_files import GazeIndex
from shared.session.writing.gaze_part import HeldPart, UnusablePart, sort_part
from shared.session.writing.gaze_record import INTERRUPTED, ClosedTrial, GazeRecord
from shared.session.writing.gaze_repair import repair_trials
from shared.session.writing.gaze_tails import Changed
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame, tiny_png
from tests.support.scripted_disk import Died, Fault, ScriptedDisk
from tests.support.synthetic_trial import BEGIN_NS, PROMPT, SEED, SyntheticTrial

LINES = ("trials.jsonl", "eyes.jsonl", "clocks.jsonl")


@pytest.fixture
def folder(disk: ScriptedDisk, root: Path) -> Path:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    writer.append([pending_frame(0, input=tiny_png(), prompt=PROMPT, seed=SEED)])
    writer.close()
    return root / "s"


def write(disk: Disk, folder: Path, parts: list[HeldPart]) -> GazeRecord:
    record = GazeRecord(disk, folder)
    for part in parts:
        record.write(part, sort_part(part))
    return record


def holds(folder: Path, *trials: SyntheticTrial) -> bool:
    """Whether the files hold these trials and nothing else."""
    found = b"".join(path.read_bytes() for path in sorted(folder.glob("gaze/*.bin")))
    records = found == b"".join(trial.all_records for trial in trials)
    texts = {name: (folder / name).read_bytes() if (folder / name).exists() else b"" for name in LINES}
    return records and all(text == b"".join(trial.file(name) for trial in trials) for name, text in texts.items())


def index(folder: Path) -> GazeIndex:
    return GazeIndex.decode((folder / "gaze/gaze.json").read_bytes())


def severe(folder: Path) -> list[Finding]:
    return [finding for finding in check(folder) if finding.severity != "note"]


def test_a_trial_in_parts(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole(2)
    record = write(disk, folder, trial.parts(7))
    assert holds(folder, trial)
    assert record.has("trial-a")
    assert severe(folder) == []
    (segment,) = index(folder).segments
    assert (segment.trial_id, segment.first_record, segment.records) == ("trial-a", 0, len(trial.records))
    assert (segment.first_n, segment.ended) == (1, "complete")
    assert segment.about["source"] == "simulated:1"
    said = loads((folder / "gaze/gaze.json").read_bytes())
    assert said["record_bytes"] == 48
    assert said["columns"][0]["name"] == "n"
    assert said["files"]["0000.bin"]["bytes"] == len(trial.all_records)


def test_the_index_is_not_written_with_every_part(disk: ScriptedDisk, folder: Path) -> None:
    parts = SyntheticTrial().whole(4).parts(5)
    before = disk.steps().count("rename")
    write(disk, folder, parts)
    assert disk.steps().count("rename") - before == 2, "at the begin and at the end"


def test_samples_come_before_steps_and_each_file_is_synced_once(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole()
    record = GazeRecord(disk, folder)
    record.write(trial.part(0, 5), sort_part(trial.part(0, 5)))
    disk.log.clear()
    rest = trial.part(5)
    record.write(rest, sort_part(rest))
    synced = [name for step, name in disk.log if step == "fsync"]
    assert synced[:4] == ["0000.bin", "eyes.jsonl", "clocks.jsonl", "trials.jsonl"]


def test_what_comes_again_is_not_written_twice(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole(2)
    parts = trial.parts(9)
    write(disk, folder, [part for part in parts for _ in range(2)])
    write(disk, folder, parts)
    write(disk, folder, [trial.part()])
    assert holds(folder, trial)


def test_two_trials_and_one_without_samples(disk: ScriptedDisk, folder: Path) -> None:
    one, other = SyntheticTrial("trial-a").whole(), SyntheticTrial("trial-c").whole()
    empty = SyntheticTrial("trial-b").begin().end()
    write(disk, folder, [one.part(), empty.part(), *other.parts(11)])
    assert holds(folder, one, empty, other)
    assert severe(folder) == []
    (folder / "gaze/gaze.json").unlink()
    assert [finding.severity for finding in severe(folder)] == ["repairable"]
    repair_trials(disk, folder)
    assert severe(folder) == []
    records = {segment.trial_id: segment.records for segment in index(folder).segments}
    assert records == {"trial-a": len(one.records), "trial-b": 0, "trial-c": len(other.records)}


def test_files_of_samples_that_are_full(disk: ScriptedDisk, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_files, "MAX_SAMPLES_BYTES", 48 * 10)
    trial = SyntheticTrial().whole()
    write(disk, folder, trial.parts(13))
    assert holds(folder, trial)
    sizes = [path.stat().st_size for path in sorted(folder.glob("gaze/*.bin"))]
    assert set(sizes[:-1]) == {480}
    assert len(index(folder).segments) == len(sizes) == len(index(folder).files)
    assert severe(folder) == []
    (folder / "gaze/gaze.json").unlink()
    repair_trials(disk, folder)
    assert severe(folder) == []


def broken(trial: SyntheticTrial, root: Path, fault: Fault) -> Iterator[Path]:
    """The session after a fault at each step of the writing of a trial, until there is no more step."""
    for at in range(400):
        folder = root / f"s{at}"
        SessionWriter.create(ScriptedDisk(), root, folder.name, CREATED_AT).close()
        disk = ScriptedDisk()
        disk.arm(Fault(at, fault.kind, fault.number, fault.lasting))
        try:
            write(disk, folder, trial.parts(20))
        except (Died, OSError):
            yield folder
            continue
        return
    raise AssertionError("no end")


@pytest.mark.parametrize("kind", ["die", "die-after", "torn", "error", "short"])
def test_a_death_or_an_error_at_any_step_loses_and_doubles_nothing(root: Path, kind: str) -> None:
    trial = SyntheticTrial().whole()
    count = 0
    for folder in broken(trial, root, Fault(0, kind)):  # type: ignore[arg-type]
        record = GazeRecord(Disk(), folder)
        from_n = record.next_n if record.trial_id == trial.trial_id else 0
        parts = [part for part in trial.parts(20) if part.next_n > from_n]
        for part in [trial.part(from_n, parts[0].next_n), *parts[1:]] if parts else []:
            record.write(part, sort_part(part))
        assert holds(folder, trial), folder
        assert severe(folder) == [], folder
        count += 1
    assert count > 20 or kind == "short"


def test_half_written_ends_are_cut(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole()
    write(disk, folder, [trial.part(0, 30)])
    for name in ("gaze/0000.bin", "trials.jsonl", "eyes.jsonl"):
        with (folder / name).open("ab") as file:
            file.write(b'{"v": 1')
    assert {finding.file for finding in severe(folder)} >= {"gaze/0000.bin", "trials.jsonl", "eyes.jsonl"}
    write(disk, folder, [trial.part(20)])
    assert holds(folder, trial)
    assert severe(folder) == []


def test_a_trial_whose_process_died(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().begin().change()
    record = write(disk, folder, [trial.part()])
    record.close_trial()
    record.close_trial()
    end = loads((folder / "trials.jsonl").read_bytes().splitlines()[-1])
    assert (end["n"], end["outcome"], end["by"], end["reason"]) == (
        trial.next_n,
        "interrupted",
        "recorder",
        INTERRUPTED,
    )
    assert end["time"] == pytest.approx(1_800_000_000.0 + (trial.t_ns - BEGIN_NS) / 1e9)
    assert severe(folder) == []
    (gap,) = index(folder).gaps
    assert (gap["after_n"], gap["after_t_ns"]) == (trial.next_n - 1, trial.t_ns)


@pytest.mark.parametrize("is_read_again", [False, True])
def test_what_comes_of_a_closed_trial_after_all_wins(disk: ScriptedDisk, folder: Path, is_read_again: bool) -> None:
    trial = SyntheticTrial().begin().change()
    record = write(disk, folder, [trial.part()])
    from_n = trial.next_n
    record.close_trial()
    if is_read_again:
        record = GazeRecord(disk, folder)
    trial.change().end()
    record.write(trial.part(from_n), sort_part(trial.part(from_n)))
    assert holds(folder, trial)
    assert index(folder).gaps == []
    assert severe(folder) == []


def test_a_closed_trial_stays_so_behind_the_next(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial("trial-a").begin().change()
    record = write(disk, folder, [trial.part(), SyntheticTrial("trial-b").whole().part()])
    assert severe(folder) == [], "it was closed when the next one came"
    trial.end()
    for again in (record, GazeRecord(disk, folder)):
        with pytest.raises(ClosedTrial):
            again.write(trial.part(40), sort_part(trial.part(40)))


def test_inputs_that_never_came(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole()
    write(disk, folder, [trial.part(0, 20), trial.part(30)])
    assert [finding.severity for finding in severe(folder)].count("lost")
    assert "inputs 20 to 29 are missing" in " ".join(finding.sentence for finding in severe(folder))
    assert index(folder).gaps[0]["after_n"] == 19


def test_a_file_that_another_hand_changed(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole()
    record = write(disk, folder, [trial.part(0, 30)])
    (folder / "trials.jsonl").write_bytes((folder / "trials.jsonl").read_bytes()[:-10])
    with pytest.raises(Changed):
        record.write(trial.part(30), sort_part(trial.part(30)))
    write(disk, folder, [trial.part(0)])
    assert holds(folder, trial)


def test_a_full_disk_leaves_the_files_as_they_were(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole()
    record = write(disk, folder, [trial.part(0, 30)])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    disk.arm(Fault(2, "error", errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        record.write(trial.part(30), sort_part(trial.part(30)))
    disk.arm(None)
    assert before["gaze/0000.bin" and folder / "gaze/0000.bin"] == (folder / "gaze/0000.bin").read_bytes()
    write(disk, folder, [trial.part(30)])
    assert holds(folder, trial)


@pytest.mark.parametrize(
    "change",
    [
        {"records": b"123"},
        {"next_n": 3},
        {"from_n": 1},
        {"lines": b"[]\n"},
        {"lines": b"{}\n"},
        {"trial_id": "another"},
        {"records": b""},
    ],
)
def test_a_part_that_is_none(change: dict[str, object]) -> None:
    part = SyntheticTrial().whole().part()
    values = {name: getattr(part, name) for name in HeldPart.__slots__} | change
    with pytest.raises(UnusablePart):
        sort_part(HeldPart(**values))


# -- check and repair -------------------------------------------------------------------------------------------------


def edit(path: Path, old: bytes, new: bytes) -> None:
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))


def lost(folder: Path) -> str:
    return " | ".join(finding.sentence for finding in check(folder) if finding.severity == "lost")


def test_what_check_finds_lost(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().whole()
    write(disk, folder, [trial.part()])
    steps, samples = folder / "trials.jsonl", folder / "gaze/0000.bin"
    text, records = steps.read_bytes(), samples.read_bytes()

    def said(new_text: bytes | None = None, new_records: bytes | None = None) -> str:
        steps.write_bytes(new_text or text)
        samples.write_bytes(new_records or records)
        found = lost(folder)
        steps.write_bytes(text)
        samples.write_bytes(records)
        return found

    each = text.splitlines(keepends=True)
    assert said() == ""
    assert "input 0 is missing" in said(b"".join(each[1:]))
    assert "its beginning is missing" in said(b"".join(each[1:]))
    assert "comes without" in said(b"".join([*each[:1], *each[2:]]))
    assert "which is not there" in said(text.replace(b'"caused_by":"5/0"', b'"caused_by":"5/7"'))
    assert "which is not there" in said(text.replace(b'"caused_by":"5/0"', b'"caused_by":"99"'))
    assert "cannot be understood" in said(text.replace(b"{", b"[", 1))
    assert "the time falls" in said(text.replace(b'"t_ns":50', b'"t_ns":1', 1).replace(b'"t_ns":51', b'"t_ns":1', 1))
    assert "line 2" in said(text.replace(b'"sector":"TL"', b'"sector":"XX"'))
    assert "altered" in said(new_records=records[:-1] + b"\x01")
    assert "is missing" in said(new_records=records[48:])
    assert "belong to no trial" in said(new_records=records + records[:48])
    assert "twice" in said(text + each[-1])


def test_notes_are_no_faults(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial(frame_id="frame-of-nobody").whole()
    write(disk, folder, [trial.part()])
    edit(folder / "trials.jsonl", b'"step":"ready"', b'"step":"gleam"')
    notes = " ".join(finding.sentence for finding in check(folder))
    assert "does not have its frame frame-of-nobody" in notes
    assert "steps of a newer version: 'gleam'" in notes
    # It was recorded so by nobody: the lines have a hash.
    assert [finding.sentence[:7] for finding in severe(folder)] == ["altered"]


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_gone_or_altered_is_found(disk: ScriptedDisk, folder: Path, name: str) -> None:
    write(disk, folder, [SyntheticTrial().whole().part()])
    assert severe(folder) == []
    text = (folder / name).read_bytes()
    (folder / name).write_bytes(b"".join(text.splitlines(keepends=True)[:-1]))
    assert "lost" in {finding.severity for finding in severe(folder) if finding.file == name}
    (folder / name).write_bytes(text.replace(b'"t_ns":5', b'"t_ns":6', 1))
    assert "lost" in {finding.severity for finding in severe(folder) if finding.file == name}


def test_repair_ends_trials_cuts_ends_and_makes_the_index_anew(disk: ScriptedDisk, folder: Path) -> None:
    trial = SyntheticTrial().begin().change()
    write(disk, folder, [trial.part()])
    with (folder / "eyes.jsonl").open("ab") as file:
        file.write(b"{")
    (folder / "gaze/gaze.json").write_bytes(b"{}")
    assert {finding.severity for finding in severe(folder)} == {"repairable"}
    did = repair_trials(disk, folder)
    assert len(did) == 3
    assert severe(folder) == []
    assert repair_trials(disk, folder) == []
    assert loads((folder / "repairs.jsonl").read_bytes())["did"] == did
    end = loads((folder / "trials.jsonl").read_bytes().splitlines()[-1])
    assert (end["by"], end["n"]) == ("repair", trial.next_n)
    assert index(folder).segments[0].ended == "interrupted"
    assert index(folder).gaps[0]["after_n"] == trial.next_n - 1


def test_repair_hides_nothing_that_was_altered(disk: ScriptedDisk, folder: Path) -> None:
    write(disk, folder, [SyntheticTrial().whole().part()])
    samples = folder / "gaze/0000.bin"
    samples.write_bytes(samples.read_bytes()[:-1] + b"\x01")
    repair(disk, folder)
    repair_trials(disk, folder)
    assert "altered" in lost(folder)


def test_a_trial_that_goes_on(disk: ScriptedDisk, root: Path) -> None:
    SessionWriter.create(disk, root, "s", CREATED_AT)
    folder, trial = root / "s", SyntheticTrial().begin().change()
    record = GazeRecord(disk, folder)
    for part in trial.parts(5):
        record.write(part, sort_part(part))
        assert severe(folder) == []
    (folder / "trials.jsonl").write_bytes(trial.file("trials.jsonl").splitlines(keepends=True)[0])
    (folder / "clocks.jsonl").unlink()
    assert severe(folder) == [], "what belongs before the last samples may be on its way"
    assert repair_trials(disk, folder, living=["trial-a"]) == []
    assert repair_trials(disk, root / "nothing") == []
