"""The API behind real HTTP, with stand-ins for the processes behind it, all on a bus of the test's own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from schemathesis.pytest.plugin import SchemathesisFunction

from services.api import server
from services.api.__main__ import serve
from services.api.server import listen
from shared.bus.address import BusAddress
from shared.png_chunks import PNG_SIGNATURE, chunk
from shared.process.runner import Runtime
from shared.process.settings import Settings
from tests.support.buses import Buses, short_folder
from tests.support.gaze_standin import FakeGaze
from tests.support.standins import FakeGenerator, FakeRecorder, FakeReplayer
from tests.support.waiting import eventually_async

PROMPTS = {"default": ["a ladybug", "a mushroom"], "sectors": {"TL": ["a kite", "a balloon"], "BR": "a snail"}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A node id of its own for each operation that Schemathesis tests.

    With pytest 9.2 it gives all of a function's the same one, and pytest-xdist, which goes by ids, runs one of them.
    """
    for item in items:
        if isinstance(item, SchemathesisFunction) and item.name not in item.nodeid:
            item._id = item.id.with_params(item.name.partition("[")[2].removesuffix("]"))


def image(width: int = 64, height: int = 64) -> bytes:
    """A PNG of a size, whose pixels nobody looks at here."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def body(**fields: Any) -> dict[str, Any]:
    """A valid JSON body, with changes; ``None`` leaves a field out."""
    wanted = {"image_base64": base64.b64encode(image()).decode(), "focus_sector": "TL", **fields}
    return {name: value for name, value in wanted.items() if value is not None}


@dataclass
class Site:
    """An API and what stands behind it."""

    folder: Path
    runtime: Runtime
    client: httpx.AsyncClient
    port: int
    buses: Buses
    generator: FakeGenerator
    recorder: FakeRecorder
    replayer: FakeReplayer
    gaze: FakeGaze
    serving: asyncio.Task[None]
    others: list[Any] = field(default_factory=list)

    @property
    def sessions(self) -> Path:
        return self.runtime.settings.sessions_dir

    @property
    def prompts_file(self) -> Path:
        return self.runtime.settings.sector_prompts

    async def generate(self, **fields: Any) -> httpx.Response:
        """Post a valid request, with changes."""
        return await self.client.post("/generate", json=body(**fields))

    async def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.client.get("/health")).json()
        return answer

    async def until_ready(self) -> None:
        async def ready() -> bool:
            return (await self.client.get("/ready")).status_code == 200

        await eventually_async(ready, 10, "the API is ready")

    def new_generator(self) -> FakeGenerator:
        """Another life of the generator."""
        self.generator = FakeGenerator(self.buses.new())
        self.generator.on_frame = self.recorder.take
        return self.generator

    def new_recorder(self) -> FakeRecorder:
        """Another life of the recorder."""
        self.recorder = FakeRecorder(self.buses.new(), self.sessions)
        self.generator.on_frame = self.recorder.take
        return self.recorder

    def new_gaze(self) -> FakeGaze:
        """Another life of the gaze process."""
        self.gaze = FakeGaze(self.buses.new())
        return self.gaze

    async def until_gaze(self) -> None:
        """Wait until the API knows that the gaze process is there."""

        async def there() -> bool:
            return (await self.health())["gaze"] is not None

        await eventually_async(there, 10, "the gaze process is seen")


class Sites:
    """Makes sites, and takes them down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: list[Site] = []

    async def new(
        self, *, ready: bool = True, recorder: bool = True, generator: bool = True, gaze: bool = True, **settings: Any
    ) -> Site:
        """An API with its own settings. Without ``recorder``, ``generator`` or ``gaze`` it is dead at first."""
        folder = self.folder / f"site{len(self._made)}"
        folder.mkdir()
        (folder / "prompts.json").write_bytes(orjson.dumps(PROMPTS))
        address = BusAddress.parse(f"ipc://{folder}/bus")
        values: dict[str, Any] = {
            "bus": str(address),
            "sessions_dir": folder / "sessions",
            "sector_prompts": folder / "prompts.json",
            "disk_warn_bytes": 2000,
            "disk_stop_bytes": 1000,
            "generation_timeout_s": 20.0,
            **settings,
        }
        buses = Buses(address)
        sessions: Path = values["sessions_dir"]
        site_generator = FakeGenerator(buses.new())
        site_recorder = FakeRecorder(buses.new(), sessions)
        site_generator.on_frame = site_recorder.take
        replayer = FakeReplayer(buses.new(), sessions)
        site_gaze = FakeGaze(buses.new())
        if not gaze:
            await site_gaze.die()
        if not recorder:
            await site_recorder.die()
        if not generator:
            await site_generator.die()
        runtime = Runtime(Settings(_env_file=None, **values), buses.new())
        sockets = listen("127.0.0.1", 0)
        port = sockets[0].getsockname()[1]
        serving = asyncio.create_task(serve(runtime, sockets))
        # A connection that the server is about to close is not used again: the request would meet its end.
        limits = httpx.Limits(keepalive_expiry=min(5.0, server.KEEP_ALIVE_S / 4))
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False, limits=limits)
        if token := values.get("api_token"):
            client.headers["Authorization"] = f"Bearer {token}"
        site = Site(folder, runtime, client, port, buses, site_generator, site_recorder, replayer, site_gaze, serving)
        self._made.append(site)
        if ready:
            await site.until_ready()
        return site

    async def close(self) -> None:
        """Take all down; one that does not end well fails the test, after the others are down."""
        try:
            for site in self._made:
                await site.client.aclose()
                site.runtime.stopping.set()
                async with asyncio.timeout(5):
                    await site.serving
                await site.runtime.finish()
        finally:
            for site in self._made:
                for standin in (site.generator, site.recorder, site.replayer, site.gaze):
                    await standin.die()
                site.buses.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site() -> AsyncIterator[Site]:
    """One API for all tests of a module that leave it as they find it."""
    with short_folder() as path:
        made = Sites(path)
        yield await made.new()
        await made.close()


@pytest.fixture
async def sites(folder: Path) -> AsyncIterator[Sites]:
    """Makes APIs."""
    made = Sites(folder)
    yield made
    await made.close()


@pytest.fixture
async def site(sites: Sites) -> Site:
    """An API that is ready."""
    return await sites.new()
