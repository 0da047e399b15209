"""The replayer over real sockets and real sessions on disk."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path

import orjson
import psutil
import pytest

from services.replayer import service
from services.replayer.cursors.cursor import Cursors
from services.replayer.cursors.sessions import OPEN_LIMIT
from shared.bus.subscriber import Subscriber
from shared.errors import (
    FrameCorrupt,
    FrameMissing,
    InvalidRequest,
    NotReplaying,
    SessionDamaged,
    SessionNotFound,
    UnknownType,
)
from shared.session.format.entries import Entry, parse_entry
from shared.session.format.metadata import Tail, file_parts, new_head
from shared.session.text import lines as text_lines
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.bus.replayer.conftest import Rig
from tests.support.absurd import ENTRIES, write_entry
from tests.support.frames import CREATED_AT
from tests.support.samples import frame
from tests.support.waiting import eventually_async


async def test_a_session_is_replayed_in_order_byte_for_byte(rig: Rig) -> None:
    writer = rig.record(frames=3)
    started = await rig.ask("start", session_id="s")
    assert {name: started.body[name] for name in ("cursor", "state", "session_id", "position", "total")} == {
        "cursor": "default",
        "state": "replaying",
        "session_id": "s",
        "position": 0,
        "total": 3,
    }
    for index in range(3):
        reply = await rig.ask("next")
        entry = reply.body["entry"]
        assert entry["index"] == index
        assert entry["prompt"] == f"add a small ladybug\nnumber {index} \N{LADY BEETLE}"
        on_disk = (writer.folder / entry["filename"]).read_bytes()
        assert reply.payloads[0] == on_disk
        assert hashlib.sha256(on_disk).hexdigest() == entry["sha256"]
    assert await rig.shown() is None
    assert await rig.shown() is None, "and it stays complete"
    assert (await rig.ask("status")).body["state"] == "complete"


async def test_what_is_shown_is_published(rig: Rig) -> None:
    rig.record(frames=2)
    await rig.ask("start", session_id="s", cursor="wall")
    reply = await rig.ask("next", cursor="wall")
    message = await rig.published("replay.frame")
    assert message.payload == reply.payloads[0]
    assert message.header["entry"] == reply.body["entry"]
    assert (message.header["cursor"], message.header["session_id"]) == ("wall", "s")
    assert (message.header["index"], message.header["total"]) == (0, 2)


async def test_a_late_subscriber_is_told_where_every_cursor_stands(rig: Rig) -> None:
    rig.record(frames=2)
    await rig.ask("start", session_id="s", cursor="a")
    await rig.ask("start", session_id="s", cursor="b")
    await rig.ask("next", cursor="b")
    rig.subscriber = Subscriber(rig.buses.new(), "replays", ["replay.status"])
    told = [(await rig.published("replay.status")).header for _ in range(2)]
    assert {(header["cursor"], header["position"], header["total"]) for header in told} == {("a", 0, 2), ("b", 1, 2)}


async def test_stopping_makes_the_cursor_idle_and_says_so(rig: Rig) -> None:
    rig.record()
    await rig.ask("start", session_id="s")
    assert (await rig.published("replay.status")).header["state"] == "replaying"
    assert (await rig.ask("stop")).body["state"] == "idle"
    assert (await rig.published("replay.status")).header["state"] == "idle"
    assert (await rig.ask("status")).body["session_id"] is None
    assert (await rig.ask("stop")).body["state"] == "idle", "stopping twice is no error"


@pytest.mark.parametrize("request_type", ["next", "previous", "seek"])
async def test_an_idle_cursor_replays_nothing(request_type: str, rig: Rig) -> None:
    rig.record()
    await rig.ask("start", session_id="s", cursor="somebody else's")
    with pytest.raises(NotReplaying, match="replays nothing"):
        await rig.ask(request_type, index=0)


@pytest.mark.parametrize("session_id", ["nope", "", "..", "../s", "list", "a/b", "\x00", "x" * 500])
async def test_a_session_that_is_not_there_leaves_the_cursor_where_it_was(session_id: str, rig: Rig) -> None:
    rig.record()
    await rig.ask("start", session_id="s")
    await rig.ask("next")
    with pytest.raises(SessionNotFound):
        await rig.ask("start", session_id=session_id)
    assert await rig.shown() == 1


async def test_previous_and_seek(rig: Rig) -> None:
    rig.record(frames=5)
    await rig.ask("start", session_id="s")
    assert [await rig.shown() for _ in range(3)] == [0, 1, 2]
    assert await rig.shown("previous") == 1
    assert await rig.shown() == 2
    assert (await rig.ask("seek", index=4)).body["position"] == 4
    assert await rig.shown() == 4
    assert await rig.shown() is None
    assert (await rig.ask("seek", index=0)).body["state"] == "replaying"
    assert await rig.shown("previous") is None
    assert await rig.shown() == 0
    assert (await rig.ask("seek", index=5)).body["position"] == 5, "the end is a place too"
    with pytest.raises(InvalidRequest, match=r"no frame 6; its last one is 4") as caught:
        await rig.ask("seek", index=6)
    assert caught.value.fields is not None
    assert (await rig.ask("status")).body["position"] == 5
    for bad in (-1, "two", None, 1.5):
        with pytest.raises(InvalidRequest):
            await rig.ask("seek", index=bad)


async def test_cursors_do_not_disturb_each_other(rig: Rig) -> None:
    rig.record("one", 3)
    rig.record("two", 4)
    await rig.ask("start", session_id="one", cursor="a")
    await rig.ask("start", session_id="two", cursor="b")
    await rig.ask("start", session_id="one", cursor="c")
    assert [await rig.shown(cursor="a") for _ in range(2)] == [0, 1]
    assert [await rig.shown(cursor="b") for _ in range(3)] == [0, 1, 2]
    assert await rig.shown(cursor="c") == 0
    assert (await rig.ask("status", cursor="a")).body["position"] == 2


async def test_many_nexts_at_once_give_each_frame_once(rig: Rig) -> None:
    rig.record(frames=20)
    await rig.ask("start", session_id="s")
    shown = await asyncio.gather(*(rig.shown() for _ in range(25)))
    assert sorted(index for index in shown if index is not None) == list(range(20))
    assert shown.count(None) == 5


async def test_a_session_that_is_being_recorded_grows_under_the_cursor(rig: Rig) -> None:
    writer = rig.record(frames=1)
    await rig.ask("start", session_id="s")
    assert [await rig.shown(), await rig.shown()] == [0, None]
    rig.add(writer, 2)
    assert (await rig.ask("status")).body["total"] == 3
    assert (await rig.ask("status")).body["state"] == "replaying"
    assert [await rig.shown(), await rig.shown(), await rig.shown()] == [1, 2, None]


async def test_an_empty_session_can_be_replayed(rig: Rig) -> None:
    writer = rig.record(frames=0)
    assert (await rig.ask("start", session_id="s")).body["total"] == 0
    assert await rig.shown() is None
    rig.add(writer, 1)
    assert await rig.shown() == 0


@pytest.mark.parametrize("damage", ["missing", "changed", "emptied", "unreadable"])
async def test_a_bad_frame_is_named_and_passed_over(damage: str, rig: Rig) -> None:
    writer = rig.record(frames=3)
    path = next(writer.folder.glob("0001_*.png"))
    if damage == "missing":
        path.unlink()
    elif damage == "unreadable":
        path.unlink()
        path.mkdir()
    else:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + b"\x00" if damage == "changed" else b"")
    expected = FrameCorrupt if damage in ("changed", "emptied") else FrameMissing
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
    with pytest.raises(expected, match=path.name):
        await rig.ask("next")
    assert (await rig.ask("status")).body["position"] == 2
    assert await rig.shown() == 2
    with pytest.raises(expected, match=path.name):
        await rig.ask("previous")
    assert await rig.shown("previous") == 0, "backwards it is passed over too"


async def test_a_frame_that_changes_later_is_seen_to_have_changed(rig: Rig) -> None:
    writer = rig.record(frames=2)
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
    path = next(writer.folder.glob("0000_*.png"))
    path.write_bytes(path.read_bytes() + b"!")
    await rig.ask("seek", index=0)
    with pytest.raises(FrameCorrupt):
        await rig.ask("next")


async def test_damaged_metadata_is_replayed_as_far_as_it_goes_and_left_as_it_is(rig: Rig) -> None:
    writer = rig.record(frames=3)
    writer.close()
    path = writer.folder / "metadata.json"
    text = path.read_bytes()
    cut = text[: text.index(b'{"index":2') + 40]
    path.write_bytes(cut)
    assert (await rig.ask("start", session_id="s")).body["total"] == 2
    assert [await rig.shown() for _ in range(2)] == [0, 1]
    with pytest.raises(SessionDamaged, match="line 8"):
        await rig.ask("next")
    assert path.read_bytes() == cut
    path.write_bytes(text)  # its owner mends it
    assert await rig.shown() == 2
    assert await rig.shown() is None


async def test_an_entry_that_is_none_is_shown_by_the_name_of_its_file(rig: Rig) -> None:
    writer = rig.record(frames=3)
    writer.close()
    path = writer.folder / "metadata.json"
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":,', 1))
    await rig.ask("start", session_id="s")
    assert [await rig.shown() for _ in range(4)] == [0, 1, 2, None]


async def test_nothing_that_can_be_read_is_refused_with_the_place(rig: Rig) -> None:
    writer = rig.record(frames=1)
    (writer.folder / "metadata.json").write_bytes(b"{")
    with pytest.raises(SessionDamaged, match="line 1"):
        await rig.ask("start", session_id="s")
    (writer.folder / "metadata.json").unlink()
    with pytest.raises(SessionDamaged, match="gone"):
        await rig.ask("start", session_id="s")


@pytest.mark.parametrize("name", sorted(ENTRIES))
async def test_whatever_an_entry_holds_the_replayer_goes_on(rig: Rig, name: str) -> None:
    for number, ours in enumerate((True, False)):
        session_id = f"s{number}"
        writer = rig.record(session_id, frames=3)
        writer.close()
        write_entry(writer.folder / "metadata.json", ENTRIES[name], ours=ours)
        total = (await rig.ask("start", session_id=session_id)).body["total"]
        shown = []
        for _ in range(total + 1):
            try:
                reply = await rig.ask("next")
            except (FrameMissing, FrameCorrupt, SessionDamaged):
                continue
            shown.append(None if reply.body["complete"] else reply.body["entry"]["index"])
        assert {0, 2, None} <= set(shown)
        for index in (0, 2):
            await rig.ask("seek", index=index)
            assert await rig.shown() == index
        await rig.ask("seek", index=0)
        await rig.ask("play", speed=100.0)

        async def is_played() -> bool:
            state = (await rig.ask("status")).body["state"]
            return bool(state in ("complete", "paused"))

        await eventually_async(is_played, 20, "all of it was played")
        assert (await rig.ask("stop")).body["state"] == "idle"


async def test_a_session_that_is_deleted_under_the_cursor(rig: Rig) -> None:
    writer = rig.record(frames=3)
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
    shutil.rmtree(writer.folder)
    with pytest.raises(SessionNotFound):
        await rig.ask("next")
    with pytest.raises(SessionNotFound):
        await rig.ask("status")
    rig.record(frames=2)
    assert await rig.shown() == 1, "made anew, it goes on"
    assert (await rig.ask("stop")).body["state"] == "idle"


@pytest.mark.parametrize("request_type", ["publish", "dance"])
async def test_what_is_not_served_is_said(request_type: str, rig: Rig) -> None:
    with pytest.raises(UnknownType):
        await rig.ask(request_type)


@pytest.mark.parametrize("cursor", ["", "x" * 129, None, 5, ["a"]])
async def test_a_bad_cursor_name_is_refused(cursor: object, rig: Rig) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await rig.ask("status", cursor=cursor)
    assert set(caught.value.fields or {}) == {"cursor"}


async def test_cursors_and_open_files_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.replayer.cursors = Cursors(limit=5)
    sessions = OPEN_LIMIT + 10
    for number in range(sessions):
        rig.record(f"s{number}", 1).close()
        await rig.ask("start", session_id=f"s{number}", cursor=f"c{number}")
    assert len(rig.replayer.cursors) == 5
    metadata = {rig.root / f"s{number}" / "metadata.json" for number in range(sessions)}
    held = lambda: sum(Path(file.path) in metadata for file in psutil.Process().open_files())  # noqa: E731
    await eventually_async(lambda: held() <= OPEN_LIMIT)
    with pytest.raises(NotReplaying):
        await rig.ask("next", cursor="c0")
    assert await rig.shown(cursor=f"c{sessions - 1}") == 0
    assert service.CURSORS_ON_JOIN < 64, "fewer than the mark of the replays channel at the default budget"


async def test_a_session_whose_folder_was_made_anew_keeps_its_indices(rig: Rig) -> None:
    writer: SessionWriter = rig.record(frames=3)
    shutil.rmtree(writer.folder)
    rig.add(writer, 2)
    await rig.ask("start", session_id="s")
    status = (await rig.ask("status")).body
    assert (status["position"], status["total"]) == (3, 2)
    assert [await rig.shown(), await rig.shown(), await rig.shown()] == [3, 4, None]
    assert (await rig.ask("seek", index=3)).body["position"] == 3
    assert await rig.shown() == 3
    with pytest.raises(InvalidRequest):
        await rig.ask("seek", index=0)


async def test_a_long_session_starts_with_one_reading_of_its_file(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 entries of full size are found by their line breaks: hardly one of them is parsed. The benchmarks have
    the time that it takes, as a ratio to a bare read."""
    frames = 100_000
    folder = rig.root / "long"
    folder.mkdir(parents=True)
    header = frame(0).model_dump(mode="json")
    entry = orjson.dumps(Entry.of(header, 0, "0" * 64, "0000_BR.png").fields)
    lines = (entry.replace(b'{"index":0', b'{"index":%d' % index, 1) for index in range(frames))
    path = folder / "metadata.json"
    path.write_bytes(b"".join(file_parts(new_head("long", 1.0), lines, Tail())))
    read_bytes, parsed = [0], [0]

    def pread(fd: int, length: int, offset: int) -> bytes:
        data = whole_pread(fd, length, offset)
        read_bytes[0] += len(data)
        return data

    def parse(text: bytes) -> Entry:
        parsed[0] += 1
        return parse_entry(text)

    whole_pread = text_lines.pread
    monkeypatch.setattr(text_lines, "pread", pread)
    monkeypatch.setattr("shared.session.reading.metadata_reader.parse_entry", parse)
    assert (await rig.ask("start", session_id="long")).body["total"] == frames
    assert path.stat().st_size <= read_bytes[0] < 1.1 * path.stat().st_size
    assert parsed[0] < 10


async def test_a_cursor_does_not_go_on_in_another_session_of_the_name(rig: Rig) -> None:
    """Removed and recorded anew under its old id: the next frame there is of another experiment."""
    rig.record(frames=3).close()
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
    shutil.rmtree(rig.root / "s")
    again = SessionWriter.create(Disk(), rig.root, "s", CREATED_AT + 60)
    rig.add(again, 5, created_at=CREATED_AT + 60)
    for message_type, more in (("next", {}), ("previous", {}), ("seek", {"index": 1}), ("play", {}), ("status", {})):
        with pytest.raises(NotReplaying, match="another one is called 's' now"):
            await rig.ask(message_type, **more)
    await rig.ask("start", session_id="s")
    assert await rig.shown() == 0
