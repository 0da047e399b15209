"""One type a published message, and the protocol version. Requests and their replies: ``shared/requests.py``.

Fields are added, never re-used or removed; a change that a subscriber of today would misread raises
:data:`PROTOCOL_VERSION`. Unknown fields are ignored, so an old subscriber reads a newer publisher.
"""

from __future__ import annotations

import uuid
from time import monotonic_ns
from time import time as unix_time
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

PROTOCOL_VERSION = 1


def new_id() -> str:
    """An id without meaning, unique everywhere."""
    return uuid.uuid4().hex


class Body(BaseModel):
    """The fields of a request, a reply or a message, without the envelope."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Body):
    """What is published: the envelope's fields and the message's own."""

    type: ClassVar[str]

    v: int = PROTOCOL_VERSION
    id: str = Field(default_factory=new_id)
    time: float = Field(default_factory=unix_time)
    monotonic_ns: int = Field(default_factory=monotonic_ns)


class Model(Body):
    """Which model made a frame."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    revision: str
    kind: str
    pipeline: str
    scheduler: str


class FrameOrigin(Body):
    """The frame of another session that a frame of a re-run was made after."""

    session_id: str
    index: int
    frame_id: str | None = None


class FrameFields(Body):
    """What is known of a frame: the same in a ``frame`` message, in a session's entry and in the PNG's own text."""

    frame_id: str
    epoch: str
    seq: int
    session_id: str | None
    session_created_at: float | None = None
    record_seq: int | None
    request_id: str
    client_id: str | None = None
    target_sector: str
    focus_sector: str | None
    focus_x: float | None = None
    focus_y: float | None = None
    grid_size: int
    region: tuple[int, int, int, int]
    prompt: str
    negative_prompt: str | None = None
    seed: int
    steps: int
    guidance_scale: float | None = None
    strength: float | None = None
    requested: dict[str, Any] = Field(default_factory=dict)
    """The values that the request named itself; what it left to the model is absent."""
    origin: FrameOrigin | None = None
    """Of a frame of a re-run: the frame that it was made after."""
    width: int
    height: int
    input_sha256: str
    input_format: str
    model: Model
    device: str
    dtype: str
    versions: dict[str, str]
    environment: dict[str, Any] = Field(default_factory=dict)
    notes: dict[str, Any] = Field(default_factory=dict)
    queued_ms: float
    generation_ms: float
    timestamp: float


class Frame(FrameFields, Message):
    """One generated picture; the payload is its PNG."""

    type: ClassVar[str] = "frame"

    sha256: str
    """Of the payload."""


class Progress(Message):
    """One denoising step done."""

    type: ClassVar[str] = "progress"

    request_id: str
    client_id: str | None
    step: int
    steps: int


class Backlogged(Body):
    """The last number of a session that has a backlog."""

    session_id: str
    last_record_seq: int
    frames: int


class Waiting(Body):
    """A request that waits for its turn."""

    request_id: str
    client_id: str | None


class Heartbeat(Message):
    """A :class:`Status` as it is heard: of a newer generator its state may be a word that is not known here. Then it
    lives, and takes nothing."""

    type: ClassVar[str] = "status"

    epoch: str
    state: str
    detail: str | None = None
    last_seq: int
    """-1 before the first frame."""
    sessions: tuple[Backlogged, ...] = ()
    making: dict[str, int] = Field(default_factory=dict)
    """By session: jobs accepted whose frames it will get."""
    queue: int
    """Live jobs that wait."""
    background: int = 0
    """Background jobs that wait: those of verifications and re-runs."""
    waiting: tuple[Waiting, ...] = ()
    """All jobs that wait, in the order in which they will run."""
    running: str | None = None
    backlog_bytes: int
    backlog_limit_bytes: int
    model: Model | None = None
    device: str | None = None
    dtype: str | None = None


class Status(Heartbeat):
    """The generator's heartbeat, once a second and at each change of state."""

    state: Literal["loading", "ready", "failed", "stopping"]


class SessionStarted(Message):
    type: ClassVar[str] = "session.started"

    epoch: str
    session_id: str
    created_at: float
    resumed: bool = False


class SessionStopped(Message):
    type: ClassVar[str] = "session.stopped"

    epoch: str
    session_id: str
    reason: str


class FrameRecorded(Message):
    """A frame, its input and its entry are on disk."""

    type: ClassVar[str] = "frame.recorded"

    session_id: str
    frame_id: str
    frame_epoch: str
    record_seq: int
    index: int
    filename: str
    sha256: str
    bytes: int


class ReplayFrame(Message):
    """A recorded frame shown again; the payload is its PNG, ``entry`` its entry in the session's metadata."""

    type: ClassVar[str] = "replay.frame"

    cursor: str
    session_id: str
    index: int
    total: int
    entry: dict[str, Any]
    planned_time: float | None = None
    """When it was to be sent, in Unix seconds; None for a frame that was asked for."""
    actual_time: float | None = None
    """When it was sent, by the same clock."""


class ReplayStatus(Message):
    type: ClassVar[str] = "replay.status"

    cursor: str
    state: str
    session_id: str | None
    position: int
    total: int
    speed: float | None = None
    loop: bool = False


PUBLISHED: dict[str, type[Message]] = {
    cls.type: cls
    for cls in (
        Frame,
        Progress,
        Status,
        SessionStarted,
        SessionStopped,
        FrameRecorded,
        ReplayFrame,
        ReplayStatus,
    )
}
