"""A thread of one's own for what blocks, so that the event loop never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DiskThread:
    """Does one thing after the other, in the order in which it is asked for."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Wait until it is done behind what was given before it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(*arguments, **named))

    def close(self, *, wait: bool = False) -> None:
        """Take nothing more. What has begun may be stuck, and is waited for only where that is wanted."""
        self._executor.shutdown(wait=wait, cancel_futures=True)
