"""What a researcher's script adds to a session is understood, served, and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.session.check import check, exit_code
from shared.session.format.entries import Entry
from shared.session.format.jsontext import decode
from shared.session.reading.reader import SessionReader
from shared.session.reading.sessions import details, list_sessions
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, input_image, pending_frame
from tests.support.hands import ADDED, EXACT, LOSSY, PLAIN, Writer, annotate, same
from tests.support.metadata import snapshot
from tests.support.scripted_disk import ScriptedDisk

FRAMES = 4
HANDS = {**EXACT, **LOSSY}


@pytest.fixture
def folder(disk: ScriptedDisk, root: Path) -> Path:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    for number in range(FRAMES):
        writer.append([pending_frame(number, input=input_image(number))])
    writer.close()
    return root / "s"


@pytest.fixture(params=sorted(HANDS))
def hand(request: pytest.FixtureRequest) -> Writer:
    return HANDS[request.param]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_times_that_r_rounds_are_no_alteration(disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT + 0.123456)
    writer.append([pending_frame(0, created_at=CREATED_AT + 0.123456)])
    writer.close()
    annotate(root / "s" / "metadata.json", LOSSY["jsonlite"], PLAIN)
    assert exit_code(check(root / "s")) == 0


def loaded(path: Path) -> Any:
    return json.loads(path.read_bytes())


def test_reading_understands_it_and_writes_nothing(folder: Path, root: Path, hand: Writer) -> None:
    annotate(folder / "metadata.json", hand, ADDED)
    before = files(folder)
    with SessionReader(folder) as reader:
        assert reader.count == FRAMES
        assert reader.created_at == CREATED_AT
        entries = list(reader.entries())
        assert [entry.index for entry in entries] == list(range(FRAMES))
        assert [entry.seed for entry in entries] == list(range(FRAMES))
        assert [reader.position_of(index) for index in range(FRAMES)] == list(range(FRAMES))
        for number, entry in enumerate(entries):
            assert reader.frame_bytes(entry) == pending_frame(number, input=input_image(number)).png
            orjson.dumps(entry.fields)  # any writer can pass it on
        assert not reader.tail.open
        assert not reader.tail.interrupted
    (summary,) = list_sessions(root)
    assert (summary.created_at, details(root, summary).frames) == (CREATED_AT, FRAMES)
    assert exit_code(check(folder)) == 0
    assert files(folder) == before


def test_what_is_served_any_parser_reads(folder: Path, root: Path, hand: Writer) -> None:
    data = annotate(folder / "metadata.json", hand, ADDED)
    taken = snapshot(root, "s")
    sent = b"".join(taken.chunks())
    assert len(sent) == taken.size
    value = orjson.loads(sent)  # strict: no NaN, no lone surrogate, no mark
    told = json.loads(decode(data))
    assert list(value) == list(told)
    assert [list(entry) for entry in value["sequence"]] == [list(entry) for entry in told["sequence"]]
    assert [entry["trial"] for entry in value["sequence"]] == [entry["trial"] for entry in told["sequence"]]


def test_strict_json_is_served_as_it_stands(folder: Path, root: Path) -> None:
    for name in ("json.dump indent=4", "compact", "json.dump ensure_ascii=False", "with CRLF"):
        data = annotate(folder / "metadata.json", EXACT[name], PLAIN)
        assert b"".join(snapshot(root, "s").chunks()) == data


def test_nan_and_half_characters_are_null_and_replaced_where_it_is_served(folder: Path, root: Path) -> None:
    for name in sorted(EXACT):
        annotate(folder / "metadata.json", EXACT[name], ADDED)
        value = orjson.loads(b"".join(snapshot(root, "s").chunks()))
        entry = value["sequence"][1]
        assert (entry["reaction_time_s"], entry["limits"]) == (None, [None, None])
        assert entry["cut"].startswith("half a \ufffd")
        assert (entry["rating"], entry["comment"]) == (ADDED["rating"], ADDED["comment"])
        assert b"123456789012345678901234567890" in b"".join(snapshot(root, "s").chunks())
        annotate(folder / "metadata.json", EXACT["compact"], PLAIN)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_recording_on_keeps_every_key_and_value_and_the_file_beside(
    folder: Path, disk: ScriptedDisk, root: Path, name: str
) -> None:
    data = annotate(folder / "metadata.json", EXACT[name], ADDED)
    told = json.loads(decode(data))
    writer = SessionWriter.open(disk, root, "s")
    (done,) = writer.append([pending_frame(FRAMES)])
    writer.close()
    assert done.index == FRAMES
    value = loaded(folder / "metadata.json")
    assert same(value["sequence"][:FRAMES], told["sequence"])
    assert same(value["participant"], told["participant"])
    assert value["sequence"][FRAMES]["index"] == FRAMES
    assert "interrupted" not in value
    assert "open" not in value
    (kept,) = folder.glob("metadata.json.before-repair-*")
    assert kept.read_bytes() == data
    assert exit_code(check(folder)) == 0
    again = SessionWriter.open(disk, root, "s")
    again.append([pending_frame(FRAMES + 1)])
    again.close()
    assert same(loaded(folder / "metadata.json")["sequence"][:FRAMES], told["sequence"])
    assert len(list(folder.glob("metadata.json.before-repair-*"))) == 1, "it is laid out as ours now"


@pytest.mark.parametrize("name", sorted(LOSSY))
def test_recording_on_behind_r_and_javascript(folder: Path, disk: ScriptedDisk, root: Path, name: str) -> None:
    data = annotate(folder / "metadata.json", LOSSY[name], PLAIN)
    told = json.loads(data)
    writer = SessionWriter.open(disk, root, "s")
    writer.append([pending_frame(FRAMES)])
    writer.close()
    assert same(loaded(folder / "metadata.json")["sequence"][:FRAMES], told["sequence"])
    with SessionReader(folder) as reader:
        assert [entry.index for entry in reader.entries()] == list(range(FRAMES + 1))
        assert not reader.tail.interrupted


def test_numbers_stay_as_they_are_written(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    """Also those that no parser of ours holds exactly."""
    path = folder / "metadata.json"
    text = json.dumps(loaded(path), indent=2).replace(
        '"seed": 2', '"p": 0.10000000000000000000001, "n": 1e400, "seed": 2'
    )
    path.write_text(text)
    writer = SessionWriter.open(disk, root, "s")
    writer.append([pending_frame(FRAMES)])
    writer.close()
    assert b'"p":0.10000000000000000000001,"n":1e400,"seed":2' in path.read_bytes()


@pytest.mark.parametrize("name", sorted(EXACT))
def test_a_script_that_writes_while_it_is_recorded(folder: Path, disk: ScriptedDisk, root: Path, name: str) -> None:
    writer = SessionWriter.open(disk, root, "s")
    writer.append([pending_frame(FRAMES)])
    path = folder / "metadata.json"
    stale = loaded(path)
    writer.append([pending_frame(FRAMES + 1)])  # the script has not seen this one
    for entry in stale["sequence"]:
        entry.update(ADDED)
    path.write_bytes(EXACT[name](stale))
    writer.append([pending_frame(FRAMES + 2)])
    writer.close()
    value = loaded(path)
    assert [entry["index"] for entry in value["sequence"]] == list(range(FRAMES + 3))
    assert same([{**entry, **ADDED} for entry in value["sequence"][: FRAMES + 1]], stale["sequence"])
    assert "interrupted" not in value
    history = folder / "repairs.jsonl"
    assert b"interrupted" not in history.read_bytes()
    assert exit_code(check(folder)) == 0


def test_a_script_that_writes_in_the_same_length(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.open(disk, root, "s")
    writer.append([pending_frame(FRAMES)])
    path = folder / "metadata.json"
    compact = EXACT["compact"](loaded(path))
    path.write_bytes(compact.ljust(path.stat().st_size))
    writer.append([pending_frame(FRAMES + 1)])
    writer.close()
    assert [entry["index"] for entry in loaded(path)["sequence"]] == list(range(FRAMES + 2))


def test_a_script_that_is_in_the_midst_of_writing_is_waited_for(folder: Path, disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.open(disk, root, "s")
    path = folder / "metadata.json"
    value = loaded(path)
    value["sequence"][0].update(ADDED)
    data = EXACT["json.dump indent=4"](value)
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        with pytest.raises(OSError, match="another hand"):
            writer.append([pending_frame(FRAMES)])
        file.write(data[len(data) // 2 :])
    writer.append([pending_frame(FRAMES)])
    writer.close()
    assert same({**loaded(path)["sequence"][0], **ADDED}, value["sequence"][0])
    assert len(loaded(path)["sequence"]) == FRAMES + 1


def test_keys_of_the_owner_survive_the_loss_of_the_rest(folder: Path, disk: ScriptedDisk) -> None:
    """A file cut off half-way: the whole entries stay as they are, and the rest is made again from the images."""
    path = folder / "metadata.json"
    data = annotate(path, EXACT["json.dump indent=2"], ADDED)
    cut = data[: data.index(b'"index": 2')]
    path.write_bytes(cut)
    assert exit_code(check(folder)) == 1
    assert path.read_bytes() == cut
    repair(disk, folder)
    value = loaded(path)
    told = json.loads(data)["sequence"]
    assert same(value["sequence"][:2], told[:2])
    assert [entry["index"] for entry in value["sequence"]] == list(range(FRAMES))
    assert "interrupted" not in value
    (kept,) = folder.glob("metadata.json.before-repair-*")
    assert kept.read_bytes() == cut
    assert exit_code(check(folder)) == 0
    path.write_bytes(data[: data.index(b'"index": 1')])
    repair(disk, folder)
    assert len(list(folder.glob("metadata.json.before-repair-*"))) == 2, "none is written over"


@pytest.mark.parametrize("at", ["}", '"', ":", "2", ","])
def test_a_slip_in_one_entry_costs_no_other(folder: Path, disk: ScriptedDisk, root: Path, at: str) -> None:
    """Somebody edits an entry by hand, and leaves something out."""
    path = folder / "metadata.json"
    lines = path.read_bytes().decode().split("\n")
    number = next(number for number, line in enumerate(lines) if '"index":2' in line)
    lines[number] = lines[number].replace(at, "", 1) if at != "}" else lines[number].rstrip("},")
    text = "\n".join(lines)
    path.write_text(text)
    with SessionReader(folder, salvage=True) as reader:
        readable = [entry.index for entry in reader.each() if isinstance(entry, Entry)]
        assert {0, 1, 3} <= set(readable)
        assert reader.file_of(2) == "0002_BR.png" or 2 in readable
    assert path.read_text() == text
    repair(disk, folder)
    assert [entry["index"] for entry in loaded(path)["sequence"]] == list(range(FRAMES))
    (kept,) = folder.glob("metadata.json.before-repair-*")
    assert kept.read_text() == text


@pytest.mark.parametrize("null", ["[]", "[null]", "{}", "[ ]", "null"])
def test_null_as_r_writes_it_is_null(folder: Path, disk: ScriptedDisk, root: Path, null: str) -> None:
    path = folder / "metadata.json"
    value = json.loads(path.read_bytes())
    keys = ("client_id", "negative_prompt", "requested", "region", "queued_ms", "steps")
    for key in keys:
        value["sequence"][1][key] = "NULL"
    path.write_text(json.dumps(value, indent=2).replace('"NULL"', null))
    with SessionReader(folder) as reader:
        entry = reader.entry(1).fields
        assert {key: entry[key] for key in keys} == dict.fromkeys(keys) | ({"requested": {}} if null == "{}" else {})
    assert [finding.sentence for finding in check(folder) if finding.severity == "lost"] == []
    value = json.loads(path.read_bytes())
    value["created_at"] = value["sequence"][0]["index"] = json.loads(null)
    path.write_text(json.dumps(value))
    assert exit_code(check(folder)) != 0, "what an entry has to have is none"


def test_entries_in_another_order_are_found(folder: Path, root: Path, disk: ScriptedDisk) -> None:
    path = folder / "metadata.json"
    value = loaded(path)
    value["sequence"].reverse()
    path.write_text(json.dumps(value))
    with SessionReader(folder) as reader:
        assert [reader.position_of(index) for index in range(FRAMES + 1)] == [3, 2, 1, 0, None]
    assert exit_code(check(folder)) == 0
    writer = SessionWriter.open(disk, root, "s")
    (done,) = writer.append([pending_frame(FRAMES)])
    assert done.index == FRAMES
