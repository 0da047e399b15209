"""What is asked of each process, and what it answers: one type a request that carries fields.

A reply's type is named after what it holds. Payloads (images) ride behind the header; each docstring says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from shared import fields, sectors
from shared.bus.messages import Body, FrameFields, FrameOrigin, Model

MAX_SEED = fields.MAX_SEED
DRAWN_SEEDS = 2**53
"""A seed that is drawn, or worked out from such a one, is below this: R, JavaScript and jq read JSON's numbers as
doubles, which are exact up to here."""


class SessionStamp(Body):
    """The session that a request was accepted under."""

    session_id: fields.SessionId
    created_at: fields.UnixSeconds


# -- generator --------------------------------------------------------------------------------------------------------


class Generate(Body):
    """``generate``: make one frame. The payload is the input image as it came. Answered with :class:`Generated`."""

    request_id: fields.RequestId
    client_id: fields.ClientId | None = None
    supersede: fields.Flag = False
    session: SessionStamp | None = None
    grid_size: fields.GridSize
    target_sector: fields.SectorOfGrid
    focus_sector: fields.SectorOfGrid | None = None
    focus_x: fields.Fraction | None = None
    focus_y: fields.Fraction | None = None
    prompt: fields.Prompt
    negative_prompt: fields.Prompt | None = None
    seed: fields.Seed
    steps: fields.Steps | None = None
    guidance_scale: fields.Guidance | None = None
    strength: fields.Strength | None = None
    strict: fields.Flag = False
    """Refuse the request rather than leave anything of its prompt undone."""
    timeout_ms: fields.WaitMs
    """How long the caller still waits: a job whose caller has given up is dropped."""
    priority: Literal["live", "background"] = "live"
    publish: fields.Flag = True
    """False for a job that is made only to be compared: answered, not published, not recorded."""
    origin: FrameOrigin | None = None
    """The frame that a re-run makes again in another way."""


def told_focus(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Where the viewer looked, as far as the entry of a recorded frame says so in our terms. The picture does not hang
    on it."""
    told: dict[str, Any] = {
        key: value for key in ("focus_x", "focus_y") if fields.fits(fields.Fraction, value := entry.get(key))
    }
    if entry.get("grid_size") in sectors.NAMES and entry.get("focus_sector") in sectors.names(entry["grid_size"]):
        told["focus_sector"] = entry["focus_sector"]
    return told


class Generated(FrameFields):
    """The frame that was made. The payload is its PNG, the very bytes that were published."""

    sha256: fields.Sha256


class Cancel(Body):
    """``cancel``: drop a job by the id of its request. Cancelling one that is done or unknown changes nothing."""

    request_id: fields.RequestId


class Cancelled(Body):
    """Where the job was: ``queued``, ``running``, or ``unknown`` (done, or never seen)."""

    found: Literal["queued", "running", "unknown"]


class FrameRef(Body):
    """One frame of a session, by its place in the recording."""

    session_id: fields.SessionId
    epoch: fields.Epoch
    record_seq: fields.RecordSeq


class PendingFrame(FrameRef):
    """A frame that the generator holds until it is acknowledged."""

    frame_id: fields.FrameId
    bytes: fields.Count
    input_sha256: fields.Sha256


class PendingFrames(Body):
    """The answer to ``pending``: all unacknowledged frames of this epoch, in order of ``record_seq`` within a session.

    What is below a session's first pending number has been acknowledged. ``next_record_seq`` has, by session, the
    number that its next frame will get.
    """

    epoch: fields.Epoch
    stopping: fields.Flag
    frames: Annotated[tuple[PendingFrame, ...], fields.those_that_fit(PendingFrame)]
    next_record_seq: Annotated[
        dict[fields.SessionId, fields.RecordSeq], fields.those_that_fit(tuple[fields.SessionId, fields.RecordSeq])
    ]


class Fetch(FrameRef):
    """``fetch``: one unacknowledged frame. Answered with the fields of a ``frame`` message and its PNG as payload, or
    ``not_found`` where the frame has been acknowledged or belongs to another epoch."""


class InputRequest(Body):
    """``input``: an input image by its hash. Answered with :class:`Input` and its bytes as payload or ``not_found``."""

    sha256: fields.Sha256


class Input(Body):
    sha256: fields.Sha256
    format: fields.ImageFormat


class Acknowledge(Body):
    """``ack``: these frames are on disk for good. May be repeated; frames unknown here are passed over.

    Errors: ``forbidden`` where the proof is none; then nothing is let go.
    """

    frames: Annotated[tuple[FrameRef, ...], fields.AT_ONCE, fields.FIRST_ERROR]
    proof: fields.Proof = ""
    """That the recorder says so: see :mod:`shared.bus.acknowledging`."""


class Acknowledged(Body):
    """How many frames the acknowledgement let go."""

    released: fields.Count


class KnownObject(Body):
    """One thing that a model with a closed vocabulary draws."""

    name: fields.Name
    plural: fields.Name
    synonyms: tuple[fields.Name, ...]
    nearest: tuple[fields.Name, ...]
    """Words for other things, for which it stands in; said so when it does."""
    colours: tuple[fields.Name, ...]
    """Those that it can be asked for in; without one it has its own."""
    place: Literal["sky", "ground", "any"]
    styles: tuple[fields.Name, ...]


class Vocabulary(Body):
    """The answer to ``vocabulary``: what the model can be asked for. ``objects`` None: any text.

    Errors: ``generator_loading``, ``generator_unavailable``.
    """

    model: Model
    objects: tuple[KnownObject, ...] | None = None
    colours: dict[fields.Name, tuple[fields.Name, ...]] = Field(default_factory=dict)
    """By colour, the words for it."""
    sizes: dict[fields.Name, tuple[fields.Name, ...]] = Field(default_factory=dict)
    numbers: dict[fields.Name, fields.Count] = Field(default_factory=dict)
    """Words for a number of objects; numerals do as well."""
    most: fields.Count | None = None
    """More objects than that do not go into one sector."""
    styles: tuple[fields.Name, ...] = ()
    """Words for manners of drawing."""
    fallback: fields.Name | None = None
    """What is drawn where nothing of a prompt is known."""


# -- recorder ---------------------------------------------------------------------------------------------------------


class StartSession(Body):
    """``start``: begin a session (the active one, if any, ends). Answered with :class:`StartedSession`.

    Errors: ``invalid_session_id``, ``session_exists`` (unless ``resume``), ``insufficient_storage``.
    """

    session_id: fields.SessionId | None = None
    resume: fields.Flag = False
    active: fields.Flag = True
    """False for a session that is recorded beside the active one, which stays: a re-run's. Its frames are those that
    are stamped with it. It needs an id."""
    extra: fields.HeadExtra = Field(default_factory=dict)
    """What else the head of a new session says for good: a re-run's parent, and what was changed. What every head says
    of itself is not for the caller to say."""


class StartedSession(SessionStamp):
    resumed: fields.Flag = False


class StopSession(Body):
    """``stop``: end the active session. Answered with :class:`StoppedSession`; ``session_not_active`` if none is.

    With ``session_id``: end one that is recorded beside it. That may be repeated.
    """

    session_id: fields.SessionLookedFor | None = None


class StoppedSession(Body):
    session_id: fields.SessionId
    recorded: fields.Count
    pending: fields.Count


class ResumeSession(SessionStamp):
    """``resume``: the API tells a recorder that has come back which session is active. Answered with
    :class:`StartedSession`."""


class AskedFrame(FrameRef):
    """A frame that is asked after. Without its id only what this recorder has written itself is affirmed: a copied
    session holds the same numbers."""

    frame_id: fields.FrameId | None = None


class StatusRequest(Body):
    """``status`` of the recorder: ``frames`` are asked after, and the answer says which of them are on disk."""

    frames: Annotated[tuple[AskedFrame, ...], fields.AT_ONCE, fields.FIRST_ERROR] = ()


class SessionState(Body):
    """What the recorder is doing for one session."""

    session_id: fields.SessionId
    recorded: fields.Count
    """Frames on disk, as entries of the session."""
    pending: fields.Count
    """Frames known to exist and not yet on disk."""
    error: fields.Said | None = None
    """Why frames wait, in one sentence; None while all is well."""


class RecorderStatus(Body):
    """The answer to ``status``."""

    epoch: fields.Epoch
    active: SessionStamp | None
    stopped: fields.SessionId | None = None
    """The session that somebody stopped last since this recorder started, unless it was begun again. Whoever recorded
    into it and missed the message learns here that it was ended on purpose."""
    sessions: tuple[SessionState, ...] = ()
    """The active session and any other with pending frames or trouble."""
    free_bytes: fields.Count | None
    """On the disk of the sessions; None where it cannot be asked (the folder vanished)."""
    error: fields.Said | None = None
    """What is wrong with the sessions folder as a whole; None while all is well."""
    lost: dict[fields.SessionId, tuple[fields.FrameId, ...]] = Field(default_factory=dict)
    """Ids of frames that are known to be lost, by session, since this recorder started."""
    recorded: tuple[fields.Flag, ...] = ()
    """Whether each frame asked after is on disk, in the order asked."""


class DeleteSession(Body):
    """``delete``: remove a session. ``session_busy`` while it is active or has pending frames."""

    session_id: fields.SessionLookedFor


class ImportSession(Body):
    """``import``: give a session that lies staged, whole and proved, its place among the others.

    Errors: ``invalid_session_id``, ``session_exists``, ``not_found`` (nothing of that name is staged).
    """

    staged: fields.StagingToken
    """Name of its folder under ``<sessions>/.import``; see :mod:`shared.session.transfer.staging`."""
    session_id: fields.SessionId


class RepairSession(Body):
    """``repair``: mend a session whose metadata cannot be read. Answered with :class:`Repaired`."""

    session_id: fields.SessionLookedFor


class Repaired(Body):
    session_id: fields.SessionId
    actions: tuple[fields.Said, ...] = ()


class AnsweredFrame(FrameRef):
    """A frame that the API answered as ``pending``."""

    frame_id: fields.FrameId


class Settle(Body):
    """``settle``: what became of frames of an epoch that is over. Those that can come no more are written down as lost.

    Answered with :class:`Settled`.
    """

    frames: Annotated[tuple[AnsweredFrame, ...], fields.AT_ONCE, fields.FIRST_ERROR]


class Settled(Body):
    """Frame ids by fate; those in neither are still being written."""

    recorded: tuple[fields.FrameId, ...] = ()
    lost: tuple[fields.FrameId, ...] = ()


# -- replayer ---------------------------------------------------------------------------------------------------------


class CursorRequest(Body):
    """``next``, ``previous``, ``pause``, ``stop``, ``status``: to a named cursor.

    ``next`` and ``previous`` are answered with :class:`ReplayedFrame` (payload: the PNG), the others with
    :class:`CursorState`. Errors: ``not_replaying``, ``frame_missing``, ``frame_corrupt`` (the cursor moves past it).
    """

    cursor: fields.CursorName = "default"


class StartReplay(CursorRequest):
    """``start``: put the cursor before the first frame of a session. Answered with :class:`CursorState`."""

    session_id: fields.SessionLookedFor


class Seek(CursorRequest):
    """``seek``: the next ``next`` gives the frame of this index."""

    index: fields.Index


class Play(CursorRequest):
    """``play``: show the session's frames on ``replays`` at their recorded times, from the cursor's place on.

    What is None stays as it was: speed 1 and no loop at first. Answered with :class:`CursorState`.
    """

    speed: fields.Speed | None = None
    loop: fields.Flag | None = None


class CursorState(Body):
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


class ReplayedFrame(Body):
    """``complete`` True at the end (no payload), else the frame's entry and its PNG as payload."""

    complete: fields.Flag
    cursor: fields.CursorName
    session_id: fields.SessionId
    entry: dict[str, Any] | None = None


class RerunChanges(Body):
    """What a re-run changes; the head of its session says so too."""

    prompts: fields.Prompts | None = None
    """What a ``sector_prompts.json`` holds; None keeps each frame's own prompt."""
    seed_offset: fields.SeedOffset = 0
    strength: fields.Strength | None = None
    chain: fields.Flag = False
    """Where a frame's input was an earlier frame, feed that one's new version instead."""


class StartRerun(RerunChanges):
    """``rerun``: make a session again with something changed, into a new session. Answered with :class:`RerunState`.

    Errors: ``session_not_found``, ``session_exists``, ``invalid_session_id``, ``session_busy`` (that session is being
    recorded), ``invalid_request`` (the prompts, or a model that the generator does not run), ``generator_unavailable``,
    ``generator_loading``, ``recorder_unavailable``.
    """

    session_id: fields.SessionLookedFor
    """The session to be made again."""
    into: fields.SessionId
    """Id of the new session."""
    model: fields.Name | None = None
    """Id, or the beginning of the revision, of the model that the generator must be running."""
    resume: fields.Flag = False
    """Go on with a re-run that was broken off; its changes are those it was begun with."""


class RerunRequest(Body):
    """``rerun.status`` and ``rerun.cancel``: the re-run into this session. Answered with :class:`RerunState`.

    Errors: ``session_not_found``; ``not_found`` where the session is no re-run.
    """

    session_id: fields.SessionLookedFor


class SkippedFrame(Body):
    """A frame that could not be made again, and why."""

    index: fields.Index
    reason: fields.Said


class RerunState(Body):
    """How a re-run stands; `interrupted`: it ended before its last frame and nobody is making it; it can be resumed."""

    session_id: fields.SessionId
    parent: fields.SessionId
    state: fields.Word
    """``queued``, ``running``, ``waiting``, ``complete``, ``cancelled``, ``failed`` or ``interrupted``; of a newer
    replayer perhaps another word."""
    done: fields.Count
    """Frames of the parent that are dealt with, the skipped ones included."""
    total: fields.Count
    skipped: tuple[SkippedFrame, ...] = ()
    reason: fields.Said | None = None
    """Why it waits, or failed."""
    changed: dict[str, Any] = Field(default_factory=dict)
