"""A disk that does not answer: the API lives on, and says so."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from shared.system.disk import Disk
from tests.contract.conftest import Site
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
