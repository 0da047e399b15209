"""A thread of our own that runs one call after another.

Not a ThreadPoolExecutor: the interpreter joins an executor's threads when it exits, and a stuck inference must not keep
a stopped process alive.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """Runs calls in order in one daemon thread; awaited from one event loop."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises, from the thread."""
        result: asyncio.Future[T] = self._loop.create_future()
        self._calls.put((call, result))
        return await result

    def close(self) -> None:
        """End the thread after the call it is in, without waiting for it."""
        self._calls.put(None)

    def is_alive(self) -> bool:
        """Whether a call is still under way after :meth:`close`."""
        return self._thread.is_alive()

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            call, result = item
            try:
                value = call()
            except BaseException as error:
                self._hand_over(result, error, None)
            else:
                self._hand_over(result, None, value)
                del value
            del call, result, item  # an idle thread must not keep the last picture alive

    def _hand_over(self, result: asyncio.Future[Any], error: BaseException | None, value: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, result, error, value)
        except RuntimeError:
            return  # the loop has closed: nobody waits any more


def _resolve(result: asyncio.Future[Any], error: BaseException | None, value: Any) -> None:
    if result.done():
        return
    if error is not None:
        result.set_exception(error)
    else:
        result.set_result(value)
