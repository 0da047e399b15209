"""One type a published message. Requests and their replies: ``shared/bus/requests/``.

Fields are added, never re-used or removed; a change that a subscriber of today would misread raises
:data:`shared.bus.message.PROTOCOL_VERSION`. Unknown fields are ignored, so an old subscriber reads a newer publisher.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.gaze_messages import (
    ClockCompared,
    EyeMovement,
    GazeSamples,
    GazeStatus,
    SwapDisplayed,
    SwapOrdered,
    TrialStep,
)
from shared.bus.message import Message
from shared.frame import Frame, Model


class Progress(Message):
    """One denoising step done."""

    type: ClassVar[str] = "progress"

    request_id: fields.RequestId
    client_id: fields.ClientId | None
    step: fields.Count
    steps: fields.Count


class Prepared(Message):
    """A preparation is in another state, or made for another picture: see :mod:`shared.bus.requests.preparing`.

    Attributes:
        state: ``queued``, ``running``, ``composing``, ``ready``, ``stale``, ``failed``, ``committed`` or ``dropped``.
        picture_sha256: the picture that it is made for.
        frame_sha256: of a committed one: the picture that it has become.
    """

    type: ClassVar[str] = "prepared"

    prepared_id: fields.RequestId
    view: fields.Name | None
    client_id: fields.ClientId | None
    target_sector: fields.Sector
    state: fields.Word
    picture_sha256: fields.Sha256 | None = None
    region: fields.Region | None = None
    generation_ms: fields.Milliseconds | None = None
    code: fields.Word | None = None
    detail: fields.Said | None = None
    frame_sha256: fields.Sha256 | None = None


class Backlogged(Body):
    """The last number of a session that has a backlog."""

    session_id: fields.SessionId
    last_record_seq: fields.RecordSeq
    frames: fields.Count


class Waiting(Body):
    """A request that waits for its turn."""

    request_id: fields.RequestId
    client_id: fields.ClientId | None


class Loading(Body):
    """A model on its way: ``model`` by the name that it was asked for, ``detail`` what is being done. Bytes of what is
    fetched; 0 of 0 while nothing is."""

    model: fields.Name
    detail: fields.Said
    done_bytes: fields.Count = 0
    bytes: fields.Count = 0


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
    preparing: fields.Count = 0
    """Jobs that wait and prepare a change."""
    background: fields.Count = 0
    """Background jobs that wait: those of verifications and re-runs."""
    waiting: Annotated[tuple[Waiting, ...], fields.those_that_fit(Waiting)] = ()
    """All jobs that wait, in the order in which they will run."""
    running: fields.RequestId | None = None
    backlog_bytes: fields.Count
    backlog_limit_bytes: fields.Count
    journal: fields.Said | None = None
    """Why frames made now would not be named if they were lost; None while all is well."""
    unjournaled: fields.Count = 0
    """Frames that were answered before the journal had them."""
    model: Model | None = None
    device: fields.Name | None = None
    dtype: fields.Name | None = None
    loading: Loading | None = None
    """A model that is being fetched or loaded; while another one is there, that one goes on making frames."""
    advice: fields.Said | None = None
    """What is to be known of how the model was loaded: parts of it kept off the card, say."""


class Status(Heartbeat):
    """The generator's heartbeat, once a second and soon after each change."""

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
    """``idle``, ``replaying``, ``playing``, ``paused`` or ``complete``; of a newer replayer perhaps another word."""
    session_id: fields.SessionId | None
    position: fields.Count
    """Index that ``next`` would give."""
    total: fields.Count
    speed: fields.Finite | None = None
    """Of the playback, where one was begun."""
    loop: fields.Flag = False


AnyMessage = Frame | Message

PUBLISHED: dict[str, type[AnyMessage]] = {
    cls.type: cls
    for cls in (
        *(Frame, Progress, Prepared, Status, SessionStarted, SessionStopped, FrameRecorded, ReplayFrame, ReplayStatus),
        *(GazeSamples, EyeMovement, TrialStep, SwapOrdered, SwapDisplayed, ClockCompared, GazeStatus),
    )
}

HEARD: dict[str, type[AnyMessage]] = {**PUBLISHED, Heartbeat.type: Heartbeat}
"""As a subscriber takes them: from a newer publisher too."""
