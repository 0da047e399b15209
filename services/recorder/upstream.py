"""The generator as the recorder sees it: its stream, and what is asked of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from services.recorder.intake import Intake
from services.recorder.proving import Proving
from shared.bounds import problem_of
from shared.bus.envelope import Published
from shared.bus.messages import Frame, Heartbeat, Status
from shared.bus.requests import FrameRef, Generated, InputRequest, PendingFrames
from shared.bus.rpc import Client, PeerGone, read
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import Forbidden, InternalError, NotFound, ParafoveaError
from shared.fields import FrameId, fits
from shared.png_text import PNG_SIGNATURE
from shared.session.format.layout import image_extension
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

ANSWER_S = 2.0
TRANSFER_S = 10.0
RETRY_S = 0.1
ACKNOWLEDGED_AT_ONCE = 500
MAX_HEADER_CHARS = 512 * 1024
"""Of all that is written down of a frame; ours have about 2,000."""


class GeneratorAway(Exception):
    """The generator does not answer; what was asked of it is asked again later."""


class Upstream:
    """Feeds the intake: from the stream what comes, by asking what does not.

    Args:
        bus: this process's end of the bus.
        intake: what is fed.
        on_news: called after each change; ``True`` when a new epoch began.
        proving: makes acknowledgements ours.

    Attributes:
        state: the generator's own, by its last heartbeat; None before the first.
    """

    def __init__(self, bus: Bus, intake: Intake, on_news: Callable[[bool], None], proving: Proving) -> None:
        self._client = Client(bus, "generator")
        self._stream = Subscriber(bus, "frames", [Frame.type, Status.type])
        self._intake = intake
        self._on_news = on_news
        self._proving = proving
        self._to_acknowledge: dict[FrameRef, None] = {}
        self._acknowledge_soon = asyncio.Event()
        self._ask_soon = asyncio.Event()
        self._unusable = Rarely(log)
        self._refused = Rarely(log)
        self.state: str | None = None

    @property
    def connected(self) -> bool:
        """Whether a generator is at the other end."""
        return self._client.connected

    @property
    def met(self) -> bool:
        """Whether a generator has been there. It may be heard before: each socket connects by itself."""
        return self._client.met

    async def close(self) -> None:
        """Close the sockets that ask."""
        await self._client.close()

    def acknowledge(self, frames: list[FrameRef]) -> None:
        """These frames are on disk for good. Acknowledgements that go astray are found by the next listing."""
        self._to_acknowledge.update(dict.fromkeys(frames))
        self._acknowledge_soon.set()

    def look(self) -> None:
        """There may be something to fetch or to list."""
        self._ask_soon.set()

    # -- loops --------------------------------------------------------------------------------------------------------

    async def tap(self) -> None:
        """Follow the stream until cancelled."""
        await self._stream.hand_to(self._take)

    def _take(self, message: Published) -> None:
        self._ask_soon.set()
        now_s = time.monotonic()
        header = message.header
        is_new = self._intake.hear_epoch(header["epoch"], float(header["time"]), now_s)
        if is_new:
            self._on_news(True)
        if message.type == Frame.type:
            if header.get("session_id") is None:
                return
            self._intake.add(recordable(header, message.payload), message.payload, now_s)
        elif header["epoch"] == self._intake.epoch:
            status = Heartbeat.model_validate(header)
            self.state = status.state
            for backlog in status.sessions:
                self._intake.hear_backlog(
                    status.epoch, backlog.session_id, backlog.last_record_seq, backlog.frames, now_s
                )
        self._on_news(False)

    async def ask(self) -> None:
        """Ask for what is pending and for what is missing, until cancelled."""
        while True:
            self._ask_soon.clear()
            try:
                if self._intake.wants_listing:
                    await self._list()
                for ref in self._intake.to_fetch():
                    await self._fetch(ref)
                    self._ask_soon.set()
            except GeneratorAway:
                await asyncio.sleep(RETRY_S)
                self._ask_soon.set()
            await self._ask_soon.wait()

    async def send_acknowledgements(self) -> None:
        """Tell the generator what is on disk, until cancelled."""
        while True:
            await self._acknowledge_soon.wait()
            self._acknowledge_soon.clear()
            while self._to_acknowledge:
                batch = tuple(islice(self._to_acknowledge, ACKNOWLEDGED_AT_ONCE))
                for ref in batch:
                    del self._to_acknowledge[ref]
                try:
                    await self._acknowledge(batch)
                except (PeerGone, TimeoutError, ParafoveaError) as error:
                    log.debug("an acknowledgement went astray: %s", error)

    async def _acknowledge(self, frames: tuple[FrameRef, ...]) -> None:
        request = self._proving.acknowledge(frames).model_dump()
        try:
            await self._client.call("ack", request, timeout_s=ANSWER_S)
        except Forbidden as error:
            self._refused.warn("the generator refuses an acknowledgement, which is tried again: %s", error.detail)
            if await self._proving.tell():
                await self._client.call("ack", request, timeout_s=ANSWER_S)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def _list(self) -> None:
        try:
            reply = await self._client.call("pending", timeout_s=ANSWER_S)
        except (PeerGone, TimeoutError, ParafoveaError) as error:
            raise GeneratorAway(str(error)) from None
        try:
            listing = read(PendingFrames, reply)
        except ParafoveaError as error:
            raise self._strange(error) from None
        if listing.epoch != self._intake.epoch:
            self._on_news(True)
        again = self._intake.hear_listing(listing, time.monotonic())
        if again:
            self.acknowledge(again)
        self._on_news(False)

    async def _fetch(self, ref: FrameRef) -> None:
        try:
            reply = await self._client.call("fetch", ref.model_dump(), timeout_s=TRANSFER_S)
        except NotFound:
            self._intake.wants_listing = True  # acknowledged by an earlier life of ours, or of a dead epoch
            await asyncio.sleep(RETRY_S)
            return
        except (PeerGone, TimeoutError, ParafoveaError) as error:
            raise GeneratorAway(str(error)) from None
        try:
            if read(FrameRef, reply) != ref:
                raise InternalError("the generator answered 'fetch' with another frame than the one asked for")
            png = reply.payload
            header = recordable(reply.body, png)
        except (ParafoveaError, ValueError) as error:
            self._strange(error)
            frame_id = reply.body.get("frame_id")
            self.unfit(ref, frame_id if fits(FrameId, frame_id) else None)
            await asyncio.sleep(RETRY_S)
            return
        self._intake.add(header, png, time.monotonic(), asked=True)
        self._on_news(False)

    def unfit(self, ref: FrameRef, frame_id: str | None = None) -> None:
        """What the generator gives for a frame cannot be recorded. It is asked for again for a while, and given up."""
        if self._intake.unfit(ref, time.monotonic(), frame_id):
            log.error("frame %d of session %s cannot be recorded; it is lost", ref.record_seq, ref.session_id)
            self.acknowledge([ref])

    async def input(self, sha256: str) -> bytes | None:
        """An input image by its hash; None where the generator has it no more, or has other bytes under that name.

        Raises:
            GeneratorAway: it does not answer now.
        """
        try:
            reply = await self._client.call("input", InputRequest(sha256=sha256).model_dump(), timeout_s=TRANSFER_S)
        except NotFound:
            return None
        except (PeerGone, TimeoutError, ParafoveaError) as error:
            raise GeneratorAway(f"the generator does not answer ({error})") from None
        try:
            data = reply.payload
        except ParafoveaError as error:
            raise self._strange(error) from None
        if not await asyncio.to_thread(_is_input, data, sha256):
            self._unusable.warn("the generator's answer to 'input' is not the image %s", sha256)
            return None
        return data

    def _strange(self, error: Exception) -> GeneratorAway:
        """An answer that cannot be used is none: it is asked for again, and the log says so now and then."""
        self._unusable.warn("the generator's answer cannot be used, and is asked for again: %s", error)
        return GeneratorAway(f"the generator's answer cannot be used ({error})")


def recordable(header: Mapping[str, Any], png: bytes) -> dict[str, Any]:
    """The fields of a frame as they may be written down: those that we know each of its type, the others small.

    Raises:
        ValueError: it is no frame that can be recorded.
    """
    known = Generated.model_validate(header)
    problem = problem_of(header, MAX_HEADER_CHARS)
    if problem is not None:
        raise ValueError(problem)
    if not png.startswith(PNG_SIGNATURE):
        raise ValueError("its picture is no PNG")
    return {**header, **known.model_dump(exclude_unset=True)}


def _is_input(data: bytes, sha256: str) -> bool:
    try:
        image_extension(data)
    except ValueError:
        return False
    return hashlib.sha256(data).hexdigest() == sha256
