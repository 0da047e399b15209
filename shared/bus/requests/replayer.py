"""What is asked of the replayer, and what it answers."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from shared import fields
from shared.body import Body
from shared.bus.call import DISK_S, OPEN_S, Call
from shared.bus.messages import ReplayStatus


class CursorRequest(Body):
    """``next``, ``previous``, ``pause``, ``stop``, ``status``: to a named cursor.

    ``next`` and ``previous`` are answered with :class:`ReplayedFrame` (payload: the PNG), the others with
    :class:`ReplayStatus`. Errors: ``not_replaying``, ``frame_missing``, ``frame_corrupt`` (the cursor moves past it).
    """

    cursor: fields.CursorName = "default"


class StartReplay(CursorRequest):
    """``start``: put the cursor before the first frame of a session. Answered with :class:`ReplayStatus`."""

    session_id: fields.SessionLookedFor


class Seek(CursorRequest):
    """``seek``: the next ``next`` gives the frame of this index."""

    index: fields.Index


class Play(CursorRequest):
    """``play``: show the session's frames on ``replays`` at their recorded times, from the cursor's place on.

    What is None stays as it was: speed 1 and no loop at first. Answered with :class:`ReplayStatus`.
    """

    speed: fields.Speed | None = None
    loop: fields.Flag | None = None


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
    recorded), ``invalid_request`` (the prompts, or a model that the generator may not load), ``generator_unavailable``,
    ``generator_loading``, ``recorder_unavailable``.
    """

    session_id: fields.SessionLookedFor
    """The session to be made again."""
    into: fields.SessionId
    """Id of the new session."""
    model: fields.Name | None = None
    """Id, or the beginning of the revision, of the model that the generator runs, or a name that it may load."""
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


START = Call("replayer", "start", StartReplay, ReplayStatus, OPEN_S)
NEXT = Call("replayer", "next", CursorRequest, ReplayedFrame, DISK_S)
PREVIOUS = Call("replayer", "previous", CursorRequest, ReplayedFrame, DISK_S)
SEEK = Call("replayer", "seek", Seek, ReplayStatus, DISK_S)
PLAY = Call("replayer", "play", Play, ReplayStatus, DISK_S)
PAUSE = Call("replayer", "pause", CursorRequest, ReplayStatus, DISK_S)
STOP = Call("replayer", "stop", CursorRequest, ReplayStatus, DISK_S)
STATUS = Call("replayer", "status", CursorRequest, ReplayStatus, DISK_S)
RERUN = Call("replayer", "rerun", StartRerun, RerunState, OPEN_S)
RERUN_STATUS = Call("replayer", "rerun.status", RerunRequest, RerunState, DISK_S)
RERUN_CANCEL = Call("replayer", "rerun.cancel", RerunRequest, RerunState, DISK_S)
