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
from services.generator.models.files import ModelError
from shared.bus.messages import Loading
from shared.errors import GeneratorLoading, GeneratorUnavailable
from shared.system.worker import Worker

log = logging.getLogger(__name__)

_SAID_CHARS = 1000


class Residents:
    """Models by the names that they are asked for with. All methods are of the event loop.

    Attributes:
        name: of the model that makes frames; None before there is one.
        info: what that is; None while it is first loaded, or when it could not be.
        failure: why there is none.
        refusal: why the last one that was asked for did not come, while another goes on.
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
            async with self.turn:
                await self._load(first)
        except Exception as error:
            self.failure = _reason(error)
            return False
        self._make_frames_with(first)
        return True

    def change(self, name: str) -> asyncio.Task[None]:
        """Make frames with another model, as soon as it is there. Of several changes the last one asked for holds.
        Raises InvalidRequest: it may not be asked for."""
        self._models.check(name)
        self._failed.pop(name, None)
        self._next = name
        return self._begin(f"change {name}", name, lambda: self._change(name))

    def have(self, name: str) -> ModelInfo:
        """A model for background jobs. Raises GeneratorLoading: it is being loaded; GeneratorUnavailable: it cannot be;
        InvalidRequest: it may not be asked for."""
        self._models.check(name)
        if name in self._held:
            return self._held[name].info
        if (why := self._failed.pop(name, None)) is not None:
            raise GeneratorUnavailable(f"{name} could not be loaded: {why}")
        self._begin(f"have {name}", name, lambda: self._provide(name))
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

    def _begin(self, what: str, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        if what in self._wanted:
            return self._wanted[what]
        task = asyncio.ensure_future(work())
        self._wanted[what] = task
        task.add_done_callback(lambda done: self._is_over(what, name, done))
        return task

    def _is_over(self, what: str, name: str, task: asyncio.Task[None]) -> None:
        if self._wanted.get(what) is task:
            del self._wanted[what]
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failed[name] = self.refusal = _reason(error)

    async def _change(self, name: str) -> None:
        self.refusal = None
        async with self._bringing:
            if self._next == name:
                await self._bring(name, make_frames=True)

    async def _provide(self, name: str) -> None:
        async with self._bringing:
            await self._bring(name, make_frames=False)

    async def _bring(self, name: str, *, make_frames: bool) -> None:
        """Fetch a model, and load it when its turn has come; in the same turn, have it make frames, in place of all
        others: who waits for the turn must not load one of these again."""
        try:
            if name not in self._held:
                self._tell(name, f"Looking for {name}.")
                await self._fetcher.run(self._models.fetch, name, self._teller(name))
                self._tell(name, f"Waiting to load {name}.")
            async with self.turn:
                await self.engine(name)
                if make_frames and self._next == name:
                    self._make_frames_with(name)
                    for other in [each for each in self._held if each != name]:
                        await self._let_go(other)
        finally:
            self._loading = None

    async def _load(self, name: str) -> None:
        """Load a model, beside those that are there or in their place."""
        others = tuple(self._held)
        started = time.perf_counter()
        try:
            if others and not await self.thread.run(self._models.fits_beside, name):
                for other in others:
                    await self._let_go(other)
            self._held[name] = await self.thread.run(self._models.load, name, self._teller(name))
        except Exception as error:
            # What a person has to set right is said in a sentence; what nobody foresaw is shown with its place.
            is_refusal = isinstance(error, ModelError) and error.__cause__ is None
            log.error("%s could not be loaded: %s", name or "the model", error, exc_info=None if is_refusal else error)
            if self.name is not None and self.name != name and self.name not in self._held:
                self._held[self.name] = await self.thread.run(self._models.load, self.name, self._teller(self.name))
            raise
        finally:
            self._loading = None
        info = self._held[name].info
        took_s = time.perf_counter() - started
        said = info.model.id, info.model.kind, info.device, info.dtype, took_s
        log.info("ready: %s (%s) on %s in %s, after %.1f s", *said)

    async def _let_go(self, name: str) -> None:
        await self.thread.run(self._held.pop(name).close)

    def _make_frames_with(self, name: str) -> None:
        self.name, self.info, self.failure = name, self._held[name].info, None

    def _teller(self, name: str) -> OnLoading:
        """For the thread that loads: has what it says told on the loop."""
        loop = asyncio.get_running_loop()

        def tell(said: str, done_bytes: int, of_bytes: int) -> None:
            loop.call_soon_threadsafe(self._tell, name, said, done_bytes, of_bytes)

        return tell

    def _tell(self, name: str, said: str, done_bytes: int = 0, of_bytes: int = 0) -> None:
        self._loading = Loading(model=name, detail=said, done_bytes=done_bytes, bytes=of_bytes)


def _reason(error: BaseException) -> str:
    """In one line: a refusal is a sentence, anything else needs its type to be understood."""
    if isinstance(error, ModelError):
        return str(error).splitlines()[0][:_SAID_CHARS]
    return f"{type(error).__name__}: {error}".splitlines()[0][:_SAID_CHARS]
