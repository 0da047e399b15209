"""Thumbnails: made once, by a small process of their own, and kept outside of the sessions.

Decoding a 4096 x 4096 picture takes 50 MB, and Pillow some more. In a process that ends when idle that is not part of
the API's memory, and a picture that crashes a decoder ends nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import orjson

from services.api.work.processes import Child, Pool
from shared.errors import FrameCorrupt, FrameMissing, InternalError
from shared.system import places
from shared.system.cache import private_cache

WORKER = "services.api.work.thumbnail_worker"
IDLE_S = 15.0
"""The process ends when idle for so long."""
SIDE_PX = 320
"""Of the longer side: three times what a timeline shows, for sharp screens."""


class Thumbnailer:
    """Makes thumbnails, one at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._pool = Pool("thumbnails")
        self._idle: asyncio.TimerHandle | None = None

    async def get(self, source: Path) -> tuple[bytes, str]:
        """The thumbnail of a picture as WebP, and its ETag. Raises FrameMissing or, if not decoded, FrameCorrupt."""
        try:
            key = await asyncio.to_thread(_key, source)
        except OSError as error:
            raise FrameMissing(f"{source.name} cannot be read: {error.strerror}") from None
        if self._folder is None:
            self._folder = await asyncio.to_thread(private_cache, "thumbnails")
        target = self._folder / key[:2] / f"{key}.webp"
        try:
            data = await asyncio.to_thread(target.read_bytes)
        except OSError:
            data = await self._made(source, target)
        return data, f'"{key[:32]}"'

    async def close(self) -> None:
        """End the process, if there is one."""
        self._cancel_idle()
        await asyncio.to_thread(self._pool.close)

    async def _made(self, source: Path, target: Path) -> bytes:
        self._cancel_idle()
        loop = asyncio.get_running_loop()
        try:
            return await self._pool.run(lambda: self._make(source, target))
        finally:
            self._cancel_idle()
            # In a thread: a process that is stuck on a disk takes its time to end.
            self._idle = loop.call_later(IDLE_S, lambda: loop.run_in_executor(None, self._pool.stop))

    def _make(self, source: Path, target: Path) -> bytes:
        try:
            return target.read_bytes()  # made while this request was queued
        except OSError:
            target.parent.mkdir(parents=True, exist_ok=True)
        # Absolute: the process runs elsewhere, where the code is.
        paths = {"source": os.fspath(source.absolute()), "target": os.fspath(target.absolute())}
        line = orjson.dumps({**paths, "side": SIDE_PX}) + b"\n"
        for _ in range(2):  # it may have ended, idle, just now
            answer = self._pool.child(lambda: Child(WORKER, takes_input=True, logs=True, folder=places.ROOT)).ask(line)
            if answer is not None:
                break
            self._pool.stop()  # it is ending, but might still look alive
        else:
            raise InternalError("The process that makes thumbnails ended; the server's log may say why.")
        if answer.get("error"):
            raise FrameCorrupt(f"{source.name} cannot be shown small: {answer['error']}")
        return target.read_bytes()

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()


def _key(source: Path) -> str:
    """Identifies a picture without reading it. The hash in the metadata would not do: an import may claim any."""
    status = source.stat()
    named = f"{source.absolute()}\n{status.st_mtime_ns}\n{status.st_size}\n{SIDE_PX}"
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()
