"""``file:TRACE.csv``: the samples of a trace at the times that it tells. ``?speed=2`` gives them twice as fast."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from services.gaze.sources.paced import Pace, give
from services.gaze.sources.source import Outlets
from shared.errors import InvalidRequest
from shared.gaze.sample import Sample
from shared.gaze.trace import Trace, UnusableTrace
from shared.system.worker import Worker

READ_AT_ONCE = 2000
MAX_SPEED = 1000.0
FORM = "file:TRACE.csv, or file:TRACE.csv?speed=2"

_NAME = re.compile(r"file:(?P<path>.+?)(?:\?speed=(?P<speed>\d{1,4}(?:\.\d{1,6})?))?\Z", re.DOTALL)


class RecordedSource:
    """Gives a trace once. Its file is read in a thread, a part at a time."""

    is_of_screen = True

    def __init__(self, name: str) -> None:
        """Raises InvalidRequest: no file is named, or a speed that is none."""
        found = _NAME.match(name)
        speed = float((found["speed"] if found else None) or 1)
        if found is None or not 0 < speed <= MAX_SPEED or not found["path"].lower().endswith(".csv"):
            raise InvalidRequest(f"{name[:100]!r} is no trace; write {FORM}, with a speed up to {MAX_SPEED:g}")
        self.name = name
        self._path = Path(found["path"])
        self._speed = speed
        self._thread = Worker("trace")
        self._file: TextIO | None = None
        self._trace: Trace | None = None
        self._first: list[Sample] = []
        self._closing: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Open the file and read its beginning. Raises InvalidRequest: there is none, or it is no trace."""
        try:
            self._first = await self._thread.run(self._open)
        except (OSError, UnusableTrace) as error:
            raise InvalidRequest(self._problem(error)) from None

    async def run(self, outlets: Outlets) -> None:
        """Give all samples, and tell the end."""
        pace = Pace(self._speed)
        try:
            async for part in self._parts():
                await give(iter(part), pace, outlets)
        except (OSError, UnusableTrace) as error:
            outlets.end("failed", self._problem(error))
            return
        outlets.end("ended", self._said())

    def close(self) -> None:
        """Close the file, once the thread is done with it."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._end())

    async def _end(self) -> None:
        try:
            await self._thread.run(self._close)
        finally:
            self._thread.close()

    async def _parts(self) -> AsyncIterator[list[Sample]]:
        part = self._first
        while part:
            # While one part is given, the next is read: a slow disk shows only when it is slower than the samples.
            reading = asyncio.create_task(self._thread.run(self._read))
            try:
                yield part
                part = await reading
            finally:
                reading.cancel()

    def _problem(self, error: OSError | UnusableTrace) -> str:
        if isinstance(error, OSError):
            return f"the trace {self._path} cannot be read; see that it is there, and that this user may read it"
        return f"the trace {self._path} cannot be used: {error}"

    def _said(self) -> str:
        skipped = self._trace.skipped if self._trace else 0
        if not skipped or self._trace is None:
            return "the trace is at its end"
        return (
            f"the trace is at its end; {skipped} of its samples were not later than the one before them, and left out "
            f"(the first in line {self._trace.first_skipped_line})"
        )

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _open(self) -> list[Sample]:
        if not self._path.is_file():  # a pipe would wait for its other end
            raise FileNotFoundError(errno.ENOENT, "no file", str(self._path))
        self._file = self._path.open(encoding="utf-8", errors="replace", newline="")
        self._trace = Trace(self._file)
        self._samples = iter(self._trace)
        return self._read()

    def _read(self) -> list[Sample]:
        return list(islice(self._samples, READ_AT_ONCE))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
