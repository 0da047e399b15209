"""Disks that are full, broken, slow, read-only or gone: frames wait, the cause is told, recording goes on alone."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scripted_disk import STEPS
from tests.support.studio import Studio, flat_png
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

WRITING_STEPS = [step for step in STEPS if step not in ("free_bytes", "rmdir", "unlink", "truncate", "chmod")]
"""The steps that recording a frame takes; the others belong to starting, deleting and repairing."""


def wait_for_trouble(studio: Studio, word: str) -> None:
    """Until ``/health`` names the cause."""
    eventually(lambda: word in studio.http.get("/health").text, 20, f"/health says {word!r}")


@pytest.mark.parametrize("name", ["ENOSPC", "EIO", "EROFS", "EDQUOT"])
def test_a_step_that_fails_for_a_while(studio: Studio, name: str) -> None:
    studio.start_session("s")
    frames = [studio.generate(0, durable=True)]
    for step in WRITING_STEPS:
        studio.plan.write({"step": step, "match": "sessions", "action": "errno", "errno": name, "times": 2})
        frames += [studio.generate(len(frames) + number) for number in range(2)]
        studio.wait_recorded("s", frames)
    studio.plan.clear()
    met = {fault["step"] for fault in studio.plan.met()}
    assert met >= {"create", "write", "fsync", "rename", "fsync_dir", "pwrite"}


def test_a_failure_is_told_and_recording_goes_on_when_it_is_over(studio: Studio) -> None:
    studio.start_session("s")
    frames = [studio.generate(0, durable=True)]
    studio.plan.write({"step": "write", "match": "", "action": "errno", "errno": "ENOSPC"})
    frames += [studio.generate(seed) for seed in range(1, 4)]
    assert {frame.recorded for frame in frames[1:]} == {"pending"}
    wait_for_trouble(studio, "No space left on device")
    assert studio.health()["status"] == "degraded"
    studio.plan.clear()
    studio.wait_recorded("s", frames)
    eventually(lambda: studio.health()["status"] == "ok", 20, "/health is ok again")


def test_short_writes_and_a_slow_disk(studio: Studio) -> None:
    studio.start_session("s")
    studio.plan.write(
        {"step": "write", "match": "", "action": "short", "times": 20},
        {"step": "pwrite", "match": "", "action": "short", "times": 20},
        {"step": "fsync", "match": "", "action": "slow", "seconds": 0.2, "times": 20},
    )
    frames = [studio.generate(seed) for seed in range(20)]
    studio.wait_recorded("s", frames)
    assert {fault["action"] for fault in studio.plan.met()} == {"short", "slow"}


def test_one_sessions_trouble_blocks_no_other(studio: Studio) -> None:
    studio.start_session("bad")
    first = [studio.generate(0, durable=True)]
    studio.plan.write({"step": "*", "match": "sessions/bad", "action": "errno", "errno": "EIO"})
    first += [studio.generate(seed) for seed in range(1, 4)]
    studio.start_session("good")
    second = [studio.generate(seed) for seed in range(4, 8)]
    studio.wait_recorded("good", second)
    assert len(studio.frame_ids("bad")) == 1
    studio.plan.clear()
    studio.wait_recorded("bad", first)


def test_a_sessions_root_that_vanishes(studio: Studio) -> None:
    studio.start_session("s")
    studio.generate(0, durable=True)
    away = studio.folder / "elsewhere"
    studio.sessions.rename(away)
    studio.sessions.write_text("in the way")
    waiting = [studio.generate(seed) for seed in range(1, 4)]
    assert {frame.recorded for frame in waiting} == {"pending"}
    eventually(lambda: studio.health()["status"] == "degraded", 20, "/health is degraded")
    studio.sessions.unlink()
    away.rename(studio.sessions)
    eventually(lambda: len(studio.frame_ids("s")) == 4, 30, "recording goes on")
    assert studio.frame_ids("s")[1:] == [frame.frame_id for frame in waiting]
    eventually(lambda: studio.health()["status"] == "ok", 20, "/health is ok again")


def test_a_session_folder_removed_by_its_owner_is_made_anew(studio: Studio) -> None:
    studio.start_session("s")
    before = [studio.generate(seed, durable=True) for seed in range(3)]
    created_at = studio.metadata("s")["created_at"]
    shutil.rmtree(studio.sessions / "s")
    after = [studio.generate(seed, durable=True) for seed in range(3, 6)]
    studio.assert_whole("s", after)
    metadata = studio.metadata("s")
    assert metadata["created_at"] == created_at
    assert [entry["index"] for entry in metadata["sequence"]] == [3, 4, 5]
    assert {frame.frame_id for frame in before}.isdisjoint(studio.frame_ids("s"))


DEATHS = [(step, action) for step in WRITING_STEPS for action in ("kill", "killed-after")]


@pytest.mark.timeout(300)
def test_kill_at_every_step_of_a_write(studio: Studio) -> None:
    """One studio for all, a session for each: only the recorder starts anew."""
    for step, action in [*DEATHS, ("write", "torn"), ("pwrite", "torn")]:
        session_id = f"{step}-{action}"
        studio.start_session(session_id)
        # A session's first frame makes the folder of its inputs; the other steps are met behind a recorded frame too.
        frames = [] if step == "mkdir" else [studio.generate(0, durable=True)]
        studio.plan.write({"step": step, "match": session_id, "action": action, "times": 1})
        first = studio.generate(1, image=flat_png(64, 64, 7))
        frames += [first, *(studio.generate(seed) for seed in range(2, 4))]
        recorder = studio.process("recorder")
        eventually(lambda died=recorder: died.exit_code == -9, 20, f"the recorder died at {step} ({action})")
        studio.plan.clear()
        studio.start_recorder()
        frames.append(studio.generate(9, durable=True))
        studio.wait_recorded(session_id, frames)
        assert studio.metadata(session_id)["interrupted"] is True
    assert {fault["step"] for fault in studio.plan.met()} == set(WRITING_STEPS)


@pytest.fixture
def small_disk(studio: Studio) -> Iterator[Studio]:
    """The sessions folder on a file system of 3 MB, where one can be mounted."""
    studio.process("recorder").stop()
    studio.sessions.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(studio.sessions)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield studio
    finally:
        studio.stop_all()
        studio.kill_all()
        subprocess.run(["umount", "-l", str(studio.sessions)], check=True)


def fill(ballast: Path) -> None:
    """Write until the disk takes no more."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def test_a_disk_that_is_really_full(small_disk: Studio) -> None:
    studio = small_disk
    studio.start_recorder()
    studio.settings["PARAFOVEA_DISK_STOP_BYTES"] = "0"
    studio.process("api").stop()
    studio.start_api()
    studio.start_session("s")
    ballast = studio.sessions / "ballast"
    frames = [studio.generate(0, durable=True)]
    fill(ballast)
    frames += [studio.generate(seed) for seed in range(1, 20)]
    assert frames[-1].recorded == "pending"
    wait_for_trouble(studio, "No space left on device")
    ballast.unlink()
    studio.wait_recorded("s", frames)
