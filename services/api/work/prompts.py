"""Prompts for requests without one: ``sector_prompts.json``, each sector's list in turn."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Literal

from services.api.http.schemas import invalid
from shared.prompts import MAX_FILE_BYTES, Cycle, Draw, InvalidPrompts, PromptLists, parse
from shared.system.worker import Worker

log = logging.getLogger(__name__)

READ_S = 1.0
"""How long a request waits for the file; if the disk is slow, the last good prompts are used."""


Version = tuple[int, int, int] | Literal["unread"] | None
"""Modification time, size and inode of a file; None if it does not exist."""


class SectorPrompts:
    """The file, read in a thread whenever it has changed. While it is invalid, the last good one is used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._problem: str | None = None
        self._cycle = Cycle()
        self._version: Version = "unread"
        self._thread = Worker("prompts")
        self._reading: asyncio.Task[None] | None = None
        self._is_slow = False

    @property
    def problem(self) -> str | None:
        """Why the present file cannot be used, or None."""
        return f"{self.path} cannot be read now: its disk does not answer" if self._is_slow else self._problem

    @property
    def lists(self) -> PromptLists:
        """All that there are, as last read by :meth:`refresh`."""
        return self._cycle.lists

    def draw(self, sector: str) -> Draw:
        """The next prompt for a sector, as last read by :meth:`refresh`. Raises InvalidRequest if there is none."""
        draw = self._cycle.take(sector)
        if draw is None:
            reason = self.problem or f"{self.path.name} has no prompt for {sector}"
            raise invalid({"prompt": f"none is given, and {reason}"})
        return draw

    def give_back(self, draw: Draw) -> None:
        """Undo a draw that was not used."""
        self._cycle.give_back(draw)

    async def reset(self) -> None:
        """Read the file again, and start each list at its first prompt."""
        self._version = "unread"
        self._cycle.reset()
        await self.refresh()

    async def to_json(self) -> dict[str, Any]:
        """The lists in use, each sector's position, and what is wrong with the file."""
        await self.refresh()
        return {**self._cycle.lists.to_json(), "next": self._cycle.positions(), "error": self.problem}

    async def refresh(self) -> None:
        """Read the file if it has changed; continue without if that takes long."""
        if self._reading is None or self._reading.done():  # else another request has begun to read
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait([self._reading], timeout=READ_S)
        self._is_slow = not self._reading.done()
        if not self._is_slow:
            self._reading.result()

    def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
        self._thread.close()

    async def _read(self) -> None:
        loaded = await self._thread.run(self._load)
        self._is_slow = False
        if loaded is None:
            return
        self._version, found = loaded
        if isinstance(found, PromptLists):
            self._cycle.replace(found)
        elif found != self._problem:
            log.warning("%s; the last good prompts stay in use", found)
        self._problem = found if isinstance(found, str) else None

    def _load(self) -> tuple[Version, PromptLists | str] | None:
        """Read the file: its lists, or why they cannot be used; None if it has not changed. Runs in the thread."""
        try:
            status = self.path.stat()
            version: Version = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            version = None
        if version == self._version:
            return None
        try:
            with self.path.open("rb") as file:
                return version, parse(file.read(MAX_FILE_BYTES + 1))
        except OSError as error:
            again: Version = None if version is None else "unread"  # it exists: try again next time
            return again, f"{self.path} cannot be read: {error.strerror}"
        except InvalidPrompts as error:
            return version, f"{self.path} cannot be used: {error}"
