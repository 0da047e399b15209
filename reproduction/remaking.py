"""Making a recorded frame again: by the generator that is running, or by an engine in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from reproduction.environment import of_engine
from services.generator.decode import decode
from services.generator.engine import Edit, Engine, Pixels, edited_picture
from shared import sectors
from shared.bus.clients import GeneratorClient
from shared.bus.requests.generator import BACKGROUND_TIMEOUT_S, STATUS
from shared.errors import GeneratorLoading, GeneratorUnavailable, ParafoveaError
from shared.frame import Recipe
from shared.ids import new_id
from shared.remaking import BUSY, background_job, engine_of
from shared.sectors import Region
from shared.session.format.entries import Entry
from shared.session.format.recipes import recipe_of

_RETRY_S = 1.0
_GIVE_UP_S = 3600.0


class CannotRemake(Exception):
    """This frame cannot be made again here; the message says why."""


class NoMaker(Exception):
    """Nothing here can make a frame; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Remade:
    """A frame made again: its pixels, and the fields that say what it was made with."""

    pixels: Pixels
    fields: dict[str, Any]


class Remaker(Protocol):
    """Makes frames again, one at a time."""

    name: str

    async def today(self) -> dict[str, Any]:
        """What it makes frames with: the fields of a frame that say so, as far as they are known before one is made."""
        ...

    async def remake(self, entry: Entry, source: bytes) -> Remade:
        """Make the frame of an entry again from its input's bytes. Raises CannotRemake, NoRecipe with the reason."""
        ...


class ServerRemaker:
    """Asks the generator on the bus, behind every live request; what it makes is neither published nor recorded."""

    name = "server"

    def __init__(self, generator: GeneratorClient) -> None:
        self._generator = generator

    async def today(self) -> dict[str, Any]:
        """Its model, device and precision; the rest shows with the first frame. Raises NoMaker where no generator
        answers, or it has no model."""
        deadline = time.monotonic() + BACKGROUND_TIMEOUT_S
        while True:
            try:
                status = await self._generator.ask(STATUS)
            except GeneratorUnavailable:
                raise NoMaker("no generator answers on the bus") from None
            except ParafoveaError as error:
                raise NoMaker(f"the generator cannot be asked: {error.detail}") from None
            if status.state == "ready":
                return status.model_dump(include={"model", "device", "dtype"})
            if status.state != "loading" or time.monotonic() > deadline:
                raise NoMaker(f"the generator is {status.state}: {status.detail or 'see its log'}")
            await asyncio.sleep(_RETRY_S)

    async def remake(self, entry: Entry, source: bytes) -> Remade:
        recipe = recipe_of(entry.fields)
        deadline = time.monotonic() + _GIVE_UP_S
        while True:
            request = background_job(recipe, engine=engine_of(entry.fields), request_id=new_id(), publish=False)
            try:
                made = await self._generator.generate(request, source, grace_s=_RETRY_S)
                decoded = await asyncio.to_thread(decode, made.image)
                return Remade(decoded.pixels, made.answer.model_dump())
            except (*BUSY, GeneratorLoading) as error:
                if time.monotonic() > deadline:
                    raise CannotRemake(f"the generator had no time for it: {error.detail}") from None
                await asyncio.sleep(error.retry_after_s or _RETRY_S)
            except GeneratorUnavailable as error:
                raise NoMaker(error.detail) from None
            except ParafoveaError as error:
                raise CannotRemake(f"the generator could not make it: {error.detail}") from None


class EngineRemaker:
    """Runs an engine in a thread of this process; ``load`` makes it, in seconds or minutes, for the first frame.
    ``natural`` makes the one for natural changes, for the first of these."""

    name = "here"

    def __init__(self, load: Callable[[], Engine], natural: Callable[[], Engine]) -> None:
        self._load, self._make_natural = load, natural
        self._engine: Engine | None = None
        self._natural: Engine | None = None

    async def today(self) -> dict[str, Any]:
        """Everything, once the engine is loaded. Raises NoMaker where the engine cannot be loaded."""
        if self._engine is None:
            try:
                self._engine = await asyncio.to_thread(self._load)
            except Exception as error:
                raise NoMaker(f"the model cannot be loaded here: {error}") from error
        return of_engine(self._engine.info)

    async def remake(self, entry: Entry, source: bytes) -> Remade:
        fields = await self.today()
        assert self._engine is not None
        engine = self._engine
        if engine_of(entry.fields) == "natural":
            if self._natural is None:
                self._natural = await asyncio.to_thread(self._make_natural)
            engine, fields = self._natural, of_engine(self._natural.info)
        return await asyncio.to_thread(_run, engine, recipe_of(entry.fields), source, fields)

    def close(self) -> None:
        """Free the models."""
        for engine in (self._engine, self._natural):
            if engine is not None:
                engine.close()


def _run(engine: Engine, recipe: Recipe, source: bytes, fields: dict[str, Any]) -> Remade:
    try:
        decoded = decode(source)
        region = sectors.region(recipe.target_sector, recipe.grid_size, decoded.width, decoded.height)
        edit = Edit.of(recipe, decoded.pixels, region)
        edited = engine.run(edit, lambda *_: None, lambda: False)
        return Remade(edited_picture(edit, edited), fields)
    except (ParafoveaError, ValueError, KeyError) as error:
        raise CannotRemake(f"it could not be made: {error}") from None


def region_of(entry: Entry | None, width: int, height: int) -> Region | None:
    """The target sector of an entry in a picture of a size; None where the entry does not say, or says nonsense."""
    if entry is None or entry.region is None:
        return None
    left, top, right, bottom = entry.region
    inside = 0 <= left < right <= width and 0 <= top < bottom <= height
    return Region(left, top, right, bottom) if inside else None
