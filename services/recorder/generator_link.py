"""The generator as the recorder sees it: its stream, and what is asked of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from itertools import islice

from services.recorder.ledger.streams import Intake
from services.recorder.proving import Proving
from shared.bus.clients import GeneratorClient
from shared.bus.envelope import Published, StrangeAnswer
from shared.bus.messages import Heartbeat, Status
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import Forbidden, NotFound, ParafoveaError
from shared.fields import FrameId, fits
from shared.frame import Frame, FrameRef
from shared.png_text import PNG_SIGNATURE
from shared.session.format.layout import image_extension
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

ANSWER_S = 2.0
RETRY_S = 0.1
ACKNOWLEDGED_AT_ONCE = 500


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
        self._client = GeneratorClient(bus)
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
        is_new = self._intake.hear_epoch(header["epoch"], message.sent_at, now_s)
        if is_new:
            self._on_news(True)
        if message.type == Frame.type:
            if header.get("session_id") is None:
                return
            assert isinstance(message.message, Frame)
            check_picture(message.message, message.payload)
            self._intake.add(message.message, message.payload, now_s)
        elif header["epoch"] == self._intake.epoch:
            status = message.message
            assert isinstance(status, Heartbeat)
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
                except ParafoveaError as error:
                    log.debug("an acknowledgement went astray: %s", error)

    async def _acknowledge(self, frames: tuple[FrameRef, ...]) -> None:
        request = self._proving.acknowledge(frames)
        try:
            await self._client.acknowledge(request, timeout_s=ANSWER_S)
        except Forbidden as error:
            self._refused.warn("the generator refuses an acknowledgement, which is tried again: %s", error.detail)
            if await self._proving.tell():
                await self._client.acknowledge(request, timeout_s=ANSWER_S)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def _list(self) -> None:
        try:
            listing = await self._client.pending(timeout_s=ANSWER_S)
        except StrangeAnswer as error:
            raise self._strange(error) from None
        except ParafoveaError as error:
            raise GeneratorAway(str(error)) from None
        if listing.epoch != self._intake.epoch:
            self._on_news(True)
        again = self._intake.hear_listing(listing, time.monotonic())
        if again:
            self.acknowledge(again)
        self._on_news(False)

    async def _fetch(self, ref: FrameRef) -> None:
        try:
            made = await self._client.fetch(ref)
            if made.answer.key is None or FrameRef.model_validate(made.answer.key.model_dump()) != ref:
                problem = "the generator answered 'fetch' with another frame than the one asked for"
                raise StrangeAnswer(problem, made.answer.flat())
            check_picture(made.answer, made.image)
        except NotFound:
            self._intake.wants_listing = True  # acknowledged by an earlier life of ours, or of a dead epoch
            await asyncio.sleep(RETRY_S)
            return
        except StrangeAnswer as error:
            self._strange(error)
            frame_id = error.body.get("frame_id")
            self.unfit(ref, frame_id if fits(FrameId, frame_id) else None)
            await asyncio.sleep(RETRY_S)
            return
        except ParafoveaError as error:
            raise GeneratorAway(str(error)) from None
        self._intake.add(made.answer, made.image, time.monotonic(), asked=True)
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
            data = await self._client.input(sha256)
        except NotFound:
            return None
        except StrangeAnswer as error:
            raise self._strange(error) from None
        except ParafoveaError as error:
            raise GeneratorAway(f"the generator does not answer ({error})") from None
        if not await asyncio.to_thread(_is_input, data, sha256):
            self._unusable.warn("the generator's answer to 'input' is not the image %s", sha256)
            return None
        return data

    def _strange(self, error: Exception) -> GeneratorAway:
        """An answer that cannot be used is none: it is asked for again, and the log says so now and then."""
        self._unusable.warn("the generator's answer cannot be used, and is asked for again: %s", error)
        return GeneratorAway(f"the generator's answer cannot be used ({error})")


def check_picture(frame: Frame, png: bytes) -> None:
    """See that a frame comes with a PNG.

    Raises:
        StrangeAnswer: its picture is none.
    """
    if not png.startswith(PNG_SIGNATURE):
        raise StrangeAnswer("its picture is no PNG", frame.flat())


def _is_input(data: bytes, sha256: str) -> bool:
    try:
        image_extension(data)
    except ValueError:
        return False
    return hashlib.sha256(data).hexdigest() == sha256
