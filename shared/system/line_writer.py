"""Lines to standard output from an event loop: a thread writes, so a reader that is slow stops no loop."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from shared.system.waiting import wait_at_most

WAITING_LINES = 1000
"""Beyond it whoever writes waits, reads no more from the bus, and misses messages as any slow subscriber does."""
CLOSE_S = 1.0


class LineWriter:
    """Writes to a stream that has a file descriptor, past the stream's own buffer.

    A character that the stream's encoding lacks is written as its escape.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(WAITING_LINES)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._error: OSError | None = None
        self._is_over = asyncio.Event()
        threading.Thread(target=self._work, name="lines", daemon=True).start()

    async def write(self, line: str) -> None:
        """Write a line, to which its end is added; waits while too many wait already. Raises OSError: an earlier one
        could not be written; :class:`BrokenPipeError` where nobody reads any more."""
        await self._room.acquire()
        if self._error is not None:
            self._room.release()
            raise self._error
        self._lines.put(f"{line}\n".encode(self._stream.encoding or "utf-8", "backslashreplace"))

    async def wait_over(self) -> None:
        """Return once nothing more can be written."""
        await self._is_over.wait()

    async def close(self) -> None:
        """Write what waits, unless the reader takes nothing more."""
        self._lines.put(None)
        await wait_at_most(self._is_over, CLOSE_S)

    def _work(self) -> None:
        descriptor = self._stream.fileno()
        while (line := self._lines.get()) is not None:
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except OSError as error:
                self._error = error
                break
            self._tell(self._room.release)
        self._tell(self._end)

    def _end(self) -> None:
        self._is_over.set()
        self._room.release()  # whoever waits for room learns of it

    def _tell(self, what: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(what)
