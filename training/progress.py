"""Telling where the training is: one line that moves on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time


def say(text: str) -> None:
    """A line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Bar:
    """A progress bar by time: training stages here have a length in minutes, not steps."""

    def __init__(self, name: str, every_s: float = 20.0) -> None:
        self.name, self.every_s = name, every_s
        self._next = 0.0
        self._terminal = sys.stderr.isatty()

    def show(self, share: float, text: str) -> None:
        """Show ``share`` (0 to 1) of the stage and a few figures; at most every ``every_s`` seconds in a log."""
        now = time.monotonic()
        if now < self._next and share < 1:
            return
        self._next = now + (0.5 if self._terminal else self.every_s)
        full = int(30 * min(share, 1))
        line = f"{self.name} [{'#' * full}{'.' * (30 - full)}] {share:4.0%} {text}"
        if self._terminal:
            print("\r" + line.ljust(110), end="", file=sys.stderr, flush=True)
        else:
            say(line)
