"""Waiting for something, but not for ever.

``asyncio.wait_for`` is used nowhere: until Python 3.12 it swallows a cancellation that comes in the same moment as what
was waited for, and a task that was told to end goes on (https://github.com/python/cpython/issues/86296).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def wait_at_most(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for an event, or until the time is up; ``event.is_set()`` tells which."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
