"""The journal of pending frames goes on after what went wrong once, and then says nothing of it any more."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.api.bus import journal as journals
from services.api.bus.journal import Journal
from shared.frame import FrameKey
from shared.session.format import layout
from shared.system.disk import Disk
from tests.support.waiting import eventually_async

FRAMES = [FrameKey(session_id="s", epoch="e", record_seq=number, frame_id=f"e-{number}") for number in range(2)]


@pytest_asyncio.fixture
async def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Journal]:
    monkeypatch.setattr(journals, "RETRY_S", 0.02)
    made = Journal(Disk(), tmp_path, lambda frames: None)
    running = asyncio.create_task(made.run())
    await made.opened(running)
    yield made
    running.cancel()
    await made.close()


def text(folder: Path) -> str:
    return (folder / ".answered" / "pending.jsonl").read_text()


async def test_a_lock_that_could_not_be_looked_for_once_is_no_lasting_trouble(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_bad = Path.exists, True

    def exists(path: Path, **more: bool) -> bool:
        if is_bad and path.name == layout.API_LOCK:
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(path, **more)

    monkeypatch.setattr(Path, "exists", exists)
    await journal.add(FRAMES[0]).wait()
    assert "Stale file handle" in " ".join(journal.problems)
    assert FRAMES[0].frame_id in text(tmp_path)
    is_bad = False
    await eventually_async(lambda: not journal.problems, what="nothing is wrong any more")


async def test_a_failure_is_told_until_everything_is_written_after_all(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_bad = Disk.pwrite_all, True

    def pwrite_all(disk: Disk, fd: int, data: bytes, offset: int) -> None:
        if is_bad:
            raise RuntimeError("a fault of ours")
        real(disk, fd, data, offset)

    monkeypatch.setattr(Disk, "pwrite_all", pwrite_all)
    await journal.add(FRAMES[0]).wait()
    assert "a fault of ours" in " ".join(journal.problems)
    is_bad = False
    await eventually_async(lambda: not journal.problems, what="nothing is wrong any more")
    assert FRAMES[0].frame_id in text(tmp_path)
    await journal.add(FRAMES[1]).wait()
    assert all(frame.frame_id in text(tmp_path) for frame in FRAMES)
