"""Reading sessions, also while they are being written."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import orjson
import pytest

from shared.errors import FrameCorrupt, FrameMissing, SessionNotFound
from shared.session.format import metadata
from shared.session.format.entries import Entry
from shared.session.format.metadata import DamagedMetadata, Tail
from shared.session.reading.reader import SessionReader, open_session
from shared.session.reading.sessions import details, list_sessions
from shared.session.text import lines
from shared.session.writing.writer import SessionWriter
from tests.support.frames import CREATED_AT, frame_fields, pending_frame
from tests.support.metadata import snapshot
from tests.support.scripted_disk import ScriptedDisk


@pytest.fixture
def writer(disk: ScriptedDisk, root: Path) -> SessionWriter:
    made = SessionWriter.create(disk, root, "s", CREATED_AT, {"parent": "p"})
    made.append([pending_frame(number) for number in range(5)])
    return made


def test_a_session_is_read(writer: SessionWriter, root: Path) -> None:
    with open_session(root, "s") as reader:
        assert reader.head == {"session_id": "s", "created_at": CREATED_AT, "format": 1, "parent": "p"}
        assert reader.count == 5
        assert reader.tail.open
        assert [entry.index for entry in reader.entries()] == [0, 1, 2, 3, 4]
        assert [entry.index for entry in reader.entries(3)] == [3, 4]
        assert reader.entry(3).filename == "0003_BR.png"
        assert reader.frame_bytes(reader.entry(0)) == pending_frame(0).png
        path = reader.input_path(reader.entry(0))
        assert path is not None
        assert path.read_bytes() == pending_frame(0).input
        with pytest.raises(IndexError):
            reader.entry(5)
        with pytest.raises(IndexError):
            reader.entry(-1)


def test_an_empty_session_is_read(disk: ScriptedDisk, root: Path) -> None:
    SessionWriter.create(disk, root, "s", CREATED_AT)
    with open_session(root, "s") as reader:
        assert reader.count == 0
        assert list(reader.entries()) == []
        assert reader.position_of(0) is None


def test_a_reader_takes_in_what_was_recorded_since(writer: SessionWriter, root: Path) -> None:
    with open_session(root, "s") as reader:
        writer.append([pending_frame(5), pending_frame(6)])
        assert reader.count == 5
        reader.refresh()
        assert reader.count == 7
        assert reader.entry(6).index == 6
        assert reader.entry(4).index == 4
        writer.close()
        reader.refresh()
        assert not reader.tail.open
        (root / "s" / "metadata.json").unlink()
        with pytest.raises(DamagedMetadata, match="gone"):
            reader.refresh()
        SessionWriter(ScriptedDisk(), root, reader.head, Tail())  # a writer that is not opened touches nothing
        SessionWriter.open(ScriptedDisk(), root, "s")
        reader.refresh()
        assert reader.count == 7


def test_a_reader_starts_on_an_empty_session_and_follows(disk: ScriptedDisk, root: Path) -> None:
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    with open_session(root, "s") as reader:
        writer.append([pending_frame(0)])
        reader.refresh()
        assert [entry.index for entry in reader.entries()] == [0]


def test_positions_and_indexes_differ_behind_a_gap(writer: SessionWriter, root: Path) -> None:
    path = root / "s" / "metadata.json"
    kept = [
        orjson.dumps(entry) for entry in orjson.loads(path.read_bytes())["sequence"] if entry["index"] not in (1, 2)
    ]
    path.write_bytes(b"".join(metadata.file_parts({"session_id": "s", "created_at": 1.0}, kept, Tail())))
    with open_session(root, "s") as reader:
        assert [reader.position_of(index) for index in range(-1, 6)] == [None, 0, None, None, 1, 2, None]


def test_a_file_formatted_by_another_hand_is_read(writer: SessionWriter, root: Path) -> None:
    path = root / "s" / "metadata.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()), option=orjson.OPT_INDENT_2))
    with open_session(root, "s") as reader:
        assert reader.count == 5
        assert reader.entry(4).index == 4
        assert reader.tail.open
        assert "open" not in reader.head
        reader.refresh()
        assert reader.count == 5
    assert orjson.loads(b"".join(snapshot(root, "s").chunks()))["session_id"] == "s"


def test_the_users_own_format_is_read(root: Path) -> None:
    folder = root / "theirs"
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(
        '{"session_id": "theirs", "created_at": 1736155234.567, "sequence": [{"index": 0, "filename": "0000_BR.png", '
        '"target_sector": "BR", "focus_sector": "TL", "prompt": "x", "timestamp": 1736155240.123}]}'
    )
    (folder / "0000_BR.png").write_bytes(b"old")
    with open_session(root, "theirs") as reader:
        assert reader.frame_bytes(reader.entry(0)) == b"old"
        assert reader.input_path(reader.entry(0)) is None
    assert [item.created_at for item in list_sessions(root)] == [1736155234.567]


@pytest.mark.parametrize("session_id", ["none", "..", "a/b", "", "list", "\0", "x" * 300])
def test_a_session_that_is_not_there(root: Path, session_id: str) -> None:
    with pytest.raises(SessionNotFound):
        open_session(root, session_id)
    with pytest.raises(SessionNotFound):
        snapshot(root, session_id)


def test_missing_and_altered_frames_are_told_apart(writer: SessionWriter, root: Path) -> None:
    with open_session(root, "s") as reader:
        (root / "s" / "0001_BR.png").write_bytes(b"other")
        (root / "s" / "0002_BR.png").unlink()
        with pytest.raises(FrameCorrupt, match=r"0001_BR\.png"):
            reader.frame_bytes(reader.entry(1))
        with pytest.raises(FrameMissing, match=r"0002_BR\.png"):
            reader.frame_bytes(reader.entry(2))
        for name in ("../../etc/passwd", "/etc/passwd", "metadata.json"):
            with pytest.raises(FrameMissing):
                reader.frame_path(Entry({"index": 0, "filename": name}))
        elsewhere = {"input_file": "../../x", "input_sha256": "../../x"}
        assert reader.input_path(Entry({"index": 0, "filename": "", **elsewhere})) is None


def test_damage_is_told_from_absence(writer: SessionWriter, root: Path) -> None:
    path = root / "s" / "metadata.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    for read in (lambda: open_session(root, "s"), lambda: snapshot(root, "s")):
        with pytest.raises(DamagedMetadata):
            read()
    path.unlink()
    with pytest.raises(DamagedMetadata):
        open_session(root, "s")
    assert [item.session_id for item in list_sessions(root)] == ["s"], "it is listed, for it can be repaired"


@pytest.mark.parametrize(
    ("before", "count", "is_understood"), [(b'{"index":9},', 6, True), (b" ", 5, True), (b"r\xe1d,", 5, False)]
)
def test_nothing_before_the_first_line_is_passed_over(
    writer: SessionWriter, root: Path, before: bytes, count: int, is_understood: bool
) -> None:
    path = root / "s" / "metadata.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(metadata.SEQUENCE_START, metadata.SEQUENCE_START + before, 1))
    with path.open("rb") as file, pytest.raises(DamagedMetadata, match="before the entries"):
        lines.scan(file.fileno())
    with open_session(root, "s", salvage=True) as reader:
        assert (reader.problem is None) == is_understood
        assert reader.count == count


def test_nothing_is_passed_over_in_an_empty_session(disk: ScriptedDisk, root: Path) -> None:
    SessionWriter.create(disk, root, "s", CREATED_AT)
    path = root / "s" / "metadata.json"
    path.write_bytes(path.read_bytes().replace(metadata.SEQUENCE_START, metadata.SEQUENCE_START + b'{"index":9}'))
    with path.open("rb") as file, pytest.raises(DamagedMetadata, match="before the entries"):
        lines.scan(file.fileno())
    with open_session(root, "s", salvage=True) as reader:
        assert reader.count == 1


def test_a_damaged_line_is_told_when_it_is_read(writer: SessionWriter, root: Path) -> None:
    path = root / "s" / "metadata.json"
    path.write_bytes(path.read_bytes().replace(b'"seed":3', b'"seed":,', 1))
    with open_session(root, "s") as reader:
        assert reader.entry(2).seed == 2
        with pytest.raises(DamagedMetadata):
            reader.entry(3)


def test_a_snapshot_is_the_file_as_it_was(writer: SessionWriter, root: Path) -> None:
    before = (root / "s" / "metadata.json").read_bytes()
    taken = snapshot(root, "s")
    writer.append([pending_frame(5)])
    writer.mark_lost(["x" * 100])
    sent = b"".join(taken.chunks())
    assert sent == before
    assert len(sent) == taken.size
    snapshot(root, "s").close()


def test_a_long_tail_is_found(writer: SessionWriter, root: Path) -> None:
    writer.mark_lost([f"{number:064d}" for number in range(3000)])
    value = orjson.loads(b"".join(snapshot(root, "s").chunks()))
    assert len(value["lost"]) == 3000
    assert len(value["sequence"]) == 5


@pytest.mark.parametrize("block", [3, 16, 17, 64, 1000])
def test_blocks_may_end_anywhere(
    writer: SessionWriter, root: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    with open_session(root, "s") as reader:
        wanted = [entry.fields for entry in reader.entries()]
    fd = (root / "s" / "metadata.json").open("rb")
    index = lines.scan(fd.fileno())
    monkeypatch.setattr(lines, "_BLOCK_BYTES", block)
    fresh = lines.Index({}, type(index.starts)("Q"), index.starts[0] - 5)
    lines.extend(fd.fileno(), fresh)
    assert fresh.starts == index.starts
    assert (fresh.tail_at, fresh.size) == (index.tail_at, index.size)
    assert [orjson.loads(compact) for compact in fresh.texts(fd.fileno())] == wanted
    fd.close()


def test_sessions_are_listed_oldest_first(disk: ScriptedDisk, root: Path) -> None:
    assert list_sessions(root) == []
    for session_id, created_at in (("b", 3.0), ("a", 2.5), ("z", 1.0), ("c", 3.0)):
        SessionWriter.create(disk, root, session_id, created_at)
    (root / ".spill").mkdir()
    (root / "empty").mkdir()
    (root / "file").write_bytes(b"")
    assert [item.session_id for item in list_sessions(root)] == ["z", "a", "b", "c"]


def test_details_count_frames_and_bytes(writer: SessionWriter, root: Path) -> None:
    (summary,) = list_sessions(root)
    found = details(root, summary)
    assert found.frames == 5
    assert found.bytes == sum(path.stat().st_size for path in (root / "s").rglob("*") if path.is_file())
    (root / "s" / "metadata.json").unlink()
    assert details(root, summary).frames is None


def test_a_reader_beside_a_writer_always_gets_whole_json(disk: ScriptedDisk, root: Path) -> None:
    """Property 2: any reader gets valid JSON, or gets it by reading again at once."""
    writer = SessionWriter.create(disk, root, "s", CREATED_AT)
    path = root / "s" / "metadata.json"
    done = threading.Event()
    problems: list[str] = []

    def read() -> None:
        last = 0
        while not done.is_set():
            # The writer may lose its turn in the midst of a write, on a busy machine for longer than a few readings.
            until = time.monotonic() + 10
            while time.monotonic() < until:
                try:
                    count = len(orjson.loads(path.read_bytes())["sequence"])
                    break
                except orjson.JSONDecodeError:
                    continue
            else:
                problems.append("what was read was torn for ten seconds")
                return
            with SessionReader(root / "s") as reader:
                if not last <= count <= reader.count:
                    problems.append(f"{last} {count} {reader.count}")
                last = reader.count

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(300):
        writer.append([pending_frame(number)])
    done.set()
    thread.join()
    assert problems == []


def test_nothing_reads_the_sequence_to_list_or_to_open(writer: SessionWriter, root: Path) -> None:
    """The head of a session that is longer than one block is found without its entries."""
    path = root / "s" / "metadata.json"
    kept = [orjson.dumps(Entry.of(frame_fields(n), n, "0" * 64, None).fields) for n in range(2000)]
    path.write_bytes(b"".join(metadata.file_parts({"session_id": "s", "created_at": 7.0}, kept, Tail())))
    assert list_sessions(root)[0].created_at == 7.0
    with open_session(root, "s") as reader:
        assert reader.count == 2000
        assert reader.entry(1999).index == 1999
        assert sum(1 for _ in reader.entries()) == 2000


@pytest.mark.parametrize("written", ["1736155235.5", "[1736155235.5]", "[ 1736155235.5 ]"])
def test_the_list_reads_only_the_beginning_of_a_file(root: Path, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R's default puts every scalar into an array."""
    (root / "r").mkdir(parents=True)
    text = f'{{"session_id":["r"],"created_at":{written},"sequence":[]}}'
    (root / "r" / "metadata.json").write_text(text)
    monkeypatch.setattr("shared.session.reading.sessions.read", None)
    assert [(each.session_id, each.created_at) for each in list_sessions(root)] == [("r", 1736155235.5)]
