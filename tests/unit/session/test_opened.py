"""Sessions that are kept open for their next readers."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from shared.errors import FrameMissing, SessionDamaged, SessionNotFound
from shared.session.reading import opened
from shared.session.reading.opened import OpenSessions
from shared.session.reading.reader import SessionReader
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.frames import CREATED_AT, pending_frame
from tests.support.waiting import eventually_async

NAMES = ("a", "b", "c")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        writer = SessionWriter.create(Disk(), tmp_path, name, CREATED_AT)
        writer.append([pending_frame(number, session_id=name) for number in range(3)])
        writer.close()
    path = tmp_path / "b" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    return tmp_path


def itself(reader: SessionReader) -> SessionReader:
    return reader


async def test_a_few_are_kept_open(root: Path) -> None:
    sessions = OpenSessions(root, 2)
    first = [await sessions.read(name, itself) for name in NAMES]
    again = [await sessions.read(name, itself) for name in NAMES[::-1]]
    assert again[:2] == [first[2], first[1]]
    assert again[2] is not first[0], "the one used longest ago was let go of"
    await eventually_async(lambda: first[0].fileno() < 0)
    await sessions.close()
    assert again[2].fileno() < 0


async def test_those_used_longest_ago_are_let_go_of_when_they_hold_too_much(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = OpenSessions(root, 8)
    first = {name: await sessions.read(name, itself) for name in NAMES}
    held = {name: reader.held_bytes for name, reader in first.items()}
    monkeypatch.setattr(opened, "HELD_BYTES", held["b"] + held["c"])
    assert await sessions.read("c", itself) is first["c"]
    await eventually_async(lambda: first["a"].fileno() < 0)
    assert await sessions.read("b", itself) is first["b"]
    monkeypatch.setattr(opened, "HELD_BYTES", 10)
    assert await sessions.read("a", lambda reader: reader.count) == 3, "one alone may hold more"
    await eventually_async(lambda: first["b"].fileno() < 0 and first["c"].fileno() < 0)
    await sessions.close()


async def test_large_ones_are_let_go_of_when_idle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "IDLE_S", 0.1)
    path = root / "b" / "metadata.json"
    path.write_text(json.dumps({"x": [{"a": 1}] * 20_000, **json.loads(path.read_text())}))
    sessions = OpenSessions(root, 8)
    small, large = [await sessions.read(name, itself) for name in ("a", "b")]
    assert small.held_bytes < opened.LARGE_BYTES < large.held_bytes
    first = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < first + 0.2:
        assert await sessions.read("b", itself) is large, "while it is read it is kept"
    await eventually_async(lambda: large.fileno() < 0)
    assert await sessions.read("a", itself) is small
    await sessions.close()


async def test_who_is_cancelled_leaves_the_session_to_its_thread(root: Path) -> None:
    sessions, began, may_go_on = OpenSessions(root, 8), threading.Event(), threading.Event()
    seen: list[int] = []

    def slowly(reader: SessionReader) -> None:
        began.set()
        may_go_on.wait(20)
        seen.append(reader.fileno())

    task = asyncio.create_task(sessions.read("a", slowly))
    await asyncio.to_thread(began.wait, 20)
    queued = asyncio.create_task(sessions.read("a", itself))
    await asyncio.sleep(0)
    for each in (task, queued):
        each.cancel()
    gone = await asyncio.gather(task, queued, return_exceptions=True)
    assert [type(each) for each in gone] == [asyncio.CancelledError] * 2
    forgetting = asyncio.create_task(sessions.forget("a"))
    assert await sessions.read("b", lambda reader: reader.count) == 3
    assert not forgetting.done()
    may_go_on.set()
    await forgetting
    assert seen[0] >= 0, "it was not closed under its reader"
    assert "b" in sessions
    assert "a" not in sessions
    await sessions.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
async def test_another_file_in_its_place_is_damage(root: Path) -> None:
    sessions, path = OpenSessions(root, 8), root / "a" / "metadata.json"
    whole = path.read_bytes()
    await sessions.read("a", itself)
    path.unlink()
    os.mkfifo(path)
    for _ in range(2):
        with pytest.raises(SessionDamaged, match="no plain file"):
            await sessions.read("a", itself)
    path.unlink()
    path.write_bytes(whole)
    assert await sessions.read("a", lambda reader: (reader.problem, reader.count)) == (None, 3)
    await sessions.close()


async def test_a_slow_one_holds_up_nobody_else(root: Path) -> None:
    sessions, may_go_on = OpenSessions(root, 1), threading.Event()
    slow = asyncio.create_task(sessions.read("a", lambda reader: may_go_on.wait(20)))
    waiting = asyncio.create_task(sessions.read("a", lambda reader: reader.count))
    assert await asyncio.wait_for(sessions.read("b", lambda reader: reader.count), 10) == 3
    assert not slow.done()
    assert not waiting.done(), "one reader of a session at a time"
    may_go_on.set()
    assert await slow
    assert await waiting == 3
    await sessions.close()


async def test_what_a_reader_says_of_a_frame_closes_nothing(root: Path) -> None:
    sessions = OpenSessions(root, 8)
    first = await sessions.read("a", itself)

    def missing(reader: SessionReader) -> None:
        raise FrameMissing("it is gone")

    def broken(reader: SessionReader) -> None:
        raise OSError("the disk is gone")

    with pytest.raises(FrameMissing):
        await sessions.read("a", missing)
    assert await sessions.read("a", itself) is first
    with pytest.raises(OSError, match="gone"):
        await sessions.read("a", broken)
    assert await sessions.read("a", itself) is not first
    await sessions.close()


async def test_one_that_is_not_there_leaves_nothing(root: Path) -> None:
    sessions = OpenSessions(root, 8)
    with pytest.raises(SessionNotFound):
        await sessions.read("none", itself)
    await sessions.forget("none")
    reader = await sessions.read("a", itself)
    await sessions.forget("a")
    assert reader.fileno() < 0
    assert "none" not in sessions
    assert "a" not in sessions
