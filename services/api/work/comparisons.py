"""Comparisons of two sessions: a process of its own computes the figures, which are kept."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import orjson

from services.api.work.processes import Child, Pool
from shared.errors import InternalError, InvalidSessionId, ParafoveaError, SessionNotFound
from shared.json_loads import loads
from shared.process.settings import Settings
from shared.session.format import ids
from shared.session.format.layout import METADATA
from shared.system.cache import private_cache
from shared.system.disk import Disk

WAIT_S = 10.0
"""How long an answer waits for figures; after that it says how far they are."""
KEPT = 200
"""Comparisons that are kept; the oldest are removed."""
WAITING_LIMIT = 16
_VERSION = 1


class ComparisonJob:
    """The figures of two sessions, as far as they are computed. A thread fills it, the event loop reads it."""

    def __init__(self, a: str, b: str, first: int, count: int) -> None:
        self.arguments = (a, b, str(first), str(count))
        self.answer: dict[str, Any] = {"a": a, "b": b, "status": "running", "first": first, "total": None}
        self.answer |= {"summary": None, "frames": []}
        self.error: ParafoveaError | None = None
        self.work: asyncio.Task[None] | None = None

    def take(self, line: dict[str, Any]) -> None:
        """Take the next line: the total, a pair, or the summary."""
        if "total" in line:
            self.answer["total"] = line["total"]
        elif "summary" in line:
            self.answer |= {"summary": line["summary"], "status": "complete"}
        else:
            self.answer["frames"].append(line)


class Comparisons:
    """Computes comparisons, one at a time, and keeps them outside of the sessions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder: Path | None = None
        self._running: dict[str, ComparisonJob] = {}
        self._pool = Pool("comparisons")

    async def get(self, a: str, b: str, first: int, count: int) -> dict[str, Any]:
        """The figures, as far as they are computed. Raises ParafoveaError if the sessions cannot be compared."""
        if self._folder is None:
            self._folder = await asyncio.to_thread(private_cache, "comparisons")
        key = await asyncio.to_thread(self._key, a, b, first, count)
        kept = await asyncio.to_thread(_read, self._folder / f"{key}.json")
        if kept is not None:
            return kept
        job = self._running.get(key)
        if job is None:
            if len(self._running) >= WAITING_LIMIT:
                raise InternalError(f"{WAITING_LIMIT} comparisons are being worked out already; try again later")
            job = self._running[key] = ComparisonJob(a, b, first, count)
            job.work = asyncio.create_task(self._run(key, job))
        assert job.work is not None
        await asyncio.wait([job.work], timeout=WAIT_S)
        if job.error is not None:
            raise job.error
        return dict(job.answer)

    def close(self) -> None:
        """Stop what is being computed."""
        self._pool.close()

    async def _run(self, key: str, job: ComparisonJob) -> None:
        try:
            await self._pool.run(lambda: self._compute(key, job))
        except ParafoveaError as error:
            job.error = error
        except Exception as error:
            job.error = InternalError(f"the comparison failed: {type(error).__name__}: {error}")
        finally:
            del self._running[key]

    def _compute(self, key: str, job: ComparisonJob) -> None:
        child = self._pool.child(lambda: Child("reproduction", *job.arguments, settings=self._settings))
        try:
            while (line := child.line()) is not None:
                job.take(line)
        finally:
            self._pool.stop()
        self._keep(key, job)

    def _key(self, a: str, b: str, first: int, count: int) -> str:
        """Names the sessions as they are now."""
        parts: list[Any] = [_VERSION, first, count]
        for session_id in (a, b):
            try:
                status = os.stat(self._settings.sessions_dir / ids.validate(session_id) / METADATA)
            except (InvalidSessionId, FileNotFoundError, NotADirectoryError):
                raise SessionNotFound(f"there is no session {session_id[:200]!r}") from None
            parts += [session_id, status.st_ino, status.st_size, status.st_mtime_ns]
        return hashlib.sha256(orjson.dumps([str(self._settings.sessions_dir.resolve()), *parts])).hexdigest()

    def _keep(self, key: str, job: ComparisonJob) -> None:
        """A cache that cannot be written is only slower."""
        assert self._folder is not None
        disk = Disk()
        try:
            disk.make_folders(self._folder)
            disk.put(self._folder / f"{key}.json", orjson.dumps(job.answer))
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
