"""A message of the bus in a few words, for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cli.output import printable
from shared.bus.envelope import Published

PROMPT_CHARS = 60
LINE_CHARS = 2000


def describe(message: Published) -> str:
    """What a message says, on one line. One of an unknown type, or that lacks a field, says its own fields."""
    known = _KNOWN.get(message.type)
    try:
        words = known(message.header, len(message.payload)) if known else _fields(message.header)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        words = _fields(message.header)
    return printable(words[:LINE_CHARS])


def _frame(header: dict[str, Any], payload_bytes: int) -> str:
    session = f"{header['session_id']} #{header['record_seq']}" if header["session_id"] else "not recorded"
    return (
        f"seq {header['seq']}  {header['target_sector']}  {header['width']}x{header['height']}  "
        f"{header['generation_ms']:.0f} ms  {size(payload_bytes)}  {session}  {_short(header['prompt'])}"
    )


def _progress(header: dict[str, Any], payload_bytes: int) -> str:
    return f"step {header['step']} of {header['steps']}  request {header['request_id']}"


def _status(header: dict[str, Any], payload_bytes: int) -> str:
    sessions = "".join(f"  {one['session_id']}: {one['frames']} not yet on disk" for one in header["sessions"])
    return (
        f"{header['state']}  last seq {header['last_seq']}  queue {header['queue']}  "
        f"backlog {size(header['backlog_bytes'])}{sessions}"
    )


def _started(header: dict[str, Any], payload_bytes: int) -> str:
    return f"{header['session_id']}{'  resumed' if header['resumed'] else ''}"


def _stopped(header: dict[str, Any], payload_bytes: int) -> str:
    return f"{header['session_id']}  {header['reason']}"


def _recorded(header: dict[str, Any], payload_bytes: int) -> str:
    return f"{header['session_id']}/{header['filename']}  {size(header['bytes'])}"


def _replayed(header: dict[str, Any], payload_bytes: int) -> str:
    entry = header["entry"]
    return (
        f"{header['cursor']}  {header['session_id']} {header['index']} of {header['total']}  "
        f"{entry.get('target_sector')}  {size(payload_bytes)}  {_short(str(entry.get('prompt', '')))}"
    )


def _cursor(header: dict[str, Any], payload_bytes: int) -> str:
    if header["session_id"] is None:
        return f"{header['cursor']}  {header['state']}"
    return f"{header['cursor']}  {header['state']}  {header['session_id']} {header['position']} of {header['total']}"


def _fields(header: dict[str, Any]) -> str:
    envelope = ("v", "type", "id", "time", "monotonic_ns")
    return "  ".join(f"{name} {value}" for name, value in header.items() if name not in envelope)


def _short(prompt: str) -> str:
    return prompt if len(prompt) <= PROMPT_CHARS else prompt[: PROMPT_CHARS - 1] + "…"


def size(count: int) -> str:
    """Bytes as people say them."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


_KNOWN: dict[str, Callable[[dict[str, Any], int], str]] = {
    "frame": _frame,
    "progress": _progress,
    "status": _status,
    "session.started": _started,
    "session.stopped": _stopped,
    "frame.recorded": _recorded,
    "replay.frame": _replayed,
    "replay.status": _cursor,
}
