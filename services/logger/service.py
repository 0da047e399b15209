"""A subscriber that prints the header of every message as one line of JSON, its payload replaced by its length.

It owns nothing and nobody waits for it: it may start first or last, and goes on when a publisher is restarted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TextIO

import orjson

from shared.channels import CHANNELS
from shared.runner import Runtime
from shared.sockets import Subscriber
from shared.wire import Published

log = logging.getLogger(__name__)


def line(channel: str, message: Published) -> str:
    """One line of JSON: where it passed, how long its payload was, and its header."""
    return orjson.dumps({"channel": channel, "payload_bytes": len(message.payload), **message.header}).decode()


async def run(runtime: Runtime, out: TextIO = sys.stdout) -> None:
    """Print until told to stop, or until nobody reads the output any more."""
    publishing = [channel.name for channel in CHANNELS if channel.pattern == "publish"]
    # Connected one by one here, so that none is missed between this line and the first turn of its task.
    for name in publishing:
        subscriber = Subscriber(runtime.bus, name)
        runtime.supervise(_print(name, subscriber, out, runtime.stopping), f"messages of {name}")
    log.info("reads the bus at %s", runtime.settings.bus)
    await runtime.stopping.wait()


async def _print(channel: str, subscriber: Subscriber, out: TextIO, stopping: asyncio.Event) -> None:
    async for message in subscriber:
        try:
            print(line(channel, message), file=out, flush=True)
        except BrokenPipeError:
            # So that the interpreter does not fail again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            stopping.set()
            return
