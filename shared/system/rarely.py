"""What may go wrong without end is said at its 1st, 2nd, 4th, 8th, ... time: the log tells of it, and stays small."""

from __future__ import annotations

import logging


class Rarely:
    """Counts one kind of trouble, and says it ever more rarely; ``count``: how often it was met."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self.count = 0

    def warn(self, message: str, *arguments: object) -> None:
        self.count += 1
        if self.count & (self.count - 1) == 0:
            again = f" ({self.count} such so far)" if self.count > 1 else ""
            self._log.warning(f"{message}{again}", *arguments)
