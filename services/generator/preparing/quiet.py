"""The moments in which a commit is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

ANSWER_S = 0.002
"""So long the answer to a commit may take from its handler to the socket."""


class Quiet:
    """Who would take the interpreter from a commit, some milliseconds at a time, waits until its answer is on its
    way."""

    def __init__(self) -> None:
        self._committing = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While a commit is made, and until its answer is on its way."""
        self._committing += 1
        self._is_quiet.clear()
        try:
            yield
        finally:
            asyncio.get_running_loop().call_later(ANSWER_S, self._end)

    async def over(self) -> None:
        """Wait until no commit is being made."""
        await self._is_quiet.wait()

    def _end(self) -> None:
        self._committing -= 1
        if not self._committing:
            self._is_quiet.set()
