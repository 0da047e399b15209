"""Logging that holds nobody up and fills no disk.

One line an event on standard error: honcho, journald and a shell all take it from there. A thread writes, so a pipe
that nobody empties (a terminal stopped with Ctrl-S) does not stop an event loop. What is said again and again is said
so many times, and then now and then with the number of those left out.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import sys
import threading
import time
from collections import OrderedDict
from logging.handlers import QueueHandler
from typing import TextIO

WAITING_LINES = 10_000
"""Lines that wait for a slow standard error; beyond it new ones are left out, and counted."""
FLUSH_S = 1.0
BLOCKED_S = 0.05

BURST = 50
"""So many lines of one kind are written at once, a traceback counting as :data:`TRACEBACK_COST`; then one in
:data:`REFILL_S`."""
TRACEBACK_COST = 5
REFILL_S = 5.0
KINDS = 500


class Sparing(logging.Filter):
    """Lets each kind of line pass only so often. A kind is a logger, a level and the beginning of the message as it
    stands in the source, before its values are put in. Lines for debugging all pass."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: OrderedDict[tuple[str, int, str], list[float]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; one that is, and has others left out before it, says how many."""
        if record.levelno < logging.INFO:
            return True
        now = time.monotonic()
        kind = (record.name, record.levelno, str(record.msg).partition("\n")[0][:80])
        tokens, filled_at, left_out = self._kinds.pop(kind, [float(BURST), now, 0.0])
        tokens = min(float(BURST), tokens + (now - filled_at) / REFILL_S)
        cost = TRACEBACK_COST if record.exc_info else 1
        passes = tokens >= cost
        self._kinds[kind] = [tokens - cost if passes else tokens, now, 0.0 if passes else left_out + 1]
        while len(self._kinds) > KINDS:
            self._kinds.popitem(last=False)
        if passes and left_out:
            record.msg = f"{record.msg} ({left_out:.0f} lines like this were left out before it)"
        return passes


class LineQueue(QueueHandler):
    """Hands lines to a thread that writes them to a stream: past the stream's own buffer and its lock, on which the
    interpreter's end would wait for ever."""

    def __init__(self, stream: TextIO, formatter: logging.Formatter) -> None:
        self._lines: queue.Queue[logging.LogRecord | None] = queue.Queue(WAITING_LINES)
        super().__init__(self._lines)
        self._stream = stream
        self._line = formatter
        self._left_out = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Never waits: what has no room is left out."""
        try:
            self._lines.put_nowait(record)
        except queue.Full:
            self._left_out += 1

    def finish(self) -> None:
        """Write what waits, unless the stream takes nothing."""
        try:
            self._lines.put(None, timeout=FLUSH_S)
        except queue.Full:
            return
        self._thread.join(FLUSH_S)

    def _write(self) -> None:
        while (record := self._lines.get()) is not None:
            self._put(record)
            if self._left_out:
                left_out, self._left_out = self._left_out, 0
                told = {"msg": f"{left_out} lines were left out: nobody read them in time", "levelname": "WARNING"}
                self._put(logging.makeLogRecord(told))

    def _put(self, record: logging.LogRecord) -> None:
        rest = f"{self._line.format(record)}\n".encode(self._stream.encoding or "utf-8", "backslashreplace")
        while rest:
            try:
                rest = rest[os.write(self._stream.fileno(), rest) :]
            except BlockingIOError:  # a pipe that somebody else made so
                time.sleep(BLOCKED_S)
            except (OSError, ValueError):
                return  # closed: nobody is there to be told


def set_up_logging(name: str, level: str) -> None:
    """Log to standard error from now on, each line with the name of the process."""
    formatter = logging.Formatter(f"%(asctime)s {name:<9} %(levelname)-7s %(message)s")
    handler = LineQueue(sys.stderr, formatter)
    handler.setFormatter(logging.Formatter("%(message)s"))  # the rest of the line is the thread's
    handler.addFilter(Sparing())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    atexit.register(handler.finish)


def finish_logging() -> None:
    """Have everything written that was said, before an exit that runs no more of Python."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineQueue):
            handler.finish()
