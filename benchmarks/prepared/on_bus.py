"""A view of the generator's, asked and followed on the bus: as a display would be that has its own process."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from shared.bus.clients import GeneratorClient
from shared.bus.envelope import StrangeAnswer
from shared.bus.messages import Prepared, Status
from shared.bus.requests.preparing import COMMIT, PREPARED, Commit, Prepare, PreparedRequest, Wanted
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import NotFound
from shared.frame import Frame
from shared.ids import new_id
from tests.support.processes import System

DEADLINE_S = 60.0
TIMEOUT_MS = 60_000.0
BUDGET_BYTES = 1 << 26


class View:
    """What one display shows, and what is prepared for it.

    Attributes:
        picture: the hash of what it shows.
        standing: how preparations stand, the last that was heard of each, by their ids.
        fetched: the picture for which a ready one's sector has come to the display, by the preparation's id.
        published_s: when frames came to this subscriber, by their ids, by :func:`time.perf_counter`.
    """

    def __init__(self, client: GeneratorClient, name: str) -> None:
        self._client = client
        self._name = name
        self._seeds = itertools.count(1)
        self._heard = asyncio.Condition()
        self._turn = asyncio.Lock()  # a request that names the picture before would bring that back on view
        self._tasks: set[asyncio.Task[None]] = set()
        self.has_joined = False
        self.picture = ""
        self.standing: dict[str, Prepared] = {}
        self.fetched: dict[str, str] = {}
        self.published_s: dict[str, float] = {}

    @property
    def ready(self) -> dict[str, str]:
        """The sectors of what can be shown at once, by id."""
        return {
            prepared_id: each.target_sector
            for prepared_id, each in self.standing.items()
            if each.state == "ready" and self.fetched.get(prepared_id) == self.picture
        }

    async def prepare(self, targets: Sequence[str], image: bytes = b"") -> list[str]:
        """Begin a change of each; their ids. ``image``: the picture, where the view shows no frame yet."""
        wanted = tuple(
            Wanted(prepared_id=new_id(), grid_size=3, target_sector=target, prompt=f"bee {seed}", seed=seed)
            for target, seed in zip(targets, self._seeds, strict=False)
        )
        async with self._turn:
            named = None if image else self.picture
            asked = Prepare(view=self._name, image_sha256=named, timeout_ms=TIMEOUT_MS, wanted=wanted)
            self.picture = (await self._client.prepare(asked, image)).answer.picture_sha256
        ids = [one.prepared_id for one in wanted]
        await self.until(lambda: self.standing.keys() >= set(ids), "what is prepared is told")
        return ids

    async def commit(self, prepared_id: str) -> Frame:
        """Show it: the frame, without its picture. Raises ParafoveaError."""
        async with self._turn:
            asked = Commit(
                prepared_id=prepared_id, request_id=new_id(), on=self.picture, with_picture=False, timeout_ms=TIMEOUT_MS
            )
            frame = await self._client.ask(COMMIT, asked, timeout_s=TIMEOUT_MS / 1000)
            self.picture = frame.sha256
        return frame

    async def until(self, holds: Callable[[], bool], what: str, within_s: float | None = DEADLINE_S) -> None:
        """Wait until something that was heard makes it so. Raises TimeoutError: not within the time; None: for ever."""
        try:
            async with asyncio.timeout(within_s), self._heard:
                await self._heard.wait_for(holds)
        except TimeoutError:
            raise TimeoutError(f"not after {within_s} s: {what}") from None

    async def follow(self, subscriber: Subscriber) -> None:
        """Take in what is published, until cancelled."""
        async for published in subscriber:
            message = published.message
            if isinstance(message, Frame):
                self.published_s[message.frame_id] = time.perf_counter()
            elif isinstance(message, Prepared) and message.view == self._name:
                self.standing[message.prepared_id] = message
                if message.state == "ready":
                    task = asyncio.create_task(self._fetch(message.prepared_id))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            self.has_joined = True
            await self._tell()

    async def _fetch(self, prepared_id: str) -> None:
        # It may have been committed meanwhile, or be composed anew: then no sector comes.
        with suppress(NotFound, StrangeAnswer):
            sector = await self._client.ask_for_image(PREPARED, PreparedRequest(prepared_id=prepared_id))
            self.fetched[prepared_id] = sector.answer.picture_sha256 or ""
            await self._tell()

    async def _tell(self) -> None:
        async with self._heard:
            self._heard.notify_all()


@asynccontextmanager
async def viewing(system: System, name: str) -> AsyncIterator[View]:
    """A view of a system's generator, which is followed."""
    bus = Bus(system.address, budget_bytes=BUDGET_BYTES, linger_ms=0)
    client = GeneratorClient(bus)
    subscriber = Subscriber(bus, "frames", [Frame.type, Prepared.type, Status.type])
    view = View(client, name)
    following = asyncio.create_task(view.follow(subscriber))
    try:
        await view.until(lambda: view.has_joined, "the generator's frames are heard")
        yield view
    finally:
        following.cancel()
        await client.close()
        subscriber.close()
        bus.close()
