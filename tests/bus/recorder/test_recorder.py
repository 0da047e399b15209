"""The recorder over real sockets: what it writes, asks for, acknowledges and says."""

from __future__ import annotations

import asyncio
import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from services.recorder import active, service
from services.recorder.service import Recorder
from shared.bus.envelope import Payload
from shared.bus.messages import AnyMessage, FrameRecorded
from shared.bus.publisher import Publisher
from shared.bus.subscriber import Subscriber
from shared.errors import (
    InsufficientStorage,
    InvalidSessionId,
    RecorderUnavailable,
    SessionBusy,
    SessionExists,
    SessionNotActive,
    SessionNotFound,
)
from shared.frame import FrameKey
from shared.process.runner import Runtime
from shared.process.settings import Settings
from shared.session.check import check, exit_code
from shared.session.format.layout import RECORDER_LOCK
from shared.session.writing.journal import Journal, JournaledFrame
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld
from tests.bus.recorder.conftest import Rig, SteeredGenerator
from tests.support.buses import first
from tests.support.frames import CREATED_AT
from tests.support.scripted_disk import Fault, ScriptedDisk
from tests.support.waiting import eventually_async


@pytest.fixture
async def recording(rig: Rig) -> SteeredGenerator:
    """A recorder and a generator, with the session ``s`` active."""
    generator = await rig.new_generator()
    await rig.start()
    await rig.ask("start", session_id="s")
    return generator


def ref(number: int, epoch: str = "epoch-a", session_id: str = "s", **more: str) -> dict[str, Any]:
    return {"session_id": session_id, "epoch": epoch, "record_seq": number, **more}


async def test_frames_are_recorded_acknowledged_and_announced(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=5)
    await rig.wait_recorded(hashes)
    await eventually_async(lambda: rig.types().count("frame.recorded") == 5)
    told = [event.header for event in rig.events if event.type == "frame.recorded"]
    assert [message["index"] for message in told] == [0, 1, 2, 3, 4]
    assert told[0]["filename"] == "0000_BR.png"
    assert told[0]["frame_epoch"] == "epoch-a"
    assert told[0]["bytes"] == (rig.root / "s" / "0000_BR.png").stat().st_size
    assert recording.fetched == []
    status = await rig.status(ref(4), ref(5))
    assert status["recorded"] == [True, False]
    assert status["active"]["session_id"] == "s"
    assert status["sessions"] == [{"session_id": "s", "recorded": 5, "pending": 0, "error": None}]
    assert status["free_bytes"] > 0
    await rig.ask("stop")
    await eventually_async(lambda: "open" not in rig.metadata())
    assert exit_code(check(rig.root / "s")) == 0


async def test_what_the_stream_loses_is_fetched_and_the_order_holds(rig: Rig, recording: SteeredGenerator) -> None:
    recording.loses = {1, 2, 5, 9}
    hashes = await recording.make(count=10)
    await rig.wait_recorded(hashes)
    assert recording.fetched == [1, 2, 5, 9]


async def test_a_frame_that_comes_twice_is_recorded_once(rig: Rig, recording: SteeredGenerator) -> None:
    recording.ignores_acknowledgements = 2
    hashes = await recording.make(count=2)
    await eventually_async(lambda: rig.hashes() == hashes)
    if ("s", 0) in recording.held:
        await recording.say_again("s", 0)
    await rig.wait_recorded(hashes)
    await eventually_async(lambda: rig.types().count("frame.recorded") >= 2)
    assert rig.types().count("frame.recorded") == 2


async def test_a_lost_acknowledgement_is_repeated(rig: Rig, recording: SteeredGenerator) -> None:
    recording.ignores_acknowledgements = 1
    hashes = await recording.make(count=1)
    await rig.wait_recorded(hashes)


async def test_a_chain_stores_its_first_input_only(rig: Rig, recording: SteeredGenerator) -> None:
    recording.ignores_acknowledgements = 10**9
    hashes = await recording.make(count=4, chain=True)
    await eventually_async(lambda: rig.hashes() == hashes)
    assert len(list((rig.root / "s" / "inputs").iterdir())) == 1
    recording.ignores_acknowledgements = 0
    await rig.wait_recorded(hashes)


async def test_a_recorder_that_starts_late_finds_every_frame(rig: Rig) -> None:
    generator = await rig.new_generator()
    one = await generator.make("one", 4)
    two = await generator.make("two", 3)
    await rig.start()
    await rig.wait_recorded(one, "one")
    await rig.wait_recorded(two, "two")
    assert rig.metadata("one")["created_at"] == CREATED_AT
    assert (await rig.status())["active"] is None
    await eventually_async(lambda: "open" not in rig.metadata("one"), what="it is closed: it is not active")
    assert "interrupted" not in rig.metadata("one")


async def test_frames_are_written_though_their_session_has_ended(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make("s", 2)
    await rig.ask("start", session_id="other")
    hashes += await recording.make("s", 2)
    other = await recording.make("other", 2)
    await rig.wait_recorded(hashes, "s")
    await rig.wait_recorded(other, "other")
    await eventually_async(lambda: "open" not in rig.metadata("s"))
    assert rig.metadata("other")["open"] is True


async def test_sessions_are_started_stopped_and_named(rig: Rig) -> None:
    await rig.start()
    with pytest.raises(SessionNotActive):
        await rig.ask("stop")
    made = await rig.ask("start")
    assert made["session_id"].startswith("session_")
    assert made["resumed"] is False
    again = await rig.ask("start")
    assert again["session_id"] == made["session_id"] + "_2" or again["session_id"] != made["session_id"]
    with pytest.raises(SessionExists, match="resume=true"):
        await rig.ask("start", session_id=made["session_id"])
    with pytest.raises(InvalidSessionId):
        await rig.ask("start", session_id="../x")
    with pytest.raises(InvalidSessionId):
        await rig.ask("start", session_id="")
    resumed = await rig.ask("start", session_id=made["session_id"], resume=True)
    assert resumed["resumed"] is True
    assert resumed["created_at"] == made["created_at"]
    stopped = await rig.ask("stop")
    assert stopped["session_id"] == made["session_id"]
    assert (stopped["recorded"], stopped["pending"]) == (0, 0)
    assert (await rig.ask("status", frames=[]))["stopped"] == made["session_id"]
    assert (await rig.ask("start", session_id=made["session_id"], resume=True))["resumed"] is True
    assert (await rig.ask("status", frames=[]))["stopped"] is None, "it was begun again"
    fresh = await rig.ask("start", session_id="fresh", resume=True)
    assert fresh["resumed"] is False
    await eventually_async(lambda: rig.events and rig.events[-1].header["session_id"] == "fresh")
    assert "session.stopped" in rig.types()


async def test_who_ends_a_session_finds_it_closed(
    rig: Rig, recording: SteeredGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active, "END_S", 15.0)
    await rig.wait_recorded(await recording.make(count=3))
    stopped = await rig.ask("stop")
    assert (stopped["recorded"], stopped["pending"]) == (3, 0)
    assert "open" not in rig.metadata(), "whoever packs it now packs a whole session"


async def test_ending_a_session_does_not_wait_for_a_disk_that_refuses(
    rig: Rig, recording: SteeredGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active, "END_S", 0.05)
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    rig.disk.arm(Fault(0, "error", errno.ENOSPC, lasting=True))
    stopped = await rig.ask("stop")
    assert (stopped["session_id"], stopped["pending"]) == ("s", 0)
    assert rig.metadata()["open"] is True
    rig.disk.arm(None)
    await eventually_async(lambda: "open" not in rig.metadata())
    assert rig.hashes() == hashes


async def test_a_late_subscriber_is_told_which_session_is_active(rig: Rig, recording: SteeredGenerator) -> None:
    late = Subscriber(rig.buses.new(), "recordings", ["session.started"])
    told = await first(late, "session.started", 5)
    assert told.header["session_id"] == "s"


async def test_a_session_is_deleted_unless_it_is_busy(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    with pytest.raises(SessionBusy):
        await rig.ask("delete", session_id="s")
    await rig.ask("stop")
    await rig.ask("delete", session_id="s")
    assert [path.name for path in rig.root.iterdir()] == [RECORDER_LOCK]
    with pytest.raises(SessionNotFound):
        await rig.ask("delete", session_id="s")
    for session_id in ("..", ".", "", ".spill", "a/b"):
        with pytest.raises((SessionNotFound, InvalidSessionId)):
            await rig.ask("delete", session_id=session_id)
    assert rig.root.is_dir()


async def test_a_session_with_pending_frames_is_not_deleted(rig: Rig, recording: SteeredGenerator) -> None:
    rig.disk.arm(Fault(0, "error", errno.EIO, lasting=True))
    await recording.make(count=2)
    await rig.ask("stop")
    await eventually_async(lambda: rig.recorder.ledger.pending("s") == 2)
    with pytest.raises(SessionBusy):
        await rig.ask("delete", session_id="s")
    rig.disk.arm(None)


async def test_a_session_is_repaired_on_request(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=3)
    await rig.wait_recorded(hashes)
    (rig.root / "s" / "metadata.json").unlink()
    done = await rig.ask("repair", session_id="s")
    assert rig.hashes() == hashes
    assert done["actions"]
    await rig.ask("stop")
    await eventually_async(lambda: "open" not in rig.metadata())
    (rig.root / "s" / "metadata.json").write_bytes(b"{")
    await rig.ask("repair", session_id="s")
    assert rig.hashes() == hashes
    with pytest.raises(SessionNotFound):
        await rig.ask("repair", session_id="none")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
async def test_a_disk_that_refuses(rig: Rig, recording: SteeredGenerator, number: int) -> None:
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    rig.disk.arm(Fault(3, "error", number, lasting=True))
    hashes += await recording.make(count=3)

    async def told() -> bool:
        state = await rig.state_of("s")
        return state["error"] is not None and state["pending"] == 3

    await eventually_async(told)
    rig.disk.arm(None)
    await rig.wait_recorded(hashes)
    await eventually_async(lambda: rig.recorder.ledger.backoff.reason("s") is None)


async def test_a_full_disk_refuses_a_new_session(rig: Rig) -> None:
    await rig.start()
    rig.disk.arm(Fault(0, "error", errno.ENOSPC, lasting=True))
    with pytest.raises(InsufficientStorage):
        await rig.ask("start", session_id="s")
    rig.disk.arm(Fault(0, "error", errno.EROFS, lasting=True))
    with pytest.raises(RecorderUnavailable, match="Read-only"):
        await rig.ask("start", session_id="s")
    rig.disk.arm(None)
    await rig.ask("start", session_id="s")


async def test_a_session_folder_removed_by_its_owner(rig: Rig, recording: SteeredGenerator) -> None:
    await rig.wait_recorded(await recording.make(count=2))
    shutil.rmtree(rig.root / "s")
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    assert [entry["index"] for entry in rig.metadata()["sequence"]] == [2, 3]


async def test_a_root_that_vanishes_and_is_blocked(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    away = rig.root.with_name("away")
    rig.root.rename(away)
    rig.root.write_text("in the way")
    hashes += await recording.make(count=2)
    await eventually_async(lambda: rig.recorder.ledger.backoff.folder)
    assert "sessions" in (await rig.status())["error"]
    assert (await rig.state_of("s"))["pending"] == 2
    rig.root.unlink()
    away.rename(rig.root)
    await rig.wait_recorded(hashes)
    assert (await rig.status())["error"] is None


async def test_a_root_that_is_removed_is_made_again(rig: Rig, recording: SteeredGenerator) -> None:
    await rig.wait_recorded(await recording.make(count=1))
    shutil.rmtree(rig.root)
    await rig.wait_recorded(await recording.make(count=1))
    assert (rig.root / RECORDER_LOCK).exists()


async def test_one_sessions_trouble_blocks_no_other(rig: Rig, recording: SteeredGenerator) -> None:
    bad = await recording.make("s", 1)
    await rig.wait_recorded(bad)
    (rig.root / "s").rename(rig.root / "away")
    (rig.root / "s").write_text("in the way")
    bad += await recording.make("s", 2)
    good = await recording.make("good", 5)
    await rig.wait_recorded(good, "good")
    assert (await rig.state_of("s"))["error"]
    (rig.root / "s").unlink()
    (rig.root / "away").rename(rig.root / "s")
    await rig.wait_recorded(bad)


async def test_a_killed_recorder_goes_on(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=3)
    await rig.wait_recorded(hashes)
    await rig.kill()
    hashes += await recording.make(count=3)
    await rig.start()
    assert (await rig.status())["active"] is None
    resumed = await rig.ask("resume", session_id="s", created_at=CREATED_AT)
    assert resumed["session_id"] == "s"
    await rig.wait_recorded(hashes)
    assert rig.metadata()["interrupted"] is True
    assert rig.metadata()["open"] is True
    assert (await rig.ask("resume", session_id="other", created_at=1.0))["session_id"] == "s", "one is active already"


@pytest.mark.parametrize("at", range(0, 30, 3))
async def test_a_recorder_that_dies_at_a_step(rig: Rig, recording: SteeredGenerator, at: int) -> None:
    hashes = await recording.make(count=1)
    await rig.wait_recorded(hashes)
    rig.disk.arm(Fault(at, "torn"))
    hashes += await recording.make(count=4)
    await eventually_async(lambda: rig.disk.dead or rig.hashes() == hashes)
    await rig.kill()
    await rig.start()
    await rig.wait_recorded(hashes)


async def test_a_spill_is_taken_in_first(rig: Rig) -> None:
    gone = await rig.new_generator("epoch-old")
    old = await gone.make(count=5)
    gone.spill(rig.root)
    await gone.die()
    generator = await rig.new_generator("epoch-new")
    new = await generator.make(count=2)
    await rig.start()
    await rig.wait_recorded(old + new)
    assert not (rig.root / ".spill").exists()
    frame_id = rig.metadata()["sequence"][0]["frame_id"]
    status = await rig.status(ref(0, "epoch-old", frame_id=frame_id), ref(9, "epoch-old", frame_id="another"))
    assert status["recorded"] == [True, False]
    assert status["lost"] == {}


async def test_a_torn_frame_of_the_spill_is_named_with_its_reason_and_the_others_are_recorded(rig: Rig) -> None:
    gone = await rig.new_generator("epoch-old")
    hashes = await gone.make(count=3)
    torn_id = gone.held["s", 1][0]["frame_id"]
    gone.spill(rig.root)
    await gone.die()
    (torn,) = [path for path in (rig.root / ".spill").glob("*.frame") if torn_id.encode() in path.read_bytes()]
    torn.write_bytes(torn.read_bytes()[:-1])
    await rig.start()
    await eventually_async(lambda: rig.hashes() == [hashes[0], hashes[2]])

    async def named() -> bool:
        return "is torn" in (await rig.status())["set_aside"].get(torn_id, "")

    await eventually_async(named)
    assert rig.metadata()["lost"] == [torn_id]
    assert torn.exists(), "for a human"


async def test_a_generator_replaced_while_frames_wait(rig: Rig, recording: SteeredGenerator) -> None:
    """It was stopped in order: what it held is in the spill, and goes before its successor's frames."""
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    rig.disk.arm(Fault(0, "error", errno.EIO, lasting=True))
    recording.loses = {2, 3}
    hashes += await recording.make(count=3)
    recording.spill(rig.root)
    await recording.die()
    rig.disk.arm(None)
    generator = await rig.new_generator("epoch-b")
    hashes += await generator.make(count=2)
    await rig.wait_recorded(hashes)
    assert (await rig.status())["lost"] == {}
    assert not (rig.root / ".spill").exists()


async def test_what_a_killed_generator_held_is_named_as_lost(rig: Rig, recording: SteeredGenerator) -> None:
    kept = await recording.make(count=2)
    await rig.wait_recorded(kept)
    rig.disk.arm(Fault(0, "error", errno.EIO, lasting=True))
    recording.loses, recording.fetches_nothing = {3, 4}, True
    made = await recording.make(count=3)
    known = rig.metadata()["sequence"][1]["frame_id"]
    ids = [recording.held["s", number][0]["frame_id"] for number in (2, 3, 4)]
    await eventually_async(lambda: rig.recorder.ledger.pending("s") == 3)
    recording.journal(rig.root, unanswered={4}).close()
    await recording.die()
    rig.disk.arm(None)
    generator = await rig.new_generator("epoch-b")
    frames = [{**ref(n), "frame_id": i} for n, i in zip((1, 2, 3, 4), [known, *ids], strict=True)]

    async def settled() -> bool:
        status = await rig.status(*frames)
        return sum(status["recorded"]) + sum(status["gone"]) == 4

    await eventually_async(settled)
    status = await rig.status(*frames)
    recorded = [frame["frame_id"] for frame, is_safe in zip(frames, status["recorded"], strict=True) if is_safe]
    gone = [frame["frame_id"] for frame, is_gone in zip(frames, status["gone"], strict=True) if is_gone]
    assert set(gone) >= set(ids[1:])
    assert known in recorded
    new = await generator.make(count=1)
    survivors = [made[number - 2] for number in (2, 3, 4) if ids[number - 2] in recorded]
    await rig.wait_recorded([*kept, *survivors, *new])
    assert rig.metadata()["lost"] == [i for i in ids if i in gone]
    status = await rig.status()
    assert set(status["lost"]["s"]) == set(gone)
    assert status["unanswered"] == ids[2:], "of the others somebody may have seen the picture"
    await eventually_async(lambda: not (rig.root / ".journal").exists())


async def test_what_a_killed_generator_wrote_down_is_named_by_a_recorder_that_never_met_it(rig: Rig) -> None:
    gone = await rig.new_generator("epoch-a")
    await gone.make(count=3)
    ids = [gone.held["s", number][0]["frame_id"] for number in range(3)]
    journal = gone.journal(rig.root)
    SessionWriter.open_or_create(Disk(), rig.root, "s", CREATED_AT).close()
    await gone.die()
    await rig.start()
    status = await rig.status(*({**ref(n), "frame_id": i} for n, i in enumerate(ids)))
    assert not any(status["gone"]), "its journal is locked: it may yet spill"
    journal.close()
    await eventually_async(lambda: rig.metadata().get("lost") == ids)
    assert rig.hashes() == []
    await eventually_async(lambda: not (rig.root / ".journal").exists())


async def test_a_generator_that_hangs_holds_up_no_losses_of_another(rig: Rig, recording: SteeredGenerator) -> None:
    """Its journal is locked for as long as it hangs, and is looked at again and again."""
    recording.loses, recording.fetches_nothing = {1}, True
    await recording.make(count=2)
    lost = recording.held["s", 1][0]["frame_id"]
    hung = Journal(Disk(), rig.root, "epoch-h")
    key = FrameKey(session_id="h", epoch="epoch-h", record_seq=0, frame_id="epoch-h-0")
    hung.write([JournaledFrame(key)])
    recording.journal(rig.root).close()
    await recording.die()
    await rig.new_generator("epoch-b")
    await eventually_async(lambda: rig.metadata().get("lost") == [lost])
    hung.close()


async def test_frames_of_a_living_generator_are_not_gone(rig: Rig, recording: SteeredGenerator) -> None:
    rig.disk.arm(Fault(0, "error", errno.EIO, lasting=True))
    await recording.make(count=1)
    status = await rig.status({**ref(0), "frame_id": "f"})
    assert (status["recorded"], status["gone"]) == ([False], [False])
    rig.disk.arm(None)


async def test_who_asks_after_frames_that_never_were_has_none_named(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=1)
    await rig.wait_recorded(hashes)
    await eventually_async(lambda: rig.recorder.ledger.is_settled)
    status = await rig.status({**ref(9, "x"), "frame_id": "x-9"})
    assert (status["recorded"], status["gone"], status["lost"]) == ([False], [True], {})
    assert "lost" not in rig.metadata()


async def test_a_frame_that_waits_is_lost_under_no_other_name(rig: Rig, recording: SteeredGenerator) -> None:
    """Whoever asks after it by another epoch or number."""
    rig.disk.arm(Fault(0, "error", errno.EIO, lasting=True))
    made = await recording.make(count=2)
    await eventually_async(lambda: rig.recorder.ledger.pending("s") == 2)
    await eventually_async(lambda: rig.recorder.ledger.is_settled)
    ids = [recording.held["s", number][0]["frame_id"] for number in (0, 1)]
    told = [*ids, f"{recording.epoch}-77"]
    frames = [{**ref(number, epoch), "frame_id": i} for i in told for epoch in ("x", "y") for number in (0, 1, 77)]
    assert not any((await rig.status(*frames[:-3]))["gone"])
    rig.disk.arm(None)
    await rig.wait_recorded(made)
    assert rig.metadata().get("lost", []) == []


async def test_it_drains_before_it_stops(rig: Rig, recording: SteeredGenerator) -> None:
    recording.loses = set(range(1, 40, 2))
    hashes = await recording.make(count=40)
    recording.state = "stopping"
    await recording.tell()
    await rig.stop()
    assert rig.hashes() == hashes
    assert "open" not in rig.metadata()
    assert "interrupted" not in rig.metadata()
    assert not (rig.root / RECORDER_LOCK).exists()
    assert not list(rig.root.rglob(".tmp-*"))


async def test_told_to_stop_it_waits_for_a_generator_that_it_has_not_met(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have just started, and the generator has made frames before the recorder's sockets reached it."""
    monkeypatch.setattr(service, "LISTEN_S", 8.0)
    monkeypatch.setattr(service, "DRAIN_S", 9.0)
    await rig.start()
    rig.runtime.stopping.set()
    generator = await rig.new_generator()
    generator.state = "stopping"
    hashes = await generator.make(count=5)
    await rig.stop()
    assert rig.hashes() == hashes
    await eventually_async(lambda: not generator.held, what="all are acknowledged")


async def test_told_to_stop_it_sees_its_acknowledgements_arrive(
    rig: Rig, recording: SteeredGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the generator, which stops as well, would spill what is on disk already."""
    monkeypatch.setattr(service, "DRAIN_S", 9.0)
    recording.state = "stopping"
    recording.may_acknowledge.clear()
    hashes = await recording.make(count=3)
    await eventually_async(lambda: rig.hashes() == hashes)
    rig.runtime.stopping.set()
    ended, _ = await asyncio.wait({rig.task}, timeout=0.5)
    assert not ended
    recording.may_acknowledge.set()
    await rig.stop()
    assert recording.acknowledged == [0, 1, 2]


async def test_told_to_stop_it_tells_everybody_what_is_on_disk(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the generator is gone, and nothing more can come."""
    may_publish, publish = asyncio.Event(), Publisher.publish

    async def held_up(publisher: Publisher, message: AnyMessage, payload: Payload = b"") -> None:
        if isinstance(message, FrameRecorded):
            await may_publish.wait()
        await publish(publisher, message, payload)

    monkeypatch.setattr(Publisher, "publish", held_up)
    generator = await rig.new_generator()
    await rig.start()
    await rig.ask("start", session_id="s")
    hashes = await generator.make(count=1)
    await eventually_async(lambda: rig.hashes() == hashes)
    await generator.die()
    rig.runtime.stopping.set()
    ended, _ = await asyncio.wait({rig.task}, timeout=0.5)
    assert not ended
    may_publish.set()
    await rig.stop()
    await eventually_async(lambda: "frame.recorded" in rig.types())


async def test_a_second_recorder_refuses(rig: Rig, recording: SteeredGenerator, folder: Path) -> None:
    settings = Settings.model_validate({"sessions_dir": rig.root, "bus": str(rig.buses.address)})
    second = Runtime(settings, rig.buses.new())
    with pytest.raises(AlreadyHeld, match="sessions folder"):
        await Recorder(second, ScriptedDisk()).run()
    await second.finish()
    elsewhere = Settings.model_validate({"sessions_dir": folder / "other", "bus": str(rig.buses.address)})
    third = Runtime(elsewhere, rig.buses.new())
    with pytest.raises(AlreadyHeld, match="channel"):
        await Recorder(third, ScriptedDisk()).run()
    await third.finish()
    assert not (folder / "other" / RECORDER_LOCK).exists()
    await rig.wait_recorded(await recording.make(count=1))


async def test_an_input_that_nobody_has_does_not_stop_its_frame(rig: Rig, recording: SteeredGenerator) -> None:
    recording.loses = {0}
    hashes = await recording.make(count=1)
    recording.inputs.clear()
    await rig.wait_recorded(hashes)
    assert rig.metadata()["sequence"][0]["input_file"] is None


async def test_a_start_removes_what_a_death_left_half_made(rig: Rig) -> None:
    for name in (".tmp-s", ".tmp-deleted-x/inputs"):
        (rig.root / name).mkdir(parents=True)
    (rig.root / ".tmp-file").write_bytes(b"x")
    (rig.root / "notes").mkdir()
    (rig.root / "notes" / "mine.txt").write_bytes(b"x")
    await rig.start()
    await eventually_async(lambda: sorted(p.name for p in rig.root.iterdir()) == [RECORDER_LOCK, "notes"])


async def test_memory_does_not_grow_with_frames(rig: Rig, recording: SteeredGenerator) -> None:
    hashes: list[str] = []
    for _ in range(6):
        hashes += await recording.make(count=50)
        await rig.wait_recorded(hashes)
    streams = rig.recorder.ledger.streams
    (stream,) = streams
    assert (len(stream.cached), len(stream.ids), len(stream.skipped)) == (0, 0, 0)
    assert stream.done.ranges() == [(0, 300)]
    assert streams.cached_bytes == 0


async def test_the_loop_answers_while_the_disk_is_stuck(rig: Rig, recording: SteeredGenerator) -> None:
    stuck = asyncio.Event()
    loop = asyncio.get_running_loop()
    release = __import__("threading").Event()
    whole = rig.disk.fsync

    def slow(fd: int) -> None:
        loop.call_soon_threadsafe(stuck.set)
        assert release.wait(20)
        whole(fd)

    rig.disk.fsync = slow  # type: ignore[method-assign]
    hashes = await recording.make(count=2)
    await asyncio.wait_for(stuck.wait(), 10)
    status = await rig.status(ref(0), ref(77, "unheard-of"))  # were it to wait for the disk, that would give up
    assert status["recorded"] == [False, False]
    release.set()
    await rig.wait_recorded(hashes)
