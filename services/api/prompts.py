"""What to add in each sector when a request has no prompt: ``sector_prompts.json``, cycled through."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest
from shared.prompts import MAX_FILE_BYTES, Cycle, Draw, InvalidPrompts, parse

log = logging.getLogger(__name__)


class SectorPrompts:
    """The file, read again whenever it changes. One that cannot be used leaves the last good one in use.

    Attributes:
        problem: why the file as it now is cannot be used, or None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._cycle = Cycle()
        self._version: tuple[int, int, int] | str | None = "unread"
        self.refresh()

    def take(self, sector: str) -> Draw:
        """The next prompt for a sector.

        Raises:
            InvalidRequest: the file has none for it.
        """
        self.refresh()
        draw = self._cycle.take(sector)
        if draw is None:
            reason = self.problem or f"{self.path.name} has no prompt for {sector}"
            raise InvalidRequest(
                f"prompt: none is given, and {reason}", fields={"prompt": f"none is given, and {reason}"}
            )
        return draw

    def give_back(self, draw: Draw) -> None:
        """Undo a draw that nothing came of."""
        self._cycle.give_back(draw)

    def reset(self) -> None:
        """Read the file again, and begin each list anew."""
        self._version = "unread"
        self.refresh()
        self._cycle.reset()

    def to_json(self) -> dict[str, Any]:
        """The lists in use, where each sector is in its own, and what is wrong with the file, if anything is."""
        self.refresh()
        return {**self._cycle.lists.to_json(), "next": self._cycle.positions(), "error": self.problem}

    def refresh(self) -> None:
        """Read the file if it is another one than last time."""
        try:
            status = self.path.stat()
            version: tuple[int, int, int] | None = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            version = None
        if version == self._version:
            return
        self._version = version
        try:
            with self.path.open("rb") as file:
                lists = parse(file.read(MAX_FILE_BYTES + 1))
        except OSError as error:
            self._complain(f"{self.path} cannot be read: {error.strerror}")
        except InvalidPrompts as error:
            self._complain(f"{self.path} cannot be used: {error}")
        else:
            self.problem = None
            self._cycle.replace(lists)

    def _complain(self, problem: str) -> None:
        self.problem = problem
        log.warning("%s; the last good prompts stay in use", problem)
