"""The recorder's secret, by which the generator knows its acknowledgements, and how that gets there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from shared.bus import acknowledging
from shared.bus.requests.generator import Acknowledge
from shared.bus.sockets import Bus
from shared.frame import FrameRef
from shared.system.disk import Disk
from shared.system.rarely import Rarely
from shared.system.worker import Worker

log = logging.getLogger(__name__)


class Proving:
    """A secret of this life's own; with CURVE keys the one that is derived from them."""

    def __init__(self, disk: Disk, thread: Worker, bus: Bus, sessions: Path) -> None:
        derived = acknowledging.derived_secret(bus)
        self._is_derived = derived is not None
        self._secret = derived or acknowledging.draw_secret()
        self._path = acknowledging.secret_path(bus, sessions)
        self._disk = disk
        self._thread = thread
        self._unshared = Rarely(log)

    def acknowledge(self, frames: Sequence[FrameRef]) -> Acknowledge:
        """The request, with its proof."""
        return Acknowledge(frames=tuple(frames), proof=acknowledging.prove(self._secret, frames))

    async def withdraw(self) -> None:
        """Remove the secret: this life acknowledges nothing more, and the next one draws another."""
        if not self._is_derived:
            await self._thread.run(acknowledging.withdraw, self._disk, self._path, self._secret)

    async def share_secret(self) -> bool:
        """Leave the secret where the generator looks for it; whether it is there.

        To be called again whenever the generator does not know it: the file may be gone, and its folder with it.
        """
        if self._is_derived:
            return True
        try:
            await self._thread.run(acknowledging.write, self._disk, self._path, self._secret)
        except OSError as error:
            self._unshared.warn(
                "the generator keeps its frames: the secret that it lets them go by cannot be written to %s (%s)",
                self._path,
                error.strerror or error,
            )
            return False
        return True
