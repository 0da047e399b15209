"""The pictures that the generator has made of preparations: fetched once it has answered, for whoever wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from services.gaze.pictures import Pictures
from shared.bus.clients import GeneratorClient
from shared.bus.requests import preparing
from shared.errors import GeneratorUnavailable, NotFound, ParafoveaError, UnknownImage
from shared.images import ImageFormat

Supervise = Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]]
"""Runs a task, whose failure ends the process."""

WAIT_S = 5.0
"""How long somebody waits for a picture that is on its way."""
AGAIN_S = 0.5


class Fetching:
    """Fetches pictures into :class:`~services.gaze.pictures.Pictures`, each once.

    Args:
        in_use: hashes of the pictures that are tried for again while the generator is away.

    Attributes:
        lost: hashes of pictures that the generator does not know any more.
    """

    def __init__(
        self,
        generator: GeneratorClient,
        pictures: Pictures,
        supervise: Supervise,
        in_use: Callable[[], Collection[str]],
    ) -> None:
        self.lost: set[str] = set()
        self._generator = generator
        self._pictures = pictures
        self._supervise = supervise
        self._in_use = in_use
        self._under_way: dict[str, asyncio.Task[ParafoveaError | None]] = {}

    def begin(self, sha256: str) -> asyncio.Task[ParafoveaError | None]:
        """Fetch a picture, in the background."""
        task = self._under_way.get(sha256)
        if task is None:
            task = self._under_way[sha256] = self._supervise(self._fetch(sha256), f"picture {sha256[:12]}")
        return task

    async def get(self, sha256: str) -> tuple[ImageFormat, bytes]:
        """A picture's format and its bytes: what is kept, or on its way, or can be fetched.

        Raises:
            NotFound: nobody has it.
            ParafoveaError: the generator, which may have it, is away, or does not answer.
        """
        if sha256 not in self._pictures:
            try:
                async with asyncio.timeout(WAIT_S):
                    problem = await asyncio.shield(self.begin(sha256))
            except TimeoutError:
                problem = GeneratorUnavailable("the picture is at the generator, which does not answer")
            if problem is not None:
                raise problem
        return self._pictures.get(sha256)

    def end(self) -> None:
        """A trial has ended: its pictures are tried for no longer."""
        self.lost.clear()

    async def _fetch(self, sha256: str) -> ParafoveaError | None:
        try:
            while True:
                try:
                    found = await self._generator.ask_for_image(
                        preparing.PICTURE, preparing.PictureRequest(sha256=sha256)
                    )
                except UnknownImage as error:
                    self.lost.add(sha256)
                    return NotFound(f"the picture is gone with the generator that made it ({error.detail})")
                except GeneratorUnavailable as error:
                    if sha256 not in self._in_use():
                        return error
                    await asyncio.sleep(AGAIN_S)
                except ParafoveaError as error:
                    return error
                else:
                    self._pictures.put(found.answer.format, found.image, sha256)
                    return None
        finally:
            self._under_way.pop(sha256, None)
