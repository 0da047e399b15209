"""A session's folder that came from a stranger: reading it follows no link, waits for no pipe, and ends."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import orjson
import pytest

from shared.errors import FrameMissing, ParafoveaError
from shared.session.check import check
from shared.session.format import values
from shared.session.reading.reader import SessionReader, open_folder
from shared.session.reading.sessions import details, list_sessions
from shared.session.reading.snapshot import take
from shared.session.text import contents, foreign, lines, salvaging
from shared.session.text.contents import left_open
from shared.session.transfer.export import Export
from shared.session.transfer.staging import IMPORT, staging, sweep
from shared.session.writing.repair import repair
from shared.session.writing.spill import read_spill, write_spill
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame, tiny_png

WAIT_S = 30.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need a privilege there")

Act = Callable[[Path], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sessions").mkdir()
    return tmp_path / "sessions"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What is the user's own."""
    folder = tmp_path / "outside"
    (folder / "inputs").mkdir(parents=True)
    (folder / "secret").write_text("secret\n")
    (folder / "secret.png").write_bytes(tiny_png({"secret": 1}))
    (folder / "inputs" / ".tmp-mine").write_text("mine\n")
    return folder


def seen(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def record(root: Path, frames: int = 2, *, closed: bool = True) -> Path:
    writer = SessionWriter.create(Disk(), root, "s", CREATED_AT)
    writer.append([pending_frame(number, input=tiny_png({"input": number})) for number in range(frames)])
    if closed:
        writer.close()
    return root / "s"


def bare(folder: Path) -> None:
    """Metadata without hashes: a stranger may leave them out, so that nothing proves the files."""
    path = folder / "metadata.json"
    whole = orjson.loads(path.read_bytes())
    for entry in whole["sequence"]:
        del entry["sha256"]
    path.write_bytes(orjson.dumps(whole))


def readings(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """All that reads a session."""

    def each_frame() -> None:
        with open_folder(folder, salvage=True) as reader:
            for position in range(min(reader.count, 3)):
                reader.frame_bytes(reader.entry(position))

    def each_input() -> None:
        with open_folder(folder, salvage=True) as reader:
            for position in range(min(reader.count, 3)):
                path = reader.input_path(reader.entry(position))
                if path is not None:
                    reader.input_bytes(path)

    def snapshot() -> None:
        with open_folder(folder, salvage=True) as reader:
            for _ in take(reader).chunks():
                continue

    def archive() -> None:
        for _ in Export(folder.parent, folder.name).chunks():
            continue

    yield "listed", lambda: [details(folder.parent, summary) for summary in list_sessions(folder.parent)]
    yield "left open", lambda: left_open(folder)
    yield "frames", each_frame
    yield "inputs", each_input
    yield "snapshot", snapshot
    yield "export", archive
    yield "check", lambda: list(check(folder))


def in_time(work: Callable[[], object]) -> BaseException | None:
    """The error that it ends with; it fails the test if it does not end."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(WAIT_S)
    assert ended, "it waits"
    return ended[0]


def assert_harmless(folder: Path) -> None:
    """Everything that reads it ends, with a result or with a sentence."""
    for name, work in readings(folder):
        error = in_time(work)
        assert error is None or isinstance(error, ParafoveaError | OSError), (name, error)


PLACES = ["metadata.json", "0000_BR.png", "repairs.jsonl", "verification.json", "inputs", "input"]


def place(folder: Path, name: str) -> Path:
    path = next((folder / "inputs").iterdir()) if name == "input" else folder / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("name", PLACES)
def test_a_pipe_holds_nobody_up(root: Path, name: str, closed: bool) -> None:
    folder = record(root, closed=closed)
    os.mkfifo(place(folder, name))
    assert_harmless(folder)
    error = in_time(lambda: repair(Disk(), folder))
    assert error is None or isinstance(error, OSError)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("target", ["secret", "secret.png", ".", "/dev/zero", "/dev/stdin", "nowhere"])
@pytest.mark.parametrize("name", PLACES)
def test_a_link_that_leads_out_is_neither_read_nor_written(
    root: Path, outside: Path, name: str, target: str, closed: bool
) -> None:
    folder = record(root, closed=closed)
    bare(folder)
    before = seen(outside)
    place(folder, name).symlink_to(outside / target)
    assert_harmless(folder)
    for act in (
        lambda: repair(Disk(), folder),
        lambda: SessionWriter.open(Disk(), root, "s").append([pending_frame(7, input=tiny_png({"new": 7}))]),
    ):
        error = in_time(act)
        assert error is None or isinstance(error, OSError | ParafoveaError), error
    assert seen(outside) == before
    assert not (outside / "nowhere").exists()


@pytest.mark.parametrize("name", ["0000_BR.png", "input"])
def test_what_a_link_leads_to_is_not_shown(root: Path, outside: Path, name: str) -> None:
    folder = record(root)
    bare(folder)
    place(folder, name).symlink_to(outside / "secret.png")
    with SessionReader(folder) as reader:
        if name == "input":
            assert reader.input_path(reader.entry(0)) is None
        else:
            with pytest.raises(FrameMissing, match="leads out of the session's folder"):
                reader.frame_bytes(reader.entry(0))
    with pytest.raises(FrameMissing):
        Export(root, "s")


def test_a_link_within_the_folder_and_a_session_that_is_a_link_are_read(root: Path, outside: Path) -> None:
    folder = record(root)
    data = (folder / "0000_BR.png").read_bytes()
    (folder / "objects").mkdir()
    (folder / "0000_BR.png").rename(folder / "objects" / "0")
    (folder / "0000_BR.png").symlink_to("objects/0")
    folder.rename(outside / "s")
    folder.symlink_to(outside / "s", target_is_directory=True)
    with SessionReader(folder) as reader:
        assert reader.frame_bytes(reader.entry(0)) == data
        assert reader.input_bytes(reader.input_path(reader.entry(0)) or folder) == tiny_png({"input": 0})
    (writer := SessionWriter.open(Disk(), root, "s")).append([pending_frame(2, input=tiny_png({"input": 2}))])
    writer.close()
    assert (outside / "s" / "0002_BR.png").is_file()


@pytest.mark.parametrize("repository", [".", "s"])
def test_what_git_annex_keeps_for_the_folder_is_read(root: Path, repository: str) -> None:
    """A locked file of DataLad's is a link into its repository's store."""
    folder = record(root)
    whole = list(check(folder))
    store = root / repository / ".git" / "annex" / "objects" / "x"
    store.mkdir(parents=True)
    for path in (*folder.glob("*.png"), *folder.glob("inputs/*")):
        path.rename(store / path.name)
        path.symlink_to(os.path.relpath(store / path.name, path.parent))
    with open_folder(folder) as reader:
        assert reader.frame_bytes(reader.entry(1)).startswith(b"\x89PNG")
        assert list(check(folder)) == whole


def test_the_store_of_another_repository_is_outside(root: Path, outside: Path) -> None:
    folder = record(root)
    store = outside / ".git" / "annex" / "objects"
    store.mkdir(parents=True)
    (folder / "0000_BR.png").rename(store / "0")
    (folder / "0000_BR.png").symlink_to(store / "0")
    with open_folder(folder) as reader, pytest.raises(FrameMissing, match="leads out of the session's folder"):
        reader.frame_bytes(reader.entry(0))


def test_links_in_the_place_of_the_folder_of_imports_are_not_swept(root: Path, outside: Path) -> None:
    before = seen(outside)
    (root / IMPORT).symlink_to(outside, target_is_directory=True)
    with pytest.raises(OSError, match="it is a link"):
        sweep(Disk(), root)
    with pytest.raises(OSError, match="it is a link"), staging(Disk(), root):
        pass
    assert seen(outside) == before


@pytest.mark.parametrize("name", ["metadata.json", "0000_BR.png", "repairs.jsonl", "input"])
def test_a_terabyte_of_nothing_is_not_read(root: Path, name: str) -> None:
    folder = record(root, closed=False)
    path = place(folder, name)
    path.touch()
    os.truncate(path, 1 << 40)
    assert_harmless(folder)


def test_metadata_of_ours_with_holes_ends(root: Path) -> None:
    folder = record(root, closed=False)
    with (folder / "metadata.json").open("r+b") as file:
        file.truncate(300)
        file.truncate(1 << 40)
    assert_harmless(folder)


@pytest.mark.parametrize(
    ("module", "limit", "value", "text", "match"),
    [
        (foreign, "MAX_ENTRIES", 1, None, "more than 1 entries"),
        (foreign, "MAX_MEMBERS", 2, None, "too much"),
        (foreign, "MAX_PARTS", 2, None, "too much"),
        (values, "MAX_VALUE_CHARS", 3000, '"x": "' + "y" * 20_000 + '", "sequence"', "longer than 3000"),
        (values, "MAX_PARTS", 10, '"x": [' + "1," * 600_000 + '1], "sequence"', "more than 10 parts"),
        (contents, "MAX_FOREIGN_BYTES", 100, None, "not laid out so that it can be read in parts"),
    ],
)
def test_metadata_of_another_hand_is_read_up_to_a_limit(
    root: Path, monkeypatch: pytest.MonkeyPatch, module: object, limit: str, value: int, text: str | None, match: str
) -> None:
    folder = record(root)
    bare(folder)
    path = folder / "metadata.json"
    if text is not None:
        path.write_bytes(path.read_bytes().replace(b'"sequence"', text.encode()))
    with open_folder(folder, salvage=True) as reader:
        assert reader.problem is None or text is not None
    monkeypatch.setattr(module, limit, value)
    with open_folder(folder, salvage=True) as reader:
        assert match in str(reader.problem)
    assert_harmless(folder)


@pytest.mark.parametrize(
    ("limit", "value", "match"),
    [
        ("MAX_ENTRIES", 1, "more than 1 entries"),
        ("MAX_TAIL_BYTES", 10, "stand behind"),
        ("MAX_LINE_BYTES", 10, "longer"),
    ],
)
def test_metadata_of_ours_is_scanned_up_to_a_limit(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, match: str
) -> None:
    path = record(root, 3) / "metadata.json"
    if limit != "MAX_ENTRIES":
        monkeypatch.setattr(lines, "_BLOCK_BYTES", 700)
    monkeypatch.setattr(lines, limit, value)
    fd = lines.open_file(path)
    with pytest.raises(lines.DamagedMetadata, match=match):
        lines.scan(fd)
    os.close(fd)


def test_a_torn_file_is_salvaged_the_same_in_blocks_of_any_length(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = record(root, 20)
    path = folder / "metadata.json"
    whole = path.read_bytes()
    damaged = whole.replace(b'{"index":7,', b'{"index":7,,')[:-500]
    path.write_bytes(damaged)
    with open_folder(folder, salvage=True) as reader:
        expected = [reader.entry(position).index for position in range(reader.count)]
        places = [reader.contents.places.line(position) for position in range(reader.count)]
    assert expected == [index for index in range(19) if index != 7]
    assert places == [6 + index for index in expected]
    for block in (100, 333, 4096):
        monkeypatch.setattr(salvaging, "_BLOCK_BYTES", block)
        fd = lines.open_file(path)
        found = salvaging.salvage(fd, lines.DamagedMetadata("torn"))
        assert [found.places.line(position) for position in range(len(found.places))] == places
        assert [orjson.loads(text)["index"] for text in found.places.texts(fd)] == expected
        os.close(fd)
        assert not found.torn


def test_a_large_file_of_another_hand_is_answered_as_it_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proved value by value, where a small one is proved in one piece."""
    folder = record(root)
    path = folder / "metadata.json"
    whole = orjson.loads(path.read_bytes())
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + orjson.dumps({**whole, "mine": "\\u"}))
        with open_folder(folder) as reader:
            small = b"".join(take(reader).chunks())
            with monkeypatch.context() as patch:
                patch.setattr("shared.session.reading.snapshot._IN_ONE_PIECE_BYTES", 10)
                assert b"".join(take(reader).chunks()) == small
    for loose in (b'"mine":NaN,', b'"mine":"\\ud800",', b'"\\ud800":1,', b'"format":1,"format":NaN,'):
        path.write_bytes(orjson.dumps(whole).replace(b'"session_id"', loose + b'"session_id"'))
        with open_folder(folder) as reader, monkeypatch.context() as patch:
            small = b"".join(take(reader).chunks())
            patch.setattr("shared.session.reading.snapshot._IN_ONE_PIECE_BYTES", 10)
            large = b"".join(take(reader).chunks())
        assert orjson.loads(large) == orjson.loads(small)


def test_a_spilled_frame_of_no_session_is_left_alone(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for session_id in ("../../x", "/etc", "", ".spill"):
        odd = pending_frame(1).frame.model_copy(update={"session_id": session_id})
        write_spill(Disk(), root, [(odd, tiny_png())], {})
    write_spill(Disk(), root, [(pending_frame(2).frame, tiny_png())], {})
    found = read_spill(root)
    assert [frame.frame.session_id for frame in found] == ["s"]
    assert caplog.text.count("lost unless it was recorded") == 4
