"""A message of the bus in a few words, for people."""

from __future__ import annotations

from cli.output import printable
from shared.bus.envelope import Published, own_fields
from shared.bus.messages import (
    FrameRecorded,
    Heartbeat,
    Progress,
    ReplayFrame,
    ReplayStatus,
    SessionStarted,
    SessionStopped,
)
from shared.frame import Frame

PROMPT_CHARS = 60
LINE_CHARS = 2000


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
        case Progress() as done:
            return f"step {done.step} of {done.steps}  request {done.request_id}"
        case Heartbeat() as status:
            sessions = "".join(f"  {one.session_id}: {one.frames} not yet on disk" for one in status.sessions)
            backlog = size(status.backlog_bytes)
            return f"{status.state}  last seq {status.last_seq}  queue {status.queue}  backlog {backlog}{sessions}"
        case SessionStarted() as started:
            return f"{started.session_id}{'  resumed' if started.resumed else ''}"
        case SessionStopped() as stopped:
            return f"{stopped.session_id}  {stopped.reason}"
        case FrameRecorded() as recorded:
            return f"{recorded.session_id}/{recorded.filename}  {size(recorded.bytes)}"
        case ReplayFrame() as shown:
            entry = shown.entry
            return (
                f"{shown.cursor}  {shown.session_id} {shown.index} of {shown.total}  "
                f"{entry.get('target_sector')}  {payload}  {_short(str(entry.get('prompt', '')))}"
            )
        case ReplayStatus() as at:
            place = "" if at.session_id is None else f"  {at.session_id} {at.position} of {at.total}"
            return f"{at.cursor}  {at.state}{place}"
    return "  ".join(f"{name} {value}" for name, value in own_fields(published.header).items())


def _short(prompt: str) -> str:
    return prompt if len(prompt) <= PROMPT_CHARS else prompt[: PROMPT_CHARS - 1] + "…"


def size(count: int) -> str:
    """Bytes as people say them."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
