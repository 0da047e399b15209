"""Which life of a process is there: by its connection, and by its heartbeat, which comes every second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SILENCE_S = 5.0
"""After so long without a heartbeat a process counts as gone."""
LOOK_S = 0.2
"""How often it is looked whether the process is there: no message tells that it went."""


class Life:
    """Notices that a process went, and that one came.

    Args:
        is_connected: whether somebody is at the other end.
        on_change: given whether the process is there, as that changes. A new life that takes an old one's place is
            told as one that went and one that came.
    """

    def __init__(self, is_connected: Callable[[], bool], on_change: Callable[[bool], None]) -> None:
        self._is_connected = is_connected
        self._on_change = on_change
        self._was_connected = False
        self._epoch: str | None = None
        self._heard_at = float("-inf")
        self._told: str | None = None
        """Epoch of the one that is there, as it was told; None: none is."""

    @property
    def is_there(self) -> bool:
        """Whether it is connected, and has sent a heartbeat lately."""
        return self._is_connected() and time.monotonic() - self._heard_at < SILENCE_S

    def beat(self, epoch: str) -> None:
        """Note a heartbeat, of the life that ``epoch`` names."""
        self._epoch, self._heard_at = epoch, time.monotonic()
        self.look()

    def look(self) -> None:
        """Notice what has changed."""
        is_connected = self._is_connected()
        if self._was_connected and not is_connected:
            self._heard_at = float("-inf")  # what comes back has to say anew who it is
        self._was_connected = is_connected
        life = self._epoch if self.is_there else None
        if life == self._told:
            return
        if self._told is not None and life is not None:
            self._on_change(False)
        self._told = life
        self._on_change(life is not None)


async def watch(*lives: Life) -> None:
    """Notice what changes, until cancelled."""
    while True:
        for life in lives:
            life.look()
        await asyncio.sleep(LOOK_S)
