"""A disk inside the test's own process: it counts, and fails or 'dies' at a step that the test names.

Nothing is synced, so thousands of writes take no time; the order of the steps is kept for tests that ask about it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from shared.system.disk import Buffer, Disk

STEPS = (
    *("mkdir", "create", "open", "write", "pwrite", "truncate", "fsync", "close", "rename", "fsync_dir", "unlink"),
    *("rmdir", "chmod", "free_bytes"),
)
"""The methods of a disk that touch the system, each a step that can fail."""

Kind = Literal["error", "short", "die", "die-after", "torn"]


class Died(BaseException):
    """The process 'died': nothing after it reached the disk. No code of ours may catch it."""


@dataclass(frozen=True)
class Fault:
    """What happens at a step, counted from 0 from the moment it is armed.

    ``short``: a write takes half. ``torn``: a write takes half, then the process dies. ``lasting``: each later step
    fails the same way (a full disk), until it is cleared.
    """

    at: int
    kind: Kind
    number: int = errno.ENOSPC
    lasting: bool = False


class ScriptedDisk(Disk):
    """See the module. ``log`` has each step with the name of its file; ``written_bytes`` counts what writes took, and
    ``refused`` the steps that failed with an error."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.written_bytes = 0
        self.refused = 0
        self.fault: Fault | None = None
        self.dead = False
        self._count = 0
        self._names: dict[int, str] = {}
        for step in STEPS:
            setattr(self, step, partial(self._step, step, self._quick(step)))

    def arm(self, fault: Fault | None) -> None:
        """Put a fault in force, in place of any other."""
        self.fault, self._count = fault, 0

    def steps(self) -> list[str]:
        """The steps so far, without their files."""
        return [step for step, _ in self.log]

    def _quick(self, step: str) -> Callable[..., Any]:
        if step in ("fsync", "fsync_dir"):
            return lambda *_: None
        real: Callable[..., Any] = getattr(super(), step)
        return real

    def _step(self, step: str, real: Callable[..., Any], *arguments: Any) -> Any:
        first = arguments[0]
        name = self._names.get(first, "?") if isinstance(first, int) else Path(first).name
        if step == "close":
            real = partial(self._really_close, first)
            arguments = ()
        if self.dead:
            if step == "close":
                real()
            raise Died
        fault = self._due()
        if fault is not None:
            arguments = self._meet(fault, step, real, arguments)
        self.log.append((step, name))
        result = real(*arguments)
        if step in ("create", "open"):
            self._names[result] = name
        if step in ("write", "pwrite"):
            self.written_bytes += result
        if fault is not None and (fault.kind == "die-after" or (fault.kind == "torn" and step in ("write", "pwrite"))):
            self.dead = True
            if step in ("create", "open"):
                os.close(result)
            raise Died
        return result

    def _due(self) -> Fault | None:
        if self.fault is None:
            return None
        count, self._count = self._count, self._count + 1
        hit = count == self.fault.at or (self.fault.lasting and count > self.fault.at)
        return self.fault if hit else None

    def _meet(self, fault: Fault, step: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        if fault.kind == "error" or (fault.kind == "short" and step not in ("write", "pwrite")):
            if step == "close":
                real()
            self.refused += 1
            raise OSError(fault.number, os.strerror(fault.number))
        if fault.kind == "die" or (fault.kind == "torn" and step not in ("write", "pwrite")):
            self.dead = True
            if step == "close":
                real()
            raise Died
        if fault.kind in ("short", "torn"):
            return (arguments[0], _half(arguments[1]), *arguments[2:])
        return arguments

    def _really_close(self, fd: int) -> None:
        self._names.pop(fd, None)
        os.close(fd)


def _half(data: Buffer) -> memoryview:
    view = memoryview(data).cast("B")
    return view[: max(1, len(view) // 2)]
