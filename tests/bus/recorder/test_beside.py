"""Sessions that are recorded beside the active one, and sessions that are taken in."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from services.recorder.ledger import ledger
from shared.errors import InvalidSessionId, NotFound, SessionBusy, SessionExists
from shared.session.format.layout import RECORDER_LOCK
from shared.session.reading.reader import SessionReader
from shared.session.transfer.export import Export
from shared.session.transfer.importing import stage_archive
from shared.session.transfer.staging import staging
from shared.system.disk import Disk
from tests.bus.recorder.conftest import Rig, SteeredGenerator
from tests.support.recorded import record_pictures
from tests.support.waiting import eventually_async

EXTRA = {"parent": {"session_id": "s"}, "changed": {"seed_offset": 1}}


@pytest.fixture
async def recording(rig: Rig) -> SteeredGenerator:
    """A recorder and a generator, with the session ``s`` active."""
    generator = await rig.new_generator()
    await rig.start()
    await rig.ask("start", session_id="s")
    return generator


def tail_is_open(rig: Rig, session_id: str) -> bool:
    with SessionReader(rig.root / session_id) as reader:
        return reader.tail.open


def count(rig: Rig, session_id: str) -> int:
    with SessionReader(rig.root / session_id) as reader:
        return reader.count


async def begin(rig: Rig, session_id: str = "b", *, resume: bool = False) -> dict[str, object]:
    body = {"session_id": session_id, "active": False, "extra": EXTRA, "resume": resume}
    return await rig.ask("start", **body)


async def test_a_session_beside_the_active_one_leaves_it_active(rig: Rig, recording: SteeredGenerator) -> None:
    await begin(rig)
    await recording.make("b", count=2)
    await recording.make("s", count=2)
    await eventually_async(lambda: (count(rig, "b"), count(rig, "s")) == (2, 2))
    assert (await rig.status())["active"]["session_id"] == "s"
    with SessionReader(rig.root / "b") as reader:
        assert {key: reader.head[key] for key in EXTRA} == EXTRA
        assert reader.tail.open, "more frames are expected"
    await rig.ask("stop", session_id="b")
    await eventually_async(lambda: not tail_is_open(rig, "b"))
    assert (await rig.status())["active"]["session_id"] == "s"
    await rig.ask("stop", session_id="b")  # may be repeated


async def test_it_is_let_go_when_its_maker_died(
    rig: Rig, recording: SteeredGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LEASE_S", 0.1)
    await begin(rig)
    await recording.make("b")
    await eventually_async(lambda: count(rig, "b") == 1 and not tail_is_open(rig, "b"))
    await recording.make("b")
    await eventually_async(lambda: count(rig, "b") == 2)


async def test_it_is_begun_once_and_gone_on_with(rig: Rig, recording: SteeredGenerator) -> None:
    begun = await begin(rig)
    assert begun["resumed"] is False
    with pytest.raises(SessionExists):
        await begin(rig)
    with pytest.raises(SessionBusy):
        await rig.ask("delete", session_id="b")
    await rig.ask("stop", session_id="b")
    again = await begin(rig, resume=True)
    assert (again["resumed"], again["created_at"]) == (True, begun["created_at"])
    with pytest.raises(SessionBusy):
        await begin(rig, "s", resume=True)
    with pytest.raises(InvalidSessionId):
        await rig.ask("start", active=False)
    await rig.ask("stop", session_id="b")
    await eventually_async(lambda: not tail_is_open(rig, "b"))
    await rig.ask("delete", session_id="b")


async def test_a_staged_session_is_taken_in(rig: Rig, tmp_path: Path) -> None:
    await rig.start()
    record_pictures(tmp_path, "old")
    archive = b"".join(Export(tmp_path, "old").chunks())
    with staging(Disk(), rig.root) as staged:
        stage_archive(Disk(), staged, io.BytesIO(archive).read, session_id="new")
        with pytest.raises(NotFound):
            await rig.ask("import", staged=staged.name, session_id="other")
        with pytest.raises(NotFound):
            await rig.ask("import", staged="../..", session_id="new")
        await rig.ask("import", staged=staged.name, session_id="new")
        with pytest.raises(SessionExists):
            await rig.ask("import", staged=staged.name, session_id="new")
    assert count(rig, "new") == 3
    assert sorted(path.name for path in rig.root.iterdir()) == sorted([RECORDER_LOCK, "new"])
