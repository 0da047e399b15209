"""What is asked of the recorder, and what it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.call import DISK_S, Call, Nothing
from shared.frame import FrameRef, SessionStamp


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
    """``status`` of the recorder: ``frames`` are asked after, and the answer says which are on disk or lost."""

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
    set_aside: dict[fields.FrameId, fields.Said] = Field(default_factory=dict)
    """Of those, by id: why they could not be recorded. They lie in ``<sessions>/.aside`` for a human."""
    unanswered: tuple[fields.FrameId, ...] = ()
    """Of the lost ones: those that were made, and that nobody was given."""
    recorded: tuple[fields.Flag, ...] = ()
    """Whether each frame asked after is on disk, in the order asked."""
    gone: tuple[fields.Flag, ...] = ()
    """Whether each frame asked after by its id is lost: not on disk, and it can come no more."""


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


REPAIR_S = 600.0
"""Of a session of 100,000 frames whose every picture has to be read."""

START = Call("recorder", "start", StartSession, StartedSession, DISK_S)
STOP = Call("recorder", "stop", StopSession, StoppedSession, DISK_S)
RESUME = Call("recorder", "resume", ResumeSession, StartedSession, DISK_S)
STATUS = Call("recorder", "status", StatusRequest, RecorderStatus)
DELETE = Call("recorder", "delete", DeleteSession, Nothing, DISK_S)
IMPORT = Call("recorder", "import", ImportSession, Nothing, DISK_S)
REPAIR = Call("recorder", "repair", RepairSession, Repaired, REPAIR_S)
