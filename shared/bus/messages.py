"""One type a published message, and the protocol version. Requests and their replies: ``shared/bus/requests.py``.

Fields are added, never re-used or removed; a change that a subscriber of today would misread raises
:data:`PROTOCOL_VERSION`. Unknown fields are ignored, so an old subscriber reads a newer publisher.
"""

from __future__ import annotations

import uuid
from time import monotonic_ns
from time import time as unix_time
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared import fields, sectors
from shared.bounds import problem_of

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

    v: fields.Version = PROTOCOL_VERSION
    id: fields.MessageId = Field(default_factory=new_id)
    time: fields.UnixSeconds = Field(default_factory=unix_time)
    monotonic_ns: fields.Count = Field(default_factory=monotonic_ns)


class Model(Body):
    """Which model made a frame."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: fields.Name
    revision: fields.Name
    kind: fields.Name
    pipeline: fields.Name
    scheduler: fields.Name

    @model_validator(mode="after")
    def _is_small(self) -> Self:
        problem = problem_of(self.model_extra, fields.MAX_DETAILS_CHARS)
        if problem is not None:
            raise ValueError(problem)
        return self


class FrameOrigin(Body):
    """The frame of another session that a frame of a re-run was made after."""

    session_id: fields.SessionId
    index: fields.Index
    frame_id: fields.FrameId | None = None


class FrameFields(Body):
    """What is known of a frame: the same in a ``frame`` message, in a session's entry and in the PNG's own text."""

    frame_id: fields.FrameId
    epoch: fields.Epoch
    seq: fields.Seq
    session_id: fields.SessionId | None
    session_created_at: fields.UnixSeconds | None = None
    record_seq: fields.RecordSeq | None
    request_id: fields.RequestId
    client_id: fields.ClientId | None = None
    target_sector: fields.Sector
    focus_sector: fields.Sector | None
    focus_x: fields.Finite | None = None
    focus_y: fields.Finite | None = None
    grid_size: fields.GridSize
    region: fields.Region
    prompt: fields.Prompt
    negative_prompt: fields.Prompt | None = None
    seed: fields.Seed
    steps: fields.Count
    guidance_scale: fields.Finite | None = None
    strength: fields.Finite | None = None
    requested: fields.Details = Field(default_factory=dict)
    """The values that the request named itself; what it left to the model is absent."""
    origin: FrameOrigin | None = None
    """Of a frame of a re-run: the frame that it was made after."""
    width: fields.Pixels
    height: fields.Pixels
    input_sha256: fields.Sha256
    input_format: fields.ImageFormat
    model: Model
    device: fields.Name
    dtype: fields.Name
    versions: fields.Versions
    environment: fields.Details = Field(default_factory=dict)
    notes: fields.Details = Field(default_factory=dict)
    queued_ms: fields.Milliseconds
    generation_ms: fields.Milliseconds
    timestamp: fields.UnixSeconds

    @model_validator(mode="after")
    def _is_of_its_picture(self) -> Self:
        for sector in (self.target_sector, self.focus_sector):
            if sector is not None and sector not in sectors.names(self.grid_size):
                raise ValueError(f"a grid of {self.grid_size} has no sector {sector}")
        left, top, right, bottom = self.region
        if not (left < right <= self.width and top < bottom <= self.height):
            raise ValueError("the region does not lie in the picture")
        return self


class Frame(FrameFields, Message):
    """One generated picture; the payload is its PNG."""

    type: ClassVar[str] = "frame"

    sha256: fields.Sha256
    """Of the payload."""


class Progress(Message):
    """One denoising step done."""

    type: ClassVar[str] = "progress"

    request_id: fields.RequestId
    client_id: fields.ClientId | None
    step: fields.Count
    steps: fields.Count


class Backlogged(Body):
    """The last number of a session that has a backlog."""

    session_id: fields.SessionId
    last_record_seq: fields.RecordSeq
    frames: fields.Count


class Waiting(Body):
    """A request that waits for its turn."""

    request_id: fields.RequestId
    client_id: fields.ClientId | None


class Heartbeat(Message):
    """A :class:`Status` as it is heard: of a newer generator its state may be a word that is not known here. Then it
    lives, and takes nothing."""

    type: ClassVar[str] = "status"

    epoch: fields.Epoch
    state: fields.Word
    detail: fields.Said | None = None
    last_seq: fields.Seq
    """-1 before the first frame."""
    sessions: Annotated[tuple[Backlogged, ...], fields.those_that_fit(Backlogged)] = ()
    making: Annotated[
        dict[fields.SessionId, fields.Count], fields.those_that_fit(tuple[fields.SessionId, fields.Count])
    ] = Field(default_factory=dict)
    """By session: jobs accepted whose frames it will get."""
    queue: fields.Count
    """Live jobs that wait."""
    background: fields.Count = 0
    """Background jobs that wait: those of verifications and re-runs."""
    waiting: Annotated[tuple[Waiting, ...], fields.those_that_fit(Waiting)] = ()
    """All jobs that wait, in the order in which they will run."""
    running: fields.RequestId | None = None
    backlog_bytes: fields.Count
    backlog_limit_bytes: fields.Count
    model: Model | None = None
    device: fields.Name | None = None
    dtype: fields.Name | None = None


class Status(Heartbeat):
    """The generator's heartbeat, once a second and at each change of state."""

    state: Literal["loading", "ready", "failed", "stopping"]


class SessionStarted(Message):
    type: ClassVar[str] = "session.started"

    epoch: fields.Epoch
    session_id: fields.SessionId
    created_at: fields.UnixSeconds
    resumed: fields.Flag = False


class SessionStopped(Message):
    type: ClassVar[str] = "session.stopped"

    epoch: fields.Epoch
    session_id: fields.SessionId
    reason: fields.Said


class FrameRecorded(Message):
    """A frame, its input and its entry are on disk."""

    type: ClassVar[str] = "frame.recorded"

    session_id: fields.SessionId
    frame_id: fields.FrameId
    frame_epoch: fields.Epoch
    record_seq: fields.RecordSeq
    index: fields.Index
    filename: fields.FrameFile
    sha256: fields.Sha256
    bytes: fields.Count


class ReplayFrame(Message):
    """A recorded frame shown again; the payload is its PNG, ``entry`` its entry in the session's metadata."""

    type: ClassVar[str] = "replay.frame"

    cursor: fields.CursorName
    session_id: fields.SessionId
    index: fields.Index
    total: fields.Count
    entry: dict[str, Any]
    planned_time: fields.UnixSeconds | None = None
    """When it was to be sent, in Unix seconds; None for a frame that was asked for."""
    actual_time: fields.UnixSeconds | None = None
    """When it was sent, by the same clock."""


class ReplayStatus(Message):
    type: ClassVar[str] = "replay.status"

    cursor: fields.CursorName
    state: fields.Word
    session_id: fields.SessionId | None
    position: fields.Count
    total: fields.Count
    speed: fields.Finite | None = None
    loop: fields.Flag = False


PUBLISHED: dict[str, type[Message]] = {
    cls.type: cls
    for cls in (Frame, Progress, Status, SessionStarted, SessionStopped, FrameRecorded, ReplayFrame, ReplayStatus)
}

HEARD: dict[str, type[Message]] = {**PUBLISHED, Heartbeat.type: Heartbeat}
"""As a subscriber takes them: from a newer publisher too."""
