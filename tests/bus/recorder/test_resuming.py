"""Set to resume, a recorder goes on after its restart with the session that was active, and with no other."""

from __future__ import annotations

import errno
import shutil

import pytest

from shared.errors import SessionNotActive
from shared.session.check import check, exit_code
from tests.bus.recorder.conftest import Rig
from tests.support.scripted_disk import Fault
from tests.support.waiting import eventually_async

RESUME = {"resume": True}


async def active(rig: Rig) -> str | None:
    found = (await rig.status())["active"]
    return found["session_id"] if found else None


async def begin(rig: Rig, session_id: str = "s") -> None:
    """A session with two frames on disk."""
    generator = await rig.new_generator()
    await rig.start(**RESUME)
    await rig.ask("start", session_id=session_id)
    await rig.wait_recorded(await generator.make(session_id, count=2), session_id)


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_the_session_that_was_active_goes_on(rig: Rig, end: str) -> None:
    await begin(rig)
    created_at = rig.metadata()["created_at"]
    first = rig.hashes()
    await getattr(rig, end)()
    await rig.start(**RESUME)
    now = (await rig.status())["active"]
    assert now == {"session_id": "s", "created_at": created_at}, "it is active before anybody asks"
    assert rig.generator is not None
    await rig.wait_recorded(first + await rig.generator.make(count=2))
    await rig.ask("stop")
    await eventually_async(lambda: "open" not in rig.metadata())
    assert exit_code(check(rig.root / "s")) == 0


@pytest.mark.parametrize("earlier_s", [0.00004, 3.0])
async def test_the_time_that_a_script_rounded_is_still_its_own(rig: Rig, earlier_s: float) -> None:
    await begin(rig)
    await rig.kill()
    path = rig.root / "s" / "metadata.json"
    created_at = rig.metadata()["created_at"]
    path.write_text(path.read_text().replace(f'"created_at": {created_at}', f'"created_at": {created_at - earlier_s}'))
    assert rig.metadata()["created_at"] == created_at - earlier_s
    await rig.start(**RESUME)
    assert await active(rig) == ("s" if earlier_s < 1 else None)


async def test_it_is_announced(rig: Rig) -> None:
    await begin(rig)
    await rig.stop()
    told = len(rig.events)
    await rig.start(**RESUME)
    await eventually_async(
        lambda: any(event.type == "session.started" and event.header["resumed"] for event in rig.events[told:])
    )


async def test_who_stops_it_is_told_how_many_frames_it_has(rig: Rig) -> None:
    """It may be closed before the stop itself is written down."""
    await begin(rig)
    stopped = await rig.ask("stop")
    assert (stopped["session_id"], stopped["recorded"], stopped["pending"]) == ("s", 2, 0)


async def test_a_session_that_was_stopped_stays_stopped(rig: Rig) -> None:
    await begin(rig)
    await rig.ask("stop")
    await rig.kill()
    await rig.start(**RESUME)
    assert await active(rig) is None


async def test_the_last_of_several_goes_on(rig: Rig) -> None:
    await begin(rig)
    await rig.ask("start", session_id="another")
    await rig.kill()
    await rig.start(**RESUME)
    assert await active(rig) == "another"


async def test_a_rerun_beside_it_is_not_what_goes_on(rig: Rig) -> None:
    await begin(rig)
    await rig.ask("start", session_id="beside", active=False)
    await rig.kill()
    await rig.start(**RESUME)
    assert await active(rig) == "s"


async def test_by_default_a_restart_ends_it_for_good(rig: Rig) -> None:
    await begin(rig)
    await rig.stop()
    await rig.start()
    assert await active(rig) is None
    with pytest.raises(SessionNotActive):
        await rig.ask("stop")
    await eventually_async(lambda: not (rig.root / ".active").exists())
    await rig.stop()
    await rig.start(**RESUME)
    assert await active(rig) is None, "set later, the setting brings nothing back that had ended"


async def test_one_that_was_deleted_is_not_made_anew(rig: Rig) -> None:
    await begin(rig)
    await rig.stop()
    shutil.rmtree(rig.root / "s")
    await rig.start(**RESUME)
    assert await active(rig) is None
    assert not (rig.root / "s").exists()
    await rig.ask("start", session_id="s")
    assert rig.metadata()["sequence"] == []


async def test_another_one_under_its_name_is_left_alone(rig: Rig) -> None:
    await begin(rig)
    await rig.ask("start", session_id="other")
    await rig.ask("start", session_id="s", resume=True)
    await rig.stop()
    shutil.rmtree(rig.root / "s")
    (rig.root / "other").rename(rig.root / "s")
    await rig.start(**RESUME)
    assert await active(rig) is None


@pytest.mark.parametrize("text", [b"", b"{", b"null", b'{"session_id": "../s", "created_at": 1.0}', b"\xff\xfe"])
async def test_a_file_that_says_nothing_resumes_nothing(rig: Rig, text: bytes) -> None:
    await begin(rig)
    await rig.stop()
    (rig.root / ".active").write_bytes(text)
    await rig.start(**RESUME)
    assert await active(rig) is None
    await rig.ask("start", session_id="s", resume=True)
    await rig.kill()
    await rig.start(**RESUME)
    assert await active(rig) == "s", "and is written anew"


async def test_a_stop_that_the_disk_could_not_take_is_forgotten_later(rig: Rig) -> None:
    await begin(rig)
    rig.disk.arm(Fault(0, "error", errno.EROFS, lasting=True))
    await rig.ask("stop")
    assert (rig.root / ".active").exists()
    rig.disk.arm(None)
    await eventually_async(lambda: not (rig.root / ".active").exists())
    await rig.kill()
    await rig.start(**RESUME)
    assert await active(rig) is None


async def test_a_disk_that_is_full_at_the_restart_ends_nothing(rig: Rig) -> None:
    await begin(rig)
    first = rig.hashes()
    await rig.stop()
    rig.disk.arm(Fault(0, "error", errno.ENOSPC, lasting=True))
    await rig.start(**RESUME)
    assert await active(rig) == "s", "its frames wait for space"
    assert rig.generator is not None
    more = await rig.generator.make(count=1)
    rig.disk.arm(None)
    await rig.wait_recorded(first + more)


async def test_a_folder_that_comes_after_its_recorder_has_its_session_resumed(rig: Rig) -> None:
    await begin(rig)
    await rig.stop()
    away = rig.root.with_name("unplugged")
    rig.root.rename(away)
    rig.root.write_text("no folder")
    await rig.start(**RESUME)
    assert await active(rig) is None
    rig.root.unlink()
    away.rename(rig.root)

    async def goes_on() -> bool:
        return await active(rig) == "s"

    await eventually_async(goes_on)
