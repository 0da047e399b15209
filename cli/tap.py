"""``parafovea tap``: what passes on the bus, one line a message."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.output import printable, reader_may_leave, say
from shared.bus import gaze_messages, messages
from shared.bus.channels import CHANNELS
from shared.bus.envelope import Published, own_fields
from shared.bus.subscriber import Subscriber
from shared.frame import Frame
from shared.process.runner import open_bus
from shared.process.settings import Settings, load_settings
from shared.system.line_writer import LineWriter
from shared.texts import json_line

TOPICS = {name: channel.name for channel in CHANNELS if channel.pattern == "publish" for name in channel.types}
"""The channel of each message type that is published."""
PROMPT_CHARS = 60
LINE_CHARS = 2000


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
        say(f"reading {settings.bus_address}; Ctrl-C ends", err=True)
    channels = [TOPICS[topic]] if topic else list(dict.fromkeys(TOPICS.values()))
    show = _as_json if as_json else _for_terminal if sys.stdout.isatty() else _plain
    writer = LineWriter()
    readers = [
        asyncio.create_task(_read(Subscriber(bus, channel, [topic] if topic else []), show, writer))
        for channel in channels
    ]
    readers.append(asyncio.create_task(writer.wait_over()))
    stop = asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait([stop, *readers], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
        await writer.close()
    finally:
        for task in (stop, *readers):
            task.cancel()
        await asyncio.gather(stop, *readers, return_exceptions=True)
        bus.close()


async def _read(subscriber: Subscriber, show: Callable[[Published], str], writer: LineWriter) -> None:
    async for message in subscriber:
        try:
            line = show(message)
        except Exception as error:
            subscriber.unusable(message, error)
            continue
        try:
            await writer.write(line)
        except OSError:
            return


def _as_json(message: Published) -> str:
    return json_line({**message.header, "payload_bytes": len(message.payload)}, sys.stdout.encoding)


def _plain(message: Published) -> str:
    return f"{_clock(message)}  {printable(message.type):<15} {describe(message)}"


_console = Console(highlight=False, markup=False, soft_wrap=True)


def _for_terminal(message: Published) -> str:
    line = Text(_clock(message), style="dim")
    line.append(f"  {printable(message.type):<15} ", style=f"bold {_COLOURS.get(message.type, 'white')}")
    line.append(describe(message), style="default")
    line.truncate(_console.width, overflow="ellipsis")
    with _console.capture() as printed:
        _console.print(line)
    return printed.get().rstrip("\n")


_OF_TRIAL = set(gaze_messages.OfTrial.model_fields)
_COLOURS = {"frame": "green", "frame.recorded": "cyan", "replay.frame": "magenta", "status": "blue"}


def _clock(message: Published) -> str:
    try:
        return datetime.fromtimestamp(message.header["time"]).strftime("%H:%M:%S.%f")[:-3]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return "--:--:--.---"


def describe(published: Published) -> str:
    """What a message says, on one line. One of an unknown type says its own fields."""
    return printable(_words(published)[:LINE_CHARS])


def _words(published: Published) -> str:
    payload = size(len(published.payload))
    match published.message:
        case Frame() as frame:
            session = f"{frame.session_id} #{frame.record_seq}" if frame.session_id else "not recorded"
            return (
                f"seq {frame.seq}  {frame.target_sector}  {frame.width}x{frame.height}  "
                f"{frame.generation_ms:.0f} ms  {payload}  {session}  {_short(frame.prompt)}"
            )
        case messages.Progress() as done:
            return f"step {done.step} of {done.steps}  request {done.request_id}"
        case messages.Prepared() as ahead:
            view = "no view" if ahead.view is None else _short(ahead.view)
            picture = "" if ahead.picture_sha256 is None else f"  for {ahead.picture_sha256[:12]}"
            return f"{ahead.prepared_id}  {ahead.target_sector}  {ahead.state}  {view}{picture}  {ahead.detail or ''}"
        case messages.Heartbeat() as status:
            sessions = "".join(f"  {one.session_id}: {one.frames} not yet on disk" for one in status.sessions)
            backlog = size(status.backlog_bytes)
            return f"{status.state}  last seq {status.last_seq}  queue {status.queue}  backlog {backlog}{sessions}"
        case messages.SessionStarted() as started:
            return f"{started.session_id}{'  resumed' if started.resumed else ''}"
        case messages.SessionStopped() as stopped:
            return f"{stopped.session_id}  {stopped.reason}"
        case messages.FrameRecorded() as recorded:
            return f"{recorded.session_id}/{recorded.filename}  {size(recorded.bytes)}"
        case messages.ReplayFrame() as shown:
            entry = shown.entry
            return (
                f"{shown.cursor}  {shown.session_id} {shown.index} of {shown.total}  "
                f"{entry.get('target_sector')}  {payload}  {_short(str(entry.get('prompt', '')))}"
            )
        case messages.ReplayStatus() as at:
            place = "" if at.session_id is None else f"  {at.session_id} {at.position} of {at.total}"
            return f"{at.cursor}  {at.state}{place}"
        case gaze_messages.GazeSamples() as samples:
            return f"{samples.trial_id} #{samples.first_n}  {samples.count} samples  {payload}  {samples.source}"
        case gaze_messages.GazeStatus() as source:
            rate = "" if source.rate_hz is None else f"  {source.rate_hz:.0f} Hz"
            trial = "" if source.trial_id is None else f"  trial {source.trial_id}"
            return f"{source.source}  {source.state}{rate}{trial}  held {size(source.held_bytes)}"
        case gaze_messages.OfTrial() as step:
            own = step.model_dump(exclude=_OF_TRIAL)
            own |= own.pop("details", {})
            said = "  ".join(f"{name} {value}" for name, value in own.items() if value is not None)
            return f"{step.trial_id} #{step.step_id}  {step.step}  by {step.caused_by or '-'}  {said}"
    return "  ".join(f"{name} {value}" for name, value in own_fields(published.header).items())


def _short(prompt: str) -> str:
    return prompt if len(prompt) <= PROMPT_CHARS else prompt[: PROMPT_CHARS - 1] + "…"


def size(count: int) -> str:
    """Bytes as people say them."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
