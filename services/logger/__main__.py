"""``python -m services.logger``: the header of every message on the bus as a line of JSON on standard output.

It owns nothing and nobody waits for it: it may start first or last, and goes on when a publisher is restarted.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from shared.bus.channels import CHANNELS
from shared.bus.envelope import Published
from shared.bus.subscriber import Subscriber
from shared.process.runner import Runtime, run
from shared.system.line_writer import LineWriter
from shared.texts import json_line

log = logging.getLogger(__name__)


def line(channel: str, message: Published) -> str:
    """One line of JSON: where it passed, how long its payload was, and its header."""
    shown = {"channel": channel, "payload_bytes": len(message.payload), **message.header}
    return json_line(shown, sys.stdout.encoding)


async def main(runtime: Runtime) -> None:
    """Print until stopped, or until nobody reads the output any more."""
    writer = LineWriter()
    publishing = [channel.name for channel in CHANNELS if channel.pattern == "publish"]
    # Connected one by one here, so that none is missed between this line and the first turn of its task.
    for name in publishing:
        subscriber = Subscriber(runtime.bus, name)
        runtime.supervise(_print(name, subscriber, writer), f"messages of {name}")
    runtime.supervise(_stop_unread(writer, runtime.stopping), "end of the output")
    log.info("reads the bus at %s", runtime.settings.bus_address)
    await runtime.stopping.wait()
    await writer.close()


async def _print(channel: str, subscriber: Subscriber, writer: LineWriter) -> None:
    async for message in subscriber:
        try:
            await writer.write(line(channel, message))
        except OSError as error:
            log.info("the output takes nothing more: %s", error)
            return


async def _stop_unread(writer: LineWriter, stopping: asyncio.Event) -> None:
    await writer.wait_over()
    stopping.set()


if __name__ == "__main__":
    run("logger", main)
