"""The generator as the recorder sees it: its stream, and what is asked of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable
from itertools import islice

from services.recorder.ledger.ledger import Ledger
from services.recorder.ledger.losses import SetAside
from services.recorder.ledger.streams import TRIES
from shared.bus.acknowledging import Proving
from shared.bus.clients import GeneratorClient
from shared.bus.envelope import Published, StrangeAnswer
from shared.bus.messages import Heartbeat, Status
from shared.bus.requests import generator
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import Forbidden, NotFound, ParafoveaError
from shared.fields import FrameId, fits
from shared.frame import Frame, FrameRef
from shared.png_chunks import PNG_SIGNATURE
from shared.session.format.layout import image_extension
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

ANSWER_S = 2.0
RETRY_S = 0.1
ACKNOWLEDGED_AT_ONCE = 500


class GeneratorAway(Exception):
    """The generator does not answer; what was asked of it is asked again later."""


class GeneratorLink:
    """Feeds the ledger: from the stream what comes, by asking what does not.

    Attributes:
        client: asks it, and knows whether one is there, or has been. (Its stream may come before: each socket connects
            by itself.)
        state: the generator's own, by its last heartbeat; None before the first.
    """

    def __init__(self, bus: Bus, ledger: Ledger, proving: Proving, wake: asyncio.Event) -> None:
        self.client = GeneratorClient(bus)
        self._stream = Subscriber(bus, "frames", [Frame.type, Status.type])
        self._ledger = ledger
        self._proving = proving
        self._wake = wake
        self._to_acknowledge: dict[FrameRef, None] = {}
        self._acknowledging = False
        self._acknowledge_soon = asyncio.Event()
        self._ask_soon = asyncio.Event()
        self._unusable = Rarely(log)
        self._refused = Rarely(log)
        self.state: str | None = None

    def acknowledge(self, frames: Iterable[FrameRef]) -> None:
        """These frames are on disk, or set aside, for good: the generator need not hold them. Acknowledgements that go
        astray are found by the next listing."""
        epoch = self._ledger.streams.epoch
        self._to_acknowledge.update((frame, None) for frame in frames if frame.epoch == epoch)
        self._acknowledge_soon.set()

    @property
    def owes(self) -> bool:
        """Whether the generator has yet to be told of something that is on disk."""
        return self._acknowledging or bool(self._to_acknowledge)

    def wake(self) -> None:
        """There may be something to fetch or to list."""
        self._ask_soon.set()

    # -- loops --------------------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Follow the stream until cancelled."""
        await self._stream.hand_to(self._take)

    def _take(self, published: Published) -> None:
        self._ask_soon.set()
        message, streams, now_s = published.message, self._ledger.streams, time.monotonic()
        assert isinstance(message, Frame | Heartbeat)
        streams.receive_epoch(message.epoch, published.sent_at, now_s)
        self._wake.set()
        if isinstance(message, Frame):
            if message.session_id is not None:
                _check_picture(message, published.payload)
                streams.add(message, published.payload, now_s)
        elif message.epoch == streams.epoch:
            self.state = message.state
            for held in message.sessions:
                streams.receive_backlog(message.epoch, held.session_id, held.last_record_seq, held.frames, now_s)

    async def ask(self) -> None:
        """Ask for what is pending and for what is missing, until cancelled."""
        while True:
            self._ask_soon.clear()
            try:
                if self._ledger.streams.wants_listing:
                    await self._list()
                for ref in self._ledger.streams.to_fetch():
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
                self._acknowledging = True
                try:
                    await self._acknowledge(batch)
                except ParafoveaError as error:
                    log.debug("an acknowledgement went astray: %s", error)
                self._acknowledging = False

    async def _acknowledge(self, frames: tuple[FrameRef, ...]) -> None:
        request = self._proving.acknowledge(frames)
        try:
            await self.client.ask(generator.ACKNOWLEDGE, request, timeout_s=ANSWER_S)
        except Forbidden as error:
            self._refused.warn("the generator refuses an acknowledgement, which is tried again: %s", error.detail)
            if await self._proving.share_secret():
                await self.client.ask(generator.ACKNOWLEDGE, request, timeout_s=ANSWER_S)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def _list(self) -> None:
        try:
            listing = await self.client.ask(generator.PENDING, timeout_s=ANSWER_S)
        except StrangeAnswer as error:
            raise self._strange(error) from None
        except ParafoveaError as error:
            raise GeneratorAway(str(error)) from None
        self.acknowledge(self._ledger.streams.reconcile(listing, time.monotonic()))
        self._wake.set()

    async def _fetch(self, ref: FrameRef) -> None:
        try:
            made = await self.client.ask_for_image(generator.FETCH, generator.Fetch(**ref.model_dump()))
            frame, png = made.answer, made.image
            if (frame.session_id, frame.epoch, frame.record_seq) != (ref.session_id, ref.epoch, ref.record_seq):
                problem = "the generator answered 'fetch' with another frame than the one asked for"
                raise StrangeAnswer(problem, frame.flat(), png)
            _check_picture(frame, png)
        except NotFound:
            self._ledger.streams.wants_listing = True  # acknowledged by an earlier life of ours, or of a dead epoch
            await asyncio.sleep(RETRY_S)
        except StrangeAnswer as error:
            self._strange(error)
            frame_id = error.body.get("frame_id")
            aside = SetAside.of(error.detail, error.body, error.payload)
            self._ledger.unfit(ref, frame_id if fits(FrameId, frame_id) else None, aside)
            self._wake.set()
            await asyncio.sleep(RETRY_S)
        except ParafoveaError as error:
            raise GeneratorAway(str(error)) from None
        else:
            self._ledger.streams.add(frame, png, time.monotonic(), asked=True)
            self._wake.set()

    async def input(self, sha256: str) -> bytes | None:
        """An input image by its hash; None where the generator has it no more, has other bytes under that name, or
        gives answers that cannot be used. Raises GeneratorAway where it does not answer now."""
        for _ in range(TRIES):
            try:
                asked = generator.InputRequest(sha256=sha256)
                data = (await self.client.ask_for_image(generator.INPUT, asked)).image
            except NotFound:
                return None
            except StrangeAnswer as error:
                self._strange(error)
                await asyncio.sleep(RETRY_S)
            except ParafoveaError as error:
                raise GeneratorAway(f"the generator does not answer ({error})") from None
            else:
                if await asyncio.to_thread(_is_input, data, sha256):
                    return data
                self._unusable.warn("the generator's answer to 'input' is not the image %s", sha256)
                return None
        return None

    def _strange(self, error: Exception) -> GeneratorAway:
        """An answer that cannot be used is none: it is asked for again, and the log says so now and then."""
        self._unusable.warn("the generator's answer cannot be used, and is asked for again: %s", error)
        return GeneratorAway(f"the generator's answer cannot be used ({error})")


def _check_picture(frame: Frame, png: bytes) -> None:
    """Raises StrangeAnswer where a frame comes without a PNG."""
    if not png.startswith(PNG_SIGNATURE):
        raise StrangeAnswer("its picture is no PNG", frame.flat(), png)


def _is_input(data: bytes, sha256: str) -> bool:
    try:
        image_extension(data)
    except ValueError:
        return False
    return hashlib.sha256(data).hexdigest() == sha256
