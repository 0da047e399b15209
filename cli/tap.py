"""``parafovea tap``: what passes on the bus, one line a message."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.text import Text

from cli.describe import describe
from cli.output import printable, reader_may_leave
from shared.channels import CHANNELS
from shared.runner import open_bus
from shared.settings import Settings, load_settings
from shared.sockets import Subscriber
from shared.wire import Published

TOPICS = {name: channel.name for channel in CHANNELS if channel.pattern == "publish" for name in channel.types}
"""The channel of each message type that is published."""


def tap(
    topic: Annotated[str | None, typer.Argument(help=f"Only this type: {', '.join(TOPICS)}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each header as one JSON object.")] = False,
) -> None:
    """Print what passes on the bus, one line a message, until Ctrl-C."""
    if topic is not None and (topic := topic.rstrip("|")) not in TOPICS:
        raise typer.BadParameter(f"{topic!r} is no type of message; the types are {', '.join(TOPICS)}")
    settings = load_settings()
    # SelectorEventLoop: ZeroMQ's sockets are file descriptors, which Windows' default loop cannot watch.
    with (
        reader_may_leave(),
        suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner,
    ):
        runner.run(_tap(settings, topic, as_json))


async def _tap(settings: Settings, topic: str | None, as_json: bool) -> None:
    bus = open_bus(settings, linger_ms=0)
    stopping = asyncio.Event()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if sys.stderr.isatty():
        typer.echo(f"reading {settings.bus}; Ctrl-C ends", err=True)
    channels = [TOPICS[topic]] if topic else list(dict.fromkeys(TOPICS.values()))
    show = _show_json if as_json else _show_on_terminal if sys.stdout.isatty() else _show_plain
    readers = [
        asyncio.create_task(_read(Subscriber(bus, channel, [topic] if topic else []), show)) for channel in channels
    ]
    stop = asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait([stop, *readers], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in (stop, *readers):
            task.cancel()
        await asyncio.gather(stop, *readers, return_exceptions=True)
        bus.close()


async def _read(subscriber: Subscriber, show: Callable[[Published], None]) -> None:
    async for message in subscriber:
        show(message)
        sys.stdout.flush()


def _show_json(message: Published) -> None:
    header = {**message.header, "payload_bytes": len(message.payload)}
    sys.stdout.write(orjson.dumps(header).decode() + "\n")


def _show_plain(message: Published) -> None:
    sys.stdout.write(f"{_clock(message)}  {printable(message.type):<15} {describe(message)}\n")


_console = Console(highlight=False, markup=False, soft_wrap=True)


def _show_on_terminal(message: Published) -> None:
    line = Text(_clock(message), style="dim")
    line.append(f"  {printable(message.type):<15} ", style=f"bold {_COLOURS.get(message.type, 'white')}")
    line.append(describe(message), style="default")
    line.truncate(_console.width, overflow="ellipsis")
    _console.print(line)


_COLOURS = {"frame": "green", "frame.recorded": "cyan", "replay.frame": "magenta", "status": "blue"}


def _clock(message: Published) -> str:
    try:
        return datetime.fromtimestamp(message.header["time"]).strftime("%H:%M:%S.%f")[:-3]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return "--:--:--.---"
