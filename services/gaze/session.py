"""Which session is active, as the recorder says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from shared.bus.clients import RecorderClient
from shared.bus.envelope import Published
from shared.bus.messages import SessionStarted, SessionStopped
from shared.bus.requests import recorder
from shared.bus.sockets import Bus
from shared.bus.subscriber import Subscriber
from shared.errors import ParafoveaError
from shared.frame import SessionStamp
from shared.system.waiting import wait_at_most

POLL_S = 3.0
ANSWER_S = 2.0


class ActiveSession:
    """Follows the recorder.

    Args:
        on_change: called when another session is active, or none is any more.

    Attributes:
        active: the session; None where there is none, or the recorder has not answered yet.
    """

    def __init__(self, bus: Bus, on_change: Callable[[], None]) -> None:
        self._client = RecorderClient(bus)
        self._subscriber = Subscriber(bus, "recordings", [SessionStarted.type, SessionStopped.type])
        self._on_change = on_change
        self._wake = asyncio.Event()
        self._asking = asyncio.Lock()
        self._epoch: str | None = None
        self.active: SessionStamp | None = None

    async def refresh(self) -> SessionStamp | None:
        """Ask which session is active. Raises ParafoveaError: the recorder does not answer."""
        async with self._asking:
            status = await self._client.ask(recorder.STATUS, recorder.StatusRequest(), timeout_s=ANSWER_S)
            is_new, self._epoch = status.epoch != self._epoch, status.epoch
            # One that was started anew is told by the API which session goes on, and until then knows of none.
            believed = self.active.session_id if self.active else None
            goes_on = is_new and status.active is None and believed is not None and status.stopped != believed
            if status.active != self.active and not goes_on:
                self.active = status.active
                self._on_change()
            return self.active

    async def listen(self) -> None:
        """Hear of sessions that begin and end, until cancelled."""
        await self._subscriber.hand_to(self._take)

    async def follow(self) -> None:
        """Keep up with the recorder until cancelled."""
        while True:
            self._wake.clear()
            with suppress(ParafoveaError):  # the session goes on meanwhile, and what is to be recorded is held
                await self.refresh()
            await wait_at_most(self._wake, POLL_S)

    async def close(self) -> None:
        await self._client.close()

    def _take(self, message: Published) -> None:
        self._wake.set()  # it may be older than what is known by now, so the recorder is asked
