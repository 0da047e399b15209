"""Comparisons of two sessions: their figures are worked out by a process of its own, and kept."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson

from services.api.work.commands import Command
from shared.errors import InternalError, InvalidSessionId, ParafoveaError, SessionNotFound
from shared.json_loads import loads
from shared.process.settings import Settings
from shared.session.format import ids
from shared.session.format.layout import METADATA
from shared.system.cache import private_cache
from shared.system.disk import Disk

WAIT_S = 10.0
"""How long an answer waits for figures that are being worked out; after that it says how far they are."""
KEPT = 200
"""Comparisons that are kept; the oldest go."""
WAITING_LIMIT = 16
_VERSION = 1


class Comparison:
    """The figures of two sessions, as far as they are worked out. Filled by a thread, read by the event loop."""

    def __init__(self, settings: Settings, a: str, b: str, first: int, count: int) -> None:
        self._settings = settings
        self.a, self.b, self.first, self.count = a, b, first, count
        self.total: int | None = None
        self.frames: list[dict[str, Any]] = []
        self.summary: dict[str, Any] | None = None
        self.error: ParafoveaError | None = None
        self.done = asyncio.Event()
        self._command: Command | None = None
        self._stopped = threading.Event()

    def to_json(self) -> dict[str, Any]:
        """The answer."""
        return {
            "a": self.a,
            "b": self.b,
            "status": "complete" if self.summary is not None else "running",
            "first": self.first,
            "total": self.total,
            "summary": self.summary,
            "frames": list(self.frames),
        }

    def work(self) -> None:
        """Run the command, and take in its lines.

        Raises:
            ParafoveaError: it failed.
        """
        if self._stopped.is_set():
            raise InternalError("the server is stopping")
        where = ("--first", str(self.first), "--count", str(self.count))
        self._command = command = Command(self._settings, "compare", self.a, self.b, "--json-lines", *where)
        try:
            while (line := command.line()) is not None:
                if "total" in line:
                    self.total = line["total"]
                elif "summary" in line:
                    self.summary = line["summary"]
                else:
                    self.frames.append(line)
        finally:
            command.stop()

    def stop(self) -> None:
        """Break it off."""
        self._stopped.set()
        if self._command is not None:
            self._command.stop()


class Comparisons:
    """Works comparisons out, one at a time, and keeps them outside of the sessions."""

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        self._settings = settings
        self._root = settings.sessions_dir
        self._folder = folder
        self._running: OrderedDict[str, Comparison] = OrderedDict()
        self._thread: ThreadPoolExecutor | None = None

    async def get(self, a: str, b: str, first: int, count: int) -> dict[str, Any]:
        """The figures; or, while they are being worked out, how far they are.

        Raises:
            SessionNotFound: one of them is not there.
            ParafoveaError: they cannot be compared.
        """
        if self._folder is None:
            self._folder = await asyncio.to_thread(private_cache, "comparisons")
        key = await asyncio.to_thread(self._key, a, b, first, count)
        kept = await asyncio.to_thread(_read, self._folder / f"{key}.json")
        if kept is not None:
            return kept
        comparison = self._running.get(key)
        if comparison is None:
            if len(self._running) >= WAITING_LIMIT:
                raise InternalError(f"{WAITING_LIMIT} comparisons are being worked out already; try again later")
            comparison = self._begin(key, Comparison(self._settings, a, b, first, count))
        try:
            async with asyncio.timeout(WAIT_S):
                await comparison.done.wait()
        except TimeoutError:
            return comparison.to_json()
        if comparison.error is not None:
            raise comparison.error
        return comparison.to_json()

    def close(self) -> None:
        """Break off what is being worked out."""
        for comparison in self._running.values():
            comparison.stop()
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def _begin(self, key: str, comparison: Comparison) -> Comparison:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "comparisons")
        self._running[key] = comparison
        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                comparison.work()
                self._keep(key, comparison)
            except ParafoveaError as error:
                comparison.error = error
            except Exception as error:
                comparison.error = InternalError(f"the comparison failed: {type(error).__name__}: {error}")
            try:
                loop.call_soon_threadsafe(over)
            except RuntimeError:
                return  # the loop has closed: nobody waits any more

        def over() -> None:
            self._running.pop(key, None)
            comparison.done.set()

        self._thread.submit(work)
        return comparison

    def _key(self, a: str, b: str, first: int, count: int) -> str:
        """Names the sessions as they are now."""
        parts: list[Any] = [_VERSION, first, count]
        for session_id in (a, b):
            try:
                status = os.stat(self._root / ids.validate(session_id) / METADATA)
            except (InvalidSessionId, FileNotFoundError, NotADirectoryError):
                raise SessionNotFound(f"there is no session {session_id[:200]!r}") from None
            parts += [session_id, status.st_ino, status.st_size, status.st_mtime_ns]
        return hashlib.sha256(orjson.dumps([str(self._root.resolve()), *parts])).hexdigest()

    def _keep(self, key: str, comparison: Comparison) -> None:
        """A cache that cannot be written is only slower."""
        assert self._folder is not None
        disk = Disk()
        try:
            disk.make_folders(self._folder)
            disk.put(self._folder / f"{key}.json", orjson.dumps(comparison.to_json()))
            kept = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in kept[: max(0, len(kept) - KEPT)]:
                disk.discard(path)
        except OSError:
            return


def _read(path: Path) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return kept
