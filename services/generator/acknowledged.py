"""Whether an acknowledgement may be believed. The recorder's secret is read in a thread: its disk may hang."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from shared.bus import acknowledging
from shared.bus.requests.generator import Acknowledge
from shared.bus.sockets import Bus
from shared.errors import Forbidden
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

READ_S = 1.0
"""How long an acknowledgement waits for the secret to be read; one that is refused comes again."""


class Acknowledgements:
    """Checks each by the recorder's secret, which is another one after each of its starts.

    Args:
        bus: whose keys, where it has any, the secret is derived from.
        sessions: the sessions folder.
    """

    def __init__(self, bus: Bus, sessions: Path) -> None:
        self._derived = acknowledging.derived_secret(bus)
        self._path = acknowledging.secret_path(bus, sessions)
        self._secret = self._derived
        self._reading: asyncio.Task[None] | None = None
        self._refused = Rarely(log)
        self._unread = Rarely(log)

    async def check(self, wanted: Acknowledge) -> None:
        """Return where it is the recorder's.

        Raises:
            Forbidden: it is not, or the secret cannot be read now.
        """
        if self._is_proved(wanted):
            return
        if self._derived is None:
            await self._read()
            if self._is_proved(wanted):
                return
        self._refused.warn("an acknowledgement of %d frames is refused: it is not the recorder's", len(wanted.frames))
        raise Forbidden("only the recorder may acknowledge frames, and this does not prove to be from it")

    def _is_proved(self, wanted: Acknowledge) -> bool:
        return self._secret is not None and acknowledging.is_proved(self._secret, wanted.frames, wanted.proof)

    async def _read(self) -> None:
        # One reading at a time, whoever asks: a disk that hangs holds one thread, and no end of them.
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_once())
        await asyncio.wait([self._reading], timeout=READ_S)

    async def _read_once(self) -> None:
        try:
            found = await asyncio.to_thread(acknowledging.read, self._path)
        except OSError as error:
            self._unread.warn("the recorder's secret in %s cannot be read: %s", self._path, error.strerror or error)
            return
        self._secret = found or self._secret
