"""A thread of our own that runs one call after another.

Not a ThreadPoolExecutor: the interpreter joins an executor's threads when it exits, and a stuck inference must not keep
a stopped process alive.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """Runs calls in order in one daemon thread."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises, from the thread. Cancelled before its turn, it is not run."""
        result: Future[T] = Future()
        self._calls.put((call, result))
        return await asyncio.wrap_future(result)

    def close(self) -> None:
        """End the thread after the call it is in, without waiting for it."""
        self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            call, result = item
            if result.set_running_or_notify_cancel():
                try:
                    result.set_result(call())
                except BaseException as error:
                    result.set_exception(error)
            del call, result, item  # an idle thread must not keep the last picture alive
