"""The generator's journal holds up no answer, and says what it could not write."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from services.generator import journal as journals
from services.generator.journal import FrameJournal
from shared.frame import FrameKey
from shared.session.writing.journal import read_left
from shared.system.disk import Buffer, Disk
from tests.support.waiting import eventually_async

FRAMES = [FrameKey(session_id="s", epoch="e", record_seq=number, frame_id=f"e-{number}") for number in range(3)]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What the disk waits for; open to begin with."""
    made = threading.Event()
    made.set()
    yield made
    made.set()


@pytest_asyncio.fixture
async def journal(tmp_path: Path, gate: threading.Event) -> AsyncIterator[FrameJournal]:
    class Gated(Disk):
        def write(self, fd: int, data: Buffer) -> int:
            gate.wait(60)
            return super().write(fd, data)

        def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
            gate.wait(60)
            return super().pwrite(fd, data, offset)

    made = FrameJournal(Gated(), tmp_path, "e")
    yield made
    gate.set()
    with suppress(RuntimeError):  # the test has closed it
        await made.close()


def named(folder: Path) -> list[str]:
    path = folder / ".journal" / "e.jsonl"
    return [key.frame_id for key in FRAMES if path.exists() and key.frame_id in path.read_text()]


async def test_a_frame_is_written_down_before_its_answer(journal: FrameJournal, tmp_path: Path) -> None:
    for number, key in enumerate(FRAMES, 1):
        noted = journal.made(key, answered=True)
        await journal.wait(noted)
        assert noted.result()
        assert len(named(tmp_path)) == number
    assert journal.unjournaled == 0
    journal.let_go(key.frame_id for key in FRAMES)
    await journal.close()
    assert not (tmp_path / ".journal").exists()


async def test_a_disk_that_hangs_holds_up_no_answer_for_long(
    journal: FrameJournal, gate: threading.Event, tmp_path: Path
) -> None:
    gate.clear()
    for number, key in enumerate(FRAMES, 1):
        await journal.wait(journal.made(key, answered=True))
        assert journal.unjournaled == number
    assert named(tmp_path) == []
    gate.set()
    await eventually_async(lambda: len(named(tmp_path)) == len(FRAMES), what="all of them are written after all")
    assert journal.problem is None


async def test_it_closes_though_its_disk_hangs(
    journal: FrameJournal, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "CLOSE_S", 0.05)
    gate.clear()
    journal.made(FRAMES[0], answered=True)
    async with asyncio.timeout(30):
        await journal.close()


async def test_a_failure_is_told_until_everything_is_written_after_all(
    journal: FrameJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_bad = Disk.create, True

    def create(disk: Disk, path: Path, mode: int = 0o644) -> int:
        if is_bad:
            raise RuntimeError("a fault of ours")
        return real(disk, path, mode)

    monkeypatch.setattr(Disk, "create", create)
    await journal.wait(journal.made(FRAMES[0], answered=True))
    assert journal.unjournaled == 1
    assert "a fault of ours" in str(journal.problem)
    is_bad = False
    journal.retry()
    await eventually_async(lambda: journal.problem is None, what="nothing is wrong any more")
    assert named(tmp_path) == [FRAMES[0].frame_id]
    await journal.wait(journal.made(FRAMES[1], answered=False))
    await journal.close()
    ((found,), _) = read_left(tmp_path, None)
    assert [(frame.key, frame.answered) for frame in found.frames] == [(FRAMES[0], True), (FRAMES[1], False)]
