"""A frame that waits is let go by the recorder's word alone, and the recorder is who knows its secret."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.bus import acknowledging
from shared.bus.address import BusAddress
from shared.bus.curve import CurveKeys, load_keys, make_keys
from shared.errors import Forbidden, InvalidRequest
from shared.frame import FrameRef
from shared.session.reading.sessions import list_sessions
from shared.system.disk import Disk
from tests.bus.generator.conftest import Rig
from tests.support.buses import Buses, loopback_host

SESSION = {"session_id": "s", "created_at": 1.0}
SECRET = bytes(range(32))


async def held(rig: Rig, count: int = 3) -> list[FrameRef]:
    """Frames that wait for the recorder."""
    made = [(await rig.generate(session=SESSION, seed=seed)).body for seed in range(count)]
    return [FrameRef.model_validate(frame) for frame in made]


async def acknowledge(rig: Rig, frames: list[FrameRef], secret: bytes = SECRET, **fields: Any) -> int:
    body = {"frames": [frame.model_dump() for frame in frames], "proof": acknowledging.prove(secret, frames), **fields}
    released: int = (await rig.ask("ack", body)).body["released"]
    return released


async def waiting(rig: Rig) -> int:
    return len((await rig.ask("pending")).body["frames"])


def secret_path(rig: Rig) -> Path:
    return acknowledging.secret_path(rig.runtime.bus, rig.runtime.settings.sessions_dir)


async def test_what_is_not_proved_lets_nothing_go(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    frames = await held(rig)
    acknowledging.write(Disk(), secret_path(rig), SECRET)
    proof = acknowledging.prove(SECRET, frames)
    forged: list[dict[str, Any]] = [
        {},
        {"proof": ""},
        {"proof": "0" * 64},
        {"proof": proof[:-1]},
        {"proof": proof + "0"},
        {"proof": proof.upper()},
        {"proof": "é" * 64},
        {"proof": SECRET.hex()},
        {"proof": acknowledging.prove(bytes(32), frames)},
        {"proof": acknowledging.prove(SECRET, frames[:2])},
        {"proof": acknowledging.prove(SECRET, frames[::-1])},
        {"proof": acknowledging.prove(SECRET, [])},
    ]
    for fields in forged:
        body = {"frames": [frame.model_dump() for frame in frames], **fields}
        with pytest.raises(Forbidden, match="only the recorder may acknowledge"):
            await rig.ask("ack", body)
    for strange in (None, 1, [proof], {"proof": proof}):
        with pytest.raises(InvalidRequest):
            await acknowledge(rig, frames, proof=strange)
    assert await waiting(rig) == 3
    told = [record for record in caplog.records if "it is not the recorder's" in record.getMessage()]
    assert 1 <= len(told) < len(forged), "said, and ever more rarely"
    assert await acknowledge(rig, frames) == 3
    assert await waiting(rig) == 0


async def test_frames_wait_until_there_is_a_secret(rig: Rig) -> None:
    frames = await held(rig)
    for content in (None, b"", b"no hex\n", b"00" * 31, b"\xff" * 64, b"0" * (1 << 20)):
        if content is not None:
            secret_path(rig).write_bytes(content)
        for secret in (SECRET, b"", bytes(32)):
            with pytest.raises(Forbidden):
                await acknowledge(rig, frames, secret)
    assert await waiting(rig) == 3
    acknowledging.write(Disk(), secret_path(rig), SECRET)
    assert await acknowledge(rig, frames) == 3


async def test_a_recorder_that_was_started_again_has_a_secret_of_its_own(rig: Rig) -> None:
    frames = await held(rig)
    acknowledging.write(Disk(), secret_path(rig), SECRET)
    assert await acknowledge(rig, frames[:1]) == 1
    later = os.urandom(32)
    acknowledging.write(Disk(), secret_path(rig), later)
    assert await acknowledge(rig, frames[1:2], later) == 1
    with pytest.raises(Forbidden):
        await acknowledge(rig, frames, SECRET)
    secret_path(rig).unlink()
    assert await acknowledge(rig, frames, later) == 1, "what is known need not be read again"


async def test_a_file_that_cannot_be_read_holds_the_frames_and_nothing_else(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    frames = await held(rig)
    secret_path(rig).mkdir()
    with pytest.raises(Forbidden):
        await acknowledge(rig, frames)
    assert f"the recorder's secret in {secret_path(rig)} cannot be read" in caplog.text
    assert await waiting(rig) == 3
    secret_path(rig).rmdir()
    acknowledging.write(Disk(), secret_path(rig), SECRET)
    assert await acknowledge(rig, frames) == 3


async def test_a_disk_that_hangs_holds_one_thread_and_nobody_else(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = await held(rig)
    acknowledging.write(Disk(), secret_path(rig), SECRET)
    gate, readings = threading.Event(), []
    real = acknowledging.read

    def read(path: Path) -> bytes | None:
        readings.append(path)
        assert gate.wait(30)
        return real(path)

    monkeypatch.setattr(acknowledging, "read", read)
    monkeypatch.setattr(acknowledging, "READ_S", 0.05)
    refused = await asyncio.gather(*(acknowledge(rig, frames) for _ in range(50)), return_exceptions=True)
    assert {type(error) for error in refused} == {Forbidden}
    assert len(readings) == 1
    assert (await rig.ask("status")).body["state"] == "ready"
    gate.set()
    monkeypatch.setattr(acknowledging, "READ_S", 10)
    assert await acknowledge(rig, frames) == 3


@pytest.mark.skipif(os.name != "posix", reason="modes are those of Unix")
@pytest.mark.parametrize("url", ["ipc", "tcp"])
def test_the_secret_is_this_users_alone_and_no_session(url: str, folder: Path) -> None:
    sessions = folder / "sessions"
    sessions.mkdir()
    address = f"ipc://{folder}/bus" if url == "ipc" else f"tcp://{loopback_host()}:5550"
    (folder / "bus").mkdir()
    modes: list[int] = []

    class Watched(Disk):
        def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
            modes.append(os.fstat(fd).st_mode & 0o777)
            return super().write(fd, data)

    before = os.umask(0)
    buses = Buses(BusAddress.parse(address))
    try:
        path = acknowledging.secret_path(buses.new(), sessions)
        acknowledging.write(Watched(), path, SECRET)
    finally:
        os.umask(before)
        buses.close()
    assert path.parent == (folder / "bus" if url == "ipc" else sessions)
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(modes) == {0o600}, "private from its first byte on"
    assert list_sessions(sessions) == []
    assert acknowledging.read(path) == SECRET


def test_it_is_written_once(folder: Path) -> None:
    class Counted(Disk):
        puts = 0

        def rename(self, source: str | Path, target: str | Path) -> None:
            self.puts += 1
            super().rename(source, target)

    disk = Counted()
    for _ in range(3):
        acknowledging.write(disk, folder / "secret", SECRET)
    assert disk.puts == 1
    acknowledging.write(disk, folder / "secret", bytes(32))
    assert disk.puts == 2


@pytest.fixture
def keys(tmp_path: Path) -> CurveKeys:
    make_keys(tmp_path / "keys")
    return load_keys(tmp_path / "keys")


async def test_with_keys_the_secret_is_the_servers_and_in_no_file(
    tmp_path: Path, keys: CurveKeys, folder: Path
) -> None:
    """A client may know the server's public key, and has one of its own: neither is any help."""
    address = BusAddress.parse(f"tcp://{loopback_host()}:5550")
    generator, recorder = (Buses(address).new(keys=keys) for _ in range(2))
    secret = acknowledging.derived_secret(recorder)
    assert secret is not None
    assert secret == acknowledging.derived_secret(generator)
    check = acknowledging.Acknowledgements(generator, folder / "elsewhere").check
    frames = [FrameRef(session_id="s", epoch="e", record_seq=0)]

    async def passes(secret: bytes) -> bool:
        wanted = acknowledging.Acknowledge(frames=tuple(frames), proof=acknowledging.prove(secret, frames))
        try:
            await check(wanted)
        except Forbidden:
            return False
        return True

    assert await passes(secret)
    make_keys(tmp_path / "other")
    other = load_keys(tmp_path / "other")
    theirs = CurveKeys(keys.server_public, keys.client_secret, other.client_public, other.client_secret, other.allowed)
    for guess in (keys.server_public, keys.client_public, keys.client_secret, b""):
        assert not await passes(guess)
    forger = Buses(address).new(keys=theirs)
    guessed = acknowledging.derived_secret(forger)
    assert guessed is not None
    assert not await passes(guessed)
    for bus in (generator, recorder, forger):
        bus.close()


async def test_the_backlog_stays_through_a_stop_when_nobody_may_acknowledge(
    make_rig: Callable[..., Awaitable[Rig]], folder: Path
) -> None:
    rig = await make_rig()
    frames = await held(rig)
    with pytest.raises(Forbidden):
        await acknowledge(rig, frames)
    await rig.stop()
    spilled = list((folder / "sessions" / ".spill").glob("*.frame"))
    assert len(spilled) == 3
