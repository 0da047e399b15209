"""Memory goes back to the system once a process has come to rest.

Rings of objects that an interrupted connection leaves wait for the collector, which comes only after many more objects
were made; and of what the C library holds it gives back the top alone by itself. After a storm both can be a multiple
of what the process needs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.system import malloc

MIB = 1024 * 1024

LOOK_S = 0.5
GROWN_BYTES = 8 * MIB
"""Growth that is worth a look at what can be given back, once it is over; and what counts as a change meanwhile."""
CALM_LOOKS = 10
"""It is tried after so many looks without much change; then, until it grows again, after twice as many, and so on."""
RESTLESS_LOOKS = 40
"""Where the work itself makes memory rise and fall all the time, it is tried after so many."""


def resident_bytes() -> int | None:
    """Memory of this process's own that is in RAM, without what it has mapped of files; None where the system does not
    say (all but Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    _, resident, shared, *_ = Path("/proc/self/statm").read_bytes().split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


class Calm:
    """Notices that a process has grown and come to rest, and gives back then what it can.

    ``change_bytes`` count as a change from one look to the next; ``looks``: how often in a row there was none.
    """

    def __init__(self, change_bytes: int = GROWN_BYTES) -> None:
        self._change_bytes = change_bytes
        self._lowest: int | None = None
        self._left: int | None = None
        self._last = 0
        self._pause = CALM_LOOKS
        self._since_tried = 0
        self.looks = 0
        self._trimmer = ThreadPoolExecutor(1, "trim")  # the process's other threads may be stuck on a disk

    async def run(self) -> None:
        """Look until cancelled, in a process that has nothing else to watch. What it holds by now it keeps."""
        settle()
        try:
            while (used := resident_bytes()) is not None:
                await self.look(used)
                await asyncio.sleep(LOOK_S)
        finally:
            self.close()

    async def look(self, used: int) -> None:
        """Take note of the memory in use, in bytes; it may be given back then."""
        self._lowest = used if self._lowest is None else min(self._lowest, used)
        self._left = used if self._left is None else min(self._left, used)
        self._since_tried += 1
        self.looks = 0 if abs(used - self._last) > self._change_bytes else self.looks + 1
        self._last = used
        if not self.looks or used > self._left + GROWN_BYTES:
            self._pause = CALM_LOOKS
        is_calm = self.looks >= CALM_LOOKS and self._since_tried >= self._pause
        is_restless = self.looks < CALM_LOOKS and self._since_tried >= RESTLESS_LOOKS
        if (is_calm or is_restless) and used > self._lowest + GROWN_BYTES:
            self._since_tried, self._left, self._pause = 0, None, 2 * self._pause
            gc.collect()
            await self.trim()

    def forget(self) -> None:
        """What has been in use so far says nothing of what is needed."""
        self._lowest = None

    async def trim(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._trimmer, malloc.trim)

    def close(self) -> None:
        self._trimmer.shutdown(wait=False)


def settle() -> None:
    """What has been loaded stays: to look through it again and again would take tenths of a second where that is a
    large model."""
    gc.collect()
    gc.freeze()
