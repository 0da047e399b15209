"""Disks that do not answer, and a journal that can't be read: the API lives on, and says so."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.api.__main__ import serve
from services.api.server import listen
from shared.bus.address import BusAddress
from shared.process.runner import Runtime
from shared.process.settings import Settings
from shared.system.disk import Disk
from shared.system.holder import AlreadyHeld
from tests.contract.conftest import Site, Sites
from tests.support.buses import Buses
from tests.support.waiting import eventually_async

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")


class Stuck:
    """A disk step that does not come back until it is let go."""

    def __init__(self) -> None:
        self.met = threading.Event()
        self._let_go = threading.Event()

    def hold(self, monkeypatch: pytest.MonkeyPatch, step: str, part: str) -> None:
        """From now on this step does not come back, for a path with this part in it."""
        real: Callable[..., Any] = getattr(Disk, step)

        def held(disk: Disk, path: Any, *more: Any) -> Any:
            if part in str(path):
                self.met.set()
                self._let_go.wait(60)
            return real(disk, path, *more)

        monkeypatch.setattr(Disk, step, held)

    def let_go(self) -> None:
        self._let_go.set()


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    made = Stuck()
    yield made
    made.let_go()


async def quick(site: Site, path: str = "/health") -> httpx.Response:
    """An answer that does not wait for any disk."""
    async with asyncio.timeout(5):
        return await site.client.get(path)


async def pending_frame(site: Site) -> str:
    site.recorder.records = "never"
    answer = await site.generate()
    assert (answer.status_code, answer.headers["x-recorded"]) == (200, "pending")
    return answer.headers["x-frame-id"]


async def test_a_journal_on_a_disk_that_is_stuck_holds_up_nothing(
    site: Site, sites: Sites, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.client.post("/session/start?session_id=s")
    stuck.hold(monkeypatch, "create", ".answered")
    async with asyncio.timeout(10):
        frames = {await pending_frame(site)}
    assert stuck.met.is_set()
    for path in ("/health", "/ready", "/", "/prompts", "/session/status"):
        assert (await quick(site, path)).status_code == 200
    async with asyncio.timeout(10):
        frames |= {(await site.generate()).headers["x-frame-id"] for _ in range(3)}
    stuck.let_go()

    def written() -> bool:
        journal = site.sessions / ".answered" / "pending.jsonl"
        text = journal.read_text() if journal.exists() else ""
        return all(frame_id in text for frame_id in frames)

    await eventually_async(written, what="what was answered meanwhile is in the journal all the same")
    site.runtime.stopping.set()
    await site.serving
    again = await sites.new(sessions_dir=site.sessions)
    assert (await again.health())["processes"]["recorder"]["pending"] == {"s": 4}


async def test_it_stops_though_the_disk_of_its_journal_is_stuck(
    site: Site, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.client.post("/session/start?session_id=s")
    stuck.hold(monkeypatch, "create", ".answered")
    await pending_frame(site)
    site.runtime.stopping.set()
    async with asyncio.timeout(10):
        await site.serving


async def test_a_start_waits_only_so_long_for_what_an_earlier_life_left(
    sites: Sites, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck.hold(monkeypatch, "make_folders", "sessions")
    async with asyncio.timeout(15):
        site = await sites.new()
        told = await site.health()
    assert any("does not answer" in reason for reason in told["reasons"])
    assert told["processes"]["api"]["state"] == "trouble"
    stuck.let_go()

    async def well() -> bool:
        return (await site.health())["processes"]["api"]["state"] == "ok"

    await eventually_async(well)


@posix_only
async def test_a_prompts_file_that_cannot_be_read_now_leaves_the_last_prompts(site: Site) -> None:
    assert (await site.generate(prompt=None)).status_code == 200
    site.prompts_file.unlink()
    os.mkfifo(site.prompts_file)  # opening it waits for a writer
    try:
        async with asyncio.timeout(10):
            answer = await site.generate(prompt=None)
            assert (answer.status_code, answer.headers["x-prompt"]) == (200, "a snail")
        told = (await quick(site)).json()
        assert "does not answer" in told["prompts"]["error"]
        assert any(reason.startswith("sector prompts:") for reason in told["reasons"])
        assert "does not answer" in (await quick(site, "/prompts")).json()["error"]
        assert (await site.client.post("/reset")).status_code == 200
    finally:
        os.close(os.open(site.prompts_file, os.O_RDWR | os.O_NONBLOCK))
    site.prompts_file.unlink()
    site.prompts_file.write_text('{"default": ["a bee"]}')

    async def read_again() -> bool:
        return (await site.client.get("/prompts")).json()["error"] is None

    await eventually_async(read_again)


@posix_only
async def test_prompts_begin_anew_though_their_file_cannot_be_read_now(site: Site) -> None:
    async def drawn() -> str:
        answer = await site.generate(prompt=None, focus_sector="BR")
        assert answer.status_code == 200, answer.text
        return answer.headers["x-prompt"]

    assert await drawn() == "a kite"
    site.prompts_file.unlink()
    os.mkfifo(site.prompts_file)
    try:
        async with asyncio.timeout(20):
            assert (await site.client.post("/reset")).status_code == 200
            assert await drawn() == "a kite"
            assert await drawn() == "a balloon"
        assert "does not answer" in (await quick(site)).json()["prompts"]["error"]
    finally:
        os.close(os.open(site.prompts_file, os.O_RDWR | os.O_NONBLOCK))


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00garbage\n" * 3)


def half_garbage(path: Path) -> None:
    whole = b'{"add": {"session_id": "s", "epoch": "e", "record_seq": 0, "frame_id": "known"}}\n'
    path.write_bytes(whole + b"{}\n[1]\n" + b"\x80" * 100 + b"\n" + whole.replace(b"known", b"too"))


def folder_in_its_place(path: Path) -> None:
    path.mkdir()
    (path / "kept").write_text("kept")


@pytest.mark.parametrize("spoil", [garbage, half_garbage, folder_in_its_place])
async def test_a_journal_that_cannot_be_read_is_kept_aside(sites: Sites, spoil: Callable[[Path], None]) -> None:
    sessions = sites.folder / "sessions"
    journal = sessions / ".answered" / "pending.jsonl"
    journal.parent.mkdir(parents=True)
    spoil(journal)
    before = journal.read_bytes() if journal.is_file() else b""
    site = await sites.new(sessions_dir=sessions)
    told = await site.health()
    assert told["processes"]["api"]["state"] == "trouble"
    (reason,) = [reason for reason in told["reasons"] if reason.startswith("api:")]
    (aside,) = [path for path in journal.parent.iterdir() if path.name.startswith("unreadable-")]
    assert aside.name in reason
    assert aside.read_bytes() == before if aside.is_file() else (aside / "kept").exists()
    if spoil is half_garbage:
        assert told["processes"]["recorder"]["pending"] == {"s": 2}, "what can be read is known"
        return
    await site.client.post("/session/start?session_id=s")
    frame_id = await pending_frame(site)
    await eventually_async(lambda: journal.is_file() and frame_id in journal.read_text())
    site.runtime.stopping.set()
    await site.serving
    assert aside.exists()
    again = await sites.new(sessions_dir=sessions)
    assert (await again.health())["processes"]["recorder"]["pending"] == {"s": 1}
    assert any(aside.name in reason for reason in (await again.health())["reasons"]), "until somebody has looked at it"


async def test_a_file_where_the_journals_folder_should_be_ends_nothing(sites: Sites) -> None:
    sessions = sites.folder / "sessions"
    sessions.mkdir()
    (sessions / ".answered").write_text("mine")
    site = await sites.new(sessions_dir=sessions)
    assert "is not a folder" in str((await site.health())["processes"]["api"]["detail"])
    await site.client.post("/session/start?session_id=s")
    await pending_frame(site)
    assert (sessions / ".answered").read_text() == "mine"


async def test_a_second_api_on_the_same_sessions_is_refused_and_takes_nothing(site: Site, sites: Sites) -> None:
    await site.client.post("/session/start?session_id=s")
    frame_id = await pending_frame(site)
    journal = site.sessions / ".answered" / "pending.jsonl"
    assert frame_id in journal.read_text()
    buses = Buses(BusAddress.parse(f"ipc://{site.folder}/other"))
    settings = Settings(_env_file=None, bus=str(buses.address), sessions_dir=site.sessions)
    second = Runtime(settings, buses.new())
    with pytest.raises(AlreadyHeld, match=r"\.api\.lock"):
        await serve(second, listen("127.0.0.1", 0))
    with pytest.raises(AlreadyHeld):
        await second.finish()
    assert frame_id in journal.read_text()
    assert (await site.client.get("/health")).status_code == 200
