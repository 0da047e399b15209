"""A process's life: settings, logging, signals, supervised tasks, teardown."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

import zmq

from shared.bus.address import InvalidBusAddress
from shared.bus.clients import Peer
from shared.bus.curve import InvalidKeys, load_keys
from shared.bus.sockets import Bus
from shared.process.guard import Guard
from shared.process.logs import finish_logging, set_up_logging
from shared.process.privacy import take_umask, warn_of_root
from shared.process.settings import InvalidSettings, Settings, load_settings
from shared.system import memory
from shared.system.descriptors import raise_limit
from shared.system.extras import NotInstalled
from shared.system.holder import AlreadyHeld

log = logging.getLogger(__name__)

PeerT = TypeVar("PeerT", bound=Peer)

EXIT_REFUSED = 2
"""The process did not start: a setting, a lock or an address is wrong, and the message says which."""

THREADS = 32
"""Reads of a disk that may be under way at a time, in any process; so many must be stuck until another one waits."""
LAST_THREADS_S = 0.5

REFUSALS = (InvalidSettings, InvalidBusAddress, InvalidKeys, AlreadyHeld)


class Refused(Exception):
    """A service cannot start as it is set up; the message says what to change."""


class Runtime:
    """What a service is given: settings, its end of the bus, and the event that says to stop.

    ``supervise`` starts a task whose death ends the process: a task that dies while the rest stays up is a process
    that looks well and does nothing. ``abandon_threads`` is set by a service whose threads may be stuck at the end: the
    process then exits without joining them.
    """

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self.settings = settings
        self.bus = bus
        self.stopping = asyncio.Event()
        self.abandon_threads = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None
        bus.admission.supervise = self.supervise

    def supervise(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``work`` until it ends or the process does."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.add(task)
        return task

    def guard(
        self,
        allowed_bytes: int,
        accounted: Callable[[], int] = lambda: 0,
        settling: Callable[[], bool] = lambda: False,
        working: Callable[[], bool] = lambda: False,
    ) -> None:
        """Watch what peers make this process hold; see :class:`shared.process.guard.Guard`."""
        guard = Guard(self.bus, allowed_bytes=allowed_bytes, accounted=accounted, settling=settling, working=working)
        self.supervise(guard.run(), "guard")

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, REFUSALS):  # those are told at the end, in one sentence
            log.error("the task '%s' failed; the process stops", task.get_name(), exc_info=error)
        self._failure = self._failure or error
        self.stopping.set()

    async def finish(self) -> None:
        """Cancel what still runs, close the bus, and raise what made the process stop, if anything did."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.bus.close()
        if self._failure is not None:
            raise self._failure


def open_bus(settings: Settings, *, linger_ms: int = 1000) -> Bus:
    """This process's end of the bus that the settings name."""
    return Bus(
        settings.bus_address,
        budget_bytes=settings.bus_budget_bytes,
        keys=load_keys(settings.curve_keys) if settings.curve_keys is not None else None,
        linger_ms=linger_ms,
    )


@asynccontextmanager
async def calling(settings: Settings, kind: type[PeerT]) -> AsyncIterator[PeerT]:
    """A client of one process, for one that has no bus of its own; whether anybody answers shows with the first
    request."""
    bus = open_bus(settings, linger_ms=0)
    client = kind(bus)
    try:
        yield client
    finally:
        await client.close()
        bus.close()


def run(name: str, main: Callable[[Runtime], Awaitable[None]]) -> NoReturn:
    """Run a service until SIGINT or SIGTERM, and exit: 0 after a stop that was asked for, 1 after a failure, 2 when
    it could not start."""
    abandon = False
    memory.keep_one_pool()
    try:
        settings = load_settings()
        take_umask(settings)
        set_up_logging(name, settings.log_level)
        warn_of_root()
        raise_limit()
        abandon = _run(settings, main)
        code = 0
    except (*REFUSALS, NotInstalled, Refused) as error:
        code = _refuse(name, str(error))
    except zmq.ZMQError as error:
        code = _refuse(name, f"the bus refused: {error}; is another Parafovea running there?")
    except Exception:
        log.exception("%s failed", name)
        code = 1
    finish_logging()
    if abandon or _threads_still_run():
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _run(settings: Settings, main: Callable[[Runtime], Awaitable[None]]) -> bool:
    """Live until told to stop; whether the service wants its threads left behind."""
    threads = ThreadPoolExecutor(THREADS, "thread")
    # ZeroMQ's sockets are watched by file descriptor, which Windows' default proactor loop cannot do.
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    try:
        return runner.run(_life(settings, main, threads)).abandon_threads
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        if not _threads_still_run():  # closing the loop would wait for one that is stuck on a disk
            runner.close()


def _threads_still_run() -> bool:
    """Whether a thread of this process runs on, that its end would wait for."""
    deadline = time.monotonic() + LAST_THREADS_S
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                return True
    return False


async def _life(settings: Settings, main: Callable[[Runtime], Awaitable[None]], threads: ThreadPoolExecutor) -> Runtime:
    asyncio.get_running_loop().set_default_executor(threads)
    runtime = Runtime(settings, open_bus(settings))
    _stop_on_signals(runtime.stopping)
    try:
        await main(runtime)
    finally:
        await runtime.finish()
    return runtime


def _stop_on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
        else:
            loop.add_signal_handler(number, stopping.set)


def _refuse(name: str, reason: str) -> int:
    print(f"{name} does not start: {reason}", file=sys.stderr)
    return EXIT_REFUSED
