"""Child processes, for work that is too heavy for this one: their libraries and their memory end with them.

Plain ``subprocess`` and threads: asyncio's own processes need an event loop that ZeroMQ can't use on Windows.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar

from shared.errors import InternalError, from_code
from shared.json_loads import loads
from shared.process.settings import Settings

T = TypeVar("T")

STOP_S = 1.5
_ERROR_BYTES = 4000


class Child:
    """One run of a module, that speaks JSON, a line each.

    Args:
        arguments: the module, and what it is given.
        settings: of this process; where the sessions and the bus are is told by them, whatever the environment says.
        takes_input: whether :meth:`write` is going to be used.
        logs: its standard error is this process's; else it tells why it failed.
        folder: it runs in; by default that of this process.
    """

    def __init__(
        self,
        *arguments: str,
        settings: Settings | None = None,
        takes_input: bool = False,
        logs: bool = False,
        folder: Path | None = None,
    ) -> None:
        told = {}
        if settings is not None:
            told = {"PARAFOVEA_SESSIONS_DIR": str(settings.sessions_dir), "PARAFOVEA_BUS": settings.bus}
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if logs else subprocess.PIPE,
            env={**os.environ, **told},
            cwd=folder,
        )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def write(self, data: bytes) -> bool:
        """Hand it more input; False once it reads no more, for it has its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def ask(self, line: bytes) -> Any:
        """Its answer to a line of input; None where it has ended."""
        return self._next() if self.write(line) else None

    def line(self) -> Any:
        """What it prints next; None at the end of a run that went well.

        Raises:
            ParafoveaError: it printed this error.
            InternalError: it failed without.
        """
        told = self._next()
        if isinstance(told, dict) and "detail" in told:
            raise from_code(told["error"], told["detail"], told.get("fields"))
        if told is None:
            errors = self._process.stderr.read() if self._process.stderr else b""
            if self._process.wait() != 0:
                last = errors[-_ERROR_BYTES:].decode(errors="replace").strip().splitlines()
                raise InternalError(f"the command failed: {last[-1] if last else 'without a word'}")
        return told

    def result(self) -> Any:
        """End its input, and wait: the one line that it prints.

        Raises:
            ParafoveaError, InternalError: as :meth:`line` does.
        """
        _close(self._process.stdin)
        told = self.line()
        self.line()
        return told

    def stop(self) -> None:
        """End it, in whatever state it is. What it had begun to write it removes."""
        _close(self._process.stdin)  # an import whose archive ends here gives up by itself
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        _close(self._process.stdout)
        _close(self._process.stderr)

    def _next(self) -> Any:
        assert self._process.stdout is not None
        try:
            line = self._process.stdout.readline()
        except (OSError, ValueError):  # it was stopped in this moment
            return None
        return loads(line) if line else None


class Pool:
    """Child processes of one kind, one at a time, each spoken to in a thread of the pool's."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work in the pool's thread, behind what waits for it already."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def child(self, start: Callable[[], Child]) -> Child:
        """The process that runs, or a new one.

        Raises:
            InternalError: the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise InternalError("The server is stopping.")
            if self._child is None or not self._child.is_running:
                self._stop()
                self._child = start()
            return self._child

    def stop(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._stop()

    def close(self) -> None:
        """End it, and start no other."""
        self._closed = True
        self.stop()
        self._thread.shutdown(cancel_futures=True)

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.stop()


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        return  # what was still to be written has nobody to read it
