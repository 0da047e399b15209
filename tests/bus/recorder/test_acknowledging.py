"""The recorder's secret reaches the generator, whatever becomes of its file; until then frames stay where they are."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from shared.bus import acknowledging
from tests.bus.recorder.conftest import Rig, SteeredGenerator
from tests.support.scripted_disk import Fault
from tests.support.waiting import eventually_async


def secret_path(rig: Rig) -> Path:
    return acknowledging.secret_path(rig.runtime.bus, rig.root)


@pytest.fixture
async def recording(rig: Rig) -> SteeredGenerator:
    generator = await rig.new_generator()
    await rig.start()
    await rig.ask("start", session_id="s")
    return generator


async def test_each_start_has_a_secret_of_its_own(rig: Rig, recording: SteeredGenerator) -> None:
    hashes = await recording.make(count=2)
    await rig.wait_recorded(hashes)
    first = acknowledging.read(secret_path(rig))
    assert secret_path(rig).stat().st_mode & 0o777 == 0o600
    await rig.stop()
    await rig.start()
    await rig.wait_recorded(hashes + await recording.make(count=2))
    second = acknowledging.read(secret_path(rig))
    assert first is not None
    assert second is not None
    assert first != second


@pytest.mark.parametrize("damage", ["removed", "empty", "another's", "torn"])
async def test_a_file_that_is_not_ours_any_more_is_written_again(
    damage: str, rig: Rig, recording: SteeredGenerator
) -> None:
    path = secret_path(rig)
    whole = path.read_bytes()
    path.unlink()
    if damage != "removed":
        path.write_bytes({"empty": b"", "another's": bytes(32).hex().encode(), "torn": whole[:40]}[damage])
    # The generator has not read it before.
    await rig.wait_recorded(await recording.make(count=3))
    assert path.read_bytes() == whole


async def test_where_the_secret_cannot_be_written_frames_are_recorded_and_stay_pending(
    rig: Rig, recording: SteeredGenerator, caplog: pytest.LogCaptureFixture
) -> None:
    path = secret_path(rig)
    path.unlink()
    path.mkdir()
    hashes = await recording.make(count=3)
    await eventually_async(lambda: rig.hashes() == hashes)
    await eventually_async(lambda: "the generator keeps its frames" in caplog.text)
    assert len(recording.held) == 3
    path.rmdir()
    await rig.wait_recorded(hashes)


async def test_a_disk_that_was_full_when_it_started_lets_frames_go_later(rig: Rig) -> None:
    generator = await rig.new_generator()
    rig.disk.arm(Fault(0, "error", errno.ENOSPC, lasting=True))
    await rig.start()
    hashes = await generator.make(count=3)
    await eventually_async(lambda: rig.recorder.ledger.backoff.folder is not None)
    assert len(generator.held) == 3
    rig.disk.arm(None)
    await rig.wait_recorded(hashes)
