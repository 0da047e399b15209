"""What is asked of each process, and what it answers: one type a request that carries fields.

A reply's type is named after what it holds. Payloads (images) ride behind the header; each docstring says which.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import FailFast, Field

from shared.messages import Body, FrameFields, FrameOrigin, Model

MAX_SEED = 2**63 - 1
DRAWN_SEEDS = 2**53
"""A seed that is drawn, or worked out from such a one, is below this: R, JavaScript and jq read JSON's numbers as
doubles, which are exact up to here."""


class SessionStamp(Body):
    """The session that a request was accepted under."""

    session_id: str
    created_at: float


# -- generator --------------------------------------------------------------------------------------------------------


class Generate(Body):
    """``generate``: make one frame. The payload is the input image as it came. Answered with :class:`Generated`."""

    request_id: str
    client_id: str | None = None
    supersede: bool = False
    session: SessionStamp | None = None
    grid_size: Literal[2, 3]
    target_sector: str
    focus_sector: str | None = None
    focus_x: float | None = None
    focus_y: float | None = None
    prompt: str
    negative_prompt: str | None = None
    seed: int = Field(ge=0, le=MAX_SEED)
    steps: int | None = None
    guidance_scale: float | None = None
    strength: float | None = None
    strict: bool = False
    """Refuse the request rather than leave anything of its prompt undone."""
    timeout_ms: float
    """How long the caller still waits: a job whose caller has given up is dropped."""
    priority: Literal["live", "background"] = "live"
    publish: bool = True
    """False for a job that is made only to be compared: answered, not published, not recorded."""
    origin: FrameOrigin | None = None
    """The frame that a re-run makes again in another way."""


class Generated(FrameFields):
    """The frame that was made. The payload is its PNG, the very bytes that were published."""

    sha256: str


class Cancel(Body):
    """``cancel``: drop a job by the id of its request. Cancelling one that is done or unknown changes nothing."""

    request_id: str


class Cancelled(Body):
    """Where the job was: ``queued``, ``running``, or ``unknown`` (done, or never seen)."""

    found: Literal["queued", "running", "unknown"]


class FrameRef(Body):
    """One frame of a session, by its place in the recording."""

    session_id: str
    epoch: str
    record_seq: int


class PendingFrame(FrameRef):
    """A frame that the generator holds until it is acknowledged."""

    frame_id: str
    bytes: int
    input_sha256: str


class PendingFrames(Body):
    """The answer to ``pending``: all unacknowledged frames of this epoch, in order of ``record_seq`` within a session.

    What is below a session's first pending number has been acknowledged. ``next_record_seq`` has, by session, the
    number that its next frame will get.
    """

    epoch: str
    stopping: bool
    frames: tuple[PendingFrame, ...]
    next_record_seq: dict[str, int]


class Fetch(FrameRef):
    """``fetch``: one unacknowledged frame. Answered with the fields of a ``frame`` message and its PNG as payload, or
    ``not_found`` where the frame has been acknowledged or belongs to another epoch."""


class InputRequest(Body):
    """``input``: an input image by its hash. Answered with :class:`Input` and its bytes as payload or ``not_found``."""

    sha256: str


class Input(Body):
    sha256: str
    format: Literal["png", "jpeg", "webp"]


class Acknowledge(Body):
    """``ack``: these frames are on disk for good. May be repeated; frames unknown here are passed over."""

    frames: Annotated[tuple[FrameRef, ...], FailFast()]


class Acknowledged(Body):
    """How many frames the acknowledgement let go."""

    released: int


class KnownObject(Body):
    """One thing that a model with a closed vocabulary draws."""

    name: str
    plural: str
    synonyms: tuple[str, ...]
    nearest: tuple[str, ...]
    """Words for other things, for which it stands in; said so when it does."""
    colours: tuple[str, ...]
    """Those that it can be asked for in; without one it has its own."""
    place: Literal["sky", "ground", "any"]
    styles: tuple[str, ...]


class Vocabulary(Body):
    """The answer to ``vocabulary``: what the model can be asked for. ``objects`` None: any text.

    Errors: ``generator_loading``, ``generator_unavailable``.
    """

    model: Model
    objects: tuple[KnownObject, ...] | None = None
    colours: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By colour, the words for it."""
    sizes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    numbers: dict[str, int] = Field(default_factory=dict)
    """Words for a number of objects; numerals do as well."""
    most: int | None = None
    """More objects than that do not go into one sector."""
    styles: tuple[str, ...] = ()
    """Words for manners of drawing."""
    fallback: str | None = None
    """What is drawn where nothing of a prompt is known."""


# -- recorder ---------------------------------------------------------------------------------------------------------


class StartSession(Body):
    """``start``: begin a session (the active one, if any, ends). Answered with :class:`StartedSession`.

    Errors: ``invalid_session_id``, ``session_exists`` (unless ``resume``), ``insufficient_storage``.
    """

    session_id: str | None = None
    resume: bool = False
    active: bool = True
    """False for a session that is recorded beside the active one, which stays: a re-run's. Its frames are those that
    are stamped with it. It needs an id."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """What else the head of a new session says for good: a re-run's parent, and what was changed."""


class StartedSession(SessionStamp):
    resumed: bool = False


class StopSession(Body):
    """``stop``: end the active session. Answered with :class:`StoppedSession`; ``session_not_active`` if none is.

    With ``session_id``: end one that is recorded beside it. That may be repeated.
    """

    session_id: str | None = None


class StoppedSession(Body):
    session_id: str
    recorded: int
    pending: int


class ResumeSession(SessionStamp):
    """``resume``: the API tells a recorder that has come back which session is active. Answered with
    :class:`StartedSession`."""


class AskedFrame(FrameRef):
    """A frame that is asked after. Without its id only what this recorder has written itself is affirmed: a copied
    session holds the same numbers."""

    frame_id: str | None = None


class StatusRequest(Body):
    """``status`` of the recorder: ``frames`` are asked after, and the answer says which of them are on disk."""

    frames: Annotated[tuple[AskedFrame, ...], FailFast()] = ()


class SessionState(Body):
    """What the recorder is doing for one session."""

    session_id: str
    recorded: int
    """Frames on disk, as entries of the session."""
    pending: int
    """Frames known to exist and not yet on disk."""
    error: str | None = None
    """Why frames wait, in one sentence; None while all is well."""


class RecorderStatus(Body):
    """The answer to ``status``."""

    epoch: str
    active: SessionStamp | None
    stopped: str | None = None
    """The session that somebody stopped last since this recorder started, unless it was begun again. Whoever recorded
    into it and missed the message learns here that it was ended on purpose."""
    sessions: tuple[SessionState, ...] = ()
    """The active session and any other with pending frames or trouble."""
    free_bytes: int | None
    """On the disk of the sessions; None where it cannot be asked (the folder vanished)."""
    error: str | None = None
    """What is wrong with the sessions folder as a whole; None while all is well."""
    lost: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Ids of frames that are known to be lost, by session, since this recorder started."""
    recorded: tuple[bool, ...] = ()
    """Whether each frame asked after is on disk, in the order asked."""


class DeleteSession(Body):
    """``delete``: remove a session. ``session_busy`` while it is active or has pending frames."""

    session_id: str


class ImportSession(Body):
    """``import``: give a session that lies staged, whole and proved, its place among the others.

    Errors: ``invalid_session_id``, ``session_exists``, ``not_found`` (nothing of that name is staged).
    """

    staged: str
    """Name of its folder under ``<sessions>/.import``; see :mod:`shared.session.staging`."""
    session_id: str


class RepairSession(Body):
    """``repair``: mend a session whose metadata cannot be read. Answered with :class:`Repaired`."""

    session_id: str


class Repaired(Body):
    session_id: str
    actions: tuple[str, ...] = ()


class AnsweredFrame(FrameRef):
    """A frame that the API answered as ``pending``."""

    frame_id: str


class Settle(Body):
    """``settle``: what became of frames of an epoch that is over. Those that can come no more are written down as lost.

    Answered with :class:`Settled`.
    """

    frames: Annotated[tuple[AnsweredFrame, ...], FailFast()]


class Settled(Body):
    """Frame ids by fate; those in neither are still being written."""

    recorded: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


# -- replayer ---------------------------------------------------------------------------------------------------------


class CursorRequest(Body):
    """``next``, ``previous``, ``pause``, ``stop``, ``status``: to a named cursor.

    ``next`` and ``previous`` are answered with :class:`ReplayedFrame` (payload: the PNG), the others with
    :class:`CursorState`. Errors: ``not_replaying``, ``frame_missing``, ``frame_corrupt`` (the cursor moves past it).
    """

    cursor: str = Field("default", min_length=1, max_length=128)


class StartReplay(CursorRequest):
    """``start``: put the cursor before the first frame of a session. Answered with :class:`CursorState`."""

    session_id: str


class Seek(CursorRequest):
    """``seek``: the next ``next`` gives the frame of this index."""

    index: int = Field(ge=0)


class Play(CursorRequest):
    """``play``: show the session's frames on ``replays`` at their recorded times, from the cursor's place on.

    What is None stays as it was: speed 1 and no loop at first. Answered with :class:`CursorState`.
    """

    speed: float | None = Field(None, ge=0.01, le=100)
    loop: bool | None = None


class CursorState(Body):
    cursor: str
    state: str
    """``idle``, ``replaying``, ``playing``, ``paused`` or ``complete``; of a newer replayer perhaps another word."""
    session_id: str | None
    position: int
    """Index that ``next`` would give."""
    total: int
    speed: float | None = None
    """Of the playback, where one was begun."""
    loop: bool = False


class ReplayedFrame(Body):
    """``complete`` True at the end (no payload), else the frame's entry and its PNG as payload."""

    complete: bool
    cursor: str
    session_id: str
    entry: dict[str, Any] | None = None


class StartRerun(Body):
    """``rerun``: make a session again with something changed, into a new session. Answered with :class:`RerunState`.

    Errors: ``session_not_found``, ``session_exists``, ``invalid_session_id``, ``session_busy`` (that session is being
    recorded), ``invalid_request`` (the prompts, or a model that the generator does not run), ``generator_unavailable``,
    ``generator_loading``, ``recorder_unavailable``.
    """

    session_id: str
    """The session to be made again."""
    into: str
    """Id of the new session."""
    prompts: dict[str, Any] | None = None
    """What a ``sector_prompts.json`` holds; None keeps each frame's own prompt."""
    seed_offset: int = Field(0, ge=-MAX_SEED, le=MAX_SEED)
    strength: float | None = Field(None, gt=0, le=1)
    model: str | None = None
    """Id, or the beginning of the revision, of the model that the generator must be running."""
    chain: bool = False
    """Where a frame's input was an earlier frame, feed that one's new version instead."""
    resume: bool = False
    """Go on with a re-run that was broken off; its changes are those it was begun with."""


class RerunRequest(Body):
    """``rerun.status`` and ``rerun.cancel``: the re-run into this session. Answered with :class:`RerunState`.

    Errors: ``session_not_found``; ``not_found`` where the session is no re-run.
    """

    session_id: str


class SkippedFrame(Body):
    """A frame that could not be made again, and why."""

    index: int
    reason: str


class RerunState(Body):
    """How a re-run stands; `interrupted`: it ended before its last frame and nobody is making it; it can be resumed."""

    session_id: str
    parent: str
    state: str
    """``queued``, ``running``, ``waiting``, ``complete``, ``cancelled``, ``failed`` or ``interrupted``; of a newer
    replayer perhaps another word."""
    done: int
    """Frames of the parent that are dealt with, the skipped ones included."""
    total: int
    skipped: tuple[SkippedFrame, ...] = ()
    reason: str | None = None
    """Why it waits, or failed."""
    changed: dict[str, Any] = Field(default_factory=dict)
