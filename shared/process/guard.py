"""Watches a process that binds channels: its memory, and how many have connected.

Some of what a peer makes libzmq keep no mark bounds: the frames of a message whose last one never comes, subscriptions
by the million, connections. It shows in the memory of the process alone. So when that has grown beyond what the process
accounts for, the connections that may be the cause are cut, which frees all that was kept for them. An honest peer
connects again within a moment.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

from shared.bus.sockets import Bus
from shared.system.descriptors import Connection, connections, limit_now
from shared.system.memory import LOOK_S, MIB, Calm, resident_bytes, settle
from shared.system.rarely import Rarely

log = logging.getLogger(__name__)

SOON_S = 0.05
"""How often it looks while memory grows fast."""
ALLOWED_BYTES = 128 * MIB
"""Growth beyond what is accounted for, from which on peers are suspected."""
MOST_ALLOWED_BYTES = 8 * 1024 * MIB
LEARNED_S = 600.0
"""So long is remembered that this process itself grew by more than what is usually allowed."""
MOST_CONNECTIONS = 1024
"""Of a process; fewer where it may have few descriptors, so that three quarters are left for files."""
LOOKS_AFTER_CUT = 40
AGAIN_S = 60.0
"""When memory grows once more within this time after a cut that did not help, nobody is spared."""


class Guard:
    """Cuts off peers that make this process grow.

    Peers with requests under way come last: what is cut then is answered to nobody. Where cutting does not help the
    growth is our own: it is put up with from then on, and twice as much is allowed before the next suspicion.

    Args:
        bus: this process's end of the bus; its bound channels are watched.
        allowed_bytes: see :data:`ALLOWED_BYTES`; more where the process's own work needs more.
        accounted: bytes that the process knows it holds beside requests and answers, and bounds itself.
        settling: true while the process is still loading, and its growth means nothing.
        working: true while its own work may need memory: growth in the meantime is its own up to
            :data:`MOST_ALLOWED_BYTES`, and nobody is cut for it.
        resident: memory in use now, in bytes.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        allowed_bytes: int = ALLOWED_BYTES,
        accounted: Callable[[], int] = lambda: 0,
        settling: Callable[[], bool] = lambda: False,
        working: Callable[[], bool] = lambda: False,
        resident: Callable[[], int | None] = resident_bytes,
    ) -> None:
        self._bus = bus
        self._allowed_bytes = allowed_bytes
        self._accounted = accounted
        self._settling = settling
        self._working = working
        self._learned_s = float("-inf")
        self._resident = resident
        self._most_connections = min(MOST_CONNECTIONS, limit_now() // 4)
        self._peers: list[Connection] = []
        self._in_vain_s = float("-inf")
        self._calm = Calm(allowed_bytes // 16)
        self._crowded = Rarely(log)
        self._grown = Rarely(log)

    async def run(self) -> None:
        try:
            await self._watch()
        finally:
            self._calm.close()

    async def _watch(self) -> None:
        lowest = floor = self._used()
        usually_allowed = self._allowed_bytes
        is_settled = False
        while True:
            await asyncio.sleep(LOOK_S if self._calm.looks else SOON_S)
            self._see_peers()
            used = self._used()
            if self._settling():
                lowest = floor = used
                self._calm.forget()
            elif not is_settled:
                is_settled = True
                settle()
            lowest, floor = min(lowest, used), min(floor, used)
            if used - lowest <= usually_allowed and time.monotonic() - self._learned_s > LEARNED_S:
                self._allowed_bytes = usually_allowed
            if used - floor > self._allowed_bytes:
                if self._working() and self._allowed_bytes < MOST_ALLOWED_BYTES:
                    self._allow_more()
                else:
                    floor, used = await self._relieve(floor), self._used()
            await self._calm.look(used)

    def _used(self) -> int:
        """Bytes in use that nobody accounts for."""
        resident = self._resident()
        if resident is None:
            return 0
        return resident - self._accounted() - sum(server.held_bytes() for server in self._bus.answering)

    def _busy(self) -> set[int]:
        return {descriptor for server in self._bus.answering for descriptor in server.busy_descriptors()}

    # -- memory -------------------------------------------------------------------------------------------------------

    async def _relieve(self, floor: int) -> int:
        """Find out whose growth it is, and end it: the floor that holds from now on."""
        await self._calm.trim()
        grown = self._used() - floor
        if grown <= self._allowed_bytes:
            return floor
        seen = len(self._peers)
        if await self._falls(floor + grown // 2, self._idle):
            self._tell(grown, floor, f"{seen} connections without a request under way")
            return floor
        for number, peer in enumerate(self._rest(), start=1):
            if await self._falls(floor + grown // 2, lambda one=peer: [*self._idle(), one]):  # type: ignore[misc]
                self._tell(grown, floor, f"{number} connections with requests under way")
                return floor
        used = self._used()
        self._in_vain_s = time.monotonic()
        self._allow_more()
        log.info("this process has grown by %d MiB, and not by its peers", (used - floor) // MIB)
        return used

    def _allow_more(self) -> None:
        self._allowed_bytes = min(2 * self._allowed_bytes, MOST_ALLOWED_BYTES)
        self._learned_s = time.monotonic()

    async def _falls(self, target: int, suspects: Callable[[], list[Connection]]) -> bool:
        """Cut off the suspects, and again as they come back; whether that brings the memory below the target."""
        for _ in range(LOOKS_AFTER_CUT):
            for peer in suspects():
                self._bus.cut(peer)
            await asyncio.sleep(SOON_S)
            await self._calm.trim()
            if self._used() < target:
                return True
        return False

    def _idle(self) -> list[Connection]:
        self._see_peers()
        busy = self._busy()
        return [peer for peer in self._peers if peer.descriptor not in busy]

    def _rest(self) -> list[Connection]:
        """Those with requests under way, the newest first. The oldest, most likely our own API, is spared once."""
        busy = self._busy()
        rest = [peer for peer in self._peers if peer.descriptor in busy]
        return rest[::-1] if time.monotonic() - self._in_vain_s < AGAIN_S else rest[:0:-1]

    def _tell(self, grown: int, floor: int, who: str) -> None:
        self._grown.warn(
            "peers had made this process grow by %d MiB: %s were cut, and %d MiB are back; honest ones connect again",
            *(grown // MIB, who, (grown + floor - self._used()) // MIB),
        )

    # -- connections --------------------------------------------------------------------------------------------------

    def _see_peers(self) -> None:
        """Learn who is connected, in the order of their coming, and keep them few. The older half stays; of the others
        anybody may be cut, or who holds all places could keep a process that was restarted out for ever."""
        now = connections(self._bus.places)
        present = set(now)
        known = [peer for peer in self._peers if peer in present]
        self._peers = known + [peer for peer in now if peer not in set(known)]
        if len(self._peers) > self._most_connections:
            busy = self._busy()
            younger = [peer for peer in self._peers[self._most_connections // 2 :] if peer.descriptor not in busy]
            excess = len(self._peers) - self._most_connections
            beyond = random.sample(younger, min(excess, len(younger)))
            for peer in beyond:
                self._bus.cut(peer)
            self._crowded.warn(
                "%d have connected, and %d may: %d of the younger half, without a request under way, were cut",
                *(len(self._peers), self._most_connections, len(beyond)),
            )
