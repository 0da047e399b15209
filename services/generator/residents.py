"""The models in memory, on the one inference thread: which one makes frames, which others are at hand, and changing.

One thread loads and runs, never two at a time: while the libraries load a model they change defaults of the whole
process. So a model's files are fetched beside, and loading waits for the run that is under way. Where both fit, the
old model stays until the new one is there; else it goes first, and comes back if the new one cannot be had.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from services.generator.catalog import Models
from services.generator.engine import Engine, ModelInfo, OnLoading
from services.generator.models.failures import in_log, log_failure, reason_of
from shared.bus.messages import Loading
from shared.errors import GeneratorLoading, GeneratorUnavailable
from shared.system.memory import settle, thaw
from shared.system.worker import Worker

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often it is looked whether anybody asks for frames."""


class Residents:
    """Models by the names that they are asked for with. All methods are of the event loop.

    Attributes:
        name: of the model that makes frames; None before there is one.
        info: what that is; None while it is first loaded, or when it could not be.
        failure: why there is none.
        refusal: why the last one that was asked for did not come, while another goes on.
        infos: what each model is that was in memory.
        on_change: called when another model makes frames.
        busy_s: seconds until it may be taken that nobody is waiting for frames.
        turn: held by whoever runs or loads a model.
        thread: on which they do it.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self.thread = Worker("inference")
        self._fetcher = Worker("models")
        self.turn = asyncio.Lock()
        self._bringing = asyncio.Lock()
        self._held: dict[str, Engine] = {}
        self._wanted: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, str] = {}
        self._loading: Loading | None = None
        self._next: str | None = None
        self._is_thawed = False
        self.on_change: Callable[[], None] = lambda: None
        self.busy_s: Callable[[], float] = lambda: 0.0
        self.infos: dict[str, ModelInfo] = {}
        self.name: str | None = None
        self.info: ModelInfo | None = None
        self.failure: str | None = None
        self.refusal: str | None = None

    @property
    def loading(self) -> Loading | None:
        """The model that is on its way."""
        return self._loading

    @property
    def names(self) -> tuple[str, ...]:
        """Of those in memory."""
        return tuple(self._held)

    async def load_first(self) -> bool:
        """Load the model that the settings name, which may take minutes; whether there is one."""
        first = self._models.first
        try:
            async with self._bringing:
                await self._bring(first, make_frames=True)
        except Exception as error:
            self.failure = self.failure or reason_of(error)
        return self.info is not None

    async def change(self, name: str) -> asyncio.Task[None]:
        """Make frames with another model, as soon as it is there. Of several changes the last one asked for holds.
        Raises InvalidRequest: it may not be asked for."""
        await asyncio.to_thread(self._models.check, name)
        self._next = name
        return self._begin(f"change {name}", lambda: self._change(name))

    async def have(self, name: str) -> ModelInfo:
        """A model for background jobs: what it is, once it was in memory; they have it loaded again where it had to
        make room meanwhile. Raises GeneratorLoading: it is on its way; GeneratorUnavailable: it cannot be had;
        InvalidRequest: it may not be asked for."""
        await asyncio.to_thread(self._models.check, name)
        if name in self.infos:
            return self.infos[name]
        if (why := self._failed.pop(name, None)) is not None:
            raise GeneratorUnavailable(f"{name} could not be loaded: {why}")
        self._begin(f"have {name}", lambda: self._provide(name))
        raise GeneratorLoading(f"{name} is being loaded; try again in a moment.")

    async def engine(self, name: str | None) -> Engine:
        """A model, loaded anew where it had to make room for another; for whoever holds :attr:`turn`. ``name`` None:
        the one that makes frames. Raises ModelError: it cannot be loaded any more."""
        wanted = name if name is not None else self.name
        assert wanted is not None
        if wanted not in self._held:
            await self._load(wanted)
        return self._held[wanted]

    def is_here(self, name: str | None) -> bool:
        """Whether a model is in memory."""
        return (self.name if name is None else name) in self._held

    def close(self) -> None:
        """End the threads after the calls they are in, without waiting for them."""
        for task in self._wanted.values():
            task.cancel()
        self._fetcher.close()
        self.thread.close()

    # -- on the way ---------------------------------------------------------------------------------------------------

    def _begin(self, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        if what not in self._wanted:
            self._wanted[what] = asyncio.ensure_future(work())
            self._wanted[what].add_done_callback(lambda done: self._wanted.pop(what))
        return self._wanted[what]

    async def _change(self, name: str) -> None:
        self.refusal = None
        try:
            async with self._bringing:
                if self._next == name:
                    await self._bring(name, make_frames=True)
        except Exception as error:
            self.refusal = reason_of(error)

    async def _provide(self, name: str) -> None:
        """For the background: what has to take the place of the model that makes frames waits until nobody has asked
        for frames for a while."""
        try:
            async with self._bringing:
                if name in self._held:
                    return
                fits = await self._fetch_and_weigh(name)
            wait_s = 0.0 if fits else self.busy_s()
            while wait_s > 0:
                await asyncio.sleep(min(wait_s, LOOK_S))
                wait_s = self.busy_s()
            async with self._bringing:
                await self._bring(name, make_frames=False, is_fetched=True)
        except Exception as error:
            self._failed[name] = reason_of(error)

    async def _fetch_and_weigh(self, name: str) -> bool:
        """Whether a model, once it is here, fits beside those in memory."""
        try:
            await self._fetch(name)
            with in_log(name):
                return await self.thread.run(self._models.fits_beside, name)
        finally:
            self._loading = None

    async def _bring(self, name: str, *, make_frames: bool, is_fetched: bool = False) -> None:
        """Fetch a model, and load it when its turn has come; in the same turn, have it make frames, in place of all
        others: who waits for the turn must not load one of these again."""
        try:
            if name not in self._held:
                if not is_fetched:
                    await self._fetch(name)
                self._tell(name, f"Waiting to load {name}.")
            async with self.turn:
                await self.engine(name)
                if make_frames and (self.name is None or self._next in (name, None)):
                    self._make_frames_with(name)
                    others = [each for each in self._held if each != name]
                    for other in others:
                        await self._let_go(other)
                    await self._settle_again()
        finally:
            self._loading = None

    async def _fetch(self, name: str) -> None:
        self._tell(name, f"Looking for {name}.")
        with in_log(name):
            await self._fetcher.run(self._models.fetch, name, self._teller(name))

    async def _load(self, name: str) -> None:
        """Load a model, beside those that are there or in their place. Where it cannot be, the one that makes frames
        comes back."""
        others = tuple(self._held)
        try:
            if others and not await self.thread.run(self._models.fits_beside, name):
                for other in others:
                    await self._let_go(other)
            await self._read(name)
            return
        except Exception as error:
            failed = error
            log_failure(name, error)
        finally:
            self._loading = None
        # Here the exception's frames are let go, and with them what they held on the card.
        failed.__traceback__ = None
        if self.name is not None and self.name != name and self.name not in self._held:
            await self._come_back(self.name)
        raise failed

    async def _come_back(self, name: str) -> None:
        try:
            await self._read(name)
        except Exception as error:
            self.info, self.failure = None, reason_of(error)
            log_failure(name, error)
        finally:
            self._loading = None

    async def _read(self, name: str) -> None:
        started = time.perf_counter()
        self._held[name] = await self.thread.run(self._models.load, name, self._teller(name))
        info = self.infos[name] = self._held[name].info
        said = info.model.id, info.model.kind, info.device, info.dtype, time.perf_counter() - started
        log.info("ready: %s (%s) on %s in %s, after %.1f s", *said)
        await self._settle_again()

    async def _let_go(self, name: str) -> None:
        await self.thread.run(_end, self._held.pop(name))
        self._is_thawed = True

    async def _settle_again(self) -> None:
        """What is in memory now stays, as far as is known, where that was taken back to let a model go."""
        if self._is_thawed:
            await self.thread.run(settle)
            self._is_thawed = False

    def _make_frames_with(self, name: str) -> None:
        self.name, self.info, self.failure = name, self._held[name].info, None
        self.on_change()

    def _teller(self, name: str) -> OnLoading:
        """For the thread that loads: has what it says told on the loop."""
        loop = asyncio.get_running_loop()

        def tell(said: str, done_bytes: int, of_bytes: int) -> None:
            loop.call_soon_threadsafe(self._tell, name, said, done_bytes, of_bytes)

        return tell

    def _tell(self, name: str, said: str, done_bytes: int = 0, of_bytes: int = 0) -> None:
        self._loading = Loading(model=name, detail=said, done_bytes=done_bytes, bytes=of_bytes)


def _end(engine: Engine) -> None:
    """Free a model. It was set aside as what stays for good; before it can be collected, that is taken back."""
    thaw()
    engine.close()
