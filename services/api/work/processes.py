"""Child processes for heavy work: their libraries and memory end with them.

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
    """A run of a module that prints lines of JSON.

    Args:
        arguments: the module and its arguments.
        settings: of this process; they override where the environment says the sessions and the bus are.
        takes_input: whether :meth:`write` will be used.
        logs: whether its standard error is this process's; else its last line is the reason of a failure.
        folder: to run in; by default that of this process.
    """

    def __init__(
        self,
        *arguments: str,
        settings: Settings | None = None,
        takes_input: bool = False,
        logs: bool = False,
        folder: Path | None = None,
    ) -> None:
        environment = dict(os.environ)
        if settings is not None:
            environment |= {"PARAFOVEA_SESSIONS_DIR": str(settings.sessions_dir), "PARAFOVEA_BUS": settings.bus}
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if logs else subprocess.PIPE,
            env=environment,
            cwd=folder,
        )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def write(self, data: bytes) -> bool:
        """Write to its input; False once it has stopped reading."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def ask(self, line: bytes) -> Any:
        """Its answer to a line of input; None if it has ended."""
        return self._next() if self.write(line) else None

    def line(self) -> Any:
        """The next line that it prints, None at the end. Raises the error that it printed, or InternalError."""
        answer = self._next()
        if isinstance(answer, dict) and "detail" in answer:
            raise from_code(answer["error"], answer["detail"], answer.get("fields"))
        if answer is None:
            errors = self._process.stderr.read() if self._process.stderr else b""
            if self._process.wait() != 0:
                last = errors[-_ERROR_BYTES:].decode(errors="replace").strip().splitlines()
                raise InternalError(f"the command failed: {last[-1] if last else 'without a word'}")
        return answer

    def result(self) -> Any:
        """End its input, and wait for the one line that it prints; raises what :meth:`line` does."""
        _close(self._process.stdin)
        answer = self.line()
        self.line()
        return answer

    def stop(self) -> None:
        """End it, in whatever state it is."""
        _close(self._process.stdin)  # an import whose archive is cut off gives up by itself
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
        except (OSError, ValueError):  # it is being stopped
            return None
        return loads(line) if line else None


class Pool:
    """Child processes of one kind, one at a time, used from a thread of the pool's own."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Run some work in the pool's thread, after what is queued."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def child(self, start: Callable[[], Child]) -> Child:
        """The running process, or a new one. Raises InternalError if the pool is closed."""
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
        return  # nobody reads what was still to be written
