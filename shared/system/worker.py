"""A thread of one's own for what blocks, so that the event loop never does: it runs one call after another.

Not a ThreadPoolExecutor: the interpreter joins an executor's threads when it exits, and an inference or a disk that is
stuck must not keep a stopped process alive.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """Runs calls in order in one daemon thread."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What ``call`` returns or raises, from the thread; cancelled before its turn, it is not run. Raises
        RuntimeError once closed."""
        return await asyncio.wrap_future(self.submit(partial(call, *arguments, **named)))

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """:meth:`run` for a thread that goes on meanwhile, and may wait for the result."""
        if self._is_closed:
            raise RuntimeError("this thread is closed")
        result: Future[T] = Future()
        self._calls.put((call, result))
        return result

    def close(self, *, wait: bool = False) -> None:
        """End the thread after the call it is in, which may be stuck, and is waited for only where that is wanted;
        what waits behind it is cancelled."""
        self._is_closed = True
        self._calls.put(None)
        if wait:
            self._thread.join()

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            call, result = item
            if self._is_closed:
                result.cancel()
            if result.set_running_or_notify_cancel():
                try:
                    result.set_result(call())
                except BaseException as error:
                    result.set_exception(error)
            del call, result, item  # an idle thread must not keep the last picture alive
