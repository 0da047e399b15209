"""A timer that can be set again and again at little cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.gaze.clock import clock_ns

LEAST_S = 0.001


class Timer:
    """Calls ``on_due`` once a time of our clock has passed.

    A time that moves away, as it does with every sample, leaves the event loop's own timer alone: where that fires too
    early, it is set again. Some platforms' timers fire early by themselves.
    """

    def __init__(self, on_due: Callable[[], None]) -> None:
        self._on_due = on_due
        self._due_ns: int | None = None
        self._set_for_ns = 0
        self._handle: asyncio.TimerHandle | None = None

    def set(self, due_ns: int | None) -> None:
        """Be due at another time; None: never."""
        self._due_ns = due_ns
        if due_ns is not None and (self._handle is None or due_ns < self._set_for_ns):
            self._arm(due_ns)

    def cancel(self) -> None:
        self._due_ns = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, due_ns: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._set_for_ns = due_ns
        wait_s = max(LEAST_S, (due_ns - clock_ns()) / 1e9)
        self._handle = asyncio.get_running_loop().call_later(wait_s, self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self._due_ns is None:
            return
        if clock_ns() < self._due_ns:
            self._arm(self._due_ns)
            return
        self._due_ns = None
        self._on_due()
